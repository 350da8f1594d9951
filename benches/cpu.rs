//! What one solve of a CPU pool costs: equal weights, by the number of vCPUs and of different demands, and
//! a controller VM of a weight of its own.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sim_models::cpu::pool::{Capacity, Member, solve};
use sim_models::cpu::weighted::{Class, Effort, wait_factors};
use std::hint::black_box;
use std::time::Duration;

/// `vms` VMs of `width` vCPUs on a quarter as many CPUs, offered 0.9; duties all different or all equal.
fn members(vms: u32, width: u32, different: bool) -> Vec<Member> {
    let spread = |i: u32| if different { 0.9 + 0.2 * f64::from(i) / f64::from(vms - 1) } else { 1.0 };
    (0..vms).map(|i| Member { vcpus: width, duty: 0.225 * spread(i) }).collect()
}

fn equal_weights(c: &mut Criterion) {
    let mut group = c.benchmark_group("pool");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    for (vms, width, different) in
        [(16, 4, true), (64, 4, true), (256, 1, true), (64, 4, false), (256, 4, true)]
    {
        let members = members(vms, width, different);
        let capacity = Capacity::cpus(vms * width / 4);
        let duties = if different { "different" } else { "equal" };
        let id = BenchmarkId::new(format!("{duties} duties"), format!("{vms} x {width}"));
        group.bench_function(id, |b| b.iter(|| solve(black_box(capacity), black_box(&members))));
    }
    group.finish();
}

fn a_controller_vm(c: &mut Criterion) {
    let mut group = c.benchmark_group("weighted");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    for guests in [60, 120, 240] {
        let controller =
            Class { vcpus: 12, duty: 0.3, burst: 1e-4, weight: 4.0, reserved: 0.0, grouped: false };
        let guest = Class { vcpus: guests, duty: 0.22, burst: 5e-3, weight: 1.0, ..controller };
        let capacity = Capacity::cpus(guests / 4 + 3);
        group.bench_function(BenchmarkId::from_parameter(guests), |b| {
            b.iter(|| wait_factors(black_box(capacity), black_box(&[guest, controller]), Effort::QUICK))
        });
    }
    group.finish();
}

criterion_group!(benches, equal_weights, a_controller_vm);
criterion_main!(benches);
