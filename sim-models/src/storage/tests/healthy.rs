//! The path of a request with nothing broken, against published and closed-form figures.

use super::super::{Load, Op};
use super::rig::*;
use crate::record::Tally;
use crate::scenario::{Raid, Replicated, San, StorageDesign};
use sim_core::{Bytes, Rate, SimTime};

#[test]
fn the_2015_hybrid_cluster_matches_the_published_latencies() {
    // vdbench logs of nutanix/curie: 4 nodes, one OLTP VM each at 4,200 IOPS: read 1.25 ms, write 1.18 ms
    // (10 %), sd about 1.05 ms (0.8-1.3), worst per second about 16 ms (12-22).
    let design = Replicated { devices: 2, ..copies(2, 6) };
    let mut s = scenario(4, StorageDesign::Replicated(design), profile(HYBRID));
    s.target.nics.rate = Rate::gbps(10);
    let mut sim = build(&s, 1);
    attach(&mut sim, 4, Bytes::gib(200), OLTP);
    (0..4).for_each(|vm| oltp(&mut sim, vm));
    sim.model.until = seconds(22);
    sim.run_until(seconds(30)).expect("within budget");
    let [reads, writes] = [Op::Read, Op::Write].map(|op| latencies(&sim, op, seconds(2)));
    let (read, write) = (mean(&reads), mean(&writes));
    assert!((1.125..1.375).contains(&read), "read {read} ms");
    assert!((1.062..1.298).contains(&write), "write {write} ms");
    let all: Vec<f64> = reads.iter().chain(&writes).copied().collect();
    let m = mean(&all);
    let sd = (all.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / all.len() as f64).sqrt();
    assert!((0.8..1.3).contains(&sd), "sd {sd} ms");
    let worst = worst_per_second(&sim, 2..22);
    assert!((12.0..22.0).contains(&worst), "worst per second {worst} ms");
    // Little's law in a run whose clients never wait: 4,200 requests per second and VM come out.
    let rate = all.len() as f64 / 20.0 / 4.0;
    assert!((rate / 4200.0 - 1.0).abs() < 0.01, "{rate} IOPS per VM");
}

/// Mean over seconds and VMs of the worst request, in ms: what vdbench prints per interval.
fn worst_per_second(sim: &Sim, range: std::ops::Range<usize>) -> f64 {
    let (from, seconds) = (range.start, range.len());
    let mut worst = vec![[0u64; 4]; seconds];
    for &(at, _, latency, client) in &sim.model.seen {
        let second = (at.0 / 1_000_000_000) as usize;
        if range.contains(&second) {
            let cell = &mut worst[second - from][sim.model.clients[client].vm.index()];
            *cell = latency.max(*cell);
        }
    }
    let all: Vec<f64> = worst.iter().flatten().map(|&w| w as f64 / 1e6).collect();
    mean(&all)
}

/// All-flash nodes, an OLTP VM each; latencies in ms after 1 s.
fn all_flash(nodes: u16, rf: u8, vcpus: u32, scale: f64, length: u64) -> [Vec<f64>; 2] {
    let s = scenario(nodes, StorageDesign::Replicated(copies(rf, vcpus)), profile(AHV));
    let mut sim = build(&s, 2);
    let load = Load { reads_per_s: 2000.0 * scale, writes_per_s: 2200.0 * scale, mean_bytes: 11_703.0 };
    attach(&mut sim, nodes.into(), Bytes::gib(200), load);
    for vm in 0..nodes.into() {
        client(&mut sim, vm, (2000.0 * scale, 2000.0 * scale), 200, (32_768, 0.1));
        client(&mut sim, vm, (0.0, 200.0 * scale), 50, (32_768, 1.0));
    }
    sim.run_until(seconds(1 + length)).expect("within budget");
    [Op::Read, Op::Write].map(|op| latencies(&sim, op, seconds(1)))
}

#[test]
fn an_all_flash_cluster_matches_the_prototype() {
    // An independent prototype of the same model: 8 nodes of 4,200 IOPS. Write, RF2: mean 0.38, P99 0.74;
    // RF3: 0.41, 0.77; read 0.23, 0.48 ms. It had no messages' sizes and no host queues: 15 % on means.
    let [read, write] = all_flash(8, 2, 8, 1.0, 3);
    let [_, write3] = all_flash(8, 3, 8, 1.0, 3);
    let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.15;
    assert!(near(mean(&write), 0.38), "write {}", mean(&write));
    assert!(near(mean(&write3), 0.41), "write RF3 {}", mean(&write3));
    assert!(near(mean(&read), 0.23), "read {}", mean(&read));
    assert!(near(quantile(&write, 0.99), 0.74), "write P99 {}", quantile(&write, 0.99));
    assert!(near(quantile(&write3, 0.99), 0.77), "write RF3 P99 {}", quantile(&write3, 0.99));
    assert!(near(quantile(&read, 0.99), 0.48), "read P99 {}", quantile(&read, 0.99));
}

#[test]
fn fewer_controller_cores_raise_the_tail() {
    // 25,000 IOPS per node, RF2: the load on c vCPUs is 4.92 / c, so 0.62 at 8 and 0.98 at 5, and P99 rises.
    let p99 = |vcpus| quantile(&all_flash(3, 2, vcpus, 25.0 / 4.2, 1)[1], 0.99);
    let (eight, six, five) = (p99(8), p99(6), p99(5));
    assert!(six > 1.1 * eight && five > 1.3 * six, "P99 {eight}, {six}, {five} ms");
}

