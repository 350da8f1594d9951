//! Nodes, controllers and devices that die under load.

use super::super::Op;
use super::rig::*;
use crate::ids::{HostId, VmId};
use crate::scenario::StorageDesign;
use sim_core::{Bytes, Rate, SimTime};

fn hybrid(seed: u64) -> Sim {
    let mut s = scenario(4, StorageDesign::Replicated(copies(2, 6)), profile(HYBRID));
    s.target.nics.rate = Rate::gbps(10);
    let mut sim = build(&s, seed);
    attach(&mut sim, 4, Bytes::gib(200), OLTP);
    (0..3).for_each(|vm| oltp(&mut sim, vm));
    sim
}

fn balanced(sim: &Sim) {
    let c = sim.model.storage.census();
    assert_eq!(c.entered, c.completed + c.vanished + c.inside, "{c:?}");
}

#[test]
fn writes_hang_until_the_dead_node_is_noticed_and_are_then_sent_again() {
    // One of four nodes dies. 2,200 writes/s choose among three peers, so all 34 places of a surviving VM are
    // soon held by writes to the dead one; they complete when it is noticed, 15-25 s later (published
    // 16.0-24.8 s). Published stall counts per VM: 21-39, at most 34 at once.
    let mut sim = hybrid(11);
    let dead = HostId(3);
    sim.run_until(seconds(3)).expect("within budget");
    let detection = sim.model.storage.detection(dead);
    assert!((15.0..25.0).contains(&detection.as_secs()), "{detection}");
    sim.start(|rig, cx| {
        rig.infra.hosts[dead].up = false;
        rig.infra.fabric.fail(crate::fabric::Part::Host(dead), cx);
        rig.storage.fail_host(dead, &mut rig.infra, cx);
        assert!(rig.storage.stalled(VmId(0)));
    });
    sim.run_until(seconds(10)).expect("within budget");
    let hung = sim.model.storage.census().hanging;
    assert_eq!(hung, 3 * 34, "every place of the three survivors hangs");
    balanced(&sim);
    sim.model.until = seconds(35);
    sim.run_until(seconds(40)).expect("within budget");
    assert!(!sim.model.storage.stalled(VmId(0)));
    balanced(&sim);
    assert_eq!(sim.model.storage.census().hanging, 0);
    for vm in 0..3 {
        let of_vm = sim.model.seen.iter().filter(|s| sim.model.clients[s.3].vm == VmId(vm));
        let long: Vec<u64> = of_vm.map(|s| s.2).filter(|&ns| ns > 5_000_000_000).collect();
        assert_eq!(long.len(), 34, "stalled requests of VM {vm}");
        let worst = *long.iter().max().expect("some") as f64 / 1e9;
        assert!((worst / detection.as_secs() - 1.0).abs() < 0.01, "{worst} s against {detection}");
    }
}

#[test]
fn a_dead_controller_sends_its_host_through_another_one() {
    let mut sim = hybrid(12);
    sim.run_until(seconds(3)).expect("within budget");
    sim.start(|rig, cx| rig.storage.fail_cvm(HostId(0), &mut rig.infra, cx));
    // Redirection takes 15-30 s; until then nothing of VM 0 completes.
    sim.run_until(seconds(17)).expect("within budget");
    let done = |sim: &Sim, from: u64| {
        let late = sim.model.seen.iter().filter(|s| s.0 >= seconds(from));
        late.filter(|s| sim.model.clients[s.3].vm == VmId(0)).count()
    };
    assert_eq!(done(&sim, 4), 0);
    assert!(sim.model.storage.stalled(VmId(0)));
    sim.run_until(seconds(60)).expect("within budget");
    assert!(done(&sim, 50) > 30_000, "{} of about 42,000", done(&sim, 50));
    // Remote reads and one more hop each way: slower than before the failure.
    let slice = |sim: &Sim, from: u64, to: u64| {
        let all = sim.model.seen.iter().filter(|s| s.0 >= seconds(from) && s.0 < seconds(to));
        let own = all.filter(|s| s.1 == Op::Read && sim.model.clients[s.3].vm == VmId(0));
        let ms: Vec<f64> = own.map(|s| s.2 as f64 / 1e6).collect();
        mean(&ms)
    };
    assert!(
        slice(&sim, 50, 60) > slice(&sim, 1, 3) + 0.08,
        "{} against {}",
        slice(&sim, 50, 60),
        slice(&sim, 1, 3)
    );
    sim.start(|rig, cx| rig.storage.repair_cvm(HostId(0), &mut rig.infra, cx));
    sim.run_until(seconds(100)).expect("within budget");
    assert!((slice(&sim, 95, 100) / slice(&sim, 1, 3) - 1.0).abs() < 0.1, "{} again", slice(&sim, 95, 100));
    balanced(&sim);
}

#[test]
fn requests_of_a_vm_on_a_dead_host_vanish_with_it() {
    let mut sim = hybrid(13);
    sim.run_until(seconds(2)).expect("within budget");
    sim.model.until = seconds(2);
    sim.start(|rig, cx| rig.storage.fail_host(HostId(0), &mut rig.infra, cx));
    sim.run_until(seconds(40)).expect("within budget");
    let c = sim.model.storage.census();
    assert!(c.vanished > 0 && c.inside == 0, "{c:?}");
    balanced(&sim);
}

#[test]
fn a_slow_device_slows_the_reads_of_its_node() {
    let reads = |factor: f64| {
        let mut p = profile(AHV);
        p.storage.slow_share = 0.0;
        let mut sim = build(&scenario(4, StorageDesign::Replicated(copies(2, 8)), p), 14);
        attach(&mut sim, 4, Bytes::gib(100), OLTP);
        client(&mut sim, 0, (1000.0, 0.0), 32, (32_768, 0.0));
        sim.start(|rig, cx| rig.storage.slow_device(HostId(0), factor, cx));
        sim.run_until(seconds(5)).expect("within budget");
        mean(&latencies(&sim, Op::Read, SimTime::ZERO))
    };
    // One of 4 devices: 0.9 x 1/4 of the reads take 9 x 95 us more.
    let more = (reads(10.0) - reads(1.0)) * 1e3;
    assert!((more / (0.225 * 855.0) - 1.0).abs() < 0.1, "{more} us more");
}
