//! `duress replay`: one run of a batch again, bit for bit.

use super::VERSION;
use super::single::{headline, play_one, story};
use crate::Terminal;
use crate::args::{self, OneRun};
use crate::error::{Stop, code};
use crate::load;
use crate::report::json;
use crate::report::style::Style;
use crate::report::unit;
use sim_models::verdict::{RunRow, columns};

/// Loads, plays, prints the run's row.
pub fn run(args: &args::Replay, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let loaded = load::scenario(&args.scenario)?;
    let result = play_one(&loaded, args.seed, args.run, false)?;
    let row = RunRow::of(&result);
    let replay = format!("{} {}", loaded.replay_command(args.seed), args.run);
    if args.format == OneRun::Json {
        let object = serde_json::json!({
            "scenario": loaded.typical.name,
            "version": VERSION,
            "seed": args.seed,
            "run": args.run,
            "digest": row.digest,
            "row": json::row(&row),
            "replay": replay,
        });
        json::object(&object, terminal.out)?;
        return Ok(code::DONE);
    }
    let style = Style { colour: terminal.setting.colour };
    headline(&loaded, args.seed, &row, style, terminal)?;
    write_row(&row, terminal)?;
    story(&loaded, &result, style, terminal)?;
    Ok(code::DONE)
}

fn write_row(row: &RunRow, terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    for (column, value) in columns().into_iter().zip(&row.values) {
        if let Some(value) = value {
            let shown = unit::value(column.unit(), column.metric(), *value);
            writeln!(terminal.out, "  {:34} {shown}", column.name())?;
        }
    }
    Ok(())
}
