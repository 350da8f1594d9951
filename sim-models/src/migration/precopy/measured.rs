//! The model against real migrations of QEMU 10.0.2.

use super::*;
use crate::scenario::{DirtyClass, Dirtying};

/// Measured migrations; columns are explained in the README beside the file.
const RESULTS: &str = include_str!("../../../../tests/data/qemu/results.csv");

/// One measured run.
struct Row<'a> {
    names: Vec<&'a str>,
    values: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn text(&self, name: &str) -> &'a str {
        let at = self.names.iter().position(|n| *n == name).expect("the column exists");
        self.values[at]
    }
    fn number(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or(0.0)
    }
    fn count(&self, name: &str) -> u64 {
        self.number(name) as u64
    }
}

fn rows() -> Vec<Row<'static>> {
    let mut lines = RESULTS.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines
        .map(|l| Row { names: names.clone(), values: l.split(',').collect() })
        .filter(|r| "ABCDEFG".contains(&r.text("group")[..1]) && r.text("cpu_limited") == "0")
        .collect()
}

fn dirtying(row: &Row<'_>) -> Dirtying {
    let (pages, rate) = (row.count("ws_pages"), row.number("rate_target"));
    let hot = row.count("hot_pages");
    if row.text("seq") == "1" {
        return Dirtying::Sweep { pages, rate };
    }
    // Of the writes, hot_permille go to the hot pages and the others to the rest of the working set.
    let to_hot = rate * row.number("hot_permille") / 1000.0;
    Dirtying::Classes(vec![
        DirtyClass { pages: hot, writes_per_s: to_hot },
        DirtyClass { pages: pages - hot, writes_per_s: rate - to_hot },
    ])
}

fn model(row: &Row<'_>) -> Outcome {
    let mib = |name: &str| Bytes::mib(row.count(name));
    let control = match row.text("auto_converge") {
        "1" => Control::AutoConverge {
            initial: row.number("throttle_initial") / 100.0,
            increment: row.number("throttle_increment") / 100.0,
            most: row.number("throttle_max") / 100.0,
            trigger: 0.5,
        },
        _ => Control::None,
    };
    let timeout = Span::secs(row.count("timeout_s"));
    let size_gib = (row.number("ram_mib") / 1024.0).max(1.0);
    let rules = Rules {
        downtime_limit: Span::ms(row.count("downtime_limit_ms")),
        control,
        completion_per_gib: Some(timeout.scale(1.0 / size_gib)),
        clear_chunk: None,
        ..Rules::QEMU
    };
    // The guest fills its memory from 16 MiB up; what lies above stays zero. Its working set is at the bottom,
    // in the part whose log is cleared at once.
    let mut memory =
        DirtyMemory::new(&dirtying(row), mib("ram_mib"), row.number("fill_mib") / row.number("ram_mib"));
    if row.count("fill_mib") + 32 < row.count("ram_mib") {
        memory = memory.with_zeros_last();
    }
    let config = Alone {
        rules,
        memory,
        setup: Span::ms(20),
        fixed_stun: Span::ms(5),
        device: Bytes::ZERO,
        scan_pages_per_s: 8e6,
    };
    let cap = row.number("bw_cap_bytes_s");
    let link = if cap > 0.0 {
        let quantum = Bytes::from_f64(cap * 0.1 * 1.015);
        Link {
            rate: Rate(2_000_000_000),
            queue: Bytes::ZERO,
            burst: Some(Burst { quantum, window: Span::ms(100) }),
        }
    } else {
        // The token bucket's queue holds 2 MB; half a percent goes to headers and acknowledgements.
        let payload = row.number("link_mbit") * 125_000.0 * 0.995;
        Link { rate: Rate::from_f64(payload), queue: Bytes(2_000_000), burst: None }
    };
    alone(&config, &link)
}

/// Median and 90th percentile (nearest rank).
fn spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let rank = |q: f64| values[((values.len() as f64 * q).ceil() as usize).max(1) - 1];
    (rank(0.5), rank(0.9))
}

/// Relative errors of one figure over the rows that `keep` lets through.
fn errors(figure: &str, of: fn(&Outcome) -> f64, keep: fn(&Row<'_>) -> bool) -> (f64, f64) {
    let rows = rows().into_iter().filter(keep);
    spread(rows.map(|r| (of(&model(&r)) / r.number(figure) - 1.0).abs()).collect())
}

fn converged(row: &Row<'_>) -> bool {
    row.text("status") == "completed"
}

fn group(row: &Row<'_>) -> char {
    row.text("group").chars().next().unwrap_or(' ')
}

fn millis(span: Span) -> f64 {
    span.as_secs() * 1e3
}

#[test]
fn every_measured_migration_converges_or_times_out_as_the_model_says() {
    assert_eq!(rows().len(), 82);
    for row in rows() {
        assert_eq!(model(&row).end.is_ok(), converged(&row), "{}", row.text("run_id"));
    }
}

/// Repeats of one configuration differ by 3 % (p90) among themselves.
#[test]
fn total_time_is_within_2_percent_and_p90_6_percent() {
    let (median, p90) = errors("total_time_ms", |o| millis(o.total), |_| true);
    assert!(median <= 0.02 && p90 <= 0.06, "{median} {p90}");
}

#[test]
fn bytes_are_within_1_percent_and_p90_3_percent() {
    let (median, p90) = errors("transferred_bytes", |o| o.bytes.as_f64(), |_| true);
    assert!(median <= 0.01 && p90 <= 0.03, "{median} {p90}");
}

#[test]
fn rounds_are_met_by_most_and_within_20_percent_by_nearly_all() {
    let (median, p90) = errors("sync_count", |o| f64::from(o.syncs), |_| true);
    assert!(median == 0.0 && p90 <= 0.2, "{median} {p90}");
}

/// Where the link decides the pause: left-over pages over the link's rate.
#[test]
fn pauses_on_a_saturated_link_are_within_5_percent_and_p90_35_ms() {
    let (median, _) = errors("downtime_ms", |o| millis(o.pause), |r| group(r) == 'G');
    let off = rows().into_iter().filter(|r| group(r) == 'G');
    let (_, p90) = spread(off.map(|r| (millis(model(&r).pause) - r.number("downtime_ms")).abs()).collect());
    assert!(median <= 0.05 && p90 <= 35.0, "{median} {p90}");
}

/// Throttled guests. The throttle of the runs with a limit of 100 ms ends two steps higher than modelled
/// (90 % against 70 %): it rises while the last hot pages are chased, which costs little time.
#[test]
fn auto_converge_takes_as_long_as_measured() {
    let throttled = |r: &Row<'_>| group(r) == 'F' && converged(r);
    let (median, _) = errors("total_time_ms", |o| millis(o.total), throttled);
    assert!(median <= 0.06, "{median}");
    for row in rows().into_iter().filter(throttled) {
        let outcome = model(&row);
        assert!((millis(outcome.total) / row.number("total_time_ms") - 1.0).abs() <= 0.12);
        let increments = (outcome.throttle * 100.0 - row.number("throttle_last")).abs() / 10.0;
        let allowed = if row.count("downtime_limit_ms") == 300 { 1.01 } else { 2.01 };
        assert!(increments <= allowed, "{} {increments}", row.text("run_id"));
    }
}
