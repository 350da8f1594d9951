//! A cgroup with a bandwidth limit: so much CPU time per period, then it stands still until the next one.
//!
//! The state is (active workers, CPU time left in this period). It is followed through a period in small
//! steps, from the law of active workers with which periods begin; that law is the one with which they end.

use super::{Spent, Worker};

/// Steps of a period.
const STEPS: usize = 400;
/// Periods until the law with which they begin has settled.
const PERIODS: usize = 12;

/// What each of the equal workers of a limited cgroup meets that has the CPUs to itself.
pub fn predict(cpus: u32, workers: &[Worker]) -> Spent {
    let (n, first) = (workers.len(), &workers[0]);
    let mean = |of: fn(&Worker) -> f64| workers.iter().map(of).sum::<f64>() / n as f64;
    let step = first.period / STEPS as f64;
    let rates = Rates {
        // The mean number of steps is then right; a time shorter than a step is one step.
        wake: (step / mean(Worker::think).max(1e-9)).min(1.0),
        done: (step / mean(Worker::work)).min(1.0),
        cpus: cpus as usize,
    };
    let budget = (first.quota / step + 0.5) as usize;
    let mut begin = vec![0.0; n + 1];
    begin[0] = 1.0;
    let mut spent = Spent::default();
    for _ in 0..PERIODS {
        spent = rates.period(&mut begin, budget);
    }
    let all = (STEPS * n) as f64;
    Spent { run: spent.run / all, ready: spent.ready / all }
}

struct Rates {
    wake: f64,
    done: f64,
    cpus: usize,
}

impl Rates {
    /// Plays one period; `law` is that of the active workers at its begin, and then at its end. The answer
    /// is worker-steps.
    fn period(&self, law: &mut [f64], budget: usize) -> Spent {
        let n = law.len() - 1;
        // p[active][steps of CPU time used].
        let mut p = vec![vec![0.0; budget + 1]; n + 1];
        law.iter().zip(&mut p).for_each(|(law, p)| p[0] = *law);
        let mut spent = Spent::default();
        for _ in 0..STEPS {
            let mut after = vec![vec![0.0; budget + 1]; n + 1];
            for (active, p) in p.iter().enumerate() {
                for (used, &p) in p.iter().enumerate().filter(|(_, p)| **p > 1e-15) {
                    let runs = active.min(self.cpus).min(budget - used);
                    spent.run += p * runs as f64;
                    spent.ready += p * (active - runs) as f64;
                    let (up, down) = ((n - active) as f64 * self.wake, runs as f64 * self.done);
                    let (up, down) = (up.min(0.5), down.min(0.5));
                    after[active][used + runs] += p * (1.0 - up - down);
                    if active < n {
                        after[active + 1][used + runs] += p * up;
                    }
                    if active > 0 {
                        after[active - 1][used + runs] += p * down;
                    }
                }
            }
            p = after;
        }
        law.iter_mut().zip(&p).for_each(|(law, p)| *law = p.iter().sum());
        spent
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn limited(duty: f64, quota: f64) -> Worker {
        let group = "limited".to_string();
        Worker { mode: Mode::Closed, burst: 0.005, duty, nice: 0, group, shares: 1024.0, quota, period: 0.1 }
    }

    /// A worker that asks for far more than its limit runs that, thinks in proportion and is held back for
    /// the rest: at duty 0.9 and a limit of 0.2, 0.2 / 9 = 2.2 % thinking (15 us per burst less), 77.8 %.
    #[test]
    fn far_above_the_limit() {
        let spent = predict(1, &[limited(0.9, 0.02)]);
        assert!((spent.run - 0.2).abs() < 1e-6, "{spent:?}");
        assert!((spent.ready - (0.8 - 0.2 / 9.0)).abs() < 0.002, "{spent:?}");
    }

    /// A limit that is never met does nothing.
    #[test]
    fn far_below_the_limit() {
        let spent = predict(1, &[limited(0.1, 0.1)]);
        assert!((spent.run - 0.1).abs() < 0.001 && spent.ready < 1e-9, "{spent:?}");
    }

    /// A mean demand just below the limit is held back now and then, because a period's demand is random.
    #[test]
    fn demand_is_random_within_a_period() {
        let spent = predict(1, &[limited(0.28, 0.03)]);
        assert!(spent.ready > 0.02 && spent.run > 0.22 && spent.run < 0.28, "{spent:?}");
    }
}
