//! One VM crosses to the other platform: its disks are copied while it runs (warm) or stands (cold), then it
//! stops here and boots there. No live migration joins two hypervisors.
//!
//! ```text
//!   warm:  seed -> rounds of what was written meanwhile -> stop guest -> last round -> boot
//!   cold:  stop guest -> copy -> boot
//!   with a replica at the other site:  wait until its lag fits -> stop guest -> drain the lag -> boot
//! ```
//!
//! Every byte is read at the source's storage, crosses the fabric and is written at the target's.

use super::policy::CrossingPolicy;
use super::replica::Replica;
use super::timer::Timer;
use super::transfer::{Change, Lane, Transfer};
use super::{Room, What};
use crate::fabric::Delivery;
use crate::ids::{HostId, MoveId, Side, VmId};
use crate::metric::Metric;
use crate::scenario::MoveMethod;
use sim_core::{Bytes, Rate, SimTime, Span, Stream};

/// Bytes of a call between the two managers (assumed; any size that fits a packet or two takes as long).
const CALL: u32 = 1024;

/// How a move ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The VM runs at the target.
    Done,
    /// The VM stays at the source.
    Stays,
    /// The VM is down.
    Lost,
}

/// Where a move stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The replica lags too far.
    Waiting,
    /// A round is copied while the guest runs.
    Round,
    /// The guest shuts down.
    Stopping,
    /// The last round, guest down.
    LastRound,
    /// Calls between the managers.
    Calling,
    /// The guest boots at the target.
    Booting,
}

/// One move.
#[derive(Clone, Debug)]
pub struct Crossing {
    /// Its number.
    pub id: MoveId,
    vm: VmId,
    method: MoveMethod,
    stage: Stage,
    link: Transfer,
    replica: Option<Replica>,
    began: SimTime,
    round: u32,
    round_began: SimTime,
    round_bytes: Bytes,
    /// Written since the last round's snapshot, to be sent with the guest down.
    rest: Bytes,
    down_since: SimTime,
    timer: Timer,
    /// Between two attempts to find a host or a path.
    retry: Span,
    luck: Stream,
    /// Rate it reads and writes at, as last seen.
    pub rate: Rate,
}

impl Crossing {
    /// Begins. `to_copy` are the bytes that are not yet at the target.
    pub fn begin(
        lane: Lane,
        method: MoveMethod,
        to_copy: Bytes,
        replica: Option<Replica>,
        luck: Stream,
        policy: &CrossingPolicy,
        room: &mut Room<'_, '_>,
    ) -> Crossing {
        let now = room.cx.now;
        let (vm, id) = lane.owner;
        let mut it = Crossing {
            id,
            vm,
            method,
            stage: Stage::Waiting,
            link: Transfer::new(lane),
            replica,
            began: now,
            round: 0,
            round_began: now,
            round_bytes: to_copy,
            rest: Bytes::ZERO,
            down_since: now,
            timer: Timer::new(lane.owner),
            retry: policy.retry,
            luck,
            rate: Rate::ZERO,
        };
        match (it.method, it.replica.is_some()) {
            (_, true) => it.timer.wake(now, room),
            (MoveMethod::Warm { .. }, false) => it.send_round(to_copy, room),
            (MoveMethod::Cold, false) => {
                it.rest = to_copy;
                it.stop_guest(policy, room);
            }
        }
        it
    }

    /// Source and target host.
    pub fn ends(&self) -> (HostId, HostId) {
        self.link.ends()
    }

    /// How long its guest has been down.
    pub fn outage(&self, now: SimTime) -> Span {
        now.since(self.down_since)
    }

    /// Something of its own has happened; the answer is how it ended, if it has.
    pub fn step(&mut self, what: What, policy: &CrossingPolicy, room: &mut Room<'_, '_>) -> Option<End> {
        match what {
            What::Timer => self.timer_fired(policy, room),
            What::Rate => {
                self.rate_changed(policy, room);
                None
            }
            What::Sent(leg) => {
                self.link.ended(leg)?;
                self.rate = Rate::ZERO;
                self.timer.sleep(room);
                match self.stage {
                    Stage::Round => self.round_ended(policy, room),
                    Stage::LastRound => {
                        self.call(policy, room);
                        None
                    }
                    _ => None,
                }
            }
        }
    }

