//! The flow solver at a constant number of flows on a leaf-spine network: one completion and one arrival per
//! step. `cargo bench --bench simgrid` runs the same lists beside SimGrid.

#[path = "simgrid/list.rs"]
mod list;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use list::{List, Loop};

fn closed(c: &mut Criterion) {
    const STEPS: u64 = 200;
    let list = List::new(50_000);
    let mut group = c.benchmark_group("fluid");
    group.throughput(Throughput::Elements(2 * STEPS)).sample_size(20);
    for flows in [100, 300, 1000, 3000] {
        let mut run = Loop::new(&list, flows);
        group.bench_function(BenchmarkId::new("closed", flows), |b| {
            b.iter(|| (0..STEPS).for_each(|_| assert!(run.step(usize::MAX) > 0)));
        });
    }
    group.finish();
}

criterion_group!(benches, closed);
criterion_main!(benches);
