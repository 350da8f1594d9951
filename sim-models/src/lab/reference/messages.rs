//! Small messages beside bulk flows as ns-3 saw them, one run a line of JSON: files like
//! `tests/data/ns3/rows.jsonl`.
//!
//! Topology of such a file: bulk senders and one client of messages, a switch, one receiver; 2 us a link.

use super::Answer;
use crate::fabric::message::Train;
use crate::lab::small_messages::{Path, WINDOW};
use crate::scenario::Queueing;
use serde_json::{Map, Value, json};
use sim_core::{Bytes, Rate, Seed, Span, Streams};

/// Propagation of one link, one way: that of the packet-level runs (tests/data/ns3).
const LINK_DELAY: Span = Span::us(2);
/// Messages that are drawn for a prediction: P99 has 200 above it.
const DRAWN: usize = 20_000;
/// Columns that say what was run.
const CONFIGURATION: [&str; 10] = [
    "tcp",
    "sched",
    "bulk_flows",
    "gbps",
    "access_gbps",
    "bulk_cap_gbps_each",
    "buffer_kb",
    "ecn_k_kb",
    "mtu",
    "msg_bytes",
];

/// One row: what was run, what the model says, and what was measured.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its cells.
    row: Map<String, Value>,
    /// Line in the file, from 1.
    line: usize,
    /// Predicted P50 and P99, us.
    pub said: (f64, f64),
    /// Measured P50 and P99, us.
    pub measured: Option<(f64, f64)>,
    /// The row says that it is not a fair comparison.
    pub noted: bool,
    /// The bulk flows are held back elsewhere: the port is free.
    pub capped: bool,
}

/// What the model says of each case of the file.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn predict(text: &str) -> Result<Answer, String> {
    let cases = read(text)?;
    Ok(Answer {
        json: Value::Array(cases.iter().map(Case::object).collect()),
        heads: vec![
            "line", "regime", "flows", "Gbit/s", "kB", "bytes", "P50 us", "measured", "off %", "P99 us",
            "measured", "off %",
        ],
        rows: cases.iter().map(Case::cells).collect(),
        summary: summary(&cases),
    })
}

/// All rows with their predictions.
///
/// # Errors
/// The first line that cannot be read.
pub fn read(text: &str) -> Result<Vec<Case>, String> {
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    let cases: Vec<Case> = lines.map(|(i, l)| Case::read(l, i + 1)).collect::<Result<_, _>>()?;
    if cases.is_empty() {
        return Err("the file is empty; write one JSON object per line".into());
    }
    Ok(cases)
}

impl Case {
    fn read(text: &str, line: usize) -> Result<Case, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| format!("line {line}: {e}; write one JSON object per line"))?;
        let Value::Object(row) = value else {
            return Err(format!("line {line}: not a JSON object; write one per line"));
        };
        let cells = Cells { row: &row, line };
        let path = cells.path()?;
        let measured = cells.measured();
        let (noted, capped) = (row.contains_key("note"), !path.trains.is_empty());
        Ok(Case { said: quantiles(&path), measured, noted, capped, line, row })
    }

    /// In the names and units of the file.
    fn object(&self) -> Value {
        let known = |name: &&str| self.row.get(*name).map(|v| (name.to_string(), v.clone()));
        let mut object: Map<String, Value> = CONFIGURATION.iter().filter_map(known).collect();
        object.insert("fct_us".into(), json!({ "p50": self.said.0, "p99": self.said.1 }));
        Value::Object(object)
    }

    fn cells(&self) -> Vec<String> {
        let cell = |name: &str| self.row.get(name).map_or("-".into(), |v| v.to_string().replace('"', ""));
        let regime = match (cell("sched").as_str(), cell("ecn_k_kb").as_str(), self.capped) {
            ("prio", _, _) => "priority".to_string(),
            (_, "0" | "-" | "null", true) => format!("free, {} each", cell("bulk_cap_gbps_each")),
            (_, "0" | "-" | "null", false) => "fifo".to_string(),
            (_, mark, _) => format!("ecn {mark}"),
        };
        let off = |said: f64, measured: f64| format!("{:+.1}", 100.0 * (said / measured - 1.0));
        let beside = |said: f64, measured: Option<f64>| {
            let error = measured.map_or("-".into(), |m| off(said, m));
            [format!("{said:.1}"), measured.map_or("-".into(), |m| format!("{m:.1}")), error]
        };
        let mut cells = vec![
            format!("{}{}", self.line, if self.noted { " (note)" } else { "" }),
            regime,
            cell("bulk_flows"),
            cell("gbps"),
            cell("buffer_kb"),
            cell("msg_bytes"),
        ];
        cells.extend(beside(self.said.0, self.measured.map(|m| m.0)));
        cells.extend(beside(self.said.1, self.measured.map(|m| m.1)));
        cells
    }

    /// Why a measured row has no part in the errors, in the words of its note.
    fn left_out(&self) -> Option<String> {
        let note = self.row.get("note").filter(|_| self.measured.is_some())?;
        Some(format!("line {} left out of the errors: {}", self.line, note.to_string().trim_matches('"')))
    }

    /// Errors of P50 and P99 as shares of what was measured, without sign.
    pub fn errors(&self) -> Option<(f64, f64)> {
        let off = |said: f64, measured: f64| (said / measured - 1.0).abs();
        self.measured.map(|(p50, p99)| (off(self.said.0, p50), off(self.said.1, p99)))
    }
}

