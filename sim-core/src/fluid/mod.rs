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
//! flow is finished at the first whole nanosecond at which its last byte has moved.
//!
//! This module knows no topology, latency or packets: a link is a number, a path a list of them.

mod flow;
mod net;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod reference;
mod solve;
#[cfg(test)]
mod tests;

use crate::table::Table;
use crate::time::SimTime;
use crate::units::{Bytes, Rate};
use flow::{ENDLESS, RATE_BITS, to_units, to_work};
use net::Net;

pub use flow::{Flow, FlowId, FlowSpec, LinkId, MAX_RATE, Stopped};

/// A network of links and the flows that share them. `T` is what the owner attaches to a flow.
#[derive(Clone, Debug)]
pub struct Fluid<T> {
    net: Net,
    flows: Table<Flow>,
    /// By slot: what callers know the flow as.
    names: Vec<(FlowId, T)>,
    /// By slot: the finish in ns, infinite without one. A float, good to well under a nanosecond, so that
    /// only the candidates for the earliest finish need the exact, slow division.
    due: Vec<f64>,
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
            flows: Table::new(),
            names: Vec::new(),
            due: Vec::new(),
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
        let goal = flow.bytes.map_or(ENDLESS, to_work);
        let id = self.flows.insert(Flow { key: flow.key, goal, sent: 0, updated: now });
        let name = (id, flow.tag);
        match self.names.get_mut(id.index()) {
            Some(free) => *free = name,
            None => self.names.push(name),
        }
        self.due.resize(self.names.len(), f64::INFINITY);
        self.net.insert(slot(id), flow.path, flow.weight, flow.cap.map(to_units));
        self.reckon(id);
        self.mark(now);
        id
    }

    /// Takes the flow off its links: rate zero, bytes kept. Without effect on a stalled flow.
    pub fn stall(&mut self, now: SimTime, id: FlowId) {
        self.edit(now, id, |net, slot| net.set_active(slot, false));
    }

    /// Puts a stalled flow back on its path. Without effect on any other.
    pub fn resume(&mut self, now: SimTime, id: FlowId) {
        self.edit(now, id, |net, slot| net.set_active(slot, true));
    }

    /// Moves the flow to another path. A stalled flow stays stalled.
    ///
    /// # Panics
    /// If the path is empty and the flow has no cap.
    pub fn reroute(&mut self, now: SimTime, id: FlowId, path: &[LinkId]) {
        self.edit(now, id, |net, slot| net.set_path(slot, path));
    }

    /// Changes or lifts the cap.
    ///
    /// # Panics
    /// If the cap of a flow with an empty path is lifted.
    pub fn set_cap(&mut self, now: SimTime, id: FlowId, cap: Option<Rate>) {
        self.edit(now, id, |net, slot| net.set_cap(slot, cap.map(to_units)));
    }

    /// Changes the weight.
    ///
    /// # Panics
    /// If the weight is zero.
    pub fn set_weight(&mut self, now: SimTime, id: FlowId, weight: u32) {
        self.edit(now, id, |net, slot| net.set_weight(slot, weight));
    }

    /// More to send; without effect on an endless flow. A flow that had just run dry goes on from here.
    pub fn add_bytes(&mut self, now: SimTime, id: FlowId, bytes: Bytes) {
        let rate = self.units(id);
        let Some(flow) = self.flows.get_mut(id) else { return };
        if flow.goal == ENDLESS {
            return;
        }
        flow.progress(now, rate);
        flow.updated = flow.updated.max(now); // what is added now was not there before
        flow.goal += to_work(bytes);
        self.reckon(id);
        self.mark(now);
    }

    /// Ends a flow early; `None` if it has gone already.
    pub fn stop(&mut self, now: SimTime, id: FlowId) -> Option<Stopped<T>> {
        let rate = self.units(id);
        let mut flow = self.flows.remove(id)?;
        flow.progress(now, rate);
        self.drop_slot(slot(id));
        self.mark(now);
        let tag = self.names[id.index()].1;
        Some(Stopped { tag, sent: flow.sent_bytes(), remaining: flow.remaining_bytes() })
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
        if self.dirty.is_none() {
            return &self.changed;
        }
        self.mark(now);
        self.dirty = None;
        self.net.solve();
        self.order.clear();
        for &slot in &self.net.refilled {
            let (before, rate) = self.net.rates(slot);
            if before == rate {
                continue;
            }
            let flow = &mut self.flows[self.names[slot as usize].0];
            flow.progress(now, before);
            self.due[slot as usize] = flow.due(rate);
            self.order.push((flow.key, slot));
        }
        self.order.sort_unstable();
        self.changed.extend(self.order.iter().map(|(_, slot)| self.names[*slot as usize]));
        &self.changed
    }

    /// The earliest finish at the rates of the last settle; `None` if nothing ever finishes.
    pub fn next_completion(&self) -> Option<SimTime> {
        let first = self.due.iter().copied().fold(f64::INFINITY, f64::min);
        self.due_by(first).map(|(finish, _, _)| finish).min().filter(|t| *t < SimTime::NEVER)
    }

    /// Removes the flows whose last byte has moved by `now` and appends them to `out` in (finish, key) order.
    pub fn take_finished(&mut self, now: SimTime, out: &mut Vec<(FlowId, T)>) {
        let mut finished = std::mem::take(&mut self.finished);
        finished.clear();
        finished.extend(self.due_by(now.0 as f64).filter(|(finish, _, _)| *finish <= now));
        finished.sort_unstable();
        for &(_, _, slot) in &finished {
            let name = self.names[slot as usize];
            out.push(name);
            self.flows.remove(name.0);
            self.drop_slot(slot);
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
        self.at(now, id).map_or(Bytes::ZERO, |f| f.remaining_bytes())
    }

    /// Whole bytes moved at `now`, not before the last settle; zero for a flow that has gone.
    pub fn sent(&self, now: SimTime, id: FlowId) -> Bytes {
        self.at(now, id).map_or(Bytes::ZERO, |f| f.sent_bytes())
    }

    /// Is the flow present and stalled?
    pub fn is_stalled(&self, id: FlowId) -> bool {
        self.flows.get(id).is_some() && !self.net.is_active(slot(id))
    }

    /// The owner's tag; `None` if the flow has gone.
    pub fn tag(&self, id: FlowId) -> Option<T> {
        self.flows.get(id).map(|_| self.names[id.index()].1)
    }

    /// The links crossed, also while stalled; empty for a flow that has gone.
    pub fn path(&self, id: FlowId) -> &[LinkId] {
        self.flows.get(id).map_or(&[], |_| self.net.path(slot(id)))
    }

    /// Flows present, stalled ones included, in slot order.
    pub fn flows(&self) -> impl Iterator<Item = (FlowId, T)> {
        self.flows.iter().map(|(id, _)| self.names[id.index()])
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
        self.flows.get(id).and_then(|_| self.net.bottleneck(slot(id)))
    }

    /// All changes between two settles must share one instant, else progress in between would be wrong.
    fn mark(&mut self, now: SimTime) {
        let since = *self.dirty.get_or_insert(now);
        assert!(since == now, "flows changed at {since} were not settled before {now}");
    }

    fn edit(&mut self, now: SimTime, id: FlowId, change: impl FnOnce(&mut Net, u32) -> bool) {
        if self.flows.get(id).is_some() && change(&mut self.net, slot(id)) {
            self.mark(now);
        }
    }

    fn drop_slot(&mut self, slot: u32) {
        self.net.remove(slot);
        self.due[slot as usize] = f64::INFINITY;
    }

    /// Present rate in rate units.
    fn units(&self, id: FlowId) -> u64 {
        self.flows.get(id).map_or(0, |_| self.net.rate(slot(id)))
    }

    fn at(&self, now: SimTime, id: FlowId) -> Option<Flow> {
        let mut flow = self.flows.get(id)?.clone();
        flow.progress(now, self.net.rate(slot(id)));
        Some(flow)
    }

    fn reckon(&mut self, id: FlowId) {
        self.due[id.index()] = self.flows[id].due(self.net.rate(slot(id)));
    }

    /// Exact (finish, key, slot) of the flows that may finish by `ns`, a superset by float error.
    fn due_by(&self, ns: f64) -> impl Iterator<Item = (SimTime, u64, u32)> {
        let limit = if ns.is_finite() { ns * (1.0 + 1e-14) + 2.0 } else { -1.0 };
        let candidates = self.due.iter().enumerate().filter(move |(_, due)| **due <= limit);
        candidates.map(|(i, _)| {
            let flow = &self.flows[self.names[i].0];
            (flow.finish(self.net.rate(i as u32)), flow.key, i as u32)
        })
    }
}

fn slot(id: FlowId) -> u32 {
    id.index() as u32
}
