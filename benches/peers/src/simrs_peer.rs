//! The work on simrs, whose heap orders by time only and cannot take an event back.

use crate::Measured;
use crate::common::Luck;
use crate::rows::{Row, Work};
use crate::work::{Law, MESSAGES_EACH, PROCESSES};
use cpu_time::ProcessTime;
use simrs::{Component, ComponentId, Executor, Scheduler, Simulation, State};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

pub fn run(row: &Row) -> Option<Measured> {
    match row.work {
        Work::Hold(law) => Some(steady(row, hold(law, row.pending))),
        Work::Phold => Some(steady(row, phold())),
        Work::Mm1 => Some(mm1(row.events / 2)),
        Work::Cancel => None,
    }
}

fn steady(row: &Row, mut sim: Simulation) -> Measured {
    sim.execute(Executor::steps(row.warm_up() as usize));
    let begun = ProcessTime::now();
    sim.execute(Executor::steps(row.events as usize));
    Measured { events: row.events, seconds: begun.elapsed().as_secs_f64(), sojourn: 0.0 }
}

struct Hold {
    law: Law,
    luck: RefCell<Luck>,
}

impl Component for Hold {
    type Event = u32;
    fn process_event(&self, own: ComponentId<u32>, event: &u32, scheduler: &mut Scheduler, _: &mut State) {
        let delay = self.law.increment(&mut self.luck.borrow_mut());
        scheduler.schedule(Duration::from_nanos(delay), own, *event);
    }
}

fn hold(law: Law, pending: u32) -> Simulation {
    let mut luck = Luck::new(42);
    let delays: Vec<u64> = (0..pending).map(|_| law.increment(&mut luck)).collect();
    let mut sim = Simulation::default();
    let own = sim.add_component(Hold { law, luck: RefCell::new(luck) });
    for (delay, timer) in delays.into_iter().zip(0..) {
        sim.schedule(Duration::from_nanos(delay), own, timer);
    }
    sim
}

type Ids = Rc<RefCell<Vec<ComponentId<()>>>>;

struct Process {
    luck: RefCell<Luck>,
    at: u32,
    all: Ids,
}

impl Component for Process {
    type Event = ();
    fn process_event(&self, _: ComponentId<()>, _: &(), scheduler: &mut Scheduler, _: &mut State) {
        let mut luck = self.luck.borrow_mut();
        let to = (self.at + 1 + luck.below(8)) % PROCESSES;
        let delay = Duration::from_nanos(luck.exponential(1e9));
        scheduler.schedule(delay, self.all.borrow()[to as usize], ());
    }
}

fn phold() -> Simulation {
    let mut sim = Simulation::default();
    let all = Ids::default();
    for at in 0..PROCESSES {
        let mut luck = Luck::new(u64::from(at));
        let delays: Vec<u64> = (0..MESSAGES_EACH).map(|_| luck.exponential(1e9)).collect();
        let id = sim.add_component(Process { luck: RefCell::new(luck), at, all: all.clone() });
        all.borrow_mut().push(id);
        for delay in delays {
            sim.schedule(Duration::from_nanos(delay), id, ());
        }
    }
    sim
}

#[derive(Debug)]
enum Event {
    Arrive,
    Depart,
}

struct Queue {
    left: u64,
    waiting: VecDeque<Duration>,
    gaps: Luck,
    services: Luck,
    sojourn: Duration,
}

/// A component is lent immutably, and handed over to the engine.
struct Shared(Rc<RefCell<Queue>>);

impl Component for Shared {
    type Event = Event;
    fn process_event(
        &self,
        own: ComponentId<Event>,
        event: &Event,
        scheduler: &mut Scheduler,
        _: &mut State,
    ) {
        let queue = &mut *self.0.borrow_mut();
        let service = |luck: &mut Luck| Duration::from_nanos(luck.exponential(1e9));
        match event {
            Event::Arrive => {
                queue.waiting.push_back(scheduler.time());
                if queue.waiting.len() == 1 {
                    scheduler.schedule(service(&mut queue.services), own, Event::Depart);
                }
                queue.left -= 1;
                if queue.left > 0 {
                    let gap = Duration::from_nanos(queue.gaps.exponential(1.25e9));
                    scheduler.schedule(gap, own, Event::Arrive);
                }
            }
            Event::Depart => {
                let since = queue.waiting.pop_front().expect("a departure has a customer");
                queue.sojourn += scheduler.time() - since;
                if !queue.waiting.is_empty() {
                    scheduler.schedule(service(&mut queue.services), own, Event::Depart);
                }
            }
        }
    }
}

fn mm1(customers: u64) -> Measured {
    let begun = ProcessTime::now();
    let mut gaps = Luck::new(1);
    let first = Duration::from_nanos(gaps.exponential(1.25e9));
    let queue = Queue {
        left: customers,
        waiting: VecDeque::new(),
        gaps,
        services: Luck::new(2),
        sojourn: Duration::ZERO,
    };
    let queue = Rc::new(RefCell::new(queue));
    let mut sim = Simulation::default();
    let own = sim.add_component(Shared(queue.clone()));
    sim.schedule(first, own, Event::Arrive);
    sim.execute(Executor::unbound());
    let sojourn = queue.borrow().sojourn.as_secs_f64() / customers as f64;
    Measured { events: 2 * customers, seconds: begun.elapsed().as_secs_f64(), sojourn }
}
