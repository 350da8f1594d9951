//! One screen for people: question, verdict, matrix, worst run. Objectives and details come after.

use super::style::Style;
use super::words::{count, label};
use super::{Batch, Render, details, plot, unit};
use sim_models::metric::{Metric, Phase, Unit};
use sim_models::verdict::{Estimate, Judged, Report, Verdict, Worst};
use std::io::{self, Write};

/// The format.
pub struct Text;

impl Render for Text {
    fn render(&self, batch: &Batch<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Batch { report, style, .. } = *batch;
        headline(report, style, out)?;
        matrix(report, style, out)?;
        worst(report, style, out)?;
        objectives(report, style, out)?;
        for metric in [Metric::Pause, Metric::WriteLatency] {
            plot::draw(report, metric, out)?;
        }
        details::write(report, style, out)?;
        // On a terminal the first screen has scrolled away by now.
        writeln!(out, "\n{}: {}", style.bold(&report.scenario), summary(report, style))
    }
}

fn headline(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    title(&report.scenario, &report.question, style, out)?;
    let runs = if report.is_partial() {
        format!("INTERRUPTED: {} of {}", report.runs, count(report.runs_asked, "run"))
    } else {
        count(report.runs, "run")
    };
    let runs = match report.futures_per_past {
        1 => runs,
        futures => format!("{runs} of {} ({futures} futures each)", count(report.pasts, "past")),
    };
    let broken =
        if report.failed_runs > 0 { format!(", {} BROKEN", report.failed_runs) } else { String::new() };
    writeln!(
        out,
        "{runs}{broken}, seed {}, digest {}, duress {}",
        report.seed, report.digest, report.version
    )?;
    writeln!(out, "{}", summary(report, style))?;
    writeln!(out)
}

/// Columns that a line of the first screen may take.
pub const SCREEN: usize = 100;

/// Name and question, broken between words at the width of the screen.
pub fn title(name: &str, question: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}", style.bold(name))?;
    let mut column = name.chars().count();
    for (at, word) in question.split_whitespace().enumerate() {
        let lead = if at == 0 { ": " } else { " " };
        let width = word.chars().count();
        if column + lead.len() + width > SCREEN {
            write!(out, "{}\n  {word}", lead.trim_end())?;
            column = 2 + width;
        } else {
            write!(out, "{lead}{word}")?;
            column += lead.len() + width;
        }
    }
    writeln!(out)
}

/// The verdict in one line.
fn summary(report: &Report, style: Style) -> String {
    let Some(verdict) = report.verdict else {
        return "no objectives: numbers only, no verdict".into();
    };
    let having = |v: Verdict| report.objectives.iter().filter(|o| o.verdict == v).count();
    let (pass, all) = (having(Verdict::Pass), report.objectives.len());
    let word = style.verdict(verdict);
    match verdict {
        Verdict::Pass if all == 1 => format!("{word}: the objective holds"),
        Verdict::Pass => format!("{word}: all {all} objectives hold"),
        Verdict::Fail => {
            let open = having(Verdict::Undecided);
            let open = if open > 0 { format!(", {open} undecided") } else { String::new() };
            let broken = report.objectives.iter().filter(|o| o.verdict == Verdict::Fail);
            let names: Vec<&str> = broken.map(|o| o.name.as_str()).collect();
            let line = match all {
                1 => ": the objective is broken".to_string(),
                _ => format!(": {} of {all} objectives broken{open}", names.len()),
            };
            format!("{word}{line}{}", named(&names, SCREEN - "FAIL".len() - line.chars().count()))
        }
        Verdict::Undecided if all == 1 => format!("{word}: the objective needs more evidence"),
        Verdict::Undecided => {
            format!("{word}: {pass} of {all} objectives hold, the others need more evidence")
        }
    }
}

/// ` (one; two)`, or as many names as there is room for; nothing where not even one fits.
fn named(names: &[&str], room: usize) -> String {
    let shown = |n: usize| {
        let more = if n < names.len() { "; ..." } else { "" };
        format!(" ({}{more})", names[..n].join("; "))
    };
    (1..=names.len()).rev().map(shown).find(|s| s.chars().count() <= room).unwrap_or_default()
}

/// Widths: name, and each of the three numbers.
const NAME: usize = 22;
const CELL: usize = 23;

