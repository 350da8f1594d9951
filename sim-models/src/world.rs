//! The system: every subsystem a plain field, and the switchboard between events and handlers.

use crate::cpu::Cpu;
use crate::event::{Cx, Event};
use crate::fabric::Fabric;
use crate::fault::Faults;
use crate::hosts::Hosts;
use crate::memory::Memory;
use crate::migration::Migrations;
use crate::record::Record;
use crate::storage::Storage;
use crate::vm::Vms;
use sim_core::Model;

/// What everything runs on: hosts, their CPUs and memory, and the links between them.
#[derive(Clone, Debug)]
pub struct Infra {
    /// What the hosts are and whether they run.
    pub hosts: Hosts,
    /// CPU pools and ready time.
    pub cpu: Cpu,
    /// Memory, overcommit and NUMA placement.
    pub memory: Memory,
    /// Links, flows and messages.
    pub fabric: Fabric,
}

/// A source cluster, a target cluster and the fabric between them.
#[derive(Clone, Debug)]
pub struct World {
    /// Failure kinds, top layer.
    pub faults: Faults,
    /// Moves under way.
    pub migrations: Migrations,
    /// The VMs.
    pub vms: Vms,
    /// Disks behind the VMs.
    pub storage: Storage,
    /// Bottom layer.
    pub infra: Infra,
}

impl Model for World {
    type Event = Event;
    type Record = Record;

    /// The argument list of each line is the dependency rule.
    fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        let World { faults, migrations, vms, storage, infra } = self;
        match event {
            Event::Fault(e) => faults.handle(e, migrations, vms, storage, infra, cx),
            Event::Migration(e) => migrations.handle(e, vms, storage, infra, cx),
            Event::Vm(e) => vms.handle(e, storage, infra, cx),
            Event::Storage(e) => storage.handle(e, infra, cx),
            Event::Cpu(e) => infra.cpu.handle(e, cx),
            Event::Memory(e) => infra.memory.handle(e, cx),
            Event::Fabric(e) => infra.fabric.handle(e, cx),
        }
    }
}
