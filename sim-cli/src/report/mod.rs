//! Output formats: each renders the same plain data.

pub mod checks;
pub mod csv;
pub mod details;
pub mod json;
mod plot;
pub mod schema;
pub mod sensitivity;
pub mod style;
pub mod table;
pub mod text;
pub mod unit;
pub mod words;

#[cfg(test)]
mod tests;

use clap::ValueEnum;
use sim_models::verdict::{Report, RunRow};
use std::io::{self, Write};
use style::Style;

/// What a format renders.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The judgement.
    pub report: &'a Report,
    /// One row per finished run.
    pub rows: &'a [RunRow],
    /// Colours or none; formats for machines ignore it.
    pub style: Style,
}

/// One output format.
pub trait Render {
    /// Writes the whole batch.
    fn render(&self, batch: &Batch<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// The formats of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One screen for people, details after
    Text,
    /// One JSON object
    Json,
    /// One line per run
    Csv,
}

impl Format {
    /// What renders it.
    pub fn renderer(self) -> &'static dyn Render {
        match self {
            Format::Text => &text::Text,
            Format::Json => &json::Json,
            Format::Csv => &csv::Csv,
        }
    }
}
