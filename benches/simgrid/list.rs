//! Closed lists of flows that two solvers can play: the same network, paths and sizes for both.
//!
//! 64 hosts in 4 racks, each with a 25 Gbit/s leg to both leaves of its rack; 8 leaves, each with a 100 Gbit/s
//! uplink to all 4 spines. 1500 paths between random hosts, legs and spines; sizes are exponential with a mean
//! of 100 MB. In a closed loop of n, list entry i + n starts at the instant at which entry i finishes.

use sim_core::fluid::{FlowSpec, Fluid, LinkId};
use sim_core::{Bytes, Dist, Rate, Seed, SimTime, Stream, Streams};

const HOSTS: u64 = 64;
const HOSTS_PER_RACK: u64 = 16;
const SPINES: u64 = 4;
const LEAVES: u64 = 2 * HOSTS / HOSTS_PER_RACK;
const PATHS: usize = 1500;
const MEAN_BYTES: f64 = 1e8;

/// A network and what is sent over it.
pub struct List {
    /// Capacity by link.
    pub links: Vec<Rate>,
    /// Links crossed, by path.
    pub paths: Vec<Vec<u32>>,
    /// Size and path, by flow.
    pub flows: Vec<(Bytes, usize)>,
}

impl List {
    /// `total` flows, the same for every caller.
    pub fn new(total: usize) -> List {
        let mut luck = Streams::new(Seed(7), 0).stream("list", "closed");
        let access = (0..4 * HOSTS).map(|_| Rate::gbps(25));
        let links = access.chain((0..2 * LEAVES * SPINES).map(|_| Rate::gbps(100))).collect();
        let paths: Vec<Vec<u32>> = (0..PATHS).map(|_| path(&mut luck)).collect();
        let size = Dist::exponential(MEAN_BYTES).expect("a positive mean");
        let flow = |luck: &mut Stream| {
            let bytes = size.sample(luck).max(1000.0);
            (Bytes::from_f64(bytes), luck.below(PATHS as u64) as usize)
        };
        let flows = (0..total).map(|_| flow(&mut luck)).collect();
        List { links, paths, flows }
    }
}

/// Up a leg, over a spine if the leaves differ, down a leg.
fn path(luck: &mut Stream) -> Vec<u32> {
    let from = luck.below(HOSTS);
    let to = (from + 1 + luck.below(HOSTS - 1)) % HOSTS;
    let (leg_from, leg_to, spine) = (luck.below(2), luck.below(2), luck.below(SPINES));
    let leaf = |host: u64, leg: u64| 2 * (host / HOSTS_PER_RACK) + leg;
    let uplink = |leaf: u64| 4 * HOSTS + 2 * (leaf * SPINES + spine);
    let (first, last) = (leaf(from, leg_from), leaf(to, leg_to));
    let mut path = vec![4 * from + 2 * leg_from];
    if first != last {
        path.extend([uplink(first), uplink(last) + 1]);
    }
    path.push(4 * to + 2 * leg_to + 1);
    path.into_iter().map(|link| link as u32).collect()
}

/// A list played on our solver with a constant number of flows.
pub struct Loop<'a> {
    list: &'a List,
    width: usize,
    paths: Vec<Vec<LinkId>>,
    fluid: Fluid<u32>,
    /// The instant reached.
    pub now: SimTime,
    finished: Vec<(sim_core::fluid::FlowId, u32)>,
}

impl<'a> Loop<'a> {
    /// Starts the first `width` flows of the list.
    pub fn new(list: &'a List, width: usize) -> Loop<'a> {
        let mut fluid = Fluid::new();
        let links: Vec<LinkId> = list.links.iter().map(|capacity| fluid.add_link(*capacity)).collect();
        let on_links = |path: &Vec<u32>| path.iter().map(|l| links[*l as usize]).collect();
        let paths = list.paths.iter().map(on_links).collect();
        let mut run = Loop { list, width, paths, fluid, now: SimTime::ZERO, finished: Vec::new() };
        (0..width).for_each(|i| run.start(i));
        run.fluid.settle(run.now);
        run
    }

    fn start(&mut self, entry: usize) {
        let (bytes, path) = self.list.flows[entry % self.list.flows.len()];
        let path = &self.paths[path];
        let (bytes, key) = (Some(bytes), entry as u64);
        self.fluid.start(self.now, FlowSpec { path, bytes, weight: 1, cap: None, key, tag: entry as u32 });
    }

    /// To the next completion; each flow that finishes starts the one `width` further on, if it is one of
    /// the first `total`. Returns how many finished, zero at the end.
    pub fn step(&mut self, total: usize) -> usize {
        let Some(next) = self.fluid.next_completion() else { return 0 };
        self.now = next;
        let mut finished = std::mem::take(&mut self.finished);
        finished.clear();
        self.fluid.take_finished(next, &mut finished);
        for &(_, entry) in &finished {
            let following = entry as usize + self.width;
            if following < total {
                self.start(following);
            }
        }
        self.fluid.settle_unlisted(next);
        self.finished = finished;
        self.finished.len()
    }
}
