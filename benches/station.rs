//! A k-server station under load: what one request costs at one stage, when its end is an event and when it is
//! told at arrival; and how many events a request of a whole scenario comes to.
//!
//! A write of two copies takes 2 events while its controllers have servers to spare (its arrival and its
//! answer; storage/tests/healthy.rs holds it to less than 3), 5 when they are so busy that each of the three
//! controller visits must wait for its turn, and 7 when the log devices are, too.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::station::{Arrival, Foretold, Priority, Station, Ticket};
use sim_core::{Dist, Seed, SimTime, Streams};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::path::Path;

/// Jobs through one station, 80 % busy, departures in a small heap of their own.
fn jobs(servers: u32, count: u64) -> u64 {
    let mut luck = Streams::new(Seed(1), 0).stream("station", "bench");
    let gap = Dist::exponential(1.0 / (0.8 * f64::from(servers))).expect("a positive mean");
    let work = Dist::log_normal_mean_cv(1.0, 0.5).expect("a possible law");
    let mut station: Station<u64> = Station::new(servers, servers);
    let mut departures: BinaryHeap<Reverse<(SimTime, u64)>> = BinaryHeap::new();
    let mut tickets: Vec<Option<Ticket>> = vec![None; count as usize];
    let mut now = SimTime::ZERO;
    for job in 0..count {
        now += gap.sample_span(&mut luck);
        while let Some(&Reverse((at, done))) = departures.peek().filter(|d| d.0.0 <= now) {
            departures.pop();
            let ticket = tickets[done as usize].take().expect("a departure has a ticket");
            if let Some((_, Some(next))) = station.depart(at, ticket) {
                tickets[next.job as usize] = Some(next.ticket);
                departures.push(Reverse((next.at, next.job)));
            }
        }
        if let Arrival::Started(d) =
            station.arrive(now, job, Priority::Foreground, work.sample_span(&mut luck))
        {
            tickets[job as usize] = Some(d.ticket);
            departures.push(Reverse((d.at, d.job)));
        }
    }
    station.len() as u64
}

/// The same jobs through a station that tells the end of each when it comes.
fn foretold(servers: u32, count: u64) -> SimTime {
    let mut luck = Streams::new(Seed(1), 0).stream("station", "bench");
    let gap = Dist::exponential(1.0 / (0.8 * f64::from(servers))).expect("a positive mean");
    let work = Dist::log_normal_mean_cv(1.0, 0.5).expect("a possible law");
    let mut station: Foretold<u64> = Foretold::new(servers, servers);
    let (mut now, mut last) = (SimTime::ZERO, SimTime::ZERO);
    for _ in 0..count {
        now += gap.sample_span(&mut luck);
        last = last.max(station.arrive(now, work.sample_span(&mut luck)).expect("the station is up"));
    }
    last
}

/// Events per request of one whole future, those of the always running world included.
fn events_per_request() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/node-loss.ron");
    let scenario = sim_cli::load::scenario(&file).expect("a shipped scenario is sound").typical;
    let run = sim_models::run::play(&scenario, Seed(1), 0, false).expect("inside the budget");
    let each = run.events as f64 / run.requests as f64;
    println!("node-loss: {} requests, {} events, {each:.2} events per request", run.requests, run.events);
}

fn station(c: &mut Criterion) {
    events_per_request();
    const JOBS: u64 = 100_000;
    let mut group = c.benchmark_group("station");
    group.throughput(Throughput::Elements(JOBS)).sample_size(20);
    for servers in [1, 12] {
        group.bench_function(BenchmarkId::new("fcfs", servers), |b| b.iter(|| jobs(servers, JOBS)));
        group.bench_function(BenchmarkId::new("foretold", servers), |b| {
            b.iter(|| foretold(black_box(servers), JOBS))
        });
    }
    group.finish();
}

criterion_group!(benches, station);
criterion_main!(benches);
