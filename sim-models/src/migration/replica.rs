//! The copy of one VM's disks at the other site, kept up over the fabric until the VM moves.

use super::Room;
use super::replication::{Lag, Snapshots};
use super::transfer::{Change, Lane, Transfer};
use crate::ids::{HostId, MoveId};
use crate::scenario::Replication;
use sim_core::{Bytes, Rate, SimTime, Span};

/// Bytes of a stream that has no end: it is never allowed to run dry.
const ENDLESS: Bytes = Bytes(1 << 60);

/// How a VM's disks are kept at the other site until it moves.
#[derive(Clone, Debug)]
enum Mode {
    /// A stream of changes. `breaks_after`: writes wait for the other site as long as it answers.
    Stream { breaks_after: Option<Span>, broken: bool },
    /// Snapshots.
    Snapshots(Snapshots),
}

/// The copy of one VM at the other site.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its number among the moves.
    pub id: MoveId,
    lag: Lag,
    mode: Mode,
    link: Transfer,
    /// Guest bytes written per second, those that hit the same blocks again left out.
    written: f64,
    next: Option<SimTime>,
}

impl Replica {
    /// The copy of a VM that writes `written` bytes/s; complete now. `None` without replication.
    pub fn begin(plan: Replication, lane: Lane, written: f64, room: &mut Room<'_, '_>) -> Option<Replica> {
        let now = room.cx.now;
        let (mode, next) = match plan {
            Replication::None => return None,
            Replication::Sync { break_after } => {
                (Mode::Stream { breaks_after: Some(break_after), broken: false }, None)
            }
            Replication::NearSync { .. } => (Mode::Stream { breaks_after: None, broken: false }, None),
            Replication::Async { interval } => {
                (Mode::Snapshots(Snapshots::begin(now, interval)), Some(now + interval))
            }
        };
        let (id, lag) = (lane.owner.1, Lag::begin(now));
        let mut it = Replica { id, lag, mode, link: Transfer::new(lane), written, next };
        if let Mode::Stream { .. } = it.mode
            && written > 0.0
        {
            it.lag.set(now, written, 0.0);
            it.link.send(ENDLESS, it.pace(now), room);
        }
        Some(it)
    }

    /// While nothing lags the stream carries what is written; else all it gets.
    fn pace(&self, now: SimTime) -> Option<Rate> {
        let caught_up = self.lag.bytes(now) <= 1.0;
        caught_up.then(|| Rate(self.written.max(1.0) as u64 + 1))
    }

    /// Receiving host.
    pub fn ends(&self) -> (HostId, HostId) {
        self.link.ends()
    }

    /// The path gives another rate; the answer is when to look again.
    pub fn rate_changed(&mut self, room: &mut Room<'_, '_>) -> Option<SimTime> {
        let change = self.link.rate_changed(room);
        let rate = if let Change::Flows(rate) = change { rate } else { Rate::ZERO };
        if let Mode::Stream { breaks_after, broken } = self.mode {
            // A stalled guest writes nothing while a synchronous copy has not been given up.
            let holds = rate == Rate::ZERO && breaks_after.is_some() && !broken;
            let inflow = if holds { 0.0 } else { self.written };
            self.lag.set(room.cx.now, inflow, rate.as_f64());
        }
        match change {
            Change::RetriesAt(at) => Some(at),
            Change::Flows(_) => self.keep_pace(room),
            Change::Stalled => self.gives_up_at(),
        }
    }

    fn keep_pace(&mut self, room: &mut Room<'_, '_>) -> Option<SimTime> {
        let Mode::Stream { ref mut broken, .. } = self.mode else { return self.next };
        if self.lag.bytes(room.cx.now) <= 1.0 {
            *broken = false;
        }
        let pace = self.pace(room.cx.now);
        self.link.set_cap(pace, room);
        // The last fraction of a byte may round to this very instant.
        self.lag.empties().map(|at| at.max(room.cx.now + Span::ms(1)))
    }

    fn gives_up_at(&self) -> Option<SimTime> {
        match self.mode {
            Mode::Stream { breaks_after: Some(after), broken: false } => {
                self.link.stalled().map(|since| since + after)
            }
            Mode::Stream { .. } => None,
            Mode::Snapshots(_) => self.next,
        }
    }

    /// The time it asked for has come.
    pub fn due(&mut self, room: &mut Room<'_, '_>) -> Option<SimTime> {
        let now = room.cx.now;
        if self.link.is_waiting() {
            self.link.retry(room);
            return None;
        }
        let stalled = self.link.stalled();
        match &mut self.mode {
            Mode::Stream { breaks_after: Some(after), broken } if !*broken => {
                if stalled.is_some_and(|since| now >= since + *after) {
                    *broken = true;
                    self.lag.set(now, self.written, 0.0);
                    return None;
                }
                self.keep_pace(room)
            }
            Mode::Stream { .. } => self.keep_pace(room),
            Mode::Snapshots(copies) => {
                self.next = None;
                let delta = copies.take(now);
                self.link.send(Bytes::from_f64(self.written * delta.as_secs()), None, room);
                None
            }
        }
    }

    /// A snapshot has landed; when the next one is due.
    pub fn landed(&mut self, leg: u16, room: &mut Room<'_, '_>) -> Option<SimTime> {
        self.link.ended(leg)?;
        if let Mode::Snapshots(copies) = &mut self.mode {
            self.next = Some(copies.land(room.cx.now));
        }
        self.next
    }

    /// How old the copy is.
    pub fn age(&self, now: SimTime) -> Span {
        match &self.mode {
            Mode::Stream { .. } => self.lag.age(now),
            Mode::Snapshots(copies) => copies.age(now),
        }
    }

    /// Bytes that have not arrived.
    pub fn behind(&self, now: SimTime) -> Bytes {
        match &self.mode {
            Mode::Stream { .. } => Bytes::from_f64(self.lag.bytes(now)),
            Mode::Snapshots(copies) => Bytes::from_f64(self.written * copies.age(now).as_secs()),
        }
    }

    /// When what lags could be sent within `budget`: now, or a time to ask again.
    pub fn ready_within(&self, budget: Span, now: SimTime) -> Result<(), SimTime> {
        let again = now + Span::secs(1);
        match &self.mode {
            Mode::Stream { .. } if self.lag.drain_time(now).is_some_and(|t| t <= budget) => Ok(()),
            Mode::Stream { .. } => Err(again),
            // Between snapshots nothing is gained by waiting: the delta is paid in the cut-over.
            Mode::Snapshots(copies) if !copies.is_busy() => Ok(()),
            Mode::Snapshots(_) => Err(again),
        }
    }

    /// The cut-over takes over: the stream ends.
    pub fn end(mut self, room: &mut Room<'_, '_>) -> Bytes {
        let behind = self.behind(room.cx.now);
        self.link.stop(room);
        behind
    }

    /// Another host receives it.
    pub fn redirect(&mut self, to: HostId, room: &mut Room<'_, '_>) {
        let left = self.link.stop(room);
        self.link.redirect(to, room.storage.bulk_budget(to));
        self.lag.set(room.cx.now, self.written, 0.0);
        if left > Bytes::ZERO {
            let cap = self.pace(room.cx.now);
            self.link.send(left, cap, room);
        }
    }
}
