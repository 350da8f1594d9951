//! Networks large enough for a change to reach some of the flows only, or too many for a ripple.

use super::*;
use crate::rng::{Seed, Stream, Streams};

const HOSTS: u64 = 24;
const SPINES: u64 = 3;

/// 24 hosts in racks of 6, a leaf each, 3 spines; many pairs, few of them twice.
struct Fabric {
    fluid: Fluid<u64>,
    links: Vec<LinkId>,
    luck: Stream,
    next: u64,
}

impl Fabric {
    fn new(name: &str) -> Fabric {
        let mut fluid = Fluid::new();
        let hosts = (0..2 * HOSTS).map(|_| Rate::gbps(25));
        let uplinks = (0..2 * (HOSTS / 6) * SPINES).map(|_| Rate::gbps(40));
        let links = hosts.chain(uplinks).collect::<Vec<_>>().into_iter().map(|c| fluid.add_link(c)).collect();
        Fabric { fluid, links, luck: Streams::new(Seed(0xF2), 0).stream("fluid", name), next: 0 }
    }

    fn path(&mut self) -> [LinkId; 4] {
        let luck = &mut self.luck;
        let (from, to, spine) = (luck.below(HOSTS), luck.below(HOSTS), luck.below(SPINES));
        let uplink = |host: u64| 2 * HOSTS + 2 * (host / 6 * SPINES + spine);
        [2 * from, uplink(from), uplink(to) + 1, 2 * to + 1].map(|link| self.links[link as usize])
    }

    fn start(&mut self, now: SimTime) {
        let path = self.path();
        let cap = (self.luck.below(5) == 0).then(|| Rate(1 + self.luck.below(300_000_000)));
        let weight = [1, 1, 1, 2, 1024][self.luck.below(5) as usize];
        let bytes = Some(Bytes(1 + self.luck.below(500_000_000)));
        self.next += 1;
        let (key, tag) = (self.next, self.next);
        self.fluid.start(now, FlowSpec { path: &path, bytes, weight, cap, key, tag });
    }

    /// Completions, each followed by a start; now and then something else changes.
    fn step(&mut self) -> SimTime {
        let now = self.fluid.next_completion().expect("flows are under way");
        let mut out = Vec::new();
        self.fluid.take_finished(now, &mut out);
        out.iter().for_each(|_| self.start(now));
        let flows: Vec<FlowId> = self.fluid.flows().map(|(id, _)| id).collect();
        let flow = flows[self.luck.below(flows.len() as u64) as usize];
        match self.luck.below(16) {
            0 => {
                let link = self.links[self.luck.below(self.links.len() as u64) as usize];
                self.fluid.set_capacity(now, link, Rate(1 + self.luck.below(5_000_000_000)));
            }
            1 => self.fluid.set_cap(now, flow, Some(Rate(1 + self.luck.below(1_000_000_000)))),
            2 => self.fluid.set_weight(now, flow, 3),
            3 => {
                let path = self.path();
                self.fluid.reroute(now, flow, &path);
            }
            4 => self.fluid.stall(now, flow),
            5 => self.fluid.resume(now, flow),
            _ => {}
        }
        self.fluid.settle(now);
        now
    }
}

fn rates(fluid: &Fluid<u64>) -> Vec<u64> {
    fluid.flows().map(|(id, _)| fluid.units(id)).collect()
}

/// After every step the rates, and what each link says of itself, are those of filling from zero.
#[test]
fn a_ripple_ends_where_filling_from_zero_does() {
    for (name, flows) in [("few", 40), ("some", 150), ("many", 500)] {
        let mut fabric = Fabric::new(name);
        (0..flows).for_each(|_| fabric.start(SimTime::ZERO));
        fabric.fluid.settle(SimTime::ZERO);
        for _ in 0..400 {
            fabric.step();
            let mut twin = fabric.fluid.clone();
            twin.net.fill_all();
            let of = |fluid: &Fluid<u64>, l: &LinkId| {
                (fluid.link_rate(*l), fluid.link_bottlenecked(*l), fluid.net.link(*l).full_at)
            };
            assert!(fabric.links.iter().all(|l| of(&fabric.fluid, l) == of(&twin, l)));
            assert_eq!(rates(&fabric.fluid), rates(&twin));
        }
    }
}

/// The work of a solve is in proportion to what changes: with few flows a completion and a start concern
/// some lanes, where filling opens nearly all of them. And where everything changes, filling takes over.
#[test]
fn a_small_change_looks_at_few_lanes() {
    let mut fabric = Fabric::new("work");
    (0..60).for_each(|_| fabric.start(SimTime::ZERO));
    fabric.fluid.settle(SimTime::ZERO);
    let mut looked_at = 0;
    for _ in 0..200 {
        fabric.step();
        looked_at += fabric.fluid.net.refilled.len();
    }
    assert!(looked_at < 200 * 60 / 3, "{looked_at} lanes in 200 solves of 60");
}

/// Flows alike share a lane, and leave it when they are changed; their order and their bytes stay their own.
/// Three flows of 1, 2 and 3 GB on 3 GB/s: 1 s each at first. At 0.5 s the second is capped at 0.2 GB/s, the
/// others have 1.4: the first has 0.5 GB left and is over at 0.5 + 0.5 / 1.4 s. The third, with 2 GB left
/// then, has 2.8 GB/s: over 2 / 2.8 s later. The second has 1.5 GB left at 0.5 s: over at 8 s.
#[test]
fn flows_alike_share_a_lane_until_one_is_changed() {
    let mut fluid = Fluid::new();
    let link = fluid.add_link(Rate(3_000_000_000));
    let at = |ns| SimTime(ns);
    let ids: Vec<FlowId> = (1..=3)
        .map(|gb| {
            let bytes = Some(Bytes(gb * 1_000_000_000));
            let spec = FlowSpec { path: &[link], bytes, weight: 1, cap: None, key: gb, tag: gb };
            fluid.start(at(0), spec)
        })
        .collect();
    fluid.settle(at(0));
    assert_eq!(fluid.net.lanes.len(), 1);
    let half = at(500_000_000);
    fluid.set_cap(half, ids[1], Some(Rate(200_000_000)));
    let changed: Vec<u64> = fluid.settle(half).iter().map(|(_, key)| *key).collect();
    assert_eq!((changed, fluid.net.lanes.len()), (vec![1, 2, 3], 2));
    assert_eq!(fluid.sent(half, ids[1]), Bytes(500_000_000));
    let mut finished = Vec::new();
    while let Some(now) = fluid.next_completion() {
        let mut out = Vec::new();
        fluid.take_finished(now, &mut out);
        finished.extend(out.into_iter().map(|(_, key)| (key, now)));
        fluid.settle(now);
    }
    // 0.5 / 1.4 s = 357,142,857.1 ns; by then the third has moved 1 GB and is over 2 / 2.8 s later.
    let first = 857_142_857;
    assert_eq!(finished, [(1, at(first)), (3, at(first + 714_285_714)), (2, at(8_000_000_000))]);
}
