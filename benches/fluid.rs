//! The flow solver on a leaf-spine net of 64 dual-homed hosts, 8 leaves and 4 spines, at a constant number
//! of flows: one completion and one arrival per step.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::fluid::{FlowSpec, Fluid, LinkId};
use sim_core::{Bytes, Rate, Seed, SimTime, Stream, Streams};

const HOSTS: u64 = 64;
const LEAVES: u64 = 8;
const SPINES: u64 = 4;

struct Net {
    fluid: Fluid<u64>,
    up: Vec<LinkId>,
    down: Vec<LinkId>,
    leaf_up: Vec<LinkId>,
    leaf_down: Vec<LinkId>,
    luck: Stream,
    next: u64,
}

impl Net {
    fn new() -> Net {
        let mut fluid = Fluid::new();
        let mut links = |n: u64, gbps| (0..n).map(|_| fluid.add_link(Rate::gbps(gbps))).collect::<Vec<_>>();
        let (up, down) = (links(HOSTS * 2, 25), links(HOSTS * 2, 25));
        let (leaf_up, leaf_down) = (links(LEAVES * SPINES, 100), links(LEAVES * SPINES, 100));
        let luck = Streams::new(Seed(1), 0).stream("fluid", "bench");
        Net { fluid, up, down, leaf_up, leaf_down, luck, next: 0 }
    }

    fn start(&mut self, now: SimTime) {
        let (from, to) = (self.luck.below(HOSTS), self.luck.below(HOSTS));
        let (leg_a, leg_b, spine) = (self.luck.below(2), self.luck.below(2), self.luck.below(SPINES));
        let leaf = |host: u64, leg: u64| (host / 16 * 2 + leg) % LEAVES;
        let path = [
            self.up[(from * 2 + leg_a) as usize],
            self.leaf_up[(leaf(from, leg_a) * SPINES + spine) as usize],
            self.leaf_down[(leaf(to, leg_b) * SPINES + spine) as usize],
            self.down[(to * 2 + leg_b) as usize],
        ];
        self.next += 1;
        let bytes = Some(Bytes(1_000_000 + self.luck.below(2_000_000_000)));
        let key = self.next;
        self.fluid.start(now, FlowSpec { path: &path, bytes, weight: 1, cap: None, key, tag: key });
    }
}

fn closed(c: &mut Criterion) {
    const STEPS: u64 = 200;
    let mut group = c.benchmark_group("fluid");
    group.throughput(Throughput::Elements(2 * STEPS)).sample_size(20);
    for flows in [100u64, 1000, 3000] {
        let mut net = Net::new();
        let mut now = SimTime::ZERO;
        (0..flows).for_each(|_| net.start(now));
        net.fluid.settle(now);
        let mut finished = Vec::new();
        group.bench_function(BenchmarkId::new("closed", flows), |b| {
            b.iter(|| {
                for _ in 0..STEPS {
                    now = net.fluid.next_completion().expect("flows are under way");
                    finished.clear();
                    net.fluid.take_finished(now, &mut finished);
                    (0..finished.len()).for_each(|_| net.start(now));
                    net.fluid.settle(now);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, closed);
criterion_main!(benches);
