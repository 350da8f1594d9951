//! The wave, the acts, the windows and the objectives.

use super::{above_zero, distinct};
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::quantity::{Resolver, Time, Unit};
use crate::scenario::parse::nearest;
use crate::scenario::spec::{
    ClaimSpec, Limit, MethodSpec, ObjectiveSpec, ReplicationSpec, SideSpec, Spec, WaveSpec, WindowsSpec,
};
use crate::scenario::{Claim, MoveMethod, Objective, Replication, Timeline, VmGroup, Wave, Windows};
use sim_core::Span;

/// The longest act.
const LONGEST: Span = Span::secs(30 * 24 * 3600);

/// The acts: those that a scenario cannot fill have no length unless the user gives them one.
pub(super) fn timeline(spec: &Spec, r: &mut Resolver) -> Timeline {
    let typed = spec.timeline.clone().unwrap_or_default();
    let eventful = spec.wave.is_some() || spec.faults.as_ref().is_some_and(|f| !f.is_empty());
    let mut act = |name: &str, typed: &Option<Time>, default: Span| {
        let path = format!("timeline.{name}");
        let span = typed.as_ref().map_or(default, |t| t.resolve(&path, r));
        if span > LONGEST {
            r.problem(&path, format!("an act of {span}"), "write at most Days(30)");
        }
        span.min(LONGEST)
    };
    let or_none = |there: bool, span: Span| if there { span } else { Span::ZERO };
    let timeline = Timeline {
        before: act("before", &typed.before, or_none(spec.source.is_some(), Span::mins(20))),
        after: act("after", &typed.after, Span::mins(20)),
        duress: act("duress", &typed.duress, or_none(eventful, Span::mins(60))),
    };
    if timeline.before > Span::ZERO && spec.source.is_none() {
        r.problem("timeline.before", "there is no source to look at", "write `source: (...)`, or Secs(0)");
    }
    if timeline.duress == Span::ZERO && eventful {
        let remedy = "write a length, or leave out the wave and the faults";
        r.problem("timeline.duress", "is zero, yet something is to happen in it", remedy);
    }
    if timeline.before == Span::ZERO && timeline.after == Span::ZERO && timeline.duress == Span::ZERO {
        r.problem("timeline", "every act is empty", "give at least one a length");
    }
    timeline
}

impl WindowsSpec {
    /// The windows of one run; problems are noted under `windows`.
    pub(super) fn resolve(&self, r: &mut Resolver) -> Windows {
        let mut time = |field: &str, typed: &Time| typed.resolve(&format!("windows.{field}"), r);
        let windows = Windows {
            everything: self.everything,
            stratum: time("stratum", &self.stratum),
            slice: time("slice", &self.slice),
            warm_in: time("warm_in", &self.warm_in),
            before_fault: time("before_fault", &self.before_fault),
            after_detection: time("after_detection", &self.after_detection),
            around: time("around", &self.around),
        };
        above_zero("windows.stratum", windows.stratum, Span::ZERO, r);
        above_zero("windows.slice", windows.slice, Span::ZERO, r);
        let (stratum, slice) = (windows.stratum, windows.slice);
        if slice > Span::ZERO && !stratum.0.is_multiple_of(slice.0) {
            r.problem(
                "windows.slice",
                format!("{slice} does not divide the stratum of {stratum}"),
                "write a slice of which a stratum holds a whole number: that is its weight",
            );
        }
        if slice.0.saturating_add(windows.warm_in.0) > stratum.0 {
            r.problem(
                "windows.slice",
                format!("{slice} and a warm-in of {} exceed the stratum of {stratum}", windows.warm_in),
                "write shorter ones, a longer stratum, or `everything: true`",
            );
        }
        windows
    }
}

