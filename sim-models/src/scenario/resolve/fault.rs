//! What breaks, where and when.

use super::distinct;
use crate::ids::Side;
use crate::quantity::{Resolver, Unit};
use crate::scenario::parse::nearest;
use crate::scenario::spec::{FaultSpec, PickSpec, SideSpec, StrikeSpec, WhenSpec};
use crate::scenario::{Cluster, FabricDesign, Fault, FaultKind, Pick, StorageDesign, Strike, When};
use sim_core::Span;

/// What there is to break; `None` for a cluster that is absent or could not be read.
pub(super) struct Place<'a> {
    pub source: Option<&'a Cluster>,
    pub target: Option<&'a Cluster>,
    pub fabric: &'a FabricDesign,
}

/// The faults of one run.
pub(super) fn faults(specs: &[FaultSpec], place: &Place<'_>, act: Span, r: &mut Resolver) -> Vec<Fault> {
    distinct("faults", specs.iter().map(|f| f.name.as_str()), r);
    if specs.len() > 1000 {
        r.problem("faults", format!("{} faults", specs.len()), "write at most 1000");
        return Vec::new();
    }
    let mut faults: Vec<Fault> = Vec::with_capacity(specs.len());
    let mut earliest: Vec<Option<Span>> = Vec::with_capacity(specs.len());
    for (i, spec) in specs.iter().enumerate() {
        let path = format!("faults[{i}]");
        r.enter(&path, &format!("fault {}", spec.name));
        if spec.name.is_empty() || spec.name.len() > 200 || spec.name.chars().any(char::is_control) {
            r.problem(&format!("{path}.name"), "cannot be a name", "write 1 to 200 printable characters");
        }
        let (when, first) = when(&spec.when, &format!("{path}.when"), &specs[..i], &earliest, r);
        let outside = match &when {
            When::Within(_, to) => *to > act,
            _ => first.is_some_and(|t| t >= act),
        };
        // An act without length has been reported as such.
        if outside && act > Span::ZERO {
            r.problem(
                &format!("{path}.when"),
                format!("strikes outside the act, which lasts {act}"),
                "write an earlier time, or a longer `timeline.duress`",
            );
        }
        faults.push(Fault {
            name: spec.name.clone(),
            strike: strike(&spec.target, &format!("{path}.target"), place, r),
            when,
            heals_after: spec.heals_after.as_ref().map(|l| l.resolve(&format!("{path}.heals_after"), r)),
        });
        earliest.push(first);
    }
    faults
}

/// When a fault strikes, and the earliest such time; `None` when it never does.
fn when(
    spec: &WhenSpec,
    path: &str,
    before: &[FaultSpec],
    earliest: &[Option<Span>],
    r: &mut Resolver,
) -> (When, Option<Span>) {
    match spec {
        WhenSpec::Never => (When::Never, None),
        WhenSpec::FromTheStart => (When::FromTheStart, Some(Span::ZERO)),
        WhenSpec::At(t) => {
            let t = t.resolve(path, r);
            (When::At(t), Some(t))
        }
        WhenSpec::Within(from, to) => {
            let (from, to) = (from.resolve(path, r), to.resolve(path, r));
            if from >= to {
                r.problem(path, format!("from {from} to {to} is no window"), "write an earlier time first");
            }
            (When::Within(from, to), Some(from))
        }
        WhenSpec::After(name, delay) => {
            let delay = delay.resolve(path, r);
            let Some(i) = before.iter().position(|f| f.name == *name) else {
                let near = nearest(name, before.iter().map(|f| f.name.as_str()));
                let guess = near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
                r.problem(
                    path,
                    format!("no earlier fault is named `{name}`{guess}"),
                    "name a fault that stands above this one",
                );
                return (When::Never, None);
            };
            if matches!(before[i].when, WhenSpec::Never) {
                r.problem(path, format!("`{name}` never strikes"), "name a fault that does, or write Never");
            }
            let first = earliest[i].map(|t| Span(t.0.saturating_add(delay.0)));
            (When::After(i, delay), first)
        }
    }
}

fn strike(spec: &StrikeSpec, path: &str, place: &Place<'_>, r: &mut Resolver) -> Strike {
    let StrikeSpec::OneOf(choices) = spec else { return Strike::One(place.kind(spec, path, r)) };
    let mut kinds = Vec::with_capacity(choices.len());
    for (i, (weight, choice)) in choices.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let weight = r.between(&path, *weight, 0.0, 1e9);
        if matches!(choice, StrikeSpec::OneOf(_)) {
            r.problem(&path, "a choice inside a choice", "write all of them in one list");
            continue;
        }
        kinds.push((weight, place.kind(choice, &path, r)));
    }
    if kinds.iter().map(|(weight, _)| weight).sum::<f64>() <= 0.0 {
        r.problem(path, "nothing in the list can be drawn", "give at least one a weight above zero");
    }
    Strike::OneOf(kinds)
}

