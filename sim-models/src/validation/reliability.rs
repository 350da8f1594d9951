//! Redundancy: time to loss, availability, exposure.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
