//! What must hold, as meant.

use crate::ids::Side;
use crate::metric::{Metric, Phase};

/// A claim about a distribution, judged by its interval.
#[derive(Clone, Debug)]
pub struct Objective {
    /// As the user wrote it.
    pub name: String,
    /// The claim.
    pub claim: Claim,
}

/// What is claimed. Limits are in the metric's base unit (ns, ppm or a count).
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// The quantile over weighted samples of all runs is at most the limit.
    Quantile {
        /// Of what.
        metric: Metric,
        /// On which side.
        side: Side,
        /// In which phase; `None`: the worst phase under duress.
        phase: Option<Phase>,
        /// Which quantile, such as 0.99.
        quantile: f64,
        /// Limit.
        limit: u64,
    },
    /// The share of runs whose worst value exceeds `above` is at most `share`.
    Probability {
        /// Of what.
        metric: Metric,
        /// On which side.
        side: Side,
        /// In which phase; `None`: any.
        phase: Option<Phase>,
        /// Threshold.
        above: u64,
        /// Allowed share of runs.
        share: f64,
    },
}
