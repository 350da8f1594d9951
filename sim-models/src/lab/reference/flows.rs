//! Flows that share links, as computed by SimGrid 3.32 in a pure max-min configuration: files like those of
//! `tests/data/maxmin`, whose README has the format. One JSON object a file.

use super::Answer;
use crate::lab::flows::case::{Bulk, Case, Change, Played};
use serde::Deserialize;
use serde_json::json;
use sim_core::fluid::MAX_RATE;
use sim_core::{Bytes, Rate, SimTime};

/// A file as written: seconds, bytes, bytes per second.
#[derive(Deserialize)]
struct Document {
    links: Vec<LinkRow>,
    flows: Vec<FlowRow>,
    #[serde(default)]
    events: Vec<EventRow>,
    /// What another simulator found, by flow.
    finish: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct LinkRow {
    capacity: f64,
}

#[derive(Deserialize)]
struct FlowRow {
    start: f64,
    size: u64,
    #[serde(default = "one")]
    weight: u32,
    #[serde(default)]
    cap: Option<f64>,
    links: Vec<usize>,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
struct EventRow {
    t: f64,
    #[serde(flatten)]
    change: ChangeRow,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ChangeRow {
    Capacity { link: usize, capacity: f64 },
    Stall { flow: usize },
    Reroute { flow: usize, links: Vec<usize> },
}

/// What the model says of each flow of a file, and what the file says.
#[derive(Clone, Debug)]
pub struct Prediction {
    case: Case,
    played: Played,
    reference: Option<Vec<f64>>,
}

/// What the model says of each case of the file.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn predict(text: &str) -> Result<Answer, String> {
    let said = Prediction::read(text)?;
    let (largest, allowed) = (said.largest_error(), said.largest_share());
    let line = |error: f64| {
        let share = allowed.unwrap_or(0.0);
        format!(
            "largest difference {error:.1e} of the finish time, {share:.2} of what rounding to whole ns explains"
        )
    };
    Ok(Answer {
        json: json!({ "finish": said.played.finish.iter().map(|f| f.map(SimTime::as_secs)).collect::<Vec<_>>() }),
        heads: vec!["flow", "start s", "bytes", "finish s", "reference s", "off ns"],
        rows: (0..said.case.flows.len()).map(|flow| said.row(flow)).collect(),
        summary: largest.map(line).into_iter().collect(),
    })
}

impl Prediction {
    /// Reads a file and plays it.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(text: &str) -> Result<Prediction, String> {
        let file: Document = serde_json::from_str(text).map_err(|e| {
            format!("not a case of flows: {e}; write a JSON object with links, flows and, if any, events")
        })?;
        let case = file.case()?;
        if file.finish.as_ref().is_some_and(|f| f.len() != file.flows.len()) {
            return Err("finish: write one time for each flow, or leave it out".into());
        }
        Ok(Prediction { played: case.play(), case, reference: file.finish })
    }

    /// Number of flows.
    pub fn flows(&self) -> usize {
        self.case.flows.len()
    }

    /// Seconds that a flow finishes later than in the file, if both finish it.
    fn off(&self, flow: usize) -> Option<f64> {
        let reference = self.reference.as_ref()?[flow];
        self.played.finish[flow].map(|finish| finish.as_secs() - reference)
    }

    /// By flow: difference in seconds and the time in the file. A flow that never finishes is infinitely late.
    fn errors(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let reference = self.reference.iter().flatten().enumerate();
        reference.map(|(flow, want)| (flow, self.off(flow).map_or(f64::INFINITY, f64::abs), *want))
    }

    /// The largest difference as a part of the finish time; `None` without times in the file.
    pub fn largest_error(&self) -> Option<f64> {
        self.reference.as_ref()?;
        Some(self.errors().map(|(_, error, want)| error / want.max(1e-9)).fold(0.0, f64::max))
    }

    /// The largest difference as a part of what is allowed: 1e-9 of the finish time, or 1 ns for every change
    /// of the flow's rate, for completions are on whole ns here. 1e-6 of the finish time in cases with
    /// changes, where SimGrid restarts flows with whole bytes.
    pub fn largest_share(&self) -> Option<f64> {
        self.reference.as_ref()?;
        let relative = if self.case.changes.is_empty() { 1e-9 } else { 1e-6 };
        let allowed =
            |flow: usize, want: f64| (want * relative).max(f64::from(self.played.rate_changes[flow]) * 1e-9);
        Some(self.errors().map(|(flow, error, want)| error / allowed(flow, want)).fold(0.0, f64::max))
    }

