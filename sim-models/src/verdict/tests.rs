use super::*;
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::record::{Condition, Record, Series};
use crate::run::RunResult;
use crate::scenario::{Claim, Objective};
use sim_core::digest::Digest;
use sim_core::stats::mean_interval;
use sim_core::{Seed, SimTime};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const STEADY: Series = (Metric::WriteLatency, Side::Target, Phase::TargetSteady);

fn result(run: u64, write: impl FnOnce(&mut Record)) -> RunResult {
    let mut record = Record::default();
    record.begin_act(Phase::TargetSteady);
    write(&mut record);
    let mut digest = Digest::default();
    digest.add(run);
    RunResult { run, digest, macro_digest: digest, record, events: 10, requests: 5, entities: Vec::new() }
}

fn write_latency(record: &mut Record, value: u64) {
    record.sample(Metric::WriteLatency, Side::Target, record.stamp(), value, 1);
}

fn batch(objectives: Vec<Objective>, runs: u64, mut write: impl FnMut(u64, &mut Record)) -> BatchStats {
    let about = About { scenario: "s".into(), question: String::new(), objectives, futures_per_past: 1 };
    let mut stats = BatchStats::new(about, Seed(7), runs);
    (0..runs).for_each(|run| stats.fold(&result(run, |record| write(run, record))));
    stats
}

/// Enough equal samples per run for an interval with both ends.
fn write_latencies(record: &mut Record, value: u64) {
    (0..100).for_each(|_| write_latency(record, value));
}

fn report(stats: &BatchStats) -> Report {
    Report::of(stats, &Header { version: "v".into(), replay: "replay".into() })
}

fn quantile(quantile: f64, limit: u64, phase: Option<Phase>) -> Vec<Objective> {
    let (metric, side) = (Metric::WriteLatency, Side::Target);
    vec![Objective { name: "o".into(), claim: Claim::Quantile { metric, side, phase, quantile, limit } }]
}

fn lost(share: f64) -> Vec<Objective> {
    let (metric, side, phase) = (Metric::LostBytes, Side::Target, None);
    let claim = Claim::Probability { metric, side, phase, above: 0, share };
    vec![Objective { name: "o".into(), claim }]
}

/// Every run holds 1, 2, ... 100 us: runs do not differ, so the interval is a point. Rank ceil(.99 * 4000) =
/// 3960 is the last of the forty samples of 99 us.
#[test]
fn a_quantile_is_judged_by_its_interval() {
    let verdict = |limit| {
        let stats = batch(quantile(0.99, limit, Some(Phase::TargetSteady)), 40, |_, record| {
            (1..=100).for_each(|v| write_latency(record, v * US));
        });
        stats.judge().remove(0)
    };
    let held = verdict(100 * US);
    assert_eq!((held.verdict, held.why), (Verdict::Pass, None));
    let value = held.value.unwrap();
    assert!((99 * US..=99 * US + 99).contains(&value), "{value}: 99 us at one part in 1024");
    assert_eq!(held.interval, Some(Range(value, value)));
    assert_eq!(verdict(98 * US).verdict, Verdict::Fail);
}

/// Twenty runs of 1 ms, twenty of 3 ms. For the median p = 1/2, n = 100, d = +-50, so Var = 40/39 * 40 *
/// 2500 / 4000^2 = 0.0064, and 2.02 * 0.08 = 0.16: the distribution function takes 0.34 at 1 ms and 0.66 at
/// 3 ms.
#[test]
fn a_limit_within_the_interval_is_undecided() {
    let halves = |run: u64, record: &mut Record| {
        (0..100).for_each(|_| write_latency(record, if run < 20 { MS } else { 3 * MS }));
    };
    let judged = batch(quantile(0.5, 2 * MS, Some(Phase::TargetSteady)), 40, halves).judge().remove(0);
    assert_eq!(judged.verdict, Verdict::Undecided);
    let Range(low, high) = judged.interval.unwrap();
    assert!(low.abs_diff(MS) < MS / 1000 && high.abs_diff(3 * MS) < 3 * MS / 1000, "{low} {high}");
}

/// Forty samples say nothing about a P99 from above: 0.99 + 2.02 * sqrt(.99 * .01 / 40) = 1.02.
#[test]
fn a_tail_without_samples_beyond_it_does_not_pass() {
    let objectives = quantile(0.99, MS, Some(Phase::TargetSteady));
    let judged = batch(objectives, 40, |_, record| write_latency(record, US)).judge().remove(0);
    assert_eq!((judged.verdict, judged.interval_open), (Verdict::Undecided, true));
    assert_eq!(judged.why.as_deref(), Some("the runs set no upper bound; more runs would"));
}

#[test]
fn below_thirty_runs_there_is_no_interval_and_it_says_why() {
    let stats =
        batch(quantile(0.99, MS, Some(Phase::TargetSteady)), 29, |_, record| write_latency(record, US));
    let why = "29 runs with samples, at least 30 needed";
    let judged = stats.judge().remove(0);
    assert_eq!((judged.verdict, judged.why.as_deref()), (Verdict::Undecided, Some(why)));
    for estimate in [stats.estimate(STEADY, Statistic::P99), stats.estimate(STEADY, Statistic::Mean)] {
        assert!(estimate.value.is_some());
        assert_eq!((estimate.interval, estimate.why.as_deref()), (None, Some(why)));
    }
}

