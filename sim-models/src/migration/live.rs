//! One live migration in the cluster: set-up, pre-copy rounds over a contended path, switch-over, and what
//! failures make of it.
//!
//! ```text
//!   setup -> copy -> final copy -> hand-over -> done            VM at the destination
//!              |         |             |
//!              |         +-------------+--> undone              VM goes on at the source
//!              +--> post-copy ------------> done or lost
//! ```
//!
//! The decision to stop the guest rests on the bandwidth of the last 100 ms; the final copy gets what the
//! path gives *then*.

mod switch_over;

use super::policy::Policy;
use super::precopy::{Precopy, Verdict, Window};
use super::timer::Timer;
use super::transfer::{Change, Lane, Transfer};
use super::{Room, What};
use crate::fabric::Traffic;
use crate::ids::{HostId, MoveId, Side, VmId};
use crate::vm::State;
use sim_core::{Bytes, Rate, SimTime, Span, Stream};

/// A dead peer is noticed after this: 21 to 103 ms measured with QEMU 10.0.2 (tests/data/qemu).
const PEER_LOSS: Span = Span::ms(103);

/// How a migration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The VM runs at the destination.
    Done,
    /// The VM goes on where it was.
    RolledBack,
    /// The VM is down.
    Lost,
}

/// Where a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Setup,
    Copy,
    FinalCopy,
    /// Devices and disks change hands.
    HandOver,
    /// The hosts agree that the guest goes on over there.
    HandShake,
    PostCopyStart,
    PostCopy,
    /// The destination is gone; the source has not noticed yet.
    Undoing,
}

/// Parts of the time a guest stood still.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    from: SimTime,
    copy: Span,
    device: Span,
    handshake: Span,
    /// Stop to first instruction at the destination, once it is over.
    whole: Span,
}

/// One live migration.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its number.
    pub id: MoveId,
    vm: VmId,
    side: Side,
    stage: Stage,
    began: SimTime,
    copy: Option<Precopy>,
    link: Transfer,
    window: Window,
    looked: SimTime,
    timer: Timer,
    pause: Pause,
    luck: Stream,
    /// Cores it takes at either end.
    pub cores: f64,
}

impl Live {
    /// Admitted: set-up begins.
    pub fn begin(lane: Lane, side: Side, luck: Stream, policy: &Policy, room: &mut Room<'_, '_>) -> Live {
        let (vm, id) = lane.owner;
        let now = room.cx.now;
        let mut it = Live {
            id,
            vm,
            side,
            stage: Stage::Setup,
            began: now,
            copy: None,
            link: Transfer::new(lane),
            window: Window::begin(now),
            looked: now,
            timer: Timer::new(lane.owner),
            pause: Pause::default(),
            luck,
            cores: 0.0,
        };
        it.timer.wake(now + policy.setup, room);
        it
    }

    /// What a live migration of this VM sends over.
    pub fn lane(owner: (VmId, MoveId), ends: (HostId, HostId), policy: &Policy, key: u64) -> Lane {
        let (from, to) = ends;
        let streams = policy.streams;
        Lane { owner, from, to, traffic: Traffic::Migration, streams, key, also: [None, None] }
    }

    /// How long the guest stood still, once it runs at the destination.
    pub fn paused(&self) -> Span {
        self.pause.whole
    }

    /// Source and destination.
    pub fn ends(&self) -> (HostId, HostId) {
        self.link.ends()
    }

    /// Something of its own has happened; the answer is how it ended, if it has.
    pub fn step(&mut self, what: What, policy: &Policy, room: &mut Room<'_, '_>) -> Option<End> {
        match what {
            What::Timer => self.timer_fired(policy, room),
            What::Rate => {
                self.rate_changed(policy, room);
                None
            }
            What::Sent(leg) => {
                let sent = self.link.ended(leg)?;
                self.all_sent(sent, policy, room)
            }
        }
    }

