//! The work on simcore, the engine of DSLab, with callbacks. Time is seconds in a float.

use crate::Measured;
use crate::common::Luck;
use crate::rows::{Row, Work};
use crate::work::{Law, MESSAGES_EACH, PROCESSES};
use cpu_time::ProcessTime;
use serde::Serialize;
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

pub fn run(row: &Row) -> Option<Measured> {
    Some(match row.work {
        Work::Hold(law) => steady(row, hold(law, row.pending)),
        Work::Phold => steady(row, phold()),
        Work::Cancel => steady(row, cancel(row.pending)),
        Work::Mm1 => mm1(row.events / 2),
    })
}

fn steady(row: &Row, mut sim: Simulation) -> Measured {
    sim.steps(row.warm_up());
    let begun = ProcessTime::now();
    sim.steps(row.events);
    Measured { events: row.events, seconds: begun.elapsed().as_secs_f64(), sojourn: 0.0 }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[derive(Clone, Serialize)]
struct Tick {
    timer: u32,
}

struct Hold {
    context: SimulationContext,
    law: Law,
    luck: Luck,
}

impl EventHandler for Hold {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Tick { timer } => {
                let delay = seconds(self.law.increment(&mut self.luck));
                self.context.emit_self(Tick { timer }, delay);
            }
        })
    }
}

fn hold(law: Law, pending: u32) -> Simulation {
    let mut sim = Simulation::new(1);
    let context = sim.create_context("hold");
    let mut hold = Hold { context, law, luck: Luck::new(42) };
    for timer in 0..pending {
        let delay = seconds(law.increment(&mut hold.luck));
        hold.context.emit_self(Tick { timer }, delay);
    }
    sim.add_handler("hold", Rc::new(RefCell::new(hold)));
    sim
}

#[derive(Clone, Serialize)]
struct Message {}

struct Process {
    context: SimulationContext,
    luck: Luck,
    next: Vec<Id>,
}

impl EventHandler for Process {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Message {} => {
                let to = self.next[self.luck.below(8) as usize];
                let delay = seconds(self.luck.exponential(1e9));
                self.context.emit(Message {}, to, delay);
            }
        })
    }
}

fn phold() -> Simulation {
    let mut sim = Simulation::new(1);
    let mut processes = Vec::new();
    let mut ids = Vec::new();
    for i in 0..PROCESSES {
        let name = format!("process {i}");
        let context = sim.create_context(&name);
        let process = Process { context, luck: Luck::new(u64::from(i)), next: Vec::new() };
        let process = Rc::new(RefCell::new(process));
        ids.push(sim.add_handler(name, process.clone()));
        processes.push(process);
    }
    for (i, process) in processes.iter().enumerate() {
        let mut process = process.borrow_mut();
        process.next = (1..=8).map(|step| ids[(i + step) % ids.len()]).collect();
        for _ in 0..MESSAGES_EACH {
            let delay = seconds(process.luck.exponential(1e9));
            process.context.emit_self(Message {}, delay);
        }
    }
    sim
}

#[derive(Clone, Serialize)]
struct Arrive {}
#[derive(Clone, Serialize)]
struct Depart {}

struct Queue {
    context: SimulationContext,
    left: u64,
    waiting: VecDeque<f64>,
    gaps: Luck,
    services: Luck,
    sojourn: f64,
}

impl EventHandler for Queue {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Arrive {} => {
                self.waiting.push_back(self.context.time());
                if self.waiting.len() == 1 {
                    self.context.emit_self(Depart {}, seconds(self.services.exponential(1e9)));
                }
                self.left -= 1;
                if self.left > 0 {
                    self.context.emit_self(Arrive {}, seconds(self.gaps.exponential(1.25e9)));
                }
            }
            Depart {} => {
                let since = self.waiting.pop_front().expect("a departure has a customer");
                self.sojourn += self.context.time() - since;
                if !self.waiting.is_empty() {
                    self.context.emit_self(Depart {}, seconds(self.services.exponential(1e9)));
                }
            }
        })
    }
}

fn mm1(customers: u64) -> Measured {
    let begun = ProcessTime::now();
    let mut sim = Simulation::new(1);
    let context = sim.create_context("queue");
    let mut queue = Queue {
        context,
        left: customers,
        waiting: VecDeque::new(),
        gaps: Luck::new(1),
        services: Luck::new(2),
        sojourn: 0.0,
    };
    let first = seconds(queue.gaps.exponential(1.25e9));
    queue.context.emit_self(Arrive {}, first);
    let queue = Rc::new(RefCell::new(queue));
    sim.add_handler("queue", queue.clone());
    sim.step_until_no_events();
    let sojourn = queue.borrow().sojourn / customers as f64;
    Measured { events: 2 * customers, seconds: begun.elapsed().as_secs_f64(), sojourn }
}

struct Cancel {
    context: SimulationContext,
    luck: Luck,
    pending: Vec<u64>,
}

impl EventHandler for Cancel {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Tick { timer } => {
                self.set(timer);
                let other = self.luck.below(self.pending.len() as u32);
                self.context.cancel_event(self.pending[other as usize]);
                self.set(other);
            }
        })
    }
}

impl Cancel {
    fn set(&mut self, timer: u32) {
        let delay = seconds(self.luck.exponential(1e9));
        self.pending[timer as usize] = self.context.emit_self(Tick { timer }, delay);
    }
}

fn cancel(pending: u32) -> Simulation {
    let mut sim = Simulation::new(1);
    let context = sim.create_context("cancel");
    let mut cancel = Cancel { context, luck: Luck::new(42), pending: vec![0; pending as usize] };
    (0..pending).for_each(|timer| cancel.set(timer));
    sim.add_handler("cancel", Rc::new(RefCell::new(cancel)));
    sim
}