#[test]
fn what_was_not_sampled_never_passes() {
    let quantile = batch(quantile(0.99, MS, None), 40, |_, record| write_latency(record, US));
    let probability = batch(lost(0.5), 40, |_, _| {});
    for judged in [quantile.judge().remove(0), probability.judge().remove(0)] {
        assert_eq!((judged.verdict, judged.value), (Verdict::Undecided, None));
        assert_eq!(judged.why.as_deref(), Some("no samples"));
    }
    let matrix = report(&quantile).matrix;
    assert_eq!(matrix.len(), 5);
    for row in matrix {
        assert!(row.duress.value.is_none() && row.duress.why.is_some(), "{row:?}");
    }
}

/// 24 of 3000 runs: the exact interval of Clopper and Pearson is [0.513, 1.188] %.
#[test]
fn a_probability_is_judged_by_the_exact_interval_over_runs() {
    let judge = |share| {
        let stats = batch(lost(share), 3000, |run, record| {
            record.per_run_max(Metric::LostBytes, Side::Target, u64::from(run % 125 == 0));
        });
        stats.judge().remove(0)
    };
    let judged = judge(0.02);
    assert_eq!((judged.verdict, judged.value), (Verdict::Pass, Some(8_000)));
    let Range(low, high) = judged.interval.unwrap();
    assert!(low.abs_diff(5_130) <= 5 && high.abs_diff(11_880) <= 5, "{low} {high}");
    assert_eq!(judge(0.01).verdict, Verdict::Undecided);
    assert_eq!(judge(0.005).verdict, Verdict::Fail);
}

/// .95^72 = .0249 is the first power below .025: 72 runs without a hit pass 5 %, and a 72nd run is likely to
/// lie above P95.
#[test]
fn what_is_undecided_says_how_many_runs_would_decide() {
    let none = |share, runs| {
        let never = |_, record: &mut Record| record.per_run_max(Metric::LostBytes, Side::Target, 0);
        let judged = batch(lost(share), runs, never).judge().remove(0);
        (judged.verdict, judged.why)
    };
    assert_eq!(none(0.05, 71), (Verdict::Undecided, Some("72 runs without one would pass".into())));
    assert_eq!(none(0.05, 72), (Verdict::Pass, None));
    assert_eq!(none(0.0, 72).1.as_deref(), Some("no number of runs shows that it never happens"));

    let (metric, side) = (Metric::RebuildTime, Side::Target);
    let claim = Claim::Quantile { metric, side, phase: None, quantile: 0.95, limit: 1000 };
    let rebuild = |runs| {
        let objectives = vec![Objective { name: "o".into(), claim }];
        let judged = batch(objectives, runs, |run, record| record.per_run_max(metric, side, run)).judge();
        judged.into_iter().next().map(|j| (j.verdict, j.why)).unwrap()
    };
    assert_eq!(rebuild(71), (Verdict::Undecided, Some("71 runs set no upper bound; 72 would".into())));
    assert_eq!(rebuild(72), (Verdict::Pass, None));
}

#[test]
fn a_broken_run_leaves_no_objective_passed() {
    let objectives = quantile(0.99, MS, Some(Phase::TargetSteady));
    let mut stats = batch(objectives, 40, |_, record| write_latencies(record, US));
    let whole = stats.digest;
    assert_eq!(report(&stats).verdict, Some(Verdict::Pass));
    stats.fold_failure(40, "it broke".into());
    let report = report(&stats);
    assert_eq!((report.runs, report.failed_runs), (41, 1));
    assert_eq!(report.verdict, Some(Verdict::Undecided));
    assert_eq!(report.failures[0].replay, "replay 40");
    assert_ne!(report.digest, whole, "a broken run is part of what the batch is");
}

#[test]
fn duress_is_the_worst_phase_and_every_phase_must_hold() {
    let mut stats = batch(quantile(0.99, 200 * US, None), 40, |_, record| {
        record.enter(SimTime(0), Condition::Detecting);
        write_latencies(record, 100 * US);
        record.leave(SimTime(1), Condition::Detecting);
        record.enter(SimTime(1), Condition::Rebuilding);
        write_latencies(record, 300 * US);
    });
    let row = report(&stats).matrix.remove(1);
    assert_eq!((row.metric, row.statistic), (Metric::WriteLatency, Statistic::P99));
    assert_eq!((row.duress.phase, row.duress.runs), (Some(Phase::Rebuilding), 40));
    assert_eq!((row.before.value, row.after.value), (None, None));
    assert_eq!(row.verdict, Some(Verdict::Fail));
    stats.about.objectives = quantile(0.99, 200 * US, Some(Phase::Detecting));
    assert_eq!(stats.judge()[0].verdict, Verdict::Pass);
}

