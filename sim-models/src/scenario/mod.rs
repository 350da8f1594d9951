//! A scenario as meant in one run: plain numbers and ids, everything checked.
//!
//! `scenario.ron` -> [`spec::Spec`] (as typed) -> [`Scenario`] (as meant) -> [`crate::world::World`].

pub mod estimate;
pub mod library;
pub mod parse;
mod resolve;
pub mod schema;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod trace;
mod validate;

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::profile::Profile;
use sim_core::dist::Trace;
use sim_core::{Bytes, Dist, Rate, Span};

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
}

impl Scenario {
    /// The cluster of a side, if there is one.
    pub fn cluster(&self, side: Side) -> Option<&Cluster> {
        match side {
            Side::Source => self.source.as_ref(),
            Side::Target => Some(&self.target),
        }
    }

    /// VMs in all groups.
    pub fn vm_count(&self) -> u32 {
        self.groups.iter().map(|g| g.count).sum()
    }
}

/// One cluster of equal hosts.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Prefix of its host names.
    pub name: String,
    /// Hosts.
    pub hosts: u16,
    /// Racks; host *i* is in rack `i * racks / hosts`.
    pub racks: u16,
    /// CPU sockets per host; one NUMA node each.
    pub sockets: u16,
    /// Cores per socket.
    pub cores_per_socket: u16,
    /// Hardware threads per core, 1 or 2.
    pub threads_per_core: u16,
    /// Memory per host.
    pub memory: Bytes,
    /// Network ports of each host.
    pub nics: Nics,
    /// Where the disks are.
    pub storage: StorageDesign,
    /// Live migrations inside the cluster, per hour (balancing and evacuation), in steady state.
    pub live_migrations_per_hour: f64,
    /// How this platform behaves.
    pub profile: Profile,
}

impl Cluster {
    /// Cores of one host.
    pub fn cores(&self) -> u32 {
        u32::from(self.sockets) * u32::from(self.cores_per_socket)
    }
    /// Hardware threads of one host.
    pub fn threads(&self) -> u32 {
        self.cores() * u32::from(self.threads_per_core)
    }
}

/// How a host is cabled: one port to each ToR of its rack.
#[derive(Clone, Debug)]
pub struct Nics {
    /// Ports in use, 1 or 2.
    pub ports: u16,
    /// Rate of one port.
    pub rate: Rate,
    /// How the ports share.
    pub bond: Bond,
}

/// How two ports act as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Bond {
    /// One port carries everything, the other waits; the active ToR alternates from host to host.
    ActiveBackup,
    /// Both ports carry, flows are hashed over them.
    Lacp,
}

/// Where a cluster keeps its disks.
#[derive(Clone, Debug)]
pub enum StorageDesign {
    /// A shared array behind a storage network of its own.
    San(San),
    /// Copies on the hosts' own devices, served by controller VMs or daemons.
    Replicated(Replicated),
}

/// A shared array.
#[derive(Clone, Debug)]
pub struct San {
    /// Controllers.
    pub controllers: u16,
    /// Cores of one controller.
    pub cores_per_controller: u16,
    /// Share of reads that the array's cache answers.
    pub read_hit: f64,
    /// Parity scheme of the back end.
    pub raid: Raid,
    /// Flash devices behind the controllers.
    pub devices: u32,
    /// LUNs the VMs are spread over.
    pub luns: u32,
    /// Requests a host keeps open on one LUN.
    pub lun_depth: u32,
    /// Capacity.
    pub capacity: Bytes,
}

/// RAID level of an array's back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Raid {
    /// Mirrored pairs: 2 back-end operations for a random write.
    Raid10,
    /// Single parity: 4.
    Raid5,
    /// Double parity: 6.
    Raid6,
}

/// Replicated storage on the hosts' devices.
#[derive(Clone, Debug)]
pub struct Replicated {
    /// Copies of every byte.
    pub copies: u8,
    /// What two copies must not share.
    pub spread: Domain,
    /// vCPUs of each controller VM (or cores of each host's storage daemon).
    pub cvm_vcpus: u32,
    /// Memory of each controller VM.
    pub cvm_memory: Bytes,
    /// Data devices per host.
    pub devices: u32,
    /// Capacity of one device.
    pub device_capacity: Bytes,
    /// Placement groups that stand for the data.
    pub groups: u32,
    /// How rebuild traffic is held back.
    pub throttle: Throttle,
}

/// A failure domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Domain {
    /// A host.
    Host,
    /// A rack.
    Rack,
}

