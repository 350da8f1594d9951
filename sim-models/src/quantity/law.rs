//! Laws that a run samples from again and again.

use super::{Resolver, Time, Unit};
use serde::Deserialize;
use sim_core::Dist;

/// A law that is sampled again and again during a run, such as a service time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Law {
    /// Always the same.
    Always(Time),
    /// Uniform between two times.
    Between(Time, Time),
    /// Exponential.
    Exp(Time),
    /// Log-normal by mean and coefficient of variation.
    LogNormalCv {
        /// Mean.
        mean: Time,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Log-normal by median and standard deviation of the logarithm.
    LogNormalSigma {
        /// Median.
        median: Time,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Weibull: below shape 1 the rate of ending falls with age, above 1 it rises.
    Weibull {
        /// Scale: what 63.2 % do not outlast.
        scale: Time,
        /// Shape.
        shape: f64,
    },
}

impl Law {
    /// The distribution, in seconds.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> Dist {
        let mut t = |time: &Time| time.resolve(path, r).as_secs();
        let dist = match self {
            Law::Always(v) => Dist::constant(t(v)),
            Law::Between(a, b) => Dist::uniform(t(a), t(b)),
            Law::Exp(mean) => Dist::exponential(t(mean)),
            Law::LogNormalCv { mean, cv } => Dist::log_normal_mean_cv(t(mean), *cv),
            Law::LogNormalSigma { median, sigma } => Dist::log_normal_median_sigma(t(median), *sigma),
            Law::Weibull { scale, shape } => Dist::weibull(t(scale), *shape),
        };
        dist.unwrap_or_else(|e| {
            r.problem(path, format!("{self:?}: {e}"), "write a law with possible parameters");
            Dist::constant(1e-6).expect("a constant is always possible")
        })
    }
}
