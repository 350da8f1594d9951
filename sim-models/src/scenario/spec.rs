//! A scenario as typed: RON with a unit on every quantity, and a default for whatever need not be said.
//!
//! Structure (hosts, racks, vCPUs) is plain numbers; whatever is physical is a quantity and may be a
//! distribution (see [`crate::quantity`]). Every top-level field is optional here because a scenario may
//! take it from the one it extends.

mod cluster;
mod fault;
mod plan;
mod workload;

pub use cluster::*;
pub use fault::*;
pub use plan::*;
pub use workload::*;

use super::parse::{self, ParseError};
use serde::Deserialize;

/// Declares the top level once: fields, which of them are set, and how a base fills what is not.
macro_rules! top_level {
    ($( $(#[$doc:meta])* $field:ident : $type:ty, )+) => {
        /// A scenario document.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Spec {
            /// Another document that supplies each top-level field which is absent here.
            pub extends: Option<String>,
            $( $(#[$doc])* pub $field: Option<$type>, )+
        }

        impl Spec {
            /// Takes every field that is absent here from `base`, whole; returns the names of those taken.
            pub fn fill_from(&mut self, base: Spec) -> Vec<&'static str> {
                let mut taken = Vec::new();
                $(
                    if self.$field.is_none() && base.$field.is_some() {
                        self.$field = base.$field;
                        taken.push(stringify!($field));
                    }
                )+
                taken
            }
        }
    };
}

top_level! {
    /// Short name, for reports.
    name: String,
    /// The question the scenario answers.
    question: String,
    /// Where the VMs come from; absent when only the target is of interest.
    source: ClusterSpec,
    /// Where they go, or where they have always been.
    target: ClusterSpec,
    /// What joins the hosts.
    fabric: FabricSpec,
    /// The VMs.
    groups: Vec<GroupSpec>,
    /// The cross-cluster move under test.
    wave: WaveSpec,
    /// What breaks.
    faults: Vec<FaultSpec>,
    /// How long each act lasts.
    timeline: TimelineSpec,
    /// When single requests are simulated.
    windows: WindowsSpec,
    /// What must hold.
    objectives: Vec<ObjectiveSpec>,
    /// Events a run may spend.
    event_budget: u64,
    /// Runs that share one past: everything before the first fault can strike. Default 1.
    futures_per_past: u32,
}

impl Spec {
    /// Reads a document; the first mistake is named with its line and column.
    pub fn parse(text: &str) -> Result<Spec, ParseError> {
        parse::document(text)
    }
}
