//! The kernel on its public interface, digest and budget on: M/M/1, PHOLD and cancel-heavy work.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_core::queue::Handle;
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, Seed, SimTime, Simulation, Span, Stream, Streams};
use std::collections::VecDeque;

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
    gap: Dist,
    service: Dist,
    luck: Stream,
}

impl Model for Queue {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        match event {
            Event::Arrive => {
                self.waiting.push_back(cx.now);
                if self.waiting.len() == 1 {
                    cx.after(self.service.sample_span(&mut self.luck), Event::Depart);
                }
                if self.left > 0 {
                    self.left -= 1;
                    cx.after(self.gap.sample_span(&mut self.luck), Event::Arrive);
                }
            }
            _ => {
                let since = self.waiting.pop_front().expect("a departure has a customer");
                self.sojourn += u128::from(cx.now.since(since).0);
                if !self.waiting.is_empty() {
                    cx.after(self.service.sample_span(&mut self.luck), Event::Depart);
                }
            }
        }
    }
}

fn stream() -> Stream {
    Streams::new(Seed(1), 0).stream("engine", "bench")
}

fn mm1(c: &mut Criterion) {
    const CUSTOMERS: u64 = 200_000;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(2 * CUSTOMERS)).sample_size(20);
    group.bench_function("mm1", |b| {
        b.iter(|| {
            let exp = |mean| Dist::exponential(mean).expect("a positive mean");
            let model = Queue {
                left: CUSTOMERS,
                waiting: VecDeque::new(),
                sojourn: 0,
                gap: exp(1.25),
                service: exp(1.0),
                luck: stream(),
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
    luck: Vec<Stream>,
    delay: Dist,
}

impl Model for Phold {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Message(at) = event else { return };
        let luck = &mut self.luck[at as usize];
        let next = (at + 1 + luck.below(8) as u32) % 1024;
        let delay = self.delay.sample_span(luck);
        cx.after(delay, Event::Message(next));
    }
}

fn phold(c: &mut Criterion) {
    const SECONDS: u64 = 10;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(1024 * 16 * SECONDS)).sample_size(20);
    group.bench_function("phold", |b| {
        b.iter(|| {
            let streams = Streams::new(Seed(1), 0);
            let luck = (0..1024).map(|i| streams.stream(&format!("process-{i}"), "phold")).collect();
            let model = Phold { luck, delay: Dist::exponential(1.0).expect("a positive mean") };
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
    luck: Stream,
    delay: Dist,
}

impl Model for Timers {
    type Event = Event;
    type Record = ();
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, ()>) {
        let Event::Timer(at) = event else { return };
        let other = self.luck.below(self.handles.len() as u64) as u32;
        for timer in [at, other] {
            cx.cancel(self.handles[timer as usize]);
            let delay = self.delay.sample_span(&mut self.luck);
            self.handles[timer as usize] = cx.after(delay, Event::Timer(timer));
        }
    }
}

fn cancel(c: &mut Criterion) {
    const TIMERS: u32 = 10_000;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(TIMERS) * 20)).sample_size(20);
    group.bench_function("cancel", |b| {
        b.iter(|| {
            let model = Timers {
                handles: Vec::new(),
                luck: stream(),
                delay: Dist::exponential(1.0).expect("a positive mean"),
            };
            let mut sim = Simulation::new(model, (), Budget::default());
            sim.start(|timers, cx| {
                for i in 0..TIMERS {
                    let delay = timers.delay.sample_span(&mut timers.luck);
                    timers.handles.push(cx.after(delay, Event::Timer(i)));
                }
            });
            sim.run_until(SimTime::ZERO + Span::secs(10)).expect("inside the budget");
            sim.events()
        });
    });
    group.finish();
}

criterion_group!(benches, mm1, phold, cancel);
criterion_main!(benches);
