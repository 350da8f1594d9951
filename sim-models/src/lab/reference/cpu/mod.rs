//! Run time, ready time and wake-up delays of workers on pinned CPUs of a Linux machine: tables with one row
//! per worker, like `tests/data/linux-sched`.
//!
//! Columns are found by their names. `run_id`, `M`, `class`, `mode`, `burst_us` and `duty` are needed; `rep`,
//! `nice`, `group`, `shares`, `quota_us`, `period_us` and `slice_us` may be missing or empty; `cpu_pct`,
//! `ready_pct`, `wake_p50_us` and `wake_p99_us` are results and stand beside what is predicted, and with `win_s`, the
//! length of the measurement, it is known by how much they scatter. Lines that begin with `#` are facts about
//! the machine, of which `default_slice_ns` counts.

mod rows;

use super::Answer;
use crate::cpu::linux::{self, Spent, Worker};
use crate::profile::ProfileSpec;
use crate::profile::cpu::CpuProfile;
use crate::quantity::Resolver;
use rows::{Row, rows};
use serde_json::{Value, json};
use sim_core::Span;

/// EEVDF's slice on a machine of two CPUs, 0.7 ms x (1 + log2 of the CPUs) in kernel/sched/fair.c, where the file names none.
const SLICE: Span = Span::us(1_400);

/// Windows played for a standard error: it is then known to 5 %.
const WINDOWS: usize = 200;

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
    /// By how much a measured ready time of this length scatters because demand is random, where it is off by
    /// more than the tolerance and the file says how long was measured.
    pub scatter: Option<f64>,
    /// Ready time predicted for the demand that the workers really drew, from their measured ratio of run time to
    /// sleep: what is left of the error is the scheduler's. Where the file has results.
    pub at_drawn: Option<f64>,
    /// Predicted delays of wake-ups; `None` for workers that never sleep.
    pub wakes: Option<WakeUps>,
    /// P50 and P99 of wake-ups as measured, us.
    pub measured_wakes: Option<(f64, f64)>,
}

/// Delays of wake-ups, from the timer to the first instruction, us; means over workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WakeUps {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// What the model says of each class of workers of the file: per cent of time on a CPU and ready, and delays
/// of wake-ups.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn predict(text: &str) -> Result<Answer, String> {
    let means = class_means(text)?;
    let heads = ["run", "CPUs", "class", "workers", "run %", "measured", "ready %", "measured", "within"];
    let wakes = ["wake P50 us", "measured", "P99 us", "measured", "within"];
    Ok(Answer {
        json: means.iter().map(object).collect(),
        heads: heads.into_iter().chain(wakes).collect(),
        rows: means.iter().map(row).collect(),
        summary: summary(&means),
    })
}

fn object(m: &ClassMean) -> Value {
    let (run, ready) = m.predicted;
    let mut object =
        json!({"run_id": m.run, "class": m.class, "workers": m.workers, "run_pct": run, "ready_pct": ready});
    if let Some(wakes) = m.wakes {
        object["wake_mean_us"] = wakes.mean.into();
        object["wake_p50_us"] = wakes.p50.into();
        object["wake_p99_us"] = wakes.p99.into();
    }
    object
}

fn row(m: &ClassMean) -> Vec<String> {
    let number = |x: Option<f64>, digits: usize| x.map_or(String::new(), |x| format!("{x:.digits$}"));
    let both = |met: Option<bool>| met.map_or("", |met| if met { "yes" } else { "no" }).to_string();
    let (said, real) = (m.wakes, m.measured_wakes.filter(|_| m.wakes.is_some()));
    vec![
        m.run.clone(),
        m.cpus.to_string(),
        m.class.clone(),
        m.workers.to_string(),
        number(Some(m.predicted.0), 2),
        number(m.measured.map(|x| x.0), 2),
        number(Some(m.predicted.1), 2),
        number(m.measured.map(|x| x.1), 2),
        match m.errors() {
            Some(errors) => format!("{errors:.1} SE"),
            None => both(m.is_met()),
        },
        number(said.map(|w| w.p50), 0),
        number(real.map(|x| x.0), 0),
        number(said.map(|w| w.p99), 0),
        number(real.map(|x| x.1), 0),
        both(m.wakes_met().map(|(p50, p99)| p50 && p99)),
    ]
}

/// Predicted and measured means of every class, in the order of the file.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn class_means(text: &str) -> Result<Vec<ClassMean>, String> {
    Ok(means(&rows(text)?, None))
}

/// The same with another chance that two runnable workers on two CPUs share one of them, and without
/// [`ClassMean::scatter`].
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn class_means_misplaced(text: &str, misplaced: f64) -> Result<Vec<ClassMean>, String> {
    Ok(means(&rows(text)?, Some(misplaced)))
}

