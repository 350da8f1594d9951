//! Quantities as a user types them, and what they mean in one run.
//!
//! A unit is an enum constructor, `Ms(300)`, so that a wrong unit is a parse error with the list of the
//! right ones. Any scalar may be a distribution instead, `Uniform(Secs(3), Secs(7))`: it is drawn once per
//! run from a stream of its own, named by its path in the document. Profiles wrap each value in where it
//! comes from, `Assumed(Ms(300), "why")`.

mod law;
mod sourced;
mod units;

pub use law::Law;
pub(crate) use law::seconds;
pub use sourced::{Provenance, Sourced};
pub use units::{Count, Fraction, Frequency, Number, Size, Speed, Time, Unit};

use sim_core::{Dist, Streams};
use std::fmt;

/// One thing wrong with a scenario: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path in the document, such as `faults[2].target`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.path, self.what, self.remedy)
    }
}

/// One quantity of a document, changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    /// Path in the document; `[]` stands for every element of a list.
    pub path: String,
    /// What the quantity is multiplied by. The product ends at the largest number that may be written.
    pub factor: f64,
}

impl Variation {
    fn covers(&self, path: &str) -> bool {
        let mut rest = path;
        for (i, part) in self.path.split("[]").enumerate() {
            if i > 0 {
                let Some((_, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) else {
                    return false;
                };
                rest = after;
            }
            let Some(after) = rest.strip_prefix(part) else { return false };
            rest = after;
        }
        rest.is_empty()
    }
}

/// Gives every quantity its value in one run, and collects every problem on the way.
#[derive(Debug)]
pub struct Resolver {
    streams: Option<Streams>,
    alias: Option<(String, String)>,
    variation: Option<Variation>,
    /// What was found wrong so far.
    pub problems: Vec<Problem>,
}

/// Draws rarer than this are not looked at when a scenario is validated.
const RARE: f64 = 1e-6;

impl Resolver {
    /// For validation: distributions take their median, and their tails must be possible too.
    pub fn typical() -> Resolver {
        Resolver { streams: None, alias: None, variation: None, problems: Vec::new() }
    }

    /// For one run: distributions are drawn from that run's streams.
    pub fn drawn(streams: Streams) -> Resolver {
        Resolver { streams: Some(streams), alias: None, variation: None, problems: Vec::new() }
    }

    /// The same with one quantity changed.
    pub fn varied(self, variation: Option<Variation>) -> Resolver {
        Resolver { variation, ..self }
    }

    /// What the quantity at `path` is multiplied by, where it is the one that is varied.
    fn factor(&self, path: &str) -> Option<f64> {
        self.variation.as_ref().filter(|v| v.covers(path)).map(|v| v.factor)
    }

    /// Notes a problem.
    pub fn problem(&mut self, path: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), what: what.into(), remedy: remedy.into() });
    }

    /// From here on, draws under `path` (such as `groups[1]`) come from streams named after `entity` (such
    /// as `group web`), so that what stands before it in a list does not shift its luck. Problems keep
    /// their path.
    pub fn enter(&mut self, path: &str, entity: &str) {
        self.alias = Some((path.into(), entity.into()));
    }

    /// A whole number as typed, which must lie in `low..=high`; else a problem is noted and the nearest that
    /// does is returned.
    pub fn whole(&mut self, path: &str, typed: u32, low: u32, high: u32) -> u32 {
        if (low..=high).contains(&typed) {
            let varied = self.factor(path).map(|factor| (f64::from(typed) * factor + 0.5) as u32);
            return varied.map_or(typed, |v| v.clamp(low, high));
        }
        self.out_of_range(path, typed, (low, high));
        typed.clamp(low, high)
    }

    /// A plain number as typed, which must lie in `[low, high]`; else a problem is noted and `low` returned.
    pub fn between(&mut self, path: &str, typed: f64, low: f64, high: f64) -> f64 {
        if (low..=high).contains(&typed) {
            return self.factor(path).map_or(typed, |factor| (typed * factor).clamp(low, high));
        }
        self.out_of_range(path, typed, (low, high));
        low
    }

    fn out_of_range<T: fmt::Display>(&mut self, path: &str, typed: T, (low, high): (T, T)) {
        let (what, remedy) =
            (format!("{typed} is out of range"), format!("write a number from {low} to {high}"));
        self.problem(path, what, remedy);
    }

    /// The value of `dist` in this run, turned into what is meant; `Err` says what is impossible about it.
    fn draw<T>(
        &self,
        path: &str,
        dist: &Dist,
        meant: impl Fn(f64) -> Result<T, String>,
    ) -> Result<T, String> {
        let Some(streams) = &self.streams else {
            for p in [RARE, 1.0 - RARE] {
                meant(dist.quantile(p)).map_err(|e| format!("one draw in a million gives {e}"))?;
            }
            return meant(dist.median());
        };
        let mut stream = match &self.alias {
            Some((prefix, entity)) if path.starts_with(prefix.as_str()) => {
                streams.stream(&format!("{entity}{}", &path[prefix.len()..]), "input")
            }
            _ => streams.stream(path, "input"),
        };
        meant(dist.sample(&mut stream))
    }
}

#[cfg(test)]
mod tests;
