//! Units that fail and are repaired, and how long their redundancy lasts.
//!
//! ```text
//! unit up --(life)--> failed --> repair crew (k at a time, FCFS) --> up
//! lost while more than `tolerated` are failed; a renewing system is then replaced by a fresh one
//! ```
//! One hour of theory is one simulated second, since simulated time ends after 584 years.

use super::check::{Estimate, RUNS, exponential, replicate};
use sim_core::queue::Handle;
use sim_core::station::{Arrival, Departure, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};

#[derive(Clone, Copy, Debug)]
enum Event {
    Fail(u8),
    Repaired(Ticket),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Fail(_)) { Class::Failure } else { Class::Completion }
    }
    fn kind(&self) -> u32 {
        u32::from(matches!(self, Event::Repaired(_)))
    }
    fn entity(&self) -> u64 {
        if let Event::Fail(unit) = self { u64::from(*unit) } else { 0 }
    }
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// How long each system of a row lasted, in hours.
    lasted: Vec<f64>,
    /// Time with more failed than tolerated.
    lost: Span,
}

#[derive(Clone, Debug)]
struct Unit {
    lives: Stream,
    repairs: Stream,
    /// The failure to come; nothing while failed.
    failure: Option<Handle>,
}

/// What a system is made of: units, failures survived, repairs at a time, mean life and repair in hours.
#[derive(Clone, Copy, Debug)]
struct Plan {
    units: u8,
    tolerated: u32,
    crew: u32,
    life: f64,
    repair: f64,
}

#[derive(Clone, Debug)]
struct System {
    units: Vec<Unit>,
    crew: Station<u8>,
    life: Dist,
    repair: Dist,
    tolerated: u32,
    failed: u32,
    changed: SimTime,
    /// Fresh systems still to come after a loss; without any the lost one is repaired.
    renewals: Option<u64>,
    fresh_since: SimTime,
}

impl System {
    fn new(plan: Plan, renewals: Option<u64>, streams: &Streams) -> System {
        let unit = |i: u8| {
            let name = format!("unit-{i}");
            let (lives, repairs) = (streams.stream(&name, "life"), streams.stream(&name, "repair"));
            Unit { lives, repairs, failure: None }
        };
        System {
            units: (0..plan.units).map(unit).collect(),
            crew: Station::new(plan.crew, 0),
            life: exponential(plan.life),
            repair: exponential(plan.repair),
            tolerated: plan.tolerated,
            failed: 0,
            changed: SimTime::ZERO,
            renewals,
            fresh_since: SimTime::ZERO,
        }
    }

    fn run(self, hours: SimTime) -> Simulation<System> {
        let mut sim = Simulation::new(self, Seen::default(), Budget::default());
        sim.start(|m, cx| m.refresh(cx));
        sim.run_until(hours).expect("within budget");
        sim
    }

    /// Every unit is up and as good as any, for their lives have no memory.
    fn refresh(&mut self, cx: &mut Cx<'_, Event, Seen>) {
        self.crew.fail(cx.now);
        self.crew.repair(cx.now);
        self.failed = 0;
        self.fresh_since = cx.now;
        (0..self.units.len()).for_each(|i| self.live(i as u8, cx));
    }

    fn live(&mut self, unit: u8, cx: &mut Cx<'_, Event, Seen>) {
        let it = &mut self.units[usize::from(unit)];
        if let Some(old) = it.failure.take() {
            cx.cancel(old);
        }
        it.failure = Some(cx.after(self.life.sample_span(&mut it.lives), Event::Fail(unit)));
    }

    fn fail(&mut self, unit: u8, cx: &mut Cx<'_, Event, Seen>) {
        self.failed += 1;
        let it = &mut self.units[usize::from(unit)];
        it.failure = None;
        if let (Some(left), true) = (&mut self.renewals, self.failed > self.tolerated) {
            cx.record.lasted.push(cx.now.since(self.fresh_since).as_secs());
            *left -= 1;
            if *left == 0 {
                self.units.iter_mut().filter_map(|u| u.failure.take()).for_each(|h| cx.cancel(h));
                self.crew.fail(cx.now);
            } else {
                self.refresh(cx);
            }
            return;
        }
        let work = self.repair.sample_span(&mut it.repairs);
        if let Arrival::Started(d) = self.crew.arrive(cx.now, unit, Priority::Foreground, work) {
            begin(d, cx);
        }
    }

    fn repaired(&mut self, ticket: Ticket, cx: &mut Cx<'_, Event, Seen>) {
        let Some((unit, next)) = self.crew.depart(cx.now, ticket) else { return }; // replaced meanwhile
        if let Some(d) = next {
            begin(d, cx);
        }
        self.failed -= 1;
        self.live(unit, cx);
    }
}

fn begin(d: Departure<u8>, cx: &mut Cx<'_, Event, Seen>) {
    cx.at(d.at, Event::Repaired(d.ticket));
}

impl Model for System {
    type Event = Event;
    type Record = Seen;
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, Seen>) {
        if self.failed > self.tolerated {
            cx.record.lost += cx.now.since(self.changed);
        }
        self.changed = cx.now;
        match event {
            Event::Fail(unit) => self.fail(unit, cx),
            Event::Repaired(ticket) => self.repaired(ticket, cx),
        }
    }
}

