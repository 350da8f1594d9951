//! `duress profiles`: what a platform is taken to do, and on whose word.

use crate::Terminal;
use crate::args;
use crate::error::{Stop, code};
use crate::load;
use crate::report::style::Style;
use crate::report::table::{Align, Table};
use sim_models::profile::BUILT_IN;
use sim_models::quantity::Provenance;

const BASES: [&str; 4] = ["verified", "measured", "recalled", "assumed"];

/// Lists the profiles, or the values of one.
pub fn run(args: &args::Profiles, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    match &args.name {
        None => list(terminal)?,
        Some(name) => one(name, terminal)?,
    }
    Ok(code::DONE)
}

fn list(terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let mut table = Table::default();
    table.row(["profile", "values", "verified", "measured", "recalled", "assumed", "stands for"]);
    for (name, _) in BUILT_IN {
        let profile = load::profile(name)?;
        let values = profile.provenance();
        let mut cells = vec![(*name).to_string(), values.len().to_string()];
        cells.extend(BASES.iter().map(|b| values.iter().filter(|v| v.basis == *b).count().to_string()));
        cells.push(profile.summary);
        table.row(cells);
    }
    let r = Align::Right;
    Ok(table.write(&[Align::Left, r, r, r, r, r, Align::Left], terminal.out)?)
}

fn one(name: &str, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let profile = load::profile(name)?;
    let style = Style { colour: terminal.setting.colour };
    writeln!(terminal.out, "{}: {}\n", style.bold(&profile.name), profile.summary)?;
    let mut table = Table::default();
    table.row(["value", "is", "basis", "source"]);
    for Provenance { path, value, basis, source } in profile.provenance() {
        table.row([path, value, basis.to_string(), source]);
    }
    Ok(table.write(&[Align::Left; 4], terminal.out)?)
}
