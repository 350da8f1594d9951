//! Where a VM's pages lie: its home node by name, its remote share, and what remote accesses cost.

use crate::profile::memory::{MemoryProfile, Pages};
use sim_core::digest::hash_name;
use sim_core::{SimTime, Stream};

/// How much of a VM's memory is remote, over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remote {
    /// What remains.
    pub least: f64,
    /// What comes on top at `since` and decays.
    pub excess: f64,
    /// When the VM came.
    pub since: SimTime,
    /// Time constant of the decay, seconds.
    pub tau: f64,
}

impl Remote {
    /// Share of accesses that are remote at `now`.
    pub fn at(&self, now: SimTime) -> f64 {
        if self.excess == 0.0 {
            return self.least;
        }
        let passed = now.since(self.since).as_secs();
        self.least + self.excess * libm::exp(-passed / self.tau.max(1e-9))
    }
}

/// The home node of a VM: neighbours in a group that share a host alternate between its nodes, and nobody
/// else's placement matters. `hosts` is the number of hosts its group is dealt over.
pub fn home_node(name: &str, hosts: u64, nodes: u16) -> u16 {
    let (group, number) = match name.rsplit_once('-') {
        Some((group, digits)) => (group, digits.parse::<u64>().ok()),
        None => (name, None),
    };
    let number = number.unwrap_or_else(|| hash_name(&[name, "number"]) >> 32);
    let hosts = hosts.max(1);
    let turn = number / hosts + number % hosts + (hash_name(&[group, "node"]) >> 32);
    (turn % u64::from(nodes.max(1))) as u16
}

/// The remote share of a VM that begins on a host of `nodes` nodes. `split` says that its pages and vCPUs
/// are on several nodes and the guest does not know; `moved` that it came by live migration. One draw.
pub fn remote(
    profile: &MemoryProfile,
    nodes: u16,
    split: bool,
    moved: bool,
    now: SimTime,
    luck: &mut Stream,
) -> Remote {
    let u = luck.uniform();
    let tau = profile.page_migration.as_secs();
    let still = |least: f64| Remote { least, excess: 0.0, since: now, tau };
    if nodes <= 1 {
        return still(0.0);
    }
    if split || profile.pages == Pages::Interleaved {
        return still(1.0 - 1.0 / f64::from(nodes));
    }
    let least = profile.remote_least + u * (profile.remote_most - profile.remote_least).max(0.0);
    let excess = if moved { (profile.remote_after_move - least).max(0.0) } else { 0.0 };
    Remote { excess, ..still(least) }
}

/// Share of a VM's time that is memory stalls, drawn once per VM: log-normal with location -2.36 and scale
/// 1.74, at most 0.9. Fitted to two quartiles of 158 workloads at 1.82 times the latency, everything remote:
/// 60 % lose more than 5 %, a quarter more than 25 % (Pond, ASPLOS 2023).
pub fn stall_share(luck: &mut Stream) -> f64 {
    let law = sim_core::Dist::log_normal(-2.36, 1.74).expect("finite parameters");
    law.sample(luck).min(0.9)
}
