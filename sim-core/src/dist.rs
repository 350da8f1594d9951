//! stub
use crate::rng::Stream;
/// d
#[derive(Clone, Debug, PartialEq)]
pub struct Dist;
/// e
#[derive(Debug)]
pub struct DistError;
impl std::fmt::Display for DistError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
#[allow(missing_docs)]
impl Dist {
    pub fn constant(_: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn uniform(_: f64, _: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn normal(_: f64, _: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn exponential(_: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn log_normal_median_sigma(_: f64, _: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn log_normal_mean_cv(_: f64, _: f64) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn empirical(_: Vec<f64>) -> Result<Dist, DistError> {
        Err(DistError)
    }
    pub fn median(&self) -> f64 {
        0.0
    }
    pub fn sample(&self, _: &mut Stream) -> f64 {
        0.0
    }
}
/// t
#[derive(Clone, Debug, PartialEq)]
pub struct Trace;
