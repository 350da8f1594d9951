//! Which assumed value moves which number.

use super::style::Style;
use super::table::{Align, Table};
use super::words;
use crate::args;
use crate::command::VERSION;
use crate::command::sensitivity::{Effect, Outcome};
use crate::load::Loaded;
use serde_json::{Value, json};
use sim_models::metric::Metric;
use sim_models::sensitivity::{Cell, Move, cells};
use std::io::{self, Write};

/// One line per value that moves anything, the one that moves most first; the others by name.
pub fn text(
    args: &args::Sensitivity,
    loaded: &Loaded,
    effects: &[Effect],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let args::Sensitivity { runs, seed, by, .. } = args;
    writeln!(out, "{}: what rests on a guess", style.bold(&loaded.typical.name))?;
    writeln!(
        out,
        "each assumed value {by} % lower and {by} % higher, {}, seed {seed}, duress {VERSION}",
        words::count(*runs, "run")
    )?;
    writeln!(
        out,
        "change of each number in %, low/high; b before, a after, d under duress: where it moves most\n"
    )?;
    let mut moving: Vec<&Effect> = effects.iter().filter(|e| largest(e) > 0.0).collect();
    moving.sort_by(|a, b| largest(b).total_cmp(&largest(a)));
    let metrics = metrics();
    let mut table = Table::default();
    let heads = metrics.iter().map(|m| words::words(*m));
    table.row(["assumed".to_string(), "value".into()].into_iter().chain(heads));
    for effect in &moving {
        let shown = metrics.iter().map(|m| most(effect, *m));
        let value = shortened(&effect.assumption.value);
        table.row([effect.assumption.path.clone(), value].into_iter().chain(shown));
    }
    let mut align = vec![Align::Right; 2 + metrics.len()];
    align[0] = Align::Left;
    align[1] = Align::Left;
    table.write(&align, out)?;
    rest(effects, style, out)
}

/// Values that move nothing, and values that cannot be moved.
fn rest(effects: &[Effect], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let impossible = |e: &&Effect| e.outcomes.iter().any(|o| matches!(o, Outcome::Impossible(_)));
    let absent = |e: &&Effect| e.outcomes.iter().all(|o| *o == Outcome::Absent);
    let still: Vec<&str> = effects
        .iter()
        .filter(|e| largest(e) == 0.0 && !impossible(e) && !absent(e))
        .map(|e| e.assumption.path.as_str())
        .collect();
    let count = effects.iter().filter(absent).count();
    if count > 0 {
        writeln!(out, "\n{count} are zero or belong to what this scenario does not have")?;
    }
    if !still.is_empty() {
        writeln!(out, "\n{}", style.bold(&format!("{} move no number by 1 %", still.len())))?;
        for path in still {
            writeln!(out, "  {path}")?;
        }
    }
    for effect in effects.iter().filter(impossible) {
        for (way, outcome) in ["lower", "higher"].iter().zip(&effect.outcomes) {
            if let Outcome::Impossible(why) = outcome {
                writeln!(out, "\n{} {way} is impossible: {why}", effect.assumption.path)?;
            }
        }
    }
    Ok(())
}

/// Rows of the matrix, once each.
fn metrics() -> Vec<Metric> {
    let mut metrics: Vec<Metric> = cells().iter().map(|c| c.metric).collect();
    metrics.dedup();
    metrics
}

fn real(outcome: &Outcome, cell: usize) -> Option<Move> {
    let Outcome::Moves(moves) = outcome else { return None };
    moves.get(cell).copied().flatten().filter(Move::is_real)
}

fn change(outcome: &Outcome, cell: usize) -> f64 {
    real(outcome, cell).map_or(0.0, |m| m.change.abs())
}

fn in_cell(effect: &Effect, cell: usize) -> f64 {
    effect.outcomes.iter().map(|o| change(o, cell)).fold(0.0, f64::max)
}

fn largest(effect: &Effect) -> f64 {
    (0..cells().len()).map(|cell| in_cell(effect, cell)).fold(0.0, f64::max)
}

/// `-12/+31 d`: the column of a row where the value moves most.
fn most(effect: &Effect, metric: Metric) -> String {
    let of_row = cells().into_iter().enumerate().filter(|(_, c)| c.metric == metric);
    let Some((at, cell)) =
        of_row.max_by(|(a, _), (b, _)| in_cell(effect, *a).total_cmp(&in_cell(effect, *b)))
    else {
        return String::new();
    };
    if in_cell(effect, at) == 0.0 {
        return ".".into();
    }
    let one = |outcome| match real(outcome, at) {
        Some(m) => format!("{:+.0}", 100.0 * m.change),
        None if matches!(outcome, Outcome::Impossible(_)) => "?".into(),
        None => "0".into(),
    };
    let [low, high] = &effect.outcomes;
    format!("{}/{} {}", one(low), one(high), &cell.group.name()[..1])
}

fn shortened(value: &str) -> String {
    const WIDEST: usize = 34;
    if value.chars().count() <= WIDEST {
        return value.into();
    }
    value.chars().take(WIDEST - 1).chain(std::iter::once('…')).collect()
}

/// Everything, for machines.
pub fn object(args: &args::Sensitivity, loaded: &Loaded, effects: &[Effect]) -> Value {
    let one = |outcome: &Outcome| match outcome {
        Outcome::Absent => json!({ "absent": true }),
        Outcome::Nothing => json!({ "moves": {} }),
        Outcome::Impossible(why) => json!({ "impossible": why }),
        Outcome::Moves(moves) => {
            let named = cells().into_iter().zip(moves);
            let named = named.filter_map(|(cell, m)| Some((name(&cell), json!(m.as_ref()?))));
            json!({ "moves": named.collect::<serde_json::Map<_, _>>() })
        }
    };
    let effects = effects.iter().map(|e| {
        let [low, high] = &e.outcomes;
        json!({ "assumption": e.assumption, "low": one(low), "high": one(high) })
    });
    json!({
        "scenario": loaded.typical.name,
        "version": VERSION,
        "seed": args.seed,
        "runs": args.runs,
        "by_percent": args.by,
        "effects": effects.collect::<Vec<_>>(),
    })
}

fn name(cell: &Cell) -> String {
    format!("{}.{}", cell.metric, cell.group.name())
}
