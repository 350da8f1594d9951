//! The system in time.
//!
//! Losses may be millions of years apart. Where lives have no memory, a system that is all up begins anew, so
//! that cycles from there can be played one by one, half of them hurried: while something is failed, the units
//! that are up fail `hurry` times as fast, and each such history counts by how much less likely it truly is
//! (a change of measure that is exact for any factor; "measure-specific dynamic importance sampling", Goyal
//! et al., IEEE Transactions on Computers 41, 1992).

use super::needs::Needs;
use sim_core::queue::Handle;
use sim_core::station::{Arrival, Departure, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};

/// Seconds of a system per simulated second: simulated time ends after 584 years, lives do not.
const SCALE: f64 = 1e3;
/// Events after which a loss is too rare to wait for: some seconds of computing.
const PATIENCE: u64 = 100_000_000;
/// The last instant there is.
const END: SimTime = SimTime(SimTime::NEVER.0 - 1);
/// Failures to repairs of a hurried system: well below 1, where weights still have a finite variance.
const HURRIED_FAILURES: f64 = 0.5;

fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds / SCALE)
}

fn seconds(span: Span) -> f64 {
    span.as_secs() * SCALE
}

/// What a system is made of.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Equal units.
    pub units: u16,
    /// What has to be up.
    pub needs: Needs,
    /// How long a unit works, in seconds.
    pub life: Dist,
    /// How long a repair takes, in seconds.
    pub repair: Option<Dist>,
    /// Repairs at a time.
    pub crews: u32,
}

impl Plan {
    /// How much faster units fail while others are being repaired, so that failures are about as frequent as
    /// repairs.
    pub fn hurry(&self) -> f64 {
        let Some(repair) = &self.repair else { return 1.0 };
        let others = f64::from(self.units - 1).max(1.0);
        let factor = HURRIED_FAILURES * self.life.mean() / (repair.mean() * others);
        if factor.is_finite() { factor.max(1.0) } else { 1.0 }
    }
}

/// How long to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// So many seconds.
    Time(f64),
    /// Until so many fresh systems have been lost.
    Losses(u32),
    /// So many cycles from all up to all up or lost.
    Cycles(u32),
}

/// What was seen; times in seconds of the system.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Time looked at.
    pub looked: f64,
    /// Time without what is needed.
    pub lost: f64,
    /// Failed units, over time.
    pub failed: f64,
    /// Time with every unit up.
    pub whole: f64,
    /// Time with nothing to spare, or lost.
    pub bare: f64,
    /// Times that what was there was lost.
    pub losses: u64,
    /// Systems or cycles that ended.
    pub systems: u64,
    /// Their lengths in all.
    pub lived: f64,
    /// Losses, each by how likely it truly is.
    pub weighed: f64,
    /// Fresh systems in which something has failed.
    pub firsts: u64,
    /// Times until then in all.
    pub first_failures: f64,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Fail(u16),
    Repaired(Ticket),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Fail(_)) { Class::Failure } else { Class::Completion }
    }

    fn kind(&self) -> u32 {
        u32::from(matches!(self, Event::Repaired(_)))
    }

    fn entity(&self) -> u64 {
        if let Event::Fail(unit) = self { u64::from(*unit) } else { 0 }
    }
}

#[derive(Clone, Debug)]
struct Member {
    lives: Stream,
    repairs: Stream,
    /// The failure to come; nothing while failed.
    failure: Option<Handle>,
}

#[derive(Clone, Debug)]
struct System {
    plan: Plan,
    goal: Goal,
    members: Vec<Member>,
    crews: Station<u16>,
    failed: usize,
    lost: bool,
    since: SimTime,
    fresh_since: SimTime,
    /// Nothing has failed since.
    unhurt: bool,
    /// Factor on the rate of failures while something is failed.
    hurry: f64,
    /// How likely what happened since the system was fresh truly is, over how likely it was made.
    weight: f64,
}

/// Plays a system whose degraded states fail `hurry` times as fast.
pub(super) fn play(
    plan: &Plan,
    goal: Goal,
    hurry: f64,
    name: &str,
    streams: &Streams,
) -> Result<Facts, String> {
    let member = |i: u16| {
        let name = format!("{name}/unit-{i}");
        let (lives, repairs) = (streams.stream(&name, "life"), streams.stream(&name, "repair"));
        Member { lives, repairs, failure: None }
    };
    let system = System {
        members: (0..plan.units).map(member).collect(),
        plan: plan.clone(),
        goal,
        crews: Station::new(plan.crews, 0),
        failed: 0,
        lost: false,
        since: SimTime::ZERO,
        fresh_since: SimTime::ZERO,
        unhurt: true,
        hurry,
        weight: 1.0,
    };
    let mut sim = Simulation::new(system, Facts::default(), Budget { events: PATIENCE, ..Budget::default() });
    sim.start(|system, cx| system.refresh(cx));
    let end = if let Goal::Time(s) = goal { SimTime::ZERO + span(s) } else { END };
    sim.run_until(end).map_err(|e| format!("{e}; losses this rare want until: Cycles(..)"))?;
    let past = if let Goal::Time(_) = goal { end } else { sim.model.since };
    sim.start(|system, cx| system.book(past, cx.record));
    match goal {
        Goal::Losses(wanted) | Goal::Cycles(wanted) if sim.record.systems < u64::from(wanted) => {
            let remedy = match goal {
                Goal::Cycles(_) => "write fewer cycles",
                _ => "losses this rare want until: Cycles(..), or shorter lives",
            };
            let ended = sim.record.systems;
            Err(format!("only {ended} of {wanted} have ended after 584,000 years; {remedy}"))
        }
        _ => Ok(sim.record),
    }
}