/// P50 and P99 in us, to a tenth, nearest rank.
fn quantiles(path: &Path) -> (f64, f64) {
    let mut luck = Streams::new(Seed(7), 0).stream("message", "reference");
    let mut all: Vec<u64> = (0..DRAWN).map(|_| path.deliver(&mut luck).0).collect();
    all.sort_unstable();
    let rank = |q: f64| all[((DRAWN as f64 * q).ceil() as usize).clamp(1, DRAWN) - 1];
    let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
    (us(rank(0.5)), us(rank(0.99)))
}

struct Cells<'a> {
    row: &'a Map<String, Value>,
    line: usize,
}

impl Cells<'_> {
    /// A number in `[low, high]`; missing and null are `None`.
    fn number(&self, name: &str, low: f64, high: f64) -> Result<Option<f64>, String> {
        let cell = match self.row.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(cell) => cell,
        };
        match cell.as_f64() {
            Some(v) if (low..=high).contains(&v) => Ok(Some(v)),
            _ => Err(format!("line {}, `{name}` is {cell}; write a number from {low} to {high}", self.line)),
        }
    }

    fn needed(&self, name: &str, low: f64, high: f64) -> Result<f64, String> {
        let missing = || format!("line {}: no `{name}`; write a number from {low} to {high}", self.line);
        self.number(name, low, high)?.ok_or_else(missing)
    }

    fn speed(&self, name: &str) -> Result<Option<Rate>, String> {
        Ok(self.number(name, 1e-3, 1e4)?.map(|g| Rate::from_f64(g * 1e9 / 8.0)))
    }

    fn path(&self) -> Result<Path, String> {
        let flows = self.number("bulk_flows", 0.0, 1e4)?.unwrap_or(0.0) as u32;
        let port = Rate::from_f64(self.needed("gbps", 1e-3, 1e4)? * 1e9 / 8.0);
        let access = self.speed("access_gbps")?.unwrap_or(port);
        let bytes = self.needed("msg_bytes", 1.0, 1e7)? as u32;
        let mtu = self.number("mtu", 576.0, 65_535.0)?.unwrap_or(9000.0) as u32;
        let mark = self.number("ecn_k_kb", 0.0, 1e7)?.unwrap_or(0.0);
        let queueing = match self.row.get("sched").and_then(Value::as_str) {
            Some("prio") => Queueing::Priority,
            Some("fifo") | None if mark > 0.0 => Queueing::Ecn(Bytes::from_f64(mark * 1000.0)),
            Some("fifo") | None => Queueing::Fifo,
            Some(other) => return Err(format!("line {}: `sched` is {other}; write fifo or prio", self.line)),
        };
        let cap = self.speed("bulk_cap_gbps_each")?;
        // Flows that together ask for more than the port has fill it, capped or not.
        let fills = cap.is_none_or(|c| (c * u64::from(flows)) >= port);
        let held = if fills { flows } else { 0 };
        let trains = match cap {
            Some(rate) if !fills => vec![Train { rate, access: Some(access) }; flows as usize],
            _ => Vec::new(),
        };
        Ok(Path {
            queueing,
            room: Bytes::from_f64(self.needed("buffer_kb", 0.0, 1e9)? * 1000.0),
            elastic: (held, WINDOW * u64::from(held)),
            trains,
            ..Path::idle((bytes, mtu), Some(access), port, LINK_DELAY)
        })
    }

    fn measured(&self) -> Option<(f64, f64)> {
        let of = |name: &str| self.row.get("fct_us")?.get(name)?.as_f64().filter(|v| *v > 0.0);
        Some((of("p50")?, of("p99")?))
    }
}

