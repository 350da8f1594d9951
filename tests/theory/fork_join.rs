//! A write of n legs that is done at the k-th acknowledgement.
//!
//! ```text
//!            +--> station 1 --+
//! write -----+--> ...         +--> done with ack k of n; the other legs still run
//!            +--> station n --+
//! ```

use super::check::{exponential, mean, quantile, replicate};
use sim_core::station::{Arrival, Departure, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Id, Model, SimTime, Simulation, Stream, Streams, Table};

#[derive(Clone, Copy, Debug)]
enum Event {
    Write,
    Ack { leg: u8, ticket: Ticket },
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Write) { Class::Arrival } else { Class::Completion }
    }
    fn kind(&self) -> u32 {
        u32::from(matches!(self, Event::Ack { .. }))
    }
    fn entity(&self) -> u64 {
        if let Event::Ack { leg, .. } = self { u64::from(*leg) } else { 0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Write {
    born: SimTime,
    acks: usize,
}

/// When the next write comes.
#[derive(Clone, Debug)]
enum Pace {
    /// With the last leg of the one before: writes never queue.
    OneByOne,
    Open(Dist),
}

#[derive(Clone, Debug)]
struct Quorum {
    legs: Vec<(Station<Id<Write>>, Stream)>,
    needed: usize,
    law: Dist,
    pace: Pace,
    gaps: Stream,
    writes: Table<Write>,
    left: u64,
}

impl Quorum {
    /// `total` writes that need `needed` of `legs` acknowledgements of exponential legs of mean 1.
    fn new(legs: usize, needed: usize, pace: Pace, total: u64, streams: &Streams) -> Quorum {
        let leg = |i| (Station::new(1, 0), streams.stream(&format!("leg-{i}"), "work"));
        Quorum {
            legs: (0..legs).map(leg).collect(),
            needed,
            law: exponential(1.0),
            pace,
            gaps: streams.stream("writes", "gap"),
            writes: Table::new(),
            left: total,
        }
    }

    fn write(&mut self, cx: &mut Cx<'_, Event, Vec<f64>>) {
        let write = self.writes.insert(Write { born: cx.now, acks: 0 });
        for (i, (station, works)) in self.legs.iter_mut().enumerate() {
            let work = self.law.sample_span(works);
            if let Arrival::Started(d) = station.arrive(cx.now, write, Priority::Foreground, work) {
                begin(i as u8, d, cx);
            }
        }
        self.left -= 1;
        if let (Pace::Open(gap), 1..) = (&self.pace, self.left) {
            cx.after(gap.sample_span(&mut self.gaps), Event::Write);
        }
    }

    fn ack(&mut self, leg: u8, ticket: Ticket, cx: &mut Cx<'_, Event, Vec<f64>>) {
        let station = &mut self.legs[usize::from(leg)].0;
        let (id, next) = station.depart(cx.now, ticket).expect("nothing fails here");
        if let Some(d) = next {
            begin(leg, d, cx);
        }
        let write = &mut self.writes[id];
        write.acks += 1;
        if write.acks == self.needed {
            cx.record.push(cx.now.since(write.born).as_secs());
        }
        if write.acks == self.legs.len() {
            self.writes.remove(id);
            if let (Pace::OneByOne, 1..) = (&self.pace, self.left) {
                cx.soon(Event::Write);
            }
        }
    }
}

fn begin(leg: u8, d: Departure<Id<Write>>, cx: &mut Cx<'_, Event, Vec<f64>>) {
    cx.at(d.at, Event::Ack { leg, ticket: d.ticket });
}

impl Model for Quorum {
    type Event = Event;
    /// Seconds from a write to the acknowledgement it needs.
    type Record = Vec<f64>;
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, Vec<f64>>) {
        match event {
            Event::Write => self.write(cx),
            Event::Ack { leg, ticket } => self.ack(leg, ticket, cx),
        }
    }
}

fn latencies(quorum: Quorum) -> Vec<f64> {
    let (total, needed) = (quorum.left, quorum.needed);
    let mut sim = Simulation::new(quorum, Vec::new(), Budget::default());
    sim.start(|_, cx| cx.soon(Event::Write));
    sim.run_until(SimTime::NEVER).expect("within budget");
    assert!(sim.model.writes.is_empty(), "a write that needs {needed} acks has not ended");
    assert_eq!(sim.record.len() as u64, total);
    sim.record
}

#[test]
fn a_write_waits_for_the_slowest_leg_it_needs() {
    // n exponentials of rate 1, sorted, have gaps of means 1/n, 1/(n-1), ..., 1 (Renyi 1953), so the k-th is
    // sum_{i=n-k+1..n} 1/i: 2 of 2: 1/2 + 1 = 1.5; 3 of 3: 1.83333; 2 of 3: 1/3 + 1/2 = 0.83333. P99:
    // (1 - e^-t)^n = 0.99 gives t = -ln(1 - 0.99^(1/n)) = 5.29581, 5.70044. For 2 of 3 with u = e^-t the share
    // still open is 3 u^2 - 2 u^3 = 0.01: u = 0.058903, t = 2.83186.
    let rows = [(2, 2, 1.5, 5.295_81), (3, 3, 1.833_33, 5.700_44), (3, 2, 0.833_33, 2.831_86)];
    for (seed, (legs, needed, theory, p99)) in (11..).zip(rows) {
        let [m, q] = replicate(seed, |streams| {
            let seen = latencies(Quorum::new(legs, needed, Pace::OneByOne, 20_000, &streams));
            [mean(&seen), quantile(&seen, 0.99)]
        });
        m.expect(&format!("{needed} of {legs}, mean"), theory, 0.005);
        q.expect(&format!("{needed} of {legs}, P99"), p99, 0.012);
    }
}

#[test]
fn two_way_fork_join() {
    // Nelson and Tantawi 1988, exact for two stations: T = (12 - rho) / 8 / (mu - lambda), 2.875 at rho 0.5
    // and 11.2 / 8 x 5 = 7 at 0.8. The queues start empty: the first 500 writes are left out.
    for (seed, rho, theory, share) in [(21, 0.5, 2.875, 0.012), (22, 0.8, 7.0, 0.04)] {
        let [m] = replicate(seed, |streams| {
            let pace = Pace::Open(exponential(1.0 / rho));
            [mean(&latencies(Quorum::new(2, 2, pace, 25_000, &streams))[500..])]
        });
        m.expect(&format!("fork-join at {rho}"), theory, share);
    }
}
