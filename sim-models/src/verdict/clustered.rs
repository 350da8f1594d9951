//! Intervals for what each run has once, when several runs share a past.
//!
//! The past is the cluster. With ex_r of the n_r runs of past r above a threshold and p = sum ex / sum n,
//!
//! ```text
//! d_r = ex_r - p n_r      Var = R / (R - 1) * sum d_r^2 / (sum n)^2      t on R - 1 degrees of freedom
//! ```
//!
//! as for samples (see [`sim_core::stats`]). Runs of one past are hardly less alike than independent ones, so a
//! variance below that of independent runs is taken for luck and raised to it.

use super::estimate::{Estimate, LEVEL, MIN_RUNS, Range};
use sim_core::special::{beta_quantile, student_quantile};
use sim_core::stats::{Interval, binomial_interval};

/// Sums over pasts of runs that have a fact, and of those above a threshold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    /// Pasts with any such run.
    pub pasts: u64,
    /// Runs that have the fact.
    pub runs: u64,
    /// Of those, above.
    pub above: u64,
    runs_runs: u64,
    above_above: u64,
    above_runs: u64,
}

impl Shares {
    /// One more past.
    pub fn add(&mut self, above: u64, runs: u64) {
        self.pasts += u64::from(runs > 0);
        self.runs += runs;
        self.above += above;
        self.runs_runs += runs * runs;
        self.above_above += above * above;
        self.above_runs += above * runs;
    }

    /// Variance of the share above, at least that of independent runs. Needs two pasts.
    fn variance(&self) -> f64 {
        let (n, r) = (self.runs as f64, self.pasts as f64);
        let p = self.above as f64 / n;
        let squares =
            self.above_above as f64 - 2.0 * p * self.above_runs as f64 + p * p * self.runs_runs as f64;
        (r / (r - 1.0) * squares.max(0.0) / (n * n)).max(p * (1.0 - p) / n)
    }

    /// The share above with its interval. One run per past: that of Clopper and Pearson. Else the same for as many
    /// independent runs as these are worth (Korn and Graubard, "Confidence intervals for proportions with small
    /// expected number of positive counts estimated from survey data", 1998). Where no run is above, or all are,
    /// nothing is known about how alike they are, and each past counts for one.
    pub fn interval(&self) -> Interval {
        let (n, r) = (self.runs as f64, self.pasts as f64);
        if self.runs == self.pasts {
            return binomial_interval(self.above, self.runs, LEVEL);
        }
        let estimate = self.above as f64 / n;
        if self.above == 0 || self.above == self.runs || self.pasts < 2 {
            let events = if self.above == 0 { 0 } else { self.pasts };
            return Interval { estimate, ..binomial_interval(events, self.pasts, LEVEL) };
        }
        let side = 0.5 * (1.0 - LEVEL);
        let by_t = student_quantile(1.0 - side, n - 1.0) / student_quantile(1.0 - side, r - 1.0);
        let worth = estimate * (1.0 - estimate) / self.variance() * by_t * by_t;
        let (events, others) = (estimate * worth, (1.0 - estimate) * worth);
        Interval {
            estimate,
            low: beta_quantile(side, events, others + 1.0),
            high: beta_quantile(1.0 - side, events + 1.0, others),
            level: LEVEL,
        }
    }
}

/// Why so few pasts have no interval.
pub fn too_few(pasts: u64) -> String {
    format!("{pasts} pasts with samples, at least {MIN_RUNS} needed")
}

/// A quantile over runs of one number per run, given as (past, number) in the order of pasts.
pub fn over_pasts(values: &[(u64, u64)], q: f64) -> Estimate {
    if values.is_empty() {
        return Estimate::none(sim_core::stats::WhyNot::NoSamples.to_string());
    }
    let mut sorted: Vec<u64> = values.iter().map(|&(_, value)| value).collect();
    sorted.sort_unstable();
    let runs = sorted.len() as u64;
    let rank = |share: f64| {
        let rank = ((share * runs as f64) * (1.0 - f64::EPSILON)).ceil().max(1.0) as usize;
        sorted[rank.min(sorted.len()) - 1]
    };
    let value = rank(q);
    let bare = Estimate { value: Some(value), why: None, runs, samples: runs, ..Estimate::none("") };
    let mut shares = Shares::default();
    for past in values.chunk_by(|a, b| a.0 == b.0) {
        shares.add(past.iter().filter(|(_, v)| *v > value).count() as u64, past.len() as u64);
    }
    if shares.pasts < MIN_RUNS {
        return Estimate { why: Some(too_few(shares.pasts)), ..bare };
    }
    // The share above is at most 1 - q and may be far less where many runs have this very value.
    let variance = shares.variance().max(q * (1.0 - q) / runs as f64);
    let half = student_quantile(0.5 + 0.5 * LEVEL, shares.pasts as f64 - 1.0) * variance.sqrt();
    // As for independent runs: does even the largest of as many as these are worth lie above the quantile?
    let missed = libm::pow(q, q * (1.0 - q) / variance) > 0.5 * (1.0 - LEVEL);
    let open = missed || q + half >= 1.0;
    let high = if open { sorted[sorted.len() - 1] } else { rank(q + half) };
    Estimate { interval: Some(Range(rank((q - half).max(0.0)), high)), interval_open: open, ..bare }
}

#[cfg(test)]
mod tests;