fn matrix(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let head = format!("{:NAME$}{:CELL$}{:CELL$}{:CELL$}verdict", "", "before", "after", "under duress");
    writeln!(out, "{}", style.bold(&head))?;
    for row in &report.matrix {
        let phase = row.duress.phase.map_or("", Phase::name);
        let verdict = row.verdict.map_or_else(|| "-".into(), |v| style.verdict(v));
        writeln!(out, "{:w$}{phase:CELL$}{verdict}", row.dimension.name(), w = NAME + 2 * CELL)?;
        let name = label(row.metric, row.statistic);
        numbers(&name, [&row.before, &row.after, &row.duress], (row.unit, row.metric), out)?;
        // The move across clusters is what a reader looks for next to the live migrations.
        for b in row.beside.iter().filter(|b| b.metric == Metric::CutoverOutage) {
            numbers(
                &label(b.metric, b.statistic),
                [&b.before, &b.after, &b.duress],
                (b.unit, b.metric),
                out,
            )?;
        }
    }
    if report.matrix.iter().any(|row| has_open_end([&row.before, &row.after, &row.duress])) {
        writeln!(
            out,
            "{}",
            style.dim("  [a, >b]: the runs set no upper bound; b is the largest sample seen")
        )?;
    }
    writeln!(out)
}

fn has_open_end(cells: [&Estimate; 3]) -> bool {
    cells.iter().any(|e| e.interval_open)
}

fn numbers(
    name: &str,
    cells: [&Estimate; 3],
    (unit, metric): (Unit, Metric),
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = format!("  {name:w$}", w = NAME - 2);
    for cell in cells {
        // A wide cell pushes the next one, but never touches it.
        let shown = unit::estimate(unit, metric, cell);
        line.push_str(&format!("{shown:w$} ", w = CELL - 1));
    }
    writeln!(out, "{}", line.trim_end())
}

fn objectives(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if !report.objectives.is_empty() {
        writeln!(out)?;
    }
    report.objectives.iter().try_for_each(|o| objective(o, style, out))
}

fn objective(o: &Judged, style: Style, out: &mut dyn Write) -> io::Result<()> {
    const INDENT: usize = 11;
    // A share of runs is a percentage, whatever the metric.
    let metric = if o.claim.starts_with("prob") { Metric::IoCompleted } else { o.metric };
    let scale = unit::Scale::of(o.unit, metric, o.value.unwrap_or(o.limit));
    let value = o.value.map_or_else(
        || "no samples".into(),
        |v| format!("{}{}", scale.with_unit(v), unit::interval(scale, o.interval, o.interval_open)),
    );
    let phase = o.phase.map(|p| format!(" in {p}")).unwrap_or_default();
    let limit = unit::value(o.unit, metric, o.limit);
    let claim = format!("{}: {value}{phase}, limit {limit}", o.name);
    let why = o.why.as_ref().filter(|_| o.value.is_some()).map(|w| format!("({w})")).unwrap_or_default();
    let together = INDENT + claim.chars().count() + 1 + why.chars().count() <= SCREEN;
    let between = if together { " ".into() } else { format!("\n{:INDENT$}", "") };
    let between = if why.is_empty() { "" } else { &between };
    let pad = " ".repeat(INDENT - o.verdict.name().len());
    writeln!(out, "{}{pad}{claim}{between}{why}", style.verdict(o.verdict))
}

fn worst(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(Worst { column, unit, value, run, replay }) = report.worst.first() {
        // Columns are named `metric.statistic.group` or `metric.side`; all that are searched are in time or share.
        let shown = unit::value(*unit, Metric::WorstIo, *value);
        writeln!(out, "worst run {run}: {column} {shown}")?;
        writeln!(out, "  {}", style.bold(replay))?;
    }
    broken(report, style, out)
}

/// The first few; all of them are in the JSON.
fn broken(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    const SHOWN: usize = 3;
    for broken in report.failures.iter().take(SHOWN) {
        writeln!(out, "broken run {}: {}", broken.run, broken.message)?;
        writeln!(out, "  {}", style.bold(&broken.replay))?;
    }
    let more: Vec<String> = report.failures.iter().skip(SHOWN).map(|b| b.run.to_string()).collect();
    if more.is_empty() { Ok(()) } else { writeln!(out, "broken as well: runs {}", more.join(", ")) }
}
