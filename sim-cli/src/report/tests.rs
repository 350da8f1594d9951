//! Reports of a batch that is made up, so that every number on the page can be derived.

use super::schema::{BATCH, Key};
use super::style::Style;
use super::{Batch, Format};
use serde_json::Value;
use sim_core::digest::Digest;
use sim_core::{Seed, SimTime};
use sim_models::ids::Side;
use sim_models::metric::{Metric, Phase};
use sim_models::record::{Condition, Record};
use sim_models::run::RunResult;
use sim_models::scenario::{Claim, Objective};
use sim_models::verdict::{About, BatchStats, Header, Range, Report, metric_lines_of};

const MS: u64 = 1_000_000;

/// Latencies 1 to 2 ms before, 2 to 4 ms after, 10 to 20 ms while something is broken; every run alike.
fn one(run: u64) -> RunResult {
    let mut record = Record::default();
    record.begin_act(Phase::SourceSteady);
    samples(&mut record, Side::Source, MS);
    record.end_act(SimTime(10 * MS));
    record.begin_act(Phase::TargetSteady);
    samples(&mut record, Side::Target, 2 * MS);
    record.set_seen(SimTime(5 * MS), true);
    record.enter(SimTime(10 * MS), Condition::Degraded);
    samples(&mut record, Side::Target, 10 * MS);
    record.per_run_max(Metric::WorstIo, Side::Target, 5_000 * MS + run);
    record.end_act(SimTime(20 * MS));
    let mut digest = Digest::default();
    digest.add(run);
    RunResult { run, digest, macro_digest: digest, record, events: 10, requests: 5, entities: Vec::new() }
}

fn samples(record: &mut Record, side: Side, from: u64) {
    for i in 0..100 {
        record.sample(Metric::WriteLatency, side, record.stamp(), from + i * from / 100, 3);
        record.sample(Metric::CpuReady, side, record.stamp(), from / 100, 1);
        record.sample(Metric::Pause, side, record.stamp(), 20 * from, 1);
    }
}

fn batch(played: u64, asked: u64) -> BatchStats {
    let (metric, side, phase) = (Metric::WriteLatency, Side::Target, None);
    let claim = |limit| Claim::Quantile { metric, side, phase, quantile: 0.99, limit };
    let objectives = vec![
        Objective { name: "writes under duress".into(), claim: claim(25 * MS) },
        Objective { name: "writes, strictly".into(), claim: claim(15 * MS) },
    ];
    let about = About {
        scenario: "made-up".into(),
        question: "Does it hold?".into(),
        objectives,
        futures_per_past: 1,
    };
    let mut stats = BatchStats::new(about, Seed(7), asked);
    (0..played).for_each(|run| stats.fold(&one(run)));
    stats
}

