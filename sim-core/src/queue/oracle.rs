//! The queue against a `BTreeMap` on (time, class, order of scheduling): the same events, in the same order.

use super::*;
use crate::rng::{Seed, Stream, Streams};
use std::collections::BTreeMap;

const CLASSES: [Class; 6] =
    [Class::Failure, Class::Completion, Class::Arrival, Class::Settle, Class::Sampling, Class::Stop];

type Key = (SimTime, u8, u64);

/// A queue and its slow twin, which do everything together.
#[derive(Clone)]
struct Pair {
    queue: Queue<u64>,
    map: BTreeMap<Key, u64>,
    handles: Vec<(Handle, Key)>,
    now: SimTime,
    pushed: u64,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            queue: Queue::default(),
            map: BTreeMap::new(),
            handles: Vec::new(),
            now: SimTime::ZERO,
            pushed: 0,
        }
    }

    fn push(&mut self, time: SimTime, class: Class) {
        let key = (time, class as u8, self.pushed);
        self.handles.push((self.queue.push(time, class, self.pushed), key));
        self.map.insert(key, self.pushed);
        self.pushed += 1;
    }

    fn cancel(&mut self, which: u64) {
        let (handle, key) = self.handles.swap_remove(which as usize);
        assert_eq!(self.queue.cancel(handle), self.map.remove(&key));
        assert_eq!(self.queue.cancel(handle), None);
    }

    fn pop_until(&mut self, end: SimTime) -> bool {
        let due = self.map.first_key_value().is_some_and(|(&(time, ..), _)| time <= end);
        let expected = if due { self.map.pop_first().map(|((time, ..), e)| (time, e)) } else { None };
        assert_eq!(self.queue.pop_until(end), expected);
        assert_eq!((self.queue.len(), self.queue.is_empty()), (self.map.len(), self.map.is_empty()));
        self.now = expected.map_or(self.now, |(time, _)| time);
        expected.is_some()
    }

    fn drain(&mut self) {
        while self.pop_until(SimTime::NEVER) {}
    }
}

fn luck(purpose: &str) -> Stream {
    Streams::new(Seed(1), 0).stream("queue", purpose)
}

fn any_class(rng: &mut Stream) -> Class {
    CLASSES[rng.below(6) as usize]
}

/// One random act. `growth` of 100 acts push; the others pop, pause, cancel, or push the extraordinary:
/// bursts at one instant, and times before the present.
fn act(pair: &mut Pair, rng: &mut Stream, growth: u64) {
    if rng.below(100) < growth {
        let gap = [0, 1, 100, 1 << 20, 1 << 40][rng.below(5) as usize];
        let time = SimTime(pair.now.0 + rng.below(gap + 1));
        return pair.push(time, any_class(rng));
    }
    match rng.below(100) {
        0..10 if !pair.handles.is_empty() => pair.cancel(rng.below(pair.handles.len() as u64)),
        10..20 => {
            // A pause: nothing due, then scheduling at the pause, before whatever comes next.
            let scale = rng.below(24);
            let end = SimTime(pair.now.0 + rng.below(1 << scale));
            while pair.pop_until(end) {}
            pair.now = end;
        }
        20 => {
            let (at, count) = (SimTime(pair.now.0 + rng.below(50)), rng.below(300));
            (0..count).for_each(|_| pair.push(at, any_class(rng)));
        }
        21 => {
            let (scale, count) = (rng.below(40), rng.below(200));
            let back = rng.below(1 << scale);
            (0..count).for_each(|_| {
                let time = pair.now.0.saturating_sub(rng.below(back + 1));
                pair.push(SimTime(time), any_class(rng));
            });
        }
        _ => {
            pair.pop_until(SimTime::NEVER);
        }
    }
}

#[test]
fn any_mix_of_acts_comes_out_in_order() {
    let mut rng = luck("acts");
    for growth in [30, 45, 60] {
        for _ in 0..10 {
            let mut pair = Pair::new();
            for _ in 0..3_000 {
                act(&mut pair, &mut rng, growth);
            }
            pair.drain();
        }
    }
}

/// Thousands pending, most of them far ahead: keys pass every level on their way down.
#[test]
fn many_pending_events_come_out_in_order() {
    let mut rng = luck("many");
    let mut pair = Pair::new();
    for _ in 0..50_000 {
        let scale = rng.below(45);
        pair.push(SimTime(rng.below(1 << scale)), any_class(&mut rng));
    }
    for _ in 0..50_000 {
        pair.pop_until(SimTime::NEVER);
        let scale = rng.below(45);
        pair.push(SimTime(pair.now.0 + rng.below(1 << scale)), any_class(&mut rng));
    }
    pair.push(SimTime::NEVER, Class::Stop);
    pair.drain();
    assert_eq!(pair.now, SimTime::NEVER);
}

/// A cascade at one instant: every event that fires schedules others for now, some of a class that goes
/// before its own.
#[test]
fn a_burst_at_one_instant_comes_out_in_order() {
    let mut rng = luck("burst");
    let mut pair = Pair::new();
    let instant = SimTime(1 << 33);
    (0..20_000).for_each(|_| pair.push(instant, any_class(&mut rng)));
    (0..5_000).for_each(|i| pair.push(SimTime(instant.0 + i), Class::Arrival));
    for _ in 0..20_000 {
        pair.pop_until(instant);
        pair.push(instant, any_class(&mut rng));
    }
    pair.drain();
}

