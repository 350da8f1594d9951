//! Values of a profile together with where they come from.

use serde::Deserialize;

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
    (@meant Frequency) => { f64 };
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
