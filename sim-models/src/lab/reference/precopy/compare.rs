//! Predictions beside what was measured.

use super::qemu::{End, Prediction};
use super::row::{Cells, Row};

/// Status of a run that was cancelled at its timeout and failed on the way out: the same end to its owner.
const TIMEOUT_FAILED: &str = "timeout-failed";

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Column `status`.
    pub status: String,
    /// Columns of the same names.
    pub total_ms: Option<f64>,
    /// ms.
    pub downtime_ms: Option<f64>,
    /// Syncs.
    pub syncs: Option<f64>,
    /// Bytes.
    pub bytes: Option<f64>,
    /// Per cent.
    pub throttle: Option<f64>,
    /// The machine, not the link or the cap, held the sender back.
    pub cpu_limited: bool,
}

impl Measured {
    /// The measured cells of a line; `None` if it does not say how the run ended.
    pub(super) fn read(cells: &Cells<'_>) -> Result<Option<Measured>, String> {
        let Some(status) = cells.text("status") else { return Ok(None) };
        Ok(Some(Measured {
            status: status.to_string(),
            total_ms: cells.number("total_time_ms", 1e12)?,
            downtime_ms: cells.number("downtime_ms", 1e12)?,
            syncs: cells.number("sync_count", 1e9)?,
            bytes: cells.number("transferred_bytes", 1e18)?,
            throttle: cells.number("throttle_last", 100.0)?,
            cpu_limited: cells.number("cpu_limited", 1.0)?.unwrap_or(0.0) != 0.0,
        }))
    }

    /// The migration arrived, or ended in the same way without.
    pub fn agrees(&self, end: End) -> bool {
        self.status == end.word() || (self.status == TIMEOUT_FAILED && end == End::TimeoutCancelled)
    }
}

/// Nearest-rank quantiles of errors that have no sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half are smaller.
    pub median: f64,
    /// 90 % are smaller.
    pub p90: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of some errors; `None` of none.
    pub fn of(mut errors: Vec<f64>) -> Option<Spread> {
        errors.sort_by(f64::total_cmp);
        let rank = |q: f64| errors[((errors.len() as f64 * q).ceil() as usize).max(1) - 1];
        (!errors.is_empty()).then(|| Spread { median: rank(0.5), p90: rank(0.9), max: rank(1.0) })
    }
}

/// Errors over some runs. Relative ones are shares of what was measured.
#[derive(Clone, Debug)]
pub struct Errors {
    /// Runs looked at.
    pub runs: usize,
    /// Of them with another outcome.
    pub wrong: usize,
    /// Relative.
    pub total: Option<Spread>,
    /// Relative.
    pub bytes: Option<Spread>,
    /// Relative.
    pub syncs: Option<Spread>,
    /// ms.
    pub downtime_ms: Option<Spread>,
    /// Relative.
    pub downtime: Option<Spread>,
}

impl Errors {
    /// Over the rows that `keep` lets through.
    pub fn over(rows: &[Row], said: &[Prediction], keep: impl Fn(&Row, &Measured) -> bool) -> Errors {
        let mut pairs = Vec::new();
        for (row, p) in rows.iter().zip(said) {
            if let Some(m) = row.measured.as_ref().filter(|m| keep(row, m)) {
                pairs.push((m, p));
            }
        }
        let relative = |of: fn(&Measured, &Prediction) -> Option<(f64, f64)>| {
            let both = pairs.iter().filter_map(|(m, p)| of(m, p)).filter(|(measured, _)| *measured > 0.0);
            Spread::of(both.map(|(measured, said)| (said / measured - 1.0).abs()).collect())
        };
        let pauses = pairs.iter().filter_map(|(m, p)| Some((m.downtime_ms?, p.downtime_ms?)));
        Errors {
            runs: pairs.len(),
            wrong: pairs.iter().filter(|(m, p)| !m.agrees(p.end)).count(),
            total: relative(|m, p| Some((m.total_ms?, p.total_ms))),
            bytes: relative(|m, p| Some((m.bytes?, p.bytes as f64))),
            syncs: relative(|m, p| Some((m.syncs?, f64::from(p.syncs)))),
            downtime_ms: Spread::of(pauses.map(|(measured, said)| (said - measured).abs()).collect()),
            downtime: relative(|m, p| Some((m.downtime_ms?, p.downtime_ms?))),
        }
    }
}