impl Place<'_> {
    /// One thing that breaks; a choice stands for the loss of the link between the sites, which the caller
    /// has reported.
    fn kind(&self, spec: &StrikeSpec, path: &str, r: &mut Resolver) -> FaultKind {
        match spec {
            StrikeSpec::Host { side, host } => {
                FaultKind::Host { side: side.meant(), host: self.host(*side, host, path, r) }
            }
            StrikeSpec::Device { side, host } => {
                self.needs_own_storage(*side, path, r);
                FaultKind::Device { side: side.meant(), host: self.host(*side, host, path, r) }
            }
            StrikeSpec::Cvm { side, host } => {
                self.needs_own_storage(*side, path, r);
                FaultKind::Cvm { side: side.meant(), host: self.host(*side, host, path, r) }
            }
            StrikeSpec::Tor { side, rack } => {
                FaultKind::Tor { side: side.meant(), rack: self.rack(*side, rack, path, r) }
            }
            StrikeSpec::Spine { spine } => {
                FaultKind::Spine { spine: nth(spine, self.fabric.spines, "spine", path, r) }
            }
            StrikeSpec::HostLink { side, host } => {
                FaultKind::HostLink { side: side.meant(), host: self.host(*side, host, path, r) }
            }
            StrikeSpec::PowerDomain { side, rack } => {
                FaultKind::PowerDomain { side: side.meant(), rack: self.rack(*side, rack, path, r) }
            }
            StrikeSpec::SlowDevice { side, host, factor } => {
                self.needs_own_storage(*side, path, r);
                let factor = factor.resolve(&format!("{path}.factor"), r);
                let factor = r.between(&format!("{path}.factor"), factor, 1.0, 1e6);
                FaultKind::SlowDevice { side: side.meant(), host: self.host(*side, host, path, r), factor }
            }
            StrikeSpec::SlowLink { side, host, rate_left, loss } => FaultKind::SlowLink {
                side: side.meant(),
                host: self.host(*side, host, path, r),
                rate_left: above_a_thousandth(rate_left.resolve(&format!("{path}.rate_left"), r), path, r),
                loss: loss.resolve(&format!("{path}.loss"), r),
            },
            StrikeSpec::StarvedCvm { side, stolen } => {
                self.needs_own_storage(*side, path, r);
                let stolen = stolen.resolve(&format!("{path}.stolen"), r);
                FaultKind::StarvedCvm {
                    side: side.meant(),
                    stolen: r.between(&format!("{path}.stolen"), stolen, 0.0, 0.99),
                }
            }
            StrikeSpec::SiteLink => {
                if self.fabric.intersite.is_none() {
                    let remedy = "write `fabric.intersite`, or break something else";
                    r.problem(path, "there is no link between sites", remedy);
                }
                FaultKind::SiteLink
            }
            StrikeSpec::OneOf(_) => FaultKind::SiteLink,
        }
    }

    fn cluster(&self, side: Side) -> Option<&Cluster> {
        match side {
            Side::Source => self.source,
            Side::Target => self.target,
        }
    }

    /// The cluster of a side; its absence is a problem (that of the target has been reported).
    fn present(&self, side: SideSpec, path: &str, r: &mut Resolver) -> Option<&Cluster> {
        let cluster = self.cluster(side.meant());
        if cluster.is_none() && side == SideSpec::Source {
            r.problem(path, "there is no source", "write `source: (...)`, or break something of the target");
        }
        cluster
    }

    fn host(&self, side: SideSpec, pick: &PickSpec, path: &str, r: &mut Resolver) -> Pick {
        let Some(cluster) = self.present(side, path, r) else { return Pick::Any };
        let PickSpec::Named(name) = pick else { return nth(pick, cluster.hosts, "host", path, r) };
        let number = |c: &Cluster| (0..c.hosts).find(|&n| host_name(c, n) == *name);
        if let Some(n) = number(cluster) {
            return Pick::Nth(n);
        }
        let other = match side {
            SideSpec::Source => self.target,
            SideSpec::Target => self.source,
        };
        let remedy = if other.is_some_and(|c| number(c).is_some()) {
            format!("write `side: {}`", if side == SideSpec::Source { "Target" } else { "Source" })
        } else {
            format!("write {} to {}", host_name(cluster, 0), host_name(cluster, cluster.hosts - 1))
        };
        r.problem(path, format!("`{}` has no host `{name}`", cluster.name), remedy);
        Pick::Any
    }

    fn rack(&self, side: SideSpec, pick: &PickSpec, path: &str, r: &mut Resolver) -> Pick {
        match self.present(side, path, r) {
            Some(cluster) => nth(pick, cluster.racks, "rack", path, r),
            None => Pick::Any,
        }
    }

    fn needs_own_storage(&self, side: SideSpec, path: &str, r: &mut Resolver) {
        let Some(cluster) = self.cluster(side.meant()) else { return };
        if matches!(cluster.storage, StorageDesign::San(_)) {
            r.problem(
                path,
                format!("the hosts of `{}` have no devices or controllers of their own", cluster.name),
                "break something of a cluster with Replicated storage",
            );
        }
    }
}

/// As [`crate::hosts::Hosts`] names it.
fn host_name(cluster: &Cluster, number: u16) -> String {
    format!("{}-{number:02}", cluster.name)
}

fn nth(pick: &PickSpec, there_are: u16, what: &str, path: &str, r: &mut Resolver) -> Pick {
    match pick {
        PickSpec::Any => Pick::Any,
        PickSpec::Nth(n) if *n < u32::from(there_are) => Pick::Nth(*n as u16),
        PickSpec::Nth(n) => {
            let last = there_are - 1;
            r.problem(
                path,
                format!("there is no {what} {n}"),
                format!("write Nth(0) to Nth({last}), or Any"),
            );
            Pick::Any
        }
        PickSpec::Named(name) => {
            r.problem(
                path,
                format!("`{name}`: a {what} has no name"),
                "write its number, as in Nth(0), or Any",
            );
            Pick::Any
        }
    }
}

fn above_a_thousandth(share: f64, path: &str, r: &mut Resolver) -> f64 {
    r.between(&format!("{path}.rate_left"), share, 0.001, 1.0)
}
