//! `duress batch`: many futures, one judgement.

use super::{VERSION, jobs};
use crate::args;
use crate::error::{Stop, code};
use crate::load::{self, Loaded};
use crate::report::style::Style;
use crate::report::words::count;
use crate::report::{Batch, Format, csv, json, unit};
use crate::{Terminal, files};
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::batch::run_batch;
use sim_core::hist::write_hlog;
use sim_models::metric::Metric;
use sim_models::verdict::{About, BatchStats, Header, Report, Verdict};
use std::ops::ControlFlow;
use std::path::Path;

/// Loads, plays, judges, writes.
pub fn run(args: &args::Batch, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let loaded = load::scenario(&args.scenario)?;
    if args.gate && loaded.typical.objectives.is_empty() {
        return Err(Stop::error(
            "--gate needs objectives and the scenario has none; write `objectives: [...]`",
        ));
    }
    if let Some(folder) = &args.out {
        files::folder(folder)?;
    }
    let stats = play(args, &loaded, terminal)?;
    let header = Header { version: VERSION.into(), replay: loaded.replay_command(args.seed) };
    let report = Report::of(&stats, &header);
    if let Some(folder) = &args.out {
        write(folder, &stats, &report)?;
    }
    let style = Style { colour: terminal.setting.colour };
    args.format.renderer().render(&Batch { report: &report, rows: &stats.rows, style }, terminal.out)?;
    explain(args.format, &report, terminal);
    Ok(exit_code(args.gate, &report))
}

/// Formats without room for it say on the other stream what broke and what is missing.
fn explain(format: Format, report: &Report, terminal: &mut Terminal<'_>) {
    if format == Format::Text {
        return;
    }
    if report.is_partial() {
        let _ = writeln!(terminal.err, "interrupted: {} of {}", report.runs, count(report.runs_asked, "run"));
    }
    for broken in &report.failures {
        let _ = writeln!(terminal.err, "broken run {}: {}\n  {}", broken.run, broken.message, broken.replay);
    }
}

/// Interrupted comes before broken, broken before the gate: the first says most about what is missing.
fn exit_code(gate: bool, report: &Report) -> u8 {
    if report.is_partial() {
        return code::INTERRUPTED;
    }
    if report.failed_runs > 0 {
        return code::BROKEN;
    }
    if gate && report.verdict != Some(Verdict::Pass) { code::GATE } else { code::DONE }
}

fn play(args: &args::Batch, loaded: &Loaded, terminal: &mut Terminal<'_>) -> Result<BatchStats, Stop> {
    let about = About::of(&loaded.typical);
    let mut stats = BatchStats::new(about.clone(), args.seed, args.runs);
    let bar = progress(args, terminal);
    let interrupt = &terminal.setting.interrupt;
    interrupt.heed();
    run_batch(
        0..args.runs.div_ceil(loaded.futures_per_past()),
        jobs(args.jobs),
        interrupt.flag(),
        |past| loaded.play_past(&about, args.seed, past, args.runs),
        |_, cluster| {
            stats.fold_cluster(cluster.expect("what a run breaks is isolated where it is played"));
            advance(&bar, &stats);
            ControlFlow::Continue(())
        },
    )
    .map_err(|e| Stop::error(format_args!("{e}; write a smaller --jobs")))?;
    bar.finish_and_clear();
    Ok(stats)
}

fn progress(args: &args::Batch, terminal: &Terminal<'_>) -> ProgressBar {
    if args.quiet || !terminal.setting.progress {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len} runs, {eta} left{msg}";
    let style = ProgressStyle::with_template(template).expect("a template of known keys");
    ProgressBar::new(args.runs).with_style(style)
}

fn advance(bar: &ProgressBar, stats: &BatchStats) {
    bar.set_position(stats.played());
    if bar.is_hidden() {
        return;
    }
    if let Some(p99) = stats.running_write_p99() {
        let metric = Metric::WriteLatency;
        bar.set_message(format!(", write P99 {}", unit::value(metric.unit(), metric, p99)));
    }
}

fn write(folder: &Path, stats: &BatchStats, report: &Report) -> Result<(), Stop> {
    files::write(&folder.join("summary.json"), |out| json::object(report, out))?;
    files::write(&folder.join("runs.csv"), |out| csv::table(&stats.rows, out))?;
    for ((metric, side, phase), histogram) in stats.pooled() {
        let name = format!("{metric}.{side}.{phase}");
        files::write(&folder.join(format!("{name}.hlog")), |mut out| {
            write_hlog(&mut out, [(name.as_str(), histogram)])
        })?;
    }
    Ok(())
}
