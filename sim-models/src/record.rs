//! What a run writes down: histograms by (metric, side, phase), integer tallies, and which phase it is.
//!
//! Models write; only reports read. A [`Stamp`] says which phase a fact belongs to without telling the
//! model which one that is, so that recording cannot feed back.

mod story;

pub use story::{Note, Stretch, count};

use crate::ids::Side;
use crate::metric::{Metric, Phase, Unit};
use sim_core::SimTime;
use sim_core::hist::{Bounds, Histogram};
use std::collections::BTreeMap;
use story::Story;

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
    /// Nanoseconds of simulated time.
    Time,
    /// Of those, seen request by request.
    TimeSeen,
}

impl Tally {
    /// All, in order.
    const ALL: [Tally; 8] = [
        Tally::GuestWritten,
        Tally::DeviceWritten,
        Tally::NetworkSent,
        Tally::IoOffered,
        Tally::IoCompleted,
        Tally::IoFailed,
        Tally::Time,
        Tally::TimeSeen,
    ];
}

/// Which metrics, tallies and numbers belong together.
pub type Series = (Metric, Side, Phase);

/// Pairs of side and phase.
const CELLS: usize = 2 * Phase::ALL.len();
/// Cells of all tallies.
const TALLIES: usize = Tally::ALL.len() * CELLS;

/// Histograms and tallies of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// By metric, side and phase; empty ones hold next to nothing.
    histograms: Vec<Histogram>,
    /// By tally, side and phase.
    tallies: [u64; TALLIES],
    per_run: BTreeMap<(Metric, Side), u64>,
    story: Story,
    conditions: [u32; 4],
    steady: Option<Phase>,
    since: SimTime,
    seen: bool,
}

impl Default for Record {
    /// Nothing recorded.
    fn default() -> Record {
        let of = |&metric: &Metric| std::iter::repeat_n(Histogram::new(bounds(metric)), CELLS);
        Record {
            histograms: Metric::ALL.iter().flat_map(of).collect(),
            tallies: [0; TALLIES],
            per_run: BTreeMap::new(),
            story: Story::default(),
            conditions: [0; 4],
            steady: None,
            since: SimTime::ZERO,
            seen: false,
        }
    }
}

impl Record {
    /// A new act with its own clock; `steady` is its phase while nothing else is going on.
    pub fn begin_act(&mut self, steady: Phase) {
        self.since = SimTime::ZERO;
        self.steady = Some(steady);
        self.conditions = [0; 4];
        self.seen = false;
        self.story.begin_act(steady);
    }

    /// The act is over: its time is booked.
    pub fn end_act(&mut self, now: SimTime) {
        self.book_time(now);
        self.story.end_act(now);
    }

    /// One more cause for `condition`.
    pub fn enter(&mut self, now: SimTime, condition: Condition) {
        self.book_time(now);
        self.conditions[condition as usize] += 1;
        self.story.turn(now, self.stamp().0);
    }

    /// One cause fewer.
    pub fn leave(&mut self, now: SimTime, condition: Condition) {
        self.book_time(now);
        let causes = &mut self.conditions[condition as usize];
        assert!(*causes > 0, "{condition:?} is left more often than entered");
        *causes -= 1;
        self.story.turn(now, self.stamp().0);
    }

    /// Windows open or close: how much of each phase is seen request by request.
    pub fn set_seen(&mut self, now: SimTime, seen: bool) {
        self.book_time(now);
        self.seen = seen;
    }

    fn book_time(&mut self, now: SimTime) {
        let Stamp(phase) = self.stamp();
        let spent = now.since(self.since).0;
        self.since = now;
        self.tallies[place(Tally::Time as usize, side_of(phase), phase)] += spent;
        if self.seen {
            self.tallies[place(Tally::TimeSeen as usize, side_of(phase), phase)] += spent;
        }
    }

    /// The phase of this moment.
    pub fn stamp(&self) -> Stamp {
        let on = |c: Condition| self.conditions[c as usize] > 0;
        let phase = match (on(Condition::Migrating), on(Condition::Rebuilding)) {
            (true, true) => Phase::RebuildMigrating,
            (false, true) => Phase::Rebuilding,
            _ if on(Condition::Detecting) => Phase::Detecting,
            _ if on(Condition::Degraded) => Phase::Degraded,
            (true, false) => Phase::Migrating,
            (false, false) => self.steady.unwrap_or(Phase::TargetSteady),
        };
        Stamp(phase)
    }

