//! One connection between two hosts that carries a move: a flow, what is left of it, and what a dead path
//! does to it.
//!
//! A path that dies leaves the sender in its retransmission back-off: after the path is back it goes on only
//! at the next retry, 0.2, 0.6, 1.4, 3.0, 6.2 ... s after the path died. Measured with QEMU: a link down for
//! 2 s costs 3.3 s, for 5 s 7.0 s.

use super::{Event, Room, What};
use crate::event;
use crate::fabric::{Bulk, FlowId, Traffic};
use crate::ids::{HostId, MoveId, VmId};
use sim_core::fluid::LinkId;
use sim_core::{Bytes, Rate, SimTime, Span};

/// First retransmission time-out of Linux TCP (`TCP_RTO_MIN`, include/net/tcp.h).
const FIRST_RETRY: Span = Span::ms(200);
/// Longest time between two retries (`TCP_RTO_MAX`, include/net/tcp.h).
const LAST_RETRY: Span = Span::secs(120);

/// What does not change from flow to flow.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Whose it is.
    pub owner: (VmId, MoveId),
    /// Sending host.
    pub from: HostId,
    /// Receiving host.
    pub to: HostId,
    /// What it carries.
    pub traffic: Traffic,
    /// Connections side by side.
    pub streams: u32,
    /// From the VM's name.
    pub key: u64,
    /// Storage at both ends that the bytes pass.
    pub also: [Option<LinkId>; 2],
}

/// What a change of rate means for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It carries this much now.
    Flows(Rate),
    /// It carries nothing.
    Stalled,
    /// The path is back; the sender tries again at this time.
    RetriesAt(SimTime),
}

/// The connection.
#[derive(Clone, Debug)]
pub struct Transfer {
    lane: Lane,
    flow: Option<FlowId>,
    /// Bytes left when last asked.
    left: Bytes,
    cap: Option<Rate>,
    /// Since when it carries nothing.
    stalled: Option<SimTime>,
    /// The path is back, the sender is not: it waits for its next retry.
    waiting: bool,
    /// Counts flows, so that the end of an earlier one is stale.
    leg: u16,
}

impl Transfer {
    /// A connection that carries nothing yet.
    pub fn new(lane: Lane) -> Transfer {
        Transfer { lane, flow: None, left: Bytes::ZERO, cap: None, stalled: None, waiting: false, leg: 0 }
    }

    /// Sends `bytes` from now on, at most at `cap`; what was under way is dropped.
    pub fn send(&mut self, bytes: Bytes, cap: Option<Rate>, room: &mut Room<'_, '_>) {
        self.stop(room);
        self.left = Bytes(bytes.0.max(1));
        self.cap = cap;
        self.open(room);
    }

    fn open(&mut self, room: &mut Room<'_, '_>) {
        self.leg = self.leg.wrapping_add(1);
        let (vm, id) = self.lane.owner;
        let also: Vec<LinkId> = self.lane.also.iter().flatten().copied().collect();
        let step = |what| event::Event::Migration(Event::Step(vm, id, what));
        let bulk = Bulk {
            from: self.lane.from,
            to: self.lane.to,
            bytes: self.left,
            traffic: self.lane.traffic,
            streams: self.lane.streams,
            cap: self.cap,
            key: self.lane.key,
            also: &also,
            then: step(What::Sent(self.leg)),
            on_rate: Some(step(What::Rate)),
        };
        // Until the fabric says otherwise nothing moves.
        self.stalled = Some(room.cx.now);
        self.flow = Some(room.infra.fabric.send(bulk, room.cx));
    }

    /// More to send over the same connection.
    pub fn extend(&mut self, bytes: Bytes, room: &mut Room<'_, '_>) {
        if bytes == Bytes::ZERO {
            return;
        }
        match self.flow {
            Some(flow) => {
                self.left += bytes;
                room.infra.fabric.extend(flow, bytes, room.cx);
            }
            None => {
                self.left += bytes;
                if !self.waiting {
                    self.open(room);
                }
            }
        }
    }