fn means(rows: &[Row], misplaced: Option<f64>) -> Vec<ClassMean> {
    let mut means = Vec::new();
    for run in distinct(rows.iter().map(|r| r.run.as_str())) {
        let of: Vec<&Row> = rows.iter().filter(|r| r.run == run).collect();
        let profile = scheduler(of[0].slice);
        let profile = CpuProfile { misplaced: misplaced.unwrap_or(profile.misplaced), ..profile };
        let bench = Bench::play(&profile, &of);
        let classes = distinct(of.iter().map(|r| r.class.as_str()));
        means.extend(classes.into_iter().map(|class| match misplaced {
            None => bench.scattered(class, &profile),
            Some(_) => bench.mean(class),
        }));
    }
    means
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

/// One configuration.
struct Bench<'a> {
    rows: &'a [&'a Row],
    workers: Vec<Worker>,
    spent: Vec<Spent>,
    /// With the demand really drawn.
    drawn: Option<Vec<Spent>>,
    wakes: Vec<Option<WakeUps>>,
}

impl<'a> Bench<'a> {
    fn play(profile: &CpuProfile, rows: &'a [&'a Row]) -> Bench<'a> {
        let workers: Vec<Worker> = rows.iter().map(|r| r.worker.clone()).collect();
        let spent = linux::predict(profile, rows[0].cpus, &workers);
        let drawn: Option<Vec<Worker>> = rows
            .iter()
            .map(|r| Some(r.worker.drawing(r.measured?.0 / 100.0, r.measured?.1 / 100.0)))
            .collect();
        let drawn = drawn.map(|workers| linux::predict(profile, rows[0].cpus, &workers));
        let mut wakes: Vec<Option<WakeUps>> = Vec::new();
        for (i, worker) in workers.iter().enumerate() {
            let like = workers[..i].iter().position(|before| before == worker);
            wakes.push(like.map_or_else(|| wake_ups(profile, rows[0].cpus, &workers, i), |like| wakes[like]));
        }
        Bench { rows, workers, spent, drawn, wakes }
    }

    fn members(&self, class: &str) -> Vec<usize> {
        (0..self.rows.len()).filter(|&i| self.rows[i].class == class).collect()
    }

    fn mean(&self, class: &str) -> ClassMean {
        let of = self.members(class);
        let first = self.rows[of[0]];
        let pair = |of_row: &dyn Fn(usize) -> Option<(f64, f64)>| -> Option<(f64, f64)> {
            let pairs: Vec<(f64, f64)> = of.iter().map(|&i| of_row(i)).collect::<Option<_>>()?;
            let (a, b) = pairs.iter().fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
            Some((a / of.len() as f64, b / of.len() as f64))
        };
        let predicted = pair(&|i| Some((100.0 * self.spent[i].run, 100.0 * self.spent[i].ready)));
        let wake = |figure: fn(&WakeUps) -> f64| {
            let all: Option<f64> = of.iter().map(|&i| self.wakes[i].as_ref().map(figure)).sum();
            all.map(|sum| sum / of.len() as f64)
        };
        let wakes = wake(|w| w.mean).zip(wake(|w| w.p50)).zip(wake(|w| w.p99));
        ClassMean {
            run: first.run.clone(),
            cpus: first.cpus,
            class: class.to_string(),
            workers: of.len(),
            predicted: predicted.expect("every worker is predicted"),
            measured: pair(&|i| self.rows[i].measured),
            scatter: None,
            at_drawn: pair(&|i| Some((0.0, 100.0 * self.drawn.as_ref()?[i].ready))).map(|drawn| drawn.1),
            wakes: wakes.map(|((mean, p50), p99)| WakeUps { mean, p50, p99 }),
            measured_wakes: pair(&|i| self.rows[i].wakes),
        }
    }

    /// The same with its scatter where it is off.
    fn scattered(&self, class: &str, profile: &CpuProfile) -> ClassMean {
        let mean = self.mean(class);
        let of = self.members(class);
        let window = self.rows[of[0]].window.filter(|_| mean.is_met() == Some(false));
        ClassMean { scatter: window.and_then(|length| self.scatter(&of, length, profile)), ..mean }
    }

    /// Standard deviation of the mean ready time of these workers over so many seconds, per cent.
    fn scatter(&self, of: &[usize], length: f64, profile: &CpuProfile) -> Option<f64> {
        let (cpus, misplaced) = (self.rows[0].cpus, profile.misplaced);
        let windows = linux::windows(cpus, misplaced, &self.workers, length, WINDOWS)?;
        let ready = |w: &Vec<Spent>| 100.0 * of.iter().map(|&i| w[i].ready).sum::<f64>() / of.len() as f64;
        let seen: Vec<f64> = windows.iter().map(ready).collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        let squares: f64 = seen.iter().map(|x| (x - mean) * (x - mean)).sum();
        Some((squares / (seen.len() - 1) as f64).sqrt())
    }
}

