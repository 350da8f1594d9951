//! Loads of a test bench on pinned CPUs of a Linux machine, as the files under `tests/data/linux-sched` list
//! them, and what the pool model says of each worker.
//!
//! Only what is special about a bench is here: what its workers and the kernel add to each burst, cgroups
//! instead of VMs, work that arrives whether or not its worker is ready (`open`), bandwidth limits over a
//! period (`quota`), and, on CPUs few enough to tell their queues apart, who goes first (`lone`) and how
//! long a wake-up waits ([`wake`]).

mod lone;
mod open;
mod quota;
pub mod wake;

use super::imbalance::wait_factor;
use super::pool::{Capacity, Share};
use super::settle::{Cache, Entry, solve};
use super::weighted::{self, Class};
use crate::profile::cpu::CpuProfile;

/// CPU time beyond the burst asked for: timer, system calls, context switch, seconds. From 11,000 bursts of
/// 200 and 300 us on one CPU, which took 17 to 19 us more, and 3,300 of 50 us, which took 7 to 13 us more.
const BURST_EXTRA: f64 = 15e-6;

/// A wake-up counts as ready for this long even with preemption, seconds: 13 us for a probe beside one hog,
/// less what it really waits.
pub const WAKE_READY: f64 = 8e-6;

/// How a worker gets its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A burst, then a think from its completion on.
    Closed,
    /// Bursts arrive at random and queue up.
    Open,
    /// It never sleeps.
    Hog,
}

/// One worker, by configuration alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// How it gets its work.
    pub mode: Mode,
    /// Mean burst asked for, seconds.
    pub burst: f64,
    /// Share of a CPU that it would use alone.
    pub duty: f64,
    /// Nice value, -20 to 19.
    pub nice: i32,
    /// Name of its cgroup; empty without one.
    pub group: String,
    /// Weight of that cgroup as cgroup v1 shares, 1024 by default.
    pub shares: f64,
    /// CPU seconds that the cgroup gets per `period`; infinite without a limit.
    pub quota: f64,
    /// Seconds.
    pub period: f64,
}

/// How a worker spends its time, as shares; the rest is sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// On a CPU.
    pub run: f64,
    /// Runnable and not running, throttling included.
    pub ready: f64,
}

impl Worker {
    /// What a burst really takes, seconds.
    pub fn work(&self) -> f64 {
        self.burst + BURST_EXTRA
    }

    /// Mean sleep between bursts, seconds.
    pub fn think(&self) -> f64 {
        self.burst * (1.0 - self.duty) / self.duty
    }

    fn offered(&self) -> f64 {
        match self.mode {
            Mode::Hog => 1.0,
            _ => self.work() / (self.work() + self.think()),
        }
    }

    /// Weight of its nice value: each step is a quarter (kernel/sched/core.c, sched_prio_to_weight).
    fn weight(&self) -> f64 {
        1024.0 / libm::pow(1.25, f64::from(self.nice))
    }

    /// One that never sleeps, without a group of its own.
    pub fn endless() -> Worker {
        let (group, shares) = (String::new(), 1024.0);
        let (burst, duty, nice) = (1.0, 1.0, 0);
        Worker { mode: Mode::Hog, burst, duty, nice, group, shares, quota: f64::INFINITY, period: 0.1 }
    }

    /// The same worker with the demand that it really drew, from the shares of time that it ran and was ready.
    pub fn drawing(&self, run: f64, ready: f64) -> Worker {
        let sleep = (1.0 - run - ready).max(1e-6);
        let duty = match self.mode {
            Mode::Hog => self.duty,
            Mode::Open => run * self.burst / self.work(),
            Mode::Closed => self.burst / (self.burst + self.work() * sleep / run.max(1e-6)),
        };
        Worker { duty, ..self.clone() }
    }

    fn sleeps(&self) -> bool {
        self.mode != Mode::Hog
    }

    /// Its weight among `workers`, or its part of that of its cgroup.
    fn part(&self, workers: &[Worker]) -> f64 {
        if self.group.is_empty() || workers.iter().all(|w| w.group == self.group) {
            return self.weight();
        }
        self.shares / workers.iter().filter(|w| w.group == self.group).count() as f64
    }

    fn is_limited(&self) -> bool {
        self.quota.is_finite()
    }
}

