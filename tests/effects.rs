//! Causes have effects: each test changes one thing and asks that what must react does, by how much it must.

use crate::support::{mean, median, per_run, play_all, quantile, replicated, shipped, small};
use sim_core::{Bytes, Rate, Span};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::run::RunResult;
use sim_models::scenario::{
    Dirtying, DiskClient, Duty, Fault, FaultKind, Intersite, Pick, Replication, Scenario, Strike, Throttle,
    When,
};

const STEADY: &[Phase] = &[Phase::TargetSteady];

/// Only the act after the move, every request simulated.
fn steady_only(mut s: Scenario, seconds: u64) -> Scenario {
    s.timeline.before = Span::ZERO;
    s.timeline.duress = Span::ZERO;
    s.timeline.after = Span::secs(seconds);
    s.windows.everything = true;
    s
}

fn tail(runs: &[RunResult], metric: Metric, phases: &[Phase]) -> f64 {
    quantile(runs, metric, Side::Target, phases, 0.99).expect("samples") as f64
}

/// A third copy is sent over the network once more and written to a device once more: network bytes per
/// guest byte (n - 1)(1 + d) double from n = 2 to 3, device bytes n(1 + d) grow by a half, whatever the
/// drained share d is.
#[test]
fn a_third_copy_doubles_network_bytes_and_adds_half_the_device_bytes() {
    let mut s = steady_only(small("steady"), 3);
    let two = play_all(&s, 2);
    replicated(&mut s).copies = 3;
    let three = play_all(&s, 2);
    let ratio = |m| mean(&three, m, Side::Target, STEADY) / mean(&two, m, Side::Target, STEADY);
    let (network, device) = (ratio(Metric::NetworkAmplification), ratio(Metric::DeviceAmplification));
    assert!((network - 2.0).abs() < 0.04, "network {network}");
    assert!((device - 1.5).abs() < 0.03, "device {device}");
}

/// Closed-loop writers that keep the controllers' CPUs busy.
fn writers(s: &mut Scenario) {
    for group in &mut s.groups {
        group.cpu.duty = Duty::Constant(0.05);
        group.disks = vec![DiskClient {
            count: 1,
            reads_per_s: 0.0,
            writes_per_s: 400.0,
            iodepth: 16,
            sizes: vec![(Bytes::kib(8), 1.0)],
            rate_limited: false,
        }];
    }
    replicated(s).cvm_vcpus = 4;
}

/// With 150 us at the first copy, 80 us at each other and 30 us for the acknowledgement, a write costs
/// 260 us of controller CPU at two copies and 340 us at three: a CPU-bound cluster writes 23.5 % less.
#[test]
fn a_third_copy_costs_a_cpu_bound_cluster_a_quarter_of_its_writes() {
    let mut s = steady_only(small("steady"), 1);
    writers(&mut s);
    let writes = |s: &Scenario| -> f64 {
        let runs = play_all(s, 2);
        runs.iter().map(|r| r.requests as f64).sum()
    };
    let two = writes(&s);
    replicated(&mut s).copies = 3;
    let loss = 1.0 - writes(&s) / two;
    assert!((0.20..=0.25).contains(&loss), "lost {loss}");
}

#[test]
fn fewer_controller_cpus_raise_the_write_tail() {
    let mut s = steady_only(small("steady"), 3);
    // About 5,000 requests/s a host: 0.3 cores of reads and 0.5 of writes and their replicas.
    for disk in s.groups.iter_mut().flat_map(|g| &mut g.disks) {
        disk.reads_per_s *= 5.0;
        disk.writes_per_s *= 5.0;
    }
    let enough = play_all(&s, 2);
    replicated(&mut s).cvm_vcpus = 1;
    let few = play_all(&s, 2);
    let ratio = tail(&few, Metric::WriteLatency, STEADY) / tail(&enough, Metric::WriteLatency, STEADY);
    assert!(ratio > 1.2, "P99 with 1 vCPU over P99 with 12: {ratio}");
}

/// The rebuild of a host crosses the spines between two racks; with thin uplinks it takes bandwidth from
/// live migrations.
#[test]
fn a_rebuild_on_the_same_links_lengthens_live_migrations() {
    let mut s = small("rebuild-storm");
    s.target.live_migrations_per_hour = 240.0;
    s.fabric.uplink = Rate::gbps(10);
    s.fabric.uplinks_per_tor = 1;
    s.wave = None;
    // Equal VMs, so that the migrations compared are of equal memory.
    s.groups.retain(|g| g.name == "app");
    s.groups[0].count = 120;
    s.groups[0].disk = Bytes::gib(250);
    replicated(&mut s).throttle = Throttle::Unlimited;
    s.timeline.duress = Span::mins(25);
    s.windows.slice = Span::ms(50);
    let at = |s: &mut Scenario, when: When| s.faults[0].when = when;
    at(&mut s, When::At(Span::mins(2)));
    s.faults.truncate(1);
    let storm = play_all(&s, 6);
    at(&mut s, When::Never);
    let calm = play_all(&s, 6);
    let during = &[Phase::Rebuilding];
    let mut reached = Vec::new();
    for (metric, factor) in
        [(Metric::MigrationTime, 1.1), (Metric::Pause, 1.0), (Metric::PauseHandshake, 1.5)]
    {
        let (with, without) =
            (mean(&storm, metric, Side::Target, during), mean(&calm, metric, Side::Target, STEADY));
        reached.push((metric, with, without, with > factor * without));
    }
    assert!(reached.iter().all(|r| r.3), "with the rebuild, without: {reached:?}");
}

