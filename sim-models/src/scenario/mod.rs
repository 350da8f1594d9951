//! A scenario as meant in one run: plain numbers and ids, everything checked.
//!
//! `scenario.ron` -> [`spec::Spec`] (as typed) -> [`Scenario`] (as meant) -> [`crate::world::World`].

mod cluster;
pub mod estimate;
mod failure;
pub mod library;
mod network;
mod objective;
pub mod parse;
mod plan;
mod resolve;
pub mod schema;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod trace;
mod validate;
mod workload;

pub use cluster::{Bond, Cluster, Domain, Nics, Raid, Replicated, San, StorageDesign, Throttle};
pub use failure::{Fault, FaultKind, Pick, Strike, When};
pub use network::{Background, FabricDesign, Intersite, Queueing, RouteDetection};
pub use objective::{Claim, Objective};
pub use plan::{MoveMethod, Replication, Timeline, Wave, Windows};
pub use workload::{CpuDemand, DirtyClass, Dirtying, DiskClient, Duty, VmGroup};

use crate::ids::Side;
use crate::quantity::Problem;
use sim_core::Span;

/// Everything one run needs to know.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Short name, for reports.
    pub name: String,
    /// The question the scenario answers, in the user's words.
    pub question: String,
    /// Where the VMs come from; `None` when only the target is of interest.
    pub source: Option<Cluster>,
    /// Where they go, or where they have always been.
    pub target: Cluster,
    /// What joins the hosts.
    pub fabric: FabricDesign,
    /// The VMs.
    pub groups: Vec<VmGroup>,
    /// The cross-cluster move under test.
    pub wave: Option<Wave>,
    /// What breaks.
    pub faults: Vec<Fault>,
    /// How long each act lasts.
    pub timeline: Timeline,
    /// When single requests are simulated.
    pub windows: Windows,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// Events a run may spend.
    pub event_budget: u64,
    /// Runs that share one past: everything before the first fault can strike.
    pub futures_per_past: u32,
}

impl Scenario {
    /// The cluster of a side, if there is one.
    pub fn cluster(&self, side: Side) -> Option<&Cluster> {
        match side {
            Side::Source => self.source.as_ref(),
            Side::Target => Some(&self.target),
        }
    }

    /// The earliest instant of the act of the move at which a fault may strike; `None` when none ever does.
    pub fn first_strike(&self) -> Option<Span> {
        let earliest = |fault: &Fault| match fault.when {
            When::FromTheStart => Some(Span::ZERO),
            When::At(at) | When::Within(at, _) => Some(at),
            // Not before the one it follows, which is in the list itself.
            When::After(..) | When::Never => None,
        };
        self.faults.iter().filter_map(earliest).min()
    }

    /// What can be simulated and is probably not what was meant, such as a wave that no fault can meet.
    pub fn doubts(&self) -> Vec<Problem> {
        validate::doubts(self)
    }

    /// VMs in all groups.
    pub fn vm_count(&self) -> u32 {
        self.groups.iter().map(|g| g.count).sum()
    }
}
