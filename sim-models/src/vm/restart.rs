//! High availability: VMs of a dead host start elsewhere, a few at a time per host.

use super::{Event, Vm};
use crate::event::{self, Cx};
use crate::hosts::Hosts;
use crate::ids::{HostId, VmId};
use crate::scenario::Scenario;
use sim_core::{Dist, Span, Stream, Streams};
use std::collections::VecDeque;

/// Restarts waiting and under way.
#[derive(Clone, Debug)]
pub struct Restarts {
    hosts: Vec<Starter>,
    boots: Vec<Stream>,
    starting: Vec<bool>,
}

#[derive(Clone, Debug)]
struct Starter {
    declared_dead: Dist,
    boot: Dist,
    at_once: u32,
    busy: u32,
    queue: VecDeque<(VmId, u32)>,
    luck: Stream,
}

impl Restarts {
    /// Nothing to restart.
    pub fn build(scenario: &Scenario, hosts: &Hosts, all: &[Vm], streams: &Streams) -> Restarts {
        let starters = hosts.iter().map(|(_, host)| {
            let cluster = scenario.cluster(host.side).expect("a host belongs to a cluster of the scenario");
            let platform = &cluster.profile.availability;
            Starter {
                declared_dead: platform.host_declared_dead.clone(),
                boot: platform.vm_boot.clone(),
                at_once: platform.starts_per_host.max(1),
                busy: 0,
                queue: VecDeque::new(),
                luck: streams.stream(&host.name, "declared dead"),
            }
        });
        Restarts {
            hosts: starters.collect(),
            boots: all.iter().map(|vm| streams.stream(&vm.name, "boot")).collect(),
            starting: vec![false; all.len()],
        }
    }

    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.hosts.iter_mut().for_each(|h| h.luck.rekey(streams));
        self.boots.iter_mut().for_each(|s| s.rekey(streams));
    }

    /// How long after its death the platform gives a host up.
    pub fn declaration(&mut self, host: HostId) -> Span {
        let it = &mut self.hosts[host.index()];
        it.declared_dead.sample_span(&mut it.luck)
    }

    /// The VM waits for a slot or is booting.
    pub fn is_starting(&self, vm: VmId) -> bool {
        self.starting[vm.index()]
    }

    /// A VM shall start on a host, in its present life.
    pub fn enqueue(&mut self, vm: VmId, life: u32, host: HostId, cx: &mut Cx<'_>) {
        self.starting[vm.index()] = true;
        self.hosts[host.index()].queue.push_back((vm, life));
        self.fill(host, cx);
    }

    /// A boot has ended, well or not.
    pub fn finished(&mut self, vm: VmId, host: HostId, cx: &mut Cx<'_>) {
        self.starting[vm.index()] = false;
        let it = &mut self.hosts[host.index()];
        it.busy = it.busy.saturating_sub(1);
        self.fill(host, cx);
    }

    /// The host died with what was starting on it; those VMs are asked for again.
    pub fn host_failed(&mut self, host: HostId) {
        let it = &mut self.hosts[host.index()];
        it.busy = 0;
        it.queue.clear();
    }

    /// The VM is neither waiting nor booting any more.
    pub fn forget(&mut self, vm: VmId) {
        self.starting[vm.index()] = false;
    }

    fn fill(&mut self, host: HostId, cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        while it.busy < it.at_once {
            let Some((vm, life)) = it.queue.pop_front() else { return };
            it.busy += 1;
            let boot = it.boot.sample_span(&mut self.boots[vm.index()]);
            cx.after(boot, event::Event::Vm(Event::Booted(vm, life)));
        }
    }
}
