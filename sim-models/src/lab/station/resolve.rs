//! From a station as typed to a station as meant.

use super::plan::{BatchPlan, ClassPlan, Comes, Length, MOST_CLASSES, OutagePlan, Plan, StagePlan};
use super::spec::{Arrivals, Batch, Class, Discipline, Extent, Fate, Fork, Spec, Stage};
use crate::lab::Bench;
use crate::quantity::{Law, Resolver, Unit};
use sim_core::{Dist, Span};

/// Most stages in a row.
const MOST_STAGES: usize = 64;
/// Most copies of all stages together: each has streams of its own.
const MOST_COPIES: u32 = 2_000;
/// Most servers of a stage.
const MOST_SERVERS: u32 = 1_000_000;
/// Most servers of a stage that looks through them for somebody to interrupt.
const MOST_SEARCHED: u32 = 1_000;
/// Jobs that must come, on average, in a round of phases.
const FEWEST_A_ROUND: f64 = 1e-4;
/// Most jobs that are measured in a run: a minute or two.
const MOST_JOBS: u64 = 50_000_000;

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let stages = self.typed_stages(path, r);
        let classes = self.typed_classes(path, r);
        self.only_one_place(path, r);
        let stage = |(i, s): (usize, &(String, Stage))| stage(s, i, classes.len(), r);
        let meant = stages.iter().enumerate().map(stage).collect();
        let class = |(at, c): &(String, Class)| class((c, at), &stages, r);
        let classes: Vec<ClassPlan> = classes.iter().map(class).collect();
        let (warmup, measured) = self.lengths(path, r);
        let plan = Plan { classes, stages: meant, warmup, measured };
        plan.check(path, r);
        plan
    }

    /// Every stage with its path.
    fn typed_stages(&self, path: &str, r: &mut Resolver) -> Vec<(String, Stage)> {
        if self.stages.len() > MOST_STAGES {
            let what = format!("{} stages", self.stages.len());
            r.problem(&format!("{path}.stages"), what, format!("write at most {MOST_STAGES}"));
        }
        if self.stages.is_empty() {
            return vec![(path.into(), self.only_stage().unwrap_or_default())];
        }
        let stages = self.stages.iter().take(MOST_STAGES).enumerate();
        stages.map(|(i, s)| (format!("{path}.stages[{i}]"), s.clone())).collect()
    }

    /// Every class with its path.
    fn typed_classes(&self, path: &str, r: &mut Resolver) -> Vec<(String, Class)> {
        if !self.classes.is_empty() {
            if self.classes.len() > MOST_CLASSES {
                let what = format!("{} classes", self.classes.len());
                r.problem(&format!("{path}.classes"), what, format!("write at most {MOST_CLASSES}"));
            }
            let classes = self.classes.iter().take(MOST_CLASSES).enumerate();
            return classes.map(|(i, c)| (format!("{path}.classes[{i}]"), c.clone())).collect();
        }
        let Some(arrivals) = self.arrivals.as_deref().cloned() else {
            r.problem(path, "nobody comes", "write `arrivals`, or `classes` with arrivals of their own");
            return Vec::new();
        };
        let class =
            Class { name: "job".into(), arrivals, batch: self.batch, service: None, services: vec![] };
        vec![(path.into(), class)]
    }

    /// What may be written in one of two places is not written in both, and names are told apart.
    fn only_one_place(&self, path: &str, r: &mut Resolver) {
        if !self.classes.is_empty() && (self.arrivals.is_some() || self.batch.is_some()) {
            r.problem(path, "arrivals stand beside classes", "write them within each class");
        }
        if !self.stages.is_empty() && self.only_stage().is_some() {
            let remedy =
                "write `service`, `servers`, `discipline`, `buffer`, `outage` and `fork` within each stage";
            r.problem(path, "a stage stands beside a list of stages", remedy);
        }
        let names: Vec<&str> = self
            .classes
            .iter()
            .map(|c| c.name.as_str())
            .chain(self.stages.iter().filter_map(|s| s.name.as_deref()))
            .collect();
        for (i, name) in names.iter().enumerate() {
            if name.is_empty() || names[..i].contains(name) {
                let what = format!("the name `{name}` is empty or given twice");
                r.problem(path, what, "give each class and each stage a name of its own");
            }
        }
    }

    fn lengths(&self, path: &str, r: &mut Resolver) -> (Length, Length) {
        let jobs = |r: &mut Resolver, at: &str, n: u64, least: u64| {
            if !(least..=MOST_JOBS).contains(&n) {
                let remedy = format!("write a number from {least} to {MOST_JOBS}");
                r.problem(at, format!("{n} jobs"), remedy);
            }
            Length::Jobs(n.clamp(least, MOST_JOBS))
        };
        let measured = match (&self.jobs, &self.lasts) {
            (Some(n), None) => jobs(r, &format!("{path}.jobs"), *n, 1),
            (None, Some(time)) => Length::For(time.resolve(&format!("{path}.lasts"), r)),
            _ => {
                let remedy = "write either `jobs: 20000` or `lasts: Secs(20000)`";
                r.problem(path, "it is not clear for how long to measure", remedy);
                Length::Jobs(1)
            }
        };
        let at = format!("{path}.warmup");
        let warmup = match (self.warmup.as_deref(), measured) {
            (Some(Extent::Jobs(n)), _) => jobs(r, &at, *n, 0),
            (Some(Extent::For(time)), _) => Length::For(time.resolve(&at, r)),
            (None, Length::Jobs(n)) => Length::Jobs(n / 10),
            (None, Length::For(time)) => Length::For(Span(time.0 / 10)),
        };
        if measured == Length::For(Span::ZERO) {
            r.problem(&format!("{path}.lasts"), "no time", "write a time above 0");
        }
        (warmup, measured)
    }
}

