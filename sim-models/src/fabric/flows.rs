//! Bulk transfers over the solver: one settle per instant, one pending wake-up.

use super::message::{HEADERS, box_muller};
use super::topology::{Path, Topology};
use super::{Bulk, Event, Fabric, FlowId, Traffic};
use crate::event::{self, Cx};
use crate::ids::HostId;
use sim_core::digest::hash_words;
use sim_core::fluid::{self, FlowSpec, LinkId, MAX_RATE};
use sim_core::{Bytes, Rate, SimTime, Span};

/// Spread of real TCP's shares around equal ones, as the sigma of a log-normal factor on a flow's weight;
/// fitted to packet-level runs of 12 flows (median error of plain max-min 10-39 %).
const UNFAIRNESS: f64 = 0.25;
/// Weight units of one connection.
const WEIGHT_ONE: f64 = 1024.0;
/// Largest window of one connection (Linux `tcp_wmem` maximum, 4 MiB).
pub(super) const WINDOW: Bytes = Bytes::mib(4);
/// First window of a connection, segments (RFC 6928).
const FIRST_WINDOW: f64 = 10.0;

/// A flow as the fabric knows it.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub from: HostId,
    pub to: HostId,
    pub hash: u64,
    pub streams: u32,
    pub traffic: Traffic,
    /// What its owner allows.
    pub cap: Option<Rate>,
    pub also: Vec<LinkId>,
    /// `None` while routes know of no way.
    pub path: Option<Path>,
    /// In slow start until then.
    pub resumes_at: Option<SimTime>,
    pub then: Option<event::Event>,
    pub on_rate: Option<event::Event>,
}

impl Fabric {
    /// Starts a transfer. Its luck (path and weight) is a function of its key and the run. Between VMs of
    /// one host it crosses no link and moves at the speed of a memory copy.
    pub fn send(&mut self, bulk: Bulk<'_>, cx: &mut Cx<'_>) -> FlowId {
        let transfer = Transfer {
            from: bulk.from,
            to: bulk.to,
            hash: hash_words(&[self.salt, bulk.key]),
            streams: bulk.streams.max(1),
            traffic: bulk.traffic,
            cap: bulk.cap,
            also: bulk.also.to_vec(),
            path: None,
            resumes_at: None,
            then: Some(bulk.then),
            on_rate: bulk.on_rate,
        };
        self.start(transfer, Some(bulk.bytes), bulk.key, cx)
    }

    pub(super) fn start(
        &mut self,
        mut transfer: Transfer,
        bytes: Option<Bytes>,
        key: u64,
        cx: &mut Cx<'_>,
    ) -> FlowId {
        transfer.path = way(&self.topology, &transfer, cx.now);
        fill_links(&mut self.links, &transfer);
        let spec = FlowSpec {
            path: &self.links,
            bytes,
            weight: weight(transfer.streams, transfer.hash),
            cap: Some(self.limit(&transfer)),
            key,
            tag: (),
        };
        let id = self.fluid.start(cx.now, spec);
        if transfer.path.is_none() {
            self.fluid.stall(cx.now, id);
        }
        if self.transfers.len() <= id.index() {
            self.transfers.resize(id.index() + 1, None);
        }
        self.transfers[id.index()] = Some((id, transfer));
        self.settle_soon(cx);
        id
    }

    /// Ends a transfer early; the bytes that were left, or `None` if it had ended.
    pub fn stop(&mut self, flow: FlowId, cx: &mut Cx<'_>) -> Option<Bytes> {
        let stopped = self.fluid.stop(cx.now, flow)?;
        self.transfers[flow.index()] = None;
        self.survey.ended(flow);
        self.settle_soon(cx);
        Some(stopped.remaining)
    }

    /// Adds bytes to a transfer under way; without effect on one that has ended.
    pub fn extend(&mut self, flow: FlowId, bytes: Bytes, cx: &mut Cx<'_>) {
        self.fluid.add_bytes(cx.now, flow, bytes);
        self.settle_soon(cx);
    }

    /// Makes a transfer weigh like so many connections whose luck averages out; without effect on one that has
    /// ended.
    pub fn set_weight(&mut self, flow: FlowId, connections: f64, cx: &mut Cx<'_>) {
        self.fluid.set_weight(cx.now, flow, in_units(connections));
        self.settle_soon(cx);
    }

    /// Changes the cap of a transfer; without effect on one that has ended.
    pub fn set_cap(&mut self, flow: FlowId, cap: Option<Rate>, cx: &mut Cx<'_>) {
        let Some(transfer) = self.transfer_mut(flow) else { return };
        transfer.cap = cap;
        self.limit_one(flow.index(), cx);
        self.settle_soon(cx);
    }

