//! `duress schema`: what goes in and what comes out.

use crate::Terminal;
use crate::args::{self, Document};
use crate::error::{Stop, code};
use crate::report::schema;

/// Prints one of the two documents, or both.
pub fn run(args: &args::Schema, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    if args.what != Some(Document::Report) {
        write!(terminal.out, "{}", sim_models::scenario::schema::text())?;
    }
    if args.what.is_none() {
        writeln!(terminal.out)?;
    }
    if args.what != Some(Document::Scenario) {
        schema::write(terminal.out)?;
    }
    Ok(code::DONE)
}
