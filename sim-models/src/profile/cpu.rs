//! How a platform schedules vCPUs.

use crate::quantity::Resolver;
use serde::Deserialize;

/// Over which CPUs a vCPU is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Pool {
    /// Those of its NUMA home node; a VM wider than a node has vCPUs on several.
    NumaNode,
    /// All of its host.
    Host,
}

/// How the imbalance seen with two CPUs carries over to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Imbalance {
    /// Perfectly balanced queues: the closed form itself.
    None,
    /// The wait of a cycle is longer by the same factor in pools of any size.
    Constant,
    /// The excess falls as 2 / CPUs: a woken vCPU finds an idle CPU the easier the more there are.
    Vanishing,
}

crate::section! {
    /// CPU scheduler of a platform.
    pub struct CpuProfile / CpuProfileSpec {
        /// Over which CPUs a vCPU is scheduled.
        pool: Choice<Pool>,
        /// Time slice: how long a vCPU runs before the scheduler looks again.
        slice: Time,
        /// Work of a core with both threads busy over that of a core with one.
        ht_gain: Number,
        /// Share of a host's CPUs that guests keep however busy the hypervisor is.
        guests_least: Fraction,
        /// How the imbalance of per-CPU run queues carries over to more than two CPUs.
        imbalance: Choice<Imbalance>,
        /// Two runnable vCPUs on two CPUs queue behind each other with this probability.
        misplaced: Fraction,
        /// The factor that this puts on the wait of a cycle is at most this: where a pooled queue waits next to
        /// nothing it would grow without bound.
        imbalance_most: Number,
        /// How far bursts much shorter than a slice wait as the wake-up law says rather than in proportion to
        /// their length, with many CPUs. On one CPU they wait in proportion.
        short_bursts: Fraction,
        /// Slices that part short bursts from long ones: how short a burst counts as falls as
        /// exp(-length / (slice x this)).
        short_below: Number,
        /// Wake-up to first instruction on a free CPU.
        wake: Time,
        /// Mean wait of a wake-up that finds no free CPU, in mean distances between scheduling points.
        wake_points: Number,
        /// A woken vCPU preempts a running one that has used more of its entitlement, with this chance.
        preemption: Fraction,
        /// vCPUs that run too far ahead of their siblings are stopped, and that time is counted apart.
        co_stop: Flag,
        /// Weight of a controller VM's vCPU against 1 of a guest's.
        cvm_weight: Number,
        /// Cores guaranteed to a controller VM.
        cvm_reservation: Number,
        /// Busy share of each of a controller VM's vCPUs when no guest does any I/O.
        cvm_base_duty: Fraction,
        /// Mean burst of work of a controller VM's vCPU.
        cvm_burst: Time,
        /// Variability of ready time within a sample, in bursts: see `cpu::sample`.
        sample_noise: Number,
    }
}

impl CpuProfile {
    /// Notes what no scheduler can be; problems are under `path`.
    pub(super) fn check(&self, path: &str, r: &mut Resolver) {
        let mut whether = |sound: bool, field: &str, value: f64, remedy: &str| {
            if !sound {
                r.problem(&format!("{path}.{field}"), format!("{value} is too small"), remedy);
            }
        };
        whether(self.guests_least >= 0.001, "guests_least", self.guests_least, "write at least Share(0.001)");
        whether(self.imbalance_most >= 1.0, "imbalance_most", self.imbalance_most, "write at least Num(1)");
        whether(self.short_below >= 0.001, "short_below", self.short_below, "write at least Num(0.001)");
    }
}
