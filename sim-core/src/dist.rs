//! Laws of random quantities, drawn by samplers of our own on `libm`.
//!
//! Every law but [`Dist::gamma`] is drawn by inversion: one draw of the stream per sample, monotone in it, so
//! that two plans under common random numbers stay in step and see large values together. A `Dist` holds no
//! unit; time laws are in **seconds** and become a [`Span`] in [`Dist::sample_span`].

mod empirical;
mod trace;

pub use trace::Trace;

use crate::rng::Stream;
use crate::special::{gamma_quantile, normal_quantile};
use crate::time::Span;
use empirical::Empirical;
use std::fmt;

/// A law of one real number, valid by construction; plain data, cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Dist(Law);

/// The parameters as the samplers want them.
#[derive(Clone, Debug, PartialEq)]
enum Law {
    Constant(f64),
    Uniform { low: f64, width: f64 },
    Exponential { mean: f64 },
    Normal { mean: f64, sd: f64 },
    LogNormal { mu: f64, sigma: f64 },
    Weibull { scale: f64, inverse_shape: f64 },
    Pareto { minimum: f64, inverse_shape: f64 },
    Gamma { shape: f64, scale: f64 },
    Empirical(Empirical),
}

/// Which parameter of a law is impossible, what it is, and what is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistError {
    /// The name of the parameter.
    pub parameter: &'static str,
    /// What it was.
    pub value: f64,
    /// What it must be.
    pub allowed: &'static str,
}

impl fmt::Display for DistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: must be {}", self.parameter, self.value, self.allowed)
    }
}

impl std::error::Error for DistError {}

fn finite(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() { Ok(value) } else { Err(DistError { parameter, value, allowed: "finite" }) }
}

fn positive(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    let allowed = "finite and above 0";
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(DistError { parameter, value, allowed }) }
}

fn not_negative(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    let allowed = "finite and at least 0";
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(DistError { parameter, value, allowed }) }
}

/// The rarest value a stream can draw lies at this probability, from either end.
const RAREST: f64 = 1.0 / (1u64 << 53) as f64;

/// Constructors. Each returns [`DistError`] for a parameter that is NaN, infinite or outside its range.
impl Dist {
    /// Always `value`.
    pub fn constant(value: f64) -> Result<Dist, DistError> {
        Ok(Dist(Law::Constant(finite("value", value)?)))
    }

    /// Uniform on `[low, high)`; `low` itself where both are equal.
    pub fn uniform(low: f64, high: f64) -> Result<Dist, DistError> {
        finite("low", low)?;
        finite("high", high)?;
        let width = high - low;
        if !(width >= 0.0 && width.is_finite()) {
            return Err(DistError {
                parameter: "high - low",
                value: width,
                allowed: "finite and at least 0",
            });
        }
        Ok(Dist(Law::Uniform { low, width }))
    }

    /// Exponential with `mean` > 0.
    pub fn exponential(mean: f64) -> Result<Dist, DistError> {
        Dist(Law::Exponential { mean: positive("mean", mean)? }).drawable()
    }

    /// Normal with `mean` and standard deviation `sd` >= 0. Negative values are drawn as they come.
    pub fn normal(mean: f64, sd: f64) -> Result<Dist, DistError> {
        Dist(Law::Normal { mean: finite("mean", mean)?, sd: not_negative("sd", sd)? }).drawable()
    }

    /// The exponential of a normal of mean `mu` and standard deviation `sigma` >= 0.
    pub fn log_normal(mu: f64, sigma: f64) -> Result<Dist, DistError> {
        Dist(Law::LogNormal { mu: finite("mu", mu)?, sigma: not_negative("sigma", sigma)? }).drawable()
    }