/// A request that waits for a dead peer is answered once the peer has been given up: the worst I/O of the
/// survivors lies near the detection time, 3 to 7 s in this profile, and what queued behind it.
#[test]
fn the_worst_io_of_survivors_is_near_the_detection_time() {
    let runs = play_all(&small("node-loss"), 6);
    let worst = median(per_run(&runs, Metric::WorstIo, Side::Target)) as f64 / 1e9;
    assert!((3.0..12.0).contains(&worst), "median worst I/O {worst} s");
}

/// The same VMs on one host fewer wait longer for CPUs.
#[test]
fn a_missing_host_raises_ready_time() {
    let mut s = small("degraded-n-minus-1");
    for group in &mut s.groups {
        group.cpu.duty = Duty::Constant(0.36);
    }
    let runs = play_all(&s, 3);
    let ready = |phase| mean(&runs, Metric::CpuReady, Side::Target, &[phase]);
    let (steady, degraded) = (ready(Phase::TargetSteady), ready(Phase::Degraded));
    assert!(degraded > 1.2 * steady, "ready {degraded} ppm degraded, {steady} ppm before");
}

/// A VM wider than a node that does not see the nodes spreads its accesses evenly: one half remote on two.
/// One that sees them keeps each virtual node's accesses on its own.
#[test]
fn a_vm_that_does_not_fit_its_node_has_remote_memory() {
    let mut s = steady_only(shipped("steady"), 60);
    s.windows.everything = false;
    s.groups.retain(|g| g.name == "db-large");
    s.groups[0].vnuma = false;
    s.groups[0].vcpus = 24;
    if let Some(wave) = &mut s.wave {
        wave.vms_per_group.truncate(1);
    }
    let unfit = mean(&play_all(&s, 2), Metric::RemoteMemory, Side::Target, STEADY);
    s.groups[0].vnuma = true;
    let fit = mean(&play_all(&s, 2), Metric::RemoteMemory, Side::Target, STEADY);
    assert!((unfit - 500_000.0).abs() < 20_000.0, "unfit: {unfit} ppm remote");
    assert!(fit < 0.2 * unfit, "with virtual nodes: {fit} ppm remote");
}

/// A thin link between the sites lets the copy lag behind; the cut-over pays for it.
#[test]
fn lag_at_cut_over_lengthens_the_outage() {
    let mut s = small("metro-cutover");
    s.faults.clear();
    // Stop and boot take most of a minute; a slow disk of changes shows in what is sent in between.
    for disk in s.groups.iter_mut().flat_map(|g| &mut g.disks) {
        disk.writes_per_s *= 20.0;
    }
    s.windows.slice = Span::ms(5);
    s.windows.around = Span::ZERO;
    let outage =
        |s: &Scenario| mean(&play_all(s, 4), Metric::CutoverOutage, Side::Target, &[Phase::Migrating]);
    let in_step = outage(&s);
    let Some(wave) = &mut s.wave else { panic!("metro-cutover moves VMs") };
    wave.replication = Replication::Async { interval: Span::mins(15) };
    s.fabric.intersite = s.fabric.intersite.map(|i| Intersite { rate: i.rate / 8, ..i });
    let behind = outage(&s);
    assert!(behind > 1.05 * in_step, "outage {behind} ns with a lagging copy, {in_step} with one in step");
}

/// Guests that write nothing need no second round worth mentioning; guests that write fast do.
#[test]
fn faster_dirtying_lengthens_live_migrations() {
    let mut s = small("steady");
    s.timeline.before = Span::ZERO;
    s.timeline.duress = Span::ZERO;
    s.timeline.after = Span::mins(20);
    s.windows.slice = Span::ms(50);
    s.target.live_migrations_per_hour = 120.0;
    let dirtied = |s: &mut Scenario, d: Dirtying| {
        s.groups.iter_mut().for_each(|g| g.dirtying = d.clone());
        mean(&play_all(s, 3), Metric::MigrationTime, Side::Target, STEADY)
    };
    let idle = dirtied(&mut s, Dirtying::None);
    let busy = dirtied(&mut s, Dirtying::PowerLaw { a: 200_000.0, b: 0.7 });
    assert!(busy > 1.05 * idle, "{busy} ns when busy, {idle} when idle");
}

/// A device ten times slower shows in the tail of reads.
#[test]
fn a_fail_slow_device_raises_the_read_tail() {
    let mut s = small("steady");
    s.timeline.before = Span::ZERO;
    s.timeline.after = Span::ZERO;
    s.timeline.duress = Span::secs(6);
    s.windows.everything = true;
    s.wave = None;
    let strike = Strike::One(FaultKind::SlowDevice { side: Side::Target, host: Pick::Nth(0), factor: 30.0 });
    s.faults = vec![Fault { name: "slow".into(), strike, when: When::At(Span::secs(3)), heals_after: None }];
    let runs = play_all(&s, 3);
    let (before, after) =
        (tail(&runs, Metric::ReadLatency, STEADY), tail(&runs, Metric::ReadLatency, &[Phase::Degraded]));
    assert!(after > 1.2 * before, "read P99 {after} ns with a slow device, {before} without");
}
