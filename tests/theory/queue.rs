//! One server and what comes to it: the system on which the laws of this suite are tried.

use super::check::exponential;
use sim_core::station::{Arrival, Departure, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};

/// Numbers of jobs inside that are told apart; the last stands for all above.
pub const LEVELS: usize = 8;

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Arrive,
    Depart(Ticket),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Arrive) { Class::Arrival } else { Class::Completion }
    }
    fn kind(&self) -> u32 {
        u32::from(matches!(self, Event::Depart(_)))
    }
    fn entity(&self) -> u64 {
        0
    }
}

/// What is seen of the jobs that came through [`Event::Arrive`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// In order of departure.
    pub sojourns: Vec<Span>,
    /// Arrivals by the number that they found inside.
    pub found: [u64; LEVELS],
    /// Time by the number inside.
    pub held: [Span; LEVELS],
}

pub type Context<'a> = Cx<'a, Event, Seen>;

#[derive(Clone, Debug)]
pub struct Queue {
    pub gap: Dist,
    pub work: Dist,
    gaps: Stream,
    works: Stream,
    /// Carries the birth of a job; nothing for those that were inside at the beginning.
    pub station: Station<Option<SimTime>>,
    /// Arrivals still to come.
    pub left: u64,
    /// Factor on every gap and work.
    pub stretch: u64,
    changed: SimTime,
}

impl Queue {
    /// `arrivals` jobs at rate `rho`, exponential works of mean 1 s.
    pub fn new(rho: f64, arrivals: u64, streams: &Streams) -> Queue {
        Queue {
            gap: exponential(1.0 / rho),
            work: exponential(1.0),
            gaps: streams.stream("queue", "gap"),
            works: streams.stream("queue", "work"),
            station: Station::new(1, 0),
            left: arrivals,
            stretch: 1,
            changed: SimTime::ZERO,
        }
    }

    /// A simulation whose first job comes after a gap.
    pub fn simulation(self) -> Simulation<Queue> {
        let mut sim = Simulation::new(self, Seen::default(), Budget::default());
        sim.start(|m, cx| {
            let gap = m.draw_gap();
            cx.after(gap, Event::Arrive);
        });
        sim
    }

    /// Goes on by the luck of another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.gaps.rekey(streams);
        self.works.rekey(streams);
    }

    /// One job comes in.
    pub fn enter(&mut self, born: Option<SimTime>, cx: &mut Context<'_>) {
        let work = self.work.sample_span(&mut self.works) * self.stretch;
        if let Arrival::Started(d) = self.station.arrive(cx.now, born, Priority::Foreground, work) {
            begin(d, cx);
        }
    }

    fn draw_gap(&mut self) -> Span {
        self.gap.sample_span(&mut self.gaps) * self.stretch
    }

    fn level(&self) -> usize {
        self.station.len().min(LEVELS - 1)
    }
}

fn begin(d: Departure<Option<SimTime>>, cx: &mut Context<'_>) {
    cx.at(d.at, Event::Depart(d.ticket));
}

impl Model for Queue {
    type Event = Event;
    type Record = Seen;
    fn handle(&mut self, event: Event, cx: &mut Context<'_>) {
        cx.record.held[self.level()] += cx.now.since(self.changed);
        self.changed = cx.now;
        match event {
            Event::Arrive => {
                cx.record.found[self.level()] += 1;
                self.enter(Some(cx.now), cx);
                self.left -= 1;
                if self.left > 0 {
                    let gap = self.draw_gap();
                    cx.after(gap, Event::Arrive);
                }
            }
            Event::Depart(ticket) => {
                let (born, next) = self.station.depart(cx.now, ticket).expect("nothing fails here");
                cx.record.sojourns.extend(born.map(|b| cx.now.since(b)));
                if let Some(d) = next {
                    begin(d, cx);
                }
            }
        }
    }
}
