//! Pre-copy over a link of its own: evaluations per second and core, as an optimiser or an admission test
//! would ask for them. Working sets, rates, caps and limits of the measured runs' kind.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::{Bytes, Rate, Span};
use sim_models::migration::precopy::{Alone, Burst, Link, Rules, alone};
use sim_models::scenario::{DirtyClass, Dirtying};
use sim_models::vm::dirty::DirtyMemory;
use std::hint::black_box;

/// A guest of 1 GiB, half of it zero pages, with a hot and a cold part; it converges in about six rounds.
fn guest(dirtying: &Dirtying) -> Alone {
    let memory = DirtyMemory::new(dirtying, Bytes::gib(1), 0.5);
    let rules = Rules { downtime_limit: Span::ms(100), clear_chunk: None, ..Rules::QEMU };
    Alone { setup: Span::ms(12), fixed_stun: Span::ms(5), ..Alone::bare(rules, memory) }
}

fn precopy(c: &mut Criterion) {
    let mut group = c.benchmark_group("precopy");
    group.throughput(Throughput::Elements(1));
    let class = |pages, writes_per_s| DirtyClass { pages, writes_per_s };
    let laws = [
        ("uniform", Dirtying::Classes(vec![class(32_768, 8000.0)])),
        ("hot-cold", Dirtying::Classes(vec![class(2048, 9000.0), class(63_488, 1000.0)])),
        ("power-law", Dirtying::PowerLaw { a: 5000.0, b: 0.6 }),
    ];
    let fluid = Link::plain(Rate::gbps(1));
    let capped = Link {
        burst: Some(Burst::of_qemu(Rate::mib_per_s(64), Bytes(131_328), 0)),
        ..Link::plain(Rate(2_000_000_000))
    };
    for (name, law) in &laws {
        let guest = guest(law);
        for (how, link) in [("fluid", &fluid), ("capped", &capped)] {
            group.bench_function(BenchmarkId::new(*name, how), |b| b.iter(|| alone(black_box(&guest), link)));
        }
    }
    group.finish();
}

criterion_group!(benches, precopy);
criterion_main!(benches);
