//! The only file reads: a scenario, the files it names, and profiles.

use crate::error::Stop;
use sim_core::batch::{Panic, isolated};
use sim_core::{Seed, Streams};
use sim_models::lab::{Lab, is_lab};
use sim_models::profile::{self, ProfileSpec};
use sim_models::quantity::{Problem, Variation};
use sim_models::run::{Past, RunResult, play};
use sim_models::scenario::Scenario;
use sim_models::scenario::library::Document;
use sim_models::scenario::parse::{ParseError, nearest};
use sim_models::verdict::{About, Cluster};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A scenario file that was read, parsed and found sound.
#[derive(Debug)]
pub struct Loaded {
    /// As typed on the command line.
    pub path: PathBuf,
    /// With every distribution at its median.
    pub typical: Scenario,
    /// As typed.
    pub document: Document,
}

impl Loaded {
    /// Runs that share one past.
    pub fn futures_per_past(&self) -> u64 {
        u64::from(self.typical.futures_per_past)
    }

    /// Plays run `run`: the inputs of its past are drawn, then its future. `Err` says why there is no result.
    pub fn play(&self, seed: Seed, run: u64, watch: bool) -> Result<RunResult, String> {
        self.play_varied(seed, run, watch, None)
    }

    /// Plays the same run with one quantity changed.
    pub fn play_varied(
        &self,
        seed: Seed,
        run: u64,
        watch: bool,
        variation: Option<&Variation>,
    ) -> Result<RunResult, String> {
        let drawn = self.draw(seed, run / self.futures_per_past(), variation)?;
        play(&drawn, seed, run, watch).map_err(|e| e.to_string())
    }

    /// Plays the runs of past `past` that are below `runs`: the past once, then a fork of it for each. A run that
    /// comes to no result leaves the others as they are; a past that comes to none takes all its runs with it.
    pub fn play_past(&self, about: &About, seed: Seed, past: u64, runs: u64) -> Cluster {
        let first = past * self.futures_per_past();
        let of_past = first..(first + self.futures_per_past()).min(runs);
        let mut cluster = Cluster::new(about);
        let begun = isolated(|| {
            let drawn = self.draw(seed, past, None)?;
            let past = Past::play(&drawn, seed, past, false).map_err(|e| e.to_string())?;
            Ok((drawn, past))
        });
        let (drawn, past) = match flat(begun) {
            Ok(begun) => begun,
            Err(message) => {
                of_past.for_each(|run| cluster.add_failure(run, message.clone()));
                return cluster;
            }
        };
        let record = (self.futures_per_past() > 1).then(|| past.record().clone());
        let mut left = Some(past);
        for run in of_past.clone() {
            // The last one needs no copy.
            let fork = if run + 1 == of_past.end { left.take() } else { left.clone() };
            let Some(fork) = fork else { break };
            let future = isolated(|| fork.future(&drawn, run).map_err(|e| e.to_string()));
            match flat(future) {
                Ok(result) => cluster.add(about, result),
                Err(message) => cluster.add_failure(run, message),
            }
        }
        if let Some(record) = record {
            cluster.count_past_once(&record);
        }
        cluster
    }

    fn draw(&self, seed: Seed, past: u64, variation: Option<&Variation>) -> Result<Scenario, String> {
        self.document.draw_varied(Streams::new(seed, past), variation).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
            format!("the inputs drawn for this run are impossible: {}", lines.join("; "))
        })
    }

    /// The command that replays a run, up to and without the run's number.
    pub fn replay_command(&self, seed: Seed) -> String {
        format!("duress replay {} --seed {seed} --run", quoted(&self.path.to_string_lossy()))
    }
}

/// A panic is one more reason why there is no result.
fn flat<T>(outcome: Result<Result<T, String>, Panic>) -> Result<T, String> {
    outcome.unwrap_or_else(|panic| Err(panic.to_string()))
}

