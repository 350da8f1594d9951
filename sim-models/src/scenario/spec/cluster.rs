//! Clusters, their storage and the fabric, as typed.

use crate::quantity::{Count, Fraction, Frequency, Number, Size, Speed, Time};
use crate::scenario::{Bond, Domain, Raid, RouteDetection};
use serde::Deserialize;

/// One cluster of equal hosts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Prefix of its host names: host 3 of `ahv` is `ahv-03`.
    pub name: String,
    /// A built-in profile by name, or the path of a profile file.
    pub profile: String,
    /// Hosts.
    pub hosts: u32,
    /// Racks; the hosts are spread over them evenly, in order. Default 1.
    #[serde(default = "one")]
    pub racks: u32,
    /// CPU sockets per host. Default 2.
    #[serde(default = "two")]
    pub sockets: u32,
    /// Cores per socket.
    pub cores_per_socket: u32,
    /// Hardware threads per core, 1 or 2. Default 2.
    #[serde(default = "two")]
    pub threads_per_core: u32,
    /// Memory per host.
    pub memory: Size,
    /// Network ports of each host. Default two of 25 GbE, active-backup.
    #[serde(default)]
    pub nics: NicsSpec,
    /// Where the disks are.
    pub storage: StorageSpec,
    /// Live migrations inside the cluster, all hosts together. Default none.
    #[serde(default = "none_per_hour")]
    pub live_migrations: Frequency,
}

/// Network ports of each host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NicsSpec {
    /// Ports in use, 1 or 2; one to each ToR of the rack.
    pub ports: u32,
    /// Rate of one port.
    pub rate: Speed,
    /// How two ports act as one.
    pub bond: Bond,
}

impl Default for NicsSpec {
    fn default() -> NicsSpec {
        NicsSpec { ports: 2, rate: Speed::Gbps(25.0), bond: Bond::ActiveBackup }
    }
}

/// Where a cluster keeps its disks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StorageSpec {
    /// A shared array behind a storage network of its own.
    San {
        /// Controllers. Default 2.
        #[serde(default = "two")]
        controllers: u32,
        /// Cores of one controller. Default 16.
        #[serde(default = "sixteen")]
        cores_per_controller: u32,
        /// Share of reads that the array's cache answers. Default 0.6.
        #[serde(default = "san_read_hit")]
        read_hit: Fraction,
        /// Parity scheme of the back end. Default `Raid6`.
        #[serde(default = "raid6")]
        raid: Raid,
        /// Flash devices behind the controllers.
        devices: u32,
        /// LUNs the VMs are spread over.
        luns: u32,
        /// Requests a host keeps open on one LUN. Default 32.
        #[serde(default = "lun_depth")]
        lun_depth: Count,
        /// Usable capacity.
        capacity: Size,
    },
    /// Copies on the hosts' own devices, served by controller VMs or daemons.
    Replicated {
        /// Copies of every byte. Default 2.
        #[serde(default = "two")]
        copies: u32,
        /// What two copies must not share. Default `Host`.
        #[serde(default = "host")]
        spread: Domain,
        /// vCPUs of each controller VM, or cores of each host's storage daemon.
        cvm_vcpus: u32,
        /// Memory of each controller VM.
        cvm_memory: Size,
        /// Data devices per host.
        devices: u32,
        /// Capacity of one device.
        device_capacity: Size,
        /// Placement groups that stand for the data. Default 4096.
        #[serde(default = "placement_groups")]
        groups: u32,
        /// How rebuild traffic is held back. Default `Cap(Percent(25))`.
        #[serde(default)]
        throttle: ThrottleSpec,
    },
}

/// How background copies are held back in favour of guests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ThrottleSpec {
    /// At most this share of each station.
    Cap(Fraction),
    /// Shares of a node's capacity, and a weight against guests.
    MClock {
        /// Guaranteed share.
        reservation: Fraction,
        /// Weight against foreground work of weight 1.
        weight: Number,
        /// Most it may take.
        limit: Fraction,
    },
    /// Halve above the high guest write latency, double below the low one.
    Adaptive {
        /// Slow down above this.
        high: Time,
        /// Speed up below this.
        low: Time,
    },
    /// At most this rate per node.
    Fixed(Speed),
    /// No limit.
    Unlimited,
}

