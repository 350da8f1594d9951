//! The work on nexosim with its single-threaded executor. It has no zero delay, and takes no event back that
//! was scheduled without a key; the cancel row uses keyed events.

use crate::Measured;
use crate::common::Luck;
use crate::rows::{Row, Work};
use crate::work::{Law, MESSAGES_EACH, PROCESSES};
use cpu_time::ProcessTime;
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSource, Output};
use nexosim::simulation::{EventKey, Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Models are moved into the bench; what they count comes out here.
static EVENTS: AtomicU64 = AtomicU64::new(0);
static SOJOURN: AtomicU64 = AtomicU64::new(0);

pub fn run(row: &Row) -> Option<Measured> {
    Some(match row.work {
        Work::Hold(law) => steady(row, hold(law, row.pending)),
        Work::Phold => steady(row, phold()),
        Work::Cancel => steady(row, cancel(row.pending)),
        Work::Mm1 => mm1(row.events / 2),
    })
}

fn steady(row: &Row, mut sim: Simulation) -> Measured {
    let span = |events: u64| Duration::from_secs_f64(events as f64 / row.per_second());
    sim.step_until(span(row.warm_up())).expect("nothing fails");
    let before = EVENTS.load(Relaxed);
    let begun = ProcessTime::now();
    sim.step_until(span(row.events)).expect("nothing fails");
    let seconds = begun.elapsed().as_secs_f64();
    Measured { events: EVENTS.load(Relaxed) - before, seconds, sojourn: 0.0 }
}

/// The state of a generator is no data of a saved model here.
fn no_luck() -> Luck {
    Luck::new(0)
}

fn exponential(luck: &mut Luck, mean: f64) -> Duration {
    Duration::from_nanos(luck.exponential(mean))
}

#[derive(Serialize, Deserialize)]
pub struct Hold {
    #[serde(skip, default = "exponential_law")]
    law: Law,
    #[serde(skip, default = "no_luck")]
    luck: Luck,
}

fn exponential_law() -> Law {
    Law::Exponential
}

#[Model]
impl Hold {
    pub fn start(&mut self, pending: u32, context: &Context<Self>) {
        (0..pending).for_each(|timer| self.schedule(timer, context));
    }
    #[nexosim(schedulable)]
    fn tick(&mut self, timer: u32, context: &Context<Self>) {
        EVENTS.fetch_add(1, Relaxed);
        self.schedule(timer, context);
    }
    fn schedule(&mut self, timer: u32, context: &Context<Self>) {
        let delay = Duration::from_nanos(self.law.increment(&mut self.luck));
        context.schedule_event(delay, schedulable!(Self::tick), timer).expect("a delay above zero");
    }
}

fn hold(law: Law, pending: u32) -> Simulation {
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let start = EventSource::new().connect(Hold::start, &mailbox).register(&mut bench);
    let bench = bench.add_model(Hold { law, luck: Luck::new(42) }, mailbox, "hold");
    let mut sim = bench.init(MonotonicTime::EPOCH).expect("a whole bench");
    sim.process_event(&start, pending).expect("nothing fails");
    sim
}

#[derive(Serialize, Deserialize)]
pub struct Cancel {
    #[serde(skip, default = "no_luck")]
    luck: Luck,
    #[serde(skip)]
    keys: Vec<EventKey>,
}

#[Model]
impl Cancel {
    pub fn start(&mut self, pending: u32, context: &Context<Self>) {
        self.keys = (0..pending).map(|timer| self.schedule(timer, context)).collect();
    }
    #[nexosim(schedulable)]
    fn tick(&mut self, timer: u32, context: &Context<Self>) {
        EVENTS.fetch_add(1, Relaxed);
        self.keys[timer as usize] = self.schedule(timer, context);
        let other = self.luck.below(self.keys.len() as u32);
        let key = self.schedule(other, context);
        std::mem::replace(&mut self.keys[other as usize], key).cancel();
    }
    fn schedule(&mut self, timer: u32, context: &Context<Self>) -> EventKey {
        let delay = exponential(&mut self.luck, 1e9);
        context.schedule_keyed_event(delay, schedulable!(Self::tick), timer).expect("a delay above zero")
    }
}

fn cancel(pending: u32) -> Simulation {
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let start = EventSource::new().connect(Cancel::start, &mailbox).register(&mut bench);
    let bench = bench.add_model(Cancel { luck: Luck::new(42), keys: Vec::new() }, mailbox, "cancel");
    let mut sim = bench.init(MonotonicTime::EPOCH).expect("a whole bench");
    sim.process_event(&start, pending).expect("nothing fails");
    sim
}

/// A message is delivered at once to a neighbour, which waits and passes it on.
#[derive(Serialize, Deserialize)]
pub struct Process {
    #[serde(skip, default = "no_luck")]
    luck: Luck,
    next: Vec<Output<()>>,
}

#[Model]
impl Process {
    pub fn start(&mut self, messages: u32, context: &Context<Self>) {
        (0..messages).for_each(|_| self.receive((), context));
    }
    pub fn receive(&mut self, _: (), context: &Context<Self>) {
        let delay = exponential(&mut self.luck, 1e9);
        context.schedule_event(delay, schedulable!(Self::send), ()).expect("a delay above zero");
    }
    #[nexosim(schedulable)]
    async fn send(&mut self, _: ()) {
        EVENTS.fetch_add(1, Relaxed);
        let to = self.luck.below(8) as usize;
        self.next[to].send(()).await;
    }
}

fn phold() -> Simulation {
    let mailboxes: Vec<Mailbox<Process>> = (0..PROCESSES).map(|_| Mailbox::new()).collect();
    let mut bench = SimInit::with_num_threads(1);
    let mut source = EventSource::new();
    for mailbox in &mailboxes {
        source = source.connect(Process::start, mailbox);
    }
    let start = source.register(&mut bench);
    let mailboxes_of = &mailboxes;
    let neighbours = |at: usize| {
        (1..=8).map(move |step| {
            let mut output = Output::default();
            output.connect(Process::receive, &mailboxes_of[(at + step) % mailboxes_of.len()]);
            output
        })
    };
    let processes: Vec<Process> = (0..mailboxes.len())
        .map(|at| Process { luck: Luck::new(at as u64), next: neighbours(at).collect() })
        .collect();
    for (at, (process, mailbox)) in processes.into_iter().zip(mailboxes).enumerate() {
        bench = bench.add_model(process, mailbox, &format!("process {at}"));
    }
    let mut sim = bench.init(MonotonicTime::EPOCH).expect("a whole bench");
    sim.process_event(&start, MESSAGES_EACH).expect("nothing fails");
    sim
}

#[derive(Serialize, Deserialize)]
pub struct Queue {
    left: u64,
    waiting: VecDeque<MonotonicTime>,
    #[serde(skip, default = "no_luck")]
    gaps: Luck,
    #[serde(skip, default = "no_luck")]
    services: Luck,
}

#[Model]
impl Queue {
    pub fn start(&mut self, _: (), context: &Context<Self>) {
        self.schedule_arrival(context);
    }
    fn schedule_arrival(&mut self, context: &Context<Self>) {
        let gap = exponential(&mut self.gaps, 1.25e9);
        context.schedule_event(gap, schedulable!(Self::arrive), ()).expect("a delay above zero");
    }
    fn schedule_departure(&mut self, context: &Context<Self>) {
        let service = exponential(&mut self.services, 1e9);
        context.schedule_event(service, schedulable!(Self::depart), ()).expect("a delay above zero");
    }
    #[nexosim(schedulable)]
    fn arrive(&mut self, _: (), context: &Context<Self>) {
        self.waiting.push_back(context.time());
        if self.waiting.len() == 1 {
            self.schedule_departure(context);
        }
        self.left -= 1;
        if self.left > 0 {
            self.schedule_arrival(context);
        }
    }
    #[nexosim(schedulable)]
    fn depart(&mut self, _: (), context: &Context<Self>) {
        let since = self.waiting.pop_front().expect("a departure has a customer");
        SOJOURN.fetch_add(context.time().duration_since(since).as_nanos() as u64, Relaxed);
        if !self.waiting.is_empty() {
            self.schedule_departure(context);
        }
    }
}

fn mm1(customers: u64) -> Measured {
    let begun = ProcessTime::now();
    let mailbox = Mailbox::new();
    let model =
        Queue { left: customers, waiting: VecDeque::new(), gaps: Luck::new(1), services: Luck::new(2) };
    let mut bench = SimInit::with_num_threads(1);
    let start = EventSource::new().connect(Queue::start, &mailbox).register(&mut bench);
    let mut sim = bench.add_model(model, mailbox, "queue").init(MonotonicTime::EPOCH).expect("a whole bench");
    sim.process_event(&start, ()).expect("nothing fails");
    sim.run().expect("nothing fails");
    let sojourn = SOJOURN.load(Relaxed) as f64 / 1e9 / customers as f64;
    Measured { events: 2 * customers, seconds: begun.elapsed().as_secs_f64(), sojourn }
}
