//! What the sampled world may not do to the world that always runs.

use super::super::Load;
use super::rig::*;
use crate::ids::{HostId, VmId};
use crate::scenario::StorageDesign;
use sim_core::{Bytes, Rate};

fn failing(micro: bool) -> Sim {
    let mut sim = build(&scenario(6, StorageDesign::Replicated(copies(2, 8)), profile(AHV)), 31);
    attach(&mut sim, 6, Bytes::gib(20), OLTP);
    if micro {
        oltp(&mut sim, 0);
        sim.start(|rig, cx| rig.storage.set_window(true, &mut rig.infra, cx));
    }
    sim.run_until(seconds(2)).expect("within budget");
    sim.start(|rig, cx| {
        rig.infra.hosts[HostId(5)].up = false;
        rig.infra.fabric.fail(crate::fabric::Part::Host(HostId(5)), cx);
        rig.storage.set_ingest(HostId(1), Rate(100_000_000), &mut rig.infra, cx);
        rig.storage.fail_host(HostId(5), &mut rig.infra, cx);
    });
    sim.model.until = seconds(12);
    sim.run_until(seconds(120)).expect("within budget");
    sim
}

#[test]
fn requests_leave_no_trace_in_the_macroscopic_world() {
    let (with, without) = (failing(true), failing(false));
    assert!(with.events() > 10 * without.events());
    assert_eq!(with.digests().macroscopic, without.digests().macroscopic);
    assert_ne!(with.digests().microscopic, without.digests().microscopic);
}

#[test]
fn a_vm_that_asks_for_nothing_changes_no_load() {
    let offered = |idle: bool| {
        let mut sim = build(&scenario(6, StorageDesign::Replicated(copies(2, 8)), profile(AHV)), 32);
        attach(&mut sim, 11, Bytes::ZERO, OLTP);
        if idle {
            sim.start(|rig, cx| {
                rig.storage.attach(VmId(40), "a", Bytes::ZERO, HostId(2), true, &mut rig.infra, cx);
                rig.storage.set_load(VmId(40), Load::default(), &mut rig.infra, cx);
            });
        }
        sim.run_until(seconds(5)).expect("within budget");
        let pool = sim.model.storage.state.pool(crate::ids::Side::Target).expect("replicated");
        let cores: Vec<u64> = pool.nodes.iter().map(|n| n.cores.to_bits()).collect();
        (cores, pool.offered.clone())
    };
    assert_eq!(offered(true), offered(false));
}

#[test]
fn bulk_work_is_felt_only_while_a_window_is_open() {
    // 400 MB/s of ingest at 1 MiB steps: 381.5 steps per second, each of which comes to the controller and,
    // when that is done, to a device: 763 arrivals a second. Nobody follows it further.
    let events = |open: bool| {
        let mut sim = build(&scenario(4, StorageDesign::Replicated(copies(2, 8)), profile(AHV)), 33);
        attach(&mut sim, 4, Bytes::gib(20), Load::default());
        sim.start(|rig, cx| {
            rig.storage.set_ingest(HostId(1), Rate(400_000_000), &mut rig.infra, cx);
            rig.storage.set_window(open, &mut rig.infra, cx);
        });
        sim.run_until(seconds(10)).expect("within budget");
        sim.events()
    };
    let felt = (events(true) - events(false)) as f64;
    assert!((felt / 7_629.0 - 1.0).abs() < 0.05, "{felt}");
}
