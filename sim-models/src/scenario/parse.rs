//! Text to typed document: one mistake at a time, with its place and what was probably meant.

use ron::error::{Error, SpannedError};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;
use std::fmt;

/// Longest document that is looked at: far above any scenario, far below what could hold up a run.
pub const LONGEST: usize = 1 << 20;

/// A document that is not well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong, and what was probably meant.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Reads a document. Optional fields are written without `Some`; nesting is limited, so that no text can
/// exhaust the stack.
pub fn document<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    read(text, Extensions::IMPLICIT_SOME)
}

/// The same for documents whose enums hold whole sections: `Station(servers: 2)` without a second pair of
/// parentheses.
pub fn document_of_parts<T: DeserializeOwned>(text: &str) -> Result<T, ParseError> {
    read(text, Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

fn read<T: DeserializeOwned>(text: &str, extensions: Extensions) -> Result<T, ParseError> {
    if text.len() > LONGEST {
        let message = format!("the document has {} bytes; at most {LONGEST} are read", text.len());
        return Err(ParseError { line: 1, column: 1, message });
    }
    let options = ron::Options::default().with_default_extension(extensions);
    options.from_str(text).map_err(|e| explain(&e))
}

fn explain(e: &SpannedError) -> ParseError {
    let mut message = e.code.to_string();
    if let Error::NoSuchStructField { expected, found, .. } | Error::NoSuchEnumVariant { expected, found, .. } =
        &e.code
        && let Some(near) = nearest(found, expected.iter().copied())
    {
        message = format!("{message}; did you mean `{near}`?");
    }
    if e.code == Error::IntegerOutOfBounds {
        message.push_str("; write a whole number that is neither negative nor huge");
    }
    ParseError { line: e.span.start.line, column: e.span.start.col, message }
}

/// The name that `typed` most probably stands for, if one is near enough.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed: String = typed.chars().take(64).collect();
    let allowed = 1 + typed.chars().count() / 4;
    names.map(|name| (edits(&typed, name), name)).filter(|(d, _)| *d <= allowed).min().map(|(_, name)| name)
}

/// Levenshtein distance, letters compared without case.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshtein() {
        // kitten -> sitten -> sittin -> sitting: the textbook's three.
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("Memory", "memory"), 0);
    }

    #[test]
    fn only_near_names_are_offered() {
        let names = ["faults", "fabric", "groups"];
        assert_eq!(nearest("fautls", names.into_iter()), Some("faults"));
        assert_eq!(nearest("weather", names.into_iter()), None);
    }
}
