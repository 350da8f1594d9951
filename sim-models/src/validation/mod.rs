//! What the models were compared with, as a suite that anybody can run.
//!
//! A [`Suite`] holds one model against theory, another simulator or measurements: shipped lab files, rows of
//! reference data, and facts somebody published. `duress selfcheck` plays all of them.

mod bed;
mod cpu;
mod crosssite;
mod flows;
mod memory;
mod messages;
mod migration;
mod queueing;
mod reliability;
mod shipped;
mod storage;

use sim_core::Seed;

/// What a figure must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// A value, give or take.
    Within {
        /// The value.
        value: f64,
        /// How far off the figure may be, in its own unit.
        tolerance: f64,
    },
    /// Anything from `low` to `high`, as ranges were published.
    Between {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
}

/// One figure held against what it must come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is looked at.
    pub name: String,
    /// What it must come to.
    pub expected: Expected,
    /// What it came to; NaN when there is no such figure.
    pub got: f64,
    /// Its standard error over independent runs, where runs differ.
    pub error: Option<f64>,
    /// The algebra or the publication behind what is expected.
    pub because: String,
}

impl Check {
    /// It came to what it must. NaN never does.
    pub fn passes(&self) -> bool {
        match self.expected {
            Expected::Within { value, tolerance } => (self.got - value).abs() <= tolerance,
            Expected::Between { low, high } => (low..=high).contains(&self.got),
        }
    }

    /// How many standard errors the figure lies from the expected value, where both are known.
    pub fn z_score(&self) -> Option<f64> {
        let Expected::Within { value, .. } = self.expected else { return None };
        self.error.map(|e| (self.got - value) / e)
    }
}

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