    fn timer_fired(&mut self, policy: &Policy, room: &mut Room<'_, '_>) -> Option<End> {
        self.timer.fired();
        if self.link.is_waiting() {
            self.link.retry(room);
            self.arm(policy, room);
            return None;
        }
        if self.link.stalled().is_some_and(|since| room.cx.now >= since + policy.keepalive) {
            return self.give_up("its connection is silent", room);
        }
        match self.stage {
            Stage::Setup => {
                self.begin_copy(policy, room);
                None
            }
            Stage::Copy => self.look(policy, room),
            Stage::FinalCopy => self.give_up("its switch-over takes too long", room),
            Stage::HandOver => {
                self.shake_hands(policy, room);
                None
            }
            Stage::HandShake => Some(self.arrive(policy, room)),
            Stage::PostCopyStart | Stage::PostCopy => None,
            Stage::Undoing => Some(self.roll_back(room)),
        }
    }

    fn all_sent(&mut self, sent: Bytes, policy: &Policy, room: &mut Room<'_, '_>) -> Option<End> {
        match self.stage {
            Stage::Copy => {
                self.book(sent, true, policy, room);
                self.look(policy, room)
            }
            Stage::FinalCopy => {
                self.hand_over(policy, room);
                None
            }
            Stage::PostCopyStart => {
                self.go_on_over_there(policy, room);
                None
            }
            Stage::PostCopy => Some(self.end_postcopy(policy, room)),
            Stage::Setup | Stage::HandOver | Stage::HandShake | Stage::Undoing => None,
        }
    }

    fn rate_changed(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        let change = self.link.rate_changed(room);
        let rate = if let Change::Flows(rate) = change { rate } else { Rate::ZERO };
        self.cores = rate.as_f64() * policy.cores_per_rate;
        if self.stage == Stage::Copy {
            let sent = self.link.progress(room);
            self.book(sent, false, policy, room);
        }
        self.window.set(room.cx.now, rate);
        match change {
            Change::RetriesAt(at) => self.timer.wake(at, room),
            Change::Flows(_) | Change::Stalled => self.arm(policy, room),
        }
    }

    /// Wakes up when the next thing is due at the present rate.
    fn arm(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        if self.link.is_waiting() {
            return;
        }
        let silent = self.link.stalled().map_or(SimTime::NEVER, |since| since + policy.keepalive);
        let due = match self.stage {
            Stage::Copy => self.next_look(policy, room),
            Stage::FinalCopy => policy.switchover_timeout.map_or(SimTime::NEVER, |t| self.pause.from + t),
            Stage::PostCopyStart | Stage::PostCopy => SimTime::NEVER,
            // Their timers stand whatever the rate.
            Stage::Setup | Stage::HandOver | Stage::HandShake | Stage::Undoing => return,
        };
        match due.min(silent) {
            SimTime::NEVER => self.timer.sleep(room),
            at => self.timer.wake(at, room),
        }
    }

    fn next_look(&self, policy: &Policy, room: &Room<'_, '_>) -> SimTime {
        let Some(copy) = &self.copy else { return SimTime::NEVER };
        let rules = &policy.rules;
        let memory = &room.vms.get(self.vm).dirty;
        let now = room.cx.now;
        let deadline = copy.deadline(rules).max(now);
        let Some(limit) = copy.looks_at_bandwidth(rules, now) else { return deadline };
        let pages = memory.pending_pages() * crate::vm::dirty::PAGE as f64;
        let per_wire = pages / rules.wire(memory).max(1.0);
        let Some(meets) = self.window.meets(now, pages, per_wire, limit) else { return deadline };
        let turns = meets.since(self.looked).0.div_ceil(rules.look_every.0).max(1);
        deadline.min(self.looked + rules.look_every * turns)
    }

    fn begin_copy(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        let now = room.cx.now;
        let memory = &mut room.vms.get_mut(self.vm).dirty;
        self.copy = Some(Precopy::begin(&policy.rules, memory, now));
        self.window = Window::begin(now);
        self.looked = now;
        self.stage = Stage::Copy;
        let (wire, cap) = (Bytes::from_f64(policy.rules.wire(memory)), policy.round_cap(memory));
        self.link.send(wire, Some(cap), room);
        self.arm(policy, room);
    }

    /// Books what has been sent, and the writing meanwhile, up to now.
    fn book(&mut self, sent: Bytes, all: bool, policy: &Policy, room: &mut Room<'_, '_>) {
        let Some(copy) = &mut self.copy else { return };
        let now = room.cx.now;
        let speed = room.vms.speed(self.vm, room.storage, room.infra, now);
        let memory = &mut room.vms.get_mut(self.vm).dirty;
        memory.advance(now, speed);
        let left = if all { 0.0 } else { policy.rules.left_after(memory, sent.as_f64()) };
        copy.progress(memory, sent, left);
    }

