//! VMs: where they run, what they ask of CPU and disks, how they write their memory.

pub mod dirty;

use crate::event::Cx;
use crate::ids::{HostId, Side, VmId};
use crate::scenario::Scenario;
use crate::storage::Storage;
use crate::world::Infra;
use dirty::DirtyMemory;
use sim_core::{Bytes, SimTime, Streams};

/// What happens to VMs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Demand changes.
    Epoch,
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

/// What a VM is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// Stopped for a switch-over or cut-over; it will go on.
    Stunned,
    /// Its host died or it was powered off.
    Down,
}

/// One virtual machine.
#[derive(Clone, Debug)]
pub struct Vm {
    /// Such as `web-17`.
    pub name: String,
    /// Its group in the scenario.
    pub group: usize,
    /// Where it runs, or ran last.
    pub host: HostId,
    /// What it is doing.
    pub state: State,
    /// Its memory, as migrations see it.
    pub dirty: DirtyMemory,
    /// Share of its writing that throttling takes away, 0 to 1.
    pub throttle: f64,
}

/// All VMs.
#[derive(Clone, Debug)]
pub struct Vms {}

#[allow(unused_variables)]
impl Vms {
    /// The VM.
    pub fn get(&self, vm: VmId) -> &Vm {
        unimplemented!()
    }
    /// The VM.
    pub fn get_mut(&mut self, vm: VmId) -> &mut Vm {
        unimplemented!()
    }
    /// The group a VM belongs to.
    pub fn group(&self, vm: VmId) -> &crate::scenario::VmGroup {
        unimplemented!()
    }
    /// Ids of all VMs, in order.
    pub fn ids(&self) -> impl Iterator<Item = VmId> + use<> {
        (0..0).map(VmId)
    }
    /// The cluster a VM runs in.
    pub fn side(&self, vm: VmId, infra: &Infra) -> Side {
        unimplemented!()
    }
    /// Share of its nominal speed at which a VM writes memory now: ready time, throttle, stalled storage.
    pub fn speed(&self, vm: VmId, storage: &Storage, infra: &Infra) -> f64 {
        unimplemented!()
    }
    /// Guest bytes written to disk per second.
    pub fn write_rate(&self, vm: VmId) -> f64 {
        unimplemented!()
    }
    /// Throttles a VM's vCPUs by this share (0 releases it).
    pub fn set_throttle(&mut self, vm: VmId, share: f64, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Stops a running VM; it keeps its place. Its clients' backlog grows from their intended arrivals.
    pub fn stun(&mut self, vm: VmId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Lets a stunned VM go on, on the host it is placed on.
    pub fn resume(&mut self, vm: VmId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Moves a stunned VM to another host (CPU, memory and disks follow).
    pub fn relocate(
        &mut self,
        vm: VmId,
        to: HostId,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
    /// Its host is gone or it must boot elsewhere: high availability takes over.
    pub fn lose(&mut self, vm: VmId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A running host of this side that would take this VM, other than `not`: by name, never by order.
    pub fn destination(&self, vm: VmId, side: Side, not: Option<HostId>, infra: &Infra) -> Option<HostId> {
        unimplemented!()
    }
    /// Simulates every request from now until `until`, weight 1.
    pub fn open_window(&mut self, until: SimTime, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
}
