//! The test suite of the workspace, one binary.

mod conservation;
mod determinism;
mod effects;
mod scenarios;
mod support;
mod tidy;
