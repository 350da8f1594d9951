//! Links and the bulk flows that share them by weighted max-min fairness, without a topology.
//!
//! ```text
//!   flow (start, size, weight, cap) --path--> link --> link      changes: capacity, stall, resume, reroute,
//!                                                                         cap, weight
//! ```
//!
//! Figures by flow: `finish` (s), `took` (s) and `rate` (bytes/s, mean from start to finish) of those that
//! finish; `rate.1`, `rate.2`, ... (bytes/s) at the instants listed under `looks`. Also `last`, the finish of
//! the last flow (s), and `unfinished`, how many flows with a size never finish.

pub(super) mod case;

use super::{Bench, Seen};
use crate::quantity::{Resolver, Size, Speed, Time, Unit};
use case::{Bulk, Case, Change};
use serde::Deserialize;
use sim_core::fluid::MAX_RATE;
use sim_core::{Rate, SimTime, Streams};

/// As typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The links, each in one direction.
    pub links: Vec<LinkSpec>,
    /// The flows.
    pub flows: Vec<FlowSpec>,
    /// What happens to them. At one instant changes come after completions and before starts.
    #[serde(default)]
    pub changes: Vec<ChangeSpec>,
    /// When to look at the rates.
    #[serde(default)]
    pub looks: Vec<Time>,
}

/// A link as typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// What flows call it.
    pub name: String,
    /// What it carries, at most 1.0995e12 bytes/s; 0 when it is down.
    pub capacity: Speed,
}

/// A flow as typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSpec {
    /// What changes and figures call it.
    pub name: String,
    /// When it starts; at once if not given.
    #[serde(default = "at_once")]
    pub start: Time,
    /// What it moves; without end if not given.
    pub size: Option<Size>,
    /// Share of a full link relative to other flows, 1 to 1000000.
    #[serde(default = "one")]
    pub weight: u32,
    /// The most that it takes.
    pub cap: Option<Speed>,
    /// Names of the links that it crosses; none for a flow that only its cap limits.
    pub path: Vec<String>,
}

/// A change as typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSpec {
    /// When.
    pub at: Time,
    /// What.
    pub is: ChangeKind,
}

/// What changes. A change before the start of a flow holds from the start on; one after its finish is void.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum ChangeKind {
    /// A link carries this much from now on.
    Capacity(String, Speed),
    /// A flow stands still and keeps its bytes.
    Stall(String),
    /// A stalled flow goes on.
    Resume(String),
    /// A flow goes on over these links.
    Reroute(String, Vec<String>),
    /// A flow takes no more than this.
    Cap(String, Speed),
    /// A flow has this weight, 1 to 1000000.
    Weight(String, u32),
}

fn at_once() -> Time {
    Time::Secs(0.0)
}

fn one() -> u32 {
    1
}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {
    names: Vec<String>,
    case: Case,
}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let (links, flows) = (Names::of(&self.links, |l| &l.name), Names::of(&self.flows, |f| &f.name));
        links.check_unique(&format!("{path}.links"), "links", r);
        flows.check_unique(&format!("{path}.flows"), "flows", r);
        if self.flows.is_empty() {
            r.problem(&format!("{path}.flows"), "nothing flows", "list at least one flow");
        }
        let capacity =
            |(i, link): (usize, &LinkSpec)| speed(&link.capacity, &format!("{path}.links[{i}].capacity"), r);
        let capacities = self.links.iter().enumerate().map(capacity).collect();
        let bulk = |(i, flow): (usize, &FlowSpec)| flow.resolve(&format!("{path}.flows[{i}]"), &links, r);
        let bulks = self.flows.iter().enumerate().map(bulk).collect();
        let change = |(i, change): (usize, &ChangeSpec)| {
            change.resolve(&format!("{path}.changes[{i}]"), &links, &flows, r)
        };
        let changes = self.changes.iter().enumerate().filter_map(change).collect();
        let look = |(i, at): (usize, &Time)| instant(at, &format!("{path}.looks[{i}]"), r);
        let looks = self.looks.iter().enumerate().map(look).collect();
        self.check_limits(path, r);
        let names = self.flows.iter().map(|f| f.name.clone()).collect();
        Meant { names, case: Case { links: capacities, flows: bulks, changes, looks } }
    }

    /// Nothing would limit a flow that is moved off all links and has no cap.
    fn check_limits(&self, path: &str, r: &mut Resolver) {
        for (i, change) in self.changes.iter().enumerate() {
            let ChangeKind::Reroute(name, links) = &change.is else { continue };
            let capped = self.flows.iter().any(|f| f.name == *name && f.cap.is_some());
            if links.is_empty() && !capped {
                let what = format!("flow `{name}` would cross no link and has no cap");
                r.problem(&format!("{path}.changes[{i}].is"), what, "name a link, or give the flow a cap");
            }
        }
    }

    /// Two runs can differ.
    pub fn is_random(&self) -> bool {
        let of_flow = |f: &FlowSpec| {
            drawn(&f.start) || f.size.as_ref().is_some_and(drawn) || f.cap.as_ref().is_some_and(drawn)
        };
        let of_change = |c: &ChangeSpec| match &c.is {
            ChangeKind::Capacity(_, to) | ChangeKind::Cap(_, to) => drawn(to) || drawn(&c.at),
            _ => drawn(&c.at),
        };
        self.links.iter().any(|l| drawn(&l.capacity))
            || self.flows.iter().any(of_flow)
            || self.changes.iter().any(of_change)
            || self.looks.iter().any(drawn)
    }
}