fn wake_ups(profile: &CpuProfile, cpus: u32, workers: &[Worker], who: usize) -> Option<WakeUps> {
    let (slice, busy) = (profile.slice.as_secs(), profile.wake.as_secs());
    let delay = linux::wake::delay(cpus, slice, busy, workers, who)?;
    Some(WakeUps {
        mean: 1e6 * delay.mean(),
        p50: 1e6 * delay.quantile(0.5),
        p99: 1e6 * delay.quantile(0.99),
    })
}

impl ClassMean {
    /// Ready time as measured within 10 % or one point of what is predicted, if it was measured.
    pub fn is_met(&self) -> Option<bool> {
        self.measured.map(|(_, real)| is_close(self.predicted.1, real))
    }

    /// The same for what is predicted for the demand really drawn.
    pub fn is_met_at_drawn(&self) -> Option<bool> {
        Some(is_close(self.at_drawn?, self.measured?.1))
    }

    /// How many standard errors of the measurement a class is off that is not met, where that is known.
    pub fn errors(&self) -> Option<f64> {
        Some((self.predicted.1 - self.measured?.1).abs() / self.scatter?)
    }

    /// Whether the median of measured wake-ups is within a factor of 2, and their P99 within one of 1.5 or
    /// one millisecond, if they were measured.
    pub fn wakes_met(&self) -> Option<(bool, bool)> {
        let (said, (p50, p99)) = (self.wakes?, self.measured_wakes?);
        let within = |said: f64, real: f64, factor: f64| said <= real * factor && real <= said * factor;
        Some((within(said.p50, p50, 2.0), within(said.p99, p99, 1.5) || (said.p99 - p99).abs() <= 1e3))
    }
}

fn is_close(said: f64, real: f64) -> bool {
    (said - real).abs() <= (0.1 * real).max(1.0)
}

fn summary(means: &[ClassMean]) -> Vec<String> {
    let met: Vec<bool> = means.iter().filter_map(ClassMean::is_met).collect();
    if met.is_empty() {
        return Vec::new();
    }
    let good = met.iter().filter(|met| **met).count();
    let drawn = means.iter().filter(|m| m.is_met_at_drawn() == Some(true)).count();
    let mean = |off: fn((f64, f64), (f64, f64)) -> f64| {
        let errors = means.iter().filter_map(|m| Some(off(m.predicted, m.measured?).abs()));
        errors.sum::<f64>() / met.len() as f64
    };
    let (run, ready) = (mean(|said, real| said.0 - real.0), mean(|said, real| said.1 - real.1));
    let mut lines = vec![
        format!("ready time within 10 % or one point of the measured mean: {good} of {} classes", met.len()),
        format!("the same for the demand that they really drew: {drawn} of {}", met.len()),
        format!("mean error over them: run {run:.2} points, ready {ready:.2} points"),
    ];
    let wakes: Vec<(bool, bool)> = means.iter().filter_map(ClassMean::wakes_met).collect();
    if !wakes.is_empty() {
        let (p50, p99) = (wakes.iter().filter(|w| w.0).count(), wakes.iter().filter(|w| w.1).count());
        let of = wakes.len();
        lines.push(format!(
            "wake-ups: P50 within 2x {p50} of {of} classes, P99 within 1.5x or 1 ms {p99} of {of}"
        ));
    }
    lines
}

/// The scheduler of a table that does not name its slice.
pub fn linux_profile() -> CpuProfile {
    scheduler(None)
}

/// Linux as on the built-in KVM platform, with the slice of the machine at hand.
fn scheduler(slice: Option<Span>) -> CpuProfile {
    let text = crate::profile::builtin("kvm").expect("a built-in profile");
    let spec = ProfileSpec::parse(text).expect("a built-in profile is well formed");
    let profile = spec.resolve("kvm", &mut Resolver::typical()).cpu;
    CpuProfile { slice: slice.unwrap_or(SLICE), ..profile }
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
        let met: Vec<&str> = answer.rows.iter().map(|r| r[8].as_str()).collect();
        assert_eq!((met, answer.heads[8]), (vec!["yes", "no"], "within"));
        assert!(answer.summary[0].ends_with("1 of 2 classes"));
        assert_eq!(answer.summary[2], "mean error over them: run 10.67 points, ready 10.67 points");
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
