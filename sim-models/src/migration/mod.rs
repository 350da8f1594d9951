//! Moves of VMs: live pre-copy and post-copy inside a cluster, warm and cold moves across platforms, waves,
//! and what a lagging replica does to a cut-over.
//!
//! ```text
//!   balance --> queue --> live ----+                  precopy: rounds, left-over pages, stop rule
//!   balancer ----^                 +--> transfer --> fabric flows
//!   wave --------------> crossing -+                  replication: lag of the other site's copy
//! ```

mod admission;
mod balance;
mod balancer;
mod crossing;
mod live;
mod moved;
mod policy;
pub mod precopy;
mod replica;
pub mod replication;
#[cfg(test)]
mod tests;
mod timer;
mod transfer;
mod wave;

use crate::event::{self, Cx};
use crate::ids::{HostId, MoveId, Side, VmId};
use crate::metric::Metric;
use crate::scenario::{Replication, Scenario};
use crate::storage::Storage;
use crate::vm::Vms;
use crate::world::Infra;
use balance::Balance;
use balancer::Balancer;
use crossing::Crossing;
use live::Live;
use moved::Moved;
use policy::Policy;
use replica::Replica;
use sim_core::{Class, Rate, SimTime, Span, Streams};
use std::collections::BTreeMap;
use std::sync::Arc;
use wave::Wave;

/// What has happened to a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its timer has run out.
    Timer,
    /// Its flow has another rate.
    Rate,
    /// The last byte of its `.0`-th flow has arrived.
    Sent(u16),
}

/// What happens to migrations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Replication begins.
    Replicate,
    /// The wave begins.
    WaveBegins,
    /// A VM of a cluster in steady state moves.
    Balance(Side),
    /// A host, or a VM, of a cluster has come to where its balancer acts.
    Strained(Side),
    /// A cluster's balancer looks at its hosts.
    Check(Side),
    /// Something happened to a move of a VM.
    Step(VmId, MoveId, What),
}

