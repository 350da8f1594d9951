//! Making lost copies again: how long it takes, what is unavailable meanwhile.

use super::super::Load;
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
    // At most 50 MB/s per node and direction: T = D / (survivors x 50 MB/s), after 1 s of detection.
    let time = |hosts: u16| {
        let sim =
            filled(hosts, design(2, Throttle::Fixed(Rate(50_000_000))), prompt(AHV), Bytes(200_000_000_000));
        rebuild_time(sim, 2_000) - 1.0
    };
    let bound = |survivors: f64| 200e9 / (survivors * 50e6);
    let (few, many) = (time(9), time(17));
    for (time, bound) in [(few, bound(8.0)), (many, bound(16.0))] {
        // A node's lost share itself is within 12 % of even.
        assert!(time > 0.88 * bound && time < 1.15 * bound, "{time} s against {bound} s");
    }
    assert!((few / many - 2.0).abs() < 0.3, "{few} s and {many} s");
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
    assert!((shared_bytes / 0.4545e12 - 1.0).abs() < 0.25, "{shared_bytes}");
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
    assert!(sim.is_idle());
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