fn class((c, path): (&Class, &str), stages: &[(String, Stage)], r: &mut Resolver) -> ClassPlan {
    let comes = comes(&c.arrivals, &format!("{path}.arrivals"), r);
    if c.batch.is_some() && matches!(comes, Comes::Closed { .. }) {
        r.problem(&format!("{path}.batch"), "customers come one by one", "leave out `batch`");
    }
    ClassPlan {
        name: c.name.clone(),
        comes,
        batch: batch(c.batch, path, r),
        services: services(c, path, stages, r),
    }
}

fn comes(typed: &Arrivals, path: &str, r: &mut Resolver) -> Comes {
    match typed {
        Arrivals::Poisson(rate) => {
            let rate = rate.resolve(path, r);
            let dist = Dist::exponential(1.0 / rate).unwrap_or_else(|_| {
                r.problem(path, "a rate of 0", "write a rate above 0");
                second()
            });
            Comes::Gaps(dist)
        }
        Arrivals::Gaps(law) => {
            let gaps = law.resolve(path, r);
            if gaps.mean() <= 0.0 {
                r.problem(path, "gaps of 0", "write gaps with a mean above 0, or a `batch`");
            }
            Comes::Gaps(gaps)
        }
        Arrivals::Phases(phases) => {
            let phases: Vec<(Dist, f64)> =
                phases.iter().map(|(lasts, rate)| (lasts.resolve(path, r), rate.resolve(path, r))).collect();
            // Time passes phase by phase until somebody comes: rounds in vain must be few.
            let round: f64 = phases.iter().map(|(lasts, rate)| lasts.mean() * rate).sum();
            if !phases.iter().any(|(lasts, rate)| lasts.mean() > 0.0 && *rate > 0.0) {
                let remedy = "write at least one phase that lasts and has a rate above 0";
                r.problem(path, "nobody comes in any phase", remedy);
                return Comes::Gaps(second());
            }
            if round < FEWEST_A_ROUND {
                let what = format!("so few come in a round of phases: {round} on average");
                r.problem(path, what, format!("write phases with at least {FEWEST_A_ROUND}, or `Poisson`"));
                return Comes::Gaps(second());
            }
            Comes::Phases(phases)
        }
        Arrivals::Closed { customers, think } => {
            let customers = r.whole(path, *customers, 1, 100_000);
            Comes::Closed { customers, think: think.resolve(path, r) }
        }
    }
}

fn batch(typed: Option<Batch>, path: &str, r: &mut Resolver) -> BatchPlan {
    let path = format!("{path}.batch");
    match typed {
        None => BatchPlan::Fixed(1),
        Some(Batch::Fixed(n)) => BatchPlan::Fixed(r.whole(&path, n, 1, 100_000)),
        Some(Batch::Geometric(mean)) => {
            BatchPlan::Geometric { last: 1.0 / r.between(&path, mean, 1.0, 10_000.0) }
        }
    }
}

/// The service of a class at each stage: its own, or that of the stage.
fn services(c: &Class, path: &str, stages: &[(String, Stage)], r: &mut Resolver) -> Vec<Dist> {
    if c.service.is_some() && (stages.len() > 1 || !c.services.is_empty()) {
        let remedy = "write `services`, one for each stage in their order";
        r.problem(&format!("{path}.service"), "it is not clear at which stage", remedy);
    }
    if !c.services.is_empty() && c.services.len() != stages.len() {
        let what = format!("{} services for {} stages", c.services.len(), stages.len());
        r.problem(&format!("{path}.services"), what, "write one for each stage in their order");
    }
    let of = |(i, (at, stage)): (usize, &(String, Stage))| {
        let own: Option<&Law> = c.services.get(i).or(c.service.as_ref());
        match (own, &stage.service) {
            (Some(law), _) => law.resolve(&format!("{path}.service"), r),
            (None, Some(law)) => law.resolve(&format!("{at}.service"), r),
            (None, None) => {
                let what = format!("no service for class `{}`", c.name);
                r.problem(at, what, "write `service`, at the stage or at the class");
                second()
            }
        }
    };
    stages.iter().enumerate().map(of).collect()
}

