//! The pending-event set: a total order on `(time, class, sequence)` and O(1) cancellation.
//!
//! The key is one `u128`, `time:64 | class:4 | sequence:36 | slot:24`, so that one compare decides. Events
//! live in a slab beside the heap; the key carries the slot. The sequence counts *per class*: an observer
//! that schedules more or fewer events never changes the order of anything else.
//!
//! Push and pop are O(log n), cancel is O(1): the payload goes at once, the dead key when it is popped.

use crate::sim::Class;
use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SLOT_BITS: u32 = 24;
const SEQ_BITS: u32 = 36;

/// Names one pending event, for [`Queue::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

#[derive(Clone, Debug)]
struct Slot<E> {
    generation: u32,
    event: Option<E>,
}

/// Pending events in their total order.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<u128>>,
    slots: Vec<Slot<E>>,
    free: Vec<u32>,
    sequence: [u64; 16],
}

impl<E: Copy> Default for Queue<E> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), sequence: [0; 16] }
    }
}

impl<E: Copy> Queue<E> {
    /// Schedules `event`. O(log n).
    ///
    /// # Panics
    /// Beyond 2^24 pending events or 2^36 events of one class, which a budget stops long before.
    pub fn push(&mut self, time: SimTime, class: Class, event: E) -> Handle {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, event: None });
            self.slots.len() as u32 - 1
        });
        assert!(slot < 1 << SLOT_BITS, "more than 2^{SLOT_BITS} pending events");
        let sequence = self.sequence[class as usize];
        assert!(sequence < 1 << SEQ_BITS, "more than 2^{SEQ_BITS} events of one class");
        self.sequence[class as usize] = sequence + 1;
        self.slots[slot as usize].event = Some(event);
        let order = u128::from((class as u64) << SEQ_BITS | sequence);
        self.heap.push(Reverse(u128::from(time.0) << 64 | order << SLOT_BITS | u128::from(slot)));
        Handle { slot, generation: self.slots[slot as usize].generation }
    }

    /// Takes the event back, or `None` if it has fired or was cancelled. O(1).
    pub fn cancel(&mut self, handle: Handle) -> Option<E> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        // The slot stays occupied until its key is popped, so that no other event can be named by that key.
        if slot.generation == handle.generation { slot.event.take() } else { None }
    }

    /// The next event if it is due at `end` or before. O(log n), amortised over cancelled keys.
    pub fn pop_until(&mut self, end: SimTime) -> Option<(SimTime, E)> {
        loop {
            let &Reverse(key) = self.heap.peek()?;
            let time = SimTime((key >> 64) as u64);
            if time > end {
                return None;
            }
            self.heap.pop();
            if let Some(event) = self.release((key & ((1 << SLOT_BITS) - 1)) as u32) {
                return Some((time, event));
            }
        }
    }

    fn release(&mut self, index: u32) -> Option<E> {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        slot.event.take()
    }

    /// Pending keys, cancelled ones that have not surfaced included.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Nothing pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Streams};
    use std::collections::BTreeMap;

    const CLASSES: [Class; 6] =
        [Class::Failure, Class::Completion, Class::Arrival, Class::Settle, Class::Sampling, Class::Stop];

    /// Against a `BTreeMap` on (time, class, order of scheduling), with ties, zero delays, cancellations
    /// and far jumps: the same events in the same order.
    #[test]
    fn agrees_with_an_ordered_map() {
        let mut rng = Streams::new(Seed(1), 0).stream("queue", "test");
        let mut queue = Queue::default();
        let mut map = BTreeMap::new();
        let mut handles = Vec::new();
        let (mut now, mut order) = (SimTime::ZERO, 0u64);
        for step in 0..40_000u64 {
            match rng.below(10) {
                0..5 => {
                    let gap = [0, 1, 100, 1 << 40][rng.below(4) as usize];
                    let time = SimTime(now.0 + rng.below(gap + 1));
                    let class = CLASSES[rng.below(6) as usize];
                    handles.push((queue.push(time, class, step), (time, class as u8, order)));
                    map.insert((time, class as u8, order), step);
                    order += 1;
                }
                5..6 if !handles.is_empty() => {
                    let (handle, key) = handles.swap_remove(rng.below(handles.len() as u64) as usize);
                    assert_eq!(queue.cancel(handle), map.remove(&key));
                    assert_eq!(queue.cancel(handle), None);
                }
                _ => {
                    let expected = map.pop_first().map(|((t, _, _), e)| (t, e));
                    assert_eq!(queue.pop_until(SimTime::NEVER), expected);
                    now = expected.map_or(now, |(t, _)| t);
                }
            }
        }
    }

    #[test]
    fn nothing_comes_out_before_its_time() {
        let mut q = Queue::default();
        q.push(SimTime(5), Class::Arrival, 'a');
        assert_eq!(q.pop_until(SimTime(4)), None);
        assert_eq!(q.pop_until(SimTime(5)), Some((SimTime(5), 'a')));
    }
}
