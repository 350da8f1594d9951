//! How far the flows have got. All flows of a lane have one rate, so one clock per lane serves them all.
//!
//! The clock counts the work that a flow would have got had it been in the lane from the start. A flow that
//! joins remembers what the clock showed, and is done when it shows that and the flow's own work: a new rate
//! costs one step per lane, and the flows of a lane finish in an order that no rate can change.

use super::flow::{ENDLESS, Flow, FlowId};
use super::net::Net;
use crate::table::Table;
use crate::time::{SimTime, Span};

/// The end of a lane's list.
const NONE: u32 = u32::MAX;

/// The clock of one lane.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// Work served at `updated` to each flow.
    served: u128,
    updated: SimTime,
    /// First of its flows by (target, key).
    head: u32,
}

/// The flows, and by lane their clocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub flows: Table<Flow>,
    /// By slot.
    ids: Vec<FlowId>,
    clocks: Vec<Clock>,
    /// By lane: the first finish in ns, infinite without one. A float, good to well under a nanosecond, so
    /// that only the candidates for the earliest finish need the exact, slow division.
    due: Vec<f64>,
}

impl Progress {
    /// A flow that has done nothing yet and is in no lane.
    pub fn add(&mut self, key: u64, goal: u128) -> FlowId {
        let flow = Flow { key, goal, offset: 0, lane: NONE, next: NONE, dry_at: None, moved: Some(0) };
        let id = self.flows.insert(flow);
        match self.ids.get_mut(id.index()) {
            Some(free) => *free = id,
            None => self.ids.push(id),
        }
        id
    }

    pub fn id(&self, slot: u32) -> FlowId {
        self.ids[slot as usize]
    }

    pub fn flow(&self, slot: u32) -> &Flow {
        &self.flows[self.id(slot)]
    }

    fn flow_mut(&mut self, slot: u32) -> &mut Flow {
        &mut self.flows[self.ids[slot as usize]]
    }

    /// Starts the clock of a lane without flows.
    pub fn open_lane(&mut self, lane: u32, now: SimTime) {
        let clock = Clock { served: 0, updated: now, head: NONE };
        match self.clocks.get_mut(lane as usize) {
            Some(free) => *free = clock,
            None => self.clocks.push(clock),
        }
        self.due.resize(self.clocks.len(), f64::INFINITY);
        self.due[lane as usize] = f64::INFINITY;
    }

    /// What the clock shows at `now` at this rate.
    pub fn served(&self, lane: u32, rate: u64, now: SimTime) -> u128 {
        let clock = &self.clocks[lane as usize];
        clock.served + u128::from(rate) * u128::from(now.since(clock.updated).0)
    }

    /// Puts a flow in a lane, with the work it has done so far.
    pub fn enter(&mut self, slot: u32, lane: u32, rate: u64, now: SimTime) {
        self.advance(lane, rate, now);
        let served = self.clocks[lane as usize].served;
        let flow = self.flow_mut(slot);
        flow.offset = flow.offset.wrapping_add(served);
        flow.lane = lane;
        if flow.goal == 0 {
            flow.dry_at.get_or_insert(now);
        }
        self.link(slot);
    }

    /// Takes a flow out of its lane; the work done stays with it.
    pub fn leave(&mut self, slot: u32, rate: u64, now: SimTime) {
        let lane = self.flow(slot).lane;
        self.advance(lane, rate, now);
        self.unlink(slot);
        let served = self.clocks[lane as usize].served;
        let flow = self.flow_mut(slot);
        flow.offset = 0u128.wrapping_sub(flow.sent(served));
    }

    /// More work for a flow. One that had run dry goes on from here.
    pub fn extend(&mut self, slot: u32, work: u128, rate: u64, now: SimTime) {
        if self.flow(slot).goal == ENDLESS {
            return;
        }
        let lane = self.flow(slot).lane;
        self.leave(slot, rate, now);
        let flow = self.flow_mut(slot);
        flow.goal += work;
        flow.dry_at = flow.dry_at.filter(|_| work == 0).map(|at| at.max(now));
        self.enter(slot, lane, rate, now);
    }

    /// Sets the clock of a lane to `now`. Flows that ran dry on the way remember when, at the rate of then.
    pub fn advance(&mut self, lane: u32, rate: u64, now: SimTime) {
        let clock = self.clocks[lane as usize];
        let served = self.served(lane, rate, now);
        let mut slot = clock.head;
        while slot != NONE && self.flow(slot).target() <= served {
            let finish = self.finish(slot, rate);
            let flow = self.flow_mut(slot);
            flow.dry_at = Some(finish);
            slot = flow.next;
        }
        self.clocks[lane as usize] = Clock { served, updated: clock.updated.max(now), ..clock };
    }

