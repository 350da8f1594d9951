//! A law given by its values.

use super::{DistError, finite};
use std::sync::Arc;

/// Sorted values with the cumulative share of each: the inverse of the empirical step function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Empirical {
    values: Arc<[f64]>,
    /// Share of the weight at or below each value; the last is exactly 1.
    cumulative: Arc<[f64]>,
    mean: f64,
}

impl Empirical {
    pub(super) fn new(points: &[(f64, f64)]) -> Result<Empirical, DistError> {
        for &(value, weight) in points {
            finite("value", value)?;
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(DistError {
                    parameter: "weight",
                    value: weight,
                    allowed: "finite and at least 0",
                });
            }
        }
        let mut kept: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.1 > 0.0).collect();
        if kept.is_empty() {
            let parameter = "number of values with a weight";
            return Err(DistError { parameter, value: 0.0, allowed: "at least 1" });
        }
        let total: f64 = kept.iter().map(|p| p.1).sum();
        if !total.is_finite() {
            return Err(DistError { parameter: "total weight", value: total, allowed: "finite" });
        }
        kept.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut running = 0.0;
        let mut cumulative: Vec<f64> = Vec::with_capacity(kept.len());
        for p in &kept {
            running += p.1;
            cumulative.push(running);
        }
        // Divided by its own last sum, so that rounding cannot leave the last share below 1.
        cumulative.iter_mut().for_each(|c| *c /= running);
        let mean = kept.iter().map(|p| p.0 * (p.1 / running)).sum();
        let values = kept.iter().map(|p| p.0).collect();
        Ok(Empirical { values, cumulative: cumulative.into(), mean })
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The smallest value with at least the share `p` at or below it.
    #[inline]
    pub(super) fn quantile(&self, p: f64) -> f64 {
        self.values[self.cumulative.partition_point(|&c| c < p).min(self.values.len() - 1)]
    }

    pub(super) fn bounds(&self) -> (f64, f64) {
        (self.values[0], self.values[self.values.len() - 1])
    }
}
