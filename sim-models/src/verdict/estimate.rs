//! A number with its interval, or with the reason why it has none.

use super::clustered::too_few;
use super::fold::{BatchStats, SeriesStats};
use super::statistic::{Statistic, in_sample};
use crate::metric::Phase;
use crate::record::Series;
use serde::Serialize;
use sim_core::hist::Quantile;
use sim_core::special::{beta_regularised, student_quantile};
use sim_core::stats::{WhyNot, order_statistic_interval};

/// Confidence of every interval.
pub const LEVEL: f64 = 0.95;

/// Runs that an interval needs: below, neither t nor a variance between runs can be trusted.
pub const MIN_RUNS: u64 = 30;

/// Lower and upper end, in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range(pub u64, pub u64);

/// A number, what it rests on and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// In base units; `None` without samples.
    pub value: Option<u64>,
    /// The samples end below the value, which is then the bound of the histogram.
    pub beyond: bool,
    /// The 95 % interval.
    pub interval: Option<Range>,
    /// The batch sets no upper bound: the upper end is the largest sample seen.
    pub interval_open: bool,
    /// Why there is no interval.
    pub why: Option<String>,
    /// Phase of the samples, where there is one.
    pub phase: Option<Phase>,
    /// Runs that hold samples.
    pub runs: u64,
    /// Samples, unweighted.
    pub samples: u64,
}

impl Estimate {
    /// No number at all, and why.
    pub fn none(why: impl Into<String>) -> Estimate {
        Estimate {
            value: None,
            beyond: false,
            interval: None,
            interval_open: false,
            why: Some(why.into()),
            phase: None,
            runs: 0,
            samples: 0,
        }
    }

    fn with(mut self, interval: Result<(Range, bool), WhyNot>) -> Estimate {
        match interval {
            Ok((range, open)) => {
                self.interval = Some(range);
                self.interval_open = open;
            }
            Err(why) => self.why = Some(why.to_string()),
        }
        self
    }
}

impl BatchStats {
    /// A statistic of the samples of one series.
    pub fn estimate(&self, series: Series, statistic: Statistic) -> Estimate {
        let Some(stats) = self.series(series) else { return Estimate::none(WhyNot::NoSamples.to_string()) };
        let bare = bare(stats, series.2, statistic.of(stats.quantiles.pooled()));
        let interval = match statistic {
            Statistic::Mean => stats.mean_interval(),
            Statistic::ShareAbove(limit) => stats.quantiles.share_above(limit, LEVEL).map(|i| {
                // Ends rounded outwards, so that rounding never makes the interval narrower.
                (Range((i.low * 1e6).floor() as u64, (i.high * 1e6).ceil() as u64), false)
            }),
            Statistic::Max => return bare,
            quantile => return self.quantile(series, quantile.quantile().unwrap_or(0.5)),
        };
        self.with(bare, interval)
    }

    /// Few runs are called few pasts where these are the unit.
    fn with(&self, bare: Estimate, interval: Result<(Range, bool), WhyNot>) -> Estimate {
        match interval {
            Err(WhyNot::TooFewRuns { have, .. }) if self.about.futures_per_past > 1 => {
                Estimate { why: Some(too_few(have)), ..bare }
            }
            interval => bare.with(interval),
        }
    }

    /// A quantile of the samples of one series: clustered inversion, see [`sim_core::stats`].
    pub fn quantile(&self, series: Series, q: f64) -> Estimate {
        let Some(stats) = self.series(series) else { return Estimate::none(WhyNot::NoSamples.to_string()) };
        let pooled = stats.quantiles.pooled();
        let value = pooled.quantile(q);
        let mut bare = bare(stats, series.2, value.map(|v| in_sample(pooled, v)));
        bare.beyond = matches!(value, Some(Quantile::Beyond(_)));
        let interval = stats.quantiles.interval(q, LEVEL);
        let ends = interval.map(|i| {
            let open = matches!(i.high, Quantile::Beyond(_));
            let high = if open { pooled.max().unwrap_or(0) } else { in_sample(pooled, i.high) };
            (Range(in_sample(pooled, i.low), high), open)
        });
        self.with(bare, ends)
    }
}

fn bare(stats: &SeriesStats, phase: Phase, value: Option<u64>) -> Estimate {
    let pooled = stats.quantiles.pooled();
    Estimate {
        value,
        beyond: false,
        interval: None,
        interval_open: false,
        why: None,
        phase: Some(phase),
        runs: stats.runs,
        samples: pooled.raw_count(),
    }
}

/// A quantile over runs of one number per run: exact binomial order statistics.
pub fn over_runs(mut values: Vec<u64>, q: f64) -> Estimate {
    let runs = values.len() as u64;
    if values.is_empty() {
        return Estimate::none(WhyNot::NoSamples.to_string());
    }
    values.sort_unstable();
    let rank = ((q * runs as f64) * (1.0 - f64::EPSILON)).ceil() as usize;
    let value = Some(values[rank.clamp(1, values.len()) - 1]);
    let estimate = Estimate { value, why: None, runs, samples: runs, ..Estimate::none("") };
    if runs < MIN_RUNS {
        return estimate.with(Err(WhyNot::TooFewRuns { have: runs, need: MIN_RUNS }));
    }
    estimate.with(ends_over_runs(&values, q))
}

fn ends_over_runs(sorted: &[u64], q: f64) -> Result<(Range, bool), WhyNot> {
    let floats: Vec<f64> = sorted.iter().map(|&v| v as f64).collect();
    if let Ok(i) = order_statistic_interval(&floats, q, LEVEL) {
        return Ok((Range(i.low as u64, i.high as u64), false));
    }
    // Not even the largest run is likely to lie above the quantile: only the lower end is known.
    let n = sorted.len();
    let side = 0.5 * (1.0 - LEVEL);
    let at_most = |k: usize| beta_regularised((n - k) as f64, k as f64 + 1.0, 1.0 - q, q);
    let low = (0..n).take_while(|&k| at_most(k) <= side).count().max(1);
    Ok((Range(sorted[low - 1], sorted[n - 1]), true))
}

impl SeriesStats {
    /// The ratio estimator's interval for the weighted mean, with the past as the unit.
    fn mean_interval(&self) -> Result<(Range, bool), WhyNot> {
        let have = self.quantiles.clusters_with_samples();
        if have < MIN_RUNS {
            return Err(WhyNot::TooFewRuns { have, need: MIN_RUNS });
        }
        let (runs, s) = (have as f64, &self.sums);
        let mean = s.value / s.weight;
        let squares = s.value_value - 2.0 * mean * s.value_weight + mean * mean * s.weight_weight;
        let error = (runs / (runs - 1.0) * squares.max(0.0)).sqrt() / s.weight;
        let half = student_quantile(0.5 + 0.5 * LEVEL, runs - 1.0) * error;
        Ok((Range((mean - half).max(0.0).floor() as u64, (mean + half).ceil() as u64), false))
    }
}