/// How background copies are held back in favour of guests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Throttle {
    /// At most this share of each station.
    Cap(f64),
    /// Reservation and limit as shares of a node's capacity, and a weight against guests.
    MClock {
        /// Guaranteed share.
        reservation: f64,
        /// Weight against foreground work of weight 1.
        weight: f64,
        /// Most it may take.
        limit: f64,
    },
    /// Halve above the high latency mark, double below the low one (vSAN-like).
    Adaptive {
        /// Guest write latency above which copies slow down.
        high: Span,
        /// Guest write latency below which they speed up.
        low: Span,
    },
    /// At most this rate per node.
    Fixed(Rate),
    /// No limit.
    Unlimited,
}

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
    /// Share of time a port is inside a microburst.
    pub hot_share: f64,
    /// Probability that an announcement after a move is lost.
    pub announce_loss: f64,
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

/// Equal VMs.
#[derive(Clone, Debug)]
pub struct VmGroup {
    /// Its VMs are `name-0`, `name-1`, ...
    pub name: String,
    /// How many.
    pub count: u32,
    /// vCPUs of each.
    pub vcpus: u32,
    /// Memory of each.
    pub memory: Bytes,
    /// Share of that memory that is not zero pages.
    pub resident: f64,
    /// CPU demand per vCPU.
    pub cpu: CpuDemand,
    /// Data on disk, each.
    pub disk: Bytes,
    /// I/O clients of each VM.
    pub disks: Vec<DiskClient>,
    /// How memory is written.
    pub dirtying: Dirtying,
    /// The guest sees the host's NUMA nodes when it is wider than one.
    pub vnuma: bool,
    /// Booted with a CPU baseline that every host of its cluster offers.
    pub cpu_baseline: bool,
}

/// What the vCPUs of a VM ask for.
#[derive(Clone, Debug)]
pub struct CpuDemand {
    /// Busy share of each vCPU when nothing makes it wait.
    pub duty: Duty,
    /// Mean length of a burst of work.
    pub burst: Span,
    /// Proportional share per vCPU against 1,000 of everybody else.
    pub shares: f64,
    /// Most cores the VM may use.
    pub limit: Option<f64>,
    /// Cores guaranteed to the VM.
    pub reservation: f64,
}

/// Busy share over time.
#[derive(Clone, Debug)]
pub enum Duty {
    /// Always this.
    Constant(f64),
    /// Drawn again for every VM and demand epoch.
    Drawn(Dist),
    /// The mean times a column of a trace file: VM *i* follows column `i mod columns` from a start that
    /// each run draws, with the column scaled to mean 1 over the file.
    Traced {
        /// Mean duty.
        mean: f64,
        /// Columns, each scaled to mean 1.
        columns: Vec<Trace>,
    },
}

/// Equal virtual disks with one I/O stream each.
#[derive(Clone, Debug)]
pub struct DiskClient {
    /// Such disks per VM.
    pub count: u32,
    /// Reads per second, Poisson. With `rate_limited` false the client is closed and this is ignored.
    pub reads_per_s: f64,
    /// Writes per second, Poisson.
    pub writes_per_s: f64,
    /// Requests in flight at most.
    pub iodepth: u32,
    /// Sizes and their probabilities, summing to 1.
    pub sizes: Vec<(Bytes, f64)>,
    /// False: a new request starts as soon as one ends; reads in the proportion of the two rates.
    pub rate_limited: bool,
}

/// How a VM writes its memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Dirtying {
    /// Not at all.
    None,
    /// Classes of pages, each written uniformly.
    Classes(Vec<DirtyClass>),
    /// Unique pages dirtied in `t` seconds: `a * t^b`, up to the resident set.
    PowerLaw {
        /// Pages after one second.
        a: f64,
        /// Exponent, between 0 and 1.
        b: f64,
    },
    /// In address order, over and over.
    Sweep {
        /// Pages of the area.
        pages: u64,
        /// Pages per second.
        rate: f64,
    },
}

/// Pages of equal heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirtyClass {
    /// Pages of 4 KiB.
    pub pages: u64,
    /// Page writes per second into the class.
    pub writes_per_s: f64,
}

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

/// A claim about a distribution, judged by its interval.
#[derive(Clone, Debug)]
pub struct Objective {
    /// As the user wrote it.
    pub name: String,
    /// The claim.
    pub claim: Claim,
}

/// What is claimed. Limits are in the metric's base unit (ns, ppm or a count).
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// The quantile over weighted samples of all runs is at most the limit.
    Quantile {
        /// Of what.
        metric: Metric,
        /// On which side.
        side: Side,
        /// In which phase; `None`: the worst phase under duress.
        phase: Option<Phase>,
        /// Which quantile, such as 0.99.
        quantile: f64,
        /// Limit.
        limit: u64,
    },
    /// The share of runs whose worst value exceeds `above` is at most `share`.
    Probability {
        /// Of what.
        metric: Metric,
        /// On which side.
        side: Side,
        /// In which phase; `None`: any.
        phase: Option<Phase>,
        /// Threshold.
        above: u64,
        /// Allowed share of runs.
        share: f64,
    },
}
