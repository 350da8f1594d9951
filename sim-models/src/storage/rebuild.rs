//! Making lost copies again: (surviving source -> new target) bulk flows through the fabric, held back by
//! each node's budget.
//!
//! A flow carries all copies of its pair, a few at a time, and weighs by their number, so that flows that share
//! a budget end together. Its progress is booked to its copies in order whenever something cuts it.

use super::groups::{Copy, Slot, SlotId, State, score};
use super::loads::{set_budgets, write_latency};
use super::pool::Pool;
use super::{Backend, Event, Storage, throttle};
use crate::event::{self, Cx};
use crate::fabric::{Bulk, FlowId, Traffic};
use crate::ids::{HostId, Side};
use crate::record::Condition;
use crate::scenario::Domain;
use crate::storage::ledger::Ledger;
use crate::world::Infra;
use sim_core::digest::Digest;
use sim_core::{Bytes, Id, Rate, SimTime, Span, Table};
use std::collections::BTreeMap;

/// Most copies under way at once between two nodes, each a connection of its own: what guests share a full port
/// with. Ceph has 10 per OSD on flash (osd_recovery_max_active_ssd); for other platforms it is assumed.
const AT_ONCE: usize = 10;

/// Copies on their way from one node to another.
#[derive(Clone, Debug)]
pub struct CopyFlow {
    from: u16,
    to: u16,
    slots: Vec<SlotId>,
    bytes: Bytes,
    flow: Option<FlowId>,
}

/// Copies being made in one cluster.
#[derive(Clone, Debug)]
pub(super) struct Rebuild {
    flows: Table<CopyFlow>,
    /// Counts plans, so that flows of the same pair have names of their own.
    plans: u64,
    /// The record has been told that a rebuild is under way.
    running: bool,
    /// Since when, and what has been copied in it: for the story.
    began: SimTime,
    copied: Bytes,
    /// A throttle event is pending.
    ticking: bool,
    /// What an adaptive throttle lets through, as a share.
    pub pace: f64,
    /// Some copy has no node to go to.
    pub no_space: bool,
    /// What the data went through.
    pub ledger: Ledger,
}

impl Default for Rebuild {
    fn default() -> Self {
        Rebuild {
            flows: Table::new(),
            plans: 0,
            running: false,
            began: SimTime::ZERO,
            copied: Bytes::ZERO,
            ticking: false,
            pace: 1.0,
            no_space: false,
            ledger: Ledger::default(),
        }
    }
}

impl Rebuild {
    /// Bytes per second that pass each node now, both directions.
    pub fn rates(&self, nodes: usize, infra: &Infra) -> Vec<Rate> {
        let mut rates = vec![Rate::ZERO; nodes];
        for (_, copy) in self.flows.iter() {
            let rate = copy.flow.map_or(Rate::ZERO, |f| infra.fabric.rate(f));
            rates[usize::from(copy.from)] += rate;
            rates[usize::from(copy.to)] += rate;
        }
        rates
    }

    /// What the flows under way carry, in all.
    fn left(&self) -> Bytes {
        self.flows.iter().map(|(_, copy)| copy.bytes).sum()
    }

    fn told(&self, side: Side, how: &str, now: SimTime) -> String {
        let took = now.since(self.began);
        format!("the rebuild of the {side} {how}: {} copied in {took}", self.copied)
    }

    /// The act ends: a rebuild that has not ended is told.
    pub fn finish(&self, side: Side, cx: &mut Cx<'_>) {
        if self.running {
            cx.record.note(cx.now, || self.told(side, "is not over", cx.now));
        }
    }
}

impl Storage {
    /// Bytes that a host holds, copies included; none for a host of an array.
    pub fn held(&self, host: HostId) -> Bytes {
        let Some(pool) = self.state.pool(self.state.side(host)) else { return Bytes::ZERO };
        let number = pool.number(host) as u16;
        let here = pool.groups.iter().filter(|(_, s)| s.node == number && s.state != State::Lost);
        here.map(|(id, _)| pool.groups.size(id.group)).sum()
    }

    /// Rebuild bytes per second that pass a host now, both directions.
    pub fn copy_rate(&self, host: HostId) -> Rate {
        let pool = self.state.pool(self.state.side(host));
        pool.map_or(Rate::ZERO, |p| p.node(host).copied)
    }

    /// Plans and starts a copy of every dead slot that is to be replaced and is not under way.
    pub(super) fn make_copies(&mut self, side: Side, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_mut(side) else { return };
        set_budgets(pool, infra, cx);
        let pairs = pool.assign();
        pool.rebuild.plans += u64::from(!pairs.is_empty());
        let most = pairs.values().map(Vec::len).max().unwrap_or(0);
        for (pair, slots) in pairs {
            // As many at once as the pair has to do beside the busiest one, which has all it may.
            let streams = (AT_ONCE.min(most) * slots.len()).div_ceil(most) as u32;
            pool.start_copy(pair, slots, streams, infra, cx);
        }
        self.note_running(side, cx);
    }

