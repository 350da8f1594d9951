//! Unit enums: a number with its unit, or a distribution over such numbers.

use super::Resolver;
use serde::Deserialize;
use sim_core::{Bytes, Dist, Rate, Span};
use std::fmt::Debug;

/// A unit enum: its constructors are units, plus the distributions over them.
pub trait Unit: Sized + Debug {
    /// What the models see.
    type Meant;
    /// What may be written, in words.
    const ALLOWED: &'static str;
    /// The largest number in base units that may be written.
    const MOST: f64;
    /// The number in base units if it is a plain one; `None` for a distribution.
    fn plain(&self) -> Option<f64>;
    /// The number in base units, or the distribution in base units.
    fn as_dist(&self) -> Result<Dist, String>;
    /// From the drawn number in base units; `Err` says what is wrong with it.
    fn meant(base: f64) -> Result<Self::Meant, String>;
    /// What a path with a problem stands for in the rest of the validation.
    fn fallback() -> Self::Meant;

    /// The value in this run; a problem is noted and a harmless stand-in returned.
    fn resolve(&self, path: &str, r: &mut Resolver) -> Self::Meant {
        let factor = r.factor(path);
        let meant = |base: f64| match factor {
            None => Self::meant(base),
            Some(factor) => Self::meant((base * factor).min(Self::MOST)),
        };
        let value = match self.plain() {
            Some(base) => meant(base),
            None => self.as_dist().and_then(|dist| r.draw(path, &dist, meant)),
        };
        value.unwrap_or_else(|what| {
            r.problem(path, format!("{self:?}: {what}"), format!("write {}", Self::ALLOWED));
            Self::fallback()
        })
    }
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident => $meant:ty, allowed $allowed:literal, most $most:expr, fallback $fallback:expr, { $($(#[$udoc:meta])* $unit:ident = $factor:expr),+ $(,)? }, $convert:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub enum $name {
            $($(#[$udoc])* $unit(f64),)+
            /// Uniform between two values.
            Uniform(Box<$name>, Box<$name>),
            /// Normal with mean and standard deviation; draws outside the allowed range are errors of the run.
            Normal {
                /// Mean.
                mean: Box<$name>,
                /// Standard deviation.
                sd: Box<$name>,
            },
            /// Log-normal by its median and the standard deviation of its logarithm.
            LogNormal {
                /// Median.
                median: Box<$name>,
                /// Standard deviation of the natural logarithm.
                sigma: f64,
            },
            /// Exponential by its mean.
            Exponential(Box<$name>),
            /// One of these values, each as likely.
            OneOf(Vec<$name>),
        }

        impl $name {
            /// A parameter of a distribution in base units.
            fn base(&self) -> Result<f64, String> {
                match self.plain() {
                    Some(v) if v.is_finite() => Ok(v),
                    Some(_) => Err(format!("{self:?} is not a finite number")),
                    None => Err("a distribution inside a distribution".into()),
                }
            }
        }

        impl Unit for $name {
            type Meant = $meant;
            const ALLOWED: &'static str = $allowed;
            // In base units; each is given where its unit is declared below.
            const MOST: f64 = $most;

            fn plain(&self) -> Option<f64> {
                match self {
                    $($name::$unit(v) => Some(v * $factor),)+
                    _ => None,
                }
            }

            fn as_dist(&self) -> Result<Dist, String> {
                let dist = match self {
                    $name::Uniform(a, b) => Dist::uniform(a.base()?, b.base()?),
                    $name::Normal { mean, sd } => Dist::normal(mean.base()?, sd.base()?),
                    $name::LogNormal { median, sigma } => Dist::log_normal_median_sigma(median.base()?, *sigma),
                    $name::Exponential(mean) => Dist::exponential(mean.base()?),
                    $name::OneOf(values) => {
                        Dist::empirical(&values.iter().map(|v| v.base()).collect::<Result<Vec<f64>, _>>()?)
                    }
                    plain => Dist::constant(plain.base()?),
                };
                dist.map_err(|e| e.to_string())
            }

            fn meant(base: f64) -> Result<$meant, String> {
                let convert: fn(f64) -> Result<$meant, String> = $convert;
                convert(base)
            }

            fn fallback() -> $meant {
                $fallback
            }
        }
    };
}

fn within(v: f64, high: f64, unit: &str) -> Result<f64, String> {
    if v.is_nan() {
        return Err("not a number".into());
    }
    if v < 0.0 {
        return Err(format!("{v} {unit}, below 0"));
    }
    if v > high { Err(format!("{v} {unit}, above {high}")) } else { Ok(v) }
}

unit!(
    /// A time. Base unit: seconds.
    Time => Span, allowed "a time from 0 to 1e9 s", most 1e9, fallback Span::secs(1), {
        /// Nanoseconds.
        Ns = 1e-9,
        /// Microseconds.
        Us = 1e-6,
        /// Milliseconds.
        Ms = 1e-3,
        /// Seconds.
        Secs = 1.0,
        /// Minutes.
        Min = 60.0,
        /// Hours.
        Hours = 3600.0,
        /// Days.
        Days = 86_400.0,
    },
    |v| within(v, Self::MOST, "s").map(Span::from_secs_f64)
);

unit!(
    /// An amount of data. Base unit: bytes.
    Size => Bytes, allowed "a size from 0 to 1e18 bytes", most 1e18, fallback Bytes::gib(1), {
        /// Bytes.
        B = 1.0,
        /// 2^10 bytes.
        KiB = 1024.0,
        /// 2^20 bytes.
        MiB = 1_048_576.0,
        /// 2^30 bytes.
        GiB = 1_073_741_824.0,
        /// 2^40 bytes.
        TiB = 1_099_511_627_776.0,
        /// 10^9 bytes, as drives are sold.
        GB = 1e9,
        /// 10^12 bytes, as drives are sold.
        TB = 1e12,
    },
    |v| within(v, Self::MOST, "bytes").map(Bytes::from_f64)
);

unit!(
    /// A throughput. Base unit: bytes per second.
    Speed => Rate, allowed "a rate from 0 to 1e13 bytes/s", most 1e13, fallback Rate::gbps(1), {
        /// 10^6 bits per second.
        Mbps = 125_000.0,
        /// 10^9 bits per second.
        Gbps = 125_000_000.0,
        /// 2^20 bytes per second.
        MiBps = 1_048_576.0,
        /// 2^30 bytes per second.
        GiBps = 1_073_741_824.0,
        /// 10^6 bytes per second.
        MBps = 1e6,
        /// 10^9 bytes per second.
        GBps = 1e9,
    },
    |v| within(v, Self::MOST, "bytes/s").map(Rate::from_f64)
);

unit!(
    /// How often something happens. Base unit: per second.
    Frequency => f64, allowed "a frequency from 0 to 1e9 per second", most 1e9, fallback 1.0, {
        /// Per second.
        PerS = 1.0,
        /// Per minute.
        PerMin = 1.0 / 60.0,
        /// Per hour.
        PerHour = 1.0 / 3600.0,
    },
    |v| within(v, Self::MOST, "per second")
);

unit!(
    /// A part of a whole. Base unit: 1.
    Fraction => f64, allowed "a part from Share(0) to Share(1), or Percent(0) to Percent(100)", most 1.0, fallback 0.5, {
        /// 0 to 1.
        Share = 1.0,
        /// 0 to 100.
        Percent = 0.01,
    },
    |v| within(v, Self::MOST, "of a whole")
);

unit!(
    /// A plain number that cannot be negative.
    Number => f64, allowed "a number from 0 to 1e15", most 1e15, fallback 1.0, {
        /// The number.
        Num = 1.0,
    },
    |v| within(v, Self::MOST, "as a number")
);

unit!(
    /// A whole number.
    Count => u32, allowed "a whole number from 0 to 10000000", most 1e7, fallback 1, {
        /// How many.
        N = 1.0,
    },
    |v| within(v, Self::MOST, "as a count").map(|v| (v + 0.5) as u32)
);
