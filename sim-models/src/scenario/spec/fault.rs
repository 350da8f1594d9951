//! What breaks and when, as typed.

use crate::ids::Side;
use crate::quantity::{Fraction, Law, Number, Time};
use serde::Deserialize;

/// Something that breaks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Name in reports, and for `After`.
    pub name: String,
    /// What breaks. A list of several with weights: one is drawn per run.
    pub target: StrikeSpec,
    /// When, from the start of the act of the move.
    pub when: WhenSpec,
    /// When it heals after striking. Default not within the run.
    #[serde(default)]
    pub heals_after: Option<Law>,
}

/// A cluster, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SideSpec {
    /// Where the VMs come from.
    Source,
    /// Where they go.
    #[default]
    Target,
}

impl SideSpec {
    /// As the models call it.
    pub fn meant(self) -> Side {
        match self {
            SideSpec::Source => Side::Source,
            SideSpec::Target => Side::Target,
        }
    }
}

/// Which of several equal parts. Default `Any`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub enum PickSpec {
    /// Any, drawn per run.
    #[default]
    Any,
    /// This one, counted from 0.
    Nth(u32),
    /// A host by its name, such as `ahv-03`.
    Named(String),
}

macro_rules! strikes {
    ($( $(#[$doc:meta])* $kind:ident { $( $(#[$fdoc:meta])* $field:ident : $type:ty $(= $default:ident)? ),* $(,)? } )+) => {
        /// What breaks. Hosts and racks are those of `side`, the target unless said otherwise.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub enum StrikeSpec {
            $( $(#[$doc])* $kind { $( $(#[$fdoc])* $(#[serde($default)])? $field: $type, )* }, )+
            /// The link between the sites dies.
            SiteLink,
            /// One of these, by weight.
            OneOf(Vec<(f64, StrikeSpec)>),
        }
    };
}

strikes! {
    /// A host loses power.
    Host {
        /// Cluster.
        side: SideSpec = default,
        /// Which host.
        host: PickSpec = default,
    }
    /// A data device dies.
    Device {
        /// Cluster.
        side: SideSpec = default,
        /// Its host.
        host: PickSpec = default,
    }
    /// A controller VM or storage daemon crashes, its host lives.
    Cvm {
        /// Cluster.
        side: SideSpec = default,
        /// Its host.
        host: PickSpec = default,
    }
    /// A top-of-rack switch dies.
    Tor {
        /// Cluster.
        side: SideSpec = default,
        /// Its rack.
        rack: PickSpec = default,
    }
    /// A spine dies.
    Spine {
        /// Which.
        spine: PickSpec = default,
    }
    /// One cable between a host and a ToR dies.
    HostLink {
        /// Cluster.
        side: SideSpec = default,
        /// The host.
        host: PickSpec = default,
    }
    /// A power feed takes a rack.
    PowerDomain {
        /// Cluster.
        side: SideSpec = default,
        /// Its rack.
        rack: PickSpec = default,
    }
    /// A data device becomes slow.
    SlowDevice {
        /// Cluster.
        side: SideSpec = default,
        /// Its host.
        host: PickSpec = default,
        /// Service times are multiplied by this.
        factor: Number,
    }
    /// A host's cable runs at a fraction of its rate and loses packets.
    SlowLink {
        /// Cluster.
        side: SideSpec = default,
        /// The host.
        host: PickSpec = default,
        /// Rate that is left.
        rate_left: Fraction,
        /// Probability that a packet is lost.
        loss: Fraction,
    }
    /// Controller VMs lose CPU cycles to something outside the model.
    StarvedCvm {
        /// Cluster.
        side: SideSpec = default,
        /// Share of cycles taken.
        stolen: Fraction,
    }
}

/// When a fault strikes, counted from the start of the act of the move.
#[derive(Clone, Debug, Deserialize)]
pub enum WhenSpec {
    /// Before the act.
    FromTheStart,
    /// At this time.
    At(Time),
    /// Uniform between these times.
    Within(Time, Time),
    /// So long after another fault, by name.
    After(String, Time),
    /// Never: it is there to be compared with.
    Never,
}
