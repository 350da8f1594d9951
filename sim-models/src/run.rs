//! The pipeline: a scenario, a seed and a run number give one future.

use crate::ids::Side;
use crate::record::Record;
use crate::scenario::Scenario;
use sim_core::digest::Digest;
use sim_core::{RunError, Seed};

/// What one future came to.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Number of the run in its batch.
    pub run: u64,
    /// Over everything that happened.
    pub digest: Digest,
    /// Over everything but the sampled requests.
    pub macro_digest: Digest,
    /// What was recorded.
    pub record: Record,
    /// Events handled.
    pub events: u64,
    /// Requests simulated.
    pub requests: u64,
    /// Digest of each entity, by name: only when asked for.
    pub entities: Vec<(String, Digest)>,
}

/// Plays one future: the acts one after the other, each a world of its own under the same luck.
pub fn play(scenario: &Scenario, seed: Seed, run: u64, watch: bool) -> Result<RunResult, RunError> {
    let _ = (scenario, seed, run, watch, Side::BOTH);
    unimplemented!()
}
