//! Runs in, bounded memory: what is kept of a batch.

use super::cluster::Cluster;
use super::clustered::{self, Shares};
use super::estimate::{self, Estimate, MIN_RUNS};
use super::row::{Column, Group, RunRow, columns};
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::record::{Record, Series};
use crate::run::RunResult;
use crate::scenario::{Claim, Objective, Scenario};
use serde::Serialize;
use sim_core::Seed;
use sim_core::digest::Digest;
use sim_core::hist::Histogram;
use sim_core::stats::QuantileAccumulator;
use std::collections::BTreeMap;

/// A run that came to no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its number.
    pub run: u64,
    /// What it said.
    pub message: String,
}

/// What is kept of one series over all runs.
#[derive(Clone, Debug)]
pub(super) struct SeriesStats {
    /// Pooled histogram and what clustered intervals need.
    pub quantiles: QuantileAccumulator,
    /// What the interval of the mean needs.
    pub sums: Sums,
    /// Runs that hold samples.
    pub runs: u64,
}

/// Sums over pasts of their weight and of their weighted values; folded in order, so the same bits each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub weight: f64,
    pub value: f64,
    pub weight_weight: f64,
    pub value_value: f64,
    pub value_weight: f64,
}

/// How many of the pasts a phase rests on, from worse to better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Support {
    /// Less than half of them.
    Few,
    /// At least half of a batch that is too small for intervals.
    Half,
    /// As many as an interval needs.
    Interval,
}

/// What a batch knows of its scenario.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub scenario: String,
    /// The question it answers.
    pub question: String,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// Runs that share one past.
    pub futures_per_past: u32,
}

impl About {
    /// Names and objectives of the typical scenario.
    pub fn of(scenario: &Scenario) -> About {
        About {
            scenario: scenario.name.clone(),
            question: scenario.question.clone(),
            objectives: scenario.objectives.clone(),
            futures_per_past: scenario.futures_per_past,
        }
    }
}

/// All that a report is made of. Fold the runs in their order.
#[derive(Clone, Debug)]
pub struct BatchStats {
    /// What is judged.
    pub about: About,
    /// Seed of the batch.
    pub seed: Seed,
    /// Runs that were asked for.
    pub asked: u64,
    /// One row per finished run.
    pub rows: Vec<RunRow>,
    /// Runs without a result.
    pub failures: Vec<Failure>,
    /// Over the digests of all runs, in run order.
    pub digest: Digest,
    /// Pasts with at least one finished run.
    pub(super) pasts: u64,
    series: BTreeMap<Series, SeriesStats>,
    pub(super) shares: Vec<Shares>,
    time: BTreeMap<(Side, Phase), (u128, u128)>,
}

impl BatchStats {
    /// Nothing folded yet.
    pub fn new(about: About, seed: Seed, asked: u64) -> BatchStats {
        BatchStats {
            seed,
            asked,
            rows: Vec::new(),
            failures: Vec::new(),
            digest: Digest::default(),
            pasts: 0,
            series: BTreeMap::new(),
            shares: vec![Shares::default(); about.objectives.len()],
            about,
            time: BTreeMap::new(),
        }
    }

    /// Takes in one finished run that shares its past with no other.
    pub fn fold(&mut self, result: &RunResult) {
        let mut cluster = Cluster::new(&self.about);
        cluster.add(&self.about, result.clone());
        self.fold_cluster(cluster);
    }

    /// Takes in one run that came to no result.
    pub fn fold_failure(&mut self, run: u64, message: String) {
        let mut cluster = Cluster::new(&self.about);
        cluster.add_failure(run, message);
        self.fold_cluster(cluster);
    }

    /// Takes in all runs of one past.
    pub fn fold_cluster(&mut self, cluster: Cluster) {
        self.pasts += u64::from(cluster.runs.iter().any(Result::is_ok));
        for run in cluster.runs {
            self.fold_run(run);
        }
        for (series, (histogram, runs)) in &cluster.series {
            self.fold_series(*series, histogram, *runs);
        }
        for (place, (time, seen)) in cluster.time {
            let total = self.time.entry(place).or_default();
            total.0 += time;
            total.1 += seen;
        }
        for (shares, hits) in self.shares.iter_mut().zip(&cluster.hits) {
            shares.add(hits.above, hits.runs);
        }
    }

    fn fold_run(&mut self, run: Result<RunRow, Failure>) {
        match run {
            Ok(row) => {
                self.digest.add(row.run);
                self.digest.add(row.digest.value());
                self.rows.push(row);
            }
            Err(failure) => {
                self.digest.add(failure.run);
                self.digest.add_str(&failure.message);
                self.failures.push(failure);
            }
        }
    }

