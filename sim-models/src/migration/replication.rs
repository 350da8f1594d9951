//! How far the other site's copy lags behind, as a fluid: `dL/dt = w - c`, never below zero.
//!
//! ```text
//!   guest writes w ---> [ lag L ] ---> c, what the path between the sites gives ---> copy
//! ```
//!
//! The recovery point is the horizontal distance between the two curves: how old the oldest byte is that has
//! not arrived. Between changes of `w` and `c` everything is a straight line, so the state is exact. A copy by
//! snapshots lags by the age of the last snapshot that has landed whole.

use sim_core::mutant::Mutant;
use sim_core::{Rate, SimTime, Span};

/// Bytes on the link per byte written: the data with their metadata (VMware vSAN Stretched Cluster Bandwidth
/// Sizing).
const METADATA: f64 = 1.4;
/// The same again for what is resynchronised meanwhile (same source).
const RESYNC: f64 = 1.25;

/// What a link between the sites must carry for a stretched vSAN that writes so much.
pub fn stretched_bandwidth(writes: Rate) -> Rate {
    Rate::from_f64(writes.as_f64() * METADATA * RESYNC)
}

/// A buffer that fills at one rate and drains at another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    level: f64,
    at: SimTime,
    inflow: f64,
    outflow: f64,
}

impl Lag {
    /// Empty.
    pub fn begin(now: SimTime) -> Lag {
        Lag { at: now, ..Lag::default() }
    }

    /// Bytes that have not arrived at `now`.
    pub fn bytes(&self, now: SimTime) -> f64 {
        (self.level + (self.inflow - self.outflow) * now.since(self.at).as_secs()).max(0.0)
    }

    /// From now on `inflow` bytes/s are written and `outflow` can be sent.
    pub fn set(&mut self, now: SimTime, inflow: f64, outflow: f64) {
        self.level = self.bytes(now);
        self.at = now;
        self.inflow = inflow;
        self.outflow = outflow;
    }

    /// When nothing lags any more, if that is ahead.
    pub fn empties(&self) -> Option<SimTime> {
        let net = self.outflow - self.inflow;
        (self.level > 0.0 && net > 0.0).then(|| self.at + Span::from_secs_f64(self.level / net))
    }

    /// Age of the oldest byte that has not arrived, while writing goes on at one rate.
    pub fn age(&self, now: SimTime) -> Span {
        if self.inflow <= 0.0 {
            return Span::ZERO;
        }
        let lag = if Mutant::LagForgotten.lives() { 0.0 } else { self.bytes(now) };
        Span::from_secs_f64(lag / self.inflow)
    }

    /// Time to send what lags if nothing is written any more; `None` over a dead path.
    pub fn drain_time(&self, now: SimTime) -> Option<Span> {
        let bytes = self.bytes(now);
        if bytes == 0.0 {
            return Some(Span::ZERO);
        }
        (self.outflow > 0.0).then(|| Span::from_secs_f64(bytes / self.outflow))
    }
}

/// Copies by snapshots: one after the other, none before its interval.
#[derive(Clone, Copy, Debug)]
pub struct Snapshots {
    interval: Span,
    /// When the last snapshot that has landed was taken.
    landed: SimTime,
    /// When the one under way was taken.
    taken: Option<SimTime>,
}

impl Snapshots {
    /// The copy is as of `now`.
    pub fn begin(now: SimTime, interval: Span) -> Snapshots {
        Snapshots { interval, landed: now, taken: None }
    }

    /// Takes a snapshot: the time whose writes it holds. One is under way at most.
    pub fn take(&mut self, now: SimTime) -> Span {
        assert!(self.taken.is_none(), "a snapshot is taken when the last one has landed");
        self.taken = Some(now);
        now.since(self.landed)
    }

    /// It has landed; when the next one is due.
    pub fn land(&mut self, now: SimTime) -> SimTime {
        let taken = self.taken.take().expect("a snapshot lands that was taken");
        self.landed = taken;
        now.max(taken + self.interval)
    }

    /// A snapshot is under way.
    pub fn is_busy(&self) -> bool {
        self.taken.is_some()
    }

    /// Until when the copy is young enough for the objective, if nothing lands before.
    pub fn expires(&self, objective: Span) -> SimTime {
        self.landed + objective
    }

    /// Age of the copy at `now`.
    pub fn age(&self, now: SimTime) -> Span {
        now.since(self.landed)
    }

    /// Whether the copy was too old for the objective at `now`.
    pub fn violates(&self, now: SimTime, objective: Span) -> bool {
        self.age(now) > objective
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: u64) -> SimTime {
        SimTime::ZERO + Span::mins(n)
    }

    /// 40 MB/s written; 100 MB/s sent for 60 s, nothing for 30 s, then 100 MB/s: the outage leaves
    /// L0 = 30 x 40 = 1,200 MB, caught up after L0 / (100 - 40) = 20 s; half-way 600 MB are left and the
    /// copy is 600 / 40 = 15 s old. Steady overload at 30 MB/s: the age grows by 1 - 30/40 s per second.
    #[test]
    fn the_lag_follows_its_closed_form() {
        let at = |s: u64| SimTime::ZERO + Span::secs(s);
        let mut lag = Lag::begin(at(0));
        lag.set(at(0), 40e6, 100e6);
        assert_eq!(lag.bytes(at(60)), 0.0);
        lag.set(at(60), 40e6, 0.0);
        assert_eq!(lag.drain_time(at(90)), None);
        lag.set(at(90), 40e6, 100e6);
        assert!((lag.bytes(at(90)) / 1.2e9 - 1.0).abs() < 1e-9);
        assert_eq!(lag.drain_time(at(90)), Some(Span::secs(12)));
        assert_eq!(lag.empties(), Some(at(110)));
        assert!((lag.bytes(at(100)) / 600e6 - 1.0).abs() < 1e-9);
        assert_eq!(lag.age(at(100)), Span::secs(15));
        assert_eq!(lag.bytes(at(200)), 0.0);
        lag.set(at(200), 40e6, 30e6);
        assert_eq!(lag.age(at(300)), Span::secs(25));
    }

    /// VMware's example of a violated objective: 15 min, copies back to back from 12:00, each landing after
    /// 10 min. At 12:15 the copy is as of 12:00 and stays so until 12:20: violated from 12:15 to 12:20.
    #[test]
    fn a_transfer_longer_than_half_the_objective_violates_it() {
        // Minutes after 12:00. The snapshot of 12:00 lands at 12:10, that of 12:10 at 12:20.
        let mut copies = Snapshots::begin(minutes(0), Span::ZERO);
        let mut violated = Vec::new();
        copies.take(minutes(0));
        for second in 0..=20 * 60 {
            let now = SimTime::ZERO + Span::secs(second);
            if second % 600 == 0 && second > 0 {
                assert_eq!(copies.land(now), now);
                assert_eq!(copies.take(now), Span::mins(10));
            }
            if copies.violates(now, Span::mins(15)) {
                violated.push(second);
            }
        }
        assert_eq!((violated.first(), violated.last()), (Some(&(15 * 60 + 1)), Some(&(20 * 60 - 1))));
    }
}
