//! What windows cost in accuracy: P99 by phase of windowed runs beside that of the same runs with every request
//! simulated, and how much less they compute.
//!
//! Run with `cargo bench --bench hybrid` (a quarter of an hour); `-- 60` for other numbers of full runs than 30. The
//! reference clusters at a quarter of their size with the shipped slices, warm-in and windows, but acts of minutes
//! and a slice in each 15 s: as many slices as the shipped acts have. Runs with the same number have the same
//! macroscopic world, so what differs is what the windows do. Windowed runs are cheap, and there are four times as
//! many; `paired` compares only those that have a full twin.

mod cost;

use cost::{only_starts, shipped, timed};
use sim_core::{Seed, Span};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::run::{RunResult, play};
use sim_models::scenario::{Scenario, When};
use sim_models::verdict::{About, BatchStats};

const SEED: Seed = Seed(1);

fn main() {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let runs: u64 = if only_starts() { 1 } else { asked.unwrap_or(30) };
    for name in ["steady", "node-loss", "cvm-contention"] {
        let windowed = quarter(name);
        let mut full = windowed.clone();
        full.windows.everything = true;
        let (oracle, full_s) = batch(&full, runs);
        let (paired, windowed_s) = batch(&windowed, runs);
        let (more, _) = batch(&windowed, 4 * runs);
        println!(
            "\n{name}: {runs} full runs of {:.2} s, windowed {:.3} s: {:.0} times faster",
            full_s / runs as f64,
            windowed_s / runs as f64,
            full_s / windowed_s
        );
        println!("{:34} {:>11} {:>9} {:>9}  95 % of windowed", "", "full P99 us", "paired", "windowed");
        for metric in [Metric::WriteLatency, Metric::ReadLatency] {
            rows(metric, [&oracle, &paired, &more]);
        }
    }
}

fn rows(metric: Metric, [oracle, paired, more]: [&BatchStats; 3]) {
    let series = Side::BOTH.into_iter().flat_map(|side| Phase::ALL.map(|phase| (metric, side, phase)));
    for series in series {
        let p99 = |stats: &BatchStats| stats.quantile(series, 0.99);
        let (truth, twin, all) = (p99(oracle), p99(paired), p99(more));
        let (Some(value), Some(twin), Some(seen)) = (truth.value, twin.value, all.value) else { continue };
        let off = |v: u64| 100.0 * (v as f64 / value as f64 - 1.0);
        let interval = all.interval.map_or_else(
            || all.why.unwrap_or_default(),
            |range| {
                let holds = if (range.0..=range.1).contains(&value) { "holds" } else { "MISSES" };
                format!("[{:+.1} %, {:+.1} %] {holds}", off(range.0), off(range.1))
            },
        );
        let name = format!("{metric} {} {}", series.1, series.2);
        println!(
            "{name:34} {:>11.1} {:>+7.1} % {:>+7.1} %  {interval}",
            value as f64 / 1e3,
            off(twin),
            off(seen)
        );
    }
}

/// The reference clusters at a quarter, acts of minutes, shipped windows but for more strata.
fn quarter(name: &str) -> Scenario {
    let mut s = shipped(name);
    s.groups.iter_mut().for_each(|group| group.count /= 4);
    if let Some(wave) = &mut s.wave {
        wave.vms_per_group.iter_mut().for_each(|vms| *vms = vms.div_ceil(4));
    }
    if let Some(source) = &mut s.source {
        source.hosts = 4;
    }
    s.target.hosts = 6;
    let eventful = s.timeline.duress > Span::ZERO;
    s.timeline.before = if eventful { Span::ZERO } else { Span::mins(2) };
    s.timeline.after = if eventful { Span::secs(30) } else { Span::mins(3) };
    s.timeline.duress = s.timeline.duress.min(Span::mins(5));
    for fault in &mut s.faults {
        fault.when = match fault.when {
            When::Within(..) => When::Within(Span::secs(60), Span::secs(90)),
            _ => When::At(Span::secs(90)),
        };
    }
    s.windows.stratum = Span::secs(15);
    s.event_budget = u64::MAX;
    s
}

/// The runs folded, and the seconds they computed.
fn batch(s: &Scenario, runs: u64) -> (BatchStats, f64) {
    let mut stats = BatchStats::new(About::of(s), SEED, runs);
    let mut spent = 0.0;
    for run in 0..runs {
        let (result, seconds): (RunResult, f64) = timed(|| play(s, SEED, run, false).expect("no budget"));
        stats.fold(&result);
        spent += seconds;
    }
    (stats, spent)
}