    fn fold_series(&mut self, series: Series, histogram: &Histogram, runs: u64) {
        let stats = self.series.entry(series).or_insert_with(|| SeriesStats {
            quantiles: QuantileAccumulator::new(histogram.bounds()),
            sums: Sums::default(),
            runs: 0,
        });
        stats.quantiles.add(histogram);
        stats.runs += runs;
        let (weight, value) = (histogram.count() as f64, histogram.sum() as f64);
        let s = &mut stats.sums;
        s.weight += weight;
        s.value += value;
        s.weight_weight += weight * weight;
        s.value_value += value * value;
        s.value_weight += value * weight;
    }

    /// Runs folded, with or without a result.
    pub fn played(&self) -> u64 {
        (self.rows.len() + self.failures.len()) as u64
    }

    pub(super) fn series(&self, series: Series) -> Option<&SeriesStats> {
        self.series.get(&series).filter(|s| !s.quantiles.pooled().is_empty())
    }

    /// Every series that holds samples, pooled over all runs.
    pub fn pooled(&self) -> impl Iterator<Item = (Series, &Histogram)> {
        self.series.iter().map(|(k, s)| (*k, s.quantiles.pooled())).filter(|(_, h)| !h.is_empty())
    }

    /// One number per run, of the runs that have it, in run order.
    pub fn column(&self, column: Column) -> Vec<u64> {
        let Some(at) = columns().iter().position(|c| *c == column) else { return Vec::new() };
        self.rows.iter().filter_map(|row| row.values[at]).collect()
    }

    /// The same with the number of each run's past.
    pub(super) fn column_by_past(&self, column: Column) -> Vec<(u64, u64)> {
        let Some(at) = columns().iter().position(|c| *c == column) else { return Vec::new() };
        let futures = u64::from(self.about.futures_per_past);
        self.rows.iter().filter_map(|row| Some((row.run / futures, row.values[at]?))).collect()
    }

    /// A quantile over runs of one number per run; runs that share a past are one cluster.
    pub(super) fn over_runs(&self, column: Column, q: f64) -> Estimate {
        if self.about.futures_per_past == 1 {
            return estimate::over_runs(self.column(column), q);
        }
        clustered::over_pasts(&self.column_by_past(column), q)
    }

    /// The phase of a group in which a statistic is largest, as a series. A phase that enough runs have seen
    /// comes before one that few have: the largest value of a handful of samples is no worst phase.
    pub(super) fn worst_series(
        &self,
        metric: Metric,
        group: Group,
        of: impl Fn(&Histogram) -> Option<u64>,
    ) -> Option<Series> {
        let in_phase = |&phase: &Phase| {
            let series = (metric, group.side(), phase);
            let quantiles = &self.series(series)?.quantiles;
            Some((self.support(quantiles.clusters_with_samples()), of(quantiles.pooled())?, series))
        };
        // The first phase wins a tie, so that the choice does not depend on how a maximum is searched.
        let phases = group.phases(metric).iter().filter_map(in_phase).rev();
        phases.max_by_key(|&(support, value, _)| (support, value)).map(|(.., series)| series)
    }

    /// How well so many pasts with samples stand for the batch.
    fn support(&self, pasts: u64) -> Support {
        match pasts {
            _ if pasts >= MIN_RUNS => Support::Interval,
            _ if 2 * pasts >= self.pasts => Support::Half,
            _ => Support::Few,
        }
    }

    /// Simulated time of a phase, and how much of it was seen request by request, in ns over all runs.
    pub(super) fn time(&self) -> impl Iterator<Item = ((Side, Phase), (u128, u128))> {
        self.time.iter().map(|(k, v)| (*k, *v)).filter(|(_, (time, _))| *time > 0)
    }

    /// P99 of the application's write latency on the target so far: what a progress bar shows, in ns.
    pub fn running_write_p99(&self) -> Option<u64> {
        let mut parts = Phase::ALL
            .iter()
            .filter_map(|&p| self.series((Metric::WriteLatency, Side::Target, p)))
            .map(|s| s.quantiles.pooled());
        let mut all = parts.next()?.clone();
        parts.for_each(|h| all.merge(h));
        all.quantile(0.99).map(|q| q.at_least())
    }
}

/// Whether a run's worst value is above the threshold of a probability; `None` when it has no such fact.
pub(super) fn exceeds(claim: &Claim, record: &Record) -> Option<bool> {
    let Claim::Probability { metric, side, phase, above, .. } = *claim else { return None };
    let wanted = |p: Phase| phase.is_none_or(|wanted| wanted == p);
    let sampled = record
        .histograms()
        .filter(|((m, s, p), _)| (*m, *s) == (metric, side) && wanted(*p))
        .filter_map(|(_, h)| h.max());
    let once = record.per_run().filter(|(key, _)| *key == (metric, side)).map(|(_, v)| v);
    sampled.chain(once).max().map(|worst| worst > above)
}
