//! `duress lab`: what the models say of cases that others measured or computed.

use crate::Terminal;
use crate::args::{self, LabKind, OneRun};
use crate::error::{Stop, code};
use crate::load;
use crate::report::json;
use crate::report::table::{Align, Table};
use sim_models::lab::is_lab;
use sim_models::lab::reference::{Answer, cpu, flows, messages, precopy};

/// Reads the cases, predicts each, prints.
pub fn run(args: &args::Lab, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let text = load::text(&args.file)?;
    if is_lab(&text) {
        return Err(Stop::error(format_args!(
            "{} is a lab file, which `duress run` plays; `duress lab` reads CSV or JSON cases",
            args.file.display()
        )));
    }
    let predict = match args.kind {
        LabKind::Flows => flows::predict,
        LabKind::Precopy => precopy::predict,
        LabKind::Cpu => cpu::predict,
        LabKind::Messages => messages::predict,
    };
    let answer = predict(&text).map_err(|e| Stop::error(format_args!("{}: {e}", args.file.display())))?;
    match args.format {
        OneRun::Json => json::object(&answer.json, terminal.out)?,
        OneRun::Text => tell(&answer, terminal)?,
    }
    Ok(code::DONE)
}

fn tell(answer: &Answer, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let mut table = Table::default();
    table.row(answer.heads.iter().copied());
    for row in &answer.rows {
        table.row(row.clone());
    }
    let mut align = vec![Align::Right; answer.heads.len()];
    align[0] = Align::Left;
    table.write(&align, terminal.out)?;
    for line in &answer.summary {
        writeln!(terminal.out, "{line}")?;
    }
    Ok(())
}
