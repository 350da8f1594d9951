//! Making lost copies again: how long it takes, what is unavailable meanwhile.

use super::super::{Load, Op};
use super::rig::*;
use crate::ids::{HostId, Side, VmId};
use crate::metric::Metric;
use crate::profile::Profile;
use crate::scenario::{Replicated, StorageDesign, Throttle};
use sim_core::{Bytes, Rate, Span};

/// A profile whose failures are noticed and scanned at once and whose controllers are never the limit.
fn prompt(text: &str) -> Profile {
    let mut p = profile(text);
    p.storage.detection = sim_core::Dist::constant(1.0).expect("a law");
    p.storage.scan = sim_core::Dist::constant(0.0).expect("a law");
    p
}

/// A cluster with this much on each node, copies included.
fn filled(hosts: u16, design: Replicated, p: Profile, per_node: Bytes) -> Sim {
    let data = per_node * u64::from(hosts) / u64::from(design.copies);
    let mut sim = build(&scenario(hosts, StorageDesign::Replicated(design), p), 21);
    attach(&mut sim, u32::from(hosts), data / u64::from(hosts), Load::default());
    sim.run_until(seconds(1)).expect("within budget");
    sim
}

fn kill(sim: &mut Sim, host: u16) {
    sim.start(|rig, cx| {
        rig.infra.hosts[HostId(host)].up = false;
        rig.infra.fabric.fail(crate::fabric::Part::Host(HostId(host)), cx);
        for vm in 0..rig.infra.hosts.len() as u32 {
            // High availability moves the VM and with it its data's owner.
            if vm == u32::from(host) {
                let next = HostId((host + 1) % rig.infra.hosts.len() as u16);
                let disk = rig.storage.state.disks.get(VmId(vm)).expect("attached").bytes;
                rig.storage.attach(VmId(vm), &format!("vm-{vm}"), disk, next, false, &mut rig.infra, cx);
            }
        }
        rig.storage.fail_host(HostId(host), &mut rig.infra, cx);
    });
}

/// Seconds from the death of a node to full redundancy.
fn rebuild_time(mut sim: Sim, limit: u64) -> f64 {
    kill(&mut sim, 0);
    sim.run_until(seconds(limit)).expect("within budget");
    let pool = sim.model.storage.state.pool(Side::Target).expect("replicated");
    assert!(pool.groups.whole(), "redundant again within {limit} s");
    per_run(&sim, Metric::RebuildTime).expect("recorded") as f64 / 1e9
}

fn design(rf: u8, throttle: Throttle) -> Replicated {
    Replicated { throttle, ..copies(rf, 12) }
}

#[test]
fn a_rebuild_meets_its_bound_and_halves_with_twice_the_survivors() {
    // At most 50 MB/s per node and direction: T = D / (survivors x 50 MB/s), after 1 s of detection, where D
    // is what the dead node held.
    let time = |hosts: u16| {
        let sim =
            filled(hosts, design(2, Throttle::Fixed(Rate(50_000_000))), prompt(AHV), Bytes(200_000_000_000));
        let bound = held(&sim, 0) / (f64::from(hosts - 1) * 50e6);
        (rebuild_time(sim, 2_000) - 1.0, bound)
    };
    let (few, many) = (time(9), time(17));
    for (time, bound) in [few, many] {
        assert!(time >= bound * 0.999 && time < 1.03 * bound, "{time} s against {bound} s");
    }
    assert!((few.0 / many.0 / (few.1 / many.1) - 1.0).abs() < 0.03, "{few:?} s and {many:?} s");
    // What nodes hold is within 3 % of even here, so that twice the survivors halve the time.
    assert!((few.0 / many.0 - 2.0).abs() < 0.15, "{few:?} s and {many:?} s");
}

#[test]
fn copies_are_dealt_anew_when_a_node_becomes_slow() {
    // 100 MB/s per node, both directions: D = 200 GB on 8 survivors take 500 s. Half-way guests take a third of node
    // 1, and 7 2/3 nodes make the other half: 250 x 8 / 7.667 = 261 s more. Node 1 would need 375 s for its own half.
    let throttle = Throttle::MClock { reservation: 0.5, weight: 0.0, limit: 1.0 };
    let mut p = prompt(AHV);
    p.storage.data_write_rate = Rate(25_000_000);
    let mut sim = filled(9, design(2, throttle), p, Bytes(200_000_000_000));
    let most = held(&sim, 0) / (8.0 * 50e6);
    kill(&mut sim, 0);
    sim.run_until(seconds(252)).expect("within budget");
    // A third of 12 cores at 100 us per read.
    let busy = Load { reads_per_s: 40_000.0, writes_per_s: 0.0, mean_bytes: 4096.0 };
    sim.start(|rig, cx| rig.storage.set_load(VmId(1), busy, &mut rig.infra, cx));
    sim.run_until(seconds(1_000)).expect("within budget");
    assert!(sim.model.storage.state.pool(Side::Target).expect("replicated").groups.whole());
    let time = per_run(&sim, Metric::RebuildTime).expect("recorded") as f64 / 1e9 - 1.0;
    let least = 250.0 + (most - 250.0) * 8.0 / (8.0 - 1.0 / 3.0);
    assert!(time >= 0.999 * least && time < 1.03 * least, "{time} s against {least} s");
}

