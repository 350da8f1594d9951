//! Fluid flows: bulk transfers share links by weighted max-min fairness with caps.
//!
//! ```text
//!   flow (bytes left, weight, cap) ──path──> link ──> link ──> ...      each link: capacity
//!
//!   the rate/weight of all flows rises together from zero;
//!   a flow stops rising at its cap, or when a link on its path is full (its bottleneck)
//! ```
//!
//! Changes (start, stop, stall, a new capacity, ...) only mark the instant dirty; [`Fluid::settle`] solves
//! once for all of them. Between two settles rates are constant, so progress needs no events: the owner
//! keeps one wake-up at [`Fluid::next_completion`] and calls [`Fluid::take_finished`] there.
//!
//! **Rates are a pure function of the set of flows**, bit for bit, whatever the order in which flows came
//! and went: rates are integers in units of 2^-16 byte/s, sums of integers have no order, and equal levels
//! are settled by link id. Moved bytes are kept in (rate unit x ns), so that progress is never rounded; a
//! flow is finished at the whole nanosecond nearest to when its last byte has moved, at least one after it got
//! its rate.
//!
//! This module knows no topology, latency or packets: a link is a number, a path a list of them.

mod fill;
mod flow;
#[cfg(test)]
mod large;
mod net;
#[cfg(test)]
mod oracle;
mod progress;
#[cfg(test)]
mod reference;
mod solve;
#[cfg(test)]
mod tests;

use crate::mutant::Mutant;
use crate::time::SimTime;
use crate::units::{Bytes, Rate};
use flow::{ENDLESS, RATE_BITS, to_units, to_work};
use net::{Lane, NEVER, NO_LINK, Net};
use progress::Progress;

pub use flow::{Flow, FlowId, FlowSpec, LinkId, MAX_RATE, Stopped};

/// A network of links and the flows that share them. `T` is what the owner attaches to a flow.
#[derive(Clone, Debug)]
pub struct Fluid<T> {
    net: Net,
    progress: Progress,
    /// By slot: what the owner attached.
    tags: Vec<T>,
    /// Flows that came to their lane since the last settle; some have gone again.
    moved: Vec<FlowId>,
    /// The instant of the changes that no settle has seen yet.
    dirty: Option<SimTime>,
    changed: Vec<(FlowId, T)>,
    /// (key, slot) of what changed, and (finish, key, slot) of what finished: kept for their memory.
    order: Vec<(u64, u32)>,
    finished: Vec<(SimTime, u64, u32)>,
}

impl<T> Default for Fluid<T> {
    fn default() -> Self {
        Fluid {
            net: Net::default(),
            progress: Progress::default(),
            tags: Vec::new(),
            moved: Vec::new(),
            dirty: None,
            changed: Vec::new(),
            order: Vec::new(),
            finished: Vec::new(),
        }
    }
}

impl<T: Copy> Fluid<T> {
    /// No links, no flows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a link; capacities above [`MAX_RATE`] count as that.
    pub fn add_link(&mut self, capacity: Rate) -> LinkId {
        self.net.add_link(to_units(capacity))
    }

    /// Changes the capacity of a link, to zero if it is down.
    pub fn set_capacity(&mut self, now: SimTime, link: LinkId, capacity: Rate) {
        if self.net.set_capacity(link, to_units(capacity)) {
            self.mark(now);
        }
    }

    /// Starts a flow; it has rate zero until the settle of this instant.
    ///
    /// # Panics
    /// If the weight is zero, or the path is empty and there is no cap: nothing would limit the flow.
    pub fn start(&mut self, now: SimTime, flow: FlowSpec<'_, T>) -> FlowId {
        let weight = if Mutant::EqualWeights.lives() { 1 } else { u64::from(flow.weight) };
        let cap = flow.cap.map_or(NEVER, to_units);
        let lane = self.net.find(flow.path, weight, cap).unwrap_or_else(|| {
            let lane = self.net.add_lane(flow.path, weight, cap);
            self.progress.open_lane(lane, now);
            lane
        });
        let id = self.progress.add(flow.key, flow.bytes.map_or(ENDLESS, to_work));
        match self.tags.get_mut(id.index()) {
            Some(free) => *free = flow.tag,
            None => self.tags.push(flow.tag),
        }
        self.moved.push(id);
        self.enter(now, id, lane);
        self.mark(now);
        id
    }

