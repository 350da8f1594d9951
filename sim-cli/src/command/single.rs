//! One run outside a batch: played, headed, told.

use super::VERSION;
use crate::Terminal;
use crate::error::Stop;
use crate::load::Loaded;
use crate::report::style::Style;
use crate::report::text;
use sim_core::Seed;
use sim_models::run::{Act, RunResult};
use sim_models::verdict::RunRow;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Which run this is and what it cost.
pub fn headline(
    loaded: &Loaded,
    seed: Seed,
    row: &RunRow,
    style: Style,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    let s = &loaded.typical;
    text::title(&s.name, &s.question, style, terminal.out)?;
    let RunRow { run, digest, events, requests, .. } = row;
    writeln!(
        terminal.out,
        "run {run}, seed {seed}, digest {digest}, {events} events, {requests} requests, duress {VERSION}"
    )?;
    Ok(writeln!(terminal.out, "  {} {run}", loaded.replay_command(seed))?)
}

/// What happened, line by line.
pub fn story(
    loaded: &Loaded,
    result: &RunResult,
    style: Style,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    let acts = Act::of(&loaded.typical);
    writeln!(terminal.out, "\n{}", style.bold("What happened, by the clock of each act"))?;
    for notes in result.record.story().chunk_by(|a, b| a.act == b.act) {
        if let Some((act, length)) = acts.get(notes[0].act) {
            writeln!(terminal.out, "  {}", style.dim(&format!("{}, {length}", act.name())))?;
        }
        for note in notes {
            writeln!(terminal.out, "{:>12.3} s  {:17}  {}", note.at.as_secs(), note.phase, note.what)?;
        }
    }
    if result.record.story().is_empty() {
        writeln!(terminal.out, "nothing worth a line")?;
    }
    Ok(())
}
