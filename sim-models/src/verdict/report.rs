//! Everything a report says, as plain data; every output format is a rendering of this.

use super::curve::Curve;
use super::estimate::{Estimate, Range};
use super::fold::BatchStats;
use super::honesty::Honesty;
use super::matrix::MatrixRow;
use super::objective::{Judged, Verdict};
use super::row::{Column, columns};
use super::statistic::in_sample;
use crate::ids::Side;
use crate::metric::{Kind, Metric, Phase, Unit};
use crate::record::{Record, Series};
use serde::Serialize;
use sim_core::Seed;
use sim_core::digest::Digest;
use sim_core::hist::Histogram;

/// What the statistics do not know of themselves.
#[derive(Clone, Debug)]
pub struct Header {
    /// Version of the program.
    pub version: String,
    /// The command that replays a run, up to and without the run's number.
    pub replay: String,
}

/// A judged batch.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: String,
    /// The question it answers.
    pub question: String,
    /// Version of the program.
    pub version: String,
    /// Seed of the batch, in hex.
    pub seed: Seed,
    /// Runs played, broken ones included.
    pub runs: u64,
    /// Runs asked for: more than `runs` when the batch was interrupted.
    pub runs_asked: u64,
    /// Runs that broke.
    pub failed_runs: u64,
    /// Runs that share one past.
    pub futures_per_past: u32,
    /// Pasts with a finished run: the units of every interval.
    pub pasts: u64,
    /// Over the digests of all runs in run order, in hex.
    pub digest: Digest,
    /// The worst verdict of all objectives; `None` without any.
    pub verdict: Option<Verdict>,
    /// The five rows.
    pub matrix: Vec<MatrixRow>,
    /// What must hold, and whether it does.
    pub objectives: Vec<Judged>,
    /// The command that replays the run in which the first of `worst` happened.
    pub replay: Option<String>,
    /// The worst run of each headline metric.
    pub worst: Vec<Worst>,
    /// Every metric that has samples, by side and phase.
    pub metrics: Vec<MetricLine>,
    /// Runs that broke, with what they said.
    pub failures: Vec<Broken>,
    /// How far the numbers carry.
    pub honesty: Honesty,
    /// Pause and write latency as percentile plots.
    pub curves: Vec<Curve>,
}

/// The run with the largest value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Worst {
    /// Column of the table of runs, such as `write_latency.p99.duress`.
    pub column: String,
    /// Unit of the value.
    pub unit: Unit,
    /// The run's value.
    pub value: u64,
    /// The run.
    pub run: u64,
    /// The command that replays it.
    pub replay: String,
}

/// A run that came to no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its number.
    pub run: u64,
    /// Seed of its batch, in hex.
    pub seed: Seed,
    /// What it said.
    pub message: String,
    /// The command that replays it.
    pub replay: String,
}

/// One metric of one side and phase, over all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MetricLine {
    /// What is measured.
    pub metric: Metric,
    /// On which side.
    pub side: Side,
    /// In which phase; `None` for a number per run, whose quantiles are over runs.
    pub phase: Option<Phase>,
    /// Unit of all values.
    pub unit: Unit,
    /// Samples.
    pub count: u64,
    /// What they stand for.
    pub weighted_count: u64,
    /// Samples above the bounds of the histogram.
    pub overflow: u64,
    /// Weighted mean.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest sample, exactly.
    pub max: u64,
    /// 95 % interval of the 99th percentile.
    pub p99_interval: Option<Range>,
    /// The batch sets no upper bound: the upper end is the largest sample seen.
    pub p99_interval_open: bool,
    /// Why there is no interval.
    pub p99_interval_why: Option<String>,
    /// Runs that hold samples.
    pub runs: u64,
}

impl MetricLine {
    /// Every sample is the same, as far as a mean can tell.
    pub fn is_constant(&self) -> bool {
        self.p50 == self.max && self.mean == self.max
    }
}

impl Report {
    /// The judgement of what has been folded so far.
    pub fn of(stats: &BatchStats, header: &Header) -> Report {
        let objectives = stats.judge();
        let matrix = stats.matrix(&objectives);
        let worst = stats.worst(header);
        Report {
            scenario: stats.about.scenario.clone(),
            question: stats.about.question.clone(),
            version: header.version.clone(),
            seed: stats.seed,
            runs: stats.played(),
            runs_asked: stats.asked,
            failed_runs: stats.failures.len() as u64,
            futures_per_past: stats.about.futures_per_past,
            pasts: stats.pasts,
            digest: stats.digest,
            verdict: objectives.iter().map(|o| o.verdict).max(),
            honesty: stats.honesty(&matrix),
            curves: stats.curves(&matrix),
            matrix,
            objectives,
            replay: worst.first().map(|w| w.replay.clone()),
            worst,
            metrics: stats.metric_lines(),
            failures: stats.broken(header),
        }
    }

