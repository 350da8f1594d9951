//! What is asked of a distribution: a quantile, a mean, a share.

use serde::Serialize;
use sim_core::hist::{Histogram, Quantile};

/// What is asked of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Median over weighted samples.
    P50,
    /// 95 % of weighted samples are at most this.
    P95,
    /// 99 % of weighted samples are at most this.
    P99,
    /// Weighted mean.
    Mean,
    /// The largest sample.
    Max,
    /// Share of weighted samples above a value in base units, in ppm.
    ShareAbove(u64),
    /// Median over runs of one number per run.
    RunsMedian,
    /// 95 % of runs are at most this.
    RunsP95,
}

impl Statistic {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Statistic::P50 => "p50",
            Statistic::P95 => "p95",
            Statistic::P99 => "p99",
            Statistic::Mean => "mean",
            Statistic::Max => "max",
            Statistic::ShareAbove(_) => "share_above",
            Statistic::RunsMedian => "median_of_runs",
            Statistic::RunsP95 => "p95_of_runs",
        }
    }

    /// The quantile it is, if it is one.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Statistic::P50 | Statistic::RunsMedian => Some(0.5),
            Statistic::P95 | Statistic::RunsP95 => Some(0.95),
            Statistic::P99 => Some(0.99),
            Statistic::Mean | Statistic::Max | Statistic::ShareAbove(_) => None,
        }
    }

    /// Of one histogram, in base units (a share: ppm); `None` when it is empty.
    pub fn of(self, h: &Histogram) -> Option<u64> {
        match self {
            Statistic::Mean => h.mean().map(rounded),
            Statistic::Max => h.max(),
            Statistic::ShareAbove(limit) => {
                let above = u128::from(h.count_above(limit)) * 1_000_000;
                (!h.is_empty()).then(|| (above / u128::from(h.count())) as u64)
            }
            quantile => h.quantile(quantile.quantile().unwrap_or(0.5)).map(|q| in_sample(h, q)),
        }
    }
}

/// The end of a quantile's cell, but no more than the largest sample: cells round up, and a P99 above the
/// maximum reads like an error.
pub(super) fn in_sample(h: &Histogram, quantile: Quantile) -> u64 {
    quantile.at_least().min(h.max().unwrap_or(u64::MAX))
}

impl Serialize for Statistic {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

/// To the nearest integer; means are never negative.
pub fn rounded(v: f64) -> u64 {
    (v + 0.5) as u64
}