#[test]
fn bytes_are_counted_exactly() {
    // Drain off: device bytes are RF times, network bytes RF - 1 times what guests wrote.
    for rf in [2, 3] {
        let mut p = profile(AHV);
        p.storage.drain_share = 0.0;
        let mut sim = build(&scenario(4, StorageDesign::Replicated(copies(rf, 8)), p), 3);
        attach(&mut sim, 4, Bytes::gib(100), OLTP);
        oltp(&mut sim, 0);
        sim.model.until = seconds(1);
        sim.run_until(SimTime::NEVER).expect("within budget");
        let written = total(&sim, Tally::GuestWritten);
        assert!(written > 20_000_000, "{written}");
        assert_eq!(total(&sim, Tally::DeviceWritten), u64::from(rf) * written);
        assert_eq!(total(&sim, Tally::NetworkSent), (u64::from(rf) - 1) * written);
        let census = sim.model.storage.census();
        assert_eq!((census.inside, census.vanished), (0, 0));
        assert_eq!(census.entered, census.completed);
        assert_eq!(census.completed as usize, sim.model.seen.len());
    }
}

fn array(luns: u32, lun_depth: u32) -> San {
    San {
        controllers: 2,
        cores_per_controller: 16,
        read_hit: 0.6,
        raid: Raid::Raid6,
        devices: 24,
        luns,
        lun_depth,
        capacity: Bytes::gib(200_000),
    }
}

#[test]
fn an_array_answers_writes_from_its_mirrored_cache() {
    // Idle: hop 25 + network 2 x 10 + controller 60 + mirror 250 = 355 us for a write; a read hits with 0.6:
    // 25 + 20 + 60 + 0.6 x 100 + 0.4 x 95 = 203 us (and a little for the bytes of 32 KiB reads).
    let mut p = profile(ESXI);
    p.storage.slow_share = 0.0;
    let mut sim = build(&scenario(4, StorageDesign::San(array(8, 32)), p), 4);
    attach(&mut sim, 4, Bytes::gib(100), OLTP);
    (0..4).for_each(|vm| client(&mut sim, vm, (1000.0, 1000.0), 32, (32_768, 0.0)));
    sim.model.until = seconds(5);
    sim.run_until(SimTime::NEVER).expect("within budget");
    let [read, write] = [Op::Read, Op::Write].map(|op| mean(&latencies(&sim, op, SimTime::ZERO)));
    assert!((write / 0.355 - 1.0).abs() < 0.02, "write {write} ms");
    assert!((read / 0.203 - 1.0).abs() < 0.02, "read {read} ms");
    // RAID 6 writes data and two parities: 3 x the destaged share.
    let amplification = total(&sim, Tally::DeviceWritten) as f64 / total(&sim, Tally::GuestWritten) as f64;
    assert!((amplification / 2.1 - 1.0).abs() < 0.02, "{amplification}");
    assert_eq!(total(&sim, Tally::NetworkSent), 0);
}

#[test]
fn a_short_queue_on_a_lun_throttles_its_host() {
    // One request at a time through the LUN: throughput is at most 1 / (mean time past the queue), 330 us
    // of the 355 for a write (the hop lies before it), whatever the guest keeps open.
    let mut p = profile(ESXI);
    p.storage.slow_share = 0.0;
    let mut sim = build(&scenario(1, StorageDesign::San(array(1, 1)), p), 5);
    attach(&mut sim, 1, Bytes::gib(100), OLTP);
    client(&mut sim, 0, (0.0, 20_000.0), 32, (32_768, 0.0));
    sim.run_until(seconds(4)).expect("within budget");
    let rate = sim.model.seen.len() as f64 / 4.0;
    assert!((rate * 330e-6 - 1.0).abs() < 0.02, "{rate} writes/s");
}

#[test]
fn a_ceph_like_pool_serves_from_wherever_the_data_lie() {
    // The primary is another host in 3 of 4 cases, so a write crosses the network 1 + 3/4 times at RF2.
    let mut sim = build(&scenario(4, StorageDesign::Replicated(copies(2, 8)), profile(KVM)), 6);
    attach(&mut sim, 4, Bytes::gib(100), OLTP);
    (0..4).for_each(|vm| oltp(&mut sim, vm));
    sim.model.until = seconds(2);
    sim.run_until(SimTime::NEVER).expect("within budget");
    let ratio = total(&sim, Tally::NetworkSent) as f64 / total(&sim, Tally::GuestWritten) as f64;
    assert!((ratio / 1.75 - 1.0).abs() < 0.03, "{ratio}");
}

#[test]
fn a_write_of_two_copies_takes_few_events() {
    // Its arrival and its answer; every station on the way is free enough to be booked, unless what it is
    // booked for lies more than a millisecond ahead. At 2,100 writes per second and node, a controller of 12
    // vCPUs is 5 % busy. With one event per station, two for the legs' messages and one for each drain it
    // would be 11. Events of the always running world are those of the same cluster without the writes.
    let events = |rate: f64| {
        let s = scenario(4, StorageDesign::Replicated(copies(2, 12)), profile(AHV));
        let mut sim = build(&s, 7);
        attach(&mut sim, 4, Bytes::gib(100), OLTP);
        if rate > 0.0 {
            (0..4).for_each(|vm| client(&mut sim, vm, (0.0, rate), 64, (32_768, 0.1)));
        }
        sim.run_until(seconds(2)).expect("within budget");
        (sim.events() as f64, sim.model.seen.len() as f64)
    };
    let ((with, writes), (without, _)) = (events(2_100.0), events(0.0));
    assert!((writes / 16_800.0 - 1.0).abs() < 0.03, "{writes}");
    let each = (with - without) / writes;
    assert!((2.0..3.0).contains(&each), "{each} events per write");
}
