//! Moves in whole clusters: contention, faults, waves.

use crate::fabric::Part;
use crate::ids::{HostId, Side, VmId};
use crate::metric::{Metric, Phase};
use crate::migration::policy::Policy;
use crate::record::Record;
use crate::run::{Act, begin};
use crate::scenario::library::Document;
use crate::scenario::{Dirtying, Scenario};
use crate::vm::State;
use crate::vm::dirty::DirtyMemory;
use crate::world::World;
use sim_core::{Bytes, Rate, Seed, SimTime, Simulation, Span, Streams};

/// A shipped scenario without faults.
fn shipped(name: &str) -> Scenario {
    let mut read = |path: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        std::fs::read_to_string(folder.join(path)).map_err(|e| e.to_string())
    };
    let text = read(&format!("{name}.ron")).expect("it ships");
    let document = Document::load(&text, &mut read).expect("it parses");
    let mut scenario = document.check().expect("it is valid");
    scenario.faults.clear();
    // Single requests are not what these tests look at.
    scenario.windows.slice = Span::ms(1);
    scenario.windows.warm_in = Span::ZERO;
    scenario
}

fn simulation(scenario: &Scenario, act: Act, run: u64) -> Simulation<World> {
    begin(scenario, act, Span::mins(60), Record::default(), &Streams::new(Seed(7), run))
}

fn per_run(sim: &Simulation<World>, metric: Metric, side: Side) -> u64 {
    sim.record.per_run().find(|(series, _)| *series == (metric, side)).map_or(0, |(_, value)| value)
}

fn mean(sim: &Simulation<World>, metric: Metric) -> f64 {
    let series = sim.record.histogram(metric, Side::Target, Phase::TargetSteady);
    series.and_then(|h| h.mean()).unwrap_or(0.0)
}

fn minutes(n: u64) -> SimTime {
    SimTime::ZERO + Span::mins(n)
}

/// Runs until a live migration has been copying for a second; its VM, source and destination.
fn amid_a_migration(sim: &mut Simulation<World>) -> (VmId, HostId, HostId) {
    for second in 1..3600 {
        sim.run_until(SimTime::ZERO + Span::secs(second)).expect("within budget");
        if let Some((&vm, live)) = sim.model.migrations.live.iter().next() {
            let (from, to) = live.ends();
            sim.run_until(SimTime::ZERO + Span::secs(second + 1)).expect("within budget");
            if sim.model.migrations.live.contains_key(&vm) {
                return (vm, from, to);
            }
        }
    }
    panic!("no live migration within an hour");
}

pub(super) fn kill(sim: &mut Simulation<World>, host: HostId) {
    sim.start(|world, cx| {
        let World { migrations, vms, storage, infra, .. } = world;
        infra.hosts[host].up = false;
        infra.fabric.fail(Part::Host(host), cx);
        migrations.host_failed(host, vms, storage, infra, cx);
        vms.host_failed(host, storage, infra, cx);
    });
}

/// 131,072 pages of 4104 B and as many zero pages of 9 B over 1 GB/s, and 1 MiB of device state: 539,099,136
/// and 1,048,576 B take 0.540147712 s. At a million zero pages a second the sender looks for 0.131072 s more.
#[test]
fn zero_pages_are_looked_for_while_the_guest_stands_too() {
    let mut target = shipped("node-loss").target;
    let profile = &mut target.profile.migration;
    (profile.stream_rate, profile.streams, profile.zero_scan) = (Rate(1_000_000_000), 1, 1e6);
    (profile.page_header, profile.zero_page) = (Bytes(8), Bytes(9));
    let policy = Policy::build(&target, 0.0);
    let mut memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(1), 0.5);
    memory.begin(SimTime::ZERO, None);
    let rest = Bytes::from_f64(policy.rules.wire(&memory)) + Bytes::mib(1);
    let took = rest / policy.final_cap(&memory, rest);
    assert!((took.as_secs() - 0.671219712).abs() < 1e-8, "{took:?}");
}

/// A guest whose memory is resident is stunned for less than the limit (300 ms) and the looks that come up to
/// 50 ms late, plus 17 ms of devices; never for next to nothing. The parts add up to the whole.
#[test]
fn pauses_lie_below_the_limit_and_their_parts_add_up() {
    let scenario = shipped("steady");
    let mut sim = simulation(&scenario, Act::After, 0);
    sim.run_until(minutes(60)).expect("within budget");
    let pause = mean(&sim, Metric::Pause);
    let parts = [Metric::PauseCopy, Metric::PauseDevice, Metric::PauseHandshake].map(|m| mean(&sim, m));
    assert!((150e6..=325e6).contains(&pause), "{pause}");
    assert!((parts.iter().sum::<f64>() - pause).abs() < 1e3, "{pause} {parts:?}");
    assert!(mean(&sim, Metric::Outage) >= pause && mean(&sim, Metric::Rounds) >= 3.0);
    assert_eq!(per_run(&sim, Metric::FailedMigrations, Side::Target), 0);
}

/// When no announcement arrives, the network learns from the guest's traffic 3 s after the last of them, which
/// is 0.8 s after the guest resumed: the outage is the pause and 3.8 s.
#[test]
fn unheard_guests_teach_the_network_themselves() {
    let mut scenario = shipped("steady");
    scenario.fabric.announce_loss = 1.0;
    scenario.target.profile.migration.taught_by_traffic = Span::secs(3);
    let mut sim = simulation(&scenario, Act::After, 0);
    sim.run_until(minutes(30)).expect("within budget");
    let learning = mean(&sim, Metric::Outage) - mean(&sim, Metric::Pause);
    assert!((learning - 3.8e9).abs() < 0.002 * 3.8e9, "{learning} ns");
}