    /// Takes the flow off its links: rate zero, bytes kept. Without effect on a stalled flow.
    pub fn stall(&mut self, now: SimTime, id: FlowId) {
        self.edit(now, id, |lane| lane.active, |net, lane| net.set_active(lane, false));
    }

    /// Puts a stalled flow back on its path. Without effect on any other.
    pub fn resume(&mut self, now: SimTime, id: FlowId) {
        self.edit(now, id, |lane| !lane.active, |net, lane| net.set_active(lane, true));
    }

    /// Moves the flow to another path. A stalled flow stays stalled.
    ///
    /// # Panics
    /// If the path is empty and the flow has no cap.
    pub fn reroute(&mut self, now: SimTime, id: FlowId, path: &[LinkId]) {
        if self.path(id) != path {
            self.edit(now, id, |_| true, |net, lane| net.set_path(lane, path));
        }
    }

    /// Changes or lifts the cap.
    ///
    /// # Panics
    /// If the cap of a flow with an empty path is lifted.
    pub fn set_cap(&mut self, now: SimTime, id: FlowId, cap: Option<Rate>) {
        let cap = cap.map_or(NEVER, to_units);
        self.edit(now, id, |l| l.cap != cap, |net, lane| net.set_limits(lane, net.lane(lane).weight, cap));
    }

    /// Changes the weight.
    ///
    /// # Panics
    /// If the weight is zero.
    pub fn set_weight(&mut self, now: SimTime, id: FlowId, weight: u32) {
        let weight = u64::from(weight);
        self.edit(
            now,
            id,
            |l| l.weight != weight,
            |net, lane| net.set_limits(lane, weight, net.lane(lane).cap),
        );
    }

    /// More to send; without effect on an endless flow. A flow that had just run dry goes on from here.
    pub fn add_bytes(&mut self, now: SimTime, id: FlowId, bytes: Bytes) {
        let Some(flow) = self.progress.flows.get(id) else { return };
        if flow.goal == ENDLESS {
            return;
        }
        let lane = flow.lane;
        self.progress.extend(slot(id), to_work(bytes), self.net.rate(lane), now);
        self.reckon(lane);
        self.mark(now);
    }

    /// Ends a flow early; `None` if it has gone already.
    pub fn stop(&mut self, now: SimTime, id: FlowId) -> Option<Stopped<T>> {
        let (sent, remaining) = self.split(now, id)?;
        self.remove(now, id);
        self.mark(now);
        Some(Stopped { tag: self.tags[id.index()], sent, remaining })
    }

    /// Are there changes that no settle has seen?
    pub fn is_dirty(&self) -> bool {
        self.dirty.is_some()
    }

    /// Solves once for all changes of this instant. Returns the flows whose rate changed, in key order.
    ///
    /// # Panics
    /// If the changes were made at another instant: rates would have been wrong in between.
    pub fn settle(&mut self, now: SimTime) -> &[(FlowId, T)] {
        self.changed.clear();
        self.order.clear();
        if self.solve(now) {
            self.list_changed();
        }
        self.forget_moves();
        &self.changed
    }

    /// [`Fluid::settle`] for an owner that does not ask whose rate changed: spares the list and its order.
    ///
    /// # Panics
    /// As [`Fluid::settle`].
    pub fn settle_unlisted(&mut self, now: SimTime) {
        self.solve(now);
        self.forget_moves();
    }

    /// The flows that the last settle looked at, in no particular order: nobody else's rate or bottleneck is
    /// another than before it. To be asked before anything changes again.
    pub fn settled(&self) -> impl Iterator<Item = FlowId> {
        let lanes = self.net.refilled.iter().map(|(lane, _)| *lane);
        lanes.flat_map(|lane| self.progress.lane(lane)).map(|slot| self.progress.id(slot))
    }

