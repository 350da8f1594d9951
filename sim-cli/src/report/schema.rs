//! Every key of the JSON reports, in one table; a test holds the reports to it.

use super::table::{Align, Table};
use std::io::{self, Write};

/// Path of a key, its type, and what it means.
pub type Key = (&'static str, &'static str, &'static str);

/// What three places of the matrix have in common.
const ESTIMATE: &[Key] = &[
    ("value", "integer|null", "the number in the unit beside it; null without samples"),
    ("beyond", "boolean", "the samples pass the bound of the histogram, which is then the value"),
    ("interval", "[low, high]|null", "95 %, the run is the sampling unit, or the past where runs share one"),
    ("interval_open", "boolean", "the runs set no upper bound; high is the largest sample seen"),
    ("why", "string|null", "why there is no value or no interval"),
    ("phase", "string|null", "phase of the samples"),
    ("runs", "integer", "runs that hold samples"),
    ("samples", "integer", "samples, unweighted"),
];

/// The object of `batch --format json` and of `summary.json`.
pub const BATCH: &[Key] = &[
    ("scenario", "string", "name of the scenario"),
    ("question", "string", "the question it answers"),
    ("version", "string", "version of the program"),
    ("seed", "hex string", "seed of the batch"),
    ("runs", "integer", "runs played, broken ones included"),
    ("runs_asked", "integer", "runs asked for; more than `runs` after an interrupt"),
    ("failed_runs", "integer", "runs that broke"),
    ("futures_per_past", "integer", "runs that share all that happens before a fault can strike"),
    ("pasts", "integer", "pasts with a finished run: the units of every interval"),
    ("digest", "hex string", "over the digests of all runs, in run order"),
    ("verdict", "pass|fail|undecided|null", "the worst of all objectives; null without any"),
    ("matrix[]", "object", "the five rows of the risk matrix"),
    ("matrix[].dimension", "string", "which risk"),
    ("matrix[].metric", "string", "the headline metric"),
    ("matrix[].statistic", "string", "what is shown of it"),
    ("matrix[].unit", "ns|ppm|count|bytes", "unit of the three numbers"),
    ("matrix[].before", "estimate", "on the source, nothing broken"),
    ("matrix[].after", "estimate", "on the target, nothing broken"),
    ("matrix[].duress", "estimate", "on the target, in the worst phase in which something is broken"),
    ("matrix[].verdict", "pass|fail|undecided|null", "the worst objective on this dimension"),
    ("matrix[].beside[]", "object", "numbers that explain the headline"),
    ("matrix[].beside[].metric", "string", "what is measured"),
    ("matrix[].beside[].statistic", "string", "what is shown of it"),
    ("matrix[].beside[].unit", "ns|ppm|count|bytes", "unit of the three numbers"),
    ("matrix[].beside[].before", "estimate", "as above"),
    ("matrix[].beside[].after", "estimate", "as above; for a move across clusters: nothing broken"),
    (
        "matrix[].beside[].duress",
        "estimate",
        "as above, in the phase of the headline if it has samples there",
    ),
    ("objectives[]", "object", "what must hold, and whether it does"),
    ("objectives[].name", "string", "as the scenario names it"),
    (
        "objectives[].verdict",
        "pass|fail|undecided",
        "by the interval: wholly within the limit, wholly beyond, or neither",
    ),
    ("objectives[].value", "integer|null", "the quantile, or the share of runs in ppm"),
    ("objectives[].interval", "[low, high]|null", "95 %"),
    ("objectives[].interval_open", "boolean", "the runs set no upper bound; high is the largest sample seen"),
    ("objectives[].limit", "integer", "what must not be exceeded"),
    ("objectives[].unit", "ns|ppm|count|bytes", "unit of value, interval and limit"),
    ("objectives[].claim", "string", "what is claimed, thresholds in base units"),
    ("objectives[].metric", "string", "what is measured"),
    ("objectives[].side", "source|target", "on which side"),
    ("objectives[].phase", "string|null", "phase it was judged in; null: any, or a number per run"),
    ("objectives[].runs", "integer", "runs it rests on"),
    ("objectives[].why", "string|null", "why it is undecided"),
    ("replay", "string|null", "the command that replays the first of the worst runs"),
    ("worst[]", "object", "the worst run of each headline metric"),
    ("worst[].column", "string", "column of runs.csv"),
    ("worst[].unit", "ns|ppm|count|bytes", "unit of the value"),
    ("worst[].value", "integer", "the run's value"),
    ("worst[].run", "integer", "the run"),
    ("worst[].replay", "string", "the command that replays it"),
    ("metrics[]", "object", "every metric that has samples, by side and phase"),
    ("metrics[].metric", "string", "what is measured"),
    ("metrics[].side", "source|target", "on which side"),
    ("metrics[].phase", "string|null", "in which phase; null: one number per run, quantiles over runs"),
    ("metrics[].unit", "ns|ppm|count|bytes", "unit of all values"),
    ("metrics[].count", "integer", "samples"),
    ("metrics[].weighted_count", "integer", "what they stand for; all statistics are weighted"),
    ("metrics[].overflow", "integer", "samples above the bounds of the histogram"),
    ("metrics[].mean", "integer", "mean"),
    ("metrics[].p50", "integer", "median"),
    ("metrics[].p95", "integer", "95th percentile"),
    ("metrics[].p99", "integer", "99th percentile"),
    ("metrics[].p999", "integer", "99.9th percentile"),
    ("metrics[].max", "integer", "largest sample, exactly"),
    ("metrics[].p99_interval", "[low, high]|null", "95 %, the run is the sampling unit"),
    (
        "metrics[].p99_interval_open",
        "boolean",
        "the runs set no upper bound; high is the largest sample seen",
    ),
    ("metrics[].p99_interval_why", "string|null", "why there is no interval"),
    ("metrics[].runs", "integer", "runs that hold samples"),
    ("failures[]", "object", "runs that broke"),
    ("failures[].run", "integer", "the run"),
    ("failures[].seed", "hex string", "seed of its batch"),
    ("failures[].message", "string", "what it said"),
    ("failures[].replay", "string", "the command that replays it"),
    ("honesty", "object", "how far the numbers carry"),
    ("honesty.seen[]", "object", "simulated time by phase"),
    ("honesty.seen[].side", "source|target", "whose phase"),
    ("honesty.seen[].phase", "string", "which"),
    ("honesty.seen[].time_per_run", "integer", "mean length per run, ns"),
    ("honesty.seen[].seen", "integer", "share simulated request by request, ppm"),
    ("honesty.evidence[]", "object", "what the tail quantiles of the matrix rest on"),
    ("honesty.evidence[].metric", "string", "of what"),
    ("honesty.evidence[].statistic", "string", "which quantile"),
    ("honesty.evidence[].group", "before|after|duress", "which column"),
    ("honesty.evidence[].phase", "string", "phase of the samples"),
    ("honesty.evidence[].samples", "integer", "samples, unweighted"),
    ("honesty.evidence[].design_effect", "number", "variance against as many independent samples"),
    (
        "honesty.evidence[].effective_exceedances",
        "number",
        "independent samples beyond the quantile that it is worth",
    ),
    ("honesty.top_runs", "object|null", "what the worst hundredth of the runs carries"),
    ("honesty.top_runs.runs", "integer", "how many runs that is"),
    ("honesty.top_runs.share", "integer", "their share of all waiting for writes on the target, ppm"),
    ("honesty.top_runs.which[]", "integer", "which they are, at most ten"),
    ("honesty.overflow_samples", "integer", "samples above the bounds, all metrics"),
    ("honesty.not_modelled[]", "string", "what no run contains"),
    ("curves[]", "object", "pause and write latency as percentile plots"),
    ("curves[].metric", "string", "of what"),
    ("curves[].group", "before|after|duress", "which column"),
    ("curves[].phase", "string", "phase of the samples"),
    ("curves[].points[]", "object", "from the median outwards"),
    ("curves[].points[].at", "integer", "share of samples at or below, ppm"),
    ("curves[].points[].value", "integer", "in the metric's unit"),
];

/// The object of `run` and `replay --format json`.
pub const ONE_RUN: &[Key] = &[
    ("scenario", "string", "name of the scenario"),
    ("version", "string", "version of the program"),
    ("seed", "hex string", "seed of the batch"),
    ("run", "integer", "number of the run in its batch"),
    ("digest", "hex string", "over everything that happened"),
    ("row", "object", "the run's line of runs.csv, by column; null: the run has no such fact"),
    ("replay", "string", "the command that replays it"),
    ("story[]", "object", "run only: what happened"),
    ("story[].act", "string", "`before`, `after` or `duress`"),
    ("story[].at", "integer", "when, in its act, ns"),
    ("story[].phase", "string", "the phase that this instant leaves the act in"),
    ("story[].what", "string", "what"),
    ("metrics[]", "object", "run only: as in a batch"),
    ("entities", "object", "run --digests only: digest by entity name"),
];

/// Prints all of it.
pub fn write(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "JSON of `batch --format json` and of summary.json: one object.")?;
    writeln!(out, "Times are integer nanoseconds, shares are parts per million, sizes are bytes.\n")?;
    keys(BATCH, out)?;
    writeln!(out, "\nAn estimate is an object:\n")?;
    keys(ESTIMATE, out)?;
    writeln!(out, "\nJSON of `run` and `replay --format json`: one object.\n")?;
    keys(ONE_RUN, out)
}

fn keys(keys: &[Key], out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::default();
    for (path, kind, meaning) in keys {
        table.row([*path, *kind, *meaning]);
    }
    table.write(&[Align::Left; 3], out)
}
