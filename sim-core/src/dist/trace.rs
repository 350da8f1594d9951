//! A step function of simulated time, repeated for ever.

use super::{DistError, finite};
use crate::time::{SimTime, Span};
use std::sync::Arc;

/// A time-indexed series: value `i` holds during `[i, i + 1) * step`, and after the last comes the first.
///
/// It is an input, not a law: nothing is drawn. Clones share the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    step: Span,
    values: Arc<[f64]>,
}

impl Trace {
    /// A trace of `values`, each held for `step`.
    ///
    /// # Errors
    /// A zero step, no values, or a value that is not finite.
    pub fn new(step: Span, values: &[f64]) -> Result<Trace, DistError> {
        if step == Span::ZERO {
            return Err(DistError { parameter: "step", value: 0.0, allowed: "longer than zero" });
        }
        if values.is_empty() {
            return Err(DistError { parameter: "number of values", value: 0.0, allowed: "at least 1" });
        }
        for &v in values {
            finite("value", v)?;
        }
        Ok(Trace { step, values: values.into() })
    }

    /// The value that holds at `t`.
    #[inline]
    pub fn value_at(&self, t: SimTime) -> f64 {
        self.values[(t.0 / self.step.0 % self.values.len() as u64) as usize]
    }

    /// The first instant after `t` at which the next value takes over.
    pub fn next_step(&self, t: SimTime) -> SimTime {
        SimTime((t.0 / self.step.0 + 1).saturating_mul(self.step.0))
    }

    /// For how long one value holds.
    pub const fn step(&self) -> Span {
        self.step
    }

    /// After how long the series repeats.
    pub fn period(&self) -> Span {
        self.step * self.values.len() as u64
    }

    /// The mean over one period.
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_for_a_step_and_repeat() {
        let trace = Trace::new(Span(10), &[1.0, 2.0, 6.0]).unwrap();
        let seen: Vec<f64> = [0, 9, 10, 29, 30, 45].map(|t| trace.value_at(SimTime(t))).to_vec();
        assert_eq!(seen, [1.0, 1.0, 2.0, 6.0, 1.0, 2.0]);
        assert_eq!(trace.next_step(SimTime(9)), SimTime(10));
        assert_eq!(trace.next_step(SimTime(10)), SimTime(20));
        assert_eq!(trace.next_step(SimTime::NEVER), SimTime::NEVER);
        assert_eq!((trace.mean(), trace.max(), trace.period()), (3.0, 6.0, Span(30)));
    }

    #[test]
    fn impossible_traces_are_refused() {
        assert_eq!(
            Trace::new(Span(1), &[1.0, f64::NAN]).unwrap_err().to_string(),
            "value is NaN: must be finite"
        );
        assert!(Trace::new(Span::ZERO, &[1.0]).is_err());
        assert!(Trace::new(Span(1), &[]).is_err());
    }
}