fn stage((path, s): &(String, Stage), number: usize, classes: usize, r: &mut Resolver) -> StagePlan {
    let discipline = s.discipline.unwrap_or_default();
    let fork = s.fork.unwrap_or(Fork { legs: 1, needed: 1 });
    let at = format!("{path}.fork");
    let legs = r.whole(&at, fork.legs, 1, 1_000);
    let needed = r.whole(&at, fork.needed, 1, legs);
    let outage = s.outage.as_ref().map(|o| {
        let at = format!("{path}.outage");
        let (up, down) = (o.up.resolve(&at, r), o.down.resolve(&at, r));
        if up.mean() <= 0.0 {
            r.problem(&at, "servers are never up", "write a time up above 0");
        }
        if o.jobs == Fate::Finish && discipline == Discipline::Ps {
            let remedy = "write `jobs: Wait` or `jobs: Lost`";
            r.problem(&at, "under `Ps` everybody is in service, so nobody waits for others to end", remedy);
        }
        OutagePlan { up, down, jobs: o.jobs }
    });
    let interrupts = matches!(discipline, Discipline::LcfsPreemptive | Discipline::PriorityPreemptive);
    let most = if interrupts { MOST_SEARCHED } else { MOST_SERVERS };
    let plan = StagePlan {
        name: s.name.clone().unwrap_or_else(|| format!("stage{}", number + 1)),
        servers: r.whole(&format!("{path}.servers"), s.servers.unwrap_or(1), 1, most),
        discipline,
        buffer: s.buffer.map(|n| n as usize),
        outage,
        fork: Fork { legs, needed },
    };
    if plan.ranks() && classes < 2 {
        let remedy = "write at least two `classes`, or another discipline";
        r.problem(&format!("{path}.discipline"), "a priority among jobs that are all alike", remedy);
    }
    plan
}

impl Plan {
    /// What cannot be seen from one part alone.
    fn check(&self, path: &str, r: &mut Resolver) {
        let copies: u32 = self.stages.iter().map(|s| s.fork.legs).sum();
        if copies > MOST_COPIES {
            r.problem(
                path,
                format!("{copies} copies of stages"),
                format!("write at most {MOST_COPIES} in all"),
            );
        }
        let time = |length: Length| if let Length::For(time) = length { time.as_secs() } else { 0.0 };
        let come =
            self.classes.iter().map(ClassPlan::rate).sum::<f64>() * (time(self.warmup) + time(self.measured));
        if come.is_finite() && come > MOST_JOBS as f64 {
            let remedy = format!("shorten `lasts` or `warmup`; at most {MOST_JOBS} may come");
            r.problem(path, format!("{come:.1e} jobs would come"), remedy);
        }
        for class in &self.classes {
            let Comes::Closed { think, .. } = &class.comes else { continue };
            if think.mean() <= 0.0 && class.services.iter().all(|s| s.mean() <= 0.0) {
                let what = format!("customers of `{}` neither think nor are served for any time", class.name);
                r.problem(path, what, "write a time above 0 for one of the two");
            } else if think.mean() <= 0.0 && self.stages.first().is_some_and(|s| self.may_refuse(s)) {
                let what = format!(
                    "customers of `{}` who are refused come again at the same instant, for ever",
                    class.name
                );
                let remedy = "write a time above 0 to think, room for all customers, or an outage in which jobs `Wait`";
                r.problem(path, what, remedy);
            }
        }
    }
}

impl Plan {
    /// A stage where everybody comes first does not always have room for one more.
    fn may_refuse(&self, stage: &StagePlan) -> bool {
        let customers = |class: &ClassPlan| match class.comes {
            Comes::Closed { customers, .. } => customers as usize,
            _ => usize::MAX,
        };
        let all = self.classes.iter().map(customers).fold(0, usize::saturating_add);
        let full = stage.buffer.is_some_and(|places| all > places.saturating_add(stage.servers as usize));
        full || stage.outage.as_ref().is_some_and(|o| o.jobs == Fate::Lost)
    }
}

/// Stands for a law that has a problem.
fn second() -> Dist {
    Dist::constant(1.0).expect("a constant is always possible")
}
