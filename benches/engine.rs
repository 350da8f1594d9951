//! The kernel on its public interface, digest and budget on: hold, M/M/1, PHOLD and cancel-heavy work.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::queue::Handle;
use sim_core::{Budget, Class, Cx, EventKind, Model, SimTime, Simulation, Span};
use std::collections::VecDeque;

mod common;
use common::Luck;

/// Exponential with this mean, in seconds.
#[inline]
fn exponential(luck: &mut Luck, mean: f64) -> Span {
    Span(luck.exponential(mean * 1e9))
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrive,
    Depart,
    Message(u32),
    Timer(u32),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Depart) { Class::Completion } else { Class::Arrival }
    }
    fn kind(&self) -> u32 {
        match self {
            Event::Arrive => 0,
            Event::Depart => 1,
            Event::Message(_) => 2,
            Event::Timer(_) => 3,
        }
    }
    fn entity(&self) -> u64 {
        match self {
            Event::Message(n) | Event::Timer(n) => u64::from(*n),
            _ => 0,
        }
    }
}

/// One server, arrival rate 0.8, service rate 1 per second.
struct Queue {
    left: u64,
    waiting: VecDeque<SimTime>,
    sojourn: u128,
    gaps: Luck,
    services: Luck,
}

impl Model for Queue {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        match event {
            Event::Arrive => {
                self.waiting.push_back(cx.now);
                if self.waiting.len() == 1 {
                    cx.after(exponential(&mut self.services, 1.0), Event::Depart);
                }
                if self.left > 0 {
                    self.left -= 1;
                    cx.after(exponential(&mut self.gaps, 1.25), Event::Arrive);
                }
            }
            _ => {
                let since = self.waiting.pop_front().expect("a departure has a customer");
                self.sojourn += u128::from(cx.now.since(since).0);
                if !self.waiting.is_empty() {
                    cx.after(exponential(&mut self.services, 1.0), Event::Depart);
                }
            }
        }
    }
}

fn mm1(c: &mut Criterion) {
    const CUSTOMERS: u64 = 200_000;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(2 * CUSTOMERS)).sample_size(20);
    group.bench_function("mm1", |b| {
        b.iter(|| {
            let model = Queue {
                left: CUSTOMERS,
                waiting: VecDeque::new(),
                sojourn: 0,
                gaps: Luck::new(1),
                services: Luck::new(2),
            };
            let mut sim = Simulation::new(model, (), Budget::default());
            sim.start(|_, cx| cx.soon(Event::Arrive));
            sim.run_until(SimTime::NEVER).expect("inside the budget");
            sim.model.sojourn
        });
    });
    group.finish();
}

/// 1024 processes, 16 messages each; the next process is one of the 8 that follow, the delay exponential.
struct Phold {
    luck: Vec<Luck>,
}

impl Model for Phold {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Message(at) = event else { return };
        let luck = &mut self.luck[at as usize];
        let next = (at + 1 + luck.below(8)) % 1024;
        let delay = exponential(luck, 1.0);
        cx.after(delay, Event::Message(next));
    }
}

fn phold(c: &mut Criterion) {
    const SECONDS: u64 = 10;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(1024 * 16 * SECONDS)).sample_size(20);
    group.bench_function("phold", |b| {
        b.iter(|| {
            let model = Phold { luck: (0..1024).map(Luck::new).collect() };
            let mut sim = Simulation::new(model, (), Budget::default());
            sim.start(|_, cx| {
                (0..1024 * 16).for_each(|i| {
                    let _ = cx.soon(Event::Message(i % 1024));
                })
            });
            sim.run_until(SimTime::ZERO + Span::secs(SECONDS)).expect("inside the budget");
            sim.events()
        });
    });
    group.finish();
}

/// Every event also takes back another pending timer and sets it anew.
struct Timers {
    handles: Vec<Handle>,
    luck: Luck,
}

impl Model for Timers {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Timer(at) = event else { return };
        let other = self.luck.below(self.handles.len() as u32);
        for timer in [at, other] {
            cx.cancel(self.handles[timer as usize]);
            let delay = exponential(&mut self.luck, 1.0);
            self.handles[timer as usize] = cx.after(delay, Event::Timer(timer));
        }
    }
}

/// Every event schedules itself again: the queue's hold model with the main loop around it.
struct Ticks(Luck);

impl Model for Ticks {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        cx.after(exponential(&mut self.0, 1.0), event);
    }
}

fn hold(c: &mut Criterion) {
    const HOLDS: u64 = 200_000;
    let mut group = c.benchmark_group("engine hold");
    group.throughput(Throughput::Elements(HOLDS)).sample_size(10);
    for pending in [100u32, 10_000, 1_000_000] {
        let mut sim =
            Simulation::new(Ticks(Luck::new(42)), (), Budget { events: u64::MAX, ..Budget::default() });
        sim.start(|ticks, cx| {
            for i in 0..pending {
                cx.after(exponential(&mut ticks.0, 1.0), Event::Timer(i));
            }
        });
        sim.run_until(SimTime::ZERO + Span::secs(2)).expect("inside the budget");
        // Each of them fires once a second on average.
        let step = Span(HOLDS * 1_000_000_000 / u64::from(pending));
        group.bench_function(BenchmarkId::from_parameter(pending), |b| {
            b.iter(|| sim.run_until(sim.now() + step).expect("inside the budget"));
        });
    }
    group.finish();
}

fn cancel(c: &mut Criterion) {
    const TIMERS: u32 = 10_000;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(TIMERS) * 20)).sample_size(20);
    group.bench_function("cancel", |b| {
        b.iter(|| {
            let model = Timers { handles: Vec::new(), luck: Luck::new(1) };
            let mut sim = Simulation::new(model, (), Budget::default());
            sim.start(|timers, cx| {
                for i in 0..TIMERS {
                    let delay = exponential(&mut timers.luck, 1.0);
                    timers.handles.push(cx.after(delay, Event::Timer(i)));
                }
            });
            sim.run_until(SimTime::ZERO + Span::secs(10)).expect("inside the budget");
            sim.events()
        });
    });
    group.finish();
}

criterion_group!(benches, hold, mm1, phold, cancel);
criterion_main!(benches);