#[test]
fn every_survivor_does_its_share() {
    // Nutanix Bible: each of N survivors does 1/N of the work; standard deviation below 5 % of the mean.
    let mut sim = filled(11, design(2, Throttle::Cap(0.25)), prompt(AHV), Bytes(5_000_000_000_000));
    kill(&mut sim, 4);
    sim.run_until(seconds(60)).expect("within budget");
    let pool = sim.model.storage.state.pool(Side::Target).expect("replicated");
    let rates: Vec<f64> = pool.nodes.iter().filter(|n| n.serves()).map(|n| n.copied.as_f64()).collect();
    let mean = mean(&rates);
    let sd = (rates.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / rates.len() as f64).sqrt();
    assert!(rates.len() == 10 && mean > 1e8 && sd < 0.05 * mean, "{rates:?}");
}

#[test]
fn an_adaptive_throttle_gives_way_to_guests() {
    // Marks below any latency: halved every 10 s to 1/64. Marks above: full speed.
    let pace = |mark: Span| {
        let adaptive = Throttle::Adaptive { high: mark, low: mark / 2 };
        let mut sim = filled(4, design(2, adaptive), prompt(AHV), Bytes(2_000_000_000_000));
        kill(&mut sim, 0);
        sim.run_until(seconds(100)).expect("within budget");
        sim.model.storage.state.pool(Side::Target).expect("replicated").rebuild.pace
    };
    assert_eq!((pace(Span::us(1)), pace(Span::secs(1))), (1.0 / 64.0, 1.0));
}

/// Bytes that a node holds.
fn held(sim: &Sim, node: u16) -> f64 {
    let groups = &sim.model.storage.state.pool(Side::Target).expect("replicated").groups;
    groups.iter().filter(|(_, s)| s.node == node).map(|(id, _)| groups.size(id.group).as_f64()).sum()
}

#[test]
fn twelve_hybrid_nodes_make_five_terabytes_again_in_half_an_hour() {
    // Published: RF3, 12 to 11 nodes, 5 TB in 30 min; with a cap of 25 %: 25-40 min.
    let mut s = scenario(12, StorageDesign::Replicated(design(3, Throttle::Cap(0.25))), profile(HYBRID));
    s.target.nics.rate = Rate::gbps(10);
    let mut sim = build(&s, 22);
    attach(&mut sim, 12, Bytes(5_000_000_000_000 / 3), Load::default());
    sim.run_until(seconds(1)).expect("within budget");
    let minutes = rebuild_time(sim, 4 * 3600) / 60.0;
    assert!((25.0..40.0).contains(&minutes), "{minutes} min");
}

#[test]
fn a_second_failure_takes_what_is_not_copied_yet() {
    // RF2, 12 nodes of 5 TB: what two nodes share is D / 11 = 0.4545 TB; at half time half of it is copied:
    // 0.227 TB (5 %) cannot be read. With RF3 nothing is unavailable.
    let half = |rf: u8| {
        let limit = Throttle::Fixed(Rate(200_000_000));
        let mut sim = filled(12, design(rf, limit), prompt(AHV), Bytes(5_000_000_000_000));
        kill(&mut sim, 0);
        // 5 TB / (11 x 200 MB/s) = 2,273 s, after 1 s of detection at second 1.
        sim.run_until(seconds(2 + 1136)).expect("within budget");
        let shared = shared(&sim, 0, 1);
        kill(&mut sim, 1);
        let lost = per_run(&sim, Metric::UnavailableBytes).unwrap_or(0) as f64;
        (lost, shared, sim)
    };
    let (unavailable, shared_bytes, mut sim) = half(2);
    assert!((unavailable / 0.2273e12 - 1.0).abs() < 0.05, "{unavailable} of {shared_bytes}");
    // The two nodes drawn share a little more than the average pair, and flows differ a little in pace.
    assert!((unavailable / (shared_bytes / 2.0) - 1.0).abs() < 0.12, "{unavailable} of {shared_bytes}");
    assert_eq!(per_run(&sim, Metric::LostBytes), Some(0), "the devices still hold it");
    assert_eq!(half(3).0, 0.0);
    // The second node returns: everything can be read and copied again.
    sim.run_until(seconds(2_000)).expect("within budget");
    sim.start(|rig, cx| {
        rig.infra.hosts[HostId(1)].up = true;
        rig.infra.fabric.repair(crate::fabric::Part::Host(HostId(1)), cx);
        rig.storage.repair_host(HostId(1), &mut rig.infra, cx);
    });
    sim.run_until(seconds(6_000)).expect("within budget");
    sim.start(|rig, cx| rig.storage.finish(cx));
    let pool = sim.model.storage.state.pool(Side::Target).expect("replicated");
    assert!(pool.groups.whole());
    let exposed = per_run(&sim, Metric::Exposure).expect("recorded") as f64 / 1e9;
    assert!(exposed > 1_100.0 && exposed < 6_000.0, "{exposed} s");
}

