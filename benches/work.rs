//! The standard work of the kernel, as models on its public interface: hold, PHOLD, M/M/1 and cancel. The
//! benches, the gate on instructions and the comparison with other engines all measure these.

use crate::common::Luck;
use sim_core::queue::Handle;
use sim_core::{Budget, Class, Cx, EventKind, Model, SimTime, Simulation, Span};
use std::collections::VecDeque;

/// Increments in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Exponential, mean 1 s.
    Exponential,
    /// 90 % uniform up to 0.95 s, 10 % that and 9.5 s more.
    Bimodal,
    /// Exponential in whole steps of 10 ms: many ties.
    Tied,
    /// 70 % of 10 us, 25 % of 1 ms, 5 % of 1 s: the scales of requests, rounds and timers.
    Mixed,
}

impl Law {
    pub const ALL: [Law; 4] = [Law::Exponential, Law::Bimodal, Law::Tied, Law::Mixed];

    #[inline]
    pub fn increment(self, luck: &mut Luck) -> u64 {
        match self {
            Law::Exponential => luck.exponential(1e9),
            Law::Bimodal => {
                let near = u64::from(luck.below(952_380_000)) + 1;
                if luck.below(10) == 0 { near + 9_523_800_000 } else { near }
            }
            Law::Tied => luck.exponential(1e9).next_multiple_of(10_000_000),
            Law::Mixed => match luck.below(100) {
                0..70 => luck.exponential(1e4),
                70..95 => luck.exponential(1e6),
                _ => luck.exponential(1e9),
            },
        }
    }

    /// Mean increment in ns.
    pub fn mean(self) -> f64 {
        match self {
            Law::Exponential => 1e9,
            Law::Bimodal => 0.476_19e9 + 0.952_38e9,
            Law::Tied => 1.005e9, // rounding up adds half a step
            Law::Mixed => 0.7e4 + 0.25e6 + 0.05e9,
        }
    }
}

/// 24 bytes, as the events of the simulator have.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    Arrive,
    Depart,
    Message(u32),
    Timer(u32),
    /// Never scheduled: gives the event its size.
    #[allow(dead_code)]
    Large([u32; 5]),
}

const _: () = assert!(size_of::<Event>() == 24);

impl EventKind for Event {
    #[inline]
    fn class(&self) -> Class {
        if matches!(self, Event::Depart) { Class::Completion } else { Class::Arrival }
    }
    #[inline]
    fn kind(&self) -> u32 {
        match self {
            Event::Arrive => 0,
            Event::Depart => 1,
            Event::Message(_) => 2,
            Event::Timer(_) => 3,
            Event::Large(_) => 4,
        }
    }
    #[inline]
    fn entity(&self) -> u64 {
        match self {
            Event::Message(n) | Event::Timer(n) => u64::from(*n),
            _ => 0,
        }
    }
}

/// The default limit on events at one instant, and no limit on events in all.
pub const UNLIMITED: Budget = Budget { events: u64::MAX, events_per_instant: 1_000_000 };

/// Every event schedules itself again: the hold model with the main loop around it.
#[derive(Clone)]
pub struct Hold {
    law: Law,
    luck: Luck,
}

impl Model for Hold {
    type Event = Event;
    type Record = ();
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        cx.after(Span(self.law.increment(&mut self.luck)), event);
    }
}

pub fn hold(law: Law, pending: u32) -> Simulation<Hold> {
    let mut sim = Simulation::new(Hold { law, luck: Luck::new(42) }, (), UNLIMITED);
    sim.start(|model, cx| {
        for i in 0..pending {
            cx.after(Span(law.increment(&mut model.luck)), Event::Timer(i));
        }
    });
    sim
}

/// Processes that send each other messages (Fujimoto, "Performance of Time Warp under synthetic
/// workloads", 1990): the next process is one of the 8 that follow, the delay exponential with mean 1 s.
#[derive(Clone)]
pub struct Phold {
    luck: Vec<Luck>,
}