impl System {
    fn up(&self) -> usize {
        self.members.len() - self.failed
    }

    /// Every unit is up and new.
    fn refresh(&mut self, cx: &mut Cx<'_, Event, Facts>) {
        self.crews.fail(cx.now);
        self.crews.repair(cx.now);
        for unit in 0..self.plan.units {
            if self.members[usize::from(unit)].failure.is_none() {
                self.plan.needs.set(unit, true);
            }
        }
        (self.failed, self.lost, self.unhurt) = (0, false, true);
        self.weight = 1.0;
        self.fresh_since = cx.now;
        // Between cycles at true speed a unit that is up goes on as if it were new: its life has no memory.
        let goes_on = matches!(self.goal, Goal::Cycles(_)) && self.hurry == 1.0;
        for unit in 0..self.plan.units {
            if !goes_on || self.members[usize::from(unit)].failure.is_none() {
                self.live(unit, cx);
            }
        }
    }

    /// The life of a unit that is up is drawn, anew if it was drawn before.
    fn live(&mut self, unit: u16, cx: &mut Cx<'_, Event, Facts>) {
        let speed = if self.failed > 0 { self.hurry } else { 1.0 };
        let member = &mut self.members[usize::from(unit)];
        if let Some(old) = member.failure.take() {
            cx.cancel(old);
        }
        let life = span(self.plan.life.sample(&mut member.lives) / speed);
        member.failure = Some(cx.after(life.max(Span::ns(1)), Event::Fail(unit)));
    }

    /// What has held since the last change is booked.
    fn book(&mut self, now: SimTime, facts: &mut Facts) {
        let passed = seconds(now.since(self.since));
        self.since = now;
        facts.looked += passed;
        facts.failed += passed * self.failed as f64;
        let part = |holds: bool| if holds { passed } else { 0.0 };
        facts.whole += part(self.failed == 0);
        facts.lost += part(self.lost);
        facts.bare += part(self.plan.needs.bare(self.up(), self.members.len()));
        if self.failed > 0 && self.hurry > 1.0 {
            // Nothing has failed for so long although it was made to: that is likelier than it looks.
            let rate = self.up() as f64 / self.plan.life.mean();
            self.weight *= libm::exp((self.hurry - 1.0) * rate * passed);
        }
    }

    fn fail(&mut self, unit: u16, cx: &mut Cx<'_, Event, Facts>) {
        if self.unhurt {
            self.unhurt = false;
            cx.record.firsts += 1;
            cx.record.first_failures += seconds(cx.now.since(self.fresh_since));
        }
        if self.failed > 0 {
            self.weight /= self.hurry;
        }
        self.failed += 1;
        self.members[usize::from(unit)].failure = None;
        self.plan.needs.set(unit, false);
        let lost = self.plan.needs.lost(self.up());
        if lost && !self.lost {
            cx.record.losses += 1;
            if !matches!(self.goal, Goal::Time(_)) {
                cx.record.weighed += self.weight;
                return self.ended(cx);
            }
        }
        self.lost = lost;
        if self.failed == 1 && self.hurry > 1.0 {
            // Lives without memory can be drawn again, faster, for those that are still up.
            (0..self.plan.units).filter(|&u| u != unit).for_each(|u| self.live(u, cx));
        }
        let Some(repair) = &self.plan.repair else { return };
        let work = span(repair.sample(&mut self.members[usize::from(unit)].repairs));
        if let Arrival::Started(departure) = self.crews.arrive(cx.now, unit, Priority::Foreground, work) {
            begin(departure, cx);
        }
    }

    fn repaired(&mut self, ticket: Ticket, cx: &mut Cx<'_, Event, Facts>) {
        let Some((unit, next)) = self.crews.depart(cx.now, ticket) else { return }; // replaced meanwhile
        if let Some(departure) = next {
            begin(departure, cx);
        }
        self.failed -= 1;
        self.plan.needs.set(unit, true);
        self.lost = self.plan.needs.lost(self.up());
        if self.failed == 0 && matches!(self.goal, Goal::Cycles(_)) {
            return self.ended(cx);
        }
        self.live(unit, cx);
    }

    /// A system or a cycle has ended: the next one, or none.
    fn ended(&mut self, cx: &mut Cx<'_, Event, Facts>) {
        cx.record.systems += 1;
        cx.record.lived += seconds(cx.now.since(self.fresh_since));
        let (Goal::Losses(wanted) | Goal::Cycles(wanted)) = self.goal else { return };
        if cx.record.systems < u64::from(wanted) {
            return self.refresh(cx);
        }
        self.members.iter_mut().filter_map(|m| m.failure.take()).for_each(|h| cx.cancel(h));
        self.crews.fail(cx.now);
    }
}

fn begin(departure: Departure<u16>, cx: &mut Cx<'_, Event, Facts>) {
    cx.at(departure.at, Event::Repaired(departure.ticket));
}

impl Model for System {
    type Event = Event;
    type Record = Facts;

    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, Facts>) {
        self.book(cx.now, cx.record);
        match event {
            Event::Fail(unit) => self.fail(unit, cx),
            Event::Repaired(ticket) => self.repaired(ticket, cx),
        }
    }
}
