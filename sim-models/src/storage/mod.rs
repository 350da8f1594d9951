//! Storage: a shared array, or copies on the hosts' own devices behind controller VMs.
//!
//! The macroscopic part always runs: placement groups, offered load, detection, rebuild. Single requests
//! are simulated only while a window is open; they read the macroscopic state and never write it.

use crate::event::{self, Cx};
use crate::ids::{HostId, Side, VmId};
use crate::record::Stamp;
use crate::scenario::Scenario;
use crate::world::Infra;
use sim_core::{Bytes, Rate, Span, Stream, Streams};

/// What happens in storage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A dead node has been noticed by its peers.
    NodeDetected(HostId),
}

impl Event {
    /// The host it happens to, if it is macroscopic and about one.
    pub fn host(&self) -> Option<HostId> {
        match self {
            Event::NodeDetected(host) => Some(*host),
        }
    }
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

/// Read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read.
    Read,
    /// Write.
    Write,
}

/// One request of a guest.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who asks.
    pub vm: VmId,
    /// Read or write.
    pub op: Op,
    /// How much.
    pub bytes: u32,
    /// Phase it belongs to and how much time it stands for, for the bytes it causes (weight 0: warm-in,
    /// not recorded).
    pub stamp: Stamp,
    /// See `stamp`.
    pub weight: u32,
    /// Happens when the guest sees the completion.
    pub then: event::Event,
}

/// What a VM asks of storage over time, for loads and flows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Reads per second.
    pub reads_per_s: f64,
    /// Writes per second.
    pub writes_per_s: f64,
    /// Mean bytes of a request.
    pub mean_bytes: f64,
}

/// Disks of both clusters.
#[derive(Clone, Debug)]
pub struct Storage {}

#[allow(unused_variables)]
impl Storage {
    /// All devices and controllers up, all data redundant.
    pub fn build(scenario: &Scenario, infra: &mut Infra, streams: &Streams) -> Storage {
        unimplemented!()
    }
    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        unimplemented!()
    }
    /// A VM's disks are served to `host` from now on: at power-on (`local`: its data already lies there)
    /// or after a move inside the cluster (locality is lost and regained by use).
    pub fn attach(
        &mut self,
        vm: VmId,
        name: &str,
        disk: Bytes,
        host: HostId,
        local: bool,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
    /// A VM's disks are no longer used (power off, moved away).
    pub fn detach(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// What a VM asks for from now on.
    pub fn set_load(&mut self, vm: VmId, load: Load, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Bulk bytes of incoming moves that a side's storage of `host` writes (target) or reads (source).
    pub fn set_ingest(&mut self, host: HostId, rate: Rate, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A budget that bulk reads or writes at this host pass besides the network.
    pub fn bulk_budget(&self, host: HostId) -> Option<sim_core::fluid::LinkId> {
        unimplemented!()
    }
    /// A request enters. All its luck comes from the VM's stream.
    pub fn submit(&mut self, request: Request, luck: &mut Stream, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Windows open and close: background work reaches the stations only while one is open.
    pub fn set_window(&mut self, open: bool, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A host is gone with its controller and devices.
    pub fn fail_host(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// It is back; its devices hold what they held.
    pub fn repair_host(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A controller VM is gone, its host lives.
    pub fn fail_cvm(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// It is back.
    pub fn repair_cvm(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A data device dies for good.
    pub fn fail_device(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Service times of one data device of a host are multiplied by this (1 makes it whole).
    pub fn slow_device(&mut self, host: HostId, factor: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Share of time a VM's writes are stalled now (1 while its path hangs): slows dirtying.
    pub fn stalled(&self, vm: VmId) -> bool {
        unimplemented!()
    }
    /// How long after a death of this host its peers notice, as drawn for this run.
    pub fn detection(&self, host: HostId) -> Span {
        unimplemented!()
    }
    /// Facts that are complete only at the end: exposure, rebuild time, losses.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// The side of a host is replicated storage.
    pub fn replicated(&self, side: Side) -> bool {
        unimplemented!()
    }
}
