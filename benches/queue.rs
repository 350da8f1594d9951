//! The hold model (pop one, push one) at three sizes and under four laws: bare orders of keys that bound what
//! an engine can do, the kernel's queue alone, and the kernel whole, on its public interface.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::queue::Queue;
use sim_core::{Class, SimTime};

mod common;
#[allow(dead_code)]
mod reference;
#[allow(dead_code)]
mod work;

use reference::{Bare, BareHold, OpenHeap, RadixLadder, TupleHeap, Wheel};
use work::Law;

/// As large as the events of the simulator.
type Event = [u32; 6];

impl Bare for Queue<Event> {
    const NAME: &'static str = "queue alone";
    #[inline]
    fn push(&mut self, time: u64, _: u64, event: u32) {
        Queue::push(self, SimTime(time), Class::Arrival, [event; 6]);
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        self.pop_until(SimTime::NEVER).map(|(time, event)| (time.0, event[0]))
    }
}

const HOLDS: u64 = 100_000;

fn bare<Q: Bare>(group: &mut BenchmarkGroup<'_, WallTime>, law: Law, pending: u32) {
    let mut hold = BareHold::<Q>::new(law, pending);
    hold.run(2 * u64::from(pending)); // to the steady state
    group.bench_function(BenchmarkId::new(Q::NAME, pending), |b| b.iter(|| hold.run(HOLDS)));
}

fn kernel(group: &mut BenchmarkGroup<'_, WallTime>, law: Law, pending: u32) {
    let per_second = f64::from(pending) * 1e9 / law.mean();
    let mut sim = work::hold(law, pending);
    work::run(&mut sim, 2 * u64::from(pending), per_second);
    group.bench_function(BenchmarkId::new("kernel", pending), |b| {
        b.iter(|| work::run(&mut sim, HOLDS, per_second));
    });
}

fn holds(c: &mut Criterion) {
    for law in Law::ALL {
        let mut group = c.benchmark_group(format!("hold {law:?}"));
        group.throughput(Throughput::Elements(HOLDS)).sample_size(10);
        for pending in [100, 10_000, 1_000_000] {
            bare::<TupleHeap>(&mut group, law, pending);
            bare::<OpenHeap>(&mut group, law, pending);
            bare::<Wheel>(&mut group, law, pending);
            bare::<RadixLadder>(&mut group, law, pending);
            bare::<Queue<Event>>(&mut group, law, pending);
            kernel(&mut group, law, pending);
        }
        group.finish();
    }
}

criterion_group!(benches, holds);
criterion_main!(benches);
