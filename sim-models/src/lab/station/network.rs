//! Jobs on their way through the stages.

use super::place::{Areas, Context, Leg, Place};
use super::plan::{ClassPlan, Comes, Length, Plan};
use super::report;
use super::source::Source;
use super::watch::Watch;
use crate::lab::Seen;
use sim_core::station::{Epoch, Ticket};
use sim_core::{Budget, Class, EventKind, Id, Model, SimTime, Simulation, Span, Stream, Streams, Table};

/// Most jobs at one place at once: an overload without a buffer ends in words, not in want of memory.
const MOST_INSIDE: u64 = 1_000_000;
/// Jobs that may come after those that are measured, on top of twice as many as came before: the bottom of a stack
/// that never empties does not leave while others come.
const LEAST_GRACE: u64 = 100_000;
/// The end of time.
const LAST: SimTime = SimTime(SimTime::NEVER.0 - 1);
/// What a run may spend: some minutes.
const BUDGET: Budget = Budget { events: 500_000_000, events_per_instant: 2_000_000 };

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The warm-up is over.
    Begin,
    /// So is the time that is measured.
    End,
    /// Jobs of a class come, or a customer has thought.
    Come(u8),
    /// A service ends.
    Depart { place: u32, ticket: Ticket },
    /// A share ends.
    Wake { place: u32, epoch: Epoch },
    /// Servers go down.
    Down(u32),
    /// Servers are up again.
    Up(u32),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        match self {
            Event::Down(_) | Event::Up(_) => Class::Failure,
            Event::Depart { .. } | Event::Wake { .. } => Class::Completion,
            Event::Come(_) => Class::Arrival,
            Event::Begin | Event::End => Class::Sampling,
        }
    }
    fn kind(&self) -> u32 {
        match self {
            Event::Begin => 0,
            Event::End => 1,
            Event::Come(_) => 2,
            Event::Depart { .. } => 3,
            Event::Wake { .. } => 4,
            Event::Down(_) => 5,
            Event::Up(_) => 6,
        }
    }
    fn entity(&self) -> u64 {
        match self {
            Event::Begin | Event::End => 0,
            Event::Come(class) => u64::from(*class),
            Event::Depart { place, .. } | Event::Wake { place, .. } => u64::from(*place),
            Event::Down(place) | Event::Up(place) => u64::from(*place),
        }
    }
}

/// A job inside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flight {
    class: u8,
    measured: bool,
    born: SimTime,
    stage: usize,
    /// Legs at this stage that have ended, and those still to end.
    ended: u32,
    open: u32,
    /// Work asked so far.
    work: Span,
}

/// Sources, stages and the jobs between them.
#[derive(Clone, Debug)]
pub struct Network<const N: usize> {
    plan: Plan,
    sources: Vec<Source>,
    /// Copies of the first stage, then of the second, and so on.
    places: Vec<Place<N>>,
    /// Number of the first copy of each stage.
    first: Vec<usize>,
    /// By class, then by place.
    works: Vec<Vec<Stream>>,
    flights: Table<Flight>,
    came: u64,
    measured: u64,
    begun: bool,
    /// What was to be measured has come.
    over: bool,
    /// Measured jobs inside, and measured legs.
    awaited: u64,
    /// Jobs that may still come, as long as measured ones are inside.
    grace: u64,
    /// Nobody else comes.
    shut: bool,
    overflowed: bool,
    /// Whether classes, and stages, are reported apart.
    by_class: bool,
    by_stage: bool,
}

impl<const N: usize> Network<N> {
    /// Plays one run; `Err` says why there is nothing to be seen.
    pub fn run(plan: &Plan, name: &str, streams: &Streams) -> Result<Seen, String> {
        let watch = Watch::new(plan.classes.len(), plan.stages.len());
        let mut sim = Simulation::new(Network::<N>::new(plan, name, streams), watch, BUDGET);
        sim.start(|m, cx| m.start(cx));
        let ran = sim.run_until(SimTime::NEVER);
        if sim.now() >= LAST {
            return Err("the run does not end within 584 years: shorten `jobs`, `lasts` or the outage".into());
        }
        ran.map_err(|e| {
            crate::lab::unfinished(
                &e,
                "write fewer `jobs` or a shorter `lasts`, and see that something takes time",
            )
        })?;
        if sim.model.overflowed {
            return Err(format!(
                "{MOST_INSIDE} jobs are at one place at {}: more come than is served: add servers or a \
                 `buffer`, or write fewer `jobs`",
                sim.now()
            ));
        }
        Ok(report::write(&sim.model.plan, &sim.record, &sim.model.places, sim.now()))
    }

