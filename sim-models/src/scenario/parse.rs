//! Text to typed document: one mistake at a time, with its place and what was probably meant.

mod brackets;
mod explain;
mod near;

pub use near::nearest;

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
    let parse = |text: &str| options.from_str::<T>(text);
    parse(text).map_err(|e| explain::explain(text, &e, &|other| parse(other).err()))
}

/// What the parser itself says of a text that it refuses.
#[cfg(test)]
pub(crate) fn refused<T: DeserializeOwned + fmt::Debug>(text: &str, parts: bool) -> ron::Error {
    let parts = if parts { Extensions::UNWRAP_VARIANT_NEWTYPES } else { Extensions::empty() };
    let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME | parts);
    match options.from_str::<T>(text) {
        Ok(parsed) => panic!("{text} is {parsed:?}"),
        Err(e) => e.code,
    }
}

/// The names that it would have accepted in the place of one that it does not know.
#[cfg(test)]
pub(crate) fn accepted<T: DeserializeOwned + fmt::Debug>(text: &str, parts: bool) -> Vec<String> {
    use ron::Error::{NoSuchEnumVariant, NoSuchStructField};
    match refused::<T>(text, parts) {
        NoSuchEnumVariant { expected, .. } | NoSuchStructField { expected, .. } => {
            expected.iter().map(|name| (*name).to_string()).collect()
        }
        other => panic!("{text}: {other}"),
    }
}