impl Event {
    /// The VM that moves, if it is about one.
    pub fn vm(&self) -> Option<VmId> {
        match self {
            Event::Step(vm, ..) => Some(*vm),
            Event::Replicate | Event::WaveBegins => None,
            Event::Balance(_) | Event::Strained(_) | Event::Check(_) => None,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        match self {
            Event::Step(..) => Class::Completion,
            Event::Replicate | Event::WaveBegins => Class::Arrival,
            Event::Balance(_) | Event::Strained(_) | Event::Check(_) => Class::Arrival,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Replicate => 0,
            Event::WaveBegins => 1,
            Event::Balance(_) => 2,
            Event::Step(_, _, What::Timer) => 3,
            Event::Step(_, _, What::Rate) => 4,
            Event::Step(_, _, What::Sent(_)) => 5,
            Event::Strained(_) => 6,
            Event::Check(_) => 7,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        match self {
            Event::Balance(side) | Event::Strained(side) | Event::Check(side) => *side as u64,
            _ => self.vm().map_or(0, |vm| u64::from(vm.0)),
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
}

/// What a move may touch: everything below migration.
pub(crate) struct Room<'a, 'q> {
    vms: &'a mut Vms,
    storage: &'a mut Storage,
    infra: &'a mut Infra,
    cx: &'a mut Cx<'q>,
    /// Requests are simulated for this long from where a guest stops.
    around: Span,
}

impl Room<'_, '_> {
    /// A guest stops: what its requests meet is simulated one by one, if the scenario wants to see that.
    fn look_closely(&mut self) {
        if self.around > Span::ZERO {
            self.vms.open_window(self.cx.now + self.around, self.storage, self.infra, self.cx);
        }
    }
}

/// A live migration that was asked for and waits.
#[derive(Clone, Copy, Debug)]
struct Asked {
    vm: VmId,
    side: Side,
    /// The host that a balancer has chosen for it.
    to: Option<HostId>,
}

/// Moves under way and those that wait.
#[derive(Clone, Debug)]
pub struct Migrations {
    streams: Streams,
    around: Span,
    policies: [Option<Arc<Policy>>; 2],
    balance: [Option<Balance>; 2],
    balancers: [Option<Balancer>; 2],
    wave: Option<Wave>,
    asked: Vec<Asked>,
    live: BTreeMap<VmId, Live>,
    crossing: BTreeMap<VmId, Crossing>,
    replicas: BTreeMap<VmId, Replica>,
    moves: u32,
    /// Live migrations of the act.
    moved: Moved,
    /// Cores that migrations take of each host.
    cores: Vec<f64>,
    /// Bulk bytes per second that moves read or write at each host.
    bulk: Vec<Rate>,
}

impl Migrations {
    /// Nothing moves; the wave is planned if the scenario has one and `with_wave` is set.
    pub fn build(scenario: &Scenario, with_wave: bool, streams: &Streams) -> Migrations {
        let policy =
            |side| scenario.cluster(side).map(|c| Arc::new(Policy::build(c, scenario.fabric.announce_loss)));
        let balance = |side| {
            scenario
                .cluster(side)
                .and_then(|c| Balance::build(side, &c.name, c.live_migrations_per_hour, streams))
        };
        let hosts: usize =
            Side::BOTH.iter().filter_map(|&s| scenario.cluster(s)).map(|c| usize::from(c.hosts)).sum();
        Migrations {
            streams: *streams,
            around: scenario.windows.around,
            policies: Side::BOTH.map(policy),
            balance: Side::BOTH.map(balance),
            balancers: Side::BOTH
                .map(|side| scenario.cluster(side).and_then(|c| Balancer::build(side, c, streams))),
            wave: scenario.wave.clone().filter(|_| with_wave && scenario.source.is_some()).map(Wave::new),
            asked: Vec::new(),
            live: BTreeMap::new(),
            crossing: BTreeMap::new(),
            replicas: BTreeMap::new(),
            moves: 0,
            moved: Moved::default(),
            cores: vec![0.0; hosts],
            bulk: vec![Rate::ZERO; hosts],
        }
    }

    /// Moves all streams onto another run. Moves under way keep the luck they began with.
    pub fn rekey(&mut self, streams: &Streams) {
        self.streams = *streams;
        self.balance.iter_mut().flatten().for_each(|b| b.rekey(streams));
    }

    /// Schedules the wave and the live migrations of the act.
    pub fn start(&mut self, vms: &Vms, infra: &mut Infra, cx: &mut Cx<'_>) {
        for side in Side::BOTH {
            if infra.hosts.of(side).next().is_none() {
                continue;
            }
            cx.record.per_run_add(Metric::FailedMigrations, side, 0);
            cx.record.per_run_add(Metric::RolledBack, side, 0);
            if let Some(balance) = &mut self.balance[side as usize] {
                cx.after(balance.gap(), event::Event::Migration(Event::Balance(side)));
            }
            if let Some(balancer) = &self.balancers[side as usize] {
                cx.record.per_run_add(Metric::BalancerMoves, side, 0);
                balancer.listen(infra);
            }
        }
        if let Some(wave) = &mut self.wave {
            wave.line_up(vms);
            if wave.plan.replication != Replication::None {
                cx.soon(event::Event::Migration(Event::Replicate));
            }
            cx.after(wave.plan.start, event::Event::Migration(Event::WaveBegins));
        }
    }

    /// A host died: what moved from or to it ends as its state demands.
    pub fn host_failed(
        &mut self,
        host: HostId,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let room = &mut Room { vms, storage, infra, cx, around: self.around };
        let touches = |(from, to): (HostId, HostId)| from == host || to == host;
        for vm in self.live.iter().filter(|(_, m)| touches(m.ends())).map(|(&vm, _)| vm).collect::<Vec<_>>() {
            self.with_live(vm, room, |it, _, room| it.host_failed(host, room));
        }
        let crossing = self.crossing.iter().filter(|(_, m)| touches(m.ends()));
        for vm in crossing.map(|(&vm, _)| vm).collect::<Vec<_>>() {
            self.with_crossing(vm, room, |it, _, room| it.host_failed(host, room));
        }
        let replicas = self.replicas.iter().filter(|(_, r)| touches(r.ends()));
        for vm in replicas.map(|(&vm, _)| vm).collect::<Vec<_>>() {
            self.replica_lost(vm, host, room);
        }
        self.go_on(room);
    }

    fn replica_lost(&mut self, vm: VmId, host: HostId, room: &mut Room<'_, '_>) {
        let Some(mut replica) = self.replicas.remove(&vm) else { return };
        let elsewhere = room.vms.destination(vm, Side::Target, Some(host), room.infra);
        match elsewhere.filter(|_| replica.ends().1 == host) {
            Some(to) => {
                replica.redirect(to, room);
                self.replicas.insert(vm, replica);
            }
            None => {
                replica.end(room);
            }
        }
    }

    /// The link between the sites died or came back. Flows over it stall and go on by themselves; a
    /// synchronous copy counts the time from its stall.
    pub fn site_link(&self, up: bool, cx: &mut Cx<'_>) {
        let copies = self.replicas.len();
        if copies > 0 {
            cx.record.note(cx.now, || {
                format!("{copies} copies at the other site {}", if up { "catch up" } else { "stall" })
            });
        }
    }

    /// Facts that are complete only at the end.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        if let Some(wave) = &mut self.wave {
            wave.finish(cx);
        }
    }

    /// Handles one of its own events.
    pub fn handle(
        &mut self,
        event: Event,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let room = &mut Room { vms, storage, infra, cx, around: self.around };
        match event {
            Event::Replicate => self.replicate(room),
            Event::WaveBegins => {
                if let Some(wave) = &mut self.wave {
                    wave.begin(room.cx);
                }
            }
            Event::Balance(side) => self.balance(side, room),
            Event::Strained(side) => self.strained(side, room),
            Event::Check(side) => self.check(side, room),
            Event::Step(vm, id, what) => self.step(vm, id, what, room),
        }
        self.go_on(room);
    }

    fn step(&mut self, vm: VmId, id: MoveId, what: What, room: &mut Room<'_, '_>) {
        if self.live.get(&vm).is_some_and(|m| m.id == id) {
            self.with_live(vm, room, |it, policy, room| it.step(what, policy, room));
        } else if self.crossing.get(&vm).is_some_and(|m| m.id == id) {
            self.with_crossing(vm, room, |it, policy, room| it.step(what, &policy.crossing, room));
        } else {
            let waiting = self.crossing.get_mut(&vm).and_then(Crossing::replica_mut);
            let Some(replica) = waiting.or_else(|| self.replicas.get_mut(&vm)).filter(|r| r.id == id) else {
                return; // ended, or cut short by a fault: a stale event
            };
            let next = match what {
                What::Timer => replica.due(room),
                What::Rate => replica.rate_changed(room),
                What::Sent(leg) => replica.landed(leg, room),
            };
            if let Some(at) = next {
                let again = event::Event::Migration(Event::Step(vm, id, What::Timer));
                room.cx.at(at.max(room.cx.now), again);
            }
        }
    }

    /// Lets one live migration act, and books what that did to the hosts and to the count of failures.
    fn with_live(
        &mut self,
        vm: VmId,
        room: &mut Room<'_, '_>,
        act: impl FnOnce(&mut Live, &Policy, &mut Room<'_, '_>) -> Option<live::End>,
    ) {
        let Some(mut it) = self.live.remove(&vm) else { return };
        let side = room.infra.hosts[it.ends().0].side;
        let Some(policy) = self.policies[side as usize].clone() else { return };
        let before = it.cores;
        let end = act(&mut it, &policy, room);
        let now = if end.is_some() { 0.0 } else { it.cores };
        let (from, to) = it.ends();
        self.take_cores(from, now - before, room);
        self.take_cores(to, now - before, room);
        match end {
            None => {
                self.live.insert(vm, it);
            }
            Some(live::End::Done) => self.moved.add(it.paused()),
            Some(end) => {
                self.moved.failed += 1;
                failed(side, end == live::End::RolledBack, room);
            }
        }
    }

    fn with_crossing(
        &mut self,
        vm: VmId,
        room: &mut Room<'_, '_>,
        act: impl FnOnce(&mut Crossing, &Policy, &mut Room<'_, '_>) -> Option<crossing::End>,
    ) {
        let Some(mut it) = self.crossing.remove(&vm) else { return };
        let Some(policy) = self.policies[Side::Target as usize].clone() else { return };
        let (before, ends) = (it.rate, it.ends());
        let end = act(&mut it, &policy, room);
        let now = if end.is_some() { Rate::ZERO } else { it.rate };
        self.move_bulk(ends, before, it.ends(), now, room);
        match end {
            None => {
                self.crossing.insert(vm, it);
            }
            Some(end) => {
                if let Some(wave) = &mut self.wave {
                    let up = (end == crossing::End::Done).then(|| it.outage(room.cx.now));
                    wave.moved(vm, up);
                }
            }
        }
    }

    fn take_cores(&mut self, host: HostId, more: f64, room: &mut Room<'_, '_>) {
        if more == 0.0 || !room.infra.hosts[host].up {
            return;
        }
        let cores = &mut self.cores[host.index()];
        *cores = (*cores + more).max(0.0);
        // Sums of differences: below a millionth of a core there is nothing.
        if *cores < 1e-6 {
            *cores = 0.0;
        }
        room.infra.cpu.set_system_load(host, *cores, room.cx);
    }

    /// A move that read and wrote at `before` between two hosts now does so at `after` between others.
    fn move_bulk(
        &mut self,
        old: (HostId, HostId),
        before: Rate,
        new: (HostId, HostId),
        after: Rate,
        room: &mut Room<'_, '_>,
    ) {
        if (old, before) == (new, after) {
            return;
        }
        for host in [old.0, old.1] {
            self.bulk[host.index()] -= before;
        }
        for host in [new.0, new.1] {
            self.bulk[host.index()] += after;
        }
        let mut hosts = vec![old.0, old.1, new.0, new.1];
        hosts.sort_unstable();
        hosts.dedup();
        for host in hosts {
            room.storage.set_ingest(host, self.bulk[host.index()], room.infra, room.cx);
        }
    }

    /// Live migrations that have ended, and the longest pause of one.
    pub fn moved(&self) -> Moved {
        self.moved
    }

    /// How old the copy of a VM at the other site is, if there is one.
    pub fn lag(&self, vm: VmId, now: SimTime) -> Option<Span> {
        self.replicas.get(&vm).map(|r| r.age(now))
    }
}

fn failed(side: Side, rolled_back: bool, room: &mut Room<'_, '_>) {
    room.cx.record.per_run_add(Metric::FailedMigrations, side, 1);
    room.cx.record.per_run_add(Metric::RolledBack, side, u64::from(rolled_back));
}
