//! What the models were compared with, as a suite that anybody can run.
//!
//! A [`Suite`] holds one model against theory, another simulator or measurements: shipped lab files, rows of
//! reference data, and facts somebody published. `duress selfcheck` plays all of them.

pub(crate) mod bed;
pub(crate) mod cpu;
mod crosssite;
mod flows;
mod memory;
mod messages;
mod migration;
mod queueing;
mod reliability;
mod shipped;
mod storage;

pub use crate::lab::check::{Check, Expected};
use sim_core::Seed;

/// What a suite found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Every figure looked at.
    pub checks: Vec<Check>,
    /// How much it was compared with, such as "82 migrations".
    pub size: String,
    /// The error found, in words and numbers.
    pub error: String,
}

/// One model against one body of evidence.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Short name, to ask for it alone.
    pub name: &'static str,
    /// The model.
    pub model: &'static str,
    /// What it is compared with.
    pub against: &'static str,
    /// Where it is known to be wrong, or not looked at.
    pub wrong: &'static str,
    /// Plays it. `Err` when it broke, which is a failed check of its own.
    pub run: fn(Seed) -> Result<Findings, String>,
}

/// All of them, in reading order.
pub fn suites() -> impl Iterator<Item = &'static Suite> {
    let rooms = [
        queueing::SUITES,
        flows::SUITES,
        messages::SUITES,
        migration::SUITES,
        cpu::SUITES,
        memory::SUITES,
        storage::SUITES,
        reliability::SUITES,
        crosssite::SUITES,
    ];
    rooms.into_iter().flatten()
}