    /// Fewer runs than asked for.
    pub fn is_partial(&self) -> bool {
        self.runs < self.runs_asked
    }
}

/// Columns in which a bad run shows, the most telling first.
const TELLING: [&str; 7] = [
    "worst_io.target",
    "worst_io.source",
    "write_latency.p99.duress",
    "pause.p99.duress",
    "cutover_outage.max.duress",
    "cpu_ready.p95.duress",
    "remote_memory.p95.duress",
];

/// The same for a scenario in which nothing breaks.
const TELLING_IN_PEACE: [&str; 4] =
    ["write_latency.p99.after", "pause.p99.after", "cpu_ready.p95.after", "remote_memory.p95.after"];

impl BatchStats {
    fn worst(&self, header: &Header) -> Vec<Worst> {
        let of = |names: &[&str]| -> Vec<Worst> {
            names.iter().filter_map(|name| self.worst_in(name, header)).collect()
        };
        let worst = of(&TELLING);
        if worst.is_empty() { of(&TELLING_IN_PEACE) } else { worst }
    }

    fn worst_in(&self, name: &str, header: &Header) -> Option<Worst> {
        let (at, column) = columns().into_iter().enumerate().find(|(_, c)| c.name() == name)?;
        // Nothing bad happened in a run of value zero.
        let values = self.rows.iter().filter_map(|row| Some((row.values[at].filter(|&v| v > 0)?, row.run)));
        // The earliest run wins a tie.
        let (value, run) = values.max_by_key(|&(value, run)| (value, std::cmp::Reverse(run)))?;
        let replay = format!("{} {run}", header.replay);
        Some(Worst { column: name.into(), unit: column.unit(), value, run, replay })
    }

    fn broken(&self, header: &Header) -> Vec<Broken> {
        let of = |f: &super::Failure| Broken {
            run: f.run,
            seed: self.seed,
            message: f.message.clone(),
            replay: format!("{} {}", header.replay, f.run),
        };
        self.failures.iter().map(of).collect()
    }

    fn metric_lines(&self) -> Vec<MetricLine> {
        let sampled = self.pooled().map(|(series, h)| {
            let p99 = self.quantile(series, 0.99);
            let runs = p99.runs;
            MetricLine { runs, ..line(series, h, p99) }
        });
        let sampled: Vec<MetricLine> = sampled.collect();
        let once = columns().into_iter().filter_map(|column| self.per_run_line(column));
        sampled.into_iter().chain(once).collect()
    }

    fn per_run_line(&self, column: Column) -> Option<MetricLine> {
        let Column::PerRun(metric, side) = column else { return None };
        let values = self.column(column);
        let max = *values.iter().max()?;
        let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
        let at = |q| self.over_runs(column, q).value.unwrap_or(0);
        let p99 = self.over_runs(column, 0.99);
        Some(MetricLine {
            metric,
            side,
            phase: None,
            unit: metric.unit(),
            count: values.len() as u64,
            weighted_count: values.len() as u64,
            overflow: 0,
            mean: (sum / values.len() as u128) as u64,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max,
            p99_interval: p99.interval,
            p99_interval_open: p99.interval_open,
            p99_interval_why: p99.why,
            runs: p99.runs,
        })
    }
}

fn line((metric, side, phase): Series, h: &Histogram, p99: Estimate) -> MetricLine {
    let at = |q| h.quantile(q).map_or(0, |v| in_sample(h, v));
    MetricLine {
        metric,
        side,
        phase: Some(phase),
        unit: metric.unit(),
        count: h.raw_count(),
        weighted_count: h.count(),
        overflow: h.overflow_raw(),
        mean: h.mean().map_or(0, super::statistic::rounded),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: h.max().unwrap_or(0),
        p99_interval: p99.interval,
        p99_interval_open: p99.interval_open,
        p99_interval_why: p99.why,
        runs: p99.runs,
    }
}

/// The metrics of a single run, without intervals: one run is one sample.
pub fn metric_lines_of(record: &Record) -> Vec<MetricLine> {
    let one = || Estimate::none("a single run");
    let sampled = record
        .histograms()
        .filter(|(_, h)| !h.is_empty())
        .map(|(series, h)| MetricLine { runs: 1, ..line(series, h, one()) });
    let once = record.per_run().filter(|((m, _), _)| m.kind() == Kind::PerRun).map(|((metric, side), v)| {
        let mut h = MetricLine {
            metric,
            side,
            phase: None,
            unit: metric.unit(),
            count: 1,
            weighted_count: 1,
            overflow: 0,
            mean: v,
            p50: v,
            p95: v,
            p99: v,
            p999: v,
            max: v,
            p99_interval: None,
            p99_interval_open: false,
            p99_interval_why: None,
            runs: 1,
        };
        h.p99_interval_why = one().why;
        h
    });
    sampled.chain(once).collect()
}
