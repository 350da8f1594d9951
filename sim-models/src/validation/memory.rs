//! Memory states and remote memory.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