/// Mean and largest of some errors, in per cent.
fn percent(name: &str, errors: &[f64]) -> Option<String> {
    if errors.is_empty() {
        return None;
    }
    let mean = 100.0 * errors.iter().sum::<f64>() / errors.len() as f64;
    let max = 100.0 * errors.iter().copied().fold(0.0, f64::max);
    let rows = if errors.len() == 1 { "row" } else { "rows" };
    Some(format!("{name}: mean {mean:.2} %, max {max:.2} % over {} {rows}", errors.len()))
}

fn summary(cases: &[Case]) -> Vec<String> {
    let of = |capped: bool, which: fn((f64, f64)) -> f64| -> Vec<f64> {
        let fair = cases.iter().filter(|c| !c.noted && c.capped == capped);
        fair.filter_map(Case::errors).map(which).collect()
    };
    let errors = [
        percent("P99 of full, idle and priority ports", &of(false, |e| e.1)),
        percent("P50 of full, idle and priority ports", &of(false, |e| e.0)),
        percent("P99 of free ports", &of(true, |e| e.1)),
        percent("P50 of free ports", &of(true, |e| e.0)),
    ];
    errors.into_iter().flatten().chain(cases.iter().filter_map(Case::left_out)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_an_error_that_says_where() {
        let wrong = |text: &str| predict(text).expect_err("a wrong file");
        assert!(wrong("{\"gbps\": 10}\n").starts_with("line 1: no `msg_bytes`"));
        let row = r#"{"gbps": 10, "msg_bytes": 4096, "buffer_kb": 1024}"#;
        assert!(wrong(&format!("{row}\n\n{{\"gbps\": -1}}\n")).starts_with("line 3, `gbps` is -1"));
        assert!(wrong("[]").contains("not a JSON object"));
        assert!(wrong("{").starts_with("line 1: "));
    }

    /// Without results there is nothing to compare: 4096 B and 54 B of headers over two links of 10 Gbit/s
    /// and 2 us take 2 x (2 us + 3.32 us) = 10.6 us.
    #[test]
    fn configuration_columns_are_enough() {
        let row = r#"{"gbps": 10, "msg_bytes": 4096, "buffer_kb": 1024}"#;
        let answer = predict(row).expect("a good file");
        assert_eq!(answer.json[0]["fct_us"], json!({"p50": 10.6, "p99": 10.6}));
        assert!(answer.summary.is_empty());
    }

    /// The same message measured as 10.6 us, and another time as 1 s with a note that says why.
    #[test]
    fn a_note_is_told_with_its_line() {
        let row = |us: f64, more: &str| {
            format!(
                r#"{{"gbps": 10, "msg_bytes": 4096, "buffer_kb": 1024, "fct_us": {{"p50": {us}, "p99": {us}}}{more}}}"#
            )
        };
        let text = format!("{}\n{}\n", row(10.6, ""), row(1e6, r#", "note": "a timeout""#));
        let summary = predict(&text).expect("a good file").summary;
        assert_eq!(summary[0], "P99 of full, idle and priority ports: mean 0.00 %, max 0.00 % over 1 row");
        assert_eq!(summary[2..], ["line 2 left out of the errors: a timeout"]);
    }
}