    /// The earliest finish at the rates of the last settle; `None` if nothing ever finishes.
    pub fn next_completion(&self) -> Option<SimTime> {
        Some(self.progress.next(&self.net)).filter(|t| *t < SimTime::NEVER)
    }

    /// Removes the flows whose last byte has moved by `now` and appends them to `out` in (finish, key) order.
    pub fn take_finished(&mut self, now: SimTime, out: &mut Vec<(FlowId, T)>) {
        let mut finished = std::mem::take(&mut self.finished);
        finished.clear();
        self.progress.each_due(now.0 as f64, &self.net, |slot, finish| {
            if finish <= now {
                finished.push((finish, self.progress.flow(slot).key, slot));
            }
        });
        finished.sort_unstable();
        for &(_, _, slot) in &finished {
            let id = self.progress.id(slot);
            out.push((id, self.tags[slot as usize]));
            self.remove(now, id);
            self.mark(now);
        }
        self.finished = finished;
    }

    /// The rate of the last settle, whole bytes/s rounded down; zero for a flow that has gone.
    pub fn rate(&self, id: FlowId) -> Rate {
        Rate(self.units(id) >> RATE_BITS)
    }

    /// Bytes not (wholly) moved at `now`, not before the last settle; the largest `Bytes` for an endless
    /// flow, zero for one that has gone.
    pub fn remaining(&self, now: SimTime, id: FlowId) -> Bytes {
        self.split(now, id).map_or(Bytes::ZERO, |(_, remaining)| remaining)
    }

    /// Whole bytes moved at `now`, not before the last settle; zero for a flow that has gone.
    pub fn sent(&self, now: SimTime, id: FlowId) -> Bytes {
        self.split(now, id).map_or(Bytes::ZERO, |(sent, _)| sent)
    }

    /// Is the flow present and stalled?
    pub fn is_stalled(&self, id: FlowId) -> bool {
        self.lane(id).is_some_and(|(_, lane)| !lane.active)
    }

    /// The owner's tag; `None` if the flow has gone.
    pub fn tag(&self, id: FlowId) -> Option<T> {
        self.progress.flows.get(id).map(|_| self.tags[id.index()])
    }

    /// The links crossed, also while stalled; empty for a flow that has gone.
    pub fn path(&self, id: FlowId) -> &[LinkId] {
        self.lane(id).map_or(&[], |(lane, _)| self.net.path(lane))
    }

    /// Flows present, stalled ones included, in slot order.
    pub fn flows(&self) -> impl Iterator<Item = (FlowId, T)> {
        self.progress.flows.iter().map(|(id, _)| (id, self.tags[id.index()]))
    }

    /// Number of links; their ids are dense.
    pub fn links(&self) -> usize {
        self.net.links()
    }

    /// The capacity of a link, at most [`MAX_RATE`].
    pub fn capacity(&self, link: LinkId) -> Rate {
        Rate(self.net.link(link).capacity >> RATE_BITS)
    }

    /// The sum of the rates on a link, whole bytes/s rounded down. Flows changed since the last settle do
    /// not count.
    pub fn link_rate(&self, link: LinkId) -> Rate {
        Rate(self.net.link(link).load >> RATE_BITS)
    }

    /// How many flows have this link as their bottleneck: zero means that the link has room, or that it was
    /// filled exactly by flows held back elsewhere. When several links of a path fill at the same level, the
    /// one with the lowest id is the bottleneck.
    pub fn link_bottlenecked(&self, link: LinkId) -> u32 {
        self.net.link(link).bottlenecked
    }

    /// The link that holds this flow back; `None` when its cap does, while it is stalled, and once it has gone.
    pub fn bottleneck(&self, id: FlowId) -> Option<LinkId> {
        let (_, lane) = self.lane(id)?;
        let settled = lane.settled > 0 && self.progress.flows[id].moved.is_none();
        Some(lane.bottleneck).filter(|link| settled && *link != NO_LINK)
    }

    /// All changes between two settles must share one instant, else progress in between would be wrong.
    fn mark(&mut self, now: SimTime) {
        let since = *self.dirty.get_or_insert(now);
        assert!(since == now, "flows changed at {since} were not settled before {now}");
    }

