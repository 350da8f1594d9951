//! Balancers on four hosts; what is published of their limits and clocks is looked at once more by the suite
//! `balancers`.

use super::super::tests::kill;
use crate::ids::HostId;
use crate::profile::balancing;
use crate::scenario::{DiskClient, Scenario};
use crate::validation::bed;
use crate::validation::cpu::balancing::{cluster, hottest, most_lost, moves, pile, until_moves};
use crate::vm::State;
use crate::world::World;
use sim_core::{Bytes, Seed, SimTime, Simulation, Span};

const A: HostId = HostId(0);

fn ahv() -> Scenario {
    cluster("ahv", 10, 1.8).expect("it ships")
}

fn begin(s: &Scenario, run: u64) -> Simulation<World> {
    bed::begin_run(s, Seed(11), run)
}

fn at(minutes: u64) -> SimTime {
    SimTime::ZERO + Span::mins(minutes)
}

fn run_to(sim: &mut Simulation<World>, until: SimTime) {
    sim.run_until(until).expect("within budget");
}

/// 14 VMs of 1.8 cores and 1.2 of controller are 82.5 % of 32 cores. Not even an event tells that somebody would
/// have looked.
#[test]
fn below_the_limit_a_cluster_runs_as_if_nobody_looked() {
    let mut idle = ahv();
    idle.target.profile.balancing.balancer = balancing::Balancer::None;
    let digests = [ahv(), idle].map(|s| {
        let mut sim = begin(&s, 0);
        pile(&mut sim, 4, A);
        assert!(hottest(&sim) <= 0.85);
        run_to(&mut sim, at(180));
        assert!((hottest(&sim) - 26.4 / 32.0).abs() < 1e-9 && moves(&sim) == 0);
        (sim.digests(), sim.events())
    });
    assert_eq!(digests[0], digests[1]);
}

/// 16 x 1.8 + 1.2 = 30 of 32 cores: 2.8 too many, two VMs leave within 15 min. The second pile, a minute later,
/// waits for the check 30 min after the first; all along the clock of the cluster is what runs differ in.
#[test]
fn hot_spots_are_relieved_within_15_min_and_looked_at_again_after_30() {
    let onset = at(100);
    let mut firsts = Vec::new();
    for run in 0..6 {
        let mut sim = begin(&ahv(), run);
        run_to(&mut sim, onset);
        assert_eq!(moves(&sim), 0);
        pile(&mut sim, 6, A);
        assert!(until_moves(&mut sim, 0, onset + Span::mins(30)).expect("within budget"));
        let first = sim.now();
        assert!(first > onset && first <= onset + Span::mins(15) + Span::secs(1), "{first:?}");
        firsts.push(first);
        run_to(&mut sim, first + Span::mins(1));
        assert_eq!(moves(&sim), 2);
        assert!(hottest(&sim) <= 0.85);
        pile(&mut sim, 6, HostId(2));
        run_to(&mut sim, first + Span::mins(30) - Span::secs(1));
        assert!(moves(&sim) == 2 && hottest(&sim) > 0.85);
        run_to(&mut sim, first + Span::mins(30) + Span::secs(1));
        assert!(moves(&sim) > 2);
        // Relieved, and nothing goes back and forth for the rest of the day.
        run_to(&mut sim, first + Span::mins(31));
        let all = moves(&sim);
        assert!(hottest(&sim) <= 0.85);
        run_to(&mut sim, at(700));
        assert_eq!(moves(&sim), all);
    }
    firsts.dedup();
    assert_eq!(firsts.len(), 6);
}

/// Ten VMs of a dead host restart on three others by their names: on some, more than 14 run then. Afterwards
/// all hosts are below the limit, and every VM runs.
#[test]
fn a_survivor_that_restarts_overload_is_relieved() {
    let (mut hot, mut moved) = (0, 0);
    for run in 0..4 {
        let mut sim = begin(&ahv(), run);
        run_to(&mut sim, at(60));
        kill(&mut sim, HostId(run as u16));
        run_to(&mut sim, at(70));
        hot += u32::from(hottest(&sim) > 0.85 || moves(&sim) > 0);
        run_to(&mut sim, at(60 + 20 + 15 + 31));
        assert!(hottest(&sim) <= 0.85, "run {run}: {}", hottest(&sim));
        let World { vms, .. } = &sim.model;
        assert!(vms.ids().all(|vm| vms.get(vm).state == State::Running));
        moved += moves(&sim);
    }
    assert!(hot > 0 && moved > 0, "{hot} {moved}");
}

/// 15 VMs on each host ask for 88 %: nobody has room for one more.
#[test]
fn what_nobody_can_relieve_is_left_alone() {
    let everywhere = cluster("ahv", 15, 1.8).expect("it ships");
    let mut sim = begin(&everywhere, 0);
    run_to(&mut sim, at(300));
    assert!(moves(&sim) == 0 && hottest(&sim) > 0.85);

    // 20 on one and 12 on each other: six leave, two for each, and all are at 14.
    let mut sim = begin(&cluster("ahv", 14, 1.8).expect("it ships"), 0);
    pile(&mut sim, 6, A);
    run_to(&mut sim, at(600));
    assert_eq!(moves(&sim), 6);
    assert!((hottest(&sim) - 26.4 / 32.0).abs() < 1e-6);
}