    /// Present rate of a transfer; zero while it is stalled or gone.
    pub fn rate(&self, flow: FlowId) -> Rate {
        self.fluid.rate(flow)
    }

    /// Bytes left of a transfer.
    pub fn remaining(&self, flow: FlowId, now: SimTime) -> Bytes {
        self.fluid.remaining(now, flow)
    }

    /// A budget outside the network that flows can be made to pass (`Bulk::also`).
    pub fn add_budget(&mut self, rate: Rate) -> fluid::LinkId {
        self.fluid.add_link(rate)
    }

    /// Changes such a budget.
    pub fn set_budget(&mut self, budget: fluid::LinkId, rate: Rate, cx: &mut Cx<'_>) {
        self.fluid.set_capacity(cx.now, budget, rate);
        self.settle_soon(cx);
    }

    /// Sum of the rates that pass a budget, as of the last settle.
    pub fn budget_used(&self, budget: fluid::LinkId) -> Rate {
        self.fluid.link_rate(budget)
    }

    pub(super) fn settle_soon(&mut self, cx: &mut Cx<'_>) {
        if self.fluid.is_dirty() && !self.settling {
            self.settling = true;
            cx.soon(event::Event::Fabric(Event::Settle));
        }
    }

    /// All changes of the instant are in: solves, tells who changed, and looks ahead to the next finish.
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>) {
        self.settling = false;
        for (id, ()) in self.fluid.settle(cx.now) {
            let told = self.transfers[id.index()].as_ref().and_then(|(_, t)| t.on_rate);
            if let Some(event) = told {
                cx.soon(event);
            }
        }
        self.survey();
        self.reckon_offers(cx.now);
        let next = self.fluid.next_completion();
        if next != self.wake {
            self.wake = next;
            self.epoch = self.epoch.wrapping_add(1);
            let due = event::Event::Fabric(Event::Due { epoch: self.epoch });
            if let Some(at) = next {
                cx.at(at, due);
            }
        }
    }

    /// The earliest finish has come, unless rates have changed since it was foreseen.
    pub(super) fn due(&mut self, epoch: u32, cx: &mut Cx<'_>) {
        if epoch != self.epoch {
            return;
        }
        self.wake = None;
        let mut finished = std::mem::take(&mut self.finished);
        self.fluid.take_finished(cx.now, &mut finished);
        for (id, ()) in finished.drain(..) {
            let transfer = self.transfers[id.index()].take();
            self.survey.ended(id);
            if let Some(then) = transfer.and_then(|(_, t)| t.then) {
                cx.soon(then);
            }
        }
        self.finished = finished;
        self.settle_soon(cx);
    }

    /// Moves every flow to where routes now lead. What was cut off starts slowly.
    pub(super) fn reroute_all(&mut self, cx: &mut Cx<'_>) {
        for station in 0..self.topology.stations.len() {
            let active = self.topology.active_at(&self.topology.stations[station], cx.now);
            self.topology.stations[station].active = active;
        }
        for slot in 0..self.transfers.len() {
            self.reroute(slot, cx);
        }
        self.routes_until = self.turning_points(cx.now).first().copied().unwrap_or(SimTime::NEVER);
        self.settle_soon(cx);
    }

    fn reroute(&mut self, slot: usize, cx: &mut Cx<'_>) {
        let now = cx.now;
        let Some((id, transfer)) = &mut self.transfers[slot] else { return };
        let (id, before) = (*id, transfer.path);
        let path = way(&self.topology, transfer, now);
        if path == before {
            return;
        }
        let cut_off = before.is_none_or(|p| !self.topology.alive(p, now));
        transfer.path = path;
        fill_links(&mut self.links, transfer);
        self.fluid.reroute(now, id, &self.links);
        self.limit_one(slot, cx);
        match path {
            None => self.fluid.stall(now, id),
            Some(path) if !self.topology.alive(path, now) => self.fluid.resume(now, id), // at rate zero
            Some(path) if cut_off => self.slow_start(slot, path, cx),
            Some(_) => {}
        }
    }

    /// The window opens again: it doubles each round trip, from ten segments; nothing moves meanwhile.
    fn slow_start(&mut self, slot: usize, path: Path, cx: &mut Cx<'_>) {
        let window = WINDOW.as_f64() / (FIRST_WINDOW * f64::from(self.mtu - HEADERS));
        let at = cx.now + self.topology.rtt(path).scale(libm::log2(window.max(1.0)));
        let Some((id, transfer)) = &mut self.transfers[slot] else { return };
        transfer.resumes_at = Some(at);
        self.fluid.stall(cx.now, *id);
        cx.at(at, event::Event::Fabric(Event::Resume(*id)));
    }

    /// Slow start is over.
    pub(super) fn resume(&mut self, flow: FlowId, cx: &mut Cx<'_>) {
        let now = cx.now;
        let Some(transfer) = self.transfer_mut(flow) else { return };
        if transfer.resumes_at != Some(now) {
            return; // moved again since
        }
        transfer.resumes_at = None;
        if transfer.path.is_some() {
            self.fluid.resume(now, flow);
            self.settle_soon(cx);
        }
    }

    fn transfer_mut(&mut self, flow: FlowId) -> Option<&mut Transfer> {
        self.transfers.get_mut(flow.index())?.as_mut().filter(|(id, _)| *id == flow).map(|(_, t)| t)
    }

    /// Most a flow can take for reasons other than sharing: its owner's cap, its window per round trip, and
    /// what TCP makes of a lossy path.
    fn limit(&self, transfer: &Transfer) -> Rate {
        let cap = transfer.cap.unwrap_or(MAX_RATE);
        if transfer.from == transfer.to {
            return cap.min(self.copy_rate);
        }
        let Some(path) = transfer.path else { return cap };
        let rtt = self.topology.rtt(path);
        let lossless: f64 = path.links().map(|l| 1.0 - self.topology.port(l).loss).product();
        let each = (WINDOW.as_f64() / rtt.as_secs()).min(lossy_rate(1.0 - lossless, rtt, self.mtu));
        cap.min(Rate::from_f64(each * f64::from(transfer.streams)).max(Rate(1)))
    }

    fn limit_one(&mut self, slot: usize, cx: &mut Cx<'_>) {
        let Some((id, transfer)) = &self.transfers[slot] else { return };
        let cap = self.limit(transfer);
        self.fluid.set_cap(cx.now, *id, Some(cap));
    }

    pub(super) fn limit_all(&mut self, cx: &mut Cx<'_>) {
        (0..self.transfers.len()).for_each(|slot| self.limit_one(slot, cx));
    }

    /// A dead link carries nothing; flows on it keep their bytes.
    pub(super) fn set_capacity(&mut self, link: LinkId, cx: &mut Cx<'_>) {
        let port = self.topology.port(link);
        let capacity = if port.alive(cx.now) { port.goodput(self.mtu) } else { Rate::ZERO };
        self.survey.start_over();
        self.fluid.set_capacity(cx.now, link, capacity);
    }
}

