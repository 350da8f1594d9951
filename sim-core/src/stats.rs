//! Intervals that mean what they say: the run is the sampling unit, never the single I/O.
//!
//! * [`QuantileAccumulator`]: quantiles and shares of what many runs recorded, with an error that knows that
//!   the samples of one run are alike.
//! * [`mean_interval`], [`order_statistic_interval`], [`binomial_interval`]: one number per run.

mod clustered;
mod scalar;

pub use clustered::{QuantileAccumulator, QuantileInterval};
pub use scalar::{binomial_interval, mean_interval, no_event_bound, order_statistic_interval};

use serde::{Deserialize, Serialize};
use std::fmt;

/// An estimate and the interval that holds the truth in `level` of all batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The point estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The confidence level, such as 0.95.
    pub level: f64,
}

/// Why an estimate has no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyNot {
    /// No run recorded a sample: this is not a passed objective.
    NoSamples,
    /// Fewer independent runs hold samples than the interval needs.
    TooFewRuns {
        /// Runs that hold samples.
        have: u64,
        /// Runs needed.
        need: u64,
    },
    /// Nearly all weight lies in the samples of a few runs.
    Lopsided {
        /// As many runs of equal weight would vary as much.
        worth: u64,
        /// As many are needed.
        need: u64,
    },
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhyNot::NoSamples => write!(f, "no samples"),
            WhyNot::TooFewRuns { have, need } => {
                write!(f, "{have} runs with samples, at least {need} needed")
            }
            WhyNot::Lopsided { worth, need } => {
                write!(
                    f,
                    "samples of few runs weigh so much that all are worth {worth}, at least {need} needed"
                )
            }
        }
    }
}

impl std::error::Error for WhyNot {}

/// The probability left to each side of a two-sided interval.
fn one_side(level: f64) -> f64 {
    assert!(level > 0.0 && level < 1.0, "a confidence level lies between 0 and 1, {level} does not");
    0.5 * (1.0 - level)
}

#[cfg(test)]
mod tests;
