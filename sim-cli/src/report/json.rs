//! One JSON object: the report as it is.

use super::{Batch, Render};
use serde::Serialize;
use sim_models::verdict::{RunRow, columns};
use std::io::{self, Write};

/// The format.
pub struct Json;

impl Render for Json {
    fn render(&self, batch: &Batch<'_>, out: &mut dyn Write) -> io::Result<()> {
        object(batch.report, out)
    }
}

/// Writes one object and a line break.
pub fn object(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// A row of the table of runs, by the names of its columns.
pub fn row(row: &RunRow) -> serde_json::Map<String, serde_json::Value> {
    let head = [
        ("run", row.run.into()),
        ("digest", row.digest.to_string().into()),
        ("macro_digest", row.macro_digest.to_string().into()),
        ("events", row.events.into()),
        ("requests", row.requests.into()),
    ];
    let head = head.into_iter().map(|(name, value)| (name.to_string(), value));
    let numbers = columns().into_iter().zip(&row.values);
    head.chain(numbers.map(|(column, value)| (column.name(), (*value).into()))).collect()
}