    /// The record and the throttle follow whether anything is being copied.
    fn note_running(&mut self, side: Side, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_mut(side) else { return };
        let (rebuild, period) = (&mut pool.rebuild, pool.profile.adaptive_period);
        let busy = !rebuild.flows.is_empty();
        if busy && !rebuild.running {
            (rebuild.began, rebuild.copied) = (cx.now, Bytes::ZERO);
            cx.record.enter(cx.now, Condition::Rebuilding);
            cx.record.note(cx.now, || format!("the rebuild of the {side} begins with {}", rebuild.left()));
        }
        if !busy && rebuild.running {
            let end = match (pool.groups.whole(), rebuild.no_space) {
                (true, _) => "is over",
                (false, true) => "stops, the other copies find no room",
                (false, false) => "stops, not all copies are back",
            };
            cx.record.note(cx.now, || rebuild.told(side, end, cx.now));
            cx.record.leave(cx.now, Condition::Rebuilding);
        }
        rebuild.running = busy;
        if busy && !rebuild.ticking {
            rebuild.ticking = true;
            cx.after(period.max(Span::ms(100)), event::Event::Storage(Event::Throttle(side)));
        }
        self.refresh_soon(side, Span::ZERO, cx);
    }

    pub(super) fn throttle(&mut self, side: Side, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_mut(side) else { return };
        pool.rebuild.ticking = false;
        if !pool.rebuild.running {
            return;
        }
        let serving = (0..pool.nodes.len()).filter(|&n| pool.nodes[n].serves());
        let worst = serving.map(|n| write_latency(pool, n, infra)).fold(0.0, f64::max);
        pool.rebuild.pace = throttle::next_pace(pool.design.throttle, pool.rebuild.pace, worst);
        self.note_running(side, cx);
    }

    pub(super) fn copied(&mut self, side: Side, id: Id<CopyFlow>, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_mut(side) else { return };
        let Some(copy) = pool.rebuild.flows.remove(id) else { return };
        pool.book(&copy, copy.bytes);
        pool.rebuild.ledger.update(&pool.groups, side, cx);
        // What had no room or no source before may have one now.
        if pool.rebuild.flows.is_empty() {
            return self.make_copies(side, infra, cx);
        }
        self.note_running(side, cx);
    }

    /// A node is gone: what was being copied from or to it stops, with what was copied booked.
    pub(super) fn cut_copies(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let (side, number) = (pool.side, pool.number(host) as u16);
        pool.cut(|c| c.from == number || c.to == number, infra, cx);
        self.note_running(side, cx);
    }

    /// Everything that is being copied stops, with what was copied booked.
    pub(super) fn stop_copies(&mut self, side: Side, infra: &mut Infra, cx: &mut Cx<'_>) {
        if let Some(Backend::Pool(pool)) = self.state.backends[side as usize].as_mut() {
            pool.cut(|_| true, infra, cx);
        }
    }
}

impl Pool {
    fn cut(&mut self, which: impl Fn(&CopyFlow) -> bool, infra: &mut Infra, cx: &mut Cx<'_>) {
        for id in self.rebuild.flows.ids() {
            if !which(&self.rebuild.flows[id]) {
                continue;
            }
            let copy = self.rebuild.flows.remove(id).expect("just listed");
            let left = copy.flow.and_then(|f| infra.fabric.stop(f, cx)).unwrap_or(Bytes::ZERO);
            self.book(&copy, copy.bytes.saturating_sub(left));
        }
    }

    /// Books copied bytes to the slots of a flow, in order.
    fn book(&mut self, copy: &CopyFlow, mut copied: Bytes) {
        self.rebuild.copied += copied;
        for &id in &copy.slots {
            let size = self.groups.size(id.group);
            let slot = *self.groups.slot(id);
            let Some(mut part) = slot.copy else { continue };
            let more = size.saturating_sub(part.done).min(copied);
            copied -= more;
            part.done += more;
            let node = &self.nodes[usize::from(part.node)];
            let device = node.device(score(u64::from(id.group), node.key), self.design.devices as u16);
            let whole = part.done >= size;
            self.groups.edit(id, |s| {
                s.copy = if whole { None } else { Some(part) };
                if whole {
                    *s = Slot { node: part.node, device, state: State::Live, copy: None };
                }
            });
        }
    }

