//! One CPU, one worker that never sleeps, and another that wakes beside it.
//!
//! In proportion to its burst the other would wait as long as it works. But a scheduler that ends slices
//! exactly (Linux with HRTICK) lets it go first: the lone worker, alone for longer than a slice, has no claim
//! on another one, and what the other owes from its last burst is made up for while it sleeps. Then it
//! waits only between its slices: with exponential bursts of mean b and slices s, s q / (1 - q) in all,
//! q = exp(-s / b) being the chance that a slice is not enough.
//!
//! It does not go first when it comes back too soon. How soon that is no closed form says: from the event by
//! event simulation of EEVDF in `validation::cpu::eevdf`, with thinks of mean Z it goes first in Z / (Z + 0.65 s)
//! of wake-ups, and the 0.65 falls as (b / s)^0.4 for bursts shorter than a slice.

use super::wake::runnable;
use super::{Mode, Worker};
use crate::cpu::pool::Share;

/// The shares of workers in proportion to their bursts, changed where one goes first.
pub fn goes_first(slice: f64, workers: &[Worker], shares: &mut [Share]) {
    let hogs = workers.iter().filter(|w| w.mode == Mode::Hog).count();
    let weight = workers[0].part(workers);
    let differ = |w: &Worker| w.is_limited() || w.part(workers) != weight;
    if hogs != 1 || workers.iter().any(differ) {
        return;
    }
    let sleepers = || workers.iter().enumerate().filter(|(_, w)| w.sleeps());
    for (i, worker) in sleepers() {
        let others: Vec<&Worker> =
            workers.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| w).collect();
        let (per_work, alone) = (shares[i].ready / shares[i].run, runnable(1, &others)[1]);
        let saved = alone * saved(slice, worker);
        shares[i] = shares[i].waiting_in_all((per_work - saved).max(0.0));
    }
    let running: f64 = sleepers().map(|(i, _)| shares[i].run).sum();
    for (share, _) in shares.iter_mut().zip(workers).filter(|(_, w)| !w.sleeps()) {
        *share = Share { run: 1.0 - running, ready: running, ..*share };
    }
}

/// Wait per work that going first saves beside a lone worker.
fn saved(slice: f64, worker: &Worker) -> f64 {
    let slices = worker.work() / slice;
    let another = libm::exp(-1.0 / slices);
    let first = 1.0 - another / (1.0 - another) / slices;
    let soon = 0.65 * slice * libm::pow(slices.min(1.0), 0.4);
    first * worker.think() / (worker.think() + soon)
}

#[cfg(test)]
mod tests {
    use super::super::predict;
    use super::*;
    use crate::lab::reference::cpu::linux_profile;

    /// Bursts of a slice, 1.385 ms and 15 us of overhead, after long thinks: q = 1 / e, so that it waits q / (1 - q) =
    /// 0.582 of its work instead of all of it, and 8 us per wake-up. The other waits while it runs.
    #[test]
    fn bursts_of_a_slice_wait_between_their_slices() {
        let sleeper = Worker { mode: Mode::Closed, burst: 1.385e-3, duty: 1e-4, ..Worker::endless() };
        let spent = predict(&linux_profile(), 1, &[sleeper, Worker::endless()]);
        let per_work = spent[0].ready / spent[0].run;
        assert!((per_work - 0.58198 - 8e-6 / 1.4e-3).abs() < 2e-3, "{per_work}");
        assert!((spent[1].ready - spent[0].run).abs() < 1e-6, "{spent:?}");
    }

    /// Two that never sleep, a second CPU or another weight: in proportion, or not this law's case.
    #[test]
    fn only_beside_a_lone_equal() {
        let sleeper = Worker { mode: Mode::Closed, burst: 1e-4, duty: 0.01, ..Worker::endless() };
        let heavier = Worker { nice: -5, ..Worker::endless() };
        let mut equal = [Share { run: 0.01, ready: 0.02, wait: 1.0 }; 3];
        let before = equal;
        goes_first(1.4e-3, &[sleeper.clone(), Worker::endless(), Worker::endless()], &mut equal);
        goes_first(1.4e-3, &[sleeper, heavier], &mut equal[..2]);
        assert_eq!(equal, before);
    }
}