    /// Log-normal with the given `mean` > 0 and coefficient of variation `cv` >= 0 (sd / mean).
    pub fn log_normal_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        positive("mean", mean)?;
        not_negative("cv", cv)?;
        // cv^2 = exp(sigma^2) - 1 and mean = exp(mu + sigma^2 / 2).
        let variance = libm::log1p(cv * cv);
        Dist::log_normal(libm::log(mean) - 0.5 * variance, variance.sqrt())
    }

    /// Log-normal with the given `median` > 0; `sigma` >= 0 is the standard deviation of the logarithm.
    pub fn log_normal_median_sigma(median: f64, sigma: f64) -> Result<Dist, DistError> {
        Dist::log_normal(libm::log(positive("median", median)?), sigma)
    }

    /// Weibull with survival `exp(-(x / scale)^shape)`; both parameters > 0.
    pub fn weibull(scale: f64, shape: f64) -> Result<Dist, DistError> {
        positive("scale", scale)?;
        Dist(Law::Weibull { scale, inverse_shape: 1.0 / positive("shape", shape)? }).drawable()
    }

    /// Pareto with survival `(minimum / x)^shape` above `minimum`; both > 0. Its mean is infinite for
    /// `shape` <= 1.
    pub fn pareto(minimum: f64, shape: f64) -> Result<Dist, DistError> {
        positive("minimum", minimum)?;
        Dist(Law::Pareto { minimum, inverse_shape: 1.0 / positive("shape", shape)? }).drawable()
    }

    /// Gamma with mean `shape * scale` and variance `shape * scale^2`; both parameters > 0.
    pub fn gamma(shape: f64, scale: f64) -> Result<Dist, DistError> {
        Dist(Law::Gamma { shape: positive("shape", shape)?, scale: positive("scale", scale)? }).drawable()
    }

    /// The given values, each as likely as the next; at least one.
    pub fn empirical(values: &[f64]) -> Result<Dist, DistError> {
        let points: Vec<(f64, f64)> = values.iter().map(|&v| (v, 1.0)).collect();
        Dist::empirical_weighted(&points)
    }

    /// The given (value, weight) pairs; weights >= 0 with a positive sum.
    pub fn empirical_weighted(points: &[(f64, f64)]) -> Result<Dist, DistError> {
        Ok(Dist(Law::Empirical(Empirical::new(points)?)))
    }

    /// Refuses a law whose parameters are fine one by one but whose rarest draws leave the floats.
    fn drawable(self) -> Result<Dist, DistError> {
        let heavy = matches!(self.0, Law::Pareto { .. });
        let rarest = self.quantile(1.0 - RAREST);
        let value = if heavy { rarest } else { rarest.max(self.mean()) };
        let allowed = "finite; a parameter is too large or a shape too small";
        if value.is_finite() {
            Ok(self)
        } else {
            Err(DistError { parameter: "the mean or the largest draw", value, allowed })
        }
    }
}

