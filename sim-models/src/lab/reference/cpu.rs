//! Run and ready time of workers on pinned CPUs of a Linux machine: tables with one row per worker, like
//! `tests/data/linux-sched`.
//!
//! Columns are found by their names. `run_id`, `M`, `class`, `mode`, `burst_us` and `duty` are needed; `rep`,
//! `nice`, `group`, `shares`, `quota_us`, `period_us` and `slice_us` may be missing or empty; `cpu_pct` and
//! `ready_pct` are results and stand beside what is predicted. Lines that begin with `#` are facts about
//! the machine, of which `default_slice_ns` counts.

use super::Answer;
use crate::cpu::linux::{self, Mode, Spent, Worker};
use crate::profile::ProfileSpec;
use crate::profile::cpu::CpuProfile;
use crate::quantity::Resolver;
use serde_json::json;
use sim_core::Span;

/// EEVDF's slice on a machine of two CPUs, 0.7 ms x (1 + log2 of the CPUs) in kernel/sched/fair.c, where the file names none.
const SLICE: Span = Span::us(1_400);

/// What one class of workers of one configuration does; the results are means over its workers, per cent.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMean {
    /// Configuration, with its repetition where there is one.
    pub run: String,
    /// CPUs.
    pub cpus: u32,
    /// Name of the class.
    pub class: String,
    /// Workers in it.
    pub workers: usize,
    /// Predicted time on a CPU, and ready but not running.
    pub predicted: (f64, f64),
    /// The same as measured, where the file says.
    pub measured: Option<(f64, f64)>,
}

/// A row.
struct Row {
    run: String,
    cpus: u32,
    class: String,
    worker: Worker,
    slice: Option<Span>,
    measured: Option<(f64, f64)>,
}

/// What the model says of each class of workers of the file: per cent of time on a CPU and ready.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn predict(text: &str) -> Result<Answer, String> {
    let means = class_means(text)?;
    let object = |m: &ClassMean| {
        let (run, ready) = m.predicted;
        json!({"run_id": m.run, "class": m.class, "workers": m.workers, "run_pct": run, "ready_pct": ready})
    };
    let measured = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.2}"));
    let row = |m: &ClassMean| {
        let cells = [m.run.clone(), m.cpus.to_string(), m.class.clone(), m.workers.to_string()];
        let pair = |model: f64, real: Option<f64>| [format!("{model:.2}"), measured(real)];
        let run = pair(m.predicted.0, m.measured.map(|x| x.0));
        let ready = pair(m.predicted.1, m.measured.map(|x| x.1));
        let met = m.is_met().map_or(String::new(), |met| if met { "yes" } else { "no" }.to_string());
        cells.into_iter().chain(run).chain(ready).chain([met]).collect()
    };
    Ok(Answer {
        json: means.iter().map(object).collect(),
        heads: vec!["run", "CPUs", "class", "workers", "run %", "measured", "ready %", "measured", "within"],
        rows: means.iter().map(row).collect(),
        summary: summary(&means),
    })
}

/// Predicted and measured means of every class, in the order of the file.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn class_means(text: &str) -> Result<Vec<ClassMean>, String> {
    let rows = rows(text)?;
    let mut means = Vec::new();
    for run in distinct(rows.iter().map(|r| r.run.as_str())) {
        let of: Vec<&Row> = rows.iter().filter(|r| r.run == run).collect();
        let workers: Vec<Worker> = of.iter().map(|r| r.worker.clone()).collect();
        let spent = linux::predict(&scheduler(of[0].slice), of[0].cpus, &workers);
        let classes = distinct(of.iter().map(|r| r.class.as_str()));
        means.extend(classes.into_iter().map(|class| mean(class, &of, &spent)));
    }
    Ok(means)
}

/// Each name once, in the order of their first appearance.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn mean(class: &str, rows: &[&Row], spent: &[Spent]) -> ClassMean {
    let of: Vec<(&Row, &Spent)> = rows.iter().copied().zip(spent).filter(|(r, _)| r.class == class).collect();
    let n = of.len() as f64;
    let predicted = of.iter().fold((0.0, 0.0), |(run, ready), (_, s)| (run + s.run, ready + s.ready));
    let measured: Option<Vec<(f64, f64)>> = of.iter().map(|(r, _)| r.measured).collect();
    let sum = |rows: Vec<(f64, f64)>| {
        let (run, ready) = rows.iter().fold((0.0, 0.0), |all, row| (all.0 + row.0, all.1 + row.1));
        (run / n, ready / n)
    };
    ClassMean {
        run: of[0].0.run.clone(),
        cpus: of[0].0.cpus,
        class: class.to_string(),
        workers: of.len(),
        predicted: (100.0 * predicted.0 / n, 100.0 * predicted.1 / n),
        measured: measured.map(sum),
    }
}