#[test]
fn unavailability_of_units_repaired_independently() {
    // One of MTBF 1000 h and MTTR 10 h: down 10 / 1010 = 1 - 0.990099. Three of four, each up A = 0.99 of the
    // time and with a crew of its own: up A^4 + 4 A^3 (1 - A) = 0.99940797, down 0.00059203. The complement is
    // compared: it leaves nowhere to hide.
    let rows = [
        (Plan { units: 1, tolerated: 0, crew: 1, life: 1000.0, repair: 10.0 }, 10.0 / 1010.0, 2e7, 0.02),
        (Plan { units: 4, tolerated: 1, crew: 4, life: 990.0, repair: 10.0 }, 0.000_592_03, 8e6, 0.04),
    ];
    for (seed, (plan, theory, hours, share)) in (31..).zip(rows) {
        let [down] = replicate(seed, |streams| {
            let end = SimTime::ZERO + Span::from_secs_f64(hours);
            let sim = System::new(plan, None, &streams).run(end);
            [sim.record.lost.as_secs() / hours]
        });
        down.expect(&format!("down, {} units", plan.units), theory, share);
    }
}

/// How long systems last: `losses` of them, in [`RUNS`] rows that are independent; so is each life in a row.
fn lasting(seed: u64, plan: Plan, losses: u64) -> Estimate {
    let [last] = replicate(seed, |streams| {
        let each = losses / RUNS;
        let sim = System::new(plan, Some(each), &streams).run(SimTime::NEVER);
        assert_eq!(sim.record.lasted.len() as u64, each);
        [sim.record.lasted.iter().sum::<f64>() / each as f64]
    });
    last
}

#[test]
fn the_first_of_ten_fails_after_a_tenth_of_a_life() {
    // The minimum of 10 exponentials of mean 1000 h is exponential of mean 100 h.
    let plan = Plan { units: 10, tolerated: 0, crew: 1, life: 1000.0, repair: 10.0 };
    lasting(41, plan, 200_000).expect("first failure", 100.0, 0.015);
}

/// Mean time to loss of the birth and death chain: from i failed the next is i + 1 at rate (n - i) lambda or
/// i - 1 at rate min(i, crew) mu. With h_i the mean time from i to i + 1,
/// h_i = (1 + down_i h_{i-1}) / up_i, since every step down has to be climbed again; the sum is the answer.
fn mean_time_to_loss(plan: Plan) -> f64 {
    let mut climb = 0.0;
    (0..=plan.tolerated)
        .map(|i| {
            let up = f64::from(u32::from(plan.units) - i) / plan.life;
            let down = f64::from(i.min(plan.crew)) / plan.repair;
            climb = (1.0 + down * climb) / up;
            climb
        })
        .sum()
}

/// RF2 pair; RF3 repaired one by one and at once; RF2 declustered over four, where any two share data.
const PLANS: [(u8, u32, u32); 4] = [(2, 1, 1), (3, 2, 1), (3, 2, 3), (4, 1, 1)];

fn plan((units, tolerated, crew): (u8, u32, u32), life: f64) -> Plan {
    Plan { units, tolerated, crew, life, repair: 10.0 }
}

#[test]
fn the_chain_gives_the_textbook_figures() {
    // lambda 1e-3, mu 0.1 per hour. Pair: (3 lambda + mu) / (2 lambda^2) = 51,500; declustered:
    // (7 lambda + mu) / (12 lambda^2) = 8,916.67.
    for (shape, hours) in PLANS.into_iter().zip([51_500.0, 1_735_166.67, 3_451_833.33, 8_916.67]) {
        let got = mean_time_to_loss(plan(shape, 1000.0));
        assert!((got / hours - 1.0).abs() < 1e-6, "{shape:?}: {got}");
    }
}

#[test]
fn time_to_data_loss() {
    // Losses are nearly exponential, so four errors are 4 / sqrt(losses): what a second can afford.
    for (seed, (shape, losses, share)) in (51..).zip([(PLANS[0], 80_000, 0.02), (PLANS[3], 80_000, 0.02)]) {
        let plan = plan(shape, 1000.0);
        lasting(seed, plan, losses).expect(&format!("{shape:?}"), mean_time_to_loss(plan), share);
    }
}

#[test]
fn time_to_data_loss_of_three_replicas_repaired_one_by_one() {
    let plan = plan(PLANS[1], 1000.0);
    lasting(61, plan, 2_000).expect("serial", mean_time_to_loss(plan), 0.12);
}

#[test]
fn time_to_data_loss_of_three_replicas_repaired_at_once() {
    let plan = plan(PLANS[2], 1000.0);
    lasting(62, plan, 1_000).expect("parallel", mean_time_to_loss(plan), 0.18);
}

#[test]
fn time_to_data_loss_of_units_that_fail_often() {
    // With lives of 50 h each plan loses data often enough to be known to 2 %.
    for (seed, shape) in (71..).zip(PLANS) {
        let plan = plan(shape, 50.0);
        lasting(seed, plan, 80_000).expect(&format!("{shape:?}"), mean_time_to_loss(plan), 0.02);
    }
}
