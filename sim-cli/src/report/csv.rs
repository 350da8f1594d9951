//! One line per run: the table that spreadsheets and data frames read.

use super::{Batch, Render};
use sim_models::verdict::{RunRow, columns};
use std::io::{self, Write};

/// The format.
pub struct Csv;

impl Render for Csv {
    fn render(&self, batch: &Batch<'_>, out: &mut dyn Write) -> io::Result<()> {
        table(batch.rows, out)
    }
}

/// Header and rows. Numbers are integers in base units; an empty cell is a fact the run does not have.
pub fn table(rows: &[RunRow], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "run,digest,macro_digest,events,requests")?;
    for column in columns() {
        write!(out, ",{}", column.name())?;
    }
    writeln!(out)?;
    for row in rows {
        let RunRow { run, digest, macro_digest, events, requests, .. } = row;
        write!(out, "{run},{digest},{macro_digest},{events},{requests}")?;
        for value in &row.values {
            let cell = value.map(|v| v.to_string()).unwrap_or_default();
            write!(out, ",{cell}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
