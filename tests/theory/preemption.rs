//! Preemptive resume, composed of two stations.
//!
//! ```text
//! high ---> FCFS station ----------------> done
//!              | busy: speed 0, idle: speed 1
//! low ----> queue ---> one place at a shared station ---> done
//! ```
//! A shared station keeps what a job has attained while its speed is 0: with one job at a time it is a
//! server that can be taken away and given back.

use super::check::{constant, exponential, mean, replicate};
use sim_core::station::{Arrival, Departure, Epoch, Priority, Sharing, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrive(Rank),
    HighDone(Ticket),
    LowDone(Epoch),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    High,
    Low,
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Arrive(_)) { Class::Arrival } else { Class::Completion }
    }
    fn kind(&self) -> u32 {
        match self {
            Event::Arrive(_) => 0,
            Event::HighDone(_) => 1,
            Event::LowDone(_) => 2,
        }
    }
    fn entity(&self) -> u64 {
        if let Event::Arrive(rank) = self { *rank as u64 } else { 0 }
    }
}

#[derive(Clone, Debug)]
struct Preemptive {
    high: Station<SimTime>,
    low: Sharing<SimTime>,
    waiting: VecDeque<(SimTime, Span)>,
    gap: Dist,
    work: Dist,
    /// Of the high class, then of the low one.
    gaps: [Stream; 2],
    works: [Stream; 2],
    until: SimTime,
}

impl Preemptive {
    fn new(gap: Dist, work: Dist, until: SimTime, streams: &Streams) -> Preemptive {
        let of = |purpose: &str| ["high", "low"].map(|rank| streams.stream(rank, purpose));
        Preemptive {
            high: Station::new(1, 0),
            low: Sharing::new(1),
            waiting: VecDeque::new(),
            gap,
            work,
            gaps: of("gap"),
            works: of("work"),
            until,
        }
    }

    fn arrive(&mut self, rank: Rank, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
        let work = self.work.sample_span(&mut self.works[rank as usize]);
        match rank {
            Rank::Low => self.waiting.push_back((cx.now, work)),
            Rank::High => {
                if let Arrival::Started(d) = self.high.arrive(cx.now, cx.now, Priority::Foreground, work) {
                    begin(d, cx);
                }
            }
        }
        self.expect(rank, cx);
    }

    /// The next arrival of a class.
    fn expect(&mut self, rank: Rank, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
        let next = cx.now + self.gap.sample_span(&mut self.gaps[rank as usize]);
        if next < self.until {
            cx.at(next, Event::Arrive(rank));
        }
    }

    fn high_done(&mut self, ticket: Ticket, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
        let (born, next) = self.high.depart(cx.now, ticket).expect("nothing fails here");
        cx.record[0].push(cx.now.since(born).as_secs());
        if let Some(d) = next {
            begin(d, cx);
        }
    }

    /// Gives the server to whom it belongs from now on.
    fn settle(&mut self, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
        self.low.set_speed(cx.now, if self.high.is_empty() { 1.0 } else { 0.0 });
        if let (true, Some((born, work))) = (self.low.is_empty(), self.waiting.front().copied()) {
            self.waiting.pop_front();
            assert!(self.low.arrive(cx.now, born, work));
        }
        if let Some((at, epoch)) = self.low.next_departure() {
            cx.at(at, Event::LowDone(epoch));
        }
    }
}

fn begin(d: Departure<SimTime>, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
    cx.at(d.at, Event::HighDone(d.ticket));
}

impl Model for Preemptive {
    type Event = Event;
    /// Sojourns in seconds, of the high class, then of the low one.
    type Record = [Vec<f64>; 2];
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, [Vec<f64>; 2]>) {
        match event {
            Event::Arrive(rank) => self.arrive(rank, cx),
            Event::HighDone(ticket) => self.high_done(ticket, cx),
            Event::LowDone(epoch) => {
                let Some(born) = self.low.depart(cx.now, epoch) else { return }; // preempted meanwhile
                cx.record[1].push(cx.now.since(born).as_secs());
            }
        }
        self.settle(cx);
    }
}

#[test]
fn the_low_class_is_served_in_the_gaps_of_the_high_one() {
    // lambda 0.3 each, mean service 1. The high class does not see the low one:
    // T1 = 1 + 0.3 E[S^2] / (2 x 0.7). The low class waits for all unfinished work, and both its wait and its
    // own service are stretched by the high class: T2 = 1 / 0.7 + 0.6 E[S^2] / (2 x 0.7 x 0.4).
    // Exponential, E[S^2] = 2: 1.428571 and 3.571429. Constant, E[S^2] = 1: 1.214286 and 2.5; a low class
    // served by equal shares would differ here, so the order within the class is tested too.
    let rows = [
        ("exponential", exponential(1.0), 1.428_571, 3.571_429),
        ("constant", constant(1.0), 1.214_286, 2.5),
    ];
    for (seed, (name, work, high, low)) in (81..).zip(rows) {
        let [t1, t2] = replicate(seed, |streams| {
            let until = SimTime::ZERO + Span::secs(60_000);
            let model = Preemptive::new(exponential(1.0 / 0.3), work.clone(), until, &streams);
            let mut sim = Simulation::new(model, Default::default(), Budget::default());
            sim.start(|m, cx| [Rank::High, Rank::Low].into_iter().for_each(|r| m.expect(r, cx)));
            sim.run_until(SimTime::NEVER).expect("within budget");
            assert!(sim.model.high.is_empty() && sim.model.low.is_empty() && sim.model.waiting.is_empty());
            [mean(&sim.record[0]), mean(&sim.record[1])]
        });
        t1.expect(&format!("{name}, high"), high, 0.02);
        t2.expect(&format!("{name}, low"), low, 0.03);
    }
}
