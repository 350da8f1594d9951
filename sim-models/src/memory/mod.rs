//! Memory: admission, overcommit states and reclaim per platform, and where a VM's pages lie (NUMA).

use crate::event::Cx;
use crate::hosts::Hosts;
use crate::ids::{HostId, VmId};
use crate::scenario::{Scenario, VmGroup};
use sim_core::{Bytes, SimTime, Streams};

/// What happens to memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Remote shares are recorded.
    Sample,
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

/// Why a VM may not run on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Asked for.
    pub wanted: Bytes,
    /// What the platform would let it have.
    pub free: Bytes,
}

/// What a host's memory does to a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// Bursts of work last this much longer (remote accesses, swap), at least 1.
    pub slowdown: f64,
    /// Reads per second that reclaim adds to the VM's storage path.
    pub swap_reads_per_s: f64,
}

/// Memory of all hosts.
#[derive(Clone, Debug)]
pub struct Memory {}

#[allow(unused_variables)]
impl Memory {
    /// Empty hosts; controller VMs hold their part.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Memory {
        unimplemented!()
    }
    /// Schedules the first sample.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        unimplemented!()
    }
    /// Would this host take a VM of this size?
    pub fn admits(&self, host: HostId, memory: Bytes) -> Result<(), Refused> {
        unimplemented!()
    }
    /// Puts a VM on a host; the answer is its NUMA home node, `None` when it spans nodes. `moved` says that
    /// it came by live migration rather than by power-on, so that its placement is drawn again.
    pub fn place(
        &mut self,
        vm: VmId,
        name: &str,
        group: &VmGroup,
        host: HostId,
        moved: bool,
        cx: &mut Cx<'_>,
    ) -> Option<u16> {
        unimplemented!()
    }
    /// A VM leaves its host.
    pub fn remove(&mut self, vm: VmId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// All memory of a host is gone.
    pub fn fail_host(&mut self, host: HostId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// The host is back, empty.
    pub fn repair_host(&mut self, host: HostId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Remote share of a VM's accesses now.
    pub fn remote_share(&self, vm: VmId, now: SimTime) -> f64 {
        unimplemented!()
    }
    /// What its memory does to a VM now.
    pub fn pressure(&self, vm: VmId, now: SimTime) -> Pressure {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        unimplemented!()
    }
}
