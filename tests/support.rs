//! How tests get a scenario, change it and play it.

use sim_core::batch::run_batch;
use sim_core::{Seed, Span};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::run::{RunResult, play};
use sim_models::scenario::{Scenario, StorageDesign};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// A file of the repository.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// A shipped scenario with every distribution at its median.
pub fn shipped(name: &str) -> Scenario {
    let loaded = sim_cli::load::scenario(&path(&format!("scenarios/{name}.ron")));
    loaded.unwrap_or_else(|e| panic!("{name}: {e:?}")).typical
}

/// The reference scenario scaled down: a quarter of the VMs on 4 source and 6 target hosts, short acts, so
/// that a run takes a fraction of a second. What is loaded stays as loaded.
pub fn small(name: &str) -> Scenario {
    let mut s = shipped(name);
    for group in &mut s.groups {
        group.count = group.count.div_ceil(4);
    }
    if let Some(wave) = &mut s.wave {
        wave.vms_per_group.iter_mut().for_each(|n| *n = n.div_ceil(4));
    }
    if let Some(source) = &mut s.source {
        source.hosts = 4;
    }
    s.target.hosts = 6;
    s.timeline.before = s.timeline.before.min(Span::mins(5));
    s.timeline.after = s.timeline.after.min(Span::mins(5));
    s
}

/// The replicated storage of the target.
pub fn replicated(s: &mut Scenario) -> &mut sim_models::scenario::Replicated {
    match &mut s.target.storage {
        StorageDesign::Replicated(r) => r,
        StorageDesign::San(_) => panic!("the target of {} is a SAN", s.name),
    }
}

/// Runs 0 to `runs`, in order.
pub fn play_all(s: &Scenario, runs: u64) -> Vec<RunResult> {
    let mut results = Vec::new();
    let one = |run| play(s, Seed(7), run, false).unwrap_or_else(|e| panic!("run {run}: {e}"));
    run_batch(0..runs, 2, &AtomicBool::new(false), one, |run, result| {
        results.push(result.unwrap_or_else(|p| panic!("run {run}: {p:?}")));
        ControlFlow::Continue(())
    })
    .expect("threads can be had");
    results
}

/// A quantile over the samples of all runs in the phases named, in base units.
pub fn quantile(runs: &[RunResult], metric: Metric, side: Side, phases: &[Phase], q: f64) -> Option<u64> {
    let histograms =
        runs.iter().flat_map(|r| phases.iter().filter_map(|&p| r.record.histogram(metric, side, p)));
    let mut pooled: Option<sim_core::hist::Histogram> = None;
    for h in histograms {
        match &mut pooled {
            Some(p) => p.merge(h),
            None => pooled = Some(h.clone()),
        }
    }
    pooled?.quantile(q).map(|q| q.at_least())
}

/// The mean over the samples of all runs in the phases named, in base units.
pub fn mean(runs: &[RunResult], metric: Metric, side: Side, phases: &[Phase]) -> f64 {
    let histograms =
        runs.iter().flat_map(|r| phases.iter().filter_map(|&p| r.record.histogram(metric, side, p)));
    let (sum, count) = histograms.fold((0.0, 0.0), |(s, n), h| (s + h.sum() as f64, n + h.count() as f64));
    assert!(count > 0.0, "no sample of {metric} on the {side}");
    sum / count
}

/// A per-run number of every run that has it.
pub fn per_run(runs: &[RunResult], metric: Metric, side: Side) -> Vec<u64> {
    runs.iter()
        .filter_map(|r| r.record.per_run().find(|((m, s), _)| (*m, *s) == (metric, side)).map(|(_, v)| v))
        .collect()
}

/// The middle one.
pub fn median(mut values: Vec<u64>) -> u64 {
    assert!(!values.is_empty(), "no run has a value");
    values.sort_unstable();
    values[values.len() / 2]
}
