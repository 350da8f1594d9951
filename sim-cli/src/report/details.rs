//! What stands behind the first screen.

use super::style::Style;
use super::table::{Align, Table};
use super::unit;
use super::words::{count, label, words};
use sim_models::metric::Unit;
use sim_models::verdict::{MatrixRow, MetricLine, Report};
use std::io::{self, Write};

const MATRIX: [Align; 6] = [Align::Left; 6];
const METRICS: [Align; 10] = [
    Align::Left,
    Align::Left,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Right,
    Align::Left,
];

/// Writes every section.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    beside(report, style, out)?;
    worst(report, style, out)?;
    metrics(&report.metrics, style, out)?;
    honesty(report, style, out)
}

fn section(title: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{}", style.bold(title))
}

fn beside(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    section("Behind the matrix (95 % intervals, the run is the unit)", style, out)?;
    let mut table = Table::default();
    table.row(["", "", "before", "after", "under duress", "phase"]);
    for row in &report.matrix {
        beside_row(row, &mut table);
    }
    table.write(&MATRIX, out)?;
    for row in &report.matrix {
        let cells = [("before", &row.before), ("after", &row.after), ("under duress", &row.duress)];
        for (group, why) in cells.into_iter().filter_map(|(g, e)| Some((g, e.why.as_ref()?))) {
            writeln!(out, "  {} {group}: {why}", label(row.metric, row.statistic))?;
        }
    }
    Ok(())
}

fn beside_row(row: &MatrixRow, table: &mut Table) {
    let mut dimension = row.dimension.name();
    for b in &row.beside {
        let [before, after, duress] =
            [&b.before, &b.after, &b.duress].map(|e| unit::estimate(b.unit, b.metric, e));
        let phase = b.duress.phase.map_or("", |p| p.name());
        table.row([dimension, &label(b.metric, b.statistic), &before, &after, &duress, phase]);
        dimension = "";
    }
}

fn worst(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if report.worst.len() < 2 {
        return Ok(());
    }
    section("Worst runs", style, out)?;
    let mut table = Table::default();
    for w in &report.worst {
        table.row([
            w.column.clone(),
            unit::value(w.unit, sim_models::metric::Metric::WorstIo, w.value),
            w.replay.clone(),
        ]);
    }
    table.write(&[Align::Left, Align::Right, Align::Left], out)
}

/// One line per metric, side and phase.
pub fn metrics(lines: &[MetricLine], style: Style, out: &mut dyn Write) -> io::Result<()> {
    // Few runs have no interval anywhere: one line says so, not a column.
    let intervals = lines.iter().any(|m| m.p99_interval.is_some());
    section("All metrics", style, out)?;
    let most = lines.iter().rev().max_by_key(|m| m.runs).filter(|_| !intervals);
    if let Some(why) = most.and_then(|m| m.p99_interval_why.as_ref()) {
        writeln!(out, "no intervals: {why}")?;
    }
    let mut table = Table::default();
    let last = if intervals { "P99 95 % interval" } else { "" };
    table.row(["metric", "side, phase", "samples", "mean", "P50", "P95", "P99", "P99.9", "max", last]);
    let (nothing, seen): (Vec<&MetricLine>, Vec<&MetricLine>) = lines.iter().partition(|m| m.max == 0);
    for m in seen {
        let phase = m.phase.map_or_else(|| format!("{}, per run", m.side), |p| format!("{}, {p}", m.side));
        let show = |v| unit::value(m.unit, m.metric, v);
        let scale = unit::Scale::of(m.unit, m.metric, m.p99);
        let why = || m.p99_interval_why.clone().unwrap_or_default();
        let interval = match m.p99_interval {
            None if !intervals => String::new(),
            Some(_) if m.is_constant() => "constant".to_string(),
            Some(_) => unit::interval(scale, m.p99_interval, m.p99_interval_open).trim().to_string(),
            None => why(),
        };
        table.row([
            words(m.metric),
            phase,
            m.count.to_string(),
            show(m.mean),
            show(m.p50),
            show(m.p95),
            show(m.p99),
            show(m.p999),
            show(m.max),
            interval,
        ]);
    }
    table.write(&METRICS, out)?;
    unseen(&nothing, lines, out)
}

/// What was 0 in every sample, in a few lines instead of a row each; `all` says what of a metric was not.
fn unseen(nothing: &[&MetricLine], all: &[MetricLine], out: &mut dyn Write) -> io::Result<()> {
    let mut told: Vec<String> = Vec::new();
    for of_one in nothing.chunk_by(|a, b| a.metric == b.metric) {
        let metric = of_one[0].metric;
        if all.iter().all(|m| m.metric != metric || m.max == 0) {
            told.push(words(metric));
            continue;
        }
        for same in of_one.chunk_by(|a, b| a.side == b.side) {
            let side = same[0].side;
            let elsewhere = all.iter().any(|m| (m.metric, m.side) == (metric, side) && m.max > 0);
            let phases: Vec<&str> = same.iter().filter_map(|m| Some(m.phase?.name())).collect();
            let within = if elsewhere { format!(" in {}", phases.join(" and ")) } else { String::new() };
            told.push(format!("{} of the {side}{within}", words(metric)));
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    super::text::title("not seen, 0 in every sample", &told.join(", "), Style::default(), out)
}

fn honesty(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let h = &report.honesty;
    section("How far this carries", style, out)?;
    let (played, broken) = (report.runs, report.failed_runs);
    writeln!(out, "{played} of {} played, {broken} broken", count(report.runs_asked, "run"))?;
    if report.futures_per_past > 1 {
        let (futures, pasts) = (report.futures_per_past, report.pasts);
        writeln!(out, "{futures} runs share a past, and the {pasts} pasts are the units of every interval")?;
    }
    let ratio = sim_models::metric::Metric::IoCompleted;
    for s in &h.seen {
        let time = unit::value(Unit::Ns, ratio, s.time_per_run);
        let seen = unit::value(Unit::Ppm, ratio, s.seen);
        writeln!(out, "{}: {time} per run, {seen} of it seen request by request", s.phase)?;
    }
    for e in &h.evidence {
        writeln!(
            out,
            "{} {} in {}: {} samples are worth {:.1} independent ones beyond it (design effect {:.1})",
            words(e.metric),
            e.statistic.name().to_uppercase(),
            e.phase,
            e.samples,
            e.effective_exceedances,
            e.design_effect
        )?;
    }
    if let Some(top) = &h.top_runs {
        let share = unit::value(Unit::Ppm, ratio, top.share);
        let which: Vec<String> = top.which.iter().map(u64::to_string).collect();
        writeln!(
            out,
            "the worst hundredth of the runs ({}: run {}) carries {share} of all waiting for writes",
            top.runs,
            which.join(", ")
        )?;
    }
    writeln!(out, "samples above the bounds of their histogram: {}", h.overflow_samples)?;
    writeln!(out, "not modelled:")?;
    for what in h.not_modelled {
        writeln!(out, "  - {what}")?;
    }
    Ok(())
}