    /// Changes the cap.
    pub fn set_cap(&mut self, cap: Option<Rate>, room: &mut Room<'_, '_>) {
        if cap == self.cap {
            return;
        }
        self.cap = cap;
        if let Some(flow) = self.flow {
            room.infra.fabric.set_cap(flow, cap, room.cx);
        }
    }

    /// Bytes sent since last asked.
    pub fn progress(&mut self, room: &Room<'_, '_>) -> Bytes {
        let Some(flow) = self.flow else { return Bytes::ZERO };
        let left = room.infra.fabric.remaining(flow, room.cx.now).min(self.left);
        let sent = self.left - left;
        self.left = left;
        sent
    }

    /// The flow `leg` has ended: the bytes it sent since last asked, or `None` if that was an earlier one.
    pub fn ended(&mut self, leg: u16) -> Option<Bytes> {
        if leg != self.leg || self.flow.is_none() {
            return None;
        }
        self.flow = None;
        self.stalled = None;
        Some(std::mem::replace(&mut self.left, Bytes::ZERO))
    }

    /// The fabric has solved anew.
    pub fn rate_changed(&mut self, room: &mut Room<'_, '_>) -> Change {
        let now = room.cx.now;
        let Some(flow) = self.flow else { return Change::Stalled };
        let rate = room.infra.fabric.rate(flow);
        if rate == Rate::ZERO {
            self.stalled = self.stalled.or(Some(now));
            return Change::Stalled;
        }
        let Some(since) = self.stalled else { return Change::Flows(rate) };
        let retry = next_retry(since, now);
        if retry <= now {
            self.stalled = None;
            return Change::Flows(rate);
        }
        self.progress(room);
        room.infra.fabric.stop(flow, room.cx);
        self.flow = None;
        self.waiting = true;
        Change::RetriesAt(retry)
    }

    /// The sender tries again.
    pub fn retry(&mut self, room: &mut Room<'_, '_>) {
        if std::mem::take(&mut self.waiting) {
            self.open(room);
        }
    }

    /// Since when it carries nothing.
    pub fn stalled(&self) -> Option<SimTime> {
        self.stalled
    }

    /// Ends it; the bytes that were left.
    pub fn stop(&mut self, room: &mut Room<'_, '_>) -> Bytes {
        self.progress(room);
        if let Some(flow) = self.flow.take() {
            room.infra.fabric.stop(flow, room.cx);
        }
        self.stalled = None;
        self.waiting = false;
        std::mem::replace(&mut self.left, Bytes::ZERO)
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.flow.is_none() && !self.waiting
    }

    /// It waits for its next retry.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Another receiver from now on; nothing may be under way.
    pub fn redirect(&mut self, to: HostId, also: Option<LinkId>) {
        assert!(self.flow.is_none(), "a connection is redirected between flows");
        self.lane.to = to;
        self.lane.also[1] = also;
    }

    /// Sending and receiving host.
    pub fn ends(&self) -> (HostId, HostId) {
        (self.lane.from, self.lane.to)
    }
}

/// The first retry at or after `now` of a sender that has been stalled since `since`.
fn next_retry(since: SimTime, now: SimTime) -> SimTime {
    let (mut at, mut wait) = (since, FIRST_RETRY);
    while at < now {
        at += wait;
        wait = Span((wait.0 * 2).min(LAST_RETRY.0));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Retries 0.2 (2^k - 1) s after the path died: 0.2, 0.6, 1.4, 3.0, 6.2 s.
    #[test]
    fn a_dead_path_is_tried_at_doubling_intervals() {
        let t = |ms: u64| SimTime(ms * 1_000_000);
        let back = [0, 100, 200, 500, 2000, 5000].map(|ms| next_retry(t(1000), t(1000 + ms)));
        assert_eq!(back, [1000, 1200, 1200, 1600, 4000, 7200].map(t));
    }
}