impl Default for ThrottleSpec {
    /// 25 % of each station: the Nutanix Bible's 75/25 admission split of guest and maintenance work.
    fn default() -> ThrottleSpec {
        ThrottleSpec::Cap(Fraction::Percent(25.0))
    }
}

/// Two ToRs per rack and spines above them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FabricSpec {
    /// Spine switches, shared by both clusters.
    pub spines: u32,
    /// Uplinks of one ToR, spread over the spines.
    pub uplinks_per_tor: u32,
    /// Rate of one uplink.
    pub uplink: Speed,
    /// The link between the sites, when the clusters are not at the same one.
    pub intersite: Option<IntersiteSpec>,
    /// Packet memory of one switch.
    pub buffer: Size,
    /// What a full port does.
    pub queueing: QueueingSpec,
    /// Largest frame of storage and migration traffic, bytes.
    pub mtu: u32,
    /// LACP partner timers of 1 s instead of 30 s.
    pub lacp_fast: bool,
    /// How routed neighbours detect a dead switch.
    pub detection: RouteDetection,
    /// Propagation and switching of one hop, one way.
    pub hop_delay: Time,
    /// Between two VMs of one host, one way.
    pub local_delay: Time,
    /// Rate of a copy between two VMs of one host.
    pub copy_rate: Speed,
    /// Connections between a pair of hosts that guests share.
    pub guest_connections: u32,
    /// Mean size of the other guests' messages at a port.
    pub guest_message: Size,
    /// Squared coefficient of variation of that size.
    pub guest_message_cv2: Number,
    /// Longest microburst; what lasts longer is a flow.
    pub longest_burst: Time,
    /// Share of time a port is inside a microburst.
    pub hot_share: Fraction,
    /// Probability that an announcement after a move is lost.
    pub announce_loss: Fraction,
}

impl Default for FabricSpec {
    fn default() -> FabricSpec {
        FabricSpec {
            spines: 4,
            uplinks_per_tor: 4,
            uplink: Speed::Gbps(25.0),
            intersite: None,
            // Shared packet memory of a Trident3 X4 to X7.
            buffer: Size::MiB(32.0),
            queueing: QueueingSpec::Fifo,
            mtu: 9000,
            // Slow is the default of LACP itself.
            lacp_fast: false,
            detection: RouteDetection::Bfd,
            // Assumed: a cut-through switch and cables within a room.
            hop_delay: Time::Us(2.0),
            // Assumed: two passes through the virtual switch.
            local_delay: Time::Us(10.0),
            // Assumed: one core's streaming copy.
            copy_rate: Speed::GBps(10.0),
            // Assumed: replica writes go over a few lasting connections.
            guest_connections: 4,
            // Assumed: between the 8 and the 32 KiB of a request, exponentially spread.
            guest_message: Size::KiB(16.0),
            guest_message_cv2: Number::Num(1.0),
            // Assumed: five times the 200 us within which 90 % end (Zhang et al., IMC 2017).
            longest_burst: Time::Ms(1.0),
            // Assumed; Zhang et al. (IMC 2017) see host links near 100 % for up to 10 % of the time.
            hot_share: Fraction::Percent(1.0),
            // Assumed; announcements are repeated five times because they do get lost.
            announce_loss: Fraction::Percent(1.0),
        }
    }
}

/// The link between two sites.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntersiteSpec {
    /// Its rate.
    pub rate: Speed,
    /// Round-trip time.
    pub rtt: Time,
}

/// What a full port does with small messages.
#[derive(Clone, Debug, Deserialize)]
pub enum QueueingSpec {
    /// One drop-tail queue.
    Fifo,
    /// Marks beyond this depth; senders back off.
    Ecn(Size),
    /// Storage messages have a strict-priority queue.
    Priority,
}

fn one() -> u32 {
    1
}
fn two() -> u32 {
    2
}
fn sixteen() -> u32 {
    16
}
/// Assumed: small enough groups that every host shares data with every other.
fn placement_groups() -> u32 {
    4096
}
fn none_per_hour() -> Frequency {
    Frequency::PerHour(0.0)
}
/// Assumed.
fn san_read_hit() -> Fraction {
    Fraction::Share(0.6)
}
fn raid6() -> Raid {
    Raid::Raid6
}
/// The LUN queue depth of common QLogic and Emulex drivers on ESXi once VMs share the LUN.
fn lun_depth() -> Count {
    Count::N(32.0)
}
fn host() -> Domain {
    Domain::Host
}
