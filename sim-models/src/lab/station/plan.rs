//! A station as meant in one run.

use super::spec::{Discipline, Fate, Fork};
use sim_core::{Dist, Span};

/// The most classes among which a discipline can tell.
pub const MOST_CLASSES: usize = 16;

/// Who comes, where they are served, and for how long that is watched.
#[derive(Clone, Debug)]
pub struct Plan {
    pub classes: Vec<ClassPlan>,
    pub stages: Vec<StagePlan>,
    pub warmup: Length,
    pub measured: Length,
}

/// Jobs that are alike.
#[derive(Clone, Debug)]
pub struct ClassPlan {
    pub name: String,
    pub comes: Comes,
    pub batch: BatchPlan,
    /// Per stage, in seconds.
    pub services: Vec<Dist>,
}

/// How they come.
#[derive(Clone, Debug)]
pub enum Comes {
    /// After gaps, in seconds.
    Gaps(Dist),
    /// Poisson at the rate (per second) of a phase, which lasts for a while (in seconds).
    Phases(Vec<(Dist, f64)>),
    /// Each customer again and again, after thinking (in seconds).
    Closed { customers: u32, think: Dist },
}

/// How many come at once.
#[derive(Clone, Copy, Debug)]
pub enum BatchPlan {
    Fixed(u32),
    /// With mean 1 / `last`: every job is the last of its batch with that probability.
    Geometric {
        last: f64,
    },
}

/// Where they are served.
#[derive(Clone, Debug)]
pub struct StagePlan {
    pub name: String,
    pub servers: u32,
    pub discipline: Discipline,
    pub buffer: Option<usize>,
    pub outage: Option<OutagePlan>,
    pub fork: Fork,
}

/// When its servers are down.
#[derive(Clone, Debug)]
pub struct OutagePlan {
    /// In seconds.
    pub up: Dist,
    /// In seconds.
    pub down: Dist,
    pub jobs: Fate,
}

/// How long something goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Jobs(u64),
    For(Span),
}

impl Plan {
    /// Classes that stations must tell apart.
    pub fn ranks(&self) -> usize {
        if self.stages.iter().any(StagePlan::ranks) { self.classes.len() } else { 1 }
    }

    /// Stages are reported apart from the system.
    pub fn tells_stages(&self) -> bool {
        self.stages.len() > 1 || self.forks()
    }

    /// What open classes ask of a stage over what its servers can do while they are up; `None` where a buffer
    /// or a closed population bounds the queue.
    pub fn asked(&self, stage: usize) -> Option<f64> {
        let it = &self.stages[stage];
        let open = self.classes.iter().filter(|c| !matches!(c.comes, Comes::Closed { .. }));
        let work: f64 = open.map(|c| c.rate() * c.services[stage].mean()).sum();
        let up = it.outage.as_ref().map_or(1.0, |o| o.up.mean() / (o.up.mean() + o.down.mean()));
        let lost = it.outage.as_ref().is_some_and(|o| o.jobs == Fate::Lost);
        (it.buffer.is_none() && !lost).then(|| work / (f64::from(it.servers) * up))
    }

    /// What is drawn from laws without a mean: Pareto of shape 1 or less.
    pub fn without_mean(&self) -> Vec<String> {
        let classes = self.classes.iter().flat_map(|c| {
            let comes = match &c.comes {
                Comes::Gaps(gaps) => vec![gaps],
                Comes::Phases(phases) => phases.iter().map(|(lasts, _)| lasts).collect(),
                Comes::Closed { think, .. } => vec![think],
            };
            let arrivals = comes.into_iter().map(|law| ("time between arrivals", law));
            let services = c.services.iter().map(|law| ("service", law));
            let of = |(what, law)| (format!("{what} of `{}`", c.name), law);
            arrivals.chain(services).map(of).collect::<Vec<_>>()
        });
        let stages = self.stages.iter().flat_map(|s| {
            let of = |what: &str| format!("{what} of `{}`", s.name);
            s.outage.iter().flat_map(move |o| [(of("time up"), &o.up), (of("outage"), &o.down)])
        });
        let endless = classes.chain(stages).filter(|(_, law)| law.mean() == f64::INFINITY);
        endless.map(|(what, _)| what).collect()
    }

    /// Every queue is bounded, or served faster than it is asked.
    pub fn settles(&self) -> bool {
        (0..self.stages.len()).all(|i| self.asked(i).is_none_or(|asked| asked < 1.0))
    }

    /// Some job has more than one leg at a time.
    pub fn forks(&self) -> bool {
        self.stages.iter().any(|s| s.fork.legs > 1)
    }
}

impl ClassPlan {
    /// Jobs that come per second, on average; of a closed population none, as servers hold it back.
    pub fn rate(&self) -> f64 {
        let batch = match self.batch {
            BatchPlan::Fixed(n) => f64::from(n),
            BatchPlan::Geometric { last } => 1.0 / last,
        };
        batch
            * match &self.comes {
                Comes::Gaps(gaps) => 1.0 / gaps.mean(),
                Comes::Phases(phases) => {
                    let lasts: f64 = phases.iter().map(|(lasts, _)| lasts.mean()).sum();
                    phases.iter().map(|(part, rate)| part.mean() * rate).sum::<f64>() / lasts
                }
                Comes::Closed { .. } => 0.0,
            }
    }
}

impl StagePlan {
    /// It serves some classes before others.
    pub fn ranks(&self) -> bool {
        matches!(self.discipline, Discipline::Priority | Discipline::PriorityPreemptive)
    }

    /// It never idles while somebody waits, nor gives up what it has begun.
    pub fn conserves_work(&self) -> bool {
        self.outage.as_ref().is_none_or(|o| o.jobs == Fate::Wait)
    }
}