/// Bytes of groups with a copy on both nodes.
fn shared(sim: &Sim, a: u16, b: u16) -> f64 {
    let groups = &sim.model.storage.state.pool(Side::Target).expect("replicated").groups;
    let on = |g: u32, n: u16| groups.of(g).iter().any(|s| s.node == n);
    (0..groups.count()).filter(|&g| on(g, a) && on(g, b)).map(|g| groups.size(g).as_f64()).sum()
}

#[test]
fn a_node_that_returns_ends_the_copying() {
    let mut sim =
        filled(4, design(2, Throttle::Fixed(Rate(50_000_000))), prompt(AHV), Bytes(200_000_000_000));
    kill(&mut sim, 0);
    sim.run_until(seconds(60)).expect("within budget");
    sim.start(|rig, cx| {
        rig.infra.fabric.repair(crate::fabric::Part::Host(HostId(0)), cx);
        rig.storage.repair_host(HostId(0), &mut rig.infra, cx);
    });
    let pool = sim.model.storage.state.pool(Side::Target).expect("replicated");
    assert!(pool.groups.whole());
    let time = per_run(&sim, Metric::RebuildTime).expect("recorded");
    assert_eq!(time, Span::secs(59).0);
    // Nothing is left to do.
    sim.run_until(seconds(200)).expect("within budget");
    let pool = sim.model.storage.state.pool(Side::Target).expect("replicated");
    assert!(pool.nodes.iter().all(|n| n.copied == Rate::ZERO));
}

#[test]
fn a_dead_device_is_rebuilt_at_once_and_lost_when_all_copies_die() {
    let mut sim = filled(4, design(2, Throttle::Unlimited), prompt(AHV), Bytes(100_000_000_000));
    sim.start(|rig, cx| rig.storage.fail_device(HostId(0), &mut rig.infra, cx));
    sim.run_until(seconds(300)).expect("within budget");
    assert!(sim.model.storage.state.pool(Side::Target).expect("replicated").groups.whole());
    // One of 4 devices of one node: a sixteenth of 400 GB, all of it at one copy until then.
    assert_eq!(per_run(&sim, Metric::LostBytes), None);
    // Two devices of different nodes in the same instant: what both held is gone for good.
    sim.start(|rig, cx| {
        for host in 1..4 {
            (0..4).for_each(|_| rig.storage.fail_device(HostId(host), &mut rig.infra, cx));
        }
    });
    let lost = per_run(&sim, Metric::LostBytes).expect("recorded");
    assert!(lost > 0);
}

#[test]
fn copies_without_room_are_not_made() {
    // 4 nodes filled to 80 %: three cannot take the fourth's, since 4/3 x 80 % > 95 %.
    let d = Replicated { device_capacity: Bytes(100_000_000_000), ..design(2, Throttle::Unlimited) };
    let mut sim = filled(4, d, prompt(AHV), Bytes(320_000_000_000));
    kill(&mut sim, 0);
    sim.run_until(seconds(2_000)).expect("within budget");
    assert!(sim.model.storage.degraded_no_space(Side::Target));
    assert!(!sim.model.storage.state.pool(Side::Target).expect("replicated").groups.whole());
}

#[test]
fn full_nodes_refuse_writes_until_there_is_room() {
    // 4 x 100 GB at 80 %: the copies of the lost node fill the other three to 95 %, and writes have no place then.
    // The node comes back with its data: 80 % again.
    let d = Replicated { device_capacity: Bytes(25_000_000_000), ..design(2, Throttle::Unlimited) };
    let mut sim = filled(4, d, prompt(AHV), Bytes(80_000_000_000));
    client(&mut sim, 1, (50.0, 50.0), 8, (8192, 0.0));
    let done = |sim: &Sim, op: Op, from: u64, to: u64| {
        let all = sim.model.seen.iter().filter(|s| s.0 >= seconds(from) && s.0 < seconds(to));
        all.filter(|s| s.1 == op).count()
    };
    kill(&mut sim, 0);
    sim.run_until(seconds(60)).expect("within budget");
    assert!(sim.model.storage.degraded_no_space(Side::Target));
    assert_eq!(done(&sim, Op::Write, 50, 60), 0);
    // All eight places end with a write that is refused, and reads behind them.
    assert_eq!(sim.model.storage.census().hanging, 8);
    sim.start(|rig, cx| {
        rig.infra.hosts[HostId(0)].up = true;
        rig.infra.fabric.repair(crate::fabric::Part::Host(HostId(0)), cx);
        rig.storage.repair_host(HostId(0), &mut rig.infra, cx);
    });
    sim.run_until(seconds(70)).expect("within budget");
    assert_eq!(sim.model.storage.census().hanging, 0);
    let rate = done(&sim, Op::Write, 62, 70) as f64 / 8.0;
    assert!((rate / 50.0 - 1.0).abs() < 0.25, "{rate} writes per second");
}
