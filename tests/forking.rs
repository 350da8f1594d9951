//! Runs that share a past: forked or not, the same bits; and what comes after the fork is each run's own.

use crate::support::{path, small};
use sim_cli::load;
use sim_core::batch::run_batch;
use sim_core::{Seed, SimTime, Simulation, Span, Streams};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::record::Record;
use sim_models::run::{Act, Past, RunResult, begin, fork_instant, play};
use sim_models::scenario::{Scenario, When};
use sim_models::verdict::{About, BatchStats, Header, Report};
use sim_models::world::World;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

const SEED: Seed = Seed(7);

fn halfway(s: &Scenario, run: u64) -> Simulation<World> {
    let streams = Streams::new(SEED, run);
    let mut sim = begin(s, Act::Duress, s.timeline.duress, Record::default(), &streams);
    sim.run_until(SimTime::ZERO + s.timeline.duress / 4).expect("inside the budget");
    sim
}

fn to_the_end(mut sim: Simulation<World>, s: &Scenario) -> String {
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
        sim.start(|world: &mut World, _| world.rekey(&Streams::new(SEED, run)));
        sim
    };
    let plain = to_the_end(past.clone(), &s);
    assert_eq!(plain, to_the_end(halfway(&s, 1), &s));
    let forked = to_the_end(rekeyed(past.clone(), 9), &s);
    assert_ne!(plain, forked);
    assert_eq!(forked, to_the_end(rekeyed(halfway(&s, 1), 9), &s));
}

/// A scaled-down scenario whose runs share a past by fours, thin slices, little of anything but the move.
fn by_fours(name: &str) -> Scenario {
    let mut s = small(name);
    s.futures_per_past = 4;
    s.windows.slice = Span::ms(20);
    s.windows.after_detection = Span::ms(100);
    s.timeline.before = s.timeline.before.min(Span::secs(30));
    s.timeline.after = s.timeline.after.min(Span::secs(30));
    s.timeline.duress = Span::mins(20);
    for fault in &mut s.faults {
        if let When::Within(from, to) = &mut fault.when {
            (*from, *to) = (Span::mins(4), Span::mins(8));
        }
    }
    s
}

/// Forked futures of past 1, with a digest per entity; the clones run before the original.
fn forked(s: &Scenario) -> Vec<RunResult> {
    let past = Past::play(s, SEED, 1, true).expect("inside the budget");
    let mut futures: Vec<RunResult> =
        (4..6).map(|run| past.clone().future(s, run).expect("inside the budget")).collect();
    futures.push(past.future(s, 6).expect("inside the budget"));
    futures
}

fn assert_forked_is_unforked(name: &str) {
    let s = by_fours(name);
    let futures = forked(&s);
    for (run, future) in (4..).zip(&futures) {
        let alone = play(&s, SEED, run, true).expect("inside the budget");
        assert!(alone == *future, "{name}: run {run} is another one when forked");
    }
    assert_ne!(futures[0].macro_digest, futures[1].macro_digest, "{name}: futures differ");
    // Acts of the past: what was seen of them is the same in all.
    let before =
        |r: &RunResult| r.record.histogram(Metric::WriteLatency, Side::Source, Phase::SourceSteady).cloned();
    assert!(futures.iter().all(|f| before(f) == before(&futures[0])), "{name}: one past");
}

#[test]
fn futures_of_one_past_are_the_unforked_runs_when_a_host_dies() {
    assert_forked_is_unforked("node-loss");
}

#[test]
fn futures_of_one_past_are_the_unforked_runs_when_a_host_is_missing_from_the_start() {
    assert!(fork_instant(&by_fours("degraded-n-minus-1")).is_none(), "its past ends as the act begins");
    assert_forked_is_unforked("degraded-n-minus-1");
}

#[test]
fn futures_of_one_past_are_the_unforked_runs_when_the_link_between_the_sites_dies() {
    assert_forked_is_unforked("metro-cutover");
}

#[test]
fn futures_of_one_past_are_the_unforked_runs_when_two_things_break() {
    assert_forked_is_unforked("rebuild-storm");
}

