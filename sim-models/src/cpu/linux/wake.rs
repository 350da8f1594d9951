//! How long a woken worker waits until it runs, beside others on CPUs with queues of their own.
//!
//! ```text
//!   n others runnable (arrival theorem) --> a CPU is free: the time that it takes to wake up
//!                                       \-> n / CPUs of them in its queue:
//!                                             it goes first      its lag, or theirs, says so
//!                                             it waits for W     P(W > t) = (1 - t / round) exp(-t / ends)
//! ```
//!
//! EEVDF lets those in the queue take turns of a slice. Who wakes with no claim on the past comes somewhere
//! in that round: `round` is a slice for each of them, and it is over early when bursts end (`ends`). A worker
//! that uses less than a slice at a time has lag in its favour and waits for the slice under way only.
//!
//! Fairness bounds the chance to wait: with n others a burst need not wait longer in all than n times its
//! length, and what a short burst waits, it waits when it wakes. That memory is lost while everybody
//! else sleeps: half of those who come back after that are treated as if they had none.
//!
//! The two factors that no such argument gives are from the event by event simulation of EEVDF in
//! `validation::cpu::eevdf`, none is from measured wake-ups.

use super::Worker;

/// From the timer to the first instruction on a CPU that idles, seconds: between the medians of 34 and 93 us
/// that two to eight workers of duty 0.1 and 0.2 measured (`tests/data/linux-sched`).
const IDLE: f64 = 55e-6;

/// An idle CPU polls this long before it halts, seconds, and wakes up like a busy one meanwhile:
/// `guest_halt_poll_ns` of Linux drivers/cpuidle/governors/haltpoll.c.
const POLL: f64 = 200e-6;

/// Chance to wait behind two or more equals: 0.82 to 0.93 in the simulation, whatever the load.
const BEHIND_MANY: f64 = 0.87;

/// What a worker meets at a wake-up: one of these, each with its chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    parts: Vec<Part>,
}

/// A latency, and after it a wait that is over by `round` at the latest; no wait where that is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    chance: f64,
    latency: f64,
    round: f64,
    ends: f64,
}

impl Part {
    /// Seconds.
    fn mean(&self) -> f64 {
        self.latency + mean_wait(self.round, self.ends)
    }

    fn above(&self, delay: f64) -> f64 {
        let waited = delay - self.latency;
        if waited < 0.0 {
            return 1.0;
        }
        if waited >= self.round {
            return 0.0;
        }
        (1.0 - waited / self.round) * libm::exp(-waited / self.ends)
    }
}

/// Integral of (1 - t / round) exp(-t / ends) up to `round`.
fn mean_wait(round: f64, ends: f64) -> f64 {
    let x = round / ends;
    if x < 1e-3 {
        return round * (0.5 - x / 6.0);
    }
    ends * (1.0 + libm::expm1(-x) / x)
}

impl Delay {
    /// Seconds.
    pub fn mean(&self) -> f64 {
        self.parts.iter().map(|p| p.chance * p.mean()).sum()
    }

    /// Chance that it is longer than so many seconds.
    pub fn above(&self, delay: f64) -> f64 {
        self.parts.iter().map(|p| p.chance * p.above(delay)).sum()
    }

    /// The delay, seconds, that a share `rank` of wake-ups does not exceed.
    pub fn quantile(&self, rank: f64) -> f64 {
        let most = self.parts.iter().map(|p| p.latency + p.round).fold(0.0, f64::max);
        let (mut low, mut high) = (0.0, most);
        for _ in 0..60 {
            let mid = 0.5 * (low + high);
            if self.above(mid) > 1.0 - rank { low = mid } else { high = mid }
        }
        high
    }
}

/// What is on the CPUs when one worker wakes.
struct Fellows {
    /// Ends of bursts per second of somebody else's running.
    ends: f64,
    /// Mean weight of those that run over that of the worker.
    heavier: f64,
}

/// The wake-up delay of worker `who` on so many CPUs whose scheduler gives slices of `slice` seconds; `busy` is
/// the latency of a CPU that runs something, seconds. `None` for a worker that never sleeps. What a
/// bandwidth limit holds back is not in it.
pub fn delay(cpus: u32, slice: f64, busy: f64, workers: &[Worker], who: usize) -> Option<Delay> {
    let me = &workers[who];
    if !me.sleeps() {
        return None;
    }
    let others: Vec<&Worker> =
        workers.iter().enumerate().filter(|(i, _)| *i != who).map(|(_, w)| w).collect();
    let fellows = fellows(workers, me, &others);
    let sleepers = workers.iter().filter(|w| w.sleeps());
    let polls = -libm::expm1(-POLL * sleepers.map(|w| 1.0 / w.think()).sum::<f64>());
    let free = |chance: f64| {
        let part = |chance: f64, latency: f64| Part { chance, latency, round: 0.0, ends: 1.0 };
        [part(chance * polls, busy), part(chance * (1.0 - polls), IDLE)]
    };
    let mut parts = Vec::new();
    for (n, chance) in runnable(cpus, &others).into_iter().enumerate().filter(|(_, p)| *p > 1e-12) {
        if n < cpus as usize {
            parts.extend(free(chance));
            continue;
        }
        // As evenly as whole workers can be.
        let (queue, longer) = (n / cpus as usize, (n % cpus as usize) as f64 / f64::from(cpus));
        for (queue, chance) in [(queue, chance * (1.0 - longer)), (queue + 1, chance * longer)] {
            parts.extend(behind(queue as f64, slice, me, &fellows).map(|(share, round, ends)| Part {
                chance: chance * share,
                latency: busy,
                round,
                ends,
            }));
        }
    }
    Some(Delay { parts })
}

