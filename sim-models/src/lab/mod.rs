//! Bare components on a bench: the very code the cluster uses, alone, so that theory and measurements can be
//! held against it.
//!
//! ```text
//! lab.ron -> Lab (as typed) -> Bench (as meant, per run) -> Seen -> Tally -> Figure -> Check
//! ```
//!
//! A lab file names components and may say what they must show:
//!
//! ```ron
//! Lab(
//!     name: "one server",
//!     runs: 40,
//!     parts: [
//!         (name: "queue", is: Station(arrivals: Poisson(PerS(0.8)), service: Exp(Secs(1)), jobs: 20000)),
//!     ],
//!     expect: [
//!         (figure: "queue.sojourn.mean", value: 5, within: Percent(2), because: "1 / (mu - lambda)"),
//!     ],
//! )
//! ```
//!
//! All figures are in seconds, bytes, bytes per second, or plain ratios (never per cent).

pub mod check;
pub mod cpu_pool;
pub mod flows;
pub mod migration;
pub mod reference;
pub mod reliability;
pub mod schema;
pub mod small_messages;
mod spec;
pub mod station;
mod tally;

pub use spec::{Expectation, Lab, NamedPart, Within, is_lab};
pub use tally::{Figure, Tally};

use crate::quantity::{Problem, Resolver};
use check::{Check, Expected};
use serde::Deserialize;
use sim_core::hist::Histogram;
use sim_core::{RunError, Seed, Streams};

/// What one run of a component shows.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// One number each, as what it is of and by what that is divided, in the order in which reports print them.
    pub values: Vec<(String, f64, f64)>,
    /// Durations in ns; each becomes the figures `.mean`, `.p50`, `.p90`, `.p99`, `.p999` and `.max`.
    pub samples: Vec<(String, Histogram)>,
}

impl Seen {
    /// Adds one number.
    pub fn value(&mut self, name: impl Into<String>, value: f64) {
        self.values.push((name.into(), value, 1.0));
    }

    /// Adds a quotient, unless `by` is not above 0: over several runs that of the sums. The mean of their quotients
    /// would lean towards runs that were short by chance.
    pub fn ratio(&mut self, name: impl Into<String>, of: f64, by: f64) {
        if by > 0.0 {
            self.values.push((name.into(), of, by));
        }
    }
}

/// A component as meant in one run: ready to play.
pub trait Bench {
    /// Plays it on the streams of one run, in which its entities are named after `name`. `Err` says in the
    /// user's words why there is no result.
    fn play(&self, name: &str, streams: &Streams) -> Result<Seen, String>;

    /// Why its figures may not be what they seem, each in a clause about the component.
    fn doubts(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is said of a run that was given up, and what to write instead: a lab file has no budget to raise.
fn unfinished(error: &RunError, remedy: &str) -> String {
    match error {
        RunError::EventBudget { limit, at } => format!("not done after {limit} events, at {at}: {remedy}"),
        RunError::Storm { .. } => format!("{error}: {remedy}"),
    }
}

/// Doubts what depends on times without a mean.
fn endless(what: &str) -> String {
    format!(
        "the {what} has no mean (a Pareto law of shape 1 or less): averages do not settle, they tell the length of \
         the run; write a shape above 1"
    )
}

/// Declares the kinds of components from one list: a module of each has `Spec` (as typed), whose
/// `resolve(&self, path, &mut Resolver) -> impl Bench` notes every problem, and whose `RANDOM` says whether
/// two runs can differ.
macro_rules! kinds {
    ($( $(#[$doc:meta])* $kind:ident = $module:ident ),+ $(,)?) => {
        /// A component as typed.
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        pub enum Part {
            $( $(#[$doc])* $kind($module::Spec), )+
        }

        impl Part {
            /// As meant in the run whose inputs `r` draws.
            pub fn resolve(&self, path: &str, r: &mut Resolver) -> Box<dyn Bench> {
                match self {
                    $( Part::$kind(spec) => Box::new(spec.resolve(path, r)), )+
                }
            }

            /// Two runs of it can differ.
            pub fn is_random(&self) -> bool {
                match self {
                    $( Part::$kind(spec) => spec.is_random(), )+
                }
            }
        }
    };
}

kinds! {
    /// Servers and those who wait for them.
    Station = station,
    /// Links and the bulk flows that share them.
    Flows = flows,
    /// One live migration on one link.
    Migration = migration,
    /// Virtual CPUs that share cores.
    CpuPool = cpu_pool,
    /// Components that fail and are repaired.
    Reliability = reliability,
    /// Small messages at a port that they share with bulk flows.
    SmallMessages = small_messages,
}

impl Lab {
    /// Everything that is wrong with the file.
    pub fn problems(&self) -> Vec<Problem> {
        let mut r = Resolver::typical();
        self.resolve(&mut r);
        r.problems
    }

    /// Why figures of a sound file may not be what they seem, such as those of a queue that grows for ever.
    pub fn doubts(&self) -> Vec<String> {
        let benches = self.resolve(&mut Resolver::typical());
        let of = |(part, bench): (&NamedPart, Box<dyn Bench>)| {
            bench.doubts().into_iter().map(|why| format!("{}: {why}", part.name)).collect::<Vec<_>>()
        };
        self.parts.iter().zip(benches).flat_map(of).collect()
    }

    /// How many runs say all there is to say: one when nothing is random.
    pub fn runs_needed(&self) -> u64 {
        if self.parts.iter().any(|p| p.is.is_random()) { self.runs } else { 1 }
    }

    /// Plays run `run` of every component, in the order of the file.
    pub fn play(&self, seed: Seed, run: u64) -> Result<Vec<Seen>, String> {
        let streams = Streams::new(seed, run);
        let mut r = Resolver::drawn(streams);
        let benches = self.resolve(&mut r);
        if let Some(problem) = r.problems.first() {
            return Err(format!("the inputs drawn for this run are impossible: {problem}"));
        }
        let play = |(part, bench): (&NamedPart, &dyn Bench)| {
            bench.play(&part.name, &streams).map_err(|e| format!("{}: {e}", part.name))
        };
        self.parts.iter().zip(benches.iter().map(AsRef::as_ref)).map(play).collect()
    }

    /// Plays every run here and now, one after the other.
    pub fn figures(&self, seed: Seed) -> Result<Vec<Figure>, String> {
        let mut tally = Tally::new(self);
        for run in 0..self.runs_needed() {
            tally.add(&self.play(seed, run)?);
        }
        Ok(tally.figures())
    }

    /// What the file expects, held against what was seen.
    pub fn checks(&self, figures: &[Figure]) -> Vec<Check> {
        self.expect.iter().map(|e| e.check(figures)).collect()
    }

    fn resolve(&self, r: &mut Resolver) -> Vec<Box<dyn Bench>> {
        self.check_frame(r);
        let resolve = |(i, part): (usize, &NamedPart)| {
            let path = format!("parts[{i}]");
            r.enter(&path, &format!("part {}", part.name));
            part.is.resolve(&path, r)
        };
        self.parts.iter().enumerate().map(resolve).collect()
    }
}

impl Expectation {
    /// A figure that does not exist fails, whatever it was to be.
    fn check(&self, figures: &[Figure]) -> Check {
        let figure = figures.iter().find(|f| f.name == self.figure);
        Check {
            name: self.figure.clone(),
            expected: Expected::Within { value: self.value, tolerance: self.within.absolute(self.value) },
            got: figure.map_or(f64::NAN, |f| f.value),
            error: figure.and_then(|f| f.error),
            because: self.because.clone(),
        }
    }
}