#[test]
fn without_a_common_cpu_baseline_nothing_migrates_live() {
    let mut scenario = shipped("steady");
    scenario.groups.iter_mut().for_each(|g| g.cpu_baseline = false);
    let mut sim = simulation(&scenario, Act::After, 0);
    sim.run_until(minutes(30)).expect("within budget");
    let failed = per_run(&sim, Metric::FailedMigrations, Side::Target);
    assert!(failed > 0);
    assert_eq!(per_run(&sim, Metric::RolledBack, Side::Target), failed);
    assert_eq!(mean(&sim, Metric::Pause), 0.0);
}

#[test]
fn a_vm_stays_where_it_was_when_its_destination_dies() {
    let mut sim = simulation(&shipped("steady"), Act::After, 1);
    let (vm, from, to) = amid_a_migration(&mut sim);
    kill(&mut sim, to);
    let it = sim.model.vms.get(vm);
    assert_eq!((it.state, it.host, it.throttle), (State::Running, from, 0.0));
    assert!(!sim.model.migrations.live.contains_key(&vm));
    assert_eq!(per_run(&sim, Metric::FailedMigrations, Side::Target), 1);
    assert_eq!(per_run(&sim, Metric::RolledBack, Side::Target), 1);
}

#[test]
fn a_vm_is_lost_with_its_source() {
    let mut sim = simulation(&shipped("steady"), Act::After, 1);
    let (vm, from, _) = amid_a_migration(&mut sim);
    kill(&mut sim, from);
    assert_eq!(sim.model.vms.get(vm).state, State::Down);
    assert_eq!(per_run(&sim, Metric::FailedMigrations, Side::Target), 1);
    assert_eq!(per_run(&sim, Metric::RolledBack, Side::Target), 0);
}

/// After a second of pre-copy the guest goes on over there at once (1 MB of device state, 2 MB of queue), but
/// makes progress only after some ten page faults of 90 ms. Then either host is its death.
#[test]
fn post_copy_stops_for_little_freezes_for_long_and_dies_with_either_host() {
    let mut scenario = shipped("steady");
    scenario.target.profile.migration.postcopy_after = Span::secs(1);
    let mut sim = simulation(&scenario, Act::After, 1);
    sim.run_until(minutes(30)).expect("within budget");
    let (pause, freeze) = (mean(&sim, Metric::Pause), mean(&sim, Metric::Freeze));
    assert!(pause > 0.0 && pause < 50e6, "{pause}");
    assert!(freeze > 900e6 && freeze < 1000e6, "{freeze}");

    let mut sim = simulation(&scenario, Act::After, 1);
    let (vm, from, to) = amid_a_migration(&mut sim);
    let moved = |sim: &Simulation<World>| sim.model.vms.get(vm).host == to;
    for tenth in 0..1000 {
        if moved(&sim) {
            break;
        }
        let next = sim.now() + Span::ms(10);
        sim.run_until(next).unwrap_or_else(|e| panic!("{tenth}: {e}"));
    }
    assert!(moved(&sim) && sim.model.migrations.live.contains_key(&vm));
    kill(&mut sim, from);
    assert_eq!(sim.model.vms.get(vm).state, State::Down);
    assert_eq!(per_run(&sim, Metric::RolledBack, Side::Target), 0);
}

/// All 16 + 16 + 10 + 5 + 1 = 48 VMs of the wave cross, each once, and the source is empty.
fn assert_all_crossed(sim: &Simulation<World>) {
    let World { vms, infra, migrations, .. } = &sim.model;
    // The cluster's balancer may be moving VMs that have long arrived.
    assert!(migrations.crossing.is_empty());
    assert!(vms.ids().all(|vm| vms.side(vm, infra) == Side::Target));
    let cut_over: u64 = Phase::ALL
        .iter()
        .filter_map(|&p| sim.record.histogram(Metric::CutoverOutage, Side::Target, p))
        .map(|h| h.count())
        .sum();
    assert_eq!(cut_over, 48);
    let took = per_run(sim, Metric::WaveTime, Side::Target);
    assert!(took > 0 && took < Span::mins(60).0);
}

#[test]
fn a_wave_brings_every_vm_across_and_is_the_same_every_time() {
    let run = |name: &str| {
        let mut sim = simulation(&shipped(name), Act::Duress, 0);
        sim.run_until(minutes(60)).expect("within budget");
        assert_all_crossed(&sim);
        sim.digests()
    };
    assert_eq!(run("node-loss"), run("node-loss"));
    run("metro-cutover");
}

#[test]
fn a_wave_goes_round_a_target_host_that_dies() {
    let mut sim = simulation(&shipped("node-loss"), Act::Duress, 0);
    sim.run_until(SimTime::ZERO + Span::secs(2)).expect("within budget");
    let (_, to) = sim.model.migrations.crossing.values().next().expect("it moves").ends();
    kill(&mut sim, to);
    let turned: Vec<_> = sim.model.migrations.crossing.values().map(|m| m.ends().1).collect();
    assert!(!turned.is_empty() && turned.iter().all(|&host| host != to));
    assert!(per_run(&sim, Metric::FailedMigrations, Side::Target) >= 1);
    sim.run_until(minutes(60)).expect("within budget");
    assert_all_crossed(&sim);
}