/// The way of a transfer as routes believe; within a host it is no link at all.
fn way(topology: &Topology, transfer: &Transfer, now: SimTime) -> Option<Path> {
    if transfer.from == transfer.to {
        return Some(Path::none());
    }
    topology.route(transfer.from, transfer.to, transfer.hash, now)
}

/// The links of a transfer, budgets first.
fn fill_links(links: &mut Vec<LinkId>, transfer: &Transfer) {
    links.clear();
    links.extend_from_slice(&transfer.also);
    links.extend(transfer.path.iter().flat_map(|p| p.links()));
}

/// Rate of one connection at a packet loss of `p`: Padhye et al., "Modeling TCP throughput", SIGCOMM 1998,
/// eq. 30, with delayed acknowledgements (b = 2) and the 200 ms timeout, which is what hurts at short round trips.
fn lossy_rate(p: f64, rtt: Span, mtu: u32) -> f64 {
    if p <= 0.0 {
        return f64::INFINITY;
    }
    let fast = rtt.as_secs() * (4.0 * p / 3.0).sqrt();
    let timeouts = (3.0 * (3.0 * p / 4.0).sqrt()).min(1.0) * p * (1.0 + 32.0 * p * p);
    f64::from(mtu - HEADERS) / (fast + super::message::MIN_RTO.as_secs() * timeouts)
}

/// Connections, times the luck of this flow against others, in the solver's fixed point.
fn weight(streams: u32, hash: u64) -> u32 {
    let uniform = |purpose| ((hash_words(&[hash, purpose]) >> 11) as f64 + 1.0) * (1.0 / (1u64 << 53) as f64);
    let luck = libm::exp(UNFAIRNESS * box_muller(uniform(1), uniform(2)));
    in_units(f64::from(streams) * luck)
}

/// A weight in connections, in the solver's fixed point.
fn in_units(connections: f64) -> u32 {
    (connections * WEIGHT_ONE).round().clamp(1.0, f64::from(u32::MAX)) as u32
}
