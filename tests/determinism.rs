//! Same scenario, seed and version: the same bytes, for any number of threads.

use crate::support::{play_all, quantile, small};
use sim_core::batch::run_batch;
use sim_core::{Budget, Seed, SimTime, Simulation, Span, Streams};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::record::Record;
use sim_models::run::{Act, RunResult, begin, play};
use sim_models::scenario::{Dirtying, Duty, Fault, FaultKind, Pick, Scenario, Strike, VmGroup, When};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

fn digests(s: &Scenario, jobs: usize) -> Vec<String> {
    let mut all = Vec::new();
    let one = |run| play(s, Seed(7), run, false).expect("inside the budget").digest.to_string();
    run_batch(0..4, jobs, &AtomicBool::new(false), one, |_, d| {
        all.push(d.expect("no run panics"));
        ControlFlow::Continue(())
    })
    .expect("threads can be had");
    all
}

#[test]
fn any_number_of_threads_gives_the_same_runs() {
    let s = small("node-loss");
    let one = digests(&s, 1);
    assert_eq!(one, digests(&s, 2));
    assert_eq!(one, digests(&s, 8));
    assert_ne!(one[0], one[1], "runs differ from each other");
}

fn entities(s: &Scenario) -> BTreeMap<String, String> {
    let result = play(s, Seed(7), 3, true).expect("inside the budget");
    result.entities.into_iter().map(|(name, d)| (name, d.to_string())).collect()
}

fn idle(like: &VmGroup) -> VmGroup {
    let mut idle = like.clone();
    idle.name = "idle".into();
    idle.count = 2;
    idle.cpu.duty = Duty::Constant(0.0);
    idle.disks.clear();
    idle.disk = sim_core::Bytes::ZERO;
    idle.dirtying = Dirtying::None;
    idle
}

/// A VM that asks for nothing, in front of all others, changes nobody's events.
#[test]
fn an_idle_vm_leaves_everybody_else_as_they_were() {
    let s = small("node-loss");
    let mut with = s.clone();
    with.groups.insert(0, idle(&s.groups[0]));
    if let Some(wave) = &mut with.wave {
        wave.vms_per_group.insert(0, 0);
    }
    let (without, mut with) = (entities(&s), entities(&with));
    with.retain(|name, _| !name.starts_with("idle-"));
    assert_eq!(without, with);
}

/// A fault that never fires, in front of the one that does, changes nobody's events.
#[test]
fn a_fault_that_never_fires_leaves_everybody_else_as_they_were() {
    let s = small("node-loss");
    let mut with = s.clone();
    with.faults.insert(
        0,
        Fault {
            name: "never".into(),
            strike: Strike::One(FaultKind::Host { side: Side::Target, host: Pick::Any }),
            when: When::Never,
            heals_after: None,
        },
    );
    assert_eq!(entities(&s), entities(&with));
}

/// What always runs does not notice which requests are sampled.
#[test]
fn windows_do_not_change_the_macroscopic_world() {
    let s = small("node-loss");
    let mut wider = s.clone();
    wider.windows.slice = s.windows.slice * 3;
    wider.windows.around = s.windows.around * 2;
    for run in 0..2 {
        let digest = |s: &Scenario| play(s, Seed(7), run, false).expect("inside the budget");
        let (a, b) = (digest(&s), digest(&wider));
        assert_eq!(a.macro_digest, b.macro_digest);
        assert_ne!(a.digest, b.digest, "more requests were simulated");
    }
}

fn halfway(s: &Scenario, run: u64) -> Simulation<sim_models::world::World> {
    let streams = Streams::new(Seed(7), run);
    let mut sim = begin(s, Act::Duress, s.timeline.duress, Record::default(), &streams);
    sim.run_until(SimTime::ZERO + s.timeline.duress / 4).expect("inside the budget");
    sim
}

fn to_the_end(mut sim: Simulation<sim_models::world::World>, s: &Scenario) -> String {
    sim.run_until(SimTime::ZERO + s.timeline.duress).expect("inside the budget");
    format!("{:?} {}", sim.digests(), sim.events())
}

/// A fork is the run it was forked from; re-keyed, it has a future of its own, which is the one the
/// unforked run would have if it were re-keyed at the same instant.
#[test]
fn a_fork_continues_bit_for_bit_and_a_rekeyed_one_has_its_own_future() {
    let s = small("node-loss");
    let past = halfway(&s, 1);
    let rekeyed = |mut sim: Simulation<_>, run| {
        sim.start(|world: &mut sim_models::world::World, _| world.rekey(&Streams::new(Seed(7), run)));
        sim
    };
    let plain = to_the_end(past.clone(), &s);
    assert_eq!(plain, to_the_end(halfway(&s, 1), &s));
    let forked = to_the_end(rekeyed(past.clone(), 9), &s);
    assert_ne!(plain, forked);
    assert_eq!(forked, to_the_end(rekeyed(halfway(&s, 1), 9), &s));
}

/// A budget ends a run with a named error, not a hang.
#[test]
fn a_run_that_spends_its_budget_says_so() {
    let mut s = small("steady");
    s.event_budget = 1000;
    let error = play(&s, Seed(7), 0, false).expect_err("a thousand events are too few");
    assert!(error.to_string().contains("budget of 1000 events"), "{error}");
    assert!(Budget::default().events > 1000);
}

/// Slices see the same latency as a run that simulates every request: the P99 of windowed runs lies within
/// 15 % of the oracle's (a handful of runs; the spread between seeds is of that order).
#[test]
fn slices_agree_with_a_run_that_simulates_every_request() {
    let mut s = small("steady");
    s.timeline.before = Span::ZERO;
    s.timeline.duress = Span::ZERO;
    s.timeline.after = Span::secs(20);
    s.windows.stratum = Span::secs(4);
    s.windows.slice = Span::ms(400);
    let windowed = play_all(&s, 8);
    s.windows.everything = true;
    let oracle = play_all(&s, 4);
    let p99 = |runs: &[RunResult]| {
        quantile(runs, Metric::WriteLatency, Side::Target, &[Phase::TargetSteady], 0.99).expect("writes")
            as f64
    };
    let ratio = p99(&windowed) / p99(&oracle);
    assert!((0.85..1.15).contains(&ratio), "windowed over oracle: {ratio}");
}