    /// Changes the limits of one flow, in a lane of its own.
    fn edit(
        &mut self,
        now: SimTime,
        id: FlowId,
        differs: impl FnOnce(&Lane) -> bool,
        change: impl FnOnce(&mut Net, u32),
    ) {
        let Some((lane, state)) = self.lane(id) else { return };
        if differs(state) {
            let own = if state.count == 1 { lane } else { self.part(now, id, lane) };
            change(&mut self.net, own);
            self.mark(now);
        }
    }

    /// Moves a flow from the lane that it shares to a lane of its own.
    fn part(&mut self, now: SimTime, id: FlowId, lane: u32) -> u32 {
        let own = self.net.add_like(lane);
        self.progress.open_lane(own, now);
        let before = self.units(id);
        self.exit(now, id, lane);
        let flow = &mut self.progress.flows[id];
        if flow.moved.replace(before).is_none() {
            self.moved.push(id);
        }
        self.enter(now, id, own);
        own
    }

    fn enter(&mut self, now: SimTime, id: FlowId, lane: u32) {
        self.net.join(lane);
        self.progress.enter(slot(id), lane, self.net.rate(lane), now);
        self.reckon(lane);
    }

    fn exit(&mut self, now: SimTime, id: FlowId, lane: u32) {
        self.progress.leave(slot(id), self.net.rate(lane), now);
        self.net.leave(lane, self.progress.flows[id].moved.is_none());
        self.reckon(lane);
    }

    fn remove(&mut self, now: SimTime, id: FlowId) {
        self.exit(now, id, self.progress.flows[id].lane);
        self.progress.flows.remove(id);
    }

    /// Brings rates and clocks up to date. Returns false if nothing had changed.
    fn solve(&mut self, now: SimTime) -> bool {
        if self.dirty.is_none() {
            return false;
        }
        self.mark(now);
        self.dirty = None;
        self.net.solve();
        for &(lane, before) in &self.net.refilled {
            let rate = self.net.rate(lane);
            if rate != before {
                self.progress.advance(lane, before, now);
                self.progress.reckon(lane, rate);
            }
        }
        true
    }

    fn list_changed(&mut self) {
        for &(lane, before) in &self.net.refilled {
            if self.net.rate(lane) == before {
                continue;
            }
            for slot in self.progress.lane(lane) {
                let flow = self.progress.flow(slot);
                if flow.moved.is_none() {
                    self.order.push((flow.key, slot));
                }
            }
        }
        for id in &self.moved {
            let Some(flow) = self.progress.flows.get(*id) else { continue };
            if flow.moved.is_some_and(|before| before != self.net.rate(flow.lane)) {
                self.order.push((flow.key, slot(*id)));
            }
        }
        self.order.sort_unstable();
        let name = |slot: u32| (self.progress.id(slot), self.tags[slot as usize]);
        self.changed.extend(self.order.iter().map(|(_, slot)| name(*slot)));
    }

    fn forget_moves(&mut self) {
        while let Some(id) = self.moved.pop() {
            if let Some(flow) = self.progress.flows.get_mut(id) {
                flow.moved = None;
            }
        }
    }

    fn lane(&self, id: FlowId) -> Option<(u32, &Lane)> {
        self.progress.flows.get(id).map(|flow| (flow.lane, self.net.lane(flow.lane)))
    }

    /// Present rate in rate units.
    fn units(&self, id: FlowId) -> u64 {
        let Some(flow) = self.progress.flows.get(id) else { return 0 };
        flow.moved.unwrap_or(self.net.rate(flow.lane))
    }

    /// Bytes sent and remaining.
    fn split(&self, now: SimTime, id: FlowId) -> Option<(Bytes, Bytes)> {
        let flow = self.progress.flows.get(id)?;
        Some(flow.split(self.progress.served(flow.lane, self.net.rate(flow.lane), now)))
    }

    fn reckon(&mut self, lane: u32) {
        self.progress.reckon(lane, self.net.rate(lane));
    }
}

fn slot(id: FlowId) -> u32 {
    id.index() as u32
}