/// The idle host that everybody would go to has no memory left: VMs go to the others.
#[test]
fn vms_go_where_there_is_memory() {
    let mut s = ahv();
    let mut idle = s.groups[0].clone();
    idle.name = "idle".into();
    (idle.count, idle.vcpus, idle.memory) = (4, 1, Bytes::gib(110));
    idle.cpu.duty = crate::scenario::Duty::Constant(0.001);
    s.groups.push(idle);
    let mut sim = begin(&s, 0);
    run_to(&mut sim, at(1));
    let full = HostId(3);
    sim.start(|world, cx| {
        let World { vms, storage, infra, .. } = world;
        for vm in vms.ids().filter(|&vm| vms.get(vm).group == 1).collect::<Vec<_>>() {
            vms.relocate(vm, full, storage, infra, cx);
        }
    });
    // It gives two of its VMs to the pile, like the others, and has memory for none.
    pile(&mut sim, 6, A);
    let on = |sim: &Simulation<World>, host: HostId| {
        let vms = &sim.model.vms;
        vms.ids().filter(|&vm| vms.get(vm).host == host).count()
    };
    let before = on(&sim, full);
    run_to(&mut sim, at(60));
    assert_eq!(moves(&sim), 2);
    assert_eq!((on(&sim, A), on(&sim, full)), (14, before));
}

/// 5,500 writes/s of 180 us keep 0.99 of a controller's 12 vCPUs busy: nine VMs 8.9, 10.1 with its base of 1.2, and
/// with the copies of the others' writes more than 10.2, while the host's cores are far from busy.
#[test]
fn a_hot_controller_is_relieved_like_a_hot_host() {
    let mut s = cluster("ahv", 4, 0.1).expect("it ships");
    let client = DiskClient {
        count: 1,
        reads_per_s: 0.0,
        writes_per_s: 5500.0,
        iodepth: 32,
        sizes: vec![(Bytes::kib(8), 1.0)],
        rate_limited: true,
    };
    s.groups[0].disks.push(client);
    s.windows.slice = Span::ms(1);
    let mut sim = begin(&s, 0);
    run_to(&mut sim, at(1));
    let share = |sim: &Simulation<World>| {
        let it = sim.model.infra.cpu.strain(A);
        (it.asked / it.cores, it.controller / it.controller_vcpus)
    };
    assert!(share(&sim).1 < 0.85, "{:?}", share(&sim));
    pile(&mut sim, 5, A);
    run_to(&mut sim, at(1) + Span::secs(1));
    let (host, controller) = share(&sim);
    assert!(host < 0.6 && controller > 0.85, "{host} {controller}");
    run_to(&mut sim, at(120));
    assert!(moves(&sim) > 0 && share(&sim).1 <= 0.85, "{} {:?}", moves(&sim), share(&sim));
}

/// DRS acts within a minute, and stops: where VMs are alike and hosts are, no VM gains by moving.
#[test]
fn scores_are_evened_out_and_then_nothing_moves() {
    let s = cluster("esxi_san", 10, 2.5).expect("it ships");
    for run in 0..3 {
        let mut sim = begin(&s, run);
        run_to(&mut sim, at(10));
        assert_eq!(moves(&sim), 0);
        pile(&mut sim, 6, A);
        run_to(&mut sim, at(10) + Span::ms(1));
        let worst = most_lost(&sim);
        assert!(worst > 0.1, "{worst}");
        assert!(until_moves(&mut sim, 0, at(20)).expect("within budget"));
        assert!(sim.now() <= at(11) + Span::secs(1));
        run_to(&mut sim, at(60));
        let (all, lost) = (moves(&sim), most_lost(&sim));
        assert!(lost < worst / 2.0 && (3..=12).contains(&all), "{lost} of {worst} after {all} moves");
        run_to(&mut sim, at(700));
        assert_eq!(moves(&sim), all);
    }
}

/// The same run twice is the same run, and the streams of others are not touched: only the instant of the first
/// check is drawn.
#[test]
fn balancing_is_the_same_every_time() {
    for profile in ["ahv", "esxi_san"] {
        let run = || {
            let mut sim = begin(&cluster(profile, 10, 2.1).expect("it ships"), 3);
            run_to(&mut sim, at(10));
            pile(&mut sim, 6, A);
            run_to(&mut sim, at(120));
            assert!(moves(&sim) > 0);
            let hosts: Vec<HostId> = sim.model.vms.ids().map(|vm| sim.model.vms.get(vm).host).collect();
            (sim.digests(), hosts)
        };
        assert_eq!(run(), run());
    }
}

#[test]
fn a_cluster_that_stays_hot_is_looked_at_once_per_check() {
    let balanced = cluster("ahv", 15, 1.8).expect("it ships");
    let mut none = balanced.clone();
    none.target.profile.balancing.balancer = balancing::Balancer::None;
    let events = [&balanced, &none].map(|s| {
        let mut sim = begin(s, 0);
        run_to(&mut sim, at(600));
        sim.events()
    });
    // One event as strain begins, and 40 checks of 15 min in 10 h.
    assert_eq!(events[0] - events[1], 41);
}
