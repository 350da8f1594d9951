//! One whole future of a shipped scenario, all acts, and what it costs per simulated request.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_core::Seed;
use sim_models::run::play;
use std::path::Path;
use std::time::Duration;

fn scenario(c: &mut Criterion) {
    let mut group = c.benchmark_group("scenario");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    for name in ["steady", "node-loss"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.ron"));
        let scenario = sim_cli::load::scenario(&file).expect("a shipped scenario is sound").typical;
        let once = play(&scenario, Seed(1), 0, false).expect("inside the budget");
        group.throughput(Throughput::Elements(once.requests));
        group.bench_function(name, |b| {
            b.iter(|| play(&scenario, Seed(1), 0, false).expect("inside the budget").events)
        });
    }
    group.finish();
}

criterion_group!(benches, scenario);
criterion_main!(benches);
