//! The pipeline: a scenario, a seed and a run number give one future.

use crate::metric::Phase;
use crate::record::Record;
use crate::scenario::Scenario;
use crate::vm::Population;
use crate::world::World;
use sim_core::digest::Digest;
use sim_core::{Budget, RunError, Seed, SimTime, Simulation, Span, Streams};

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

/// A part of a run: a world of its own, under the same luck as the other acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// All VMs on the source.
    Before,
    /// All VMs on the target, nothing broken.
    After,
    /// The last wave, and what breaks.
    Duress,
}

impl Act {
    /// The acts of a scenario, with their lengths, in order.
    pub fn of(scenario: &Scenario) -> Vec<(Act, Span)> {
        let t = scenario.timeline;
        let acts = [(Act::Before, t.before), (Act::After, t.after), (Act::Duress, t.duress)];
        let wanted = |(act, length): &(Act, Span)| {
            *length > Span::ZERO && (*act != Act::Before || scenario.source.is_some())
        };
        acts.into_iter().filter(wanted).collect()
    }

    /// Where the VMs are when it begins.
    pub fn population(self) -> Population {
        match self {
            Act::Before => Population::Source,
            Act::After => Population::Target,
            Act::Duress => Population::LastWave,
        }
    }

    /// The phase while nothing is going on.
    pub fn steady(self) -> Phase {
        match self {
            Act::Before => Phase::SourceSteady,
            Act::After | Act::Duress => Phase::TargetSteady,
        }
    }
}

/// Plays one future: the acts one after the other. `watch` keeps a digest per entity.
pub fn play(scenario: &Scenario, seed: Seed, run: u64, watch: bool) -> Result<RunResult, RunError> {
    let streams = Streams::new(seed, run);
    let mut result = RunResult {
        run,
        digest: Digest::default(),
        macro_digest: Digest::default(),
        record: Record::default(),
        events: 0,
        requests: 0,
        entities: Vec::new(),
    };
    for (act, length) in Act::of(scenario) {
        let mut sim = begin(scenario, act, length, std::mem::take(&mut result.record), &streams);
        sim.model.watch(watch);
        sim.run_until(SimTime::ZERO + length)?;
        end(sim, &mut result);
    }
    result.record.derive_ratios();
    Ok(result)
}

/// A world at the beginning of an act, ready to run.
pub fn begin(
    scenario: &Scenario,
    act: Act,
    length: Span,
    record: Record,
    streams: &Streams,
) -> Simulation<World> {
    let budget = Budget { events: scenario.event_budget, ..Budget::default() };
    let mut sim = Simulation::new(World::build(scenario, act, length, streams), record, budget);
    sim.record.begin_act(act.steady());
    sim.start(World::start);
    sim
}

fn end(mut sim: Simulation<World>, result: &mut RunResult) {
    sim.start(World::finish);
    let now = sim.now();
    sim.record.end_act(now);
    let digests = sim.digests();
    result.digest.add(digests.macroscopic.value());
    result.digest.add(digests.microscopic.value());
    result.macro_digest.add(digests.macroscopic.value());
    result.events += sim.events();
    result.requests += sim.model.vms.requests();
    result.entities = sim.model.entities(std::mem::take(&mut result.entities));
    result.record = sim.record;
}