/// Reads and checks a scenario. Paths inside it count from its folder.
pub fn scenario(path: &Path) -> Result<Loaded, Stop> {
    let text = read(path).map_err(Stop::error)?;
    not_empty(path, &text)?;
    if is_lab(&text) {
        return Err(Stop::error(format_args!(
            "{} is a lab file; play it with `duress run`, or write the path of a scenario",
            path.display()
        )));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut read_beside = |name: &str| read(&folder.join(name));
    let document = Document::load(&text, &mut read_beside).map_err(|e| match &e.file {
        None => Stop::usage(excerpt(&path.display().to_string(), &text, &e.error)),
        Some(file) => {
            let base = folder.join(file);
            let text = read(&base).unwrap_or_default();
            Stop::usage(excerpt(&base.display().to_string(), &text, &e.error))
        }
    })?;
    match document.check() {
        Ok(typical) => Ok(Loaded { path: path.to_path_buf(), typical, document }),
        Err(problems) => Err(Stop::usage(listed(path, &problems))),
    }
}

fn not_empty(path: &Path, text: &str) -> Result<(), Stop> {
    if text.trim().is_empty() {
        let remedy = "write a scenario or a lab file; `duress schema` lists their fields";
        return Err(Stop::error(format_args!("{} is empty; {remedy}", path.display())));
    }
    Ok(())
}

/// A lab file, if the file at `path` says that it is one.
pub fn lab(path: &Path) -> Result<Option<Lab>, Stop> {
    let text = text(path)?;
    if !is_lab(&text) {
        return Ok(None);
    }
    let lab = Lab::parse(&text);
    let lab = lab.map_err(|e| Stop::usage(excerpt(&path.display().to_string(), &text, &e)))?;
    let problems = lab.problems();
    if problems.is_empty() { Ok(Some(lab)) } else { Err(Stop::usage(listed(path, &problems))) }
}

/// The text of a file.
pub fn text(path: &Path) -> Result<String, Stop> {
    read(path).map_err(Stop::error)
}

/// A profile by its built-in name or from a file.
pub fn profile(name: &str) -> Result<ProfileSpec, Stop> {
    if let Some(text) = profile::builtin(name) {
        return ProfileSpec::parse(text).map_err(|e| Stop::usage(excerpt(name, text, &e)));
    }
    if !name.ends_with(".ron") {
        let built_in: Vec<&str> = profile::BUILT_IN.iter().map(|(name, _)| *name).collect();
        let near = nearest(name, built_in.iter().copied());
        let guess = near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        let built_in = built_in.join(", ");
        return Err(Stop::error(format_args!(
            "there is no profile `{name}`{guess}; write one of {built_in}, or the path of a .ron file"
        )));
    }
    let text = read(Path::new(name)).map_err(Stop::error)?;
    ProfileSpec::parse(&text).map_err(|e| Stop::usage(excerpt(name, &text, &e)))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            format!("there is no file {}; write the path of an existing one", path.display())
        }
        std::io::ErrorKind::InvalidData => {
            format!("{} is not text; write the path of a UTF-8 file", path.display())
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("{} may not be read; change its permissions or write another path", path.display())
        }
        _ => format!("cannot read {}: {e}; write the path of a readable file", path.display()),
    })
}

/// A parse error with its line and a caret under its column.
fn excerpt(file: &str, text: &str, e: &ParseError) -> String {
    const WIDEST: usize = 200;
    let mut message = format!("error: {file}:{}:{}: {}\n", e.line, e.column, e.message);
    let Some(line) = text.lines().nth(e.line.saturating_sub(1)) else { return message };
    if line.chars().count() > WIDEST {
        return message;
    }
    let margin = e.line.to_string().len();
    // Tabs stay tabs, so that the caret stands where the terminal shows the column.
    let before = line.chars().chain(std::iter::repeat(' ')).take(e.column.saturating_sub(1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let _ = writeln!(message, "{:margin$} |\n{} | {line}\n{:margin$} | {indent}^", "", e.line, "");
    message
}

fn listed(path: &Path, problems: &[Problem]) -> String {
    let count = problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    let mut message = format!("error: {}: {count} {noun}\n", path.display());
    for problem in problems {
        let _ = writeln!(message, "  {problem}");
    }
    message
}

/// A word of a shell command.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