    fn new(plan: &Plan, name: &str, streams: &Streams) -> Self {
        let mut places = Vec::new();
        let mut first = Vec::new();
        for (i, stage) in plan.stages.iter().enumerate() {
            first.push(places.len());
            for copy in 0..stage.fork.legs {
                let luck = streams.stream(&format!("{name} {} {copy}", stage.name), "outage");
                places.push(Place::new(i, stage, luck));
            }
        }
        let entity = |class: &str| format!("{name} {class}");
        let works = |class: &ClassPlan| {
            let of = |at: usize| streams.stream(&entity(&class.name), &format!("work at {at}"));
            (0..places.len()).map(of).collect()
        };
        Network {
            sources: plan.classes.iter().map(|c| Source::new(c, &entity(&c.name), streams)).collect(),
            works: plan.classes.iter().map(works).collect(),
            plan: plan.clone(),
            places,
            first,
            flights: Table::new(),
            came: 0,
            measured: 0,
            begun: false,
            over: false,
            awaited: 0,
            grace: 0,
            shut: false,
            overflowed: false,
            by_class: plan.classes.len() > 1,
            by_stage: plan.tells_stages(),
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        for class in 0..self.plan.classes.len() {
            let Comes::Closed { customers, .. } = self.plan.classes[class].comes else {
                self.expect(class, cx);
                continue;
            };
            (0..customers).for_each(|_| self.expect(class, cx));
        }
        for at in 0..self.places.len() {
            self.fault(at, true, cx);
        }
        match self.plan.warmup {
            Length::Jobs(0) => self.begin(cx),
            Length::Jobs(_) => {}
            Length::For(time) => drop(cx.after(time, Event::Begin)),
        }
    }

    /// The next arrival of a class, or the end of one customer's thought.
    fn expect(&mut self, class: usize, cx: &mut Context<'_>) {
        let gap = self.sources[class].gap();
        cx.after(gap, Event::Come(class as u8));
    }

    /// The next outage of a place, or the end of this one.
    fn fault(&mut self, at: usize, down: bool, cx: &mut Context<'_>) {
        let place = &mut self.places[at];
        let Some(outage) = &self.plan.stages[place.stage].outage else { return };
        let law = if down { &outage.up } else { &outage.down };
        let event = if down { Event::Down(at as u32) } else { Event::Up(at as u32) };
        cx.after(law.sample_span(&mut place.luck), event);
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        let areas = self.areas(cx.now);
        cx.record.open(cx.now, areas);
        self.begun = true;
        if let Length::For(time) = self.plan.measured {
            cx.after(time, Event::End);
        }
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        let areas = self.areas(cx.now);
        cx.record.close(cx.now, areas);
        self.over = true;
        self.grace = if self.plan.settles() { LEAST_GRACE + 2 * self.came } else { 0 };
        self.shut = self.grace == 0 || self.awaited == 0;
    }

    /// A measured job or leg has left. With the last of them the doors shut, and no sooner: who is interrupted, or
    /// shares, would leave the sooner for it.
    fn release(&mut self) {
        self.awaited -= 1;
        self.shut |= self.over && self.awaited == 0;
    }

    fn areas(&self, now: SimTime) -> Vec<Areas> {
        self.places.iter().map(|p| p.areas(now)).collect()
    }

    fn come(&mut self, class: usize, cx: &mut Context<'_>) {
        if self.shut {
            return;
        }
        if self.is_measuring() {
            cx.record.look();
        }
        for _ in 0..self.sources[class].batch() {
            self.enter(class, cx);
        }
        if !self.shut && !matches!(self.plan.classes[class].comes, Comes::Closed { .. }) {
            self.expect(class, cx);
        }
    }

    fn is_measuring(&self) -> bool {
        self.begun && !self.over
    }

    /// One job comes in.
    fn enter(&mut self, class: usize, cx: &mut Context<'_>) {
        if !self.begun && self.plan.warmup == Length::Jobs(self.came) {
            self.begin(cx);
        }
        self.came += 1;
        if self.over {
            self.grace = self.grace.saturating_sub(1);
            self.shut |= self.grace == 0;
        }
        let measured = self.is_measuring();
        if measured {
            self.measured += 1;
            self.awaited += 1;
            cx.record.all.came += 1;
            cx.record.classes[class].came += 1;
            if self.plan.measured == Length::Jobs(self.measured) {
                self.end(cx);
            }
        }
        let class = class as u8;
        let work = Span::ZERO;
        let flight = Flight { class, measured, born: cx.now, stage: 0, ended: 0, open: 0, work };
        let id = self.flights.insert(flight);
        cx.record.census.inside[usize::from(class)] += 1;
        self.visit(id, 0, cx);
    }

    /// A job comes to a stage: a leg to each of its copies.
    fn visit(&mut self, id: Id<Flight>, stage: usize, cx: &mut Context<'_>) {
        let fork = self.plan.stages[stage].fork;
        let Flight { class, measured, .. } = self.flights[id];
        let law = &self.plan.classes[usize::from(class)].services[stage];
        let mut enters = 0;
        let mut asked = Span::ZERO;
        for at in self.first[stage]..self.first[stage] + fork.legs as usize {
            let work = law.sample_span(&mut self.works[usize::from(class)][at]);
            asked += work;
            let leg = Leg { flight: id, entered: cx.now, work, class, measured };
            let entered = self.places[at].arrive(at as u32, leg, cx);
            enters += u32::from(entered);
            self.overflowed |= self.places[at].inside > MOST_INSIDE;
            if measured {
                let lot = &mut cx.record.stages[stage];
                lot.came += 1;
                lot.lost += u64::from(!entered);
                self.awaited += u64::from(entered);
            }
        }
        let flight = &mut self.flights[id];
        (flight.stage, flight.ended, flight.open) = (stage, 0, enters);
        flight.work += asked;
        self.settle(id, cx);
    }

    /// A leg has ended its service.
    fn arrived(&mut self, at: usize, leg: Leg, cx: &mut Context<'_>) {
        let stage = self.places[at].stage;
        if leg.measured {
            self.release();
        }
        if leg.measured && self.by_stage {
            let stay = cx.now.since(leg.entered);
            cx.record.stages[stage].serve(stay.0, Some(stay.saturating_sub(leg.work).0));
        }
        let Some(flight) = self.flights.get_mut(leg.flight).filter(|f| f.stage == stage) else { return };
        flight.ended += 1;
        flight.open -= 1;
        self.settle(leg.flight, cx);
    }

    /// A leg was lost on its way.
    fn lost(&mut self, at: usize, leg: Leg, cx: &mut Context<'_>) {
        let stage = self.places[at].stage;
        if leg.measured {
            self.release();
            cx.record.stages[stage].lost += 1;
        }
        let Some(flight) = self.flights.get_mut(leg.flight).filter(|f| f.stage == stage) else { return };
        flight.open -= 1;
        self.settle(leg.flight, cx);
    }

    /// The job goes on once enough legs have ended, and is lost once too few are left.
    fn settle(&mut self, id: Id<Flight>, cx: &mut Context<'_>) {
        let Flight { stage, ended, open, .. } = self.flights[id];
        let needed = self.plan.stages[stage].fork.needed;
        if ended + open < needed {
            self.leave(id, false, cx);
        } else if ended < needed {
            // Still under way.
        } else if stage + 1 < self.plan.stages.len() {
            self.visit(id, stage + 1, cx);
        } else {
            self.leave(id, true, cx);
        }
    }

    fn leave(&mut self, id: Id<Flight>, served: bool, cx: &mut Context<'_>) {
        let Some(flight) = self.flights.remove(id) else { return };
        let class = usize::from(flight.class);
        cx.record.census.inside[class] -= 1;
        if served {
            cx.record.count_service(class);
        }
        if flight.measured {
            self.release();
            let stay = cx.now.since(flight.born);
            // Legs that run at the same time have no wait in common.
            let wait = (!self.plan.forks()).then(|| stay.saturating_sub(flight.work).0);
            let record = &mut *cx.record;
            record.all.leave(served, stay.0, wait);
            if self.by_class {
                record.classes[class].leave(served, stay.0, wait);
            }
        }
        if !self.shut && matches!(self.plan.classes[class].comes, Comes::Closed { .. }) {
            self.expect(class, cx);
        }
    }

    fn down(&mut self, at: u32, cx: &mut Context<'_>) {
        let lost = self.places[at as usize].down(at, cx);
        lost.into_iter().for_each(|leg| self.lost(at as usize, leg, cx));
        self.fault(at as usize, false, cx);
    }

    fn up(&mut self, at: u32, cx: &mut Context<'_>) {
        self.places[at as usize].up(at, cx);
        // The last legs are let go before the source of outages dries up.
        if !self.shut || self.places.iter().any(|p| !p.is_empty()) {
            self.fault(at as usize, true, cx);
        }
    }
}

impl<const N: usize> Model for Network<N> {
    type Event = Event;
    type Record = Watch;
    fn handle(&mut self, event: Event, cx: &mut Context<'_>) {
        if self.overflowed {
            return;
        }
        cx.record.census.advance(cx.now);
        match event {
            Event::Begin => self.begin(cx),
            Event::End => self.end(cx),
            Event::Come(class) => self.come(usize::from(class), cx),
            Event::Depart { place, ticket } => {
                if let Some(leg) = self.places[place as usize].depart(place, ticket, cx) {
                    self.arrived(place as usize, leg, cx);
                }
            }
            Event::Wake { place, epoch } => {
                if let Some(leg) = self.places[place as usize].woken(place, epoch, cx) {
                    self.arrived(place as usize, leg, cx);
                }
            }
            Event::Down(place) => self.down(place, cx),
            Event::Up(place) => self.up(place, cx),
        }
    }
}
