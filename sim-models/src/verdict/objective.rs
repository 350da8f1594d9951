//! Objectives judged by their intervals: three values, never two.

use super::estimate::{Estimate, LEVEL, Range};
use super::fold::BatchStats;
use super::row::Column;
use crate::ids::Side;
use crate::metric::{Kind, Metric, Phase, Unit};
use crate::scenario::{Claim, Objective};
use serde::Serialize;
use sim_core::stats::WhyNot;

/// What the evidence says about a claim; ordered from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval keeps the limit.
    Pass,
    /// The limit lies within the interval, or there is none.
    Undecided,
    /// The whole interval breaks the limit.
    Fail,
}

impl Verdict {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Undecided => "undecided",
            Verdict::Fail => "fail",
        }
    }
}

/// An objective with its verdict and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// As the user named it.
    pub name: String,
    /// Pass, fail or undecided.
    pub verdict: Verdict,
    /// The quantile in base units, or the share of runs in ppm; `None` without samples.
    pub value: Option<u64>,
    /// Its 95 % interval, in the same unit.
    pub interval: Option<Range>,
    /// The batch sets no upper bound: the upper end is the largest sample seen.
    pub interval_open: bool,
    /// What must not be exceeded, in the same unit.
    pub limit: u64,
    /// Unit of value, interval and limit.
    pub unit: Unit,
    /// What is claimed, such as `p99(write_latency)` or `prob(pause > 1000000000)`.
    pub claim: String,
    /// What is measured.
    pub metric: Metric,
    /// On which side.
    pub side: Side,
    /// In which phase it was judged; `None` for all of them, or for a number per run.
    pub phase: Option<Phase>,
    /// Runs it rests on.
    pub runs: u64,
    /// Why it is undecided.
    pub why: Option<String>,
}

impl BatchStats {
    /// Every objective of the scenario, in its order.
    pub fn judge(&self) -> Vec<Judged> {
        self.about.objectives.iter().enumerate().map(|(i, objective)| self.judge_one(i, objective)).collect()
    }

    fn judge_one(&self, index: usize, objective: &Objective) -> Judged {
        let judged = match objective.claim {
            Claim::Quantile { .. } => self.judge_quantile(objective),
            Claim::Probability { .. } => self.judge_probability(index, objective),
        };
        self.with_failures(judged)
    }

    /// What a failed run would have shown is unknown, and it may have failed because it was a bad one.
    fn with_failures(&self, mut judged: Judged) -> Judged {
        if judged.verdict == Verdict::Pass && !self.failures.is_empty() {
            judged.verdict = Verdict::Undecided;
            judged.why =
                Some(format!("{} runs broke; what they would have shown is unknown", self.failures.len()));
        }
        judged
    }

    fn judge_quantile(&self, objective: &Objective) -> Judged {
        let Claim::Quantile { metric, side, phase, quantile, limit } = objective.claim else {
            unreachable!()
        };
        let judge = |estimate: Estimate| {
            let claim = format!("p{}({metric})", trimmed(quantile * 100.0));
            judged(objective, estimate, (metric, side), (limit, metric.unit()), claim)
        };
        if metric.kind() == Kind::PerRun {
            let judged = judge(self.over_runs(Column::PerRun(metric, side), quantile));
            return explained(judged, |j| {
                // Some run must lie above the quantile.
                let needed = runs_that_show(1.0 - quantile).filter(|_| j.interval_open)?;
                Some(format!("{} runs set no upper bound; {needed}{} would", j.runs, self.pasts_not_runs()))
            });
        }
        let phases = phase.as_ref().map_or(&Phase::DURESS[..], std::slice::from_ref);
        // Every phase must keep the limit: the worst verdict counts, among equals the largest value.
        let all = phases
            .iter()
            .filter(|&&p| self.series((metric, side, p)).is_some())
            .map(|&p| judge(self.quantile((metric, side, p), quantile)));
        all.max_by_key(|j| (j.verdict, j.value))
            .unwrap_or_else(|| judge(Estimate::none(WhyNot::NoSamples.to_string())))
    }

