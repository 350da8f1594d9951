//! `duress run`: one future, in full.

use super::single::{headline, play_one, story};
use super::{VERSION, bench, trace};
use crate::args::{self, OneRun};
use crate::error::{Stop, code};
use crate::load::{self, Loaded};
use crate::report::style::Style;
use crate::report::{details, json};
use crate::{Terminal, files};
use sim_models::run::{Act, RunResult};
use sim_models::verdict::{RunRow, metric_lines_of};

/// Loads, plays run 0, tells its story.
pub fn run(args: &args::Run, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    if let Some(lab) = load::lab(&args.scenario)? {
        return bench::run(args, &lab, terminal);
    }
    let loaded = load::scenario(&args.scenario)?;
    let result = play_one(&loaded, args.seed, 0, args.digests)?;
    if let Some(path) = &args.trace {
        files::write(path, |out| json::object(&trace::of(&Act::of(&loaded.typical), &result), out))?;
    }
    match args.format {
        OneRun::Json => json::object(&object(args, &loaded, &result), terminal.out)?,
        OneRun::Text => tell(args, &loaded, &result, terminal)?,
    }
    Ok(code::DONE)
}

fn tell(
    args: &args::Run,
    loaded: &Loaded,
    result: &RunResult,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stop> {
    let style = Style { colour: terminal.setting.colour };
    headline(loaded, args.seed, &RunRow::of(result), style, terminal)?;
    story(loaded, result, style, terminal)?;
    details::metrics(&metric_lines_of(&result.record), style, terminal.out)?;
    if args.digests {
        writeln!(terminal.out, "\n{}", style.bold("Digests"))?;
        for (name, digest) in &result.entities {
            writeln!(terminal.out, "{digest}  {name}")?;
        }
    }
    Ok(())
}

fn object(args: &args::Run, loaded: &Loaded, result: &RunResult) -> serde_json::Value {
    let acts = Act::of(&loaded.typical);
    let act = |number: usize| acts.get(number).map(|(act, _)| act.name());
    let notes = result.record.story().iter();
    let story: Vec<_> = notes
        .map(|n| serde_json::json!({ "act": act(n.act), "at": n.at.0, "phase": n.phase, "what": n.what }))
        .collect();
    let row = RunRow::of(result);
    let mut object = serde_json::json!({
        "scenario": loaded.typical.name,
        "version": VERSION,
        "seed": args.seed,
        "run": result.run,
        "digest": result.digest,
        "row": json::row(&row),
        "story": story,
        "metrics": metric_lines_of(&result.record),
        "replay": format!("{} {}", loaded.replay_command(args.seed), result.run),
    });
    if args.digests {
        let entities = result.entities.iter().map(|(name, digest)| (name.clone(), digest.to_string().into()));
        object["entities"] = serde_json::Value::Object(entities.collect());
    }
    object
}
