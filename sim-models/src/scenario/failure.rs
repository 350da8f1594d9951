//! What breaks, as meant: what, where, when and for how long.

use crate::ids::Side;
use sim_core::{Dist, Span};

/// Something that breaks.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Name in reports.
    pub name: String,
    /// What.
    pub strike: Strike,
    /// When.
    pub when: When,
    /// When it heals after striking; `None`: not within the run.
    pub heals_after: Option<Dist>,
}

/// What a fault does: one thing, or one of several drawn by weight.
#[derive(Clone, Debug)]
pub enum Strike {
    /// This.
    One(FaultKind),
    /// One of these, by weight.
    OneOf(Vec<(f64, FaultKind)>),
}

/// When a fault strikes, counted from the start of the act of the move.
#[derive(Clone, Debug)]
pub enum When {
    /// Before the act: it starts degraded, detection long over, rebuilt if it can be.
    FromTheStart,
    /// At this time.
    At(Span),
    /// Uniform in this window.
    Within(Span, Span),
    /// So long after another fault of the list, by index.
    After(usize, Span),
    /// Never: it is there to be compared with.
    Never,
}

/// Which of several equal parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Pick {
    /// Any, drawn per run.
    Any,
    /// This one, from 0.
    Nth(u16),
}

/// What can break. Hosts, racks and links are those of `side`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// A host loses power.
    Host {
        /// Cluster.
        side: Side,
        /// Which host.
        host: Pick,
    },
    /// A data device dies.
    Device {
        /// Cluster.
        side: Side,
        /// Its host.
        host: Pick,
    },
    /// A controller VM or storage daemon crashes, its host lives.
    Cvm {
        /// Cluster.
        side: Side,
        /// Its host.
        host: Pick,
    },
    /// A top-of-rack switch dies.
    Tor {
        /// Cluster.
        side: Side,
        /// Its rack.
        rack: Pick,
    },
    /// A spine dies.
    Spine {
        /// Which.
        spine: Pick,
    },
    /// One cable between a host and a ToR dies.
    HostLink {
        /// Cluster.
        side: Side,
        /// The host.
        host: Pick,
    },
    /// The link between the sites dies.
    SiteLink,
    /// A power feed takes a rack: its hosts and ToRs, spread over up to a minute.
    PowerDomain {
        /// Cluster.
        side: Side,
        /// Its rack.
        rack: Pick,
    },
    /// A data device becomes slow.
    SlowDevice {
        /// Cluster.
        side: Side,
        /// Its host.
        host: Pick,
        /// Service times are multiplied by this.
        factor: f64,
    },
    /// A host's cable runs at a fraction of its rate and loses packets.
    SlowLink {
        /// Cluster.
        side: Side,
        /// The host.
        host: Pick,
        /// Rate that is left, as a share.
        rate_left: f64,
        /// Probability that a packet is lost.
        loss: f64,
    },
    /// Controller VMs lose this share of their CPU cycles to something outside the model.
    StarvedCvm {
        /// Cluster.
        side: Side,
        /// Share of cycles taken.
        stolen: f64,
    },
}
