//! CPU ready time, co-stop, wake-up waits.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
