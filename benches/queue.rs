//! The pending-event set alone: the hold model (pop one, push one) at three sizes and under three laws.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::queue::Queue;
use sim_core::{Class, Dist, Seed, SimTime, Stream, Streams};

/// Increments in ns.
#[derive(Clone, Copy, Debug)]
enum Law {
    /// Exponential, mean 1 s.
    Exponential,
    /// Whole milliseconds: many ties.
    Tied,
    /// 70 % of 10 us, 25 % of 1 ms, 5 % of 1 s: the scales of requests, rounds and timers.
    Mixed,
}

fn increment(law: Law, luck: &mut Stream) -> u64 {
    let exponential =
        |luck: &mut Stream, mean: f64| Dist::exponential(mean).expect("a positive mean").sample(luck) as u64;
    match law {
        Law::Exponential => exponential(luck, 1e9),
        Law::Tied => exponential(luck, 1e9) / 1_000_000 * 1_000_000,
        Law::Mixed => match luck.below(100) {
            0..70 => exponential(luck, 1e4),
            70..95 => exponential(luck, 1e6),
            _ => exponential(luck, 1e9),
        },
    }
}

fn hold(c: &mut Criterion) {
    const HOLDS: u64 = 100_000;
    let mut group = c.benchmark_group("hold");
    group.throughput(Throughput::Elements(HOLDS)).sample_size(20);
    for law in [Law::Exponential, Law::Tied, Law::Mixed] {
        for pending in [100u32, 10_000, 1_000_000] {
            let mut luck = Streams::new(Seed(1), 0).stream("hold", "increments");
            let mut queue = Queue::default();
            for i in 0..pending {
                queue.push(SimTime(increment(law, &mut luck)), Class::Arrival, i);
            }
            group.bench_function(BenchmarkId::new(format!("{law:?}"), pending), |b| {
                b.iter(|| {
                    for _ in 0..HOLDS {
                        let (now, event) = queue.pop_until(SimTime::NEVER).expect("held at a constant size");
                        queue.push(SimTime(now.0 + increment(law, &mut luck)), Class::Arrival, event);
                    }
                });
            });
        }
    }
    group.finish();
}

fn fork(c: &mut Criterion) {
    let mut luck = Streams::new(Seed(1), 0).stream("fork", "increments");
    let mut queue = Queue::default();
    for i in 0..10_000u32 {
        queue.push(SimTime(increment(Law::Mixed, &mut luck)), Class::Arrival, [i; 6]);
    }
    c.bench_function("fork/10000 pending", |b| b.iter(|| queue.clone()));
}

criterion_group!(benches, hold, fork);
criterion_main!(benches);