fn fellows(workers: &[Worker], me: &Worker, others: &[&Worker]) -> Fellows {
    let presence: f64 = others.iter().map(|w| w.offered()).sum();
    let mean = |of: &dyn Fn(&Worker) -> f64| {
        let sum: f64 = others.iter().map(|w| w.offered() * of(w)).sum();
        if presence > 0.0 { sum / presence } else { 0.0 }
    };
    let ends = mean(&|w| if w.sleeps() { 1.0 / w.work() } else { 0.0 });
    Fellows { ends, heavier: mean(&|w| w.part(workers)) / me.part(workers) }
}

/// Going first and waiting behind `queue` others: chance, round and mean time to an end of it, seconds.
fn behind(queue: f64, slice: f64, me: &Worker, fellows: &Fellows) -> [(f64, f64, f64); 2] {
    // Others as heavy as the worker would take as much of the CPU.
    let equals = queue * fellows.heavier;
    let turns = if fellows.heavier < 1.0 { equals } else { equals.max(queue) };
    let uses_slices = -libm::expm1(-me.work() / slice);
    let round = slice * (1.0 + (turns - 1.0).max(0.0) * uses_slices);
    let ends = queue / fellows.ends.max(1e-9);
    // A lone one that has had its slice gives way at once; the longer its bursts the more of them have.
    let fresh = -libm::expm1(-slice * equals.max(1.0) * fellows.ends);
    let late = if queue > 1.0 { BEHIND_MANY } else { fresh * (1.0 - fresh / 3.0) } * equals.min(1.0);
    let owed = equals * me.work() / mean_wait(round, ends);
    let light = if late > 0.0 { 1.0 - (owed / late).min(1.0) } else { 0.0 };
    let forgotten = -libm::expm1(-me.think() * fellows.ends);
    let waits = late * (1.0 - light * (1.0 - 0.5 * forgotten));
    [(1.0 - waits, 0.0, 1.0), (waits, round, ends)]
}

/// The law of the number of these workers runnable, as one meets it that is not among them: the product form
/// of [`crate::cpu::pool`], in logarithms since a worker that never sleeps has no odds.
pub fn runnable(cpus: u32, workers: &[&Worker]) -> Vec<f64> {
    let mut logs = vec![0.0];
    for worker in workers {
        let asleep = (1.0 - worker.offered()).max(1e-12);
        let odds = libm::log(worker.offered() / asleep);
        logs.push(f64::NEG_INFINITY);
        for n in (1..logs.len()).rev() {
            logs[n] = log_sum(logs[n], logs[n - 1] + odds);
        }
    }
    let mut crowd = 0.0;
    for (n, log) in logs.iter_mut().enumerate().skip(1) {
        crowd += libm::log(n as f64 / (n as f64).min(f64::from(cpus)));
        *log += crowd;
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let chances: Vec<f64> = logs.iter().map(|log| libm::exp(log - most)).collect();
    let all: f64 = chances.iter().sum();
    chances.into_iter().map(|p| p / all).collect()
}

/// Logarithm of the sum of two numbers given by theirs.
fn log_sum(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn closed(burst: f64, duty: f64) -> Worker {
        Worker { mode: Mode::Closed, burst, duty, ..Worker::endless() }
    }

    /// Four workers of duty 0.2, r = 1/4, on one CPU: among three others P(n) ~ 1, 3/4, 3/8, 3/32.
    #[test]
    fn a_wake_up_meets_the_others() {
        let others = vec![closed(5.0, 0.2); 3];
        let law = runnable(1, &others.iter().collect::<Vec<_>>());
        for (p, weight) in law.iter().zip([1.0, 0.75, 0.375, 0.09375]) {
            assert!((p - weight / 2.21875).abs() < 1e-5, "{law:?}");
        }
    }

    /// The mean is the integral of the chance to be longer, and a quantile is where that is what is left.
    #[test]
    fn figures_of_one_delay_agree() {
        let workers = vec![closed(0.005, 0.3); 4];
        let delay = delay(1, 1.4e-3, 20e-6, &workers, 0).expect("it sleeps");
        let step = 1e-6;
        let integral: f64 = (0..10_000).map(|i| step * delay.above(step * (f64::from(i) + 0.5))).sum();
        assert!((integral - delay.mean()).abs() < 1e-3 * delay.mean(), "{integral} {}", delay.mean());
        for rank in [0.8, 0.9, 0.99] {
            assert!((delay.above(delay.quantile(rank)) - (1.0 - rank)).abs() < 1e-9);
        }
    }

    /// Alone on an idle CPU there is a latency only: 55 us, or 20 us in the first 200 us of a think of 2 ms.
    #[test]
    fn alone_nobody_waits() {
        let delay = delay(2, 1.4e-3, 20e-6, &[closed(0.002, 0.5)], 0).expect("it sleeps");
        let polls = -libm::expm1(-0.1);
        assert!((delay.mean() - (polls * 20e-6 + (1.0 - polls) * 55e-6)).abs() < 1e-12, "{}", delay.mean());
        assert_eq!(super::delay(1, 1.4e-3, 20e-6, &[Worker::endless()], 0), None);
    }

    /// Beside three that never sleep a short burst waits three times its length in the mean: their lag.
    #[test]
    fn a_light_worker_waits_its_fair_share() {
        let mut workers = vec![Worker::endless(); 4];
        workers[0] = closed(50e-6, 0.01);
        let delay = delay(1, 1.4e-3, 20e-6, &workers, 0).expect("it sleeps");
        assert!((delay.mean() - 20e-6 - 3.0 * workers[0].work()).abs() < 1e-6, "{}", delay.mean());
    }
}
