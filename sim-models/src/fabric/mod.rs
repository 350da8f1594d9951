//! The fabric: dual-homed hosts, ToR pairs, spines, the link between sites.
//!
//! Bulk bytes are max-min flows; small messages get a sampled delay from the state the flows leave on each
//! port; failures are timers that stall flows and then move them to what survives.

use crate::event::{self, Cx};
use crate::hosts::Hosts;
use crate::ids::{HostId, Side};
use crate::scenario::Scenario;
use sim_core::fluid;
use sim_core::{Bytes, Rate, SimTime, Span, Stream, Streams};

/// What a bulk flow carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// Replica writes and remote reads of guests.
    Guest,
    /// Rebuild copies.
    Rebuild,
    /// Live migration.
    Migration,
    /// Cross-platform moves and replication between sites.
    Replication,
}

/// A bulk transfer asked of the fabric.
#[derive(Clone, Copy, Debug)]
pub struct Bulk<'a> {
    /// Sending host.
    pub from: HostId,
    /// Receiving host.
    pub to: HostId,
    /// Bytes to move.
    pub bytes: Bytes,
    /// What it carries.
    pub traffic: Traffic,
    /// Parallel connections; the flow's weight.
    pub streams: u32,
    /// Most it may take.
    pub cap: Option<Rate>,
    /// Unique name, for ECMP hashing, weights and ties: from entity names, never from ids.
    pub key: u64,
    /// Budgets outside the network that every byte also passes (a device, a controller's cycles).
    pub also: &'a [fluid::LinkId],
    /// Happens when the last byte has arrived.
    pub then: event::Event,
    /// Happens whenever the rate has changed.
    pub on_rate: Option<event::Event>,
}

/// Names a bulk transfer.
pub type FlowId = fluid::FlowId;

/// What a small message meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Arrives after this.
    After(Span),
    /// No path, and none is expected to come back by itself.
    Never,
}

/// A part of the fabric that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A host with both its cables.
    Host(HostId),
    /// One cable of a host: port 0 or 1.
    Cable(HostId, u16),
    /// ToR `1` (0 or 1) of a rack of a side.
    Tor(Side, u16, u16),
    /// A spine.
    Spine(u16),
    /// The link between the sites.
    Site,
}

/// What happens in the fabric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Rates are solved.
    Settle,
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> sim_core::Class {
        sim_core::Class::Settle
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        0
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        0
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
}

/// Links, flows and messages.
#[derive(Clone, Debug)]
pub struct Fabric {}

#[allow(unused_variables)]
impl Fabric {
    /// All links up, no flow.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Fabric {
        unimplemented!()
    }
    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        unimplemented!()
    }
    /// Starts a transfer.
    pub fn send(&mut self, bulk: Bulk<'_>, cx: &mut Cx<'_>) -> FlowId {
        unimplemented!()
    }
    /// Ends a transfer early; the bytes that were left, or `None` if it had ended.
    pub fn stop(&mut self, flow: FlowId, cx: &mut Cx<'_>) -> Option<Bytes> {
        unimplemented!()
    }
    /// Adds bytes to a transfer under way.
    pub fn extend(&mut self, flow: FlowId, bytes: Bytes, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Changes the cap of a transfer.
    pub fn set_cap(&mut self, flow: FlowId, cap: Option<Rate>, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Present rate of a transfer; zero while it is stalled or gone.
    pub fn rate(&self, flow: FlowId) -> Rate {
        unimplemented!()
    }
    /// Bytes left of a transfer.
    pub fn remaining(&self, flow: FlowId, now: SimTime) -> Bytes {
        unimplemented!()
    }
    /// Sets what guests offer from one host to another (replica writes, remote reads).
    pub fn offer(&mut self, from: HostId, to: HostId, offered: Rate, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A budget outside the network that flows can be made to pass (`Bulk::also`).
    pub fn add_budget(&mut self, rate: Rate) -> fluid::LinkId {
        unimplemented!()
    }
    /// Changes such a budget.
    pub fn set_budget(&mut self, budget: fluid::LinkId, rate: Rate, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Sum of the rates that pass a budget.
    pub fn budget_used(&self, budget: fluid::LinkId) -> Rate {
        unimplemented!()
    }
    /// Delay of one message of `bytes` from host to host, from the present state of the ports. While routes
    /// are being moved off a dead part the delay holds the wait and the retransmission back-off.
    pub fn message(&self, from: HostId, to: HostId, bytes: u32, now: SimTime, luck: &mut Stream) -> Delivery {
        unimplemented!()
    }
    /// Unloaded round trip between two hosts, for hand-shakes and reports.
    pub fn rtt(&self, from: HostId, to: HostId) -> Span {
        unimplemented!()
    }
    /// Can the two hosts talk, now or once detection has moved the routes?
    pub fn connected(&self, from: HostId, to: HostId) -> bool {
        unimplemented!()
    }
    /// Breaks a part: flows over it stall at once and move when the failure has been detected.
    pub fn fail(&mut self, part: Part, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Repairs a part; it carries traffic again after its reload delay.
    pub fn repair(&mut self, part: Part, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A cable runs at a share of its rate and loses packets (1.0 and 0.0 make it whole).
    pub fn slow_cable(&mut self, host: HostId, port: u16, rate_left: f64, loss: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        unimplemented!()
    }
}