    /// Sources and targets for all slots that need a copy, by pair of nodes. Loads are balanced: the source
    /// with the least to send, the target with the least to do in all.
    fn assign(&mut self) -> BTreeMap<(u16, u16), Vec<SlotId>> {
        let mut work = vec![0u64; self.nodes.len()];
        let mut wanted: Vec<(SlotId, u16)> = Vec::new();
        let under_way: Vec<SlotId> = self.rebuild.flows.iter().flat_map(|(_, c)| c.slots.clone()).collect();
        let mut taken = under_way;
        taken.sort_unstable();
        for (id, slot) in self.groups.iter() {
            let due = match slot.state {
                State::Live => false,
                State::Down => self.nodes[usize::from(slot.node)].replaced,
                State::Lost => true,
            };
            if !due || taken.binary_search(&id).is_ok() || self.groups.size(id.group) == Bytes::ZERO {
                continue;
            }
            let live = self.groups.of(id.group).iter().filter(|s| s.state == State::Live);
            let Some(source) = live.map(|s| s.node).min_by_key(|&n| (work[usize::from(n)], n)) else {
                continue;
            };
            work[usize::from(source)] += self.groups.size(id.group).0;
            wanted.push((id, source));
        }
        let mut used = self.used();
        let mut pairs = BTreeMap::new();
        self.rebuild.no_space = false;
        for (id, source) in wanted {
            match self.target(id, source, &work, &used) {
                Some(target) => {
                    self.direct(id, target);
                    work[usize::from(target)] += self.groups.size(id.group).0;
                    used[usize::from(target)] += self.groups.size(id.group);
                    pairs.entry((source, target)).or_insert_with(Vec::new).push(id);
                }
                None => self.rebuild.no_space = true,
            }
        }
        pairs
    }

    /// Remembers where a slot's copy is made; what is there already counts.
    fn direct(&mut self, id: SlotId, target: u16) {
        self.groups.edit(id, |s| {
            if s.copy.is_none_or(|c| c.node != target) {
                s.copy = Some(Copy { node: target, done: Bytes::ZERO });
            }
        });
    }

    /// Bytes that each node holds or has been promised.
    fn used(&self) -> Vec<Bytes> {
        let mut used = vec![Bytes::ZERO; self.nodes.len()];
        for (id, slot) in self.groups.iter() {
            let size = self.groups.size(id.group);
            if slot.state != State::Lost {
                used[usize::from(slot.node)] += size;
            }
            if let Some(copy) = slot.copy {
                used[usize::from(copy.node)] += size;
            }
        }
        used
    }

    /// Most that placement puts on a node.
    fn room(&self, node: usize) -> Bytes {
        let devices =
            self.design.devices - self.nodes[node].dead_devices.count_ones().min(self.design.devices);
        (self.design.device_capacity * u64::from(devices)).scale(self.profile.fill_limit)
    }

    fn target(&self, id: SlotId, source: u16, work: &[u64], used: &[Bytes]) -> Option<u16> {
        let others = |s: &&Slot| s.state == State::Live || s.copy.is_some();
        let mine = self.groups.slot(id).copy;
        let size = self.groups.size(id.group);
        let holders: Vec<u16> = self
            .groups
            .of(id.group)
            .iter()
            .enumerate()
            .filter(|(i, s)| *i != usize::from(id.copy) && others(s))
            .map(|(_, s)| if s.state == State::Live { s.node } else { s.copy.map_or(s.node, |c| c.node) })
            .collect();
        let fits = |n: u16| {
            let node = &self.nodes[usize::from(n)];
            let promised = if mine.is_some_and(|c| c.node == n) { Bytes::ZERO } else { size };
            node.serves()
                && !holders.contains(&n)
                && n != source
                && used[usize::from(n)] + promised <= self.room(usize::from(n))
        };
        // What was begun is finished where it was begun.
        if let Some(begun) = mine.filter(|c| c.done > Bytes::ZERO && fits(c.node)) {
            return Some(begun.node);
        }
        let rack = |n: u16| self.nodes[usize::from(n)].rack;
        let apart = |n: u16| holders.iter().all(|&h| rack(h) != rack(n));
        let least = |far: bool| {
            let fitting = (0..self.nodes.len() as u16).filter(|&n| fits(n) && (!far || apart(n)));
            fitting.min_by_key(|&n| {
                (work[usize::from(n)], score(u64::from(id.group), self.nodes[usize::from(n)].key))
            })
        };
        if self.design.spread == Domain::Rack { least(true).or_else(|| least(false)) } else { least(false) }
    }

    fn start_copy(
        &mut self,
        (from, to): (u16, u16),
        slots: Vec<SlotId>,
        streams: u32,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let left = |id: &SlotId| {
            let done = self.groups.slot(*id).copy.map_or(Bytes::ZERO, |c| c.done);
            self.groups.size(id.group).saturating_sub(done)
        };
        let bytes: Bytes = slots.iter().map(left).sum();
        let (source, target) = (&self.nodes[usize::from(from)], &self.nodes[usize::from(to)]);
        let mut key = Digest::default();
        [source.key, target.key, self.rebuild.plans].into_iter().for_each(|part| key.add(part));
        let also = [source.bulk, source.copying, target.bulk, target.copying];
        let side = self.side;
        let (from_host, to_host) = (source.host, target.host);
        let id = self.rebuild.flows.insert(CopyFlow { from, to, slots, bytes, flow: None });
        let bulk = Bulk {
            from: from_host,
            to: to_host,
            bytes,
            traffic: Traffic::Rebuild,
            streams,
            cap: None,
            key: key.value(),
            also: &also,
            then: event::Event::Storage(Event::Copied(side, id)),
            on_rate: Some(event::Event::Storage(Event::CopyRate(side))),
        };
        let flow = infra.fabric.send(bulk, cx);
        self.rebuild.flows[id].flow = Some(flow);
    }
}
