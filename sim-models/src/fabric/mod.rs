//! The fabric: dual-homed hosts, ToR pairs, spines, the link between sites.
//!
//! Bulk bytes are max-min flows; small messages get a sampled delay from the state the flows leave on each
//! port; failures are timers that stall flows and then move them to what survives. No packets.
//!
//! Modules in reading order: `topology` (who is plugged in where, and which way leads there), `flows` (bulk
//! transfers), `offers` (what guests send), `survey` (what all of them leave on each port), `failover` (outages,
//! detection, return), [`message`] (delay laws of one message), `delivery` (one message along a path of the
//! present fabric).

mod delivery;
mod failover;
mod flows;
pub mod message;
mod offers;
mod survey;
#[cfg(test)]
mod tests;
mod topology;

use crate::event::{self, Cx};
use crate::hosts::Hosts;
use crate::ids::{HostId, Side};
use crate::scenario::{Background, FabricDesign, Queueing, RouteDetection, Scenario};
use flows::Transfer;
use offers::Offer;
use sim_core::fluid::{self, Fluid, LinkId};
use sim_core::{Bytes, Class, Rate, SimTime, Span, Stream, Streams, Table};
use std::collections::BTreeMap;
use survey::{Load, Survey};
use topology::{Plug, Topology};

pub use failover::{Outage, OutageId};

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
    /// A spine; with two sites, the target's come first.
    Spine(u16),
    /// The link between the sites.
    Site,
}

/// What happens in the fabric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Rates are solved.
    Settle,
    /// The earliest transfer ends, if rates have not changed since.
    Due {
        /// Which forecast this is.
        epoch: u32,
    },
    /// A host or switch has noticed a dead link.
    Detected(OutageId),
    /// A repaired part carries traffic again.
    Back(OutageId),
    /// A moved transfer has its window back.
    Resume(FlowId),
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        match self {
            Event::Settle => Class::Settle,
            Event::Due { .. } | Event::Resume(_) => Class::Completion,
            Event::Detected(_) | Event::Back(_) => Class::Failure,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Settle => 0,
            Event::Due { .. } => 1,
            Event::Detected(_) => 2,
            Event::Back(_) => 3,
            Event::Resume(_) => 4,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        match self {
            Event::Settle => 0,
            Event::Due { epoch } => u64::from(*epoch),
            Event::Detected(outage) | Event::Back(outage) => outage.index() as u64,
            Event::Resume(flow) => flow.index() as u64,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
}

/// Links, flows and messages.
#[derive(Clone, Debug)]
pub struct Fabric {
    topology: Topology,
    fluid: Fluid<()>,
    /// By slot of the solver.
    transfers: Vec<Option<(FlowId, Transfer)>>,
    offers: BTreeMap<(HostId, HostId), Offer>,
    /// Pairs that the next settle has to look at.
    listed_offers: Vec<(HostId, HostId)>,
    outages: Table<Outage>,
    /// Until then the routes are those of the last time that all flows were moved.
    routes_until: SimTime,

    /// What flows leave on each port, as of the last settle.
    loads: Vec<Load>,
    /// Full ports of each switch.
    congested: Vec<u32>,
    survey: Survey,
    /// Packet memory of one switch.
    buffer: Bytes,
    queueing: Queueing,
    hot_share: f64,
    background: Background,
    /// Between two VMs of one host: one way, and the rate of a copy.
    local_delay: Span,
    copy_rate: Rate,
    /// Connections between a pair of hosts that guests share.
    guest_connections: u32,
    /// Largest frame, bytes.
    mtu: u32,
    detection: RouteDetection,
    lacp_fast: bool,

    streams: Streams,
    /// Detection luck of the parts that have failed so far.
    luck: Vec<(Part, Stream)>,
    /// Hashes the paths and weights of transfers that start in this run.
    salt: u64,
    /// The same for the lasting connections between hosts: a fork keeps them.
    pair_salt: u64,

    /// A settle is pending at this instant.
    settling: bool,
    /// The finish that is waited for, and the number of that forecast.
    wake: Option<SimTime>,
    epoch: u32,
    /// Scratch, empty between calls.
    links: Vec<LinkId>,
    finished: Vec<(FlowId, ())>,
}

impl Fabric {
    /// All links up, no flow.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Fabric {
        Fabric::plugged(&scenario.fabric, topology::plugs(scenario, hosts), streams)
    }

    fn plugged(design: &FabricDesign, plugs: Vec<Plug>, streams: &Streams) -> Fabric {
        let mut fluid = Fluid::new();
        let topology = Topology::build(design, plugs, &mut fluid);
        fluid.settle(SimTime::ZERO); // a net without flows has nothing left to solve
        Fabric {
            loads: vec![Load::default(); topology.ports.len()],
            congested: vec![0; usize::from(topology.switches)],
            survey: Survey::default(),
            topology,
            fluid,
            transfers: Vec::new(),
            offers: BTreeMap::new(),
            listed_offers: Vec::new(),
            outages: Table::new(),
            routes_until: SimTime::NEVER,
            buffer: design.buffer,
            queueing: design.queueing,
            hot_share: design.hot_share,
            background: design.background,
            local_delay: design.local_delay,
            copy_rate: design.copy_rate,
            guest_connections: design.guest_connections,
            mtu: design.mtu,
            detection: design.detection,
            lacp_fast: design.lacp_fast,
            streams: *streams,
            luck: Vec::new(),
            salt: salt(streams, "transfers"),
            pair_salt: salt(streams, "pairs"),
            settling: false,
            wake: None,
            epoch: 0,
            links: Vec::new(),
            finished: Vec::new(),
        }
    }

    /// Moves all streams onto another run. Transfers and connections that exist keep their paths.
    pub fn rekey(&mut self, streams: &Streams) {
        self.streams = *streams;
        self.salt = salt(streams, "transfers");
        self.luck.iter_mut().for_each(|(_, luck)| luck.rekey(streams));
    }

    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        match event {
            Event::Settle => self.settle(cx),
            Event::Due { epoch } => self.due(epoch, cx),
            Event::Detected(outage) if self.outages.get(outage).is_some() => self.reroute_all(cx),
            Event::Detected(_) => {} // repaired before anybody noticed
            Event::Back(outage) => self.back(outage, cx),
            Event::Resume(flow) => self.resume(flow, cx),
        }
    }
}

fn salt(streams: &Streams, purpose: &str) -> u64 {
    streams.stream("fabric", purpose).next_u64()
}
