//! Storage: closed forms and published facts.

use super::Suite;

/// See the module.
pub const SUITES: &[Suite] = &[];