fn rendered(stats: &BatchStats, format: Format, colour: bool) -> String {
    let header = Header { version: "0.1.0".into(), replay: "duress replay x.ron --seed 0x7 --run".into() };
    let report = Report::of(stats, &header);
    let mut out = Vec::new();
    let batch = Batch { report: &report, rows: &stats.rows, style: Style { colour } };
    format.renderer().render(&batch, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// P99 over 1, 1.01, ... 1.99 ms is the 99th of a hundred values, 1.98 ms, and all runs are alike; the next
/// value is 1.99. %RDY is a hundredth of the ns, in ppm: 10 000 ppm = 1 %. The worst I/O is 5 s in every run.
#[test]
fn the_first_screen_is_this() {
    let text = rendered(&batch(40, 40), Format::Text, false);
    let screen: Vec<&str> = text.lines().take_while(|l| !l.contains("by percentile")).collect();
    let digest = batch(40, 40).digest;
    let expected = format!(
        "\
made-up: Does it hold?
40 runs, seed 0x7, digest {digest}, duress 0.1.0
FAIL: 1 of 2 objectives broken (writes, strictly)

{SCREEN}"
    );
    assert_eq!(screen.join("\n"), expected);
    assert!(screen.iter().all(|l| l.chars().count() <= 100), "100 columns");
}

const SCREEN: &str =
    "                      before                 after                  under duress           verdict
scheduler logic                                                     degraded               -
  %RDY P95            1.00 % [1.00, 1.00]    2.00 % [2.00, 2.00]    10.0 % [10.0, 10.0]
storage path                                                        degraded               FAIL
  write latency P99   1.98 ms [1.98, 1.98]   3.96 ms [3.96, 3.96]   19.8 ms [19.8, 19.8]
NUMA topology                                                                              -
  remote memory P95   -                      -                      -
network fabric                                                      degraded               -
  migration pause P99 20.0 ms [20.0, 20.0]   40.0 ms [40.0, 40.0]   200 ms [200, 200]
failure behaviour                                                                          -
  worst I/O, median   1.99 ms [1.99, 1.99]   3.98 ms [3.98, 3.98]   5.00 s [5.00, 5.00]

worst run 39: worst_io.target 5.00 s
  duress replay x.ron --seed 0x7 --run 39

pass       writes under duress: 19.8 ms [19.8, 19.8] in degraded, limit 25.0 ms
FAIL       writes, strictly: 19.8 ms [19.8, 19.8] in degraded, limit 15.0 ms
";

#[test]
fn colour_changes_nothing_but_escapes() {
    let stats = batch(40, 40);
    let plain = rendered(&stats, Format::Text, false);
    let coloured = rendered(&stats, Format::Text, true);
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b[1;31mFAIL\x1b[0m"));
    let mut bare = String::new();
    for (i, part) in coloured.split('\x1b').enumerate() {
        bare.push_str(if i == 0 { part } else { &part[part.find('m').unwrap() + 1..] });
    }
    assert_eq!(bare, plain);
}

#[test]
fn an_interrupted_batch_says_so() {
    let stats = batch(3, 40);
    let text = rendered(&stats, Format::Text, false);
    assert!(text.contains("INTERRUPTED: 3 of 40 runs"), "{text}");
    assert!(text.contains("(3 runs with samples, at least 30 needed)"), "{text}");
    assert!(text.contains("19.8 ms (3 runs)"), "a number has its interval or why not: {text}");
    let json: Value = serde_json::from_str(&rendered(&stats, Format::Json, false)).unwrap();
    assert_eq!((&json["runs"], &json["runs_asked"]), (&3.into(), &40.into()));
    assert_eq!(json["objectives"][0]["verdict"], "undecided");
    assert_eq!(json["matrix"][1]["duress"]["interval"], Value::Null);
    let nothing = rendered(&batch(0, 40), Format::Text, false);
    assert!(nothing.contains("INTERRUPTED: 0 of 40 runs"), "{nothing}");
}

#[test]
fn the_json_is_what_the_schema_says() {
    let mut stats = batch(40, 41);
    stats.fold_failure(40, "it broke".into());
    let json: Value = serde_json::from_str(&rendered(&stats, Format::Json, false)).unwrap();
    let mut seen = Vec::new();
    paths("", &json, &mut seen);
    let documented: Vec<&str> = BATCH.iter().map(|(path, ..): &Key| *path).collect();
    for path in &seen {
        assert!(documented.contains(&path.as_str()), "{path} is not in the schema");
    }
    for path in documented {
        assert!(seen.iter().any(|s| s == path), "{path} is in the schema alone");
    }
    assert_eq!((&json["seed"], &json["failed_runs"]), (&"0x7".into(), &1.into()));
    assert_eq!(json["matrix"].as_array().unwrap().len(), 5);
    let line = json["metrics"].as_array().unwrap().iter().find(|m| m["phase"] == "degraded").unwrap();
    assert_eq!((&line["count"], &line["runs"]), (&4_000.into(), &40.into()));
}

/// Paths of all keys; an estimate is documented once, so what is inside one is left out.
fn paths(at: &str, value: &Value, seen: &mut Vec<String>) {
    let mut add = |path: &str| {
        if !path.is_empty() && !seen.iter().any(|s| s == path) {
            seen.push(path.to_string());
        }
    };
    match value {
        Value::Object(map) if map.contains_key("interval_open") && map.contains_key("samples") => add(at),
        Value::Object(map) => {
            add(at);
            for (key, inner) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                paths(&path, inner, seen);
            }
        }
        Value::Array(all) if !at.ends_with("interval") => {
            all.iter().for_each(|inner| paths(&format!("{at}[]"), inner, seen));
        }
        _ => add(at),
    }
}

#[test]
fn a_table_has_one_line_per_run_and_equal_columns() {
    let csv = rendered(&batch(5, 5), Format::Csv, false);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 6);
    let commas = |line: &str| line.matches(',').count();
    assert!(lines.iter().all(|line| commas(line) == commas(lines[0])));
    assert!(lines[0].starts_with("run,digest,macro_digest,events,requests,"));
    assert!(lines[4].starts_with(&format!("3,{},", one(3).digest)));
}

#[test]
fn the_plot_shows_three_separate_curves() {
    let text = rendered(&batch(40, 40), Format::Text, false);
    let plot: Vec<&str> =
        text.lines().skip_while(|l| !l.starts_with("write latency by percentile")).take(12).collect();
    assert_eq!(
        plot[0],
        "write latency by percentile: b source_steady, a target_steady, d degraded, * several"
    );
    let rows_of = |mark: char| {
        let has = |l: &&str| l.split_once('|').is_some_and(|(_, cells)| cells.contains(mark));
        plot[1..].iter().enumerate().filter(|(_, l)| has(l)).map(|(i, _)| i).collect::<Vec<_>>()
    };
    // Duress is ten times before and stands above it; after is twice before and lies between.
    assert!(rows_of('d').iter().max() < rows_of('a').iter().min(), "{plot:#?}");
    assert!(rows_of('a').iter().min() < rows_of('b').iter().min(), "{plot:#?}");
}

/// Three metrics: pauses of two sizes, rounds that are 4 whenever counted, and co-stop that only the source has,
/// and that in one phase.
#[test]
fn rows_of_zeros_are_folded_and_constant_ones_say_so() {
    let line = |metric, side, phase, max: u64, mean: u64| {
        let mut record = Record::default();
        record.begin_act(phase);
        record.sample(metric, side, record.stamp(), 0, 1);
        let mut line = metric_lines_of(&record).remove(0);
        (line.max, line.p50, line.mean) = (max, max, mean);
        line.p99_interval = Some(Range(max, max));
        line.p99_interval_open = true;
        line
    };
    let (source, target) = (Side::Source, Side::Target);
    let lines = [
        line(Metric::CoStop, source, Phase::SourceSteady, 300, 200),
        line(Metric::CoStop, source, Phase::Migrating, 0, 0),
        line(Metric::CoStop, target, Phase::TargetSteady, 0, 0),
        line(Metric::Rounds, target, Phase::TargetSteady, 4, 4),
        line(Metric::Freeze, source, Phase::SourceSteady, 0, 0),
        line(Metric::Freeze, target, Phase::TargetSteady, 0, 0),
    ];
    let mut out = Vec::new();
    super::details::metrics(&lines, Style::default(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows: Vec<&str> =
        text.lines().filter(|l| l.contains("_steady ") || l.contains("migrating ")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].ends_with("[0.030, >0.030]") && rows[1].ends_with("constant"), "{text}");
    let told = "not seen, 0 in every sample: %CSTP of the source in migrating, %CSTP of the target, freeze\n";
    assert!(text.ends_with(told), "{text}");
}
