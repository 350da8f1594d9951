use super::*;
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::record::{Record, Series};
use crate::run::RunResult;
use crate::scenario::{Claim, Objective};
use crate::verdict::row::Column;
use crate::verdict::{About, BatchStats, Cluster, Statistic, Verdict};
use sim_core::digest::Digest;
use sim_core::{Seed, Streams};

const MS: u64 = 1_000_000;
const STEADY: Series = (Metric::WriteLatency, Side::Target, Phase::TargetSteady);
const REBUILD: Column = Column::PerRun(Metric::RebuildTime, Side::Target);

fn about(futures_per_past: u32) -> About {
    let (metric, side, phase) = (Metric::RebuildTime, Side::Target, None);
    let claim = Claim::Probability { metric, side, phase, above: 0, share: 0.05 };
    let objectives = vec![Objective { name: "o".into(), claim }];
    About { scenario: "s".into(), question: String::new(), objectives, futures_per_past }
}

fn steady() -> Record {
    let mut record = Record::default();
    record.begin_act(Phase::TargetSteady);
    record
}

fn write(record: &mut Record, value: u64, times: u64) {
    (0..times).for_each(|_| record.sample(STEADY.0, STEADY.1, record.stamp(), value, 1));
}

/// `pasts` pasts; `past` writes what the futures of one share, `future` goes on from there.
fn batch(
    pasts: u64,
    futures: u32,
    past: impl Fn(u64, &mut Record),
    future: impl Fn(u64, &mut Record),
) -> BatchStats {
    let about = about(futures);
    let runs = u64::from(futures);
    let mut stats = BatchStats::new(about.clone(), Seed(7), pasts * runs);
    for number in 0..pasts {
        let mut shared = steady();
        past(number, &mut shared);
        let mut cluster = Cluster::new(&about);
        for run in number * runs..(number + 1) * runs {
            let mut record = shared.clone();
            future(run, &mut record);
            let (digest, entities) = (Digest::default(), Vec::new());
            let result =
                RunResult { run, digest, macro_digest: digest, record, events: 1, requests: 1, entities };
            cluster.add(&about, result);
        }
        cluster.count_past_once(&shared);
        stats.fold_cluster(cluster);
    }
    stats
}

/// Futures that add nothing to their past say nothing more than one run per past does: every weight is F times as
/// large, so p, d / N and with them quantiles, means and their intervals are the same, and no sample is counted twice.
#[test]
fn futures_that_add_nothing_narrow_no_interval() {
    let past = |number: u64, record: &mut Record| {
        (0..50).for_each(|i| write(record, MS + (number * 37 + i * 11) % 101 * 10_000, 1));
    };
    let (one, four) = (batch(40, 1, past, |_, _| {}), batch(40, 4, past, |_, _| {}));
    for statistic in [Statistic::P50, Statistic::P95, Statistic::Mean, Statistic::ShareAbove(3 * MS / 2)] {
        let (a, b) = (one.estimate(STEADY, statistic), four.estimate(STEADY, statistic));
        assert!(a.interval.is_some());
        assert_eq!((a.value, a.interval, a.samples), (b.value, b.interval, b.samples), "{statistic:?}");
        assert_eq!((a.runs, b.runs), (40, 160));
    }
}

/// A past of 100 writes of 1 ms and futures of 100 of 3 ms each: half of the time of every run is behind the fork,
/// however many futures there are. 40 x (100 + 4 x 100) samples were taken.
#[test]
fn what_lies_behind_the_fork_keeps_its_weight() {
    let stats = batch(40, 4, |_, r| write(r, MS, 100), |_, r| write(r, 3 * MS, 100));
    let above = stats.estimate(STEADY, Statistic::ShareAbove(2 * MS));
    assert_eq!((above.value, above.samples), (Some(500_000), 20_000));
    assert_eq!(stats.estimate(STEADY, Statistic::Mean).value, Some(2 * MS));
}

/// 29 pasts are 116 runs and no interval; without any run above zero, .95^72 = .0249: 72 pasts pass 5 %.
#[test]
fn pasts_not_runs_are_enough_or_too_few() {
    let zero = |_: u64, r: &mut Record| r.per_run_max(Metric::RebuildTime, Side::Target, 0);
    let stats = batch(29, 4, |_, r| write(r, MS, 100), zero);
    let why = Some("29 pasts with samples, at least 30 needed".to_string());
    assert_eq!(stats.estimate(STEADY, Statistic::P50).why, why);
    assert_eq!(stats.over_runs(REBUILD, 0.5).why, why);
    let judged = stats.judge().remove(0);
    assert_eq!(judged.verdict, Verdict::Undecided);
    assert_eq!(judged.why.as_deref(), Some("72 pasts without one would pass"));
    assert_eq!(batch(72, 4, |_, _| {}, zero).judge()[0].verdict, Verdict::Pass);
}

/// One number per run, half of its variance from the past: 40 pasts of 4 futures, 600 batches. The number is normal,
/// so its median is 0 (here 10^9) and 30 % of runs lie above its 70 % point, 0.5244 standard deviations up. Intervals
/// at 95 % hold the truth in 95 % of the batches, give or take twice sqrt(.95 * .05 / 600) = 0.018; those that take
/// the runs for independent (each has deff = 1 + 3 * 0.5 = 2.5 times their variance, or about that for a share) do
/// in about 79 %.
#[test]
fn intervals_over_futures_cover() {
    let mut hits = [0u32; 3];
    for batch in 0..600 {
        let mut luck = Streams::new(Seed(11), batch).stream("clustered", "coverage");
        let mut normal = || sim_core::special::normal_quantile(luck.uniform_open() * (1.0 - 1e-12));
        let mut values = Vec::new();
        for past in 0..40 {
            let shared = normal();
            for _ in 0..4 {
                let v = (shared + normal()) * std::f64::consts::FRAC_1_SQRT_2;
                values.push((past, (1e9 + 1e8 * v) as u64));
            }
        }
        let limit = 1_000_000_000 + 52_440_000;
        let mut shares = Shares::default();
        values.chunk_by(|a, b| a.0 == b.0).for_each(|past| {
            shares.add(past.iter().filter(|(_, v)| *v > limit).count() as u64, past.len() as u64);
        });
        let holds = |range: Option<Range>| {
            range.is_some_and(|Range(low, high)| (low..=high).contains(&1_000_000_000))
        };
        let (share, alone) = (shares.interval(), values.iter().map(|v| v.1).collect());
        hits[0] += u32::from(holds(over_pasts(&values, 0.5).interval));
        hits[1] += u32::from(share.low <= 0.3 && 0.3 <= share.high);
        hits[2] += u32::from(holds(crate::verdict::estimate::over_runs(alone, 0.5).interval));
    }
    let [median, share, naive] = hits.map(|h| f64::from(h) / 600.0);
    assert!(median > 0.93 && median < 0.985, "{median}");
    assert!(share > 0.93 && share < 0.985, "{share}");
    assert!(naive < 0.86, "taking runs for independent covers {naive}");
}

/// 200 runs of 100 pasts, no two alike: the largest of 200 lies below P99 with probability .99^200 = 13 %, so there
/// is no upper end. It does below P95 with .95^200 = 0.004 %, and .95 + 2 * sqrt(.05 * .95 / 200) = .98: there is one.
#[test]
fn an_end_that_the_runs_do_not_set_is_open() {
    let values: Vec<(u64, u64)> = (0..200).map(|run| (run / 2, 1 + run * 7919 % 200)).collect();
    assert!(over_pasts(&values, 0.99).interval_open);
    assert!(!over_pasts(&values, 0.95).interval_open);
}
