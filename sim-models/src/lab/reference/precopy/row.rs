//! Rows as typed, and what is wrong with them.

use super::Measured;
use csv::StringRecord;
use sim_core::{Rate, Span};

/// How the guest paces its writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By the clock: what it misses it makes up.
    Paced,
    /// So many writes at each tick of a timer, one of which is kept for it while it sleeps.
    Ticked,
    /// As fast as it runs.
    Cpu,
}

/// What somebody does to a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing.
    None,
    /// Cancels it.
    Cancel,
    /// Kills the destination.
    KillDestination,
    /// Takes the link down for so long.
    LinkDown(Span),
}

/// The configuration of one run, and what was measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub run_id: String,
    /// Guest memory, MiB.
    pub ram_mib: f64,
    /// Of it made non-zero, MiB.
    pub fill_mib: f64,
    /// Working set, pages.
    pub ws_pages: u64,
    /// Page writes per second.
    pub rate_target: f64,
    /// Hot part of the working set, pages, and its share of the writes.
    pub hot: (u64, f64),
    /// In address order.
    pub sweeps: bool,
    /// How it paces itself.
    pub mode: Mode,
    /// QEMU `max-bandwidth`.
    pub cap: Option<Rate>,
    /// Rate of a shaped link, bit/s.
    pub link_bits_per_s: Option<f64>,
    /// QEMU `downtime-limit`.
    pub limit: Span,
    /// Auto-converge: initial, increment, most, as shares.
    pub throttle: Option<[f64; 3]>,
    /// QEMU `xbzrle` with its cache of 64 MiB.
    pub xbzrle: bool,
    /// Channels of `multifd`.
    pub channels: u32,
    /// Post-copy after so long.
    pub postcopy_after: Option<Span>,
    /// Requests have a channel of their own.
    pub preempt: bool,
    /// What is done to it.
    pub fault: Stop,
    /// Cancelled after this.
    pub timeout: Option<Span>,
    /// What came of it, where the file says so.
    pub measured: Option<Measured>,
}

/// One line of a file, with the names of its columns.
pub(super) struct Cells<'a> {
    names: &'a StringRecord,
    values: &'a StringRecord,
    line: u64,
}

impl Cells<'_> {
    /// A cell; empty cells and missing columns are `None`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let at = self.names.iter().position(|n| n.trim() == name)?;
        self.values.get(at).map(str::trim).filter(|v| !v.is_empty())
    }

    fn wrong<T>(&self, name: &str, value: &str, remedy: &str) -> Result<T, String> {
        Err(format!("line {}, column {name}: `{value}`: {remedy}", self.line))
    }

    /// A number from 0 to `most`.
    pub(super) fn number(&self, name: &str, most: f64) -> Result<Option<f64>, String> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match value.parse::<f64>() {
            Ok(v) if (0.0..=most).contains(&v) => Ok(Some(v)),
            _ => self.wrong(name, value, &format!("write a number from 0 to {most}")),
        }
    }

    fn or(&self, name: &str, most: f64, default: f64) -> Result<f64, String> {
        Ok(self.number(name, most)?.unwrap_or(default))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        Ok(self.or(name, 1.0, 0.0)? != 0.0)
    }

    fn span(&self, name: &str) -> Result<Option<Span>, String> {
        Ok(self.number(name, 1e6)?.map(Span::from_secs_f64))
    }

    fn mode(&self) -> Result<Mode, String> {
        match self.text("mode") {
            None | Some("paced") => Ok(Mode::Paced),
            Some("ticked") => Ok(Mode::Ticked),
            Some("cpu") => Ok(Mode::Cpu),
            Some(other) => self.wrong("mode", other, "write paced, ticked or cpu"),
        }
    }

    fn fault(&self) -> Result<Stop, String> {
        match self.text("fault") {
            None | Some("none") => Ok(Stop::None),
            Some("cancel") => Ok(Stop::Cancel),
            Some("kill-dest") => Ok(Stop::KillDestination),
            Some(other) => {
                let seconds = other.strip_prefix("link-down-").and_then(|s| s.parse::<f64>().ok());
                match seconds.filter(|s| (0.0..=1e6).contains(s)) {
                    Some(s) => Ok(Stop::LinkDown(Span::from_secs_f64(s))),
                    None => self.wrong("fault", other, "write cancel, kill-dest or link-down-SECONDS"),
                }
            }
        }
    }

    fn row(&self) -> Result<Row, String> {
        let Some(run_id) = self.text("run_id") else {
            return self.wrong("run_id", "", "give every run a name");
        };
        let ram_mib = match self.number("ram_mib", 1e8)? {
            Some(v) if v >= 1.0 => v,
            _ => return self.wrong("ram_mib", "", "write the guest's memory in MiB, at least 1"),
        };
        let percent = |name: &str, default: f64| Ok::<f64, String>(self.or(name, 99.0, default)? / 100.0);
        let throttle = [
            percent("throttle_initial", 20.0)?,
            percent("throttle_increment", 10.0)?,
            percent("throttle_max", 99.0)?,
        ];
        let ws_pages = self.or("ws_pages", 1e11, 0.0)? as u64;
        Ok(Row {
            run_id: run_id.to_string(),
            ram_mib,
            fill_mib: self.or("fill_mib", 1e8, ram_mib)?.min(ram_mib),
            ws_pages,
            rate_target: self.or("rate_target", 1e9, 0.0)?,
            hot: (self.or("hot_pages", 1e11, 0.0)? as u64, self.or("hot_permille", 1000.0, 0.0)? / 1000.0),
            sweeps: self.flag("seq")?,
            mode: self.mode()?,
            // 128 MiB/s unless set; 0 is none.
            cap: Some(self.or("bw_cap_bytes_s", 1e13, 134_217_728.0)?)
                .filter(|c| *c >= 10.0)
                .map(Rate::from_f64),
            link_bits_per_s: self.number("link_mbit", 1e8)?.filter(|m| *m > 0.0).map(|m| m * 1e6),
            limit: Span::from_secs_f64(self.or("downtime_limit_ms", 2e6, 300.0)? / 1000.0),
            throttle: self.flag("auto_converge")?.then_some(throttle),
            xbzrle: self.flag("xbzrle")?,
            channels: self.or("multifd", 255.0, 0.0)? as u32,
            postcopy_after: self.span("postcopy_after_s")?,
            preempt: self.flag("postcopy_preempt")?,
            fault: self.fault()?,
            timeout: self.span("timeout_s")?,
            measured: Measured::read(self)?,
        })
    }
}

