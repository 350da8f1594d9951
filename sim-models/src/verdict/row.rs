//! One run as one line of a table.

use super::statistic::Statistic;
use crate::ids::Side;
use crate::metric::{Kind, Metric, Phase, Unit};
use crate::record::Record;
use crate::run::RunResult;
use serde::Serialize;
use sim_core::digest::Digest;
use sim_core::hist::Histogram;

/// What the columns of the matrix compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// All VMs on the source, nothing broken.
    Before,
    /// All VMs on the target, nothing broken.
    After,
    /// The target while something is broken.
    Duress,
}

impl Group {
    /// All, left to right.
    pub const ALL: [Group; 3] = [Group::Before, Group::After, Group::Duress];

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Group::Before => "before",
            Group::After => "after",
            Group::Duress => "duress",
        }
    }

    /// Whose numbers it shows.
    pub fn side(self) -> Side {
        if self == Group::Before { Side::Source } else { Side::Target }
    }

    /// Which phases it covers for a metric. What only a wave has is compared with the wave in which nothing
    /// is broken.
    pub fn phases(self, metric: Metric) -> &'static [Phase] {
        let of_a_wave = matches!(metric, Metric::CutoverOutage | Metric::MoveTime | Metric::CutoverLag);
        match self {
            Group::Before => &[Phase::SourceSteady],
            Group::After if of_a_wave => &[Phase::Migrating],
            Group::After => &[Phase::TargetSteady],
            Group::Duress => &Phase::DURESS,
        }
    }
}

/// One number of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A statistic of the run's own samples, in the worst phase of a group.
    Sampled(Metric, Statistic, Group),
    /// The worst read or write seen in a steady group: what the worst I/O of a loss is compared with.
    SteadyWorst(Group),
    /// A number that the run has once.
    PerRun(Metric, Side),
}

impl Column {
    /// As in the header of the table: `write_latency.p99.duress`, `rebuild_time.target`.
    pub fn name(self) -> String {
        match self {
            Column::Sampled(metric, statistic, group) => {
                format!("{metric}.{}.{}", statistic.name(), group.name())
            }
            Column::SteadyWorst(group) => format!("{}.{}", Metric::WorstIo, group.name()),
            Column::PerRun(metric, side) => format!("{metric}.{side}"),
        }
    }

    /// What is measured.
    pub fn metric(self) -> Metric {
        match self {
            Column::Sampled(metric, ..) | Column::PerRun(metric, _) => metric,
            Column::SteadyWorst(_) => Metric::WorstIo,
        }
    }

    /// Unit of the number.
    pub fn unit(self) -> Unit {
        self.metric().unit()
    }

    fn of(self, record: &Record) -> Option<u64> {
        match self {
            Column::Sampled(metric, statistic, group) => worst(record, metric, group, statistic),
            Column::SteadyWorst(group) => [Metric::WriteLatency, Metric::ReadLatency]
                .into_iter()
                .filter_map(|m| worst(record, m, group, Statistic::Max))
                .max(),
            Column::PerRun(metric, side) => {
                record.per_run().find(|(key, _)| *key == (metric, side)).map(|(_, value)| value)
            }
        }
    }
}

/// What each run is asked for besides its per-run numbers.
const ASKED: [(Metric, Statistic); 8] = [
    (Metric::CpuReady, Statistic::P95),
    (Metric::WriteLatency, Statistic::Mean),
    (Metric::WriteLatency, Statistic::P99),
    (Metric::ReadLatency, Statistic::Mean),
    (Metric::ReadLatency, Statistic::P99),
    (Metric::RemoteMemory, Statistic::P95),
    (Metric::Pause, Statistic::P99),
    (Metric::CutoverOutage, Statistic::Max),
];

/// The columns of every run's row, the same for all scenarios.
pub fn columns() -> Vec<Column> {
    let sampled = ASKED
        .iter()
        .flat_map(|&(metric, statistic)| Group::ALL.map(|g| Column::Sampled(metric, statistic, g)));
    let steady = [Column::SteadyWorst(Group::Before), Column::SteadyWorst(Group::After)];
    let per_run = Metric::ALL
        .iter()
        .filter(|m| m.kind() == Kind::PerRun)
        .flat_map(|&m| Side::BOTH.map(|side| Column::PerRun(m, side)));
    sampled.chain(steady).chain(per_run).collect()
}

/// One run, in a few hundred bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Number in the batch.
    pub run: u64,
    /// Over everything that happened.
    pub digest: Digest,
    /// Over everything but the sampled requests.
    pub macro_digest: Digest,
    /// Events handled.
    pub events: u64,
    /// Requests simulated.
    pub requests: u64,
    /// Time that all writes on the target waited together, weighted, in ns: what tells which runs carry the tail.
    pub write_wait: u128,
    /// In the order of [`columns`], in base units; `None` where the run has no such fact.
    pub values: Vec<Option<u64>>,
}

impl RunRow {
    /// What a run came to.
    pub fn of(result: &RunResult) -> RunRow {
        let record = &result.record;
        let wait = |((metric, side, _), h): (_, &Histogram)| {
            if (metric, side) == (Metric::WriteLatency, Side::Target) { h.sum() } else { 0 }
        };
        RunRow {
            run: result.run,
            digest: result.digest,
            macro_digest: result.macro_digest,
            events: result.events,
            requests: result.requests,
            write_wait: record.histograms().map(wait).sum(),
            values: columns().into_iter().map(|c| c.of(record)).collect(),
        }
    }
}

/// A statistic of one run in the worst phase of a group, as in the matrix; `None` without any sample.
fn worst(record: &Record, metric: Metric, group: Group, statistic: Statistic) -> Option<u64> {
    let phases = group.phases(metric).iter();
    phases.filter_map(|&p| statistic.of(record.histogram(metric, group.side(), p)?)).max()
}
