//! A cluster as meant: hosts and what stores their disks.

use crate::profile::Profile;
use sim_core::{Bytes, Rate, Span};

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
