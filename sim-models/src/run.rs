//! The pipeline: a scenario, a seed and a run number give one future. Runs that share a past can be forked
//! from it.

use crate::metric::Phase;
use crate::record::Record;
use crate::scenario::Scenario;
use crate::vm::Population;
use crate::world::World;
use sim_core::digest::Digest;
use sim_core::{Budget, RunError, Seed, SimTime, Simulation, Span, Streams};

/// What one future came to.
#[derive(Clone, Debug, PartialEq)]
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

impl RunResult {
    /// Nothing has happened.
    fn empty() -> RunResult {
        RunResult {
            run: 0,
            digest: Digest::default(),
            macro_digest: Digest::default(),
            record: Record::default(),
            events: 0,
            requests: 0,
            entities: Vec::new(),
        }
    }
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

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Act::Before => "before",
            Act::After => "after",
            Act::Duress => "duress",
        }
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

/// Plays one future, its past and what follows, without a fork. `watch` keeps a digest per entity.
pub fn play(scenario: &Scenario, seed: Seed, run: u64, watch: bool) -> Result<RunResult, RunError> {
    Past::play(scenario, seed, run / u64::from(scenario.futures_per_past), watch)?.future(scenario, run)
}

/// What `futures_per_past` runs have in common: the acts before the move, and in the act of the move all that
/// precedes the fork instant. Run `k` is a future of past `k / futures_per_past`, on the streams of that number
/// until the fork and on its own from there on.
///
/// ```text
/// before | after | the wave begins ... | fork | fault strikes ... end      run k
///                                      +----- | fault strikes ... end      run k + 1
/// ```
#[derive(Clone, Debug)]
pub struct Past {
    seed: Seed,
    streams: Streams,
    /// Of the acts that are over.
    result: RunResult,
    watch: bool,
    duress: Duress,
}

/// How far a past reaches into the act of the move.
#[derive(Clone, Debug)]
enum Duress {
    /// There is no such act.
    Absent,
    /// It is forked as it begins.
    Ahead(Span),
    /// It stands at the fork instant.
    Begun(Box<Simulation<World>>, Span),
}

impl Past {
    /// Plays everything that the futures of past `number` share.
    pub fn play(scenario: &Scenario, seed: Seed, number: u64, watch: bool) -> Result<Past, RunError> {
        let streams = Streams::new(seed, number);
        let mut past = Past { seed, streams, result: RunResult::empty(), watch, duress: Duress::Absent };
        for (act, length) in Act::of(scenario) {
            if act == Act::Duress && fork_instant(scenario).is_none() {
                past.duress = Duress::Ahead(length);
                continue;
            }
            let mut sim = past.build(scenario, (act, length), &streams);
            sim.start(World::start);
            match fork_instant(scenario).filter(|_| act == Act::Duress) {
                Some(fork) => {
                    sim.run_until(fork)?;
                    past.duress = Duress::Begun(Box::new(sim), length);
                }
                None => {
                    sim.run_until(SimTime::ZERO + length)?;
                    end(sim, &mut past.result);
                }
            }
        }
        Ok(past)
    }

    /// Goes on as run `run`. A clone of the past goes on in the same way, bit for bit.
    pub fn future(self, scenario: &Scenario, run: u64) -> Result<RunResult, RunError> {
        let streams = Streams::new(self.seed, run);
        let mut past = Past { duress: Duress::Absent, ..self };
        past.result.run = run;
        let begun = match self.duress {
            Duress::Absent => None,
            Duress::Ahead(length) => {
                let mut sim = past.build(scenario, (Act::Duress, length), &streams);
                sim.start(World::start);
                Some((sim, length))
            }
            Duress::Begun(sim, length) => Some((*sim, length)),
        };
        let mut result = past.result;
        if let Some((mut sim, length)) = begun {
            sim.start(|world, cx| world.fork(scenario, &streams, cx));
            sim.run_until(SimTime::ZERO + length)?;
            end(sim, &mut result);
        }
        result.record.derive_ratios();
        Ok(result)
    }

    /// What has been recorded up to the fork.
    pub fn record(&self) -> &Record {
        match &self.duress {
            Duress::Begun(sim, _) => &sim.record,
            Duress::Absent | Duress::Ahead(_) => &self.result.record,
        }
    }

    /// The world of an act on the streams of the past, with the record so far.
    fn build(&mut self, scenario: &Scenario, act: (Act, Span), fate: &Streams) -> Simulation<World> {
        let record = std::mem::take(&mut self.result.record);
        let mut sim = simulation(scenario, act, record, &self.streams, fate);
        sim.model.watch(self.watch);
        sim
    }
}

/// Where the past of the act of the move ends: just before the warm-in of the window that precedes the earliest
/// strike, so that nothing a fault brings with it has begun. `None`: as the act begins, because a fault is there
/// from the start, strikes too early, or because none ever strikes and the luck of the moves is all that differs.
pub fn fork_instant(scenario: &Scenario) -> Option<SimTime> {
    let lead = scenario.windows.before_fault + scenario.windows.warm_in;
    let first = SimTime::ZERO + scenario.first_strike()?;
    let fork = (first - lead - Span::ns(1)).min(SimTime::ZERO + scenario.timeline.duress);
    (fork > SimTime::ZERO).then_some(fork)
}

/// A world at the beginning of an act, ready to run, forked onto its own run.
pub fn begin(
    scenario: &Scenario,
    act: Act,
    length: Span,
    record: Record,
    streams: &Streams,
) -> Simulation<World> {
    let mut sim = simulation(scenario, (act, length), record, streams, streams);
    sim.start(World::start);
    if act == Act::Duress {
        sim.start(|world, cx| world.fork(scenario, streams, cx));
    }
    sim
}

fn simulation(
    scenario: &Scenario,
    (act, length): (Act, Span),
    record: Record,
    streams: &Streams,
    fate: &Streams,
) -> Simulation<World> {
    let budget = Budget { events: scenario.event_budget, ..Budget::default() };
    let world = World::build(scenario, act, length, streams, fate);
    let mut sim = Simulation::new(world, record, budget);
    sim.record.begin_act(act.steady());
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
