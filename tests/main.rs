//! The test suite of the workspace, one binary.

mod cli;
mod conservation;
mod determinism;
mod effects;
mod fidelity;
mod forking;
#[cfg(feature = "mutants")]
mod mutants;
mod scenarios;
mod support;
mod theory;
mod tidy;
mod told;
mod validation;
