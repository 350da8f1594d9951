//! Who may begin to move now: limits per host and cluster for live migrations, per host and in all for a wave.

use super::crossing::Crossing;
use super::live::Live;
use super::replica::Replica;
use super::transfer::Lane;
use super::{Asked, Event, Migrations, Room, What, failed};
use crate::event;
use crate::fabric::Traffic;
use crate::ids::{HostId, MoveId, Side, VmId};
use crate::metric::Metric;
use crate::scenario::Replication;
use crate::vm::State;
use sim_core::Bytes;
use sim_core::digest::hash_name;

impl Migrations {
    pub(super) fn balance(&mut self, side: Side, room: &mut Room<'_, '_>) {
        let Some(balance) = &mut self.balance[side as usize] else { return };
        room.cx.after(balance.gap(), event::Event::Migration(Event::Balance(side)));
        let (live, crossing, asked) = (&self.live, &self.crossing, &self.asked);
        let busy = |vm: VmId| {
            live.contains_key(&vm) || crossing.contains_key(&vm) || asked.iter().any(|a| a.vm == vm)
        };
        if let Some(vm) = balance.pick(room.vms, room.infra, busy) {
            self.asked.push(Asked { vm, side, to: None });
        }
    }

    /// Begins whatever may begin now: after anything has ended or been asked for.
    pub(super) fn go_on(&mut self, room: &mut Room<'_, '_>) {
        for asked in std::mem::take(&mut self.asked) {
            if !self.admit(asked, room) {
                self.asked.push(asked);
            }
        }
        self.advance_wave(room);
    }

    /// Begins a live migration if there is room for it; false if it must wait.
    fn admit(&mut self, asked: Asked, room: &mut Room<'_, '_>) -> bool {
        let Asked { vm, side, to: chosen } = asked;
        let Some(policy) = self.policies[side as usize].clone() else { return true };
        let from = room.vms.get(vm).host;
        let gone = room.vms.get(vm).state != State::Running
            || room.infra.hosts[from].side != side
            || self.crossing.contains_key(&vm);
        if gone {
            return true;
        }
        if !room.vms.group(vm).cpu_baseline {
            // Booted with features that another host may lack: refused before the first round.
            room.cx.record.note(room.cx.now, || {
                format!("live migration of {} is refused: no common CPU baseline", room.vms.get(vm).name)
            });
            failed(side, true, room);
            return true;
        }
        let to = match chosen {
            Some(host) => Some(host).filter(|&h| h != from && room.vms.fits(vm, h, room.infra)),
            None => room.vms.destination(vm, side, Some(from), room.infra),
        };
        let Some(to) = to else { return true };
        let taking_part = |host: HostId| {
            self.live.values().filter(|m| m.ends().0 == host || m.ends().1 == host).count() as u32
        };
        let in_cluster =
            self.live.values().filter(|m| room.infra.hosts[m.ends().0].side == side).count() as u32;
        if in_cluster >= policy.per_cluster
            || taking_part(from) >= policy.per_host
            || taking_part(to) >= policy.per_host
        {
            return false;
        }
        let id = self.next_id();
        let name = &room.vms.get(vm).name;
        let luck = self.streams.stream(name, &format!("live migration {}", room.cx.now.0));
        let lane = Live::lane((vm, id), (from, to), &policy, hash_name(&[name, "live"]));
        let live = Live::begin(lane, side, luck, &policy, room);
        self.live.insert(vm, live);
        room.cx.record.per_run_add(Metric::BalancerMoves, side, u64::from(chosen.is_some()));
        true
    }

    fn next_id(&mut self) -> MoveId {
        self.moves += 1;
        MoveId(self.moves)
    }

    /// Copies of all VMs of the wave begin.
    pub(super) fn replicate(&mut self, room: &mut Room<'_, '_>) {
        let (Some(wave), Some(policy)) = (&self.wave, self.policies[Side::Target as usize].clone()) else {
            return;
        };
        let (plan, vms) = (wave.plan.replication, wave.waiting().collect::<Vec<_>>());
        for vm in vms {
            let Some(to) = room.vms.destination(vm, Side::Target, None, room.infra) else { continue };
            let id = self.next_id();
            let lane = crossing_lane((vm, id), to, "replica", room);
            let written = room.vms.write_rate(vm) * (1.0 - policy.crossing.overlap);
            if let Some(replica) = Replica::begin(plan, lane, written, room) {
                self.replicas.insert(vm, replica);
                if let Replication::Async { interval } = plan {
                    room.cx.after(interval, event::Event::Migration(Event::Step(vm, id, What::Timer)));
                }
            }
        }
    }

    fn advance_wave(&mut self, room: &mut Room<'_, '_>) {
        let Some(wave) = self.wave.as_mut().filter(|w| !w.is_ahead()) else { return };
        let plan = wave.plan.clone();
        for vm in wave.waiting().collect::<Vec<_>>() {
            self.begin_crossing(vm, &plan, room);
        }
        if let Some(wave) = &mut self.wave {
            wave.end_if_over(room.cx);
        }
    }

    fn begin_crossing(&mut self, vm: VmId, plan: &crate::scenario::Wave, room: &mut Room<'_, '_>) {
        let Some(wave) = &mut self.wave else { return };
        let it = room.vms.get(vm);
        let from = it.host;
        if it.state == State::Down {
            // It died while it waited: its move is off, high availability has it.
            wave.skip(vm);
            failed(Side::Target, false, room);
            return;
        }
        if !wave.admits(from) || self.live.contains_key(&vm) {
            return;
        }
        let Some(to) = room.vms.destination(vm, Side::Target, None, room.infra) else { return };
        let Some(policy) = self.policies[Side::Target as usize].clone() else { return };
        wave.moves(vm, from);
        let id = self.next_id();
        let replica = self.replicas.remove(&vm);
        let group = room.vms.group(vm);
        let to_copy = match replica {
            Some(_) => Bytes::ZERO,
            None => group.disk.scale((1.0 - plan.seeded).max(0.0)),
        };
        let luck = self.streams.stream(&room.vms.get(vm).name, "crossing");
        let lane = crossing_lane((vm, id), to, "crossing", room);
        let it = Crossing::begin(lane, plan.method, to_copy, replica, luck, &policy.crossing, room);
        self.crossing.insert(vm, it);
    }
}

fn crossing_lane(owner: (VmId, MoveId), to: HostId, purpose: &str, room: &Room<'_, '_>) -> Lane {
    let it = room.vms.get(owner.0);
    let from = it.host;
    Lane {
        owner,
        from,
        to,
        traffic: Traffic::Replication,
        streams: 1,
        key: hash_name(&[&it.name, purpose]),
        also: [room.storage.bulk_budget(from), room.storage.bulk_budget(to)],
    }
}
