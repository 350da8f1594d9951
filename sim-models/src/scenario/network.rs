//! The network as meant: switches, what a full port does, how routing notices the dead.

use sim_core::{Bytes, Rate, Span};

/// Switches between the hosts: two ToRs per rack, spines above, and between sites a link.
#[derive(Clone, Debug)]
pub struct FabricDesign {
    /// Spine switches, shared by both clusters.
    pub spines: u16,
    /// Uplinks of one ToR, spread over the spines.
    pub uplinks_per_tor: u16,
    /// Rate of one uplink.
    pub uplink: Rate,
    /// Link between the sites when the clusters are not at the same one.
    pub intersite: Option<Intersite>,
    /// Packet memory of one switch.
    pub buffer: Bytes,
    /// What a full port does.
    pub queueing: Queueing,
    /// Largest frame of storage and migration traffic, bytes.
    pub mtu: u32,
    /// LACP partner timers, when bonds are LACP.
    pub lacp_fast: bool,
    /// How routed neighbours detect a dead switch.
    pub detection: RouteDetection,
    /// Propagation and switching of one hop, one way.
    pub hop_delay: Span,
    /// Between two VMs of one host, one way.
    pub local_delay: Span,
    /// Between two VMs of one host nothing but memory is copied, at this rate.
    pub copy_rate: Rate,
    /// Connections between a pair of hosts that guests share.
    pub guest_connections: u32,
    /// What a port carries besides flows.
    pub background: Background,
    /// Share of time a port is inside a microburst.
    pub hot_share: f64,
    /// Probability that an announcement after a move is lost.
    pub announce_loss: f64,
}

/// What a port carries besides flows: messages of other guests, and microbursts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background {
    /// Mean size of the other guests' messages, bytes.
    pub guest_message: f64,
    /// Squared coefficient of variation of that size.
    pub guest_message_cv2: f64,
    /// Longest microburst, seconds: what lasts longer is congestion by flows, which the solver carries.
    pub longest_burst: f64,
}

/// What a full port does with small messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Queueing {
    /// One drop-tail queue.
    Fifo,
    /// Marks beyond this depth; senders back off.
    Ecn(Bytes),
    /// Storage messages have a strict-priority queue.
    Priority,
}

/// How a dead neighbour is noticed by routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum RouteDetection {
    /// Loss of carrier only.
    Carrier,
    /// Bidirectional forwarding detection, 300 ms x 3.
    Bfd,
    /// BGP with data-centre timers, 3 s / 9 s.
    BgpFast,
    /// BGP with default timers, 60 s / 180 s.
    BgpDefault,
    /// OSPF, 10 s / 40 s.
    Ospf,
}

/// The link between two sites.
#[derive(Clone, Debug)]
pub struct Intersite {
    /// Its rate.
    pub rate: Rate,
    /// Round-trip time.
    pub rtt: Span,
}
