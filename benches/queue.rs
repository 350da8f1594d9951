//! The pending-event set alone: the hold model (pop one, push one) at three sizes and under four laws, beside
//! the two bare orders of keys that bound it: a binary heap of the standard library, and the ladder alone.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::queue::{Queue, ladder::Ladder};
use sim_core::{Class, SimTime};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

mod common;
use common::Luck;

/// Increments in ns.
#[derive(Clone, Copy, Debug)]
enum Law {
    /// Exponential, mean 1 s.
    Exponential,
    /// 90 % uniform up to 0.95 s, 10 % that and 9.5 s more.
    Bimodal,
    /// Exponential in whole steps of 10 ms: many ties.
    Tied,
    /// 70 % of 10 us, 25 % of 1 ms, 5 % of 1 s: the scales of requests, rounds and timers.
    Mixed,
}

impl Law {
    #[inline]
    fn increment(self, luck: &mut Luck) -> u64 {
        match self {
            Law::Exponential => luck.exponential(1e9),
            Law::Bimodal => {
                let near = u64::from(luck.below(952_380_000));
                if luck.below(10) == 0 { near + 9_523_800_000 } else { near }
            }
            Law::Tied => luck.exponential(1e9).next_multiple_of(10_000_000),
            Law::Mixed => match luck.below(100) {
                0..70 => luck.exponential(1e4),
                70..95 => luck.exponential(1e6),
                _ => luck.exponential(1e9),
            },
        }
    }
}

/// What the hold model asks of a queue; what is queued is a number, in as many bytes as an event has.
trait Hold: Default {
    const NAME: &'static str;
    fn push(&mut self, time: u64, event: u32);
    fn pop(&mut self) -> (u64, u32);
}

/// As large as the events of the simulator.
type Event = [u32; 6];

impl Hold for Queue<Event> {
    const NAME: &'static str = "queue";
    #[inline]
    fn push(&mut self, time: u64, event: u32) {
        Queue::push(self, SimTime(time), Class::Arrival, [event; 6]);
    }
    #[inline]
    fn pop(&mut self) -> (u64, u32) {
        let (time, event) = self.pop_until(SimTime::NEVER).expect("held at a constant size");
        (time.0, event[0])
    }
}

/// Keys of time:64, sequence:40, event:24, without anything beside them.
#[derive(Default)]
struct Bare<Keys> {
    keys: Keys,
    sequence: u64,
}

impl<Keys> Bare<Keys> {
    #[inline]
    fn key(&mut self, time: u64, event: u32) -> u128 {
        self.sequence += 1;
        u128::from(time) << 64 | u128::from(self.sequence << 24 | u64::from(event))
    }
}

fn split(key: u128) -> (u64, u32) {
    ((key >> 64) as u64, key as u32 & 0xff_ffff)
}

impl Hold for Bare<Ladder> {
    const NAME: &'static str = "bare ladder";
    #[inline]
    fn push(&mut self, time: u64, event: u32) {
        let key = self.key(time, event);
        self.keys.push(key);
    }
    #[inline]
    fn pop(&mut self) -> (u64, u32) {
        split(self.keys.pop_until(u128::MAX, |_| true).expect("held at a constant size"))
    }
}

impl Hold for Bare<BinaryHeap<Reverse<u128>>> {
    const NAME: &'static str = "bare heap";
    #[inline]
    fn push(&mut self, time: u64, event: u32) {
        let key = self.key(time, event);
        self.keys.push(Reverse(key));
    }
    #[inline]
    fn pop(&mut self) -> (u64, u32) {
        split(self.keys.pop().expect("held at a constant size").0)
    }
}

const HOLDS: u64 = 100_000;

fn hold<Q: Hold>(group: &mut BenchmarkGroup<'_, WallTime>, law: Law, pending: u32) {
    let mut luck = Luck::new(42);
    let mut queue = Q::default();
    for i in 0..pending {
        queue.push(law.increment(&mut luck), i);
    }
    let mut run = |holds: u64| {
        for _ in 0..holds {
            let (now, event) = queue.pop();
            queue.push(now + law.increment(&mut luck), event);
        }
    };
    run(2 * u64::from(pending)); // to the steady state
    group.bench_function(BenchmarkId::new(Q::NAME, pending), |b| b.iter(|| run(HOLDS)));
}

fn holds(c: &mut Criterion) {
    for law in [Law::Exponential, Law::Bimodal, Law::Tied, Law::Mixed] {
        let mut group = c.benchmark_group(format!("hold {law:?}"));
        group.throughput(Throughput::Elements(HOLDS)).sample_size(10);
        for pending in [100, 10_000, 1_000_000] {
            hold::<Bare<BinaryHeap<Reverse<u128>>>>(&mut group, law, pending);
            hold::<Bare<Ladder>>(&mut group, law, pending);
            hold::<Queue<Event>>(&mut group, law, pending);
        }
        group.finish();
    }
}

fn fork(c: &mut Criterion) {
    let mut luck = Luck::new(42);
    let mut queue = Queue::default();
    for i in 0..10_000 {
        Hold::push(&mut queue, Law::Mixed.increment(&mut luck), i);
    }
    c.bench_function("fork/10000 pending", |b| b.iter(|| queue.clone()));
}

criterion_group!(benches, holds, fork);
criterion_main!(benches);
