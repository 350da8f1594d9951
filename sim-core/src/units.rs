//! Bytes and rates as integer types with only the physical operators.
//!
//! `Bytes / Rate = Span` rounds up (a transfer is over when its last byte is), `Rate * Span = Bytes`
//! rounds down (a byte has moved when all of it has).

use crate::time::{NS_PER_S, Span};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// An amount of data, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// A throughput, in bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub u64);

impl Bytes {
    /// Nothing.
    pub const ZERO: Bytes = Bytes(0);

    /// `n` KiB.
    pub const fn kib(n: u64) -> Bytes {
        Bytes(n << 10)
    }
    /// `n` MiB.
    pub const fn mib(n: u64) -> Bytes {
        Bytes(n << 20)
    }
    /// `n` GiB.
    pub const fn gib(n: u64) -> Bytes {
        Bytes(n << 30)
    }
    /// Nearest whole byte; negative and NaN become zero.
    pub fn from_f64(b: f64) -> Bytes {
        Bytes((b + 0.5) as u64)
    }
    /// As a float, for laws and reports.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
    /// Difference, zero when `other` is larger.
    pub const fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
    /// This amount times a non-negative factor, to the nearest byte.
    pub fn scale(self, factor: f64) -> Bytes {
        Bytes::from_f64(self.0 as f64 * factor)
    }
}

impl Rate {
    /// No throughput.
    pub const ZERO: Rate = Rate(0);

    /// `n` Gbit/s.
    pub const fn gbps(n: u64) -> Rate {
        Rate(n * 125_000_000)
    }
    /// `n` MiB/s.
    pub const fn mib_per_s(n: u64) -> Rate {
        Rate(n << 20)
    }
    /// Nearest whole byte per second; negative and NaN become zero.
    pub fn from_f64(r: f64) -> Rate {
        Rate((r + 0.5) as u64)
    }
    /// As a float, for laws and reports.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
    /// This rate times a non-negative factor, to the nearest byte per second.
    pub fn scale(self, factor: f64) -> Rate {
        Rate::from_f64(self.0 as f64 * factor)
    }
    /// The mean rate of `bytes` over `span`; zero over an empty span.
    pub fn mean(bytes: Bytes, span: Span) -> Rate {
        match span.0 {
            0 => Rate::ZERO,
            ns => Rate((u128::from(bytes.0) * u128::from(NS_PER_S) / u128::from(ns)) as u64),
        }
    }
}

impl Div<Rate> for Bytes {
    type Output = Span;
    /// Time to move these bytes, rounded up; [`Span::MAX`] at rate zero.
    #[allow(clippy::suspicious_arithmetic_impl)] // a rate is per second, a span counts nanoseconds
    fn div(self, rate: Rate) -> Span {
        match (self.0, rate.0) {
            (0, _) => Span::ZERO,
            (_, 0) => Span::MAX,
            (b, r) => {
                let ns = (u128::from(b) * u128::from(NS_PER_S)).div_ceil(u128::from(r));
                Span(u64::try_from(ns).unwrap_or(u64::MAX))
            }
        }
    }
}

impl Mul<Span> for Rate {
    type Output = Bytes;
    /// Bytes moved in this time, rounded down.
    fn mul(self, span: Span) -> Bytes {
        let bytes = u128::from(self.0) * u128::from(span.0) / u128::from(NS_PER_S);
        Bytes(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

macro_rules! additive {
    ($t:ident) => {
        impl Add for $t {
            type Output = $t;
            fn add(self, o: $t) -> $t {
                $t(self.0 + o.0)
            }
        }
        impl AddAssign for $t {
            fn add_assign(&mut self, o: $t) {
                self.0 += o.0;
            }
        }
        impl Sub for $t {
            type Output = $t;
            fn sub(self, o: $t) -> $t {
                $t(self.0 - o.0)
            }
        }
        impl SubAssign for $t {
            fn sub_assign(&mut self, o: $t) {
                self.0 -= o.0;
            }
        }
        impl Mul<u64> for $t {
            type Output = $t;
            fn mul(self, k: u64) -> $t {
                $t(self.0 * k)
            }
        }
        impl Div<u64> for $t {
            type Output = $t;
            fn div(self, k: u64) -> $t {
                $t(self.0 / k)
            }
        }
        impl std::iter::Sum for $t {
            fn sum<I: Iterator<Item = $t>>(iter: I) -> $t {
                iter.fold($t(0), Add::add)
            }
        }
    };
}
additive!(Bytes);
additive!(Rate);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.0 as f64;
        let (value, unit) = match self.0 {
            0..1_024 => return f.pad(&format!("{} B", self.0)),
            0x400..0x10_0000 => (b / 1024.0, "KiB"),
            0x10_0000..0x4000_0000 => (b / 1_048_576.0, "MiB"),
            0x4000_0000..0x100_0000_0000 => (b / 1_073_741_824.0, "GiB"),
            _ => (b / 1_099_511_627_776.0, "TiB"),
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

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/s", Bytes(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_time_rounds_up_and_moved_bytes_round_down() {
        let rate = Rate(3);
        assert_eq!(Bytes(1) / rate, Span(333_333_334));
        assert_eq!(rate * Span(333_333_333), Bytes(0));
        assert_eq!(rate * Span(333_333_334), Bytes(1));
    }

    #[test]
    fn a_dead_link_never_finishes_unless_there_is_nothing_to_send() {
        assert_eq!(Bytes(1) / Rate::ZERO, Span::MAX);
        assert_eq!(Bytes::ZERO / Rate::ZERO, Span::ZERO);
    }

    #[test]
    fn gbps_is_decimal_bits() {
        assert_eq!(Rate::gbps(25) * Span::secs(1), Bytes(3_125_000_000));
    }
}
