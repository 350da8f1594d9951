//! What windows cost in accuracy, in small; the bench `hybrid` does it at length.

use crate::support::{path, play_all};
use sim_cli::load;
use sim_core::{Seed, Span};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::scenario::Scenario;
use sim_models::verdict::{About, BatchStats, Estimate};

/// Four hosts, nothing breaks; a tenth of the time is seen.
fn slices() -> Scenario {
    let mut s = load::scenario(&path("tests/data/forked.ron")).unwrap_or_else(|e| panic!("{e:?}")).typical;
    s.faults.clear();
    s.futures_per_past = 1;
    (s.timeline.after, s.timeline.duress) = (Span::secs(12), Span::ZERO);
    (s.windows.stratum, s.windows.slice, s.windows.warm_in) = (Span::secs(4), Span::ms(400), Span::ms(20));
    s
}

fn p99s(s: &Scenario) -> ([Estimate; 2], u64) {
    let mut stats = BatchStats::new(About::of(s), Seed(7), 40);
    play_all(s, 40).iter().for_each(|run| stats.fold(run));
    let p99 = |metric| stats.quantile((metric, Side::Target, Phase::TargetSteady), 0.99);
    let requests = stats.rows.iter().map(|row| row.requests).sum();
    ([Metric::WriteLatency, Metric::ReadLatency].map(p99), requests)
}

/// The same 40 futures with a tenth of their requests and with all of them: P99 of writes and reads lies within 3 % of
/// the truth, which lies within the interval that the windowed runs report.
#[test]
fn windows_keep_the_tail() {
    let mut s = slices();
    let (seen, some) = p99s(&s);
    s.windows.everything = true;
    let (truth, all) = p99s(&s);
    assert!(all > 8 * some, "{some} of {all} requests");
    for (seen, truth) in seen.iter().zip(&truth) {
        let (value, truth) = (seen.value.expect("samples") as f64, truth.value.expect("samples"));
        let range = seen.interval.expect("40 runs have one");
        assert!((range.0..=range.1).contains(&truth), "{truth} is outside of {range:?}");
        let off = value / truth as f64 - 1.0;
        assert!(off.abs() < 0.03, "{:.1} % off", 100.0 * off);
    }
}