pub const PROCESSES: u32 = 1024;
pub const MESSAGES_EACH: u32 = 16;

impl Model for Phold {
    type Event = Event;
    type Record = ();
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Message(at) = event else { return };
        let luck = &mut self.luck[at as usize];
        let next = (at + 1 + luck.below(8)) % PROCESSES;
        let delay = Span(luck.exponential(1e9));
        cx.after(delay, Event::Message(next));
    }
}

pub fn phold() -> Simulation<Phold> {
    let model = Phold { luck: (0..u64::from(PROCESSES)).map(Luck::new).collect() };
    let mut sim = Simulation::new(model, (), UNLIMITED);
    sim.start(|model, cx| {
        for i in 0..PROCESSES * MESSAGES_EACH {
            let at = i % PROCESSES;
            let delay = Span(model.luck[at as usize].exponential(1e9));
            cx.after(delay, Event::Message(at));
        }
    });
    sim
}

/// One server, arrival rate 0.8, service rate 1 per second: a mean sojourn of 1 / (1 - 0.8) = 5 s.
#[derive(Clone)]
pub struct Mm1 {
    left: u64,
    waiting: VecDeque<SimTime>,
    gaps: Luck,
    services: Luck,
    pub sojourn: u128,
}

impl Model for Mm1 {
    type Event = Event;
    type Record = ();
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        match event {
            Event::Arrive => {
                self.waiting.push_back(cx.now);
                if self.waiting.len() == 1 {
                    cx.after(Span(self.services.exponential(1e9)), Event::Depart);
                }
                self.left -= 1;
                if self.left > 0 {
                    cx.after(Span(self.gaps.exponential(1.25e9)), Event::Arrive);
                }
            }
            _ => {
                let since = self.waiting.pop_front().expect("a departure has a customer");
                self.sojourn += u128::from(cx.now.since(since).0);
                if !self.waiting.is_empty() {
                    cx.after(Span(self.services.exponential(1e9)), Event::Depart);
                }
            }
        }
    }
}

/// Two events for each of the `customers`.
pub fn mm1(customers: u64) -> Simulation<Mm1> {
    let mut gaps = Luck::new(1);
    let first = Span(gaps.exponential(1.25e9));
    let model = Mm1 { left: customers, waiting: VecDeque::new(), gaps, services: Luck::new(2), sojourn: 0 };
    let mut sim = Simulation::new(model, (), UNLIMITED);
    sim.start(|_, cx| cx.after(first, Event::Arrive));
    sim
}

/// Every event sets its timer anew, takes a random timer back and sets that anew as well.
#[derive(Clone)]
pub struct Cancel {
    handles: Vec<Handle>,
    luck: Luck,
}

impl Model for Cancel {
    type Event = Event;
    type Record = ();
    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Timer(at) = event else { return };
        self.handles[at as usize] = cx.after(Span(self.luck.exponential(1e9)), event);
        let other = self.luck.below(self.handles.len() as u32);
        cx.cancel(self.handles[other as usize]);
        let delay = Span(self.luck.exponential(1e9));
        self.handles[other as usize] = cx.after(delay, Event::Timer(other));
    }
}

pub fn cancel(pending: u32) -> Simulation<Cancel> {
    let mut sim = Simulation::new(Cancel { handles: Vec::new(), luck: Luck::new(42) }, (), UNLIMITED);
    sim.start(|model, cx| {
        for i in 0..pending {
            let delay = Span(model.luck.exponential(1e9));
            model.handles.push(cx.after(delay, Event::Timer(i)));
        }
    });
    sim
}

/// Runs until some `events` more have happened, given how many happen per second of simulated time.
pub fn run<M: Model>(sim: &mut Simulation<M>, events: u64, per_second: f64) {
    let span = Span((events as f64 / per_second * 1e9) as u64);
    sim.run_until(sim.now() + span).expect("inside the budget");
}
