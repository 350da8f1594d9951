//! What a fork costs, as a share of what it saves: the past of `node-loss` once more.
//!
//! Run with `cargo bench --bench fork`; medians over rounds that alternate.

mod cost;

use cost::{median, only_starts, shipped, timed};
use sim_core::Seed;
use sim_models::run::{Past, fork_instant};
use std::hint::black_box;

/// Forks measured at a time.
const FORKS: u32 = 50;

fn main() {
    let rounds = if only_starts() { 1 } else { 5 };
    let scenario = shipped("node-loss");
    let fork = fork_instant(&scenario).expect("its fault strikes inside the act");
    let (mut pasts, mut forks, mut futures) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (past, spent) =
            timed(|| Past::play(&scenario, Seed(1), round, false).expect("inside the budget"));
        pasts.push(spent);
        // A batch keeps the record of the past once more, to count it once.
        let fork = || (past.clone(), past.record().clone());
        // Caches are warm for every fork but the first, and clocks of threads tick every few milliseconds.
        let (_, spent) = timed(|| (0..FORKS).for_each(|_| drop(black_box(fork()))));
        forks.push(spent / f64::from(FORKS));
        let (copy, _) = fork();
        futures.push(timed(|| copy.future(&scenario, round).expect("inside the budget").digest).1);
    }
    let (past, fork_cost, future) = (median(pasts), median(forks), median(futures));
    println!("node-loss, forked at {fork} of the act of the move; medians of {rounds}, seconds on one core");
    println!("  past   {past:8.4}");
    println!("  fork   {fork_cost:8.4}   {:.2} % of the past it saves", 100.0 * fork_cost / past);
    println!("  future {future:8.4}");
    for futures in [2.0, 4.0, 8.0] {
        let forked = past + futures * future + (futures - 1.0) * fork_cost;
        let share = forked / (futures * (past + future));
        println!("  {futures} futures per past: a run costs {:.0} % of an unforked one", 100.0 * share);
    }
    assert!(fork_cost < 0.05 * past, "a fork costs more than 5 % of what it saves");
}
