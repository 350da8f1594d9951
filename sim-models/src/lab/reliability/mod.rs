//! Units that fail and are repaired, and how long what they hold together lasts.
//!
//! ```text
//! unit up --(life)--> failed --> repair crews, first come first served --> up, as good as any
//! lost while fewer units are up than are needed, or while some group of data has no copy on a unit that is up
//! ```
//!
//! Losses may be millions of years apart. Where lives have no memory, a system that is all up begins anew, so that
//! cycles from there can be played one by one: as many as they come, for their length, and as many that are forced
//! towards loss, for its probability (`cycles.rs`).
//!
//! Copies are placed by the code that places those of a cluster, and crews are a station like any other.

mod cycles;
mod needs;
mod system;
#[cfg(test)]
mod tests;

use super::{Bench, Seen, endless};
use crate::quantity::{Law, Resolver, Time, Unit, seconds};
use crate::storage::groups::MAX_COPIES;
use cycles::loss_per_cycle;
use needs::Needs;
use serde::Deserialize;
use sim_core::Streams;
use system::{Goal, Plan, play};

/// As typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Equal units, such as nodes or devices.
    pub units: u32,
    /// What must be up.
    pub needs: NeedsSpec,
    /// How long a unit works.
    pub life: Law,
    /// How long its repair takes once a crew has begun; without it nothing is repaired.
    #[serde(default)]
    pub repair: Option<Law>,
    /// Repairs at a time: 1 is serial; without it as many as there are units.
    #[serde(default)]
    pub crews: Option<u32>,
    /// How long to look.
    pub until: UntilSpec,
}

/// What must be up, as typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum NeedsSpec {
    /// This many of the units, whichever.
    Units(u32),
    /// A copy of every group of data.
    Copies {
        /// Copies of each group, on different units.
        copies: u32,
        /// Groups: one is a set of units that mirror each other, many spread what a unit holds over all others.
        groups: u32,
    },
}

/// How long to look, as typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum UntilSpec {
    /// This time, losses repaired like everything else.
    For(Time),
    /// This many losses; a fresh system takes the place of one that was lost.
    Losses(u32),
    /// This many times from all up to all up again or to a loss, and as many in which the next failure is made to
    /// come before the repairs are over, and counts for less: losses too rare to wait for. Needs exponential lives.
    Cycles(u32),
}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {
    plan: Plan,
    goal: Goal,
}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let at = |field: &str| format!("{path}.{field}");
        let units = r.whole(&at("units"), self.units, 1, 1000);
        let life = self.life.resolve(&at("life"), r);
        if life.mean() <= 0.0 {
            r.problem(&at("life"), "units fail the moment they are up", "write a life longer than 0");
        }
        let crews = self.crews.map_or(units, |crews| r.whole(&at("crews"), crews, 1, units));
        let plan = Plan {
            units: units as u16,
            needs: self.needs.resolve(&at("needs"), units, r),
            life,
            repair: self.repair.as_ref().map(|law| law.resolve(&at("repair"), r)),
            crews,
        };
        let at_once = plan.repair.as_ref().is_some_and(|repair| repair.mean() <= 0.0);
        if at_once && self.waits_in_vain(units) {
            let remedy = "write a repair that takes time, or look For(..) a time";
            r.problem(&at("repair"), "repairs take no time, so nothing is ever lost", remedy);
        }
        Meant { plan, goal: self.goal(&at("until"), r) }
    }

    /// It looks for losses that take two failures at a time, which lives do not bring at the same instant.
    fn waits_in_vain(&self, units: u32) -> bool {
        let spare = match self.needs {
            NeedsSpec::Units(needed) => needed < units,
            NeedsSpec::Copies { copies, .. } => copies > 1,
        };
        let spread = !matches!(self.life, Law::Always(_) | Law::OneOf(_));
        spare && spread && !matches!(self.until, UntilSpec::For(_))
    }

    fn goal(&self, path: &str, r: &mut Resolver) -> Goal {
        match &self.until {
            UntilSpec::For(time) => {
                let time = seconds(time, path, r);
                if time <= 0.0 {
                    r.problem(path, "no time", "write a time above 0");
                }
                Goal::Time(time)
            }
            UntilSpec::Losses(n) => Goal::Losses(r.whole(path, *n, 1, 1_000_000)),
            UntilSpec::Cycles(n) => {
                if !matches!(self.life, Law::Exp(_)) {
                    let remedy = "write an exponential life, or look until Losses(..)";
                    r.problem(path, "cycles begin anew only where units do not age", remedy);
                }
                Goal::Cycles(r.whole(path, *n, 1, 10_000_000))
            }
        }
    }

    /// Two runs can differ.
    pub fn is_random(&self) -> bool {
        let fixed = |law: &Law| matches!(law, Law::Always(time) if time.plain().is_some());
        !(fixed(&self.life) && self.repair.as_ref().is_none_or(fixed))
    }
}

impl NeedsSpec {
    fn resolve(&self, path: &str, units: u32, r: &mut Resolver) -> Needs {
        match *self {
            NeedsSpec::Units(needed) => Needs::units(r.whole(path, needed, 1, units)),
            NeedsSpec::Copies { copies, groups } => {
                let most = units.min(MAX_COPIES as u32);
                let copies = r.whole(&format!("{path}.copies"), copies, 1, most);
                let groups = r.whole(&format!("{path}.groups"), groups, 1, 65_536);
                Needs::copies(copies as usize, groups, units as u16)
            }
        }
    }
}

impl Bench for Meant {
    fn play(&self, name: &str, streams: &Streams) -> Result<Seen, String> {
        let mut seen = Seen::default();
        let facts = play(&self.plan, self.goal, name, streams)?;
        if let Goal::Cycles(cycles) = self.goal {
            let loss = loss_per_cycle(&self.plan, cycles, &format!("{name}/forced"), streams)?;
            let length = facts.lived / f64::from(cycles);
            seen.value("cycle", length);
            seen.value("loss_per_cycle", loss);
            // A life is a row of cycles of which the last one ends in loss: E[life] = E[cycle] / P(loss), by
            // Wald's equation.
            seen.ratio("time_to_loss", length, loss);
        } else if facts.systems > 0 {
            seen.value("time_to_loss", facts.lived / facts.systems as f64);
        }
        let mut share = |name: &str, part: f64| seen.ratio(name, part, facts.looked);
        share("availability", facts.looked - facts.lost);
        share("unit_availability", facts.looked - facts.failed / f64::from(self.plan.units));
        share("down", facts.failed);
        share("all_up", facts.whole);
        seen.value("exposure", facts.bare);
        seen.ratio("exposed", facts.bare, facts.looked);
        seen.value("losses", facts.losses as f64);
        if facts.firsts > 0 {
            seen.value("first_failure", facts.first_failures / facts.firsts as f64);
        }
        Ok(seen)
    }

    fn doubts(&self) -> Vec<String> {
        let laws = [("life of a unit", Some(&self.plan.life)), ("repair", self.plan.repair.as_ref())];
        let endless_ones = laws.iter().filter(|(_, law)| law.is_some_and(|law| law.mean() == f64::INFINITY));
        endless_ones.map(|(what, _)| endless(what)).collect()
    }
}