    /// Is what is left small enough? Syncs, then stops the guest or goes on.
    fn look(&mut self, policy: &Policy, room: &mut Room<'_, '_>) -> Option<End> {
        let sent = self.link.progress(room);
        self.book(sent, false, policy, room);
        let now = room.cx.now;
        let rules = &policy.rules;
        let seen = self.window.seen(now);
        let copy = self.copy.as_mut()?;
        if seen == Rate::ZERO && copy.looks_at_bandwidth(rules, now).is_some() && now < copy.deadline(rules) {
            // No bandwidth has been seen for a whole window: nothing can be decided yet.
            self.timer.wake(self.window.first_mean().max(now + rules.look_every), room);
            return None;
        }
        self.looked = now;
        let speed = room.vms.speed(self.vm, room.storage, room.infra, now);
        let memory = &mut room.vms.get_mut(self.vm).dirty;
        let known = rules.wire(memory);
        let throttle = copy.throttle();
        let verdict = copy.look(rules, memory, now, speed, seen);
        let (found, cap) = (rules.wire(memory) - known, policy.round_cap(memory));
        match verdict {
            Verdict::GoOn => {
                let wanted = copy.throttle();
                if wanted != throttle {
                    room.vms.set_throttle(self.vm, wanted, room.infra, room.cx);
                }
                self.link.extend(Bytes::from_f64(found), room);
                self.link.set_cap(Some(cap), room);
                self.arm(policy, room);
                None
            }
            Verdict::SwitchOver => {
                let rest = Bytes::from_f64(known + found) + policy.stun_bytes;
                let cap = policy.final_cap(memory, rest);
                self.stop_guest(Stage::FinalCopy, room);
                self.link.send(rest, Some(cap), room);
                self.arm(policy, room);
                None
            }
            Verdict::PostCopy => {
                self.stop_guest(Stage::PostCopyStart, room);
                self.link.send(policy.stun_bytes, Some(policy.stream_cap), room);
                self.arm(policy, room);
                None
            }
            Verdict::GiveUp(_) => self.give_up("it does not converge", room),
        }
    }

    /// The source gives up; before post-copy the VM goes on where it was. In post-copy nobody gives up: the
    /// VM waits for its pages.
    fn give_up(&mut self, why: &str, room: &mut Room<'_, '_>) -> Option<End> {
        if matches!(self.stage, Stage::PostCopyStart | Stage::PostCopy) {
            return None;
        }
        room.cx
            .record
            .note(room.cx.now, || format!("live migration of {} fails: {why}", room.vms.get(self.vm).name));
        Some(self.roll_back(room))
    }

    fn roll_back(&mut self, room: &mut Room<'_, '_>) -> End {
        self.release(room);
        room.vms.set_throttle(self.vm, 0.0, room.infra, room.cx);
        room.vms.resume(self.vm, room.storage, room.infra, room.cx);
        End::RolledBack
    }

    fn release(&mut self, room: &mut Room<'_, '_>) {
        self.cores = 0.0;
        self.timer.sleep(room);
        self.link.stop(room);
    }

    /// One of its hosts has died; the answer is how it ended, if it has.
    pub fn host_failed(&mut self, host: HostId, room: &mut Room<'_, '_>) -> Option<End> {
        let (from, _) = self.ends();
        self.release(room);
        // Post-copy has state on both hosts: either death is the VM's. Before that only the source's is.
        let at_source = matches!(self.stage, Stage::PostCopy | Stage::PostCopyStart);
        if host == from || at_source {
            room.vms.lose(self.vm, room.storage, room.infra, room.cx);
            // It restarts when the platform declares the host dead that took it down.
            room.vms.get_mut(self.vm).host = host;
            return Some(End::Lost);
        }
        if room.vms.get(self.vm).state == State::Stunned {
            self.stage = Stage::Undoing;
            self.timer.wake(room.cx.now + PEER_LOSS, room);
            return None;
        }
        Some(self.roll_back(room))
    }
}