    /// Events of its replica, while it waits for that.
    pub fn replica_mut(&mut self) -> Option<&mut Replica> {
        self.replica.as_mut()
    }

    fn timer_fired(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) -> Option<End> {
        self.timer.fired();
        if self.link.is_waiting() {
            self.link.retry(room);
            return None;
        }
        match self.stage {
            Stage::Waiting => {
                self.wait_for_replica(policy, room);
                None
            }
            Stage::Round => {
                // Its target host died and none was to be had.
                self.find_host(None, room);
                None
            }
            Stage::Stopping => {
                self.send_last_round(policy, room);
                None
            }
            Stage::LastRound => {
                self.last_round_overdue(policy, room);
                None
            }
            Stage::Calling => self.start_over_there(policy, room),
            Stage::Booting => Some(self.up(room)),
        }
    }

    fn rate_changed(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        let change = self.link.rate_changed(room);
        self.rate = if let Change::Flows(rate) = change { rate } else { Rate::ZERO };
        match change {
            Change::RetriesAt(at) => self.timer.wake(at, room),
            Change::Stalled if self.stage == Stage::LastRound => {
                let since = self.link.stalled().unwrap_or(room.cx.now);
                self.timer.wake((since + policy.keepalive).max(room.cx.now), room);
            }
            Change::Flows(_) if matches!(self.stage, Stage::Round | Stage::LastRound) => {
                self.timer.sleep(room)
            }
            Change::Flows(_) | Change::Stalled => {}
        }
    }

    fn wait_for_replica(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        let budget = match self.method {
            MoveMethod::Warm { final_round, .. } => final_round,
            MoveMethod::Cold => Span::MAX,
        };
        let Some(replica) = &self.replica else { return };
        match replica.ready_within(budget, room.cx.now) {
            Err(again) => self.timer.wake(again, room),
            Ok(()) => {
                let (lag, stamp) = (replica.age(room.cx.now), room.cx.record.stamp());
                room.cx.record.sample(Metric::CutoverLag, Side::Target, stamp, lag.0, 1);
                self.stop_guest(policy, room);
            }
        }
    }

    fn send_round(&mut self, bytes: Bytes, room: &mut Room<'_, '_>) {
        self.stage = Stage::Round;
        self.round += 1;
        self.round_began = room.cx.now;
        self.round_bytes = bytes;
        self.link.send(bytes, None, room);
    }

    /// What the guest has written in `span` and is not yet copied.
    fn written(&self, span: Span, policy: &CrossingPolicy, room: &Room<'_, '_>) -> Bytes {
        let rate = room.vms.write_rate(self.vm) * (1.0 - policy.overlap);
        Bytes::from_f64(rate * span.as_secs()).min(room.vms.group(self.vm).disk)
    }

    fn round_ended(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) -> Option<End> {
        let MoveMethod::Warm { final_round, max_rounds } = self.method else { return None };
        let took = room.cx.now.since(self.round_began);
        let next = self.written(took, policy, room);
        let rate = Rate::mean(self.round_bytes, took);
        if rate == Rate::ZERO || next / rate <= final_round {
            self.rest = next;
            self.stop_guest(policy, room);
            return None;
        }
        if self.round >= max_rounds {
            room.cx.record.note(room.cx.now, || {
                format!("{} does not converge in {max_rounds} rounds", room.vms.get(self.vm).name)
            });
            failed(true, room);
            return Some(End::Stays);
        }
        self.send_round(next, room);
        None
    }

    fn stop_guest(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        self.stage = Stage::Stopping;
        self.down_since = room.cx.now;
        room.vms.shut_down(self.vm, room.infra, room.cx);
        room.look_closely();
        let stop = policy.stop.sample_span(&mut self.luck);
        // A guest that shuts down still writes.
        self.rest += self.written(stop, policy, room);
        self.timer.wake(room.cx.now + stop, room);
    }

    fn send_last_round(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        self.stage = Stage::LastRound;
        if let Some(replica) = self.replica.take() {
            self.rest += replica.end(room);
        }
        self.link.send(self.rest, None, room);
        self.timer.wake(room.cx.now + policy.keepalive, room);
    }

