//! A set of bulk flows as meant, and its play on the solver of the cluster's fabric.

use sim_core::fluid::{FlowId, FlowSpec, Fluid, LinkId};
use sim_core::{Bytes, Rate, SimTime};
use std::iter::Peekable;

/// Links, flows, and what happens to them.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Capacity by link, at most [`sim_core::fluid::MAX_RATE`].
    pub links: Vec<Rate>,
    /// The flows.
    pub flows: Vec<Bulk>,
    /// What happens when. At one instant: completions, then changes in this order, then starts.
    pub changes: Vec<(SimTime, Change)>,
    /// When to look at the rates, after all that happens at that instant.
    pub looks: Vec<SimTime>,
}

/// One flow.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// When it starts.
    pub start: SimTime,
    /// What it moves; `None` without end.
    pub bytes: Option<Bytes>,
    /// Share of a full link relative to others, at least 1.
    pub weight: u32,
    /// The most that it takes.
    pub cap: Option<Rate>,
    /// Indices of the links crossed; not empty unless it has a cap.
    pub path: Vec<usize>,
}

/// A change of one link or flow, by index. One that comes before its flow starts holds from the start on; one
/// that comes after its flow has finished is void.
#[derive(Clone, Debug)]
pub enum Change {
    /// A link has another capacity.
    Capacity(usize, Rate),
    /// A flow stands still.
    Stall(usize),
    /// It goes on.
    Resume(usize),
    /// It goes on over other links.
    Reroute(usize, Vec<usize>),
    /// It has another cap, or none.
    Cap(usize, Option<Rate>),
    /// It has another weight.
    Weight(usize, u32),
}

/// What came of it, by flow.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// When each was over; `None` if it never is.
    pub finish: Vec<Option<SimTime>>,
    /// How often the rate of each changed.
    pub rate_changes: Vec<u32>,
    /// By look, the rates; zero for a flow that is not under way.
    pub rates: Vec<Vec<Rate>>,
}

impl Case {
    /// Plays it to the last completion and the last look.
    pub fn play(&self) -> Played {
        let mut fluid = Fluid::new();
        let links = self.links.iter().map(|capacity| fluid.add_link(*capacity)).collect();
        let n = self.flows.len();
        let (ids, stalled) = (vec![None; n], vec![false; n]);
        let played = Played { finish: vec![None; n], rate_changes: vec![0; n], rates: Vec::new() };
        Play { fluid, links, flows: self.flows.clone(), ids, stalled, played }.run(self)
    }
}

struct Play {
    fluid: Fluid<usize>,
    links: Vec<LinkId>,
    /// As changed so far.
    flows: Vec<Bulk>,
    /// Those that have started.
    ids: Vec<Option<FlowId>>,
    /// To be stalled from the start.
    stalled: Vec<bool>,
    played: Played,
}

impl Play {
    fn run(mut self, case: &Case) -> Played {
        let mut changes = in_order(&case.changes, |(at, _)| *at);
        let mut starts = in_order(&case.flows, |flow| flow.start);
        let mut looks = in_order(&case.looks, |at| *at);
        let mut over = Vec::new();
        loop {
            let ahead = [changes.peek().map(|c| c.0), starts.peek().map(|s| s.0), looks.peek().map(|l| l.0)];
            let next = ahead.into_iter().chain([self.fluid.next_completion()]).flatten().min();
            let Some(now) = next else { return self.played };
            self.fluid.take_finished(now, &mut over);
            over.drain(..).for_each(|(_, flow)| self.played.finish[flow] = Some(now));
            while let Some((_, change)) = changes.next_if(|c| c.0 == now) {
                self.apply(now, &case.changes[change].1);
            }
            while let Some((_, flow)) = starts.next_if(|s| s.0 == now) {
                self.start(now, flow);
            }
            for (_, flow) in self.fluid.settle(now) {
                self.played.rate_changes[*flow] += 1;
            }
            while looks.next_if(|l| l.0 == now).is_some() {
                let rate = |id: &Option<FlowId>| id.map_or(Rate::ZERO, |id| self.fluid.rate(id));
                self.played.rates.push(self.ids.iter().map(rate).collect());
            }
        }
    }

    fn start(&mut self, now: SimTime, flow: usize) {
        let Bulk { bytes, weight, cap, ref path, .. } = self.flows[flow];
        let path: Vec<LinkId> = path.iter().map(|link| self.links[*link]).collect();
        let spec = FlowSpec { path: &path, bytes, weight, cap, key: flow as u64, tag: flow };
        let id = self.fluid.start(now, spec);
        if self.stalled[flow] {
            self.fluid.stall(now, id);
        }
        self.ids[flow] = Some(id);
    }

    fn apply(&mut self, now: SimTime, change: &Change) {
        match change {
            Change::Capacity(link, capacity) => self.fluid.set_capacity(now, self.links[*link], *capacity),
            Change::Stall(flow) => self.set_stalled(now, *flow, true),
            Change::Resume(flow) => self.set_stalled(now, *flow, false),
            Change::Reroute(flow, path) => {
                self.flows[*flow].path.clone_from(path);
                let path: Vec<LinkId> = path.iter().map(|link| self.links[*link]).collect();
                self.under_way(*flow, |fluid, id| fluid.reroute(now, id, &path));
                self.set_stalled(now, *flow, false);
            }
            Change::Cap(flow, cap) => {
                self.flows[*flow].cap = *cap;
                self.under_way(*flow, |fluid, id| fluid.set_cap(now, id, *cap));
            }
            Change::Weight(flow, weight) => {
                self.flows[*flow].weight = *weight;
                self.under_way(*flow, |fluid, id| fluid.set_weight(now, id, *weight));
            }
        }
    }

    fn set_stalled(&mut self, now: SimTime, flow: usize, stalled: bool) {
        self.stalled[flow] = stalled;
        self.under_way(flow, |fluid, id| if stalled { fluid.stall(now, id) } else { fluid.resume(now, id) });
    }

    fn under_way(&mut self, flow: usize, change: impl FnOnce(&mut Fluid<usize>, FlowId)) {
        if let Some(id) = self.ids[flow] {
            change(&mut self.fluid, id);
        }
    }
}

/// Instant and index of each, by instant and then as listed.
fn in_order<T>(list: &[T], at: impl Fn(&T) -> SimTime) -> Peekable<std::vec::IntoIter<(SimTime, usize)>> {
    let mut order: Vec<_> = list.iter().map(at).enumerate().map(|(i, at)| (at, i)).collect();
    order.sort_unstable();
    order.into_iter().peekable()
}