impl Dist {
    /// One value.
    #[inline]
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        match &self.0 {
            Law::Constant(value) => *value,
            Law::Uniform { low, width } => low + width * stream.uniform(),
            Law::Exponential { mean } => mean * exponential(stream),
            Law::Normal { mean, sd } => mean + sd * normal(stream),
            Law::LogNormal { mu, sigma } => libm::exp(mu + sigma * normal(stream)),
            Law::Weibull { scale, inverse_shape } => scale * libm::pow(exponential(stream), *inverse_shape),
            Law::Pareto { minimum, inverse_shape } => {
                minimum * libm::pow(stream.uniform_open(), -inverse_shape)
            }
            Law::Gamma { shape, scale } => scale * gamma(stream, *shape),
            Law::Empirical(e) => e.quantile(stream.uniform_open()),
        }
    }

    /// One value of a law in seconds, to the nearest ns. A negative draw is [`Span::ZERO`], one beyond 584
    /// years [`Span::MAX`].
    #[inline]
    pub fn sample_span(&self, stream: &mut Stream) -> Span {
        Span::from_secs_f64(self.sample(stream))
    }

    /// The mean; infinite for a Pareto law of shape <= 1.
    pub fn mean(&self) -> f64 {
        match &self.0 {
            Law::Constant(value) => *value,
            Law::Uniform { low, width } => low + 0.5 * width,
            Law::Exponential { mean } | Law::Normal { mean, .. } => *mean,
            Law::LogNormal { mu, sigma } => libm::exp(mu + 0.5 * sigma * sigma),
            Law::Weibull { scale, inverse_shape } => scale * libm::tgamma(1.0 + inverse_shape),
            Law::Pareto { inverse_shape, .. } if *inverse_shape >= 1.0 => f64::INFINITY,
            Law::Pareto { minimum, inverse_shape } => minimum / (1.0 - inverse_shape),
            Law::Gamma { shape, scale } => shape * scale,
            Law::Empirical(e) => e.mean(),
        }
    }

    /// The value that half of the draws stay at or below.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The smallest `x` with P(X <= x) >= `p`; `p` = 0 and 1 give the [`bounds`](Dist::bounds).
    ///
    /// # Panics
    /// If `p` is not in [0, 1].
    pub fn quantile(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "a quantile needs a probability, not {p}");
        let (low, high) = self.bounds();
        if p == 0.0 {
            return low;
        }
        if p == 1.0 {
            return high;
        }
        match &self.0 {
            Law::Constant(value) => *value,
            Law::Uniform { low, width } => low + width * p,
            Law::Exponential { mean } => -mean * libm::log1p(-p),
            Law::Normal { mean, sd } => mean + sd * normal_quantile(p),
            Law::LogNormal { mu, sigma } => libm::exp(mu + sigma * normal_quantile(p)),
            Law::Weibull { scale, inverse_shape } => scale * libm::pow(-libm::log1p(-p), *inverse_shape),
            Law::Pareto { minimum, inverse_shape } => minimum * libm::exp(-inverse_shape * libm::log1p(-p)),
            Law::Gamma { shape, scale } => scale * gamma_quantile(p, *shape),
            Law::Empirical(e) => e.quantile(p),
        }
    }

    /// The smallest interval that holds every value; its ends may be infinite.
    pub fn bounds(&self) -> (f64, f64) {
        match &self.0 {
            Law::Constant(value) => (*value, *value),
            Law::Uniform { low, width } => (*low, low + width),
            Law::Normal { mean, sd } if *sd == 0.0 => (*mean, *mean),
            Law::Normal { .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Law::LogNormal { mu, sigma } if *sigma == 0.0 => (libm::exp(*mu), libm::exp(*mu)),
            Law::Pareto { minimum, .. } => (*minimum, f64::INFINITY),
            Law::Exponential { .. } | Law::LogNormal { .. } | Law::Weibull { .. } | Law::Gamma { .. } => {
                (0.0, f64::INFINITY)
            }
            Law::Empirical(e) => e.bounds(),
        }
    }
}

/// Standard exponential. The small uniforms give the large values, so the far tail has full resolution.
#[inline]
fn exponential(stream: &mut Stream) -> f64 {
    // Subtracted from 0, since a negated 0 would be -0.
    0.0 - libm::log(stream.uniform_open())
}

/// Standard normal.
#[inline]
fn normal(stream: &mut Stream) -> f64 {
    // 52 bits and a half step keep the uniform off 0 and 1, and symmetric about one half.
    let u = ((stream.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64);
    normal_quantile(u)
}

/// Gamma of scale 1 and `shape` > 0, for shapes that change with every draw: Marsaglia and Tsang, "A simple
/// method for generating gamma variables" (2000).
pub fn gamma(stream: &mut Stream, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(stream.uniform_open(), 1.0 / shape);
        return boost * gamma(stream, shape + 1.0);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(stream);
        let t = 1.0 + c * x;
        if t <= 0.0 {
            continue;
        }
        let v = t * t * t;
        let u = stream.uniform_open();
        let squared = x * x;
        let surely = u < 1.0 - 0.0331 * squared * squared;
        if surely || libm::log(u) < 0.5 * squared + d * (1.0 - v + libm::log(v)) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests;
