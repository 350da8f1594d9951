//! The risk matrix: five dimensions, before, after and under duress.

use super::estimate::Estimate;
use super::fold::BatchStats;
use super::objective::{Judged, Verdict};
use super::row::{Column, Group};
use super::statistic::Statistic;
use crate::ids::Side;
use crate::metric::{Metric, Phase, Unit};
use serde::Serialize;

/// What can go wrong with a migration, in five parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Waiting for a CPU.
    SchedulerLogic,
    /// Writing to disk.
    StoragePath,
    /// Reaching memory on another socket.
    NumaTopology,
    /// Moving a running VM.
    NetworkFabric,
    /// Living through a loss.
    FailureBehaviour,
}

impl Dimension {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::SchedulerLogic => "scheduler logic",
            Dimension::StoragePath => "storage path",
            Dimension::NumaTopology => "NUMA topology",
            Dimension::NetworkFabric => "network fabric",
            Dimension::FailureBehaviour => "failure behaviour",
        }
    }

    /// Where a metric belongs.
    pub fn of(metric: Metric) -> Dimension {
        use Metric::*;
        match metric {
            CpuReady | CoStop | ReadyCoStop | BalancerMoves => Dimension::SchedulerLogic,
            WriteLatency | WriteLatencyTool | ReadLatency | ReadLatencyTool | DeviceAmplification
            | NetworkAmplification => Dimension::StoragePath,
            RemoteMemory => Dimension::NumaTopology,
            Pause | PauseCopy | PauseDevice | PauseHandshake | Outage | Freeze | MigrationTime | Rounds
            | CutoverOutage | MoveTime | CutoverLag | WaveTime | FailedMigrations | RolledBack => {
                Dimension::NetworkFabric
            }
            RestartOutage | WorstIo | IoCompleted | IoStalled | RebuildTime | Exposure | UnavailableBytes
            | LostBytes | VmsDown | IoErrors => Dimension::FailureBehaviour,
        }
    }
}

/// One row of the matrix.
#[derive(Clone, Debug, Serialize)]
pub struct MatrixRow {
    /// Which risk.
    pub dimension: Dimension,
    /// The headline metric.
    pub metric: Metric,
    /// What is shown of it.
    pub statistic: Statistic,
    /// Unit of the three numbers.
    pub unit: Unit,
    /// On the source, nothing broken.
    pub before: Estimate,
    /// On the target, nothing broken.
    pub after: Estimate,
    /// On the target, in the worst of the phases in which something is broken.
    pub duress: Estimate,
    /// The worst verdict of the objectives on this dimension; `None` without one.
    pub verdict: Option<Verdict>,
    /// Other numbers that explain the headline; under duress in the same phase where they have samples there.
    pub beside: Vec<Beside>,
}

/// A number that explains a headline.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// What is measured.
    pub metric: Metric,
    /// What is shown of it.
    pub statistic: Statistic,
    /// Unit of the three numbers.
    pub unit: Unit,
    /// On the source, nothing broken.
    pub before: Estimate,
    /// On the target, nothing broken.
    pub after: Estimate,
    /// On the target, while something is broken.
    pub duress: Estimate,
}

/// Ready time above this share of a sample is where users begin to notice, by common advice (5 % per vCPU).
const READY_NOTICED: u64 = 50_000;

/// A sample supports P99 only with about ten samples beyond it.
const ENOUGH_FOR_P99: u64 = 1_000;

impl BatchStats {
    /// The five rows.
    pub fn matrix(&self, judged: &[Judged]) -> Vec<MatrixRow> {
        use Metric::*;
        use Statistic::*;
        let pause = self.pause_statistic();
        let row = |metric, statistic, beside: &[(Metric, Statistic)]| {
            self.sampled_row(judged, (metric, statistic), beside)
        };
        vec![
            row(
                CpuReady,
                P95,
                &[(ReadyCoStop, P95), (CpuReady, Mean), (CpuReady, ShareAbove(READY_NOTICED))],
            ),
            row(
                WriteLatency,
                P99,
                &[
                    (WriteLatency, P50),
                    (WriteLatencyTool, P99),
                    (ReadLatency, P99),
                    (DeviceAmplification, Mean),
                    (NetworkAmplification, Mean),
                ],
            ),
            row(RemoteMemory, P95, &[(RemoteMemory, Mean)]),
            row(
                Pause,
                pause,
                &[
                    (Outage, pause),
                    (PauseCopy, pause),
                    (PauseDevice, pause),
                    (PauseHandshake, pause),
                    (Freeze, pause),
                    (MigrationTime, pause),
                    (CutoverOutage, P95),
                    (MoveTime, P95),
                ],
            ),
            self.failure_row(judged),
        ]
    }

