//! A deterministic discrete-event kernel. It knows no host, disk or file.
//!
//! A simulation is a [`Model`] that handles plain `Copy` events, one at a time, in one total order
//! `(time, class, sequence)`, and draws all its luck from streams keyed by (seed, run, entity, purpose).
//! The same model, seed and version give the same bytes on any machine and for any number of threads.
//!
//! Modules in reading order: [`time`], [`units`], [`table`], [`queue`], [`sim`], [`digest`], [`rng`],
//! [`special`], [`dist`], [`station`], [`fluid`], [`hist`], [`stats`], [`batch`].

pub mod batch;
pub mod digest;
pub mod dist;
pub mod fluid;
pub mod hist;
pub mod queue;
pub mod rng;
pub mod sim;
pub mod special;
pub mod station;
pub mod stats;
pub mod table;
pub mod time;
pub mod units;

pub use dist::Dist;
pub use rng::{Seed, Stream, Streams};
pub use sim::{Budget, Class, Cx, EventKind, Model, RunError, Simulation};
pub use table::{Id, Table};
pub use time::{SimTime, Span};
pub use units::{Bytes, Rate};
