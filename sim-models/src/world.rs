//! The system: every subsystem a plain field, and the switchboard between events and handlers.

use crate::cpu::Cpu;
use crate::event::{Cx, Event};
use crate::fabric::Fabric;
use crate::fault::Faults;
use crate::hosts::Hosts;
use crate::memory::Memory;
use crate::migration::Migrations;
use crate::record::{Record, count};
use crate::run::Act;
use crate::scenario::Scenario;
use crate::storage::Storage;
use crate::vm::Vms;
use crate::watch::Watch;
use sim_core::digest::Digest;
use sim_core::{Model, Span, Streams};

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
    watch: Option<Watch>,
}

impl World {
    /// Both clusters as they are when `act` begins, nothing running yet. Streams of what breaks are taken from
    /// `fate`: a host that is missing from the start is part of the future.
    pub fn build(scenario: &Scenario, act: Act, length: Span, streams: &Streams, fate: &Streams) -> World {
        let duress = act == Act::Duress;
        let mut hosts = Hosts::build(scenario);
        let faults = Faults::build(scenario, duress, &hosts, fate);
        faults.absent().for_each(|host| hosts[host].up = false);
        let mut infra = Infra {
            cpu: Cpu::build(scenario, &hosts, streams),
            memory: Memory::build(scenario, &hosts, streams),
            fabric: Fabric::build(scenario, &hosts, streams),
            hosts,
        };
        let storage = Storage::build(scenario, &mut infra, streams);
        let vms = Vms::build(scenario, act.population(), length, &infra, streams);
        let migrations = Migrations::build(scenario, duress, streams);
        World { faults, migrations, vms, storage, infra, watch: None }
    }

    /// Powers everything on and schedules what is planned; what breaks is [`World::fork`]'s.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        let World { migrations, vms, storage, infra, .. } = self;
        vms.start(storage, infra, cx);
        migrations.start(vms, infra, cx);
        infra.cpu.start(cx);
        infra.memory.start(cx);
    }

    /// Writes down what is complete only at the end of an act.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        self.migrations.finish(cx);
        self.vms.finish(&self.infra, cx);
        self.storage.finish(cx);
        let (up, all, moved) = (self.vms.up(), self.vms.ids().count(), self.migrations.moved());
        cx.record.note(cx.now, || {
            let pause = match moved.count {
                0 => String::new(),
                _ => format!(", longest pause {}", moved.longest),
            };
            let moves = count(moved.count, "live migration");
            let failed = if moved.failed > 0 { format!(", {} failed", moved.failed) } else { String::new() };
            format!("the end: {up} of {all} VMs are up; {moves}{pause}{failed}")
        });
    }

    /// From here on this is the world of the run that owns `streams`: everybody's luck is that run's, and what
    /// breaks, and the slices that lie ahead, are those that it draws. Every act with faults is forked once, be
    /// it onto its own run.
    pub fn fork(&mut self, scenario: &Scenario, streams: &Streams, cx: &mut Cx<'_>) {
        self.rekey(streams);
        let World { faults, vms, infra, .. } = self;
        vms.draw_slices(streams, cx);
        *faults = Faults::build(scenario, true, &infra.hosts, streams);
        faults.start(vms, cx);
    }

    /// Continues under the luck of another run: what was drawn stays, what is drawn from now on differs.
    pub fn rekey(&mut self, streams: &Streams) {
        let World { faults, migrations, vms, storage, infra, .. } = self;
        faults.rekey(streams);
        migrations.rekey(streams);
        vms.rekey(streams);
        storage.rekey(streams);
        infra.cpu.rekey(streams);
        infra.memory.rekey(streams);
        infra.fabric.rekey(streams);
    }

    /// Keeps a digest per entity from now on.
    pub fn watch(&mut self, on: bool) {
        self.watch = on.then(Watch::default);
    }

    /// The digests of all entities by name, continued from those of an earlier act.
    pub fn entities(&self, earlier: Vec<(String, Digest)>) -> Vec<(String, Digest)> {
        match &self.watch {
            Some(watch) => watch.by_name(self, earlier),
            None => earlier,
        }
    }
}

impl Model for World {
    type Event = Event;
    type Record = Record;

    /// The argument list of each line is the dependency rule.
    fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.add(cx.now, &event);
        }
        let World { faults, migrations, vms, storage, infra, .. } = self;
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