    /// P99, or P95 when any column that has samples has too few for P99: one row compares one statistic.
    fn pause_statistic(&self) -> Statistic {
        let few = Group::ALL.iter().any(|group| {
            let raw = |p: &Phase| {
                self.series((Metric::Pause, group.side(), *p)).map(|s| s.quantiles.pooled().raw_count())
            };
            group.phases(Metric::Pause).iter().filter_map(raw).max().is_some_and(|most| most < ENOUGH_FOR_P99)
        });
        if few { Statistic::P95 } else { Statistic::P99 }
    }

    fn sampled_row(
        &self,
        judged: &[Judged],
        (metric, statistic): (Metric, Statistic),
        beside: &[(Metric, Statistic)],
    ) -> MatrixRow {
        let [before, after, duress] = Group::ALL.map(|g| self.cell(metric, statistic, g, None));
        let worst = duress.phase;
        let explain = |&(metric, statistic): &(Metric, Statistic)| {
            let [before, after, duress] = Group::ALL.map(|g| self.cell(metric, statistic, g, worst));
            Beside { metric, statistic, unit: unit_of(metric, statistic), before, after, duress }
        };
        let dimension = Dimension::of(metric);
        MatrixRow {
            dimension,
            metric,
            statistic,
            unit: metric.unit(),
            before,
            after,
            duress,
            verdict: BatchStats::verdict_on(judged, |m| Dimension::of(m) == dimension),
            beside: beside.iter().map(explain).filter(Beside::has_samples).collect(),
        }
    }

    /// A statistic in the worst phase of a group, or in `preferred` if the group has samples there.
    fn cell(&self, metric: Metric, statistic: Statistic, group: Group, preferred: Option<Phase>) -> Estimate {
        let preferred = preferred
            .filter(|p| group.phases(metric).contains(p))
            .map(|p| (metric, group.side(), p))
            .filter(|s| self.series(*s).is_some());
        let series = preferred.or_else(|| self.worst_series(metric, group, |h| statistic.of(h)));
        series.map_or_else(|| self.empty_cell(metric, group), |s| self.estimate(s, statistic))
    }

    fn empty_cell(&self, metric: Metric, group: Group) -> Estimate {
        let lived = |((side, phase), _)| side == group.side() && group.phases(metric).contains(&phase);
        let names: Vec<&str> = group.phases(metric).iter().map(|p| p.name()).collect();
        Estimate::none(if self.time().any(lived) {
            format!("no samples in {}", names.join(", "))
        } else {
            format!("no samples: no run was ever in {}", names.join(", "))
        })
    }

    fn failure_row(&self, judged: &[Judged]) -> MatrixRow {
        let side = self.side_of_loss();
        let lost = |metric, q| self.over_runs(Column::PerRun(metric, side), q);
        let steady = |group, q| self.over_runs(Column::SteadyWorst(group), q);
        let only_in_a_loss = || Estimate::none("no samples: measured from a loss on");
        let beside = |metric: Metric| Beside {
            metric,
            statistic: Statistic::RunsMedian,
            unit: metric.unit(),
            before: only_in_a_loss(),
            after: only_in_a_loss(),
            duress: lost(metric, 0.5),
        };
        let mut explain = vec![Beside {
            metric: Metric::WorstIo,
            statistic: Statistic::RunsP95,
            unit: Unit::Ns,
            before: steady(Group::Before, 0.95),
            after: steady(Group::After, 0.95),
            duress: lost(Metric::WorstIo, 0.95),
        }];
        explain.extend(
            [Metric::IoCompleted, Metric::IoStalled, Metric::RebuildTime, Metric::Exposure].map(beside),
        );
        MatrixRow {
            dimension: Dimension::FailureBehaviour,
            metric: Metric::WorstIo,
            statistic: Statistic::RunsMedian,
            unit: Unit::Ns,
            before: steady(Group::Before, 0.5),
            after: steady(Group::After, 0.5),
            duress: lost(Metric::WorstIo, 0.5),
            verdict: BatchStats::verdict_on(judged, |m| Dimension::of(m) == Dimension::FailureBehaviour),
            beside: explain.into_iter().filter(Beside::has_samples).collect(),
        }
    }

    /// The target, unless only the source was ever hit.
    pub(super) fn side_of_loss(&self) -> Side {
        let hit = |side| !self.column(Column::PerRun(Metric::WorstIo, side)).is_empty();
        if hit(Side::Source) && !hit(Side::Target) { Side::Source } else { Side::Target }
    }
}

impl Beside {
    fn has_samples(&self) -> bool {
        [&self.before, &self.after, &self.duress].iter().any(|e| e.value.is_some())
    }
}

fn unit_of(metric: Metric, statistic: Statistic) -> Unit {
    if let Statistic::ShareAbove(_) = statistic { Unit::Ppm } else { metric.unit() }
}
