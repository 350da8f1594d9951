//! A k-server station under load: what one request costs at one stage.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim_core::station::{Arrival, Priority, Station, Ticket};
use sim_core::{Dist, Seed, SimTime, Streams};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

fn station(c: &mut Criterion) {
    const JOBS: u64 = 100_000;
    let mut group = c.benchmark_group("station");
    group.throughput(Throughput::Elements(JOBS)).sample_size(20);
    for servers in [1, 12] {
        group.bench_function(BenchmarkId::new("fcfs", servers), |b| b.iter(|| jobs(servers, JOBS)));
    }
    group.finish();
}

criterion_group!(benches, station);
criterion_main!(benches);
