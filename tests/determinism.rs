//! Same scenario, seed and version: the same bytes, for any number of threads.

use crate::support::{play_all, quantile, small};
use sim_core::batch::run_batch;
use sim_core::{Budget, Seed, Span};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::run::{RunResult, play};
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

fn assert_same(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differ: Vec<&String> = names.into_iter().filter(|&n| a.get(n) != b.get(n)).collect();
    assert!(a.len() > 50, "only {} entities are watched", a.len());
    assert!(differ.is_empty(), "{} of {} differ: {differ:?}", differ.len(), a.len());
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
    let mut with = entities(&with);
    with.retain(|name, _| !name.starts_with("idle-"));
    assert_same(&entities(&s), &with);
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
    assert_same(&entities(&s), &entities(&with));
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
