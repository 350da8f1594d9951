//! Queues: who comes, where they wait, and who serves them.
//!
//! ```text
//! class 1 --(arrivals, batches)--+      +--> copy 1 --+ k of n     +--> copy 1 --+
//! class 2 --(arrivals, batches)--+--> stage 1 ...     +--------> stage 2 ...     +--------> out
//!   or a closed population       |      +--> copy n --+            +--> copy n --+           |
//!          ^                     +--> lost: no room, or an outage                            |
//!          +------------------------ think ------------------------------------------------- +
//! ```
//!
//! Every copy of a stage is one [`sim_core::station`] of the cluster's own: `Station` or, for equal shares,
//! `Sharing`. A run goes from empty to empty: what is measured are the jobs that come after the warm-up, and
//! the time until the last of them comes. Others come as before until all of these have left (unless a queue grows for
//! ever, or too many would have to), then nobody does, and the run ends when all have left.
//!
//! ```ron
//! Station(
//!     classes: [
//!         (name: "gold", arrivals: Poisson(PerS(0.3)), service: Exp(Secs(1))),
//!         (name: "lead", arrivals: Poisson(PerS(0.3)), service: Exp(Secs(1))),
//!     ],
//!     discipline: PriorityPreemptive, servers: 1, buffer: 20,
//!     outage: (up: Exp(Min(10)), down: Always(Secs(5)), jobs: Wait),
//!     jobs: 50000, warmup: Jobs(1000),
//! )
//! ```
//!
//! Figures, over all jobs and, where there are several, per class (`<class>.`) and per stage (`<stage>.`):
//!
//! | figure | meaning |
//! |---|---|
//! | `sojourn`, `wait` | samples: time from arrival to the end, and what of it was not service; none of `wait` over a fork |
//! | `present`, `empty` | number in the system averaged over time; share of time with nobody |
//! | `found`, `found_empty` | the same as seen by arrivals, a batch looking once |
//! | `waited` | share of the jobs served that waited at all |
//! | `throughput` | jobs per second that were served |
//! | `loss` | share of the jobs (of a stage: of its legs) that were refused or lost to an outage |
//! | `utilisation`, `availability` | share of the capacity at work; share of the servers' time that they were up |
//! | `waiting` | number that wait at a stage, averaged over time |
//! | `little_gap` | area under the jobs inside minus the sum of all stays, in job-seconds: an integer identity, so 0 |
//! | `work_gap` | work that servers ought to have done, as nobody idles while others wait, minus what was asked: 0, but under `Ps` at several servers up to 1 ns for each job, as a service that ends within a nanosecond holds its place until the next |
//!
//! Means are exact whatever their size; quantiles are told up to an hour. A mixture of laws, such as the
//! hyperexponential, is several classes under `Fcfs`.

mod network;
mod place;
mod plan;
mod report;
mod resolve;
mod source;
mod spec;
mod watch;

#[cfg(test)]
mod tests;

pub use spec::{Arrivals, Batch, Class, Discipline, Extent, Fate, Fork, Outage, Spec, Stage};

use super::{Bench, Seen, endless};
use network::Network;
use plan::Plan;
use sim_core::Streams;

impl Bench for Plan {
    fn play(&self, name: &str, streams: &Streams) -> Result<Seen, String> {
        // Two classes are what the cluster's stations have; more of them cost time at every event.
        match self.ranks() {
            0..=2 => Network::<2>::run(self, name, streams),
            3..=4 => Network::<4>::run(self, name, streams),
            _ => Network::<{ plan::MOST_CLASSES }>::run(self, name, streams),
        }
    }

    fn doubts(&self) -> Vec<String> {
        let overloaded = (0..self.stages.len()).filter_map(|i| {
            let asked = self.asked(i).filter(|asked| *asked >= 1.0 && asked.is_finite())?;
            let place = if self.tells_stages() { format!("`{}` ", self.stages[i].name) } else { String::new() };
            Some(format!(
                "{place}is asked for {asked:.2} times what it can serve, so the queue grows for as long as jobs \
                 come: lengths and times do not settle, they tell the length of the run"
            ))
        });
        let endless = self.without_mean().into_iter().map(|what| endless(&what));
        overloaded.chain(endless).collect()
    }
}
