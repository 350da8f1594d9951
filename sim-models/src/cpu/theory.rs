//! The closed form against published and exact figures.

use super::pool::{Capacity, Member, Share, solve};

fn equal(cpus: u32, vcpus: u32, offered: f64) -> Share {
    let duty = offered * f64::from(cpus) / f64::from(vcpus);
    solve(Capacity::cpus(cpus), &[Member { vcpus, duty }])[0]
}

/// Twelve vCPUs that never sleep on eight cores: each runs 8/12 of the time and is ready 1/3.
#[test]
fn hogs_wait_for_what_is_missing() {
    let share = solve(Capacity::cpus(8), &[Member { vcpus: 12, duty: 1.0 }])[0];
    assert!((share.ready - 1.0 / 3.0).abs() < 1e-12, "{share:?}");
    assert!((share.run - 2.0 / 3.0).abs() < 1e-12, "{share:?}");
}

/// Four vCPUs of duty 0.2 on one CPU, r = 1/4: P(n) ~ 1, 1, 3/4, 3/8, 3/32, so P(0) = 32/103 and each runs
/// (1 - 32/103) / 4 = 17.23 %; E(n) = (32 + 2 x 24 + 3 x 12 + 4 x 3) / 103 = 128/103, ready = (128 - 71) /
/// 412 = 13.83 %.
#[test]
fn one_cpu_by_hand() {
    let share = solve(Capacity::cpus(1), &[Member { vcpus: 4, duty: 0.2 }])[0];
    assert!((share.run - 71.0 / 412.0).abs() < 1e-14, "{share:?}");
    assert!((share.ready - 57.0 / 412.0).abs() < 1e-14, "{share:?}");
    // A wake-up waits unless the three others sleep: P(0) of three, 1 : 3/4 : 3/8 : 3/32.
    assert!((share.wait - (1.0 - 32.0 / 71.0)).abs() < 1e-14, "{share:?}");
}

/// Ready and chance to wait with 32 CPUs at five loads and three ratios, as tabulated from an independent
/// implementation to the digits shown.
#[test]
fn table_of_loads_and_ratios() {
    let table = [
        (2, [(0.02, 1.0), (0.18, 6.0), (1.1, 24.0), (2.2, 39.0), (4.1, 57.0)]),
        (4, [(0.03, 2.0), (0.22, 11.0), (1.1, 33.0), (2.2, 49.0), (4.0, 67.0)]),
        (8, [(0.02, 3.0), (0.17, 13.0), (0.9, 38.0), (1.8, 56.0), (3.4, 74.0)]),
    ];
    for (ratio, row) in table {
        for (offered, (ready, wait)) in [0.7, 0.8, 0.9, 0.95, 1.0].into_iter().zip(row) {
            let share = equal(32, 32 * ratio, offered);
            let rounding = if ready < 0.5 { 0.006 } else { 0.06 };
            assert!((share.ready * 100.0 - ready).abs() <= rounding, "{ratio}:1 at {offered}: {share:?}");
            assert!((share.wait * 100.0 - wait).abs() <= 0.75, "{ratio}:1 at {offered}: {share:?}");
        }
    }
}

/// The same VMs at 4:1 and load 0.9 in pools of 16, 32 and 64 CPUs: 2.39, 1.1 and 0.44 % ready
/// (the machine-repair recursion P(n+1) / P(n) = (K - n) r / min(n + 1, M), summed independently).
#[test]
fn larger_pools_wait_less() {
    for (cpus, percent, within) in [(16, 2.39, 0.006), (32, 1.1, 0.06), (64, 0.44, 0.006)] {
        let share = equal(cpus, 4 * cpus, 0.9);
        assert!((share.ready * 100.0 - percent).abs() < within, "{cpus}: {share:?}");
    }
}

