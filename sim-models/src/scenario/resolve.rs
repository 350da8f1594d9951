//! From what was typed to what is meant: every value, and every problem with its path.

mod cluster;
mod fault;
mod plan;
mod workload;

use super::library::Library;
use super::spec::Spec;
use super::{Scenario, validate};
use crate::quantity::Resolver;

/// Events a run may spend unless the scenario says otherwise: some minutes of computing.
const EVENT_BUDGET: u64 = 200_000_000;

/// More futures than this of one past say little that is new.
const MOST_FUTURES: u32 = 1000;

impl Spec {
    /// The scenario of one run; `None` when `r` holds problems. Files are taken from `library`, so that a
    /// run reads none.
    pub fn resolve(&self, library: &Library, r: &mut Resolver) -> Option<Scenario> {
        r.problems.extend(library.problems.iter().cloned());
        let name = self.required_name(r);
        let source = self.source.as_ref().map(|c| c.resolve("source", library, r));
        let target = self.target.as_ref().map(|c| c.resolve("target", library, r));
        if target.is_none() {
            r.problem("target", "is absent", "write `target: (...)`, or extend a document that has one");
        }
        let fabric = self.fabric.clone().unwrap_or_default().resolve(r);
        let groups = workload::groups(self.groups.as_deref().unwrap_or_default(), library, r);
        let timeline = plan::timeline(self, r);
        let windows = self.windows.clone().unwrap_or_default().resolve(r);
        let wave = self.wave.as_ref().map(|w| w.resolve(&groups, timeline.duress, r));
        let place = fault::Place { source: source.as_ref(), target: target.as_ref(), fabric: &fabric };
        let faults = fault::faults(self.faults.as_deref().unwrap_or_default(), &place, timeline.duress, r);
        let objectives = plan::objectives(self.objectives.as_deref().unwrap_or_default(), r);
        let scenario = Scenario {
            name,
            question: self.question.clone().unwrap_or_default(),
            source,
            target: target?,
            fabric,
            groups,
            wave,
            faults,
            timeline,
            windows,
            objectives,
            event_budget: self.event_budget.unwrap_or(EVENT_BUDGET),
            futures_per_past: r.whole(
                "futures_per_past",
                self.futures_per_past.unwrap_or(1),
                1,
                MOST_FUTURES,
            ),
        };
        validate::whole(&scenario, r);
        r.problems.is_empty().then_some(scenario)
    }

    fn required_name(&self, r: &mut Resolver) -> String {
        let name = self.name.clone().unwrap_or_default();
        simple_name("name", &name, r);
        name
    }
}

/// Names end up in host names, streams and file names, so they are kept simple.
fn simple_name(path: &str, name: &str, r: &mut Resolver) {
    let simple = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(simple) {
        let short: String = name.chars().take(64).collect();
        r.problem(
            path,
            format!("`{short}` cannot be a name"),
            "write 1 to 64 letters, digits, `-`, `_` or `.`",
        );
    }
}

/// Names that are looked up must differ.
fn distinct<'a>(list: &str, names: impl Iterator<Item = &'a str>, r: &mut Resolver) {
    let mut seen = std::collections::BTreeMap::new();
    for (i, name) in names.enumerate() {
        if let Some(first) = seen.insert(name, i) {
            r.problem(
                &format!("{list}[{i}].name"),
                format!("`{name}` is the name of {list}[{first}] too"),
                "give each a name of its own",
            );
        }
    }
}

/// Notes a problem when a quantity that must be there is zero.
fn above_zero<T: PartialEq + Copy>(path: &str, value: T, zero: T, r: &mut Resolver) -> T {
    if value == zero {
        r.problem(path, "is zero", "write something above zero");
    }
    value
}