/// Of 40 runs all are rebuilding at 100 us and three are caught detecting at 900 us: three runs are no worst
/// phase. Of eight runs, four are half of them and count; three do not.
#[test]
fn a_phase_that_few_runs_have_is_not_the_worst_one() {
    let worst = |runs, detecting| {
        let stats = batch(Vec::new(), runs, |run, record| {
            record.enter(SimTime(0), Condition::Rebuilding);
            write_latencies(record, 100 * US);
            record.leave(SimTime(1), Condition::Rebuilding);
            record.enter(SimTime(1), Condition::Detecting);
            (0..100).filter(|_| run < detecting).for_each(|_| write_latency(record, 900 * US));
        });
        let duress = report(&stats).matrix.remove(1).duress;
        (duress.phase.unwrap(), duress.runs, duress.interval.is_some())
    };
    assert_eq!(worst(40, 3), (Phase::Rebuilding, 40, true));
    assert_eq!(worst(40, 29), (Phase::Rebuilding, 40, true));
    assert_eq!(worst(40, 30), (Phase::Detecting, 30, true));
    assert_eq!(worst(8, 3), (Phase::Rebuilding, 8, false));
    assert_eq!(worst(8, 4), (Phase::Detecting, 4, false));
}

/// With one sample of weight 1 per run, the ratio estimator is the plain mean with Student's interval.
#[test]
fn the_interval_of_a_mean_is_students_when_runs_weigh_the_same() {
    let value = |run: u64| 1_000 + run * run % 97;
    let stats = batch(Vec::new(), 50, |run, record| write_latency(record, value(run)));
    let oracle = mean_interval(&(0..50).map(|r| value(r) as f64).collect::<Vec<_>>(), 0.95).unwrap();
    let Range(low, high) = stats.estimate(STEADY, Statistic::Mean).interval.unwrap();
    assert_eq!((low, high), (oracle.low.floor() as u64, oracle.high.ceil() as u64));
}

/// Of 40 runs the largest lies below P95 with probability .95^40 = 13 %: no upper end at 95 %. The lower one
/// is rank 35: P(B <= 34) = .0139 and P(B <= 35) = .0480 for B ~ Binomial(40, .95).
#[test]
fn an_interval_over_runs_says_when_it_has_no_upper_end() {
    let of = |runs| {
        let stats = batch(Vec::new(), runs, |run, record| {
            record.per_run_max(Metric::RebuildTime, Side::Target, run + 1);
        });
        let lines = report(&stats).metrics;
        assert_eq!((lines.len(), lines[0].phase, lines[0].runs), (1, None, runs));
        stats.column(Column::PerRun(Metric::RebuildTime, Side::Target))
    };
    let open = estimate::over_runs(of(40), 0.95);
    assert_eq!((open.value, open.interval, open.interval_open), (Some(38), Some(Range(35, 40)), true));
    // 1 - .95^100 covers, so 100 runs have both ends.
    assert!(!estimate::over_runs(of(100), 0.95).interval_open);
    assert!(estimate::over_runs(of(29), 0.5).interval.is_none());
}

#[test]
fn the_worst_run_is_the_earliest_of_the_worst() {
    let stats = batch(Vec::new(), 9, |run, record| {
        record.per_run_max(Metric::WorstIo, Side::Target, if run % 4 == 3 { 20 } else { 10 });
    });
    let report = report(&stats);
    assert_eq!((report.worst[0].run, report.worst[0].value), (3, 20));
    assert_eq!(report.replay.as_deref(), Some("replay 3"));
}

#[test]
fn the_share_seen_is_that_of_simulated_time() {
    let stats = batch(Vec::new(), 3, |_, record| {
        record.set_seen(SimTime(750), true);
        record.end_act(SimTime(1000));
    });
    let seen = report(&stats).honesty.seen;
    let (side, phase) = (Side::Target, Phase::TargetSteady);
    assert_eq!(seen, vec![Seen { side, phase, time_per_run: 1000, seen: 250_000 }]);
}

#[test]
fn top_runs_carry_their_share() {
    // 99 runs wait 1 us, one waits 101 us: the worst hundredth carries 101 / 200.
    let stats = batch(Vec::new(), 100, |run, record| {
        write_latency(record, if run == 42 { 101 * US } else { US });
    });
    let top = report(&stats).honesty.top_runs.unwrap();
    assert_eq!((top.runs, top.share, top.which), (1, 505_000, vec![42]));
}

#[test]
fn rows_and_digest_follow_the_runs() {
    let stats = batch(Vec::new(), 5, |run, record| write_latency(record, (run + 1) * MS));
    assert_eq!(stats.rows.len(), 5);
    assert!(stats.rows.iter().all(|row| row.values.len() == columns().len()));
    let p99 = Column::Sampled(Metric::WriteLatency, Statistic::P99, Group::After);
    let values = stats.column(p99);
    assert!(values.iter().zip(1..).all(|(v, ms)| v.abs_diff(ms * MS) <= ms * MS / 1000), "{values:?}");
    let fewer = batch(Vec::new(), 4, |run, record| write_latency(record, (run + 1) * MS));
    assert_ne!(stats.digest, fewer.digest);
}
