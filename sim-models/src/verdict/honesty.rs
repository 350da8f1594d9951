//! What a reader must know before believing a report.

use super::estimate::LEVEL;
use super::fold::BatchStats;
use super::matrix::MatrixRow;
use super::row::Group;
use super::statistic::Statistic;
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use serde::Serialize;

/// How far the numbers carry.
#[derive(Clone, Debug, Serialize)]
pub struct Honesty {
    /// How much of each phase was seen request by request.
    pub seen: Vec<Seen>,
    /// What the tail quantiles of the matrix rest on.
    pub evidence: Vec<Evidence>,
    /// How much of the writes' waiting few runs carry.
    pub top_runs: Option<TopRuns>,
    /// Samples above the bounds of their histogram, all metrics, unweighted.
    pub overflow_samples: u64,
    /// What no run contains.
    pub not_modelled: &'static [&'static str],
}

/// Simulated time of one phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Whose phase.
    pub side: Side,
    /// Which.
    pub phase: Phase,
    /// Mean length per run, in ns.
    pub time_per_run: u64,
    /// Share of it that was simulated request by request, in ppm.
    pub seen: u64,
}

/// What one tail quantile rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// Of what.
    pub metric: Metric,
    /// Which quantile.
    pub statistic: Statistic,
    /// Which column of the matrix.
    pub group: Group,
    /// Phase of the samples.
    pub phase: Phase,
    /// Samples, unweighted.
    pub samples: u64,
    /// How many times the variance exceeds that of as many independent samples.
    pub design_effect: f64,
    /// Independent samples beyond the quantile that the batch is worth; about 30 make a tail trustworthy.
    pub effective_exceedances: f64,
}

/// The runs that carry most of a sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopRuns {
    /// How many runs are one hundredth of the batch, at least one.
    pub runs: u64,
    /// Their share of all the time that writes on the target waited, in ppm.
    pub share: u64,
    /// Which they are, worst first; at most ten.
    pub which: Vec<u64>,
}

/// What no run contains, whatever the scenario says.
const NOT_MODELLED: &[&str] = &[
    "guest file systems and caches; requests are those that leave the guest",
    "software defects, operator mistakes and corrupted data",
    "CPU frequency and thermal limits",
    "the storage network of a SAN beyond its queues",
    "switch control planes beyond their detection and re-hash timers",
    "packets one by one: a message's delay is drawn from its link's queueing regime",
];

impl BatchStats {
    /// The honesty block of a report with this matrix.
    pub fn honesty(&self, matrix: &[MatrixRow]) -> Honesty {
        let overflow = self.pooled().map(|(_, h)| h.overflow_raw()).sum();
        Honesty {
            seen: self.seen(),
            evidence: matrix.iter().flat_map(|row| self.evidence(row)).collect(),
            top_runs: self.top_runs(),
            overflow_samples: overflow,
            not_modelled: NOT_MODELLED,
        }
    }

    fn seen(&self) -> Vec<Seen> {
        let runs = self.rows.len().max(1) as u128;
        let line = |((side, phase), (time, seen)): ((Side, Phase), (u128, u128))| Seen {
            side,
            phase,
            time_per_run: (time / runs) as u64,
            seen: (seen * 1_000_000 / time) as u64,
        };
        self.time().map(line).collect()
    }

    fn evidence(&self, row: &MatrixRow) -> Vec<Evidence> {
        let cells = [(Group::Before, &row.before), (Group::After, &row.after), (Group::Duress, &row.duress)];
        let of = |(group, cell): (Group, &super::Estimate)| {
            let phase = cell.phase?;
            let stats = self.series((row.metric, group.side(), phase))?;
            let interval = stats.quantiles.interval(row.statistic.quantile()?, LEVEL).ok()?;
            Some(Evidence {
                metric: row.metric,
                statistic: row.statistic,
                group,
                phase,
                samples: stats.quantiles.pooled().raw_count(),
                design_effect: tenths(interval.deff),
                effective_exceedances: tenths(interval.effective_exceedances),
            })
        };
        cells.into_iter().filter_map(of).collect()
    }

    fn top_runs(&self) -> Option<TopRuns> {
        let mut by_wait: Vec<(u128, u64)> = self.rows.iter().map(|r| (r.write_wait, r.run)).collect();
        by_wait.sort_unstable_by_key(|&(wait, run)| (std::cmp::Reverse(wait), run));
        let total: u128 = by_wait.iter().map(|(wait, _)| wait).sum();
        if total == 0 {
            return None;
        }
        let runs = by_wait.len().div_ceil(100);
        let top: u128 = by_wait[..runs].iter().map(|(wait, _)| wait).sum();
        // Where the product would not fit, dividing first loses less than one ppm.
        let share = top.checked_mul(1_000_000).map_or_else(|| top / (total / 1_000_000), |t| t / total);
        Some(TopRuns {
            runs: runs as u64,
            share: share.min(1_000_000) as u64,
            which: by_wait.iter().take(runs.min(10)).map(|&(_, run)| run).collect(),
        })
    }
}

fn tenths(v: f64) -> f64 {
    (v * 10.0).round() / 10.0
}
