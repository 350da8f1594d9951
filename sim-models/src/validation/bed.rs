//! Small clusters in which published facts are played, and how their records are read.

use super::{Check, Expected};
use crate::ids::{HostId, Side, VmId};
use crate::metric::{Metric, Phase};
use crate::record::{Record, Tally};
use crate::run::{self, Act, RunResult};
use crate::scenario::library::Document;
use crate::scenario::{Fault, FaultKind, Pick, Replicated, Scenario, StorageDesign, Strike, Throttle, When};
use crate::world::World;
use sim_core::hist::{Bounds, Histogram};
use sim_core::{Bytes, Dist, Seed, SimTime, Simulation, Span, Streams};

/// A shipped scenario, every distribution at its median.
pub fn scenario(text: &str) -> Result<Scenario, String> {
    let beside = &mut |name: &str| Err(format!("{name} is not part of the program"));
    let document = Document::load(text, beside).map_err(|e| e.to_string())?;
    let listed = |problems: Vec<crate::quantity::Problem>| {
        problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("; ")
    };
    document.check().map_err(listed)
}

/// Four all-flash nodes.
pub fn flash() -> Result<Scenario, String> {
    scenario(include_str!("../../../scenarios/facts/flash.ron"))
}

/// Four hybrid nodes of 2015.
pub fn hybrid() -> Result<Scenario, String> {
    scenario(include_str!("../../../scenarios/facts/hybrid.ron"))
}

/// The replicated storage of the target.
pub fn design(s: &mut Scenario) -> &mut Replicated {
    match &mut s.target.storage {
        StorageDesign::Replicated(design) => design,
        StorageDesign::San(_) => unreachable!("the beds have replicated storage"),
    }
}

/// Bulk only: so many nodes with so many copies, each node holding `per_node` bytes. One VM owns all data and asks
/// for nothing; losses are noticed after a second and rebuilt at once.
pub fn filled(mut s: Scenario, nodes: u16, copies: u8, throttle: Throttle, per_node: Bytes) -> Scenario {
    s.target.hosts = nodes;
    s.target.profile.storage.detection = always(1.0);
    s.target.profile.storage.scan = always(0.0);
    let design = design(&mut s);
    (design.copies, design.throttle) = (copies, throttle);
    s.groups[0].count = 1;
    s.groups[0].disks.clear();
    s.groups[0].disk = per_node * u64::from(nodes) / u64::from(copies);
    s.windows.everything = false;
    s
}

/// A law that always gives so many seconds.
pub fn always(seconds: f64) -> Dist {
    Dist::constant(seconds).expect("a finite value")
}

/// The number of a host that does not run the first VM: `nth` of those.
pub fn spare(s: &Scenario, nth: u16) -> u16 {
    let sim = begin(s, Seed(0));
    let home = sim.model.vms.get(VmId(0)).host.0;
    (0..s.target.hosts).filter(|&h| h != home).nth(usize::from(nth)).expect("a cluster has several hosts")
}

/// A host of the target loses power.
pub fn dies(s: &mut Scenario, host: u16, at: Span) {
    let kind = FaultKind::Host { side: Side::Target, host: Pick::Nth(host) };
    breaks(s, kind, at, None);
}

/// Something breaks.
pub fn breaks(s: &mut Scenario, kind: FaultKind, at: Span, heals_after: Option<Dist>) {
    let name = format!("fault {}", s.faults.len());
    s.faults.push(Fault { name, strike: Strike::One(kind), when: When::At(at), heals_after });
}

/// The last act of the first run, ready to go.
pub fn begin(s: &Scenario, seed: Seed) -> Simulation<World> {
    begin_run(s, seed, 0)
}

/// The last act of a run, ready to go.
pub fn begin_run(s: &Scenario, seed: Seed, run: u64) -> Simulation<World> {
    run::begin(s, Act::Duress, s.timeline.duress, Record::default(), &Streams::new(seed, run))
}

/// Goes on until so many seconds.
pub fn run_to(sim: &mut Simulation<World>, seconds: f64) -> Result<(), String> {
    sim.run_until(SimTime::ZERO + Span::from_secs_f64(seconds)).map_err(|e| e.to_string())
}

/// One future in full.
pub fn play(s: &Scenario, seed: Seed, run: u64) -> Result<RunResult, String> {
    run::play(s, seed, run, false).map_err(|e| e.to_string())
}

/// All samples of some metrics on a side in some phases.
pub fn pooled(record: &Record, metrics: &[Metric], side: Side, phases: &[Phase]) -> Histogram {
    let mut all = Histogram::new(Bounds::Latency);
    for &metric in metrics {
        phases.iter().filter_map(|&p| record.histogram(metric, side, p)).for_each(|h| all.merge(h));
    }
    all
}

/// The mean of a histogram of ns, in seconds; NaN without samples.
pub fn mean(h: &Histogram) -> f64 {
    h.mean().map_or(f64::NAN, |ns| ns * 1e-9)
}

/// A quantile of a histogram of ns, in seconds; NaN without samples.
pub fn quantile(h: &Histogram, q: f64) -> f64 {
    h.quantile(q).map_or(f64::NAN, |v| v.at_least() as f64 * 1e-9)
}

/// The mean square distance of the samples from their mean, in s^2.
pub fn variance(h: &Histogram) -> f64 {
    let m = mean(h);
    let squares =
        h.cells().map(|c| (c.value as f64 * 1e-9 - m) * (c.value as f64 * 1e-9 - m) * c.count as f64);
    squares.sum::<f64>() / h.count() as f64
}

/// A tally over phases of the target.
pub fn total(record: &Record, tally: Tally, phases: &[Phase]) -> f64 {
    phases.iter().map(|&p| record.total(tally, Side::Target, p) as f64).sum()
}

/// A per-run number of the target; NaN if it was not written.
pub fn per_run(record: &Record, metric: Metric) -> f64 {
    record.per_run().find(|(key, _)| *key == (metric, Side::Target)).map_or(f64::NAN, |(_, v)| v as f64)
}

/// The hosts of the target.
pub fn hosts(s: &Scenario) -> impl Iterator<Item = HostId> + use<> {
    let first = s.source.as_ref().map_or(0, |c| c.hosts);
    (first..first + s.target.hosts).map(HostId)
}

/// A figure with one value that it must come to.
pub fn within(name: &str, got: f64, value: f64, tolerance: f64, because: &str) -> Check {
    check(name, got, Expected::Within { value, tolerance }, because)
}

/// A figure with a range that it must lie in.
pub fn between(name: &str, got: f64, low: f64, high: f64, because: &str) -> Check {
    check(name, got, Expected::Between { low, high }, because)
}

fn check(name: &str, got: f64, expected: Expected, because: &str) -> Check {
    Check { name: name.into(), expected, got, error: None, because: because.into() }
}
