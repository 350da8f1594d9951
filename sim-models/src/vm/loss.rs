//! What the surviving VMs see of a loss: worst request, completed over offered, whole seconds of silence.

use crate::ids::Side;
use crate::metric::Metric;
use crate::record::Record;
use sim_core::{SimTime, Span};

/// A gap between completions counts as a stall from this length on: part of what the metric means.
const STALL: Span = Span::secs(1);

/// The watch over one cluster's I/O, from the instant something broke.
#[derive(Clone, Debug)]
pub struct Loss {
    side: Side,
    since: SimTime,
    /// Requests that arrive later are not part of it.
    pub until: SimTime,
    worst: Span,
    offered: u64,
    completed: u64,
    last_completion: SimTime,
    stalled: Span,
}

impl Loss {
    /// Watches from now on.
    pub fn begin(side: Side, now: SimTime) -> Loss {
        Loss {
            side,
            since: now,
            until: now,
            worst: Span::ZERO,
            offered: 0,
            completed: 0,
            last_completion: now,
            stalled: Span::ZERO,
        }
    }

    /// A request of this side that was meant to start at `intended` belongs to the loss: it was inside the
    /// system when it struck or arrived before the watch ended.
    fn covers(&self, side: Side, intended: SimTime, now: SimTime) -> bool {
        side == self.side && intended < self.until && now >= self.since
    }

    /// A request completed; a gap counts only while requests are being simulated (`open`).
    pub fn completed(&mut self, side: Side, intended: SimTime, open: bool, now: SimTime) {
        if !self.covers(side, intended, now) {
            return;
        }
        self.offered += 1;
        self.completed += 1;
        self.worst = self.worst.max(now.since(intended));
        let gap = now.since(self.last_completion);
        if open && gap >= STALL {
            self.stalled += gap;
        }
        self.last_completion = self.last_completion.max(now);
    }

    /// Requests are simulated again after a pause, in which nothing could complete.
    pub fn reopened(&mut self, now: SimTime) {
        self.last_completion = self.last_completion.max(now);
    }

    /// A request was still open at the end of the run.
    pub fn unfinished(&mut self, side: Side, intended: SimTime, now: SimTime) {
        if self.covers(side, intended, now) {
            self.offered += 1;
            self.worst = self.worst.max(now.since(intended));
        }
    }

    /// Writes the numbers of the run down; nothing when no request was watched.
    pub fn record(&self, record: &mut Record) {
        if self.offered == 0 {
            return;
        }
        record.per_run_max(Metric::WorstIo, self.side, self.worst.0);
        record.per_run_max(Metric::IoCompleted, self.side, self.completed * 1_000_000 / self.offered);
        record.per_run_max(Metric::IoStalled, self.side, self.stalled.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three requests: one inside when it strikes and done 20 s later, one after 20.5 s, one never.
    #[test]
    fn counts_the_stall_the_worst_and_what_never_completed() {
        let s = |secs: u64| SimTime(secs * 1_000_000_000);
        let mut loss = Loss::begin(Side::Target, s(100));
        loss.until = s(150);
        loss.completed(Side::Target, s(99), true, s(120));
        loss.completed(Side::Target, s(120), true, s(120) + Span::ms(500));
        loss.completed(Side::Source, s(120), true, s(140));
        loss.unfinished(Side::Target, s(110), s(160));
        let mut record = Record::default();
        loss.record(&mut record);
        let of = |metric| record.per_run().find(|((m, _), _)| *m == metric).map(|(_, v)| v);
        assert_eq!(of(Metric::WorstIo), Some(50_000_000_000));
        assert_eq!(of(Metric::IoCompleted), Some(666_666));
        assert_eq!(of(Metric::IoStalled), Some(20_000_000_000));
    }
}