impl ClassMean {
    /// Ready time as measured within 10 % or one point of what is predicted, if it was measured.
    pub fn is_met(&self) -> Option<bool> {
        self.measured.map(|(_, real)| (self.predicted.1 - real).abs() <= (0.1 * real).max(1.0))
    }
}

fn summary(means: &[ClassMean]) -> Vec<String> {
    let met: Vec<bool> = means.iter().filter_map(ClassMean::is_met).collect();
    if met.is_empty() {
        return Vec::new();
    }
    let good = met.iter().filter(|met| **met).count();
    let mean = |off: fn((f64, f64), (f64, f64)) -> f64| {
        let errors = means.iter().filter_map(|m| Some(off(m.predicted, m.measured?).abs()));
        errors.sum::<f64>() / met.len() as f64
    };
    let (run, ready) = (mean(|said, real| said.0 - real.0), mean(|said, real| said.1 - real.1));
    vec![
        format!("ready time within 10 % or one point of the measured mean: {good} of {} classes", met.len()),
        format!("mean error over them: run {run:.2} points, ready {ready:.2} points"),
    ]
}

/// Linux as on the built-in KVM platform, with the slice of the machine at hand.
fn scheduler(slice: Option<Span>) -> CpuProfile {
    let text = crate::profile::builtin("kvm").expect("a built-in profile");
    let spec = ProfileSpec::parse(text).expect("a built-in profile is well formed");
    let profile = spec.resolve("kvm", &mut Resolver::typical()).cpu;
    CpuProfile { slice: slice.unwrap_or(SLICE), ..profile }
}

fn rows(text: &str) -> Result<Vec<Row>, String> {
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
        let measured = (self.number("cpu_pct", -1.0, -1.0, 1e3)?, self.number("ready_pct", -1.0, -1.0, 1e3)?);
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
            measured: (measured.0 >= 0.0 && measured.1 >= 0.0).then_some(measured),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error = |text: &str| predict(text).expect_err("a mistake");
        assert!(error("").contains("empty"));
        assert!(error("run_id,M,class,mode,burst_us\n").contains("`duty`"));
        let heads = "run_id,M,class,mode,burst_us,duty\n";
        assert!(error(heads).contains("no rows"));
        assert!(error(&format!("{heads}A,1,x,closed,5000\n")).contains("line 2: 5 cells under 6"));
        assert!(error(&format!("{heads}A,1,x,loop,5000,0.2\n")).contains("closed, open or hog"));
        assert!(error(&format!("# a fact\n{heads}A,0,x,closed,5000,0.2\n")).contains("line 3: `M` is `0`"));
    }

    /// 12 hogs on 8 CPUs run 2/3 of the time and are ready the rest. Measured as 66 and 34 %, that is 2/3 of a
    /// point off in both and within one; as 46 and 54 %, 20 2/3 points off. Mean: 10 2/3.
    #[test]
    fn each_class_says_whether_it_is_met() {
        let hogs = |run: &str, real: &str| format!("{run},8,hog,hog,5000,1,{real}\n").repeat(12);
        let rows = hogs("A", "66,34") + &hogs("B", "46,54");
        let text = format!("run_id,M,class,mode,burst_us,duty,cpu_pct,ready_pct\n{rows}");
        let answer = predict(&text).expect("sound");
        let met: Vec<&str> = answer.rows.iter().map(|r| r.last().expect("cells").as_str()).collect();
        assert_eq!((met, answer.heads.last()), (vec!["yes", "no"], Some(&"within")));
        assert!(answer.summary[0].ends_with("1 of 2 classes"));
        assert_eq!(answer.summary[1], "mean error over them: run 10.67 points, ready 10.67 points");
    }

    /// Results may be missing; 12 hogs on 8 CPUs run 2/3 of the time.
    #[test]
    fn a_file_without_results() {
        let rows = "A,8,hog,hog,5000,1\n".repeat(12);
        let answer = predict(&format!("run_id,M,class,mode,burst_us,duty\n{rows}")).expect("sound");
        let ready = answer.json[0]["ready_pct"].as_f64().expect("a number");
        assert!((ready - 100.0 / 3.0).abs() < 1e-3 && answer.summary.is_empty());
        assert_eq!((answer.rows.len(), answer.rows[0].len()), (1, answer.heads.len()));
    }
}
