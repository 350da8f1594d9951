//! The plan as meant: which VMs move and how, how long each act lasts, when single requests are simulated.

use sim_core::Span;

/// The last wave of a migration: the VMs that are still on the source.
#[derive(Clone, Debug)]
pub struct Wave {
    /// VMs of each group that move; the last ones by index.
    pub vms_per_group: Vec<u32>,
    /// How each moves.
    pub method: MoveMethod,
    /// When the first may start, into the act.
    pub start: Span,
    /// Moves in progress at once per source host and in all.
    pub per_host: u32,
    /// Moves in progress at once.
    pub in_all: u32,
    /// Share of the disks already copied when the wave starts.
    pub seeded: f64,
    /// Replication that the cut-over waits for.
    pub replication: Replication,
}

/// How a VM crosses to another platform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MoveMethod {
    /// Copy while it runs, then rounds of what changed, then stop, final round, boot.
    Warm {
        /// Cut over once a round would take less than this.
        final_round: Span,
        /// Give up after so many rounds.
        max_rounds: u32,
    },
    /// Stop, copy, boot.
    Cold,
}

/// How far the other site's copy lags behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Replication {
    /// No copy runs ahead of the move.
    None,
    /// Every write waits for the other site.
    Sync {
        /// A dead link stalls writes for this long before replication breaks.
        break_after: Span,
    },
    /// A stream of changes with a target lag.
    NearSync {
        /// Recovery point objective.
        rpo: Span,
    },
    /// Snapshots every interval.
    Async {
        /// The interval.
        interval: Span,
    },
}

/// Lengths of the acts; each is a world of its own with the same demand draws.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// All VMs on the source.
    pub before: Span,
    /// All VMs on the target, nothing broken.
    pub after: Span,
    /// The last wave, and what breaks.
    pub duress: Span,
}

/// When single requests are simulated.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Simulate every request of every act.
    pub everything: bool,
    /// Length of a stratum.
    pub stratum: Span,
    /// Length of the slice drawn in each stratum.
    pub slice: Span,
    /// Simulated before each window but not recorded.
    pub warm_in: Span,
    /// Before a fault.
    pub before_fault: Span,
    /// After a fault's detection.
    pub after_detection: Span,
    /// Around a cut-over, a switch-over of a live migration and the start of a rebuild.
    pub around: Span,
}