/// 72 vCPUs and 8 busier ones of a controller VM (duty 0.4) on 16 CPUs, by offered load: chance to wait of
/// either, tabulated from an independent implementation.
#[test]
fn wakes_of_a_controller_vm_and_of_guests() {
    let table = [(0.7, 0.085, 0.070), (0.85, 0.32, 0.29), (0.95, 0.57, 0.53), (1.05, 0.80, 0.77)];
    for (offered, guests, controller) in table {
        let duty = (16.0 * offered - 3.2) / 72.0;
        let shares = solve(Capacity::cpus(16), &[Member { vcpus: 72, duty }, Member { vcpus: 8, duty: 0.4 }]);
        assert!((shares[0].wait - guests).abs() < 0.012, "{offered}: {shares:?}");
        assert!((shares[1].wait - controller).abs() < 0.012, "{offered}: {shares:?}");
    }
}

/// A member that never runs changes no bit of anybody's numbers, wherever it stands in the list.
#[test]
fn an_idle_member_contributes_exactly_nothing() {
    let busy =
        [Member { vcpus: 4, duty: 0.31 }, Member { vcpus: 8, duty: 0.77 }, Member { vcpus: 2, duty: 0.1 }];
    let alone = solve(Capacity::cpus(6), &busy);
    for at in 0..=3 {
        let mut members = busy.to_vec();
        members.insert(at, Member { vcpus: 16, duty: 0.0 });
        let mut shares = solve(Capacity::cpus(6), &members);
        let idle = shares.remove(at);
        assert_eq!(shares, alone);
        assert_eq!((idle.run, idle.ready), (0.0, 0.0));
        assert!(idle.wait > alone[0].wait.min(alone[1].wait), "an onlooker sees everybody: {idle:?}");
    }
}

/// A thousand vCPUs, from a single CPU that is hopelessly short to a thousand that suffice: work and time
/// are conserved and nothing underflows.
#[test]
fn a_thousand_vcpus_stay_in_range() {
    for cpus in [1, 16, 128, 512, 1024] {
        for duty in [1e-6, 0.01, 0.3, 0.99, 1.0] {
            let members: Vec<Member> = (0..128).map(|_| Member { vcpus: 8, duty }).collect();
            let shares = solve(Capacity::cpus(cpus), &members);
            let run: f64 = shares.iter().map(|s| 8.0 * s.run).sum();
            assert!(run <= f64::from(cpus) * (1.0 + 1e-9), "{cpus} {duty}: {run}");
            for s in &shares {
                assert!(
                    s.run > 0.0 && s.ready >= 0.0 && s.run + s.ready <= 1.0 + 1e-9,
                    "{cpus} {duty}: {s:?}"
                );
                // Work over thinking of a cycle is r by definition, whatever the wait.
                let sleep = 1.0 - s.run - s.ready;
                assert!((s.run * (1.0 - duty) - sleep * duty).abs() < 1e-9, "{cpus} {duty}: {s:?}");
            }
        }
    }
}

/// Mixed duties: what runs is what the CPUs can do, and each member's work over thinking is its own r.
#[test]
fn mixed_duties_conserve_work() {
    let members: Vec<Member> =
        (1..60).map(|i| Member { vcpus: 1 + i % 8, duty: f64::from(i) / 60.0 }).collect();
    let shares = solve(Capacity::cpus(24), &members);
    let run: f64 = members.iter().zip(&shares).map(|(m, s)| f64::from(m.vcpus) * s.run).sum();
    assert!(run <= 24.0 * (1.0 + 1e-12) && run > 23.9, "{run}");
    for (m, s) in members.iter().zip(&shares) {
        let sleep = 1.0 - s.run - s.ready;
        assert!((s.run * (1.0 - m.duty) - sleep * m.duty).abs() < 1e-9, "{m:?} {s:?}");
    }
}

/// With both threads of each core, ready time starts at twice the vCPUs, and at saturation a pool does
/// `ht_gain` times the work of its cores.
#[test]
fn the_second_thread_adds_its_gain() {
    let capacity = Capacity { cores: 8.0, threads: 16.0, ht_gain: 1.25 };
    assert_eq!(capacity.phi(20.0), 10.0);
    let few = solve(capacity, &[Member { vcpus: 16, duty: 0.9 }])[0];
    assert_eq!(few.ready, 0.0);
    let hogs = solve(capacity, &[Member { vcpus: 24, duty: 1.0 }])[0];
    assert!((hogs.ready - 1.0 / 3.0).abs() < 1e-12, "{hogs:?}");
}
