//! The system in time.

use super::needs::Needs;
use crate::lab::unfinished;
use sim_core::queue::Handle;
use sim_core::station::{Arrival, Departure, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};

/// Seconds of a system per simulated second: simulated time ends after 584 years, lives do not.
const SCALE: f64 = 1e3;
/// Events after which a loss is too rare to wait for: some seconds of computing.
pub(super) const PATIENCE: u64 = 100_000_000;
/// The last instant there is.
const END: SimTime = SimTime(SimTime::NEVER.0 - 1);

/// Simulated time of so many seconds.
pub(super) fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds / SCALE)
}

/// Seconds of the system in simulated time.
pub(super) fn seconds(span: Span) -> f64 {
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
    /// By crew, the end of its repair: taken back when it begins another one, as those of a system that was lost
    /// may be years ahead.
    ends: Vec<Option<Handle>>,
    failed: usize,
    lost: bool,
    since: SimTime,
    fresh_since: SimTime,
    /// Nothing has failed since.
    unhurt: bool,
}

/// Plays a system.
pub(super) fn play(plan: &Plan, goal: Goal, name: &str, streams: &Streams) -> Result<Facts, String> {
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
        ends: Vec::new(),
        failed: 0,
        lost: false,
        since: SimTime::ZERO,
        fresh_since: SimTime::ZERO,
        unhurt: true,
    };
    let mut sim = Simulation::new(system, Facts::default(), Budget { events: PATIENCE, ..Budget::default() });
    sim.start(|system, cx| system.refresh(cx));
    let end = if let Goal::Time(s) = goal { SimTime::ZERO + span(s) } else { END };
    sim.run_until(end).map_err(|e| unfinished(&e, remedy(goal)))?;
    let past = if let Goal::Time(_) = goal { end } else { sim.model.since };
    sim.start(|system, cx| system.book(past, cx.record));
    match goal {
        Goal::Losses(wanted) | Goal::Cycles(wanted) if sim.record.systems < u64::from(wanted) => {
            let ended = sim.record.systems;
            Err(format!("only {ended} of {wanted} have ended after 584,000 years: {}", remedy(goal)))
        }
        _ => Ok(sim.record),
    }
}

/// What to write where a run ends too late.
fn remedy(goal: Goal) -> &'static str {
    match goal {
        Goal::Losses(_) => "losses this rare want until: Cycles(..), or write fewer of them or shorter lives",
        Goal::Cycles(_) => "write fewer cycles",
        Goal::Time(_) => "write a shorter time",
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
        self.fresh_since = cx.now;
        // Between cycles a unit that is up goes on as if it were new: its life has no memory.
        let goes_on = matches!(self.goal, Goal::Cycles(_));
        for unit in 0..self.plan.units {
            if !goes_on || self.members[usize::from(unit)].failure.is_none() {
                self.live(unit, cx);
            }
        }
    }

    /// The life of a unit that is up is drawn, anew if it was drawn before.
    fn live(&mut self, unit: u16, cx: &mut Cx<'_, Event, Facts>) {
        let member = &mut self.members[usize::from(unit)];
        if let Some(old) = member.failure.take() {
            cx.cancel(old);
        }
        let life = span(self.plan.life.sample(&mut member.lives));
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
    }

    fn fail(&mut self, unit: u16, cx: &mut Cx<'_, Event, Facts>) {
        if self.unhurt {
            self.unhurt = false;
            cx.record.firsts += 1;
            cx.record.first_failures += seconds(cx.now.since(self.fresh_since));
        }
        self.failed += 1;
        self.members[usize::from(unit)].failure = None;
        self.plan.needs.set(unit, false);
        let lost = self.plan.needs.lost(self.up());
        if lost && !self.lost {
            cx.record.losses += 1;
            if !matches!(self.goal, Goal::Time(_)) {
                return self.ended(cx);
            }
        }
        self.lost = lost;
        let Some(repair) = &self.plan.repair else { return };
        let work = span(repair.sample(&mut self.members[usize::from(unit)].repairs));
        if let Arrival::Started(departure) = self.crews.arrive(cx.now, unit, Priority::Foreground, work) {
            self.begin(departure, cx);
        }
    }

    fn repaired(&mut self, ticket: Ticket, cx: &mut Cx<'_, Event, Facts>) {
        let Some((unit, next)) = self.crews.depart(cx.now, ticket) else { return }; // replaced meanwhile
        if let Some(departure) = next {
            self.begin(departure, cx);
        }
        self.failed -= 1;
        self.plan.needs.set(unit, true);
        self.lost = self.plan.needs.lost(self.up());
        if self.failed == 0 && matches!(self.goal, Goal::Cycles(_)) {
            return self.ended(cx);
        }
        self.live(unit, cx);
    }

    fn begin(&mut self, repair: Departure<u16>, cx: &mut Cx<'_, Event, Facts>) {
        let crew = repair.ticket.server() as usize;
        if self.ends.len() <= crew {
            self.ends.resize(crew + 1, None);
        }
        let end = cx.at(repair.at, Event::Repaired(repair.ticket));
        if let Some(old) = self.ends[crew].replace(end) {
            cx.cancel(old);
        }
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
