//! Laws that a run samples from again and again.

use super::{Resolver, Time, Unit};
use serde::Deserialize;
use sim_core::Dist;

/// A law that is sampled again and again during a run, such as a service time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Gamma; of a whole shape, Erlang.
    Gamma {
        /// Mean.
        mean: Time,
        /// Shape: 1 over the square of the coefficient of variation.
        shape: f64,
    },
    /// Pareto: beyond the minimum, P(X > x) = (minimum / x)^shape.
    Pareto {
        /// The least.
        minimum: Time,
        /// Shape; the mean is infinite up to 1, the variance up to 2.
        shape: f64,
    },
    /// One of these values, by weight.
    OneOf(Vec<(Time, f64)>),
}

/// The longest time of a law, in seconds: 30,000 years, the lives of the best devices many times over.
const LONGEST: f64 = 1e12;

/// Seconds of a time as typed, which in a law may be longer than all simulated time.
pub(crate) fn seconds(time: &Time, path: &str, r: &mut Resolver) -> f64 {
    match time.plain() {
        Some(s) if s > Time::MOST && s <= LONGEST => (s * r.factor(path).unwrap_or(1.0)).min(LONGEST),
        Some(s) if s > LONGEST => {
            r.problem(path, format!("{time:?}: {s} s, above {LONGEST}"), "write a time from 0 to 1e12 s");
            1.0
        }
        _ => time.resolve(path, r).as_secs(),
    }
}

impl Law {
    /// The distribution, in seconds.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> Dist {
        let mut t = |time: &Time| seconds(time, path, r);
        let dist = match self {
            Law::Always(v) => Dist::constant(t(v)),
            Law::Between(a, b) => Dist::uniform(t(a), t(b)),
            Law::Exp(mean) => Dist::exponential(t(mean)),
            Law::LogNormalCv { mean, cv } => Dist::log_normal_mean_cv(t(mean), *cv),
            Law::LogNormalSigma { median, sigma } => Dist::log_normal_median_sigma(t(median), *sigma),
            Law::Weibull { scale, shape } => Dist::weibull(t(scale), *shape),
            Law::Gamma { mean, shape } => Dist::gamma(*shape, t(mean) / shape),
            Law::Pareto { minimum, shape } => Dist::pareto(t(minimum), *shape),
            Law::OneOf(values) => Dist::empirical_weighted(
                &values.iter().map(|(v, weight)| (t(v), *weight)).collect::<Vec<_>>(),
            ),
        };
        dist.unwrap_or_else(|e| {
            r.problem(path, format!("{self:?}: {e}"), "write a law with possible parameters");
            Dist::constant(1e-6).expect("a constant is always possible")
        })
    }
}