/// What each worker of one configuration on so many CPUs meets.
pub fn predict(profile: &CpuProfile, cpus: u32, workers: &[Worker]) -> Vec<Spent> {
    let first = &workers[0];
    let one_group = workers.iter().all(|w| w.group == first.group);
    let closed = workers.iter().all(|w| w.mode == Mode::Closed);
    if workers.iter().any(|w| w.mode == Mode::Open) {
        return open::predict(cpus, profile.misplaced, workers);
    }
    if one_group && first.is_limited() && closed {
        return vec![quota::predict(cpus, workers); workers.len()];
    }
    let shares = match workers.iter().any(|w| !w.group.is_empty() && !one_group) {
        true => grouped(profile, cpus, workers),
        false => alone(profile, cpus, workers),
    };
    shares.iter().zip(workers).map(|(share, w)| woken(share, w)).collect()
}

/// The same in each of so many windows of `length` seconds: how far measurements of that length scatter. `None`
/// with weights or limits, which the play of random demand does not know.
pub fn windows(
    cpus: u32,
    misplaced: f64,
    workers: &[Worker],
    length: f64,
    count: usize,
) -> Option<Vec<Vec<Spent>>> {
    let weight = workers[0].part(workers);
    let differ = |w: &Worker| w.is_limited() || w.part(workers) != weight;
    (!workers.iter().any(differ)).then(|| open::windows(cpus, misplaced, workers, length, count))
}

/// Adds what every wake-up counts as ready.
fn woken(share: &Share, worker: &Worker) -> Spent {
    let share = match worker.mode {
        Mode::Closed if share.run > 0.0 => {
            share.waiting_in_all(share.ready / share.run + WAKE_READY / worker.work())
        }
        _ => *share,
    };
    Spent { run: share.run, ready: share.ready }
}

/// Workers that compete one by one.
fn alone(profile: &CpuProfile, cpus: u32, workers: &[Worker]) -> Vec<Share> {
    let fellows = |w: &Worker| workers.iter().filter(|other| other.group == w.group).count() as f64;
    let entry = |w: &Worker| Entry {
        vcpus: 1,
        duty: w.offered(),
        burst: w.work(),
        weight: w.part(workers),
        reserved: 0.0,
        cap: if w.is_limited() { (w.quota / w.period / fellows(w)).min(1.0) } else { 1.0 },
    };
    let entries: Vec<Entry> = workers.iter().map(entry).collect();
    let met = solve(profile, Capacity::cpus(cpus), &entries, &mut Cache::new());
    let mut shares: Vec<Share> =
        met.iter().map(|m| Share { run: m.run, ready: m.ready, wait: m.wait }).collect();
    if cpus == 1 {
        lone::goes_first(profile.slice.as_secs(), workers, &mut shares);
    }
    shares
}

fn members<'a>(workers: &'a [Worker], group: &'a str) -> impl Iterator<Item = &'a Worker> {
    workers.iter().filter(move |w| w.group == group)
}

/// cgroups: the workers of one share its weight. More of them than a chain keeps apart compete one by one,
/// each with its part of the weight.
fn grouped(profile: &CpuProfile, cpus: u32, workers: &[Worker]) -> Vec<Share> {
    let mut names: Vec<&str> = workers.iter().map(|w| w.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > weighted::MAX_CLASSES || workers.iter().any(Worker::is_limited) {
        return alone(profile, cpus, workers);
    }
    let class = |name: &&str| {
        let n = members(workers, name).count() as f64;
        let demand: f64 = members(workers, name).map(Worker::offered).sum();
        let cycles: f64 = members(workers, name).map(|w| w.offered() / w.work()).sum();
        let first = members(workers, name).next().expect("a group has a member");
        let grouped = !name.is_empty();
        let weight = if grouped { first.shares } else { first.weight() };
        Class { vcpus: n as u32, duty: demand / n, burst: demand / cycles, weight, reserved: 0.0, grouped }
    };
    let classes: Vec<Class> = names.iter().map(class).collect();
    let capacity = Capacity::cpus(cpus);
    let shares = weighted::solve(capacity, &classes);
    let n = workers.len() as f64;
    let duty = workers.iter().map(Worker::offered).sum::<f64>() / n;
    let late = wait_factor(profile, capacity.threads, n, duty);
    let of = |w: &Worker| names.iter().position(|name| *name == w.group).expect("collected above");
    workers.iter().map(|w| shares[of(w)].waiting_times(late)).collect()
}
