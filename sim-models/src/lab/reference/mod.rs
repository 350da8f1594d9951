//! Files of cases that somebody measured or another simulator computed, and what the models say of each.
//!
//! A model sees the configuration columns only; columns with results stand beside what it predicts.

pub mod cpu;
pub mod flows;
pub mod messages;
pub mod precopy;

/// What a model says of a file of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What machines read: an object, or a list with one object per case.
    pub json: serde_json::Value,
    /// The heads of a table for people.
    pub heads: Vec<&'static str>,
    /// Its rows, as long as the heads.
    pub rows: Vec<Vec<String>>,
    /// Lines below the table: the errors over all cases, where results stand in the file.
    pub summary: Vec<String>,
}