    fn judge_probability(&self, index: usize, objective: &Objective) -> Judged {
        let Claim::Probability { metric, side, phase, above, share } = objective.claim else {
            unreachable!()
        };
        let hits = self.shares[index];
        let mut estimate = Estimate::none(WhyNot::NoSamples.to_string());
        if hits.runs > 0 {
            let i = hits.interval();
            estimate = Estimate {
                value: Some((hits.above * 1_000_000).div_ceil(hits.runs)),
                interval: Some(Range((i.low * 1e6).floor() as u64, (i.high * 1e6).ceil() as u64)),
                why: None,
                phase,
                runs: hits.runs,
                samples: hits.runs,
                ..estimate
            };
        }
        let limit = (share * 1e6 + 0.5) as u64;
        let claim = format!("prob({metric} > {above})");
        let judged = judged(objective, estimate, (metric, side), (limit, Unit::Ppm), claim);
        explained(judged, |j| {
            if j.interval.is_none() || hits.above > 0 {
                return None;
            }
            Some(runs_that_show(share).map_or_else(
                || "no number of runs shows that it never happens".into(),
                |needed| match self.pasts_not_runs() {
                    "" => format!("{needed} runs without one would pass"),
                    pasts => format!("{needed}{pasts} without one would pass"),
                },
            ))
        })
    }

    /// What a number of independent facts is a number of, where that is not runs.
    fn pasts_not_runs(&self) -> &'static str {
        if self.about.futures_per_past > 1 { " pasts" } else { "" }
    }

    /// The worst verdict of the objectives about any of these metrics; `None` when there is none.
    pub(super) fn verdict_on(judged: &[Judged], about: impl Fn(Metric) -> bool) -> Option<Verdict> {
        judged.iter().filter(|j| about(j.metric)).map(|j| j.verdict).max()
    }
}

fn judged(
    objective: &Objective,
    estimate: Estimate,
    (metric, side): (Metric, Side),
    (limit, unit): (u64, Unit),
    claim: String,
) -> Judged {
    let (verdict, why) = decide(&estimate, limit);
    Judged {
        name: objective.name.clone(),
        verdict,
        value: estimate.value,
        interval: estimate.interval,
        interval_open: estimate.interval_open,
        limit,
        unit,
        claim,
        metric,
        side,
        phase: estimate.phase,
        runs: estimate.runs,
        why,
    }
}

fn decide(estimate: &Estimate, limit: u64) -> (Verdict, Option<String>) {
    match estimate.interval {
        None => (Verdict::Undecided, estimate.why.clone()),
        Some(Range(low, _)) if low > limit => (Verdict::Fail, None),
        Some(Range(_, high)) if high <= limit && !estimate.interval_open && !estimate.beyond => {
            (Verdict::Pass, None)
        }
        Some(_) if estimate.interval_open => {
            (Verdict::Undecided, Some("the runs set no upper bound; more runs would".into()))
        }
        Some(_) => {
            (Verdict::Undecided, Some("the limit lies within the interval; more runs narrow it".into()))
        }
    }
}

/// An undecided objective with what would decide it, where that can be told.
fn explained(mut judged: Judged, what: impl FnOnce(&Judged) -> Option<String>) -> Judged {
    if judged.verdict == Verdict::Undecided {
        judged.why = what(&judged).or(judged.why);
    }
    judged
}

/// How many runs almost surely (at the level of the intervals) show an event of probability `p`:
/// (1 - p)^n <= (1 - level) / 2. `None` for what never happens.
fn runs_that_show(p: f64) -> Option<u64> {
    let missed = 0.5 * (1.0 - LEVEL);
    (p > 0.0 && p < 1.0).then(|| (libm::log(missed) / libm::log1p(-p)).ceil() as u64)
}

/// 99 rather than 99.0, but 99.9.
fn trimmed(percent: f64) -> String {
    let text = format!("{percent:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
