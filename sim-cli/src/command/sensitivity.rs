//! `duress sensitivity`: every assumed value moved down and up, under the same luck.

use super::{VERSION, jobs};
use crate::Terminal;
use crate::args::{self, OneRun};
use crate::error::{Stop, code};
use crate::load::{self, Loaded};
use crate::report::style::Style;
use crate::report::{json, sensitivity};
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::batch::run_batch;
use sim_models::quantity::{Problem, Variation};
use sim_models::sensitivity::{Assumption, Move, assumptions, moves};
use sim_models::verdict::RunRow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What became of one value moved one way.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The scenario means the same: the value is zero, or what it belongs to is absent.
    Absent,
    /// The first run comes out the same.
    Nothing,
    /// Moves of the cells of the matrix, `None` where there is nothing to compare.
    Moves(Vec<Option<Move>>),
    /// The moved value is impossible, or a run broke with it.
    Impossible(String),
}

/// One assumed value and what became of it moved down and up.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The value.
    pub assumption: Assumption,
    /// Moved down, moved up.
    pub outcomes: [Outcome; 2],
}

/// Moves every assumed value, plays, compares, prints.
pub fn run(args: &args::Sensitivity, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let loaded = load::scenario(&args.scenario)?;
    let only = args.only.as_deref().unwrap_or_default();
    let chosen: Vec<Assumption> =
        assumptions(&loaded.document).into_iter().filter(|a| a.path.contains(only)).collect();
    if chosen.is_empty() {
        return Err(Stop::error(format_args!("no assumed value has `{only}` in its path; write less of it")));
    }
    let effects = effects(args, &loaded, chosen, terminal)?;
    match args.format {
        OneRun::Json => json::object(&sensitivity::object(args, &loaded, &effects), terminal.out)?,
        OneRun::Text => {
            let style = Style { colour: terminal.setting.colour };
            sensitivity::text(args, &loaded, &effects, style, terminal.out)?;
        }
    }
    Ok(code::DONE)
}

/// One value moved one way, and the run it is played in.
type Task = (usize, u64);

struct Player<'a> {
    args: &'a args::Sensitivity,
    loaded: &'a Loaded,
    variations: Vec<Option<Variation>>,
    bar: ProgressBar,
}

fn effects(
    args: &args::Sensitivity,
    loaded: &Loaded,
    chosen: Vec<Assumption>,
    terminal: &Terminal<'_>,
) -> Result<Vec<Effect>, Stop> {
    let by = f64::from(args.by) / 100.0;
    // The scenario itself comes first; then each value down and up.
    let varied = chosen
        .iter()
        .flat_map(|a| [1.0 - by, 1.0 + by].map(|factor| Some(Variation { path: a.path.clone(), factor })));
    let variations: Vec<Option<Variation>> = std::iter::once(None).chain(varied).collect();
    let player = Player { args, loaded, variations, bar: progress(args, terminal) };
    let base = player.rows((0..args.runs).map(|run| (0, run)).collect(), terminal)?;
    let base: Vec<RunRow> = collected(base.into_values()).map_err(Stop::broken)?;
    let mut outcomes = player.screened(&base, terminal)?;
    let alive = |i: &usize| matches!(outcomes[i - 1], Outcome::Moves(_));
    let alive: Vec<usize> = (1..player.variations.len()).filter(alive).collect();
    let tasks = alive.iter().flat_map(|&i| (0..args.runs).map(move |run| (i, run))).collect();
    let mut rows = player.rows(tasks, terminal)?;
    player.bar.finish_and_clear();
    for i in alive {
        let of_one = (0..args.runs).filter_map(|run| rows.remove(&(i, run)));
        outcomes[i - 1] = match collected(of_one) {
            Ok(varied) => Outcome::Moves(moves(&base, &varied)),
            Err(why) => Outcome::Impossible(why),
        };
    }
    let mut outcomes = outcomes.into_iter();
    let mut next = || outcomes.next().unwrap_or(Outcome::Nothing);
    Ok(chosen.into_iter().map(|assumption| Effect { assumption, outcomes: [next(), next()] }).collect())
}

fn collected(rows: impl Iterator<Item = Result<RunRow, String>>) -> Result<Vec<RunRow>, String> {
    rows.collect()
}

impl Player<'_> {
    /// Which variations are worth all runs: those that change what is meant, and then what happens in run 0.
    fn screened(&self, base: &[RunRow], terminal: &Terminal<'_>) -> Result<Vec<Outcome>, Stop> {
        let meant = format!("{:?}", self.loaded.typical);
        let mut outcomes: Vec<Outcome> = self.variations[1..]
            .iter()
            .flatten()
            .map(|v| match self.loaded.document.check_varied(v.clone()) {
                Ok(scenario) if format!("{scenario:?}") == meant => Outcome::Absent,
                Ok(_) => Outcome::Moves(Vec::new()),
                Err(problems) => Outcome::Impossible(
                    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "),
                ),
            })
            .collect();
        let tasks = (1..self.variations.len()).filter(|i| outcomes[i - 1] == Outcome::Moves(Vec::new()));
        for ((i, _), row) in self.rows(tasks.map(|i| (i, 0)).collect(), terminal)? {
            if row.is_ok_and(|row| row.values == base[0].values) {
                outcomes[i - 1] = Outcome::Nothing;
            }
        }
        Ok(outcomes)
    }

    fn rows(
        &self,
        tasks: Vec<Task>,
        terminal: &Terminal<'_>,
    ) -> Result<BTreeMap<Task, Result<RunRow, String>>, Stop> {
        self.bar.inc_length(tasks.len() as u64);
        let mut rows = BTreeMap::new();
        let interrupt = &terminal.setting.interrupt;
        interrupt.heed();
        let play = |at: u64| {
            let (i, run) = tasks[at as usize];
            let variation = self.variations[i].as_ref();
            let result = self.loaded.play_varied(self.args.seed, run, false, variation);
            result.map(|result| RunRow::of(&result))
        };
        let count = tasks.len() as u64;
        let played = run_batch(0..count, jobs(self.args.jobs), interrupt.flag(), play, |at, row| {
            rows.insert(tasks[at as usize], row.unwrap_or_else(|panic| Err(panic.to_string())));
            self.bar.inc(1);
            ControlFlow::Continue(())
        })
        .map_err(Stop::error)?;
        if played.end < count {
            return Err(Stop { code: code::INTERRUPTED, message: "interrupted\n".into() });
        }
        Ok(rows)
    }
}

fn progress(args: &args::Sensitivity, terminal: &Terminal<'_>) -> ProgressBar {
    if args.quiet || !terminal.setting.progress {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len} runs, duress {msg}";
    let style = ProgressStyle::with_template(template).expect("a template of known keys");
    ProgressBar::new(0).with_style(style).with_message(VERSION)
}
