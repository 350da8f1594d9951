//! A clone of a simulation is the same simulation; re-keyed, it is another future of the same past.

use super::queue::{Queue, Seen};
use sim_core::sim::Digests;
use sim_core::{Seed, SimTime, Simulation, Span, Streams};

const SEED: Seed = Seed(77);
const FORK: SimTime = SimTime(20_000 * 1_000_000_000);
const END: SimTime = SimTime(40_000 * 1_000_000_000);

fn until_the_fork() -> Simulation<Queue> {
    let mut sim = Queue::new(0.8, u64::MAX, &Streams::new(SEED, 0)).simulation();
    sim.run_until(FORK).expect("within budget");
    assert!(!sim.is_idle() && sim.record.sojourns.len() > 10_000, "nothing to fork");
    sim
}

fn finish(mut sim: Simulation<Queue>) -> (Digests, u64, Seen) {
    sim.run_until(END).expect("within budget");
    (sim.digests(), sim.events(), sim.record)
}

fn rekeyed(mut sim: Simulation<Queue>, run: u64) -> Simulation<Queue> {
    sim.start(|m, _| m.rekey(&Streams::new(SEED, run)));
    sim
}

#[test]
fn a_clone_continues_bit_for_bit() {
    let mut whole = Queue::new(0.8, u64::MAX, &Streams::new(SEED, 0)).simulation();
    whole.run_until(END).expect("within budget");
    let original = until_the_fork();
    let clone = original.clone();
    // The clone runs first: if anything were shared, the original would notice.
    let (clone, original) = (finish(clone), finish(original));
    assert_eq!(clone, original);
    assert_eq!(clone, (whole.digests(), whole.events(), whole.record));
}

#[test]
fn a_rekeyed_clone_is_the_run_that_is_rekeyed_unforked() {
    let trunk = until_the_fork();
    let past = trunk.record.sojourns.len();
    let futures: Vec<_> = (1..=3).map(|run| finish(rekeyed(trunk.clone(), run))).collect();
    let straight = finish(trunk);
    for (run, future) in (1..).zip(&futures) {
        assert_eq!(*future, finish(rekeyed(until_the_fork(), run)), "run {run}");
        assert_eq!(future.2.sojourns[..past], straight.2.sojourns[..past], "the past of run {run}");
    }
    let all: Vec<_> = futures.iter().chain([&straight]).collect();
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            assert_ne!(a.0, b.0, "two futures are one");
            assert_ne!(a.2.sojourns[past..], b.2.sojourns[past..]);
        }
    }
}

#[test]
fn what_was_pending_happens_in_every_future() {
    // A job in service and an arrival are pending: both were drawn before the fork and happen in every future
    // at the same instant. The first draw that differs comes with the first of them.
    let trunk = until_the_fork();
    let first = |run: u64| {
        let mut sim = rekeyed(trunk.clone(), run);
        let before = sim.events();
        let mut at = FORK;
        while sim.events() == before {
            at += Span::ms(1);
            sim.run_until(at).expect("within budget");
        }
        (at, sim.events() - before)
    };
    assert!((1..10).all(|run| first(run) == first(0)));
}