impl WaveSpec {
    /// The wave of one run; problems are noted under `wave`.
    pub(super) fn resolve(&self, groups: &[VmGroup], act: Span, r: &mut Resolver) -> Wave {
        let start = self.start.resolve("wave.start", r);
        if start > Span::ZERO && start >= act {
            let remedy = "write an earlier start, or a longer `timeline.duress`";
            r.problem("wave.start", format!("{start} is outside the act, which lasts {act}"), remedy);
        }
        Wave {
            vms_per_group: self.vms_per_group(groups, r),
            method: match &self.method {
                MethodSpec::Warm { final_round, max_rounds } => MoveMethod::Warm {
                    final_round: positive("wave.method.final_round", final_round, r),
                    max_rounds: r.whole("wave.method.max_rounds", *max_rounds, 1, 1000),
                },
                MethodSpec::Cold => MoveMethod::Cold,
            },
            start,
            per_host: r.whole("wave.per_host", self.per_host, 1, 1000),
            in_all: r.whole("wave.in_all", self.in_all, 1, 10_000),
            seeded: self.seeded.resolve("wave.seeded", r),
            replication: match &self.replication {
                ReplicationSpec::None => Replication::None,
                ReplicationSpec::Sync { break_after } => Replication::Sync {
                    break_after: positive("wave.replication.break_after", break_after, r),
                },
                ReplicationSpec::NearSync { rpo } => {
                    Replication::NearSync { rpo: positive("wave.replication.rpo", rpo, r) }
                }
                ReplicationSpec::Async { interval } => {
                    Replication::Async { interval: positive("wave.replication.interval", interval, r) }
                }
            },
        }
    }

    fn vms_per_group(&self, groups: &[VmGroup], r: &mut Resolver) -> Vec<u32> {
        let mut moving = vec![0; groups.len()];
        let mut named = vec![false; groups.len()];
        for (i, (name, vms)) in self.vms.iter().enumerate() {
            let path = format!("wave.vms[{i}]");
            let Some(g) = groups.iter().position(|g| g.name == *name) else {
                let near = nearest(name, groups.iter().map(|g| g.name.as_str()));
                let guess = near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
                r.problem(&path, format!("there is no group `{name}`{guess}"), "write the name of a group");
                continue;
            };
            if std::mem::replace(&mut named[g], true) {
                r.problem(&path, format!("`{name}` is in the list twice"), "write each group once");
            }
            if *vms > groups[g].count {
                let has = groups[g].count;
                r.problem(&path, format!("{vms} VMs of a group of {has}"), format!("write at most {has}"));
            }
            if *vms == 0 && self.vms.iter().any(|(_, vms)| *vms > 0) {
                r.problem(
                    &path,
                    format!("none of `{name}` moves"),
                    "write at least 1, or leave the group out",
                );
            }
            moving[g] = *vms;
        }
        if self.vms.iter().all(|(_, vms)| *vms == 0) {
            r.problem("wave.vms", "nothing moves", "name a group and how many of its VMs move");
        }
        moving
    }
}

fn positive(path: &str, time: &Time, r: &mut Resolver) -> Span {
    let span = time.resolve(path, r);
    above_zero(path, span, Span::ZERO, r)
}

/// The objectives, limits in the base unit of their metric.
pub(super) fn objectives(specs: &[ObjectiveSpec], r: &mut Resolver) -> Vec<Objective> {
    distinct("objectives", specs.iter().map(|o| o.name.as_str()), r);
    let resolve = |(i, spec): (usize, &ObjectiveSpec)| spec.resolve(&format!("objectives[{i}]"), r);
    specs.iter().enumerate().map(resolve).collect()
}

impl ObjectiveSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> Objective {
        let path = format!("{path}.claim");
        let claim = match &self.claim {
            ClaimSpec::Quantile { metric, q, at_most, phase, side } => {
                if !(*q > 0.0 && *q < 1.0) {
                    r.problem(&format!("{path}.q"), format!("{q} is no quantile"), "write one such as 0.99");
                }
                Claim::Quantile {
                    metric: *metric,
                    side: side_of(*side, *phase),
                    phase: *phase,
                    quantile: *q,
                    limit: limit(&format!("{path}.at_most"), *at_most, *metric, r),
                }
            }
            ClaimSpec::Probability { metric, above, share, phase, side } => Claim::Probability {
                metric: *metric,
                side: side_of(*side, *phase),
                phase: *phase,
                above: limit(&format!("{path}.above"), *above, *metric, r),
                share: share.resolve(&format!("{path}.share"), r),
            },
        };
        Objective { name: self.name.clone(), claim }
    }
}

fn side_of(typed: Option<SideSpec>, phase: Option<Phase>) -> Side {
    match typed {
        Some(side) => side.meant(),
        None if phase == Some(Phase::SourceSteady) => Side::Source,
        None => Side::Target,
    }
}

fn limit(path: &str, typed: Limit, metric: Metric, r: &mut Resolver) -> u64 {
    typed.in_unit(metric.unit()).unwrap_or_else(|remedy| {
        r.problem(path, format!("{typed:?} is no limit for {metric}"), remedy);
        0
    })
}
