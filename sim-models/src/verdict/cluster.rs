//! The runs of one past, merged: the unit of every interval.
//!
//! Runs that share a past are alike, and F of them are not F facts about it. Their samples are pooled before the
//! batch sees them: what the past recorded keeps the weight of all its futures, or what lies behind the fork
//! would outweigh it, but counts as taken once.

use super::fold::{About, Failure, exceeds};
use super::row::RunRow;
use crate::ids::Side;
use crate::metric::Phase;
use crate::record::{Record, Series, Tally};
use crate::run::RunResult;
use sim_core::hist::Histogram;
use std::collections::BTreeMap;

/// Runs that have the fact a probability is about, and those of them above its threshold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits {
    pub runs: u64,
    pub above: u64,
}

/// What the runs of one past came to. Add them in their order.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// One entry per run.
    pub(super) runs: Vec<Result<RunRow, Failure>>,
    /// Samples, and how many of the runs hold any.
    pub(super) series: BTreeMap<Series, (Histogram, u64)>,
    /// By objective.
    pub(super) hits: Vec<Hits>,
    /// Simulated time, and how much of it was seen request by request, in ns.
    pub(super) time: BTreeMap<(Side, Phase), (u128, u128)>,
}

impl Cluster {
    /// No runs yet.
    pub fn new(about: &About) -> Cluster {
        Cluster {
            runs: Vec::new(),
            series: BTreeMap::new(),
            hits: vec![Hits::default(); about.objectives.len()],
            time: BTreeMap::new(),
        }
    }

    /// Takes in one finished run.
    pub fn add(&mut self, about: &About, result: RunResult) {
        self.runs.push(Ok(RunRow::of(&result)));
        for ((tally, side, phase), amount) in result.record.tallies() {
            let (time, seen) = self.time.entry((side, phase)).or_default();
            match tally {
                Tally::Time => *time += u128::from(amount),
                Tally::TimeSeen => *seen += u128::from(amount),
                _ => {}
            }
        }
        for (objective, hits) in about.objectives.iter().zip(&mut self.hits) {
            if let Some(above) = exceeds(&objective.claim, &result.record) {
                hits.runs += 1;
                hits.above += u64::from(above);
            }
        }
        for (series, histogram) in result.record.into_histograms() {
            let holds = u64::from(!histogram.is_empty());
            match self.series.get_mut(&series) {
                Some((pooled, runs)) => {
                    pooled.merge(&histogram);
                    *runs += holds;
                }
                None => {
                    self.series.insert(series, (histogram, holds));
                }
            }
        }
    }

    /// Takes in one run that came to no result.
    pub fn add_failure(&mut self, run: u64, message: String) {
        self.runs.push(Err(Failure { run, message }));
    }

    /// All runs are in: what their past recorded was added with each of them and was taken once.
    pub fn count_past_once(&mut self, past: &Record) {
        let finished = self.runs.iter().filter(|run| run.is_ok()).count() as u64;
        for (series, seen) in past.histograms().filter(|_| finished > 1) {
            if let Some((pooled, _)) = self.series.get_mut(&series) {
                pooled.count_once(seen, finished - 1);
            }
        }
    }
}