/// A pause short of a crowd of events, then pushes before the pause: they are below all that the pause
/// has put in order.
#[test]
fn pushes_before_a_pause_come_out_in_order() {
    let mut rng = luck("pause");
    let mut pair = Pair::new();
    for _ in 0..300 {
        let (start, gap) = (pair.now.0, 1 + rng.below(1 << 16));
        for _ in 0..200 {
            pair.push(SimTime(start + gap + rng.below(gap)), any_class(&mut rng));
        }
        let pause = start + rng.below(2 * gap);
        while pair.pop_until(SimTime(pause)) {}
        for _ in 0..3 {
            pair.push(SimTime(start + rng.below(pause - start + 1)), any_class(&mut rng));
        }
        for _ in 0..150 {
            pair.pop_until(SimTime::NEVER);
        }
    }
    pair.drain();
}

/// Timers that are nearly all taken back: dead keys are swept, and no slot is reused under a dead key.
#[test]
fn cancelled_events_leave_nothing_behind() {
    let mut rng = luck("cancel");
    let mut pair = Pair::new();
    for _ in 0..60_000 {
        let time = SimTime(pair.now.0 + 1 + rng.below(1 << 30));
        pair.push(time, any_class(&mut rng));
        if pair.handles.len() > 200 {
            pair.cancel(rng.below(200));
        }
        if rng.below(50) == 0 {
            pair.pop_until(SimTime::NEVER);
        }
    }
    pair.drain();
    let count = pair.queue.slots.len();
    assert!(count <= 2 * 201 + SWEEP, "{count} slots for at most 201 events");
}

#[test]
fn a_clone_goes_the_same_way_and_its_own() {
    let mut rng = luck("clone");
    let mut pair = Pair::new();
    for round in 0..20 {
        (0..500).for_each(|_| act(&mut pair, &mut rng, 60));
        let (mut twin, mut left, mut right) = (pair.clone(), luck("future"), luck("future"));
        if round % 2 == 1 {
            right = luck("other future");
        }
        (0..500).for_each(|_| act(&mut twin, &mut right, 40));
        (0..500).for_each(|_| act(&mut pair, &mut left, 40));
        if round % 2 == 0 {
            assert_eq!(pair.handles, twin.handles);
        }
        twin.drain();
    }
    pair.drain();
}

#[test]
fn a_handle_names_one_event_only() {
    let mut q = Queue::default();
    let first = q.push(SimTime(1), Class::Arrival, 'a');
    assert_eq!(q.pop_until(SimTime::NEVER), Some((SimTime(1), 'a')));
    q.push(SimTime(2), Class::Arrival, 'b'); // in the slot of the first
    assert_eq!(q.cancel(first), None);
    assert_eq!(q.pop_until(SimTime::NEVER), Some((SimTime(2), 'b')));
}

#[test]
fn nothing_comes_out_before_its_time() {
    let mut q = Queue::default();
    q.push(SimTime(5), Class::Arrival, 'a');
    assert_eq!(q.pop_until(SimTime(4)), None);
    assert_eq!(q.pop_until(SimTime(5)), Some((SimTime(5), 'a')));
}

/// Increments of 10 us, 1 ms and 1 s by the same chances as in the bench `queue`.
fn mixed_gap(rng: &mut Stream) -> u64 {
    let mean = match rng.below(100) {
        0..70 => 1e4,
        70..95 => 1e6,
        _ => 1e9,
    };
    (-libm::log(rng.uniform_open()) * mean) as u64 + 1
}

/// A warm queue does not allocate per event. Its memory is slots and arrays of keys, which only grow, and an
/// allocation of an array gives room for at least 4 keys: if the room has grown by r in n events, there were at
/// most r / 4 allocations. Here fewer than one in 10,000 events is asked for: r <= 4 n / 10,000.
#[test]
fn a_warm_queue_does_not_allocate_per_event() {
    const PENDING: usize = 1_000;
    const EVENTS: usize = 300 * PENDING;
    let mut rng = luck("room");
    let mut queue = Queue::default();
    for i in 0..PENDING as u64 {
        queue.push(SimTime(mixed_gap(&mut rng)), Class::Arrival, i);
    }
    let mut hold = |events: usize| {
        for _ in 0..events {
            let (now, event) = queue.pop_until(SimTime::NEVER).expect("held at a constant size");
            let handle = queue.push(SimTime(now.0 + mixed_gap(&mut rng)), Class::Arrival, event);
            if event % 8 == 0 {
                queue.cancel(handle);
                queue.push(SimTime(now.0 + mixed_gap(&mut rng)), Class::Completion, event);
            }
        }
        (queue.slots.len(), queue.ladder.room())
    };
    let (slots, room) = hold(EVENTS);
    let (slots_after, room_after) = hold(EVENTS);
    assert!(slots_after <= slots + slots / 50, "{slots} slots, then {slots_after}");
    assert!(room_after <= room + 4 * EVENTS / 10_000, "room for {room} keys, then {room_after}");
}

/// The front takes what comes before all it holds, what comes after, and what falls between, and hands over
/// to the buckets when it is long: the keys of a random walk around the present.
#[test]
fn a_front_that_fills_from_both_sides_comes_out_in_order() {
    let mut rng = luck("front");
    let mut pair = Pair::new();
    for round in 0..400 {
        let centre = pair.now.0 + 1_000;
        for i in 0..150 {
            let time = match round % 3 {
                0 => centre - i,
                1 => centre + i,
                _ => centre + rng.below(200),
            };
            pair.push(SimTime(time), any_class(&mut rng));
        }
        (0..if round % 2 == 0 { 150 } else { 140 }).for_each(|_| {
            pair.pop_until(SimTime::NEVER);
        });
    }
    pair.drain();
}
