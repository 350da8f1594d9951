//! `duress run` of a lab file: bare components, their figures, and what they were expected to be.

use super::{VERSION, jobs};
use crate::Terminal;
use crate::args::{self, OneRun};
use crate::error::{Stop, code};
use crate::report::style::Style;
use crate::report::table::{Align, Table};
use crate::report::words::count;
use crate::report::{checks, json, text};
use serde_json::{Map, Value, json};
use sim_core::batch::run_batch;
use sim_models::lab::{Figure, Lab, Tally};
use sim_models::scenario::parse::nearest;
use sim_models::validation::Check;
use std::ops::ControlFlow;
use std::path::Path;

/// Plays all runs and prints what was seen; exit code 1 when an expectation fails, and 2 when one names a
/// figure that was not seen.
pub fn run(args: &args::Run, lab: &Lab, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    if args.trace.is_some() {
        return Err(Stop::error("a lab file has no trace; leave out `--trace`, or run a scenario"));
    }
    let figures = play(args, lab, terminal)?;
    let checks = lab.checks(&figures);
    match args.format {
        OneRun::Json => json::object(&object(args, lab, &figures, &checks), terminal.out)?,
        OneRun::Text => tell(args, lab, &figures, &checks, terminal)?,
    }
    all_seen(&args.scenario, lab, &figures)?;
    Ok(if checks.iter().all(Check::passes) { code::DONE } else { code::GATE })
}

/// Every figure that is expected was seen.
fn all_seen(path: &Path, lab: &Lab, figures: &[Figure]) -> Result<(), Stop> {
    let names = || figures.iter().map(|f| f.name.as_str());
    let mut message = String::new();
    for (i, expected) in lab.expect.iter().enumerate() {
        let figure = expected.figure.as_str();
        if names().any(|name| name == figure) {
            continue;
        }
        let near = nearest(figure, names()).map_or(String::new(), |near| format!("did you mean `{near}`? "));
        message += &format!(
            "error: {}: expect[{i}].figure: there is no figure `{figure}`; {near}write one that is printed\n",
            path.display()
        );
    }
    if message.is_empty() { Ok(()) } else { Err(Stop::usage(message)) }
}

fn play(args: &args::Run, lab: &Lab, terminal: &Terminal<'_>) -> Result<Vec<Figure>, Stop> {
    let mut tally = Tally::new(lab);
    let mut broken = None;
    let interrupt = &terminal.setting.interrupt;
    interrupt.heed();
    let played = run_batch(
        0..lab.runs_needed(),
        jobs(None),
        interrupt.flag(),
        |run| lab.play(args.seed, run),
        |run, seen| match seen {
            Ok(Ok(seen)) => {
                tally.add(&seen);
                ControlFlow::Continue(())
            }
            Ok(Err(why)) => {
                let file = args.scenario.display();
                broken = Some(Stop::error(format_args!("{file}: run {run}: {why}")));
                ControlFlow::Break(())
            }
            Err(panic) => {
                broken = Some(Stop::broken(format!("broken run {run}: {panic}\n")));
                ControlFlow::Break(())
            }
        },
    );
    let played = played.map_err(Stop::error)?;
    if let Some(stop) = broken {
        return Err(stop);
    }
    if played.end < lab.runs_needed() {
        let message = format!("interrupted: {} of {}\n", played.end, count(lab.runs_needed(), "run"));
        return Err(Stop { code: code::INTERRUPTED, message });
    }
    Ok(tally.figures())
}

fn object(args: &args::Run, lab: &Lab, figures: &[Figure], found: &[Check]) -> Value {
    let one = |f: &Figure| (f.name.clone(), json!({ "value": f.value, "standard_error": f.error }));
    json!({
        "lab": lab.name,
        "version": VERSION,
        "seed": args.seed,
        "runs": lab.runs_needed(),
        "doubts": lab.doubts(),
        "figures": Value::Object(figures.iter().map(one).collect::<Map<_, _>>()),
        "checks": found.iter().map(checks::object).collect::<Vec<_>>(),
    })
}

fn tell(
    args: &args::Run,
    lab: &Lab,
    figures: &[Figure],
    found: &[Check],
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    let style = Style { colour: terminal.setting.colour };
    text::title(&lab.name, &lab.question, style, terminal.out)?;
    writeln!(terminal.out, "{}, seed {}, duress {VERSION}\n", count(lab.runs_needed(), "run"), args.seed)?;
    let mut table = Table::default();
    table.row(["figure", "value", "standard error"]);
    for figure in figures {
        let error = figure.error.map_or_else(String::new, checks::number);
        table.row([figure.name.clone(), checks::number(figure.value), error]);
    }
    table.write(&[Align::Left, Align::Right, Align::Right], terminal.out)?;
    for doubt in lab.doubts() {
        writeln!(terminal.out, "{}  {doubt}", style.bold("beware"))?;
    }
    if !found.is_empty() {
        writeln!(terminal.out, "\n{}", style.bold("Expected"))?;
        checks::table(found, style, terminal.out)?;
    }
    Ok(())
}
