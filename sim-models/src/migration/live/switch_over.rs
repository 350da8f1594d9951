//! The guest stands: what is left, device state, hand-shakes, and the network that must learn its new place.

use super::{End, Live, Pause, Stage};
use crate::fabric::Delivery;
use crate::metric::Metric;
use crate::migration::Room;
use crate::migration::policy::Policy;
use crate::migration::precopy::FAULTS_TO_PROGRESS;
use sim_core::{Bytes, Span};

/// Bytes of a hand-shake message (assumed; any size that fits a packet takes as long).
const HANDSHAKE: u32 = 1024;
/// Share of time a guest in post-copy is blocked by faults: nearly all of it, measured (own
/// runs of QEMU 10.0.2).
const POSTCOPY_BLOCKED: f64 = 0.9;

impl Live {
    pub(super) fn stop_guest(&mut self, stage: Stage, room: &mut Room<'_, '_>) {
        self.stage = stage;
        self.pause = Pause { from: room.cx.now, ..Pause::default() };
        room.vms.stun(self.vm, room.infra, room.cx);
        room.look_closely();
    }

    /// Memory is there: devices and disks follow.
    pub(super) fn hand_over(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        self.cores = 0.0;
        self.stage = Stage::HandOver;
        self.pause.copy = room.cx.now.since(self.pause.from);
        let disks: u32 = room.vms.group(self.vm).disks.iter().map(|d| d.count).sum();
        self.pause.device = policy.fixed_stun + policy.disk_handover * u64::from(disks);
        self.timer.wake(room.cx.now + self.pause.device, room);
    }

    /// Messages between the hosts. They meet the network as it is after the last page: what the migration
    /// itself had queued has left with that page and is paid as part of the copy.
    pub(super) fn shake_hands(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        let Some(handshake) = self.handshakes(policy, room) else {
            self.stage = Stage::Undoing;
            self.timer.wake(room.cx.now + policy.keepalive, room);
            return;
        };
        self.stage = Stage::HandShake;
        self.pause.handshake = handshake;
        self.timer.wake(room.cx.now + handshake, room);
    }

    /// Messages to and fro; `None` if one of them has no path.
    fn handshakes(&mut self, policy: &Policy, room: &Room<'_, '_>) -> Option<Span> {
        let (mut a, mut b) = self.ends();
        let mut total = Span::ZERO;
        for _ in 0..policy.handshakes {
            match room.infra.fabric.message(a, b, HANDSHAKE, room.cx.now, &mut self.luck) {
                Delivery::After(delay) => total += delay,
                Delivery::Never => return None,
            }
            std::mem::swap(&mut a, &mut b);
        }
        Some(total)
    }

    fn place_at_destination(&mut self, room: &mut Room<'_, '_>) {
        let (_, to) = self.ends();
        room.vms.relocate(self.vm, to, room.storage, room.infra, room.cx);
        room.vms.resume(self.vm, room.storage, room.infra, room.cx);
    }

    /// First instruction at the destination.
    pub(super) fn arrive(&mut self, policy: &Policy, room: &mut Room<'_, '_>) -> End {
        room.vms.set_throttle(self.vm, 0.0, room.infra, room.cx);
        self.place_at_destination(room);
        let pause = room.cx.now.since(self.pause.from);
        self.record_pause(pause, policy, room);
        self.record_end(room);
        End::Done
    }

    fn record_pause(&mut self, pause: Span, policy: &Policy, room: &mut Room<'_, '_>) {
        self.pause.whole = pause;
        let outage = pause + self.relearning(policy);
        let parts = [
            (Metric::Pause, pause),
            (Metric::PauseCopy, self.pause.copy),
            (Metric::PauseDevice, self.pause.device),
            (Metric::PauseHandshake, self.pause.handshake),
            (Metric::Outage, outage),
        ];
        let stamp = room.cx.record.stamp();
        for (metric, span) in parts {
            room.cx.record.sample(metric, self.side, stamp, span.0, 1);
        }
    }

    fn record_end(&self, room: &mut Room<'_, '_>) {
        let stamp = room.cx.record.stamp();
        let took = room.cx.now.since(self.began);
        // The sync with the guest stopped counts, as QEMU counts it.
        let rounds = self.copy.as_ref().map_or(0, |c| c.syncs + 1);
        room.cx.record.sample(Metric::MigrationTime, self.side, stamp, took.0, 1);
        room.cx.record.sample(Metric::Rounds, self.side, stamp, u64::from(rounds), 1);
    }

    /// Until the network sends to the new place: the first announcement that arrives.
    fn relearning(&mut self, policy: &Policy) -> Span {
        let heard = policy.announcements.iter().find(|_| !self.luck.chance(policy.announce_loss));
        let last = policy.announcements.last().copied().unwrap_or(Span::ZERO);
        heard.copied().unwrap_or(last + policy.taught_by_traffic) + policy.relearn.sample_span(&mut self.luck)
    }

    /// Device state is there: the guest goes on at the destination without most of its memory.
    pub(super) fn go_on_over_there(&mut self, policy: &Policy, room: &mut Room<'_, '_>) {
        self.pause.copy = room.cx.now.since(self.pause.from);
        self.place_at_destination(room);
        let pause = room.cx.now.since(self.pause.from);
        self.record_pause(pause, policy, room);
        room.vms.set_throttle(self.vm, POSTCOPY_BLOCKED, room.infra, room.cx);
        self.stage = Stage::PostCopy;
        let memory = &room.vms.get(self.vm).dirty;
        let rest = Bytes::from_f64(policy.rules.wire(memory));
        let cap = policy.final_cap(memory, rest);
        self.link.send(rest, Some(cap), room);
        self.arm(policy, room);
    }

    pub(super) fn end_postcopy(&mut self, policy: &Policy, room: &mut Room<'_, '_>) -> End {
        room.vms.set_throttle(self.vm, 0.0, room.infra, room.cx);
        let (from, to) = self.ends();
        let phase = room.cx.now.since(self.pause.from);
        let fault = policy.postcopy_fault + room.infra.fabric.rtt(from, to);
        let freeze = (self.pause.copy + fault * FAULTS_TO_PROGRESS).min(phase);
        let stamp = room.cx.record.stamp();
        room.cx.record.sample(Metric::Freeze, self.side, stamp, freeze.0, 1);
        self.record_end(room);
        End::Done
    }
}