    /// No byte moves with the guest down: a warm move lets it go on and tries again.
    fn last_round_overdue(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        if self.link.is_idle() {
            self.find_host(None, room);
            return;
        }
        let silent = self.link.stalled().is_some_and(|since| room.cx.now >= since + policy.keepalive);
        if !silent || self.method == MoveMethod::Cold {
            return;
        }
        failed(true, room);
        let left = self.link.stop(room);
        room.vms.resume(self.vm, room.storage, room.infra, room.cx);
        self.rest = Bytes::ZERO;
        self.send_round(left, room);
    }

    /// Calls between the managers, one after the other.
    fn call(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) {
        self.stage = Stage::Calling;
        let (a, b) = self.ends();
        let mut total = Span::ZERO;
        for _ in 0..policy.round_trips {
            for (from, to) in [(a, b), (b, a)] {
                total += match room.infra.fabric.message(from, to, CALL, room.cx.now, &mut self.luck) {
                    Delivery::After(delay) => delay,
                    Delivery::Never => self.retry,
                };
            }
        }
        self.timer.wake(room.cx.now + total, room);
    }

    fn start_over_there(&mut self, policy: &CrossingPolicy, room: &mut Room<'_, '_>) -> Option<End> {
        let (_, to) = self.ends();
        let memory = room.vms.group(self.vm).memory;
        let fits = room.infra.hosts[to].up && room.infra.memory.admits(to, memory).is_ok();
        if !fits && !self.find_host(Some(to), room) {
            return None;
        }
        let (_, to) = self.ends();
        self.stage = Stage::Booting;
        room.vms.relocate(self.vm, to, room.storage, room.infra, room.cx);
        let boot = policy.boot.sample_span(&mut self.luck);
        self.timer.wake(room.cx.now + boot, room);
        None
    }

    fn up(&mut self, room: &mut Room<'_, '_>) -> End {
        room.vms.resume(self.vm, room.storage, room.infra, room.cx);
        let (now, stamp) = (room.cx.now, room.cx.record.stamp());
        let outage = self.outage(now);
        room.cx.record.sample(Metric::CutoverOutage, Side::Target, stamp, outage.0, 1);
        room.cx.record.sample(Metric::MoveTime, Side::Target, stamp, now.since(self.began).0, 1);
        End::Done
    }

    /// Sends the present round to another host; false (and a later attempt) if there is none.
    fn find_host(&mut self, not: Option<HostId>, room: &mut Room<'_, '_>) -> bool {
        let found = room.vms.destination(self.vm, Side::Target, not, room.infra);
        let Some(to) = found else {
            self.timer.wake(room.cx.now + self.retry, room);
            return false;
        };
        self.link.redirect(to, room.storage.bulk_budget(to));
        match self.stage {
            Stage::Round => {
                self.round -= 1;
                self.send_round(self.round_bytes, room);
            }
            Stage::LastRound => self.link.send(self.rest, None, room),
            Stage::Waiting | Stage::Stopping | Stage::Calling | Stage::Booting => {}
        }
        true
    }

    /// One of its hosts has died; the answer is how it ended, if it has.
    pub fn host_failed(&mut self, host: HostId, room: &mut Room<'_, '_>) -> Option<End> {
        let (from, _) = self.ends();
        let at_target = self.stage == Stage::Booting;
        if at_target && host == from {
            return None; // the source has nothing that is still needed
        }
        self.link.stop(room);
        self.rate = Rate::ZERO;
        failed(false, room);
        if host == from || at_target {
            self.timer.sleep(room);
            if let Some(replica) = self.replica.take() {
                replica.end(room);
            }
            room.vms.lose(self.vm, room.storage, room.infra, room.cx);
            return Some(End::Lost);
        }
        if matches!(self.stage, Stage::Round | Stage::LastRound) {
            self.timer.sleep(room);
        }
        self.find_host(Some(host), room);
        None
    }
}

fn failed(rolled_back: bool, room: &mut Room<'_, '_>) {
    room.cx.record.per_run_add(Metric::FailedMigrations, Side::Target, 1);
    room.cx.record.per_run_add(Metric::RolledBack, Side::Target, u64::from(rolled_back));
}
