//! Quantities as a user types them, and what they mean in one run.
//!
//! A unit is an enum constructor, `Ms(300)`, so that a wrong unit is a parse error with the list of the
//! right ones. Any scalar may be a distribution instead, `Uniform(Secs(3), Secs(7))`: it is drawn once per
//! run from a stream of its own, named by its path in the document. Profiles wrap each value in where it
//! comes from, `Assumed(Ms(300), "why")`.

use serde::Deserialize;
use sim_core::{Bytes, Dist, Rate, Span, Stream, Streams};
use std::fmt;

/// One thing wrong with a scenario: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path in the document, such as `faults[2].target`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.remedy)
    }
}

/// Gives every quantity its value in one run, and collects every problem on the way.
#[derive(Debug)]
pub struct Resolver {
    streams: Option<Streams>,
    /// What was found wrong so far.
    pub problems: Vec<Problem>,
}

impl Resolver {
    /// For validation: distributions take their median.
    pub fn typical() -> Resolver {
        Resolver { streams: None, problems: Vec::new() }
    }

    /// For one run: distributions are drawn from that run's streams.
    pub fn drawn(streams: Streams) -> Resolver {
        Resolver { streams: Some(streams), problems: Vec::new() }
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), what: what.into(), remedy: remedy.into() });
    }

    fn value(&mut self, path: &str, dist: &Dist) -> f64 {
        match &self.streams {
            None => dist.median(),
            Some(streams) => {
                let mut stream: Stream = streams.stream(path, "input");
                dist.sample(&mut stream)
            }
        }
    }
}

/// A unit enum: its constructors are units, plus the distributions over them.
pub trait Unit: Sized {
    /// What the models see.
    type Meant;
    /// The number in base units, or the distribution in base units.
    fn as_dist(&self) -> Result<Dist, String>;
    /// From the drawn number in base units; `Err` says what is allowed.
    fn meant(base: f64) -> Result<Self::Meant, String>;
    /// What a path with a problem stands for in the rest of the validation.
    fn fallback() -> Self::Meant;