    fn row(&self, flow: usize) -> Vec<String> {
        let seconds = |s: f64| format!("{s:.9}");
        let Bulk { start, bytes, .. } = &self.case.flows[flow];
        let finish = self.played.finish[flow];
        vec![
            flow.to_string(),
            seconds(start.as_secs()),
            bytes.map_or("-".into(), |b| b.0.to_string()),
            finish.map_or("never".into(), |f| seconds(f.as_secs())),
            self.reference.as_ref().map_or("-".into(), |r| seconds(r[flow])),
            self.off(flow).map_or("-".into(), |off| format!("{:.1}", off * 1e9)),
        ]
    }
}

impl Document {
    fn case(&self) -> Result<Case, String> {
        let links = self.links.iter().enumerate();
        let flows = self.flows.iter().enumerate();
        let events = self.events.iter().enumerate();
        Ok(Case {
            links: links
                .map(|(i, l)| rate(l.capacity, &format!("links[{i}].capacity")))
                .collect::<Result<_, _>>()?,
            flows: flows.map(|(i, f)| self.flow(f, &format!("flows[{i}]"))).collect::<Result<_, _>>()?,
            changes: events.map(|(i, e)| self.event(e, &format!("events[{i}]"))).collect::<Result<_, _>>()?,
            looks: Vec::new(),
        })
    }

    fn flow(&self, row: &FlowRow, at: &str) -> Result<Bulk, String> {
        if row.links.is_empty() && row.cap.is_none() {
            return Err(format!("{at}: nothing limits a flow without links and cap; write one of them"));
        }
        if !(1..=1_000_000).contains(&row.weight) {
            return Err(format!("{at}.weight: {}; write a whole number from 1 to 1000000", row.weight));
        }
        Ok(Bulk {
            start: instant(row.start, &format!("{at}.start"))?,
            bytes: Some(Bytes(row.size)),
            weight: row.weight,
            cap: row.cap.map(|cap| rate(cap, &format!("{at}.cap"))).transpose()?,
            path: self.path(&row.links, &format!("{at}.links"))?,
        })
    }

    fn event(&self, row: &EventRow, at: &str) -> Result<(SimTime, Change), String> {
        let flow = |flow: usize| within(flow, self.flows.len(), &format!("{at}.flow"));
        let change = match &row.change {
            ChangeRow::Capacity { link, capacity } => {
                let link = within(*link, self.links.len(), &format!("{at}.link"))?;
                Change::Capacity(link, rate(*capacity, &format!("{at}.capacity"))?)
            }
            ChangeRow::Stall { flow: stalled } => Change::Stall(flow(*stalled)?),
            ChangeRow::Reroute { flow: moved, links } => {
                let moved = flow(*moved)?;
                if links.is_empty() && self.flows[moved].cap.is_none() {
                    return Err(format!("{at}: nothing would limit flow {moved}; write a link"));
                }
                Change::Reroute(moved, self.path(links, &format!("{at}.links"))?)
            }
        };
        Ok((instant(row.t, &format!("{at}.t"))?, change))
    }

    fn path(&self, links: &[usize], at: &str) -> Result<Vec<usize>, String> {
        links.iter().map(|link| within(*link, self.links.len(), at)).collect()
    }
}

fn within(index: usize, len: usize, at: &str) -> Result<usize, String> {
    if index < len { Ok(index) } else { Err(format!("{at}: {index}; write a number below {len}")) }
}

/// In whole bytes per second.
fn rate(typed: f64, at: &str) -> Result<Rate, String> {
    let most = MAX_RATE.as_f64();
    if (0.0..=most).contains(&typed) {
        return Ok(Rate::from_f64(typed));
    }
    Err(format!("{at}: {typed}; write bytes per second from 0 to {most}"))
}

/// To the nearest nanosecond.
fn instant(seconds: f64, at: &str) -> Result<SimTime, String> {
    if (0.0..=1e9).contains(&seconds) {
        return Ok(SimTime((seconds * 1e9).round() as u64));
    }
    Err(format!("{at}: {seconds}; write seconds from 0 to 1e9"))
}