    /// One sample of weight `weight`, in the metric's base unit.
    pub fn sample(&mut self, metric: Metric, side: Side, stamp: Stamp, value: u64, weight: u64) {
        self.histograms[place(metric as usize, side, stamp.0)].record(value, weight);
    }

    /// Adds to a tally.
    pub fn tally(&mut self, tally: Tally, side: Side, stamp: Stamp, amount: u64) {
        self.tallies[place(tally as usize, side, stamp.0)] += amount;
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

    /// Tells the story of the run; a few hundred lines at most are kept.
    pub fn note(&mut self, at: SimTime, what: impl FnOnce() -> String) {
        let Stamp(phase) = self.stamp();
        self.story.note(at, phase, what);
    }

    /// Every histogram that anything was recorded into, taken out: in the order of metric, side and phase.
    pub fn into_histograms(self) -> impl Iterator<Item = (Series, Histogram)> {
        let all = places(Metric::ALL).zip(self.histograms);
        all.filter(|(_, h)| !h.is_empty())
    }

    /// Every histogram that anything was recorded into, in the order of metric, side and phase.
    pub fn histograms(&self) -> impl Iterator<Item = (Series, &Histogram)> {
        let all = places(Metric::ALL).zip(&self.histograms);
        all.filter(|(_, h)| !h.is_empty())
    }

    /// One histogram, if anything was recorded into it.
    pub fn histogram(&self, metric: Metric, side: Side, phase: Phase) -> Option<&Histogram> {
        Some(&self.histograms[place(metric as usize, side, phase)]).filter(|h| !h.is_empty())
    }

    /// A tally, 0 if nothing was added.
    pub fn total(&self, tally: Tally, side: Side, phase: Phase) -> u64 {
        self.tallies[place(tally as usize, side, phase)]
    }

    /// Every tally that anything was added to.
    pub fn tallies(&self) -> impl Iterator<Item = ((Tally, Side, Phase), u64)> {
        places(&Tally::ALL).zip(self.tallies).filter(|&(_, amount)| amount > 0)
    }

    /// Every per-run number.
    pub fn per_run(&self) -> impl Iterator<Item = ((Metric, Side), u64)> {
        self.per_run.iter().map(|(k, v)| (*k, *v))
    }

    /// What happened, in order.
    pub fn story(&self) -> &[Note] {
        self.story.notes()
    }

    /// The phases of all acts, in order, without gaps; a few hundred at most are kept.
    pub fn stretches(&self) -> &[Stretch] {
        self.story.stretches()
    }

    /// Ratios of tallies become one sample per phase, weighted by the guest bytes in KiB behind it.
    pub fn derive_ratios(&mut self) {
        for side in Side::BOTH {
            for phase in Phase::ALL {
                let guest = self.total(Tally::GuestWritten, side, phase);
                if guest == 0 {
                    continue;
                }
                let ppm = |bytes: u64| (u128::from(bytes) * 1_000_000 / u128::from(guest)) as u64;
                let device = ppm(self.total(Tally::DeviceWritten, side, phase));
                let network = ppm(self.total(Tally::NetworkSent, side, phase));
                let weight = (guest >> 10).max(1);
                self.sample(Metric::DeviceAmplification, side, Stamp(phase), device, weight);
                self.sample(Metric::NetworkAmplification, side, Stamp(phase), network, weight);
            }
        }
    }
}

/// Where the row `row` of metrics or tallies keeps what belongs to a side and a phase.
const fn place(row: usize, side: Side, phase: Phase) -> usize {
    row * CELLS + side as usize * Phase::ALL.len() + phase as usize
}

/// The keys of all places, in order.
fn places<K: Copy>(rows: &[K]) -> impl Iterator<Item = (K, Side, Phase)> {
    let sides = rows.iter().flat_map(|&row| Side::BOTH.map(|side| (row, side)));
    sides.flat_map(|(row, side)| Phase::ALL.map(|phase| (row, side, phase)))
}

/// Time is booked to the side whose VMs the phase is about.
fn side_of(phase: Phase) -> Side {
    if phase == Phase::SourceSteady { Side::Source } else { Side::Target }
}

fn bounds(metric: Metric) -> Bounds {
    match metric.unit() {
        Unit::Ns => Bounds::Latency,
        Unit::Ppm => Bounds::Ratio,
        Unit::Count | Unit::Bytes => Bounds::Count,
    }
}