fn drawn(quantity: &impl Unit) -> bool {
    quantity.plain().is_none()
}

impl FlowSpec {
    fn resolve(&self, path: &str, links: &Names<'_>, r: &mut Resolver) -> Bulk {
        if self.path.is_empty() && self.cap.is_none() {
            let what = format!("flow `{}` crosses no link and has no cap", self.name);
            r.problem(&format!("{path}.path"), what, "name a link, or give it a cap");
        }
        Bulk {
            start: instant(&self.start, &format!("{path}.start"), r),
            bytes: self.size.as_ref().map(|size| size.resolve(&format!("{path}.size"), r)),
            weight: r.whole(&format!("{path}.weight"), self.weight, 1, MOST_WEIGHT),
            cap: self.cap.as_ref().map(|cap| speed(cap, &format!("{path}.cap"), r)),
            path: links.all(&self.path, &format!("{path}.path"), r),
        }
    }
}

/// So that the sum over all flows of a link stays far from the ends of the numbers.
const MOST_WEIGHT: u32 = 1_000_000;

impl ChangeSpec {
    fn resolve(
        &self,
        path: &str,
        links: &Names<'_>,
        flows: &Names<'_>,
        r: &mut Resolver,
    ) -> Option<(SimTime, Change)> {
        let at = instant(&self.at, &format!("{path}.at"), r);
        let is = &format!("{path}.is");
        let change = match &self.is {
            ChangeKind::Capacity(link, to) => Change::Capacity(links.one(link, is, r)?, speed(to, is, r)),
            ChangeKind::Stall(flow) => Change::Stall(flows.one(flow, is, r)?),
            ChangeKind::Resume(flow) => Change::Resume(flows.one(flow, is, r)?),
            ChangeKind::Reroute(flow, over) => {
                Change::Reroute(flows.one(flow, is, r)?, links.all(over, is, r))
            }
            ChangeKind::Cap(flow, to) => Change::Cap(flows.one(flow, is, r)?, Some(speed(to, is, r))),
            ChangeKind::Weight(flow, to) => {
                Change::Weight(flows.one(flow, is, r)?, r.whole(is, *to, 1, MOST_WEIGHT))
            }
        };
        Some((at, change))
    }
}

fn instant(at: &Time, path: &str, r: &mut Resolver) -> SimTime {
    SimTime::ZERO + at.resolve(path, r)
}

fn speed(typed: &Speed, path: &str, r: &mut Resolver) -> Rate {
    let rate = typed.resolve(path, r);
    if rate > MAX_RATE {
        r.problem(
            path,
            format!("{typed:?} is out of range"),
            format!("write at most {} bytes/s", MAX_RATE.0),
        );
    }
    rate.min(MAX_RATE)
}

/// Names of links or flows, by index.
struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn of<T>(list: &'a [T], name: impl Fn(&'a T) -> &'a String) -> Names<'a> {
        Names(list.iter().map(|item| name(item).as_str()).collect())
    }

    fn check_unique(&self, path: &str, what: &str, r: &mut Resolver) {
        for (i, name) in self.0.iter().enumerate().filter(|(i, name)| self.0[..*i].contains(name)) {
            let what = format!("two {what} are called `{name}`");
            r.problem(&format!("{path}[{i}].name"), what, "give each a name of its own");
        }
    }

    fn one(&self, name: &str, path: &str, r: &mut Resolver) -> Option<usize> {
        let found = self.0.iter().position(|n| *n == name);
        if found.is_none() {
            let remedy = if self.0.is_empty() {
                "list it first".to_string()
            } else {
                format!("use one of {}", self.0.join(", "))
            };
            r.problem(path, format!("there is no `{name}`"), remedy);
        }
        found
    }

    fn all(&self, names: &[String], path: &str, r: &mut Resolver) -> Vec<usize> {
        names.iter().filter_map(|name| self.one(name, path, r)).collect()
    }
}

impl Bench for Meant {
    fn play(&self, _name: &str, _streams: &Streams) -> Result<Seen, String> {
        let played = self.case.play();
        let mut seen = Seen::default();
        for (i, name) in self.names.iter().enumerate() {
            let flow = &self.case.flows[i];
            if let Some(finish) = played.finish[i] {
                let took = finish.since(flow.start).as_secs();
                seen.value(format!("{name}.finish"), finish.as_secs());
                seen.value(format!("{name}.took"), took);
                if let Some(bytes) = flow.bytes.filter(|_| took > 0.0) {
                    seen.value(format!("{name}.rate"), bytes.as_f64() / took);
                }
            }
            for (look, rates) in played.rates.iter().enumerate() {
                seen.value(format!("{name}.rate.{}", look + 1), rates[i].as_f64());
            }
        }
        if let Some(last) = played.finish.iter().flatten().max() {
            seen.value("last", last.as_secs());
        }
        let endless =
            self.case.flows.iter().zip(&played.finish).filter(|(f, end)| f.bytes.is_some() && end.is_none());
        seen.value("unfinished", endless.count() as f64);
        Ok(seen)
    }
}
