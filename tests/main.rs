//! The test suite of the workspace, one binary.

mod cli;
mod conservation;
mod determinism;
mod effects;
#[cfg(feature = "mutants")]
mod mutants;
mod fidelity;
mod forking;
mod scenarios;
mod support;
mod theory;
mod tidy;
