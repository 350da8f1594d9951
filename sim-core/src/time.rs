//! Simulated time: whole nanoseconds, never floats.
//!
//! [`SimTime`] is a point, [`Span`] a distance. Only the operators that make physical sense exist.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;

/// A point of simulated time, in ns since the start of the run. The range is 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(pub u64);

/// A length of simulated time, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl SimTime {
    /// The start of every run.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than anything that can be scheduled.
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// The span since `earlier`; zero when `earlier` is in fact later.
    pub const fn since(self, earlier: SimTime) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the start, for laws and reports.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than any run.
    pub const MAX: Span = Span(u64::MAX);

    /// `n` nanoseconds.
    pub const fn ns(n: u64) -> Span {
        Span(n)
    }
    /// `n` microseconds.
    pub const fn us(n: u64) -> Span {
        Span(n * 1_000)
    }
    /// `n` milliseconds.
    pub const fn ms(n: u64) -> Span {
        Span(n * 1_000_000)
    }
    /// `n` seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * NS_PER_S)
    }
    /// `n` minutes.
    pub const fn mins(n: u64) -> Span {
        Span(n * 60 * NS_PER_S)
    }

    /// Nearest whole nanosecond; negative and NaN become zero, too large becomes [`Span::MAX`].
    pub fn from_secs_f64(s: f64) -> Span {
        Span::from_ns_f64(s * NS_PER_S as f64)
    }

    /// Nearest whole nanosecond; negative and NaN become zero, too large becomes [`Span::MAX`].
    pub fn from_ns_f64(ns: f64) -> Span {
        // A float-to-integer cast saturates and maps NaN to 0: exactly the contract above.
        Span((ns + 0.5) as u64)
    }

    /// Seconds, for laws and reports.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }

    /// Nanoseconds as a float, for laws.
    pub fn as_ns_f64(self) -> f64 {
        self.0 as f64
    }

    /// This span stretched (or shrunk) by a non-negative factor, to the nearest ns.
    pub fn scale(self, factor: f64) -> Span {
        Span::from_ns_f64(self.0 as f64 * factor)
    }

    /// Difference, zero when `other` is longer.
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for SimTime {
    type Output = SimTime;
    fn add(self, d: Span) -> SimTime {
        SimTime(self.0.saturating_add(d.0))
    }
}
impl Sub<Span> for SimTime {
    type Output = SimTime;
    fn sub(self, d: Span) -> SimTime {
        SimTime(self.0.saturating_sub(d.0))
    }
}
impl AddAssign<Span> for SimTime {
    fn add_assign(&mut self, d: Span) {
        *self = *self + d;
    }
}
impl Add for Span {
    type Output = Span;
    fn add(self, d: Span) -> Span {
        Span(self.0.saturating_add(d.0))
    }
}
impl AddAssign for Span {
    fn add_assign(&mut self, d: Span) {
        *self = *self + d;
    }
}
impl Sub for Span {
    type Output = Span;
    fn sub(self, d: Span) -> Span {
        Span(self.0 - d.0)
    }
}
impl SubAssign for Span {
    fn sub_assign(&mut self, d: Span) {
        *self = *self - d;
    }
}
impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, k: u64) -> Span {
        Span(self.0.saturating_mul(k))
    }
}
impl Div<u64> for Span {
    type Output = Span;
    fn div(self, k: u64) -> Span {
        Span(self.0 / k)
    }
}
impl std::iter::Sum for Span {
    fn sum<I: Iterator<Item = Span>>(iter: I) -> Span {
        iter.fold(Span::ZERO, Add::add)
    }
}

impl fmt::Display for Span {
    /// Three significant digits in the unit a reader would choose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0 as f64;
        let (value, unit) = match self.0 {
            0 => return f.pad("0 s"),
            1..1_000 => return f.pad(&format!("{} ns", self.0)),
            1_000..1_000_000 => (ns / 1e3, "us"),
            1_000_000..1_000_000_000 => (ns / 1e6, "ms"),
            1_000_000_000..120_000_000_000 => (ns / 1e9, "s"),
            120_000_000_000..7_200_000_000_000 => (ns / 60e9, "min"),
            _ => (ns / 3600e9, "h"),
        };
        let digits = if value < 9.995 {
            2
        } else if value < 99.95 {
            1
        } else {
            0
        };
        f.pad(&format!("{value:.digits$} {unit}"))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.6} s", self.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_three_digits_in_a_readable_unit() {
        let shown: Vec<String> = [0, 999, 1_234, 45_678_900, 1_500_000_000, 90_000_000_000, 600_000_000_000]
            .map(|ns| Span(ns).to_string())
            .to_vec();
        assert_eq!(shown, ["0 s", "999 ns", "1.23 us", "45.7 ms", "1.50 s", "90.0 s", "10.0 min"]);
    }

    #[test]
    fn float_seconds_round_to_the_nearest_and_saturate() {
        assert_eq!(Span::from_secs_f64(1.5e-9), Span(2));
        assert_eq!(Span::from_secs_f64(-3.0), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::NAN), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::INFINITY), Span::MAX);
    }

    #[test]
    fn since_never_goes_negative() {
        assert_eq!(SimTime(5).since(SimTime(9)), Span::ZERO);
        assert_eq!(SimTime(9).since(SimTime(5)), Span(4));
    }
}
