//! Distributions as points of a percentile plot.

use super::fold::BatchStats;
use super::matrix::MatrixRow;
use super::row::Group;
use super::statistic::in_sample;
use crate::metric::{Metric, Phase};
use serde::Serialize;
use sim_core::hist::Histogram;

/// One distribution: value over percentile, with the tail stretched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Curve {
    /// Of what.
    pub metric: Metric,
    /// Which column of the matrix it belongs to.
    pub group: Group,
    /// Phase of the samples.
    pub phase: Phase,
    /// From the median to as far out as at least one sample lies beyond.
    pub points: Vec<Point>,
}

/// One point of a percentile plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Share of samples at or below the value, in ppm.
    pub at: u32,
    /// The value, in base units.
    pub value: u64,
}

/// Points for each tenth of the tail that is left.
const PER_DECADE: u32 = 8;
/// How many tenths: to 99.999 %.
const DECADES: u32 = 5;

impl BatchStats {
    /// The pause and write-latency distributions of the matrix's cells.
    pub fn curves(&self, matrix: &[MatrixRow]) -> Vec<Curve> {
        let drawn = [Metric::Pause, Metric::WriteLatency];
        let rows = matrix.iter().filter(|row| drawn.contains(&row.metric));
        rows.flat_map(|row| {
            let cells =
                [(Group::Before, &row.before), (Group::After, &row.after), (Group::Duress, &row.duress)];
            cells.into_iter().filter_map(|(group, cell)| {
                let phase = cell.phase?;
                let stats = self.series((row.metric, group.side(), phase))?;
                Some(Curve { metric: row.metric, group, phase, points: points(stats.quantiles.pooled()) })
            })
        })
        .collect()
    }
}

fn points(h: &Histogram) -> Vec<Point> {
    let tails = (3..=PER_DECADE * DECADES).map(|k| libm::exp10(-f64::from(k) / f64::from(PER_DECADE)));
    std::iter::once(0.5)
        .chain(tails)
        .take_while(|tail| tail * h.raw_count() as f64 >= 1.0)
        .filter_map(|tail| {
            let at = ((1.0 - tail) * 1e6 + 0.5) as u32;
            let value = in_sample(h, h.quantile(f64::from(at) / 1e6)?);
            Some(Point { at, value })
        })
        .collect()
}
