//! Stations and queues.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
