//! A closed population against mean value analysis and the repairman's birth and death chain.
//!
//! ```text
//! +--> think (one server each) --> station 1 --> ... --> station m --+
//! +------------------------------------------------------------------+
//! ```

use super::check::{exponential, replicate};
use sim_core::station::{Arrival, Departure, Integrals, Priority, Station, Ticket};
use sim_core::{Budget, Class, Cx, Dist, EventKind, Model, SimTime, Simulation, Span, Stream, Streams};

#[derive(Clone, Copy, Debug)]
struct Leave {
    place: u8,
    ticket: Ticket,
}

impl EventKind for Leave {
    fn class(&self) -> Class {
        Class::Completion
    }
    fn kind(&self) -> u32 {
        0
    }
    fn entity(&self) -> u64 {
        u64::from(self.place)
    }
}

/// A customer carries the instant at which it last stopped thinking.
#[derive(Clone, Debug)]
struct Place {
    station: Station<SimTime>,
    law: Dist,
    works: Stream,
}

#[derive(Clone, Debug)]
struct Circle {
    /// The first is where customers think.
    places: Vec<Place>,
}

impl Circle {
    /// `customers` that think for `think` seconds on average and then ask `demands`, all exponential.
    fn new(customers: u32, think: f64, demands: &[f64], streams: &Streams) -> Circle {
        let place = |(i, mean): (usize, &f64)| {
            let servers = if i == 0 { customers } else { 1 };
            let works = streams.stream(&format!("place-{i}"), "work");
            Place { station: Station::new(servers, 0), law: exponential(*mean), works }
        };
        Circle { places: [&[think], demands].concat().iter().enumerate().map(place).collect() }
    }

    fn enter(&mut self, place: u8, customer: SimTime, cx: &mut Cx<'_, Leave, Vec<Span>>) {
        let at = &mut self.places[usize::from(place)];
        let work = at.law.sample_span(&mut at.works);
        if let Arrival::Started(d) = at.station.arrive(cx.now, customer, Priority::Foreground, work) {
            begin(place, d, cx);
        }
    }
}

fn begin(place: u8, d: Departure<SimTime>, cx: &mut Cx<'_, Leave, Vec<Span>>) {
    cx.at(d.at, Leave { place, ticket: d.ticket });
}

impl Model for Circle {
    type Event = Leave;
    /// Time from the end of a thought to the beginning of the next.
    type Record = Vec<Span>;
    fn handle(&mut self, Leave { place, ticket }: Leave, cx: &mut Cx<'_, Leave, Vec<Span>>) {
        let station = &mut self.places[usize::from(place)].station;
        let (since, next) = station.depart(cx.now, ticket).expect("nothing fails here");
        if let Some(d) = next {
            begin(place, d, cx);
        }
        let customer = if place == 0 { cx.now } else { since };
        let following = (usize::from(place) + 1) % self.places.len();
        if following == 0 {
            cx.record.push(cx.now.since(customer));
        }
        self.enter(following as u8, customer, cx);
    }
}

/// What one run shows after a warm-up of a tenth: responses, and the last station's integrals.
fn watch(customers: u32, circle: Circle, seconds: u64) -> (Vec<Span>, Integrals) {
    let mut sim = Simulation::new(circle, Vec::new(), Budget::default());
    sim.start(|m, cx| (0..customers).for_each(|_| m.enter(0, cx.now, cx)));
    let last =
        |sim: &Simulation<Circle>| sim.model.places.last().expect("a place").station.integrals(sim.now());
    sim.run_until(SimTime::ZERO + Span::secs(seconds / 10)).expect("within budget");
    let before = last(&sim);
    sim.record.clear();
    sim.run_until(sim.now() + Span::secs(seconds)).expect("within budget");
    let mut during = last(&sim);
    during.class[0].inside -= before.class[0].inside;
    during.class[0].busy -= before.class[0].busy;
    during.capacity -= before.capacity;
    (sim.record, during)
}

/// Exact mean value analysis (Reiser and Lavenberg 1980): R_i(n) = D_i (1 + Q_i(n - 1)), X = n / (Z + R),
/// Q_i = X R_i. The throughput and the response time of `customers`.
fn mean_values(customers: u32, think: f64, demands: &[f64]) -> (f64, f64) {
    let mut queues = vec![0.0; demands.len()];
    let mut figures = (0.0, 0.0);
    for n in 1..=customers {
        let responses: Vec<f64> = demands.iter().zip(&queues).map(|(d, q)| d * (1.0 + q)).collect();
        let response: f64 = responses.iter().sum();
        let throughput = f64::from(n) / (think + response);
        queues = responses.iter().map(|r| throughput * r).collect();
        figures = (throughput, response);
    }
    figures
}

#[test]
fn a_closed_population_has_the_throughput_of_mean_value_analysis() {
    // The first row by hand: X = 0.331047, R = 5.10362. Two customers without thought at one station of
    // demand 1 keep it busy: X = 1, R = 2.
    assert!((mean_values(5, 10.0, &[1.0, 2.0]).0 - 0.331_047).abs() < 1e-6);
    assert!((mean_values(5, 10.0, &[1.0, 2.0]).1 - 5.103_62).abs() < 1e-5);
    let rows: [(u32, f64, &[f64]); 3] =
        [(5, 10.0, &[1.0, 2.0]), (1, 4.0, &[1.0, 2.0]), (12, 10.0, &[1.0, 1.0, 0.5])];
    for (seed, (customers, think, demands)) in (1..).zip(rows) {
        let seconds = 20_000;
        let [x, r] = replicate(seed, |streams| {
            let circle = Circle::new(customers, think, demands, &streams);
            let (responses, _) = watch(customers, circle, seconds);
            let n = responses.len() as f64;
            [n / seconds as f64, responses.iter().map(|r| r.as_secs()).sum::<f64>() / n]
        });
        let (throughput, response) = mean_values(customers, think, demands);
        x.expect(&format!("throughput of {customers}"), throughput, 0.01);
        r.expect(&format!("response of {customers}"), response, 0.015);
    }
}

#[test]
fn one_repairman_for_five_hosts() {
    // Hosts fail at 0.1 each, one is repaired at a time at rate 1: the weight of k down is
    // 5! / (5 - k)! 0.1^k = 1, 0.5, 0.2, 0.06, 0.012, 0.0012, sum 1.7732. P(all up) = 1 / 1.7732 = 0.563952,
    // E[down] = (0.5 + 0.4 + 0.18 + 0.048 + 0.006) / 1.7732 = 0.639522. The repairman idles when all are up.
    let [down, all_up] = replicate(7, |streams| {
        let (_, repairs) = watch(5, Circle::new(5, 10.0, &[1.0], &streams), 40_000);
        [repairs.area() as f64 / repairs.capacity as f64, 1.0 - repairs.utilisation()]
    });
    down.expect("hosts down", 0.639_522, 0.01);
    all_up.expect("P(all up)", 0.563_952, 0.01);
}