/// Columns without which nothing can be said, and what they hold.
const NEEDED: [(&str, &str); 2] = [("run_id", "a name of the run"), ("ram_mib", "guest memory in MiB")];
/// Columns without which the guest is idle.
const WRITING: &str = "fill_mib, ws_pages, rate_target, hot_pages, hot_permille, seq, mode";
/// Columns without which QEMU is as it ships.
const SETTINGS: &str = "bw_cap_bytes_s, link_mbit, downtime_limit_ms, auto_converge, throttle_initial, \
    throttle_increment, throttle_max, xbzrle, multifd, postcopy_after_s, postcopy_preempt, fault, timeout_s";

/// The columns that every run needs are there; else what is missing and what a file may hold.
fn all_needed(names: &StringRecord) -> Result<(), String> {
    let there = |name: &str| names.iter().any(|n| n.trim() == name);
    let missing: Vec<&(&str, &str)> = NEEDED.iter().filter(|(name, _)| !there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = missing.iter().map(|(name, what)| format!("`{name}` ({what})")).collect();
    // `run` may be `run_id`, and `guest_ram_mib` may be `ram_mib`.
    let like = |wanted: &str| {
        let part = |n: &str| n.len() > 2 && (n.contains(wanted) || wanted.starts_with(n));
        names.iter().map(str::trim).find(|n| part(n)).map(|n| format!("rename `{n}` to `{wanted}`"))
    };
    let renames: Vec<String> = missing.iter().filter_map(|(name, _)| like(name)).collect();
    let remedy = if renames.is_empty() { "add them".to_string() } else { renames.join(" and ") };
    Err(format!(
        "line 1: no column {}; {remedy}. What the guest writes is told by {WRITING} (without them it is idle), \
         how it is migrated by {SETTINGS}",
        told.join(" and ")
    ))
}

/// All rows of a file.
///
/// # Errors
/// The first cell that cannot be read, with line and column, or what the file lacks.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let names = reader.headers().map_err(|e| e.to_string())?.clone();
    all_needed(&names)?;
    let mut rows: Vec<Row> = Vec::new();
    for values in reader.records() {
        let values = values.map_err(|e| e.to_string())?;
        let line = values.position().map_or(0, csv::Position::line);
        rows.push(Cells { names: &names, values: &values, line }.row()?);
    }
    if rows.is_empty() {
        return Err("there are no rows below the heads; write one migration a row".into());
    }
    Ok(rows)
}
