//! The kernel on its public interface, digest and budget on: PHOLD, M/M/1, cancel-heavy work and forks, each
//! beside a bare queue that holds as many events. The hold model is in the bench `queue`.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::{Model, SimTime, Simulation};

mod common;
#[allow(dead_code)]
mod reference;
#[allow(dead_code)]
mod work;

use reference::{Bare, BareHold, RadixLadder};
use work::Law;

const EVENTS: u64 = 100_000;

fn group<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(EVENTS)).sample_size(10);
    group
}

/// The measure of the same run: exponential hold on the bare radix ladder.
fn reference(group: &mut BenchmarkGroup<'_, WallTime>, pending: u32) {
    let mut hold = BareHold::<RadixLadder>::new(Law::Exponential, pending);
    hold.run(2 * u64::from(pending));
    group.bench_function(format!("{}, hold {pending}", RadixLadder::NAME), |b| b.iter(|| hold.run(EVENTS)));
}

fn steady<M: Model>(group: &mut BenchmarkGroup<'_, WallTime>, mut sim: Simulation<M>, pending: u32) {
    let per_second = f64::from(pending); // the mean delay is a second
    work::run(&mut sim, 2 * u64::from(pending), per_second);
    group.bench_function("kernel", |b| b.iter(|| work::run(&mut sim, EVENTS, per_second)));
}

fn phold(c: &mut Criterion) {
    let pending = work::PROCESSES * work::MESSAGES_EACH;
    let mut group = group(c, "phold");
    reference(&mut group, pending);
    steady(&mut group, work::phold(), pending);
    group.finish();
}

fn cancel(c: &mut Criterion) {
    let mut group = group(c, "cancel");
    reference(&mut group, 10_000);
    steady(&mut group, work::cancel(10_000), 10_000);
    group.finish();
}

fn mm1(c: &mut Criterion) {
    let mut group = group(c, "mm1");
    reference(&mut group, 2);
    group.bench_function("kernel", |b| {
        b.iter(|| {
            let mut sim = work::mm1(EVENTS / 2);
            sim.run_until(SimTime::NEVER).expect("inside the budget");
            sim.model.sojourn
        });
    });
    group.finish();
}

/// A copy of 10,000 pending events: of the whole simulation, and of the bare queue's keys.
fn fork(c: &mut Criterion) {
    let mut group = c.benchmark_group("fork 10000 pending");
    for law in [Law::Exponential, Law::Mixed] {
        let mut hold = BareHold::<RadixLadder>::new(law, 10_000);
        hold.run(20_000);
        group.bench_function(format!("{}, {law:?}", RadixLadder::NAME), |b| b.iter(|| hold.queue.clone()));
        let mut sim = work::hold(law, 10_000);
        work::run(&mut sim, 20_000, 1e13 / law.mean());
        group.bench_function(format!("kernel, {law:?}"), |b| b.iter(|| sim.clone()));
    }
    group.finish();
}

criterion_group!(benches, phold, mm1, cancel, fork);
criterion_main!(benches);
