//! Bulk flows under weighted max-min sharing.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
