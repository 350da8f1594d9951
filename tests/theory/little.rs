//! Little's law as an identity of integers, over two stations with everything that can happen to them.
//!
//! ```text
//! Poisson --> front: 2 servers, two classes, 6 places, outages --> back: equal shares, changing speed --> out
//!                ^                                                    |
//!                +------------------- 1 in 4 -------------------------+
//! ```

use super::check::exponential;
use sim_core::station::{Arrival, Departure, Epoch, Priority, Sharing, Station, Ticket};
use sim_core::{Budget, Class, Cx, EventKind, Model, Seed, SimTime, Simulation, Span, Stream, Streams};

#[derive(Clone, Copy, Debug)]
enum Event {
    Outage(bool),
    Speed(bool),
    Arrive,
    Front(Ticket),
    Back(Epoch),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        match self {
            Event::Outage(_) => Class::Failure,
            Event::Speed(_) => Class::Settle,
            Event::Arrive => Class::Arrival,
            Event::Front(_) | Event::Back(_) => Class::Completion,
        }
    }
    fn kind(&self) -> u32 {
        match self {
            Event::Outage(_) => 0,
            Event::Speed(_) => 1,
            Event::Arrive => 2,
            Event::Front(_) => 3,
            Event::Back(_) => 4,
        }
    }
    fn entity(&self) -> u64 {
        0
    }
}

#[derive(Clone, Copy, Debug)]
struct Job {
    class: Priority,
    born: SimTime,
    /// When it came to where it is.
    entered: SimTime,
}

/// All in ns, from jobs that left, were refused or were lost.
#[derive(Clone, Debug, Default)]
struct Seen {
    sojourns: u128,
    front: [u128; 2],
    back: u128,
    entered: u64,
    left: u64,
}

#[derive(Clone, Debug)]
struct Network {
    front: Station<Job>,
    back: Sharing<Job>,
    luck: Stream,
    to_come: u64,
}

type Context<'a> = Cx<'a, Event, Seen>;

impl Network {
    fn draw(&mut self, mean: f64) -> Span {
        exponential(mean).sample_span(&mut self.luck)
    }

    fn arrive(&mut self, cx: &mut Context<'_>) {
        let class = if self.luck.chance(0.3) { Priority::Background } else { Priority::Foreground };
        cx.record.entered += 1;
        self.enter_front(Job { class, born: cx.now, entered: cx.now }, cx);
        self.to_come -= 1;
        if self.to_come > 0 {
            let gap = self.draw(1.0);
            cx.after(gap, Event::Arrive);
        }
    }

    fn enter_front(&mut self, job: Job, cx: &mut Context<'_>) {
        let job = Job { entered: cx.now, ..job };
        let work = self.draw(1.2);
        match self.front.arrive(cx.now, job, job.class, work) {
            Arrival::Started(d) => begin(d, cx),
            Arrival::Queued => {}
            Arrival::Refused => leave(job, cx),
        }
    }

    fn front_done(&mut self, ticket: Ticket, cx: &mut Context<'_>) {
        let Some((job, next)) = self.front.depart(cx.now, ticket) else { return }; // lost in an outage
        if let Some(d) = next {
            begin(d, cx);
        }
        cx.record.front[job.class as usize] += u128::from(cx.now.since(job.entered).0);
        let work = self.draw(0.5);
        assert!(self.back.arrive(cx.now, Job { entered: cx.now, ..job }, work));
        self.wake(cx);
    }

    fn back_done(&mut self, epoch: Epoch, cx: &mut Context<'_>) {
        let Some(job) = self.back.depart(cx.now, epoch) else { return };
        self.wake(cx);
        cx.record.back += u128::from(cx.now.since(job.entered).0);
        if self.luck.chance(0.25) { self.enter_front(job, cx) } else { leave(job, cx) }
    }

    fn wake(&self, cx: &mut Context<'_>) {
        if let Some((at, epoch)) = self.back.next_departure() {
            cx.at(at, Event::Back(epoch));
        }
    }

    fn outage(&mut self, begins: bool, cx: &mut Context<'_>) {
        if begins {
            for job in self.front.fail(cx.now) {
                cx.record.front[job.class as usize] += u128::from(cx.now.since(job.entered).0);
                leave(job, cx);
            }
        } else {
            self.front.repair(cx.now);
        }
        self.again(Event::Outage(!begins), if begins { 5.0 } else { 100.0 }, cx);
    }

    fn speed(&mut self, slow: bool, cx: &mut Context<'_>) {
        self.back.set_speed(cx.now, if slow { 0.6 } else { 1.0 });
        self.wake(cx);
        self.again(Event::Speed(!slow), 10.0, cx);
    }

    /// Disturbs until the last arrival.
    fn again(&mut self, event: Event, mean: f64, cx: &mut Context<'_>) {
        let gap = self.draw(mean);
        if self.to_come > 0 {
            cx.after(gap, event);
        }
    }
}

fn begin(d: Departure<Job>, cx: &mut Context<'_>) {
    cx.at(d.at, Event::Front(d.ticket));
}

fn leave(job: Job, cx: &mut Context<'_>) {
    cx.record.left += 1;
    cx.record.sojourns += u128::from(cx.now.since(job.born).0);
}

impl Model for Network {
    type Event = Event;
    type Record = Seen;
    fn handle(&mut self, event: Event, cx: &mut Context<'_>) {
        match event {
            Event::Outage(begins) => self.outage(begins, cx),
            Event::Speed(slow) => self.speed(slow, cx),
            Event::Arrive => self.arrive(cx),
            Event::Front(ticket) => self.front_done(ticket, cx),
            Event::Back(epoch) => self.back_done(epoch, cx),
        }
    }
}

#[test]
fn the_area_under_the_jobs_inside_is_the_sum_of_their_stays() {
    // From empty to empty every job inside for one nanosecond adds one to both sides: at each station, for
    // each class, and over the network, where a job is at one station at a time.
    for run in 0..5 {
        let luck = Streams::new(Seed(6), run).stream("network", "all");
        let mut front = Station::new(2, 1);
        front.room = Some(6);
        let network = Network { front, back: Sharing::new(1), luck, to_come: 50_000 };
        let mut sim = Simulation::new(network, Seen::default(), Budget::default());
        sim.start(|_, cx| {
            cx.soon(Event::Arrive);
            cx.soon(Event::Speed(true));
            cx.after(Span::secs(50), Event::Outage(true));
        });
        sim.run_until(SimTime::NEVER).expect("within budget");
        let (seen, now) = (&sim.record, sim.now());
        assert!(sim.model.front.is_empty() && sim.model.back.is_empty());
        assert_eq!((seen.entered, seen.left), (50_000, 50_000));

        let (front, back) = (sim.model.front.integrals(now), sim.model.back.integrals(now));
        assert_eq!(front.class.map(|t| t.inside), seen.front, "run {run}, front");
        assert_eq!(back.area(), seen.back, "run {run}, back");
        assert_eq!(front.area() + back.area(), seen.sojourns, "run {run}, network");
        for tally in front.class {
            assert_eq!(tally.arrivals, tally.refused + tally.completions + tally.drained);
            assert!(tally.refused > 100 && tally.drained > 100, "run {run} shows too little: {tally:?}");
        }
    }
}
