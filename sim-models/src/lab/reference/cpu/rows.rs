//! The rows of a table of workers.

use crate::cpu::linux::{Mode, Worker};
use sim_core::Span;

/// A row.
pub(super) struct Row {
    pub(super) run: String,
    pub(super) cpus: u32,
    pub(super) class: String,
    pub(super) worker: Worker,
    pub(super) slice: Option<Span>,
    /// Time on a CPU and ready, per cent.
    pub(super) measured: Option<(f64, f64)>,
    /// P50 and P99 of wake-up delays, us.
    pub(super) wakes: Option<(f64, f64)>,
    /// How long was measured, seconds.
    pub(super) window: Option<f64>,
}

pub(super) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let fact = |line: &str| line.strip_prefix("# default_slice_ns=").and_then(|ns| ns.trim().parse().ok());
    let slice = text.lines().find_map(fact).map(Span);
    let mut lines =
        text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
    let (_, heads) = lines.next().ok_or("the file is empty; its first line must name the columns")?;
    let heads: Vec<&str> = heads.split(',').map(str::trim).collect();
    for needed in ["run_id", "M", "class", "mode", "burst_us", "duty"] {
        if !heads.contains(&needed) {
            return Err(format!("there is no column `{needed}`; name it in the first line"));
        }
    }
    let row = |(number, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let row = Cells { heads: &heads, cells: &cells, line: number + 1 }.row()?;
        Ok(Row { slice: row.slice.or(slice), ..row })
    };
    let rows: Vec<Row> = lines.map(row).collect::<Result<_, String>>()?;
    if rows.is_empty() {
        return Err("there are no rows below the heads".to_string());
    }
    Ok(rows)
}

/// One line of the table.
struct Cells<'a> {
    heads: &'a [&'a str],
    cells: &'a [&'a str],
    line: usize,
}

impl Cells<'_> {
    fn row(&self) -> Result<Row, String> {
        if self.cells.len() != self.heads.len() {
            let (has, wants) = (self.cells.len(), self.heads.len());
            return Err(format!("line {}: {has} cells under {wants} heads", self.line));
        }
        let quota = self.number("quota_us", 0.0, 0.0, 1e9)?;
        let worker = Worker {
            mode: self.mode()?,
            burst: self.number("burst_us", f64::NAN, 1.0, 1e8)? * 1e-6,
            duty: self.number("duty", f64::NAN, 1e-6, 1.0)?,
            nice: self.number("nice", 0.0, -20.0, 19.0)? as i32,
            group: self.cell("group").to_string(),
            shares: self.number("shares", 1024.0, 1.0, 1e6)?,
            quota: if quota > 0.0 { quota * 1e-6 } else { f64::INFINITY },
            period: self.number("period_us", 100_000.0, 1_000.0, 1e7)? * 1e-6,
        };
        let open_all_day = worker.mode != Mode::Hog && worker.duty >= 1.0;
        let slice = self.number("slice_us", 0.0, 0.0, 1e6)?;
        let pair = |a, b, most| -> Result<Option<(f64, f64)>, String> {
            let (a, b) = (self.number(a, -1.0, -1.0, most)?, self.number(b, -1.0, -1.0, most)?);
            Ok((a >= 0.0 && b >= 0.0).then_some((a, b)))
        };
        let window = self.number("win_s", 0.0, 0.0, 1e6)?;
        let rep = self.cell("rep");
        Ok(Row {
            run: if matches!(rep, "" | "0") {
                self.cell("run_id").into()
            } else {
                format!("{}/{rep}", self.cell("run_id"))
            },
            cpus: self.number("M", f64::NAN, 1.0, 4096.0)? as u32,
            class: self.cell("class").to_string(),
            worker: if open_all_day { Worker { mode: Mode::Hog, ..worker } } else { worker },
            slice: (slice > 0.0).then(|| Span::from_secs_f64(slice * 1e-6)),
            measured: pair("cpu_pct", "ready_pct", 1e3)?,
            wakes: pair("wake_p50_us", "wake_p99_us", 1e9)?,
            window: (window > 0.0).then_some(window),
        })
    }

    fn cell(&self, head: &str) -> &str {
        self.heads.iter().position(|h| *h == head).map_or("", |i| self.cells[i])
    }

    fn mode(&self) -> Result<Mode, String> {
        match self.cell("mode") {
            "closed" => Ok(Mode::Closed),
            "open" => Ok(Mode::Open),
            "hog" => Ok(Mode::Hog),
            other => Err(format!("line {}: mode `{other}`; write closed, open or hog", self.line)),
        }
    }

    /// An empty cell is `default`; where that is no number, the cell is needed.
    fn number(&self, head: &str, default: f64, low: f64, high: f64) -> Result<f64, String> {
        let cell = self.cell(head);
        if cell.is_empty() && !default.is_nan() {
            return Ok(default);
        }
        match cell.parse::<f64>() {
            Ok(x) if (low..=high).contains(&x) => Ok(x),
            _ => {
                Err(format!("line {}: `{head}` is `{cell}`; write a number from {low} to {high}", self.line))
            }
        }
    }
}
