//! How the cost of a run grows with the size of the clusters: `node-loss`, everything doubled from 16 hosts and 480
//! VMs on the target to 128 and 3,840.
//!
//! Run with `cargo bench --bench growth`. The exponents are those between neighbours: log2 of the ratio of costs, of
//! requests and of events. Cost per request that grows with the logarithm of their number has an exponent of about
//! 0.05 over that of the requests themselves. The number of requests grows faster than the clusters where windows
//! open around moves: there are twice the moves, and twice the VMs are looked at around each. The second table has
//! none of these windows.

mod cost;

use cost::{grown, only_starts, shipped, timed};
use sim_core::{Seed, Span};
use sim_models::run::play;
use sim_models::scenario::Scenario;

fn main() {
    println!("node-loss as shipped");
    table(&shipped("node-loss"));
    let mut slices = shipped("node-loss");
    slices.windows.around = Span::ZERO;
    println!("\nnode-loss without windows around moves");
    table(&slices);
}

/// Platform maths is good enough for a table.
#[allow(clippy::disallowed_methods)]
fn exponent(now: f64, before: f64) -> f64 {
    (now / before).log2()
}

fn table(scenario: &Scenario) {
    println!(
        "{:>5} {:>5} {:>9} {:>12} {:>12} {:>10} {:>9} {:>9} {:>9}",
        "hosts", "VMs", "CPU s", "events", "requests", "us/request", "cost ^", "events ^", "requests ^"
    );
    let mut last: Option<[f64; 3]> = None;
    let sizes: &[u16] = if only_starts() { &[1] } else { &[1, 2, 4, 8] };
    for &by in sizes {
        let mut s = grown(scenario.clone(), by);
        s.event_budget = u64::MAX;
        let (run, spent) = timed(|| play(&s, Seed(1), 0, false).expect("no budget"));
        let now = [spent, run.events as f64, run.requests as f64];
        print!(
            "{:>5} {:>5} {spent:>9.2} {:>12} {:>12} {:>10.2}",
            s.target.hosts,
            s.vm_count(),
            run.events,
            run.requests,
            1e6 * spent / now[2]
        );
        if let Some(before) = last {
            (0..3).for_each(|i| print!(" {:>9.2}", exponent(now[i], before[i])));
        }
        println!();
        last = Some(now);
    }
}
