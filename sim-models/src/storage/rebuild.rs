//! Making lost copies again: (surviving source -> new target) bulk flows through the fabric, held back by
//! each node's budget.
//!
//! A flow carries all copies of its pair, a few at a time, and weighs by their bytes, so that flows that share
//! a budget end together. Its progress is booked to its copies in order whenever something cuts it.

use super::groups::{Slot, SlotId, State, score};
use super::loads::{set_budgets, write_latency};
use super::pool::{Pool, Wait};
use super::{Backend, Event, Storage, throttle};
use crate::event::{self, Cx};
use crate::fabric::{Bulk, FlowId, Traffic};
use crate::ids::{HostId, Side};
use crate::record::Condition;
use crate::storage::ledger::Ledger;
use crate::world::Infra;
use sim_core::digest::Digest;
use sim_core::{Bytes, Id, Rate, SimTime, Span, Table};

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
    /// Nodes are so full that writes find no place and are refused.
    pub read_only: bool,
    /// How fast nodes were when copies were dealt.
    pub dealt: Vec<Rate>,
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
            read_only: false,
            dealt: Vec::new(),
            ledger: Ledger::default(),
        }
    }
}

impl Rebuild {
    /// Copies are on their way.
    pub fn is_busy(&self) -> bool {
        !self.flows.is_empty()
    }

    /// Slots whose copies are on their way, in order.
    pub fn under_way(&self) -> Vec<SlotId> {
        let mut slots: Vec<SlotId> = self.flows.iter().flat_map(|(_, c)| c.slots.iter().copied()).collect();
        slots.sort_unstable();
        slots
    }

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
        let copies = pairs.values().map(Vec::len).max().unwrap_or(0);
        let most = pairs.values().map(|slots| pool.missing(slots)).max().unwrap_or_default();
        for (pair, slots) in pairs {
            // As many at once as the pair has to do beside the busiest one, which has all it may.
            let share = pool.missing(&slots).as_f64() / most.as_f64().max(1.0);
            pool.start_copy(pair, slots, AT_ONCE.min(copies) as f64 * share, infra, cx);
        }
        let full = pool.out_of_room();
        let was_full = std::mem::replace(&mut pool.rebuild.read_only, full);
        if was_full && !full {
            self.wake(|w| w == Wait::Space(side), infra, cx);
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

    fn start_copy(
        &mut self,
        (from, to): (u16, u16),
        slots: Vec<SlotId>,
        connections: f64,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let bytes = self.missing(&slots);
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
            streams: connections.ceil() as u32,
            cap: None,
            key: key.value(),
            also: &also,
            then: event::Event::Storage(Event::Copied(side, id)),
            on_rate: Some(event::Event::Storage(Event::CopyRate(side))),
        };
        let flow = infra.fabric.send(bulk, cx);
        // A flow stands for very many short copies one after another: their luck at ports averages out.
        infra.fabric.set_weight(flow, connections, cx);
        self.rebuild.flows[id].flow = Some(flow);
    }
}
