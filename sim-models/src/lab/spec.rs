//! A lab file as typed.

use super::Part;
use crate::quantity::Resolver;
use crate::scenario::parse::{self, ParseError};
use serde::Deserialize;

/// A lab file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Short name, for reports.
    pub name: String,
    /// What it is to show.
    #[serde(default)]
    pub question: String,
    /// Independent runs of whatever is random, at least 2; an interval for a quantile needs 30.
    #[serde(default = "forty")]
    pub runs: u64,
    /// The components; none knows of another.
    pub parts: Vec<NamedPart>,
    /// What the figures must come to.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

fn forty() -> u64 {
    40
}

/// One component.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPart {
    /// Prefix of its figures.
    pub name: String,
    /// What it is.
    pub is: Part,
}

/// What one figure must come to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of the figure, such as `queue.wait.p99`.
    pub figure: String,
    /// Its exact value: seconds, bytes, bytes per second, or a plain ratio.
    pub value: f64,
    /// How far off it may be.
    pub within: Within,
    /// Where the value comes from: the algebra, or the publication.
    pub because: String,
}

/// How far a figure may be from what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Within {
    /// Not at all.
    Exactly,
    /// Of the value.
    Percent(f64),
    /// Of the value, as a plain ratio such as 1e-9.
    Relative(f64),
    /// In the unit of the figure.
    Absolute(f64),
}

impl Within {
    /// In the unit of the figure.
    pub fn absolute(self, value: f64) -> f64 {
        match self {
            Within::Exactly => 0.0,
            Within::Percent(p) => value.abs() * p / 100.0,
            Within::Relative(r) => value.abs() * r,
            Within::Absolute(a) => a,
        }
    }
}

impl Expectation {
    fn check_frame(&self, path: &str, parts: &[NamedPart], r: &mut Resolver) {
        let of = |p: &NamedPart| self.figure.strip_prefix(&p.name).is_some_and(|rest| rest.starts_with('.'));
        if !parts.is_empty() && !parts.iter().any(of) {
            let names: Vec<&str> = parts.iter().map(|p| p.name.as_str()).collect();
            let remedy = format!("begin with the name of a part and a dot: {}", names.join(", "));
            r.problem(&format!("{path}.figure"), format!("no part has a figure `{}`", self.figure), remedy);
        }
        if !self.value.is_finite() {
            r.problem(&format!("{path}.value"), format!("{} is not a number", self.value), "write a number");
        }
        let tolerance = self.within.absolute(1.0);
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            let remedy = "write a tolerance of 0 or more";
            r.problem(&format!("{path}.within"), format!("{:?} is out of range", self.within), remedy);
        }
    }
}

/// Whether a document says of itself that it is a lab file: its first word is `Lab`.
pub fn is_lab(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("//") {
            comment.split_once('\n').map(|(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, after)| after)
        } else if let Some(extension) = rest.strip_prefix("#!") {
            extension.split_once(']').map(|(_, after)| after)
        } else {
            break;
        };
        let Some(after) = after else { return false };
        rest = after.trim_start();
    }
    rest.strip_prefix("Lab")
        .is_some_and(|after| after.trim_start().starts_with('(') || after.trim().is_empty())
}

impl Lab {
    /// Reads a lab file.
    ///
    /// # Errors
    /// The first place that is not well formed, or what is wrong with its frame.
    pub fn parse(text: &str) -> Result<Lab, ParseError> {
        let lab: Lab = parse::document_of_parts(text)?;
        if !(2..=1_000_000).contains(&lab.runs) {
            let message = format!("`runs` is {}; write a number from 2 to 1000000", lab.runs);
            return Err(ParseError { line: 1, column: 1, message });
        }
        Ok(lab)
    }

    /// What is wrong with the file around its parts.
    pub(super) fn check_frame(&self, r: &mut Resolver) {
        if self.parts.is_empty() {
            r.problem("parts", "nothing to play", "list at least one part");
        }
        for (i, part) in self.parts.iter().enumerate() {
            let path = format!("parts[{i}].name");
            if part.name.is_empty() {
                r.problem(&path, "no name", "write one; figures are called after it");
            } else if self.parts[..i].iter().any(|p| p.name == part.name) {
                let what = format!("two parts are called `{}`", part.name);
                r.problem(&path, what, "give each a name of its own");
            }
        }
        for (i, expectation) in self.expect.iter().enumerate() {
            expectation.check_frame(&format!("expect[{i}]"), &self.parts, r);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_file_says_so_with_its_first_word() {
        assert!(is_lab("// why\n/* and\nhow */ Lab (name: \"x\", parts: [])"));
        assert!(is_lab("Lab\n") && !is_lab("Laboratory(name: 1)"));
        assert!(!is_lab("(name: \"Lab(\")"));
        assert!(!is_lab("// Lab("));
    }

    #[test]
    fn a_tolerance_is_in_the_unit_of_the_figure() {
        assert_eq!(Within::Percent(2.0).absolute(-5.0), 0.1);
        assert_eq!(Within::Absolute(3.0).absolute(5.0), 3.0);
    }
}