/// With one future per past the fork is onto the run's own streams, which changes nothing: the run that is never
/// forked, for which `begin` draws and schedules everything at the start.
#[test]
fn a_fork_onto_its_own_run_changes_nothing() {
    let mut s = by_fours("node-loss");
    s.futures_per_past = 1;
    (s.timeline.before, s.timeline.after) = (Span::ZERO, Span::ZERO);
    let run = play(&s, SEED, 3, false).expect("inside the budget");
    let mut sim = begin(&s, Act::Duress, s.timeline.duress, Record::default(), &Streams::new(SEED, 3));
    sim.run_until(SimTime::ZERO + s.timeline.duress).expect("inside the budget");
    let mut digest = sim_core::digest::Digest::default();
    digest.add(sim.digests().macroscopic.value());
    digest.add(sim.digests().microscopic.value());
    assert_eq!((run.digest, run.events), (digest, sim.events()));
}

/// Within(4 min, 8 min), less 0.5 s before a fault, 0.1 s of warm-in and the nanosecond that makes it "before".
#[test]
fn the_fork_is_just_before_the_first_window_of_the_first_fault() {
    let s = by_fours("node-loss");
    let lead = s.windows.before_fault + s.windows.warm_in + Span::ns(1);
    assert_eq!(fork_instant(&s), Some(SimTime::ZERO + Span::mins(4) - lead));
    let strikes = forked(&s).iter().map(|f| strike(f).expect("a host dies")).collect::<Vec<_>>();
    assert!(strikes.windows(2).all(|w| w[0] != w[1]), "when and where are drawn anew: {strikes:?}");
}

fn strike(run: &RunResult) -> Option<(SimTime, String)> {
    run.record.story().iter().find(|n| n.what.contains(" fails")).map(|n| (n.at, n.what.clone()))
}

/// Who still owes draws to the past, by their debug output. Only what was under way at the fork may.
fn owed(world: &World, past: u64) -> usize {
    let streams = format!("{:?}", Streams::new(SEED, past));
    let run = streams.rsplit(' ').next().expect("a key").to_string();
    format!("{world:?}").matches(&run).count()
}

/// No move: then every stream of every entity is the future's, but for a request of a slice that happens to be
/// open at the fork, which keeps its own. The same world before the fork owes
/// everything to its past, so that the search is seen to find what it looks for.
#[test]
fn everybody_has_the_luck_of_the_future_after_a_fork() {
    let mut s = by_fours("node-loss");
    s.wave = None;
    s.target.live_migrations_per_hour = 0.0;
    let streams = Streams::new(SEED, 1);
    let mut sim = begin(&s, Act::Duress, s.timeline.duress, Record::default(), &streams);
    sim.run_until(fork_instant(&s).expect("inside the act")).expect("inside the budget");
    let vms = s.vm_count() as usize;
    assert!(owed(&sim.model, 1) > 4 * vms, "clients, demand, boots, samples: {}", owed(&sim.model, 1));
    sim.start(|world, cx| world.fork(&s, &Streams::new(SEED, 9), cx));
    let under_way = format!("{:?}", sim.model).matches("Active { request").count();
    assert!(under_way < 9, "{under_way} requests");
    assert_eq!(owed(&sim.model, 1), under_way);
}

fn report(file: &std::path::Path, jobs: usize) -> (BatchStats, String) {
    let loaded = load::scenario(file).unwrap_or_else(|e| panic!("{e:?}"));
    let about = About::of(&loaded.typical);
    let mut stats = BatchStats::new(about.clone(), SEED, 6);
    run_batch(
        0..2,
        jobs,
        &AtomicBool::new(false),
        |past| loaded.play_past(&about, SEED, past, 6),
        |_, cluster| {
            stats.fold_cluster(cluster.expect("no past panics"));
            ControlFlow::Continue(())
        },
    )
    .expect("threads can be had");
    let report = Report::of(&stats, &Header { version: "v".into(), replay: "replay".into() });
    let json = serde_json::to_string(&report).expect("plain data");
    (stats, json)
}

/// Six runs by fours are two pasts, the second with two futures; any number of threads gives the same report, and
/// each row is that of the run alone.
#[test]
fn a_batch_of_forks_is_the_same_for_any_number_of_threads() {
    let file = path("tests/data/forked.ron");
    let (stats, one) = report(&file, 1);
    assert_eq!(one, report(&file, 3).1);
    assert!(one.contains("\"futures_per_past\":4,\"pasts\":2"), "{one}");
    let loaded = load::scenario(&file).unwrap_or_else(|e| panic!("{e:?}"));
    let alone: Vec<_> = (0..6).map(|run| loaded.play(SEED, run, false).expect("a result").digest).collect();
    assert_eq!(stats.rows.iter().map(|r| r.digest).collect::<Vec<_>>(), alone);
}
