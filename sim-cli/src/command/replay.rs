//! `duress replay`: one run of a batch again, bit for bit.

use super::VERSION;
use crate::Terminal;
use crate::args::{self, OneRun};
use crate::error::{Stop, code};
use crate::load::{self, Loaded};
use crate::report::json;
use crate::report::style::Style;
use crate::report::unit;
use sim_core::Seed;
use sim_models::run::RunResult;
use sim_models::verdict::{RunRow, columns};
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    super::run::headline(&loaded, args.seed, &row, style, terminal)?;
    write_row(&row, terminal)?;
    super::run::story(&result, style, terminal)?;
    Ok(code::DONE)
}

/// One run outside a batch; that it breaks is told like in a batch.
pub fn play_one(loaded: &Loaded, seed: Seed, run: u64, watch: bool) -> Result<RunResult, Stop> {
    let replay = format!("{} {run}", loaded.replay_command(seed));
    let broken = |message: String| Stop::broken(format!("broken run {run}: {message}\n  {replay}\n"));
    // What a panicking run leaves half done is dropped with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| loaded.play(seed, run, watch)));
    match outcome {
        Ok(result) => result.map_err(broken),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(broken(format!("panicked: {}", text.unwrap_or_else(|| "not a text".into()))))
        }
    }
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
