//! A station as typed.

use crate::quantity::{Frequency, Law, Time, Unit};
use serde::Deserialize;

/// A station, or several in a row, and who comes there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// How jobs come, where all are of one class.
    pub arrivals: Option<Box<Arrivals>>,
    /// How many of them come at once; 1 if absent.
    pub batch: Option<Batch>,
    /// Several classes instead, the most important first.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// The service of the only stage.
    pub service: Option<Box<Law>>,
    /// Servers of the only stage; 1 if absent.
    pub servers: Option<u32>,
    /// Who is served first at the only stage; `Fcfs` if absent.
    pub discipline: Option<Discipline>,
    /// Places of the only stage for jobs beyond one per server; unbounded if absent.
    pub buffer: Option<u32>,
    /// Outages of the only stage.
    pub outage: Option<Box<Outage>>,
    /// Copies of the only stage, each of which gets a leg of every job.
    pub fork: Option<Fork>,
    /// Several stages instead, in the order in which jobs pass them.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Jobs that are measured in a run, all classes together.
    pub jobs: Option<u64>,
    /// Or the time during which jobs are measured.
    pub lasts: Option<Box<Time>>,
    /// What passes before; a tenth of `jobs` or of `lasts` if absent.
    pub warmup: Option<Box<Extent>>,
}

/// Jobs that are alike.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Prefix of its figures.
    pub name: String,
    /// How they come.
    pub arrivals: Arrivals,
    /// How many come at once; 1 if absent.
    pub batch: Option<Batch>,
    /// Their service at the only stage; that of the stage if absent.
    pub service: Option<Law>,
    /// Their service at each of several stages; those of the stages if empty.
    #[serde(default)]
    pub services: Vec<Law>,
}

/// Where jobs are served.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Prefix of its figures; `stage1` and so on if absent.
    pub name: Option<String>,
    /// The service of classes that have none of their own.
    pub service: Option<Law>,
    /// Servers; 1 if absent.
    pub servers: Option<u32>,
    /// Who is served first; `Fcfs` if absent.
    pub discipline: Option<Discipline>,
    /// Places for jobs beyond one per server; unbounded if absent.
    pub buffer: Option<u32>,
    /// Outages.
    pub outage: Option<Outage>,
    /// Copies, each of which gets a leg of every job.
    pub fork: Option<Fork>,
}

/// How jobs come.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Arrivals {
    /// Independent of each other, at a mean rate.
    Poisson(Frequency),
    /// After gaps of any law; `Always` for a metronome.
    Gaps(Law),
    /// A Poisson process whose rate changes with the phase; phases follow in a circle. An on-off source has
    /// two, one of them with rate 0.
    Phases(Vec<(Law, Frequency)>),
    /// A population that thinks, comes, and thinks again when it is served or refused.
    Closed {
        /// How many.
        customers: u32,
        /// How long each thinks.
        think: Law,
    },
}

/// How many jobs come at once.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Batch {
    /// Always as many.
    Fixed(u32),
    /// Geometric on 1, 2, ..., by its mean.
    Geometric(f64),
}

/// Who is served first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Discipline {
    /// Who came first.
    #[default]
    Fcfs,
    /// Who came last, once a server is free.
    Lcfs,
    /// Who came last, at once; what is interrupted goes on later.
    LcfsPreemptive,
    /// The class that stands first in the list, once a server is free.
    Priority,
    /// The class that stands first in the list, at once; what is interrupted goes on later.
    PriorityPreemptive,
    /// Everybody at an equal share.
    Ps,
}

/// Servers that go down together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// How long they stay up, whether they work or not.
    pub up: Law,
    /// How long they stay down.
    pub down: Law,
    /// What becomes of jobs.
    pub jobs: Fate,
}

/// What becomes of jobs in an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Fate {
    /// Those inside are lost, and those that come are refused.
    Lost,
    /// Services stop where they are and go on afterwards; those that come wait.
    Wait,
    /// Services under way end as if nothing were; nobody else begins.
    Finish,
}

/// Copies of a stage: a job has a leg at each and goes on with the `needed`-th that ends. The other legs
/// still run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// Copies.
    pub legs: u32,
    /// Legs that must end.
    pub needed: u32,
}

/// How long something goes on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Extent {
    /// Until so many jobs have come.
    Jobs(u64),
    /// For a time.
    For(Time),
}

impl Spec {
    /// Two runs can differ.
    pub fn is_random(&self) -> bool {
        let classes = self.classes.iter();
        let comes = classes.clone().map(|c| &c.arrivals).chain(self.arrivals.as_deref());
        let batches = classes.clone().filter_map(|c| c.batch).chain(self.batch);
        let services =
            classes.flat_map(|c| c.service.iter().chain(&c.services)).chain(self.service.as_deref());
        let outages = self.stages.iter().filter_map(|s| s.outage.as_ref()).chain(self.outage.as_deref());
        comes.into_iter().any(Arrivals::is_random)
            || batches.into_iter().any(|b| matches!(b, Batch::Geometric(_)))
            || services.chain(self.stages.iter().flat_map(|s| &s.service)).any(varies)
            || outages.into_iter().any(|o| varies(&o.up) || varies(&o.down))
    }

    /// The only stage, if any of it was typed.
    pub(super) fn only_stage(&self) -> Option<Stage> {
        let stage = Stage {
            name: None,
            service: self.service.as_deref().cloned(),
            servers: self.servers,
            discipline: self.discipline,
            buffer: self.buffer,
            outage: self.outage.as_deref().cloned(),
            fork: self.fork,
        };
        if stage == Stage::default() { None } else { Some(stage) }
    }
}

impl Arrivals {
    fn is_random(&self) -> bool {
        match self {
            Arrivals::Poisson(_) | Arrivals::Phases(_) => true,
            Arrivals::Gaps(law) | Arrivals::Closed { think: law, .. } => varies(law),
        }
    }
}

/// Two draws can differ, be it in a run or between runs.
fn varies(law: &Law) -> bool {
    !matches!(law, Law::Always(time) if time.plain().is_some())
}
