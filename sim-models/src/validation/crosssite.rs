//! Replication between sites: lag, violations, stalls.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