    /// Looks ahead to the first finish of a lane.
    pub fn reckon(&mut self, lane: u32, rate: u64) {
        let clock = &self.clocks[lane as usize];
        self.due[lane as usize] = match clock.head {
            NONE => f64::INFINITY,
            head => match self.flow(head) {
                Flow { dry_at: Some(at), .. } => at.0 as f64,
                flow if rate == 0 || flow.goal == ENDLESS => f64::INFINITY,
                flow => clock.updated.0 as f64 + wide(flow.target() - clock.served) / rate as f64,
            },
        };
    }

    /// The ns nearest to when the flow is done at this rate; never at rate zero. To the nearest, so that what
    /// follows is as often a little early as a little late; but at least 1 ns after the clock was set, so
    /// that a chain of tiny flows moves on.
    fn finish(&self, slot: u32, rate: u64) -> SimTime {
        let flow = self.flow(slot);
        let clock = &self.clocks[flow.lane as usize];
        match (flow.dry_at, rate) {
            (Some(at), _) => at,
            (None, rate) if rate == 0 || flow.goal == ENDLESS => SimTime::NEVER,
            (None, rate) => {
                let ns = (flow.target() - clock.served + u128::from(rate / 2)) / u128::from(rate);
                clock.updated + Span(u64::try_from(ns).unwrap_or(u64::MAX).max(1))
            }
        }
    }

    /// The earliest finish; never if there is none.
    pub fn next(&self, net: &Net) -> SimTime {
        let mut first = f64::INFINITY;
        // Four at a time, for the vector unit.
        let (blocks, rest) = self.due.as_chunks::<4>();
        let mut least = [f64::INFINITY; 4];
        for block in blocks {
            least = std::array::from_fn(|i| if block[i] < least[i] { block[i] } else { least[i] });
        }
        for due in least.iter().chain(rest) {
            first = if *due < first { *due } else { first };
        }
        let mut next = SimTime::NEVER;
        self.each_due(first, net, |_, finish| next = next.min(finish));
        next
    }

    /// Calls `found` with the flows that may finish by `ns`, and when they do.
    pub fn each_due(&self, ns: f64, net: &Net, mut found: impl FnMut(u32, SimTime)) {
        let limit = if ns.is_finite() { ns * (1.0 + 1e-14) + 2.0 } else { -1.0 };
        for (lane, _) in self.due.iter().enumerate().filter(|(_, due)| **due <= limit) {
            let rate = net.rate(lane as u32);
            let mut slot = self.clocks[lane].head;
            while slot != NONE {
                let finish = self.finish(slot, rate);
                if finish.0 as f64 > limit {
                    break;
                }
                found(slot, finish);
                slot = self.flow(slot).next;
            }
        }
    }

    /// The flows of a lane, by (target, key).
    pub fn lane(&self, lane: u32) -> impl Iterator<Item = u32> {
        let after = |slot: u32| Some(slot).filter(|s| *s != NONE);
        std::iter::successors(after(self.clocks[lane as usize].head), move |s| after(self.flow(*s).next))
    }

    /// The flow before the place of this one in its lane.
    fn before(&self, slot: u32) -> u32 {
        let flow = self.flow(slot);
        let place = (flow.target(), flow.key);
        let (mut before, mut at) = (NONE, self.clocks[flow.lane as usize].head);
        while at != NONE && (self.flow(at).target(), self.flow(at).key) < place {
            (before, at) = (at, self.flow(at).next);
        }
        before
    }

    fn link(&mut self, slot: u32) {
        let before = self.before(slot);
        let lane = self.flow(slot).lane as usize;
        let after = match before {
            NONE => std::mem::replace(&mut self.clocks[lane].head, slot),
            before => std::mem::replace(&mut self.flow_mut(before).next, slot),
        };
        self.flow_mut(slot).next = after;
    }

    fn unlink(&mut self, slot: u32) {
        let before = self.before(slot);
        let (lane, after) = (self.flow(slot).lane as usize, self.flow(slot).next);
        match before {
            NONE => self.clocks[lane].head = after,
            before => self.flow_mut(before).next = after,
        }
    }
}

/// As a float, without the slow conversion of the last bit.
fn wide(x: u128) -> f64 {
    (x >> 64) as u64 as f64 * 18_446_744_073_709_551_616.0 + x as u64 as f64
}
