//! Intervals from one number per run. Runs are independent, so nothing has to be assumed about clusters.

use super::{Interval, WhyNot, one_side};
use crate::hist::rank;
use crate::special::{beta_quantile, beta_regularised, student_quantile};

/// The exact interval of Clopper and Pearson for a probability, from `k` events in `n` runs.
///
/// It covers at least `level`, whatever the probability. Without runs nothing is known: [0, 1].
///
/// # Panics
/// If `k` > `n`, or `level` is not inside (0, 1).
pub fn binomial_interval(k: u64, n: u64, level: f64) -> Interval {
    assert!(k <= n, "{k} events in {n} runs");
    let side = one_side(level);
    let (events, others) = (k as f64, (n - k) as f64);
    let low = if k == 0 { 0.0 } else { beta_quantile(side, events, others + 1.0) };
    let high = if k == n { 1.0 } else { beta_quantile(1.0 - side, events + 1.0, others) };
    let estimate = if n == 0 { 0.5 } else { events / n as f64 };
    Interval { estimate, low, high, level }
}

/// The one-sided upper bound of a probability that showed no event in `n` runs: about 3 / n at 95 %.
///
/// # Panics
/// If `level` is not inside (0, 1).
pub fn no_event_bound(n: u64, level: f64) -> f64 {
    let miss = 2.0 * one_side(level);
    // (1 - p)^n = miss.
    if n == 0 { 1.0 } else { -libm::expm1(libm::log(miss) / n as f64) }
}

/// The interval of Student's t for the mean of one value per run, in run order.
///
/// # Errors
/// [`WhyNot`] below two values.
pub fn mean_interval(values: &[f64], level: f64) -> Result<Interval, WhyNot> {
    let side = one_side(level);
    enough(values.len(), 2)?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let half = student_quantile(1.0 - side, n - 1.0) * (squares / (n - 1.0) / n).sqrt();
    Ok(Interval { estimate: mean, low: mean - half, high: mean + half, level })
}

/// The interval between two order statistics for quantile `q` of one value per run; exact for any law.
///
/// Rank `l` is a lower end when P(Binomial(n, q) < l) <= (1 - level) / 2, and likewise above.
///
/// # Errors
/// [`WhyNot::TooFewRuns`] where even the extremes do not cover: below 6 runs for the median at 95 %, below 368
/// for P99.
///
/// # Panics
/// If `q` is not inside (0, 1).
pub fn order_statistic_interval(values: &[f64], q: f64, level: f64) -> Result<Interval, WhyNot> {
    assert!(q > 0.0 && q < 1.0, "a quantile between the extremes, not {q}");
    let side = one_side(level);
    let n = values.len() as u64;
    // The sample must reach past the quantile on both sides: max(q, 1 - q)^n <= side.
    let need = (libm::log(side) / libm::log(q.max(1.0 - q))).ceil() as u64;
    enough(values.len(), need)?;
    let at_most =
        |k: u64| if k >= n { 1.0 } else { beta_regularised((n - k) as f64, k as f64 + 1.0, 1.0 - q, q) };
    // The number of ranks k with P(B <= k) <= side is the lower rank itself; the upper one mirrors it.
    let low = first(n, |k| at_most(k) > side);
    let high = first(n, |k| at_most(k) >= 1.0 - side) + 1;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |rank: u64| sorted[(rank.clamp(1, n) - 1) as usize];
    let middle = rank(q, n).expect("there are values");
    Ok(Interval { estimate: at(middle), low: at(low), high: at(high), level })
}

fn enough(have: usize, need: u64) -> Result<(), WhyNot> {
    match have as u64 {
        0 => Err(WhyNot::NoSamples),
        have if have < need => Err(WhyNot::TooFewRuns { have, need }),
        _ => Ok(()),
    }
}

/// The first of `0..=n` for which a monotone condition holds; `n` holds by construction.
fn first(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
