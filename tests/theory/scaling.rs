//! Stretching every gap and every work by a whole factor stretches every time by it: no constant of time is
//! hidden in the kernel, in an event queue, or in a station.

use super::queue::Queue;
use sim_core::station::Sharing;
use sim_core::{Seed, SimTime, Span, Streams};

/// When everything happened and how long each job stayed.
fn run(servers: u32, stretch: u64) -> (SimTime, Vec<Span>) {
    let mut queue = Queue::new(0.9 * f64::from(servers), 100_000, &Streams::new(Seed(4), u64::from(servers)));
    queue.station = sim_core::station::Station::new(servers, 0);
    queue.stretch = stretch;
    let mut sim = queue.simulation();
    sim.run_until(SimTime::NEVER).expect("within budget");
    (sim.now(), sim.record.sojourns)
}

#[test]
fn a_station_scales_to_the_nanosecond() {
    // Departures are sums of gaps and works, in the order of the jobs: every sum is an exact multiple.
    for servers in [1, 3] {
        let (_, plain) = run(servers, 1);
        assert_eq!(plain.len(), 100_000);
        for stretch in [2, 7, 1_000] {
            let (_, stretched) = run(servers, stretch);
            let expected: Vec<Span> = plain.iter().map(|s| *s * stretch).collect();
            assert!(stretched == expected, "{servers} servers, stretched {stretch} times");
        }
    }
}

/// Departures from a shared station of 2 servers: job i comes at `i` gaps of `stretch` times 700 ns.
fn shared(works: &[u64], stretch: u64) -> Vec<SimTime> {
    let mut station = Sharing::new(2);
    let mut ends = vec![SimTime::NEVER; works.len()];
    let mut come = 0;
    loop {
        let arrival = if come < works.len() { SimTime(come as u64 * 700 * stretch) } else { SimTime::NEVER };
        match station.next_departure().filter(|(at, _)| *at <= arrival) {
            Some((at, epoch)) => ends[station.depart(at, epoch).expect("not stale")] = at,
            None if come == works.len() => return ends,
            None => {
                assert!(station.arrive(arrival, come, Span(works[come] * stretch)));
                come += 1;
            }
        }
    }
}

#[test]
fn equal_shares_scale_to_the_nanosecond_that_reports_them() {
    // A completion at x ns is reported at the next whole one: s x ceil(x) - ceil(s x) lies in [0, s - 1],
    // give or take one for a service that ends on a whole nanosecond but for a rounding.
    let mut stream = Streams::new(Seed(4), 9).stream("jobs", "work");
    let works: Vec<u64> = (0..20_000).map(|_| 1 + stream.below(2_500)).collect();
    let plain = shared(&works, 1);
    for stretch in [2, 7] {
        let late =
            plain.iter().zip(shared(&works, stretch)).map(|(p, s)| (p.0 * stretch) as i64 - s.0 as i64);
        let (least, most) = late.fold((i64::MAX, i64::MIN), |(l, m), x| (l.min(x), m.max(x)));
        assert!(-1 <= least && most <= stretch as i64, "stretched {stretch} times: {least} to {most} ns");
    }
}
