//! `duress schema`: what goes in and what comes out.

use crate::Terminal;
use crate::args::{self, Document};
use crate::error::{Stop, code};
use crate::report::schema;

/// Prints one of the documents, or all.
pub fn run(args: &args::Schema, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let all = [Document::Scenario, Document::Lab, Document::Report];
    let chosen = all.into_iter().filter(|d| args.what.is_none_or(|what| what == *d));
    for (i, document) in chosen.enumerate() {
        if i > 0 {
            writeln!(terminal.out)?;
        }
        match document {
            Document::Scenario => write!(terminal.out, "{}", sim_models::scenario::schema::text())?,
            Document::Lab => write!(terminal.out, "{}", sim_models::lab::schema::text())?,
            Document::Report => schema::write(terminal.out)?,
        }
    }
    Ok(code::DONE)
}