/// The heads of the table.
pub(super) fn heads(measured: bool) -> Vec<&'static str> {
    let both = [
        "run", "outcome", "measured", "total ms", "measured", "off %", "pause ms", "measured", "off ms",
        "syncs", "measured", "bytes", "measured", "off %", "left out",
    ];
    if measured { both.to_vec() } else { vec!["run", "outcome", "total ms", "pause ms", "syncs", "bytes"] }
}

/// One row of it.
pub(super) fn cells(row: &Row, p: &Prediction, measured: bool) -> Vec<String> {
    let pause = p.downtime_ms.map_or("-".into(), |d| format!("{d:.0}"));
    let (total, syncs, bytes) = (format!("{:.0}", p.total_ms), p.syncs.to_string(), p.bytes.to_string());
    let (name, end) = (row.run_id.clone(), p.end.word().to_string());
    if !measured {
        return vec![name, end, total, pause, syncs, bytes];
    }
    let m = row.measured.as_ref();
    let shown = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.0}"));
    let off = |v: Option<f64>, said: f64| {
        v.filter(|v| *v > 0.0).map_or("-".into(), |v| format!("{:+.1}", 100.0 * (said / v - 1.0)))
    };
    let (t, d) = (m.and_then(|m| m.total_ms), m.and_then(|m| m.downtime_ms));
    let (s, b) = (m.and_then(|m| m.syncs), m.and_then(|m| m.bytes));
    let late = d.zip(p.downtime_ms).map_or("-".into(), |(d, said)| format!("{:+.0}", said - d));
    let status = m.map_or("-".into(), |m| m.status.clone());
    vec![
        name,
        end,
        status,
        total,
        shown(t),
        off(t, p.total_ms),
        pause,
        shown(d),
        late,
        syncs,
        shown(s),
        bytes,
        shown(b),
        off(b, p.bytes as f64),
        left_out(row).unwrap_or_default().to_string(),
    ]
}

/// Why a row of a file with results has no part in the errors.
fn left_out(row: &Row) -> Option<&'static str> {
    match &row.measured {
        None => Some("not measured"),
        Some(m) if m.cpu_limited => Some("machine's CPU"),
        Some(_) => None,
    }
}

fn percent(name: &str, spread: Option<Spread>) -> String {
    spread.map_or(format!("{name}: nothing measured"), |s| {
        let [median, p90, max] = [s.median, s.p90, s.max].map(|e| 100.0 * e);
        format!("{name}: median {median:.2} %, p90 {p90:.2} %, max {max:.2} %")
    })
}

/// How many runs ended as predicted, and which words for it count as one.
fn outcome(rows: &[Row], all: &Errors) -> String {
    let mut measured = rows.iter().filter_map(|r| r.measured.as_ref());
    let same = if measured.any(|m| m.status == TIMEOUT_FAILED) {
        format!(" ({TIMEOUT_FAILED} counts as {})", End::TimeoutCancelled.word())
    } else {
        String::new()
    };
    format!("outcome: {} of {} as measured{same}", all.runs - all.wrong, all.runs)
}

/// How many rows have no part in the errors, and why.
fn without(rows: &[Row]) -> String {
    let held = rows.iter().filter(|r| r.measured.as_ref().is_some_and(|m| m.cpu_limited)).count();
    let blank = rows.iter().filter(|r| r.measured.is_none()).count();
    let reasons = [(held, "held back by the machine's CPU (cpu_limited)"), (blank, "without a status")];
    let told: Vec<String> =
        reasons.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
    if told.is_empty() { String::new() } else { format!("; left out: {}", told.join(", ")) }
}

/// The lines below the table.
pub(super) fn summary(rows: &[Row], said: &[Prediction]) -> Vec<String> {
    let all = Errors::over(rows, said, |_, _| true);
    let fair = Errors::over(rows, said, |_, m| !m.cpu_limited);
    let shaped = Errors::over(rows, said, |r, m| {
        r.link_bits_per_s.is_some() && r.postcopy_after.is_none() && !m.cpu_limited
    });
    let pause = fair.downtime_ms.map_or("pause: nothing measured".into(), |s| {
        format!("pause: median {:.1} ms, p90 {:.1} ms, max {:.1} ms off", s.median, s.p90, s.max)
    });
    vec![
        outcome(rows, &all),
        format!("errors over {} of {} rows{}", fair.runs, rows.len(), without(rows)),
        percent("total time", fair.total),
        percent("bytes", fair.bytes),
        percent("syncs", fair.syncs),
        pause,
        percent("pause of pre-copy over a shaped link", shaped.downtime),
    ]
}