    /// The value in this run; a problem is noted and a harmless stand-in returned.
    fn resolve(&self, path: &str, r: &mut Resolver) -> Self::Meant {
        let drawn = self.as_dist().map(|d| r.value(path, &d));
        match drawn.and_then(Self::meant) {
            Ok(v) => v,
            Err(what) => {
                r.problem(path, what, "write a finite value in the allowed range");
                Self::fallback()
            }
        }
    }
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident => $meant:ty, fallback $fallback:expr, { $($(#[$udoc:meta])* $unit:ident = $factor:expr),+ $(,)? }, $convert:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
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
            /// The value in base units if it is a plain one.
            fn base(&self) -> Result<f64, String> {
                let v = match self {
                    $($name::$unit(v) => v * $factor,)+
                    _ => return Err("a distribution inside a distribution".into()),
                };
                if v.is_finite() { Ok(v) } else { Err(format!("{self:?} is not a finite number")) }
            }
        }

        impl Unit for $name {
            type Meant = $meant;

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

fn at_least_zero(v: f64, what: &str) -> Result<f64, String> {
    if v.is_finite() && v >= 0.0 { Ok(v) } else { Err(format!("a {what} of {v} is impossible")) }
}

unit!(
    /// A time. Base unit: seconds.
    Time => Span, fallback Span::secs(1), {
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
    |v| at_least_zero(v, "time").and_then(|v| if v <= 1e9 { Ok(Span::from_secs_f64(v)) } else {
        Err(format!("{v} s is longer than a run can be"))
    })
);

unit!(
    /// An amount of data. Base unit: bytes.
    Size => Bytes, fallback Bytes::gib(1), {
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
    |v| at_least_zero(v, "size").and_then(|v| if v <= 1e18 { Ok(Bytes::from_f64(v)) } else {
        Err(format!("{v} bytes is beyond any cluster"))
    })
);

unit!(
    /// A throughput. Base unit: bytes per second.
    Speed => Rate, fallback Rate::gbps(1), {
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
    |v| at_least_zero(v, "rate").and_then(|v| if v <= 1e13 { Ok(Rate::from_f64(v)) } else {
        Err(format!("{v} bytes/s is beyond any link"))
    })
);

unit!(
    /// A part of a whole. Base unit: 1.
    Fraction => f64, fallback 0.5, {
        /// 0 to 1.
        Share = 1.0,
        /// 0 to 100.
        Percent = 0.01,
    },
    |v| if (0.0..=1.0).contains(&v) { Ok(v) } else { Err(format!("a share of {v} is not between 0 and 1")) }
);

unit!(
    /// A plain number that cannot be negative.
    Number => f64, fallback 1.0, {
        /// The number.
        Num = 1.0,
    },
    |v| at_least_zero(v, "number")
);

unit!(
    /// A whole number.
    Count => u32, fallback 1, {
        /// How many.
        N = 1.0,
    },
    |v| at_least_zero(v, "count").and_then(|v| {
        let n = (v + 0.5) as u64;
        if n <= 10_000_000 { Ok(n as u32) } else { Err(format!("{n} is absurdly many")) }
    })
);

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
        };
        dist.unwrap_or_else(|e| {
            r.problem(path, e.to_string(), "write a law with possible parameters");
            Dist::constant(1e-6).expect("a constant is always possible")
        })
    }
}

/// A value of a profile together with where it comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Sourced<T> {
    /// Read in the source named.
    Verified(T, String),
    /// Measured, by whom and how.
    Measured(T, String),
    /// Common knowledge that no opened source confirms.
    Recalled(T, String),
    /// A guess; a parameter to vary.
    Assumed(T, String),
}

impl<T> Sourced<T> {
    /// The value.
    pub fn value(&self) -> &T {
        match self {
            Sourced::Verified(v, _)
            | Sourced::Measured(v, _)
            | Sourced::Recalled(v, _)
            | Sourced::Assumed(v, _) => v,
        }
    }

    /// What it rests on, and the source in words.
    pub fn source(&self) -> (&'static str, &str) {
        match self {
            Sourced::Verified(_, s) => ("verified", s),
            Sourced::Measured(_, s) => ("measured", s),
            Sourced::Recalled(_, s) => ("recalled", s),
            Sourced::Assumed(_, s) => ("assumed", s),
        }
    }
}

/// One value of a profile as `duress profiles` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Path in the profile.
    pub path: String,
    /// The value as typed.
    pub value: String,
    /// `verified`, `measured`, `recalled` or `assumed`.
    pub basis: &'static str,
    /// The source in words.
    pub source: String,
}

/// Declares one section of a profile twice from one list: as typed (each field [`Sourced`]) and as meant
/// (plain values). `Time => Span` fields are quantities; `Law` fields stay distributions; `Choice<T>` and
/// `Flag` fields are taken as they are.
#[macro_export]
macro_rules! section {
    (
        $(#[$doc:meta])*
        pub struct $name:ident / $spec:ident {
            $( $(#[$fdoc:meta])* $field:ident : $kind:ident $(<$choice:ty>)? ),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[$fdoc])* pub $field: $crate::section!(@meant $kind $(<$choice>)?), )+
        }

        /// As typed in a profile file, each value with its source.
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $spec {
            $( $(#[$fdoc])* pub $field: $crate::quantity::Sourced<$crate::section!(@typed $kind $(<$choice>)?)>, )+
        }

        impl $spec {
            /// The values of one run; problems are noted under `path`.
            #[allow(unused_variables)] // a section of flags alone needs neither
            pub fn resolve(&self, path: &str, r: &mut $crate::quantity::Resolver) -> $name {
                $name {
                    $( $field: $crate::section!(@resolve $kind, self.$field.value(), &format!("{path}.{}", stringify!($field)), r), )+
                }
            }

            /// Every value with its source, in order.
            pub fn provenance(&self, path: &str) -> Vec<$crate::quantity::Provenance> {
                vec![ $( {
                    let (basis, source) = self.$field.source();
                    $crate::quantity::Provenance {
                        path: format!("{path}.{}", stringify!($field)),
                        value: format!("{:?}", self.$field.value()),
                        basis,
                        source: source.to_string(),
                    }
                } ),+ ]
            }
        }
    };
    (@meant Time) => { sim_core::Span };
    (@meant Size) => { sim_core::Bytes };
    (@meant Speed) => { sim_core::Rate };
    (@meant Fraction) => { f64 };
    (@meant Number) => { f64 };
    (@meant Count) => { u32 };
    (@meant Law) => { sim_core::Dist };
    (@meant Flag) => { bool };
    (@meant Choice<$t:ty>) => { $t };
    (@typed Flag) => { bool };
    (@typed Choice<$t:ty>) => { $t };
    (@typed $kind:ident) => { $crate::quantity::$kind };
    (@resolve Flag, $v:expr, $path:expr, $r:expr) => { *$v };
    (@resolve Choice, $v:expr, $path:expr, $r:expr) => { $v.clone() };
    (@resolve Law, $v:expr, $path:expr, $r:expr) => { $v.resolve($path, $r) };
    (@resolve $kind:ident, $v:expr, $path:expr, $r:expr) => { $crate::quantity::Unit::resolve($v, $path, $r) };
}
