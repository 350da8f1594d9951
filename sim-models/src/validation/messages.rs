//! Delays of small messages.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
