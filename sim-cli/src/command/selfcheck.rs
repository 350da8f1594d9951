//! `duress selfcheck`: the suite that holds every model against theory and measurements.

use super::{VERSION, jobs};
use crate::Terminal;
use crate::args::{self, Validation};
use crate::error::{Stop, code};
use crate::report::style::Style;
use crate::report::{checks, json};
use serde_json::json;
use sim_core::batch::run_batch;
use sim_models::validation::{Check, Findings, Suite, suites};
use std::ops::ControlFlow;

/// A suite and what it found; `Err` says how it broke.
type Played = (&'static Suite, Result<Findings, String>);

/// Plays the suites; exit code 1 when a check fails, 3 when a suite broke.
pub fn run(args: &args::Selfcheck, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let chosen = chosen(&args.suites)?;
    let played = play(args, &chosen, terminal)?;
    match args.format {
        Validation::Text => tell(args, &played, terminal)?,
        Validation::Json => json::object(&object(args, &played), terminal.out)?,
        Validation::Markdown => checks::markdown(played.iter().map(|(s, f)| (*s, f)), terminal.out)?,
    }
    if played.len() < chosen.len() {
        let message = format!("interrupted: {} of {} suites\n", played.len(), chosen.len());
        return Err(Stop { code: code::INTERRUPTED, message });
    }
    Ok(exit_code(&played))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Suite>, Stop> {
    let all = || suites().map(|s| s.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let suite = suites().find(|s| s.name == name);
        suite.ok_or_else(|| Stop::error(format_args!("there is no suite `{name}`; write one of {}", all())))
    };
    if names.is_empty() { Ok(suites().collect()) } else { names.iter().map(find).collect() }
}

fn play(
    args: &args::Selfcheck,
    suites: &[&'static Suite],
    terminal: &Terminal<'_>,
) -> Result<Vec<Played>, Stop> {
    let mut played = Vec::new();
    let interrupt = &terminal.setting.interrupt;
    interrupt.heed();
    run_batch(
        0..suites.len() as u64,
        jobs(args.jobs),
        interrupt.flag(),
        |i| (suites[i as usize].run)(args.seed),
        |i, findings| {
            played.push((suites[i as usize], findings.unwrap_or_else(|panic| Err(panic.to_string()))));
            ControlFlow::Continue(())
        },
    )
    .map_err(Stop::error)?;
    Ok(played)
}

fn exit_code(played: &[Played]) -> u8 {
    if played.iter().any(|(_, f)| f.is_err()) {
        return code::BROKEN;
    }
    let passes = |(_, f): &Played| f.as_ref().is_ok_and(|f| f.checks.iter().all(Check::passes));
    if played.iter().all(passes) { code::DONE } else { code::GATE }
}

fn tell(args: &args::Selfcheck, played: &[Played], terminal: &mut Terminal<'_>) -> Result<(), Stop> {
    let style = Style { colour: terminal.setting.colour };
    writeln!(terminal.out, "{} seed {}, duress {VERSION}", style.bold("selfcheck"), args.seed)?;
    let (mut passed, mut all) = (0, 0);
    for (suite, findings) in played {
        writeln!(terminal.out, "\n{}: {} against {}", style.bold(suite.name), suite.model, suite.against)?;
        let findings = match findings {
            Ok(findings) => findings,
            Err(why) => {
                writeln!(terminal.out, "  broken: {why}")?;
                continue;
            }
        };
        let shown: Vec<Check> = findings.checks.iter().filter(|c| args.all || !c.passes()).cloned().collect();
        checks::table(&shown, style, terminal.out)?;
        let good = findings.checks.iter().filter(|c| c.passes()).count();
        (passed, all) = (passed + good, all + findings.checks.len());
        let Findings { checks, size, error } = findings;
        writeln!(terminal.out, "  {good} of {} checks pass; {size}, {error}", checks.len())?;
    }
    let hint = if args.all { "" } else { "; --all prints each" };
    Ok(writeln!(terminal.out, "\n{passed} of {all} checks pass{hint}")?)
}

fn object(args: &args::Selfcheck, played: &[Played]) -> serde_json::Value {
    let one = |(suite, findings): &Played| {
        let mut object = json!({ "suite": suite.name, "model": suite.model, "against": suite.against });
        match findings {
            Ok(f) => {
                object["size"] = f.size.clone().into();
                object["error"] = f.error.clone().into();
                object["checks"] = f.checks.iter().map(checks::object).collect();
            }
            Err(why) => object["broken"] = why.clone().into(),
        }
        object
    };
    json!({ "version": VERSION, "seed": args.seed, "suites": played.iter().map(one).collect::<Vec<_>>() })
}
