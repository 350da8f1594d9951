//! From what was written down to figures.

use super::place::{Areas, Place};
use super::plan::{Plan, StagePlan};
use super::spec::Discipline;
use super::watch::{Lot, Watch};
use crate::lab::Seen;
use sim_core::SimTime;

/// All figures of one run, which ended empty at `now`.
pub fn write<const N: usize>(plan: &Plan, watch: &Watch, places: &[Place<N>], now: SimTime) -> Seen {
    let mut seen = Seen::default();
    let shares = plan.stages.iter().any(|s| s.discipline == Discipline::Ps);
    let waits = !plan.forks() && !shares;
    let empty = (now, Vec::new());
    let (begin, before) = watch.begin.as_ref().unwrap_or(&empty);
    let (end, after) = watch.end.as_ref().unwrap_or(&empty);
    let time = end.since(*begin).0 as f64;

    system(&mut seen, watch, time);
    lot(&mut seen, "", &watch.all, waits);
    for (i, class) in plan.classes.iter().enumerate().filter(|_| plan.classes.len() > 1) {
        let of = format!("{}.", class.name);
        seen.ratio(format!("{of}present"), watch.census.area[i] as f64, time);
        seen.ratio(format!("{of}throughput"), watch.census.served[i] as f64, time * 1e-9);
        lot(&mut seen, &of, &watch.classes[i], waits);
    }
    let apart = plan.tells_stages();
    for (i, stage) in plan.stages.iter().enumerate() {
        let mut sum = Areas::default();
        let copies = places.iter().zip(before.iter().zip(after)).filter(|(p, _)| p.stage == i);
        copies.for_each(|(_, (before, after))| sum.add(before, after));
        let of = if apart { format!("{}.", stage.name) } else { String::new() };
        servers(&mut seen, &of, stage, &sum, time);
        if apart {
            seen.ratio(format!("{of}present"), sum.inside as f64, time);
            lot(&mut seen, &of, &watch.stages[i], stage.discipline != Discipline::Ps);
        }
    }
    identities(&mut seen, plan, places, now);
    seen
}

/// The system as a whole, over the time that was measured and as its arrivals saw it.
fn system(seen: &mut Seen, watch: &Watch, time: f64) {
    let census = &watch.census;
    seen.ratio("present", census.area.iter().sum::<u128>() as f64, time);
    seen.ratio("found", watch.found as f64, watch.looked as f64);
    seen.ratio("empty", census.empty as f64, time);
    seen.ratio("found_empty", watch.found_empty as f64, watch.looked as f64);
    seen.ratio("throughput", census.served.iter().sum::<u64>() as f64, time * 1e-9);
}

/// Jobs or legs that came while it was measured.
fn lot(seen: &mut Seen, of: &str, lot: &Lot, waits: bool) {
    seen.ratio(format!("{of}loss"), lot.lost as f64, lot.came as f64);
    if waits {
        seen.ratio(format!("{of}waited"), lot.waited as f64, lot.served as f64);
    }
    for (what, histogram) in [("sojourn", &lot.sojourns), ("wait", &lot.waits)] {
        if histogram.count() > 0 {
            seen.samples.push((format!("{of}{what}"), histogram.clone()));
        }
    }
}

/// What the servers of a stage did.
fn servers(seen: &mut Seen, of: &str, stage: &StagePlan, sum: &Areas, time: f64) {
    seen.ratio(format!("{of}utilisation"), sum.busy as f64, sum.capacity as f64);
    seen.ratio(format!("{of}waiting"), sum.inside.saturating_sub(sum.busy) as f64, time);
    if stage.outage.is_some() {
        seen.ratio(format!("{of}availability"), sum.uptime as f64, time * f64::from(stage.fork.legs));
    }
}

/// What must be 0, over the whole run from empty to empty.
fn identities<const N: usize>(seen: &mut Seen, plan: &Plan, places: &[Place<N>], now: SimTime) {
    let little: i128 = places.iter().map(|p| p.little_gap(now)).sum();
    seen.value("little_gap", little as f64 * 1e-9);
    if plan.stages.iter().all(StagePlan::conserves_work) {
        let work: i128 = places.iter().map(Place::work_gap).sum();
        seen.value("work_gap", work as f64 * 1e-9);
    }
}

impl Areas {
    fn add(&mut self, before: &Areas, after: &Areas) {
        self.inside += after.inside - before.inside;
        self.busy += after.busy - before.busy;
        self.capacity += after.capacity - before.capacity;
        self.uptime += after.uptime - before.uptime;
    }
}
