//! How much hosts are asked for and what VMs lose by waiting: what balancers look at.

use super::host::{self, HostCpu, Platform};
use super::settle::Entry;
use super::{Cpu, Vcpus};
use crate::event::Event;
use crate::ids::{HostId, Side, VmId};

/// Where strain begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A host is asked for more than this share of its cores, or its controller VM for more than this share of
    /// its vCPUs.
    Asked(f64),
    /// A VM loses more than this part of what it asks for.
    Lost(f64),
}

/// Somebody is told, once, when strain begins.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// Where it begins.
    pub limit: Limit,
    /// Happens then.
    pub then: Event,
}

impl Alarm {
    /// `lost` is the most that any VM of the host loses.
    pub(super) fn rings(&self, host: &HostCpu, platform: &Platform, lost: f64) -> bool {
        match self.limit {
            Limit::Asked(above) => {
                host.asked() > above * platform.cores() || host.controller(platform) > above
            }
            Limit::Lost(above) => lost > above,
        }
    }
}

/// What a host is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strain {
    /// Cores that guests, controller VM and hypervisor ask for together.
    pub asked: f64,
    /// Cores of the host.
    pub cores: f64,
    /// vCPUs' worth of work that the controller VM is asked for; 0 without one.
    pub controller: f64,
    /// vCPUs of the controller VM.
    pub controller_vcpus: f64,
}

impl Cpu {
    /// Tells when a cluster comes under strain, at the next change of a host that is; one alarm per side.
    pub fn listen(&mut self, side: Side, alarm: Alarm) {
        self.alarms[side as usize] = Some(alarm);
    }

    /// What a host is asked for, as of the last change.
    pub fn strain(&self, host: HostId) -> Strain {
        let (it, platform) = (&self.hosts[host.index()], self.platform(host));
        let controller_vcpus = f64::from(platform.cvm_vcpus);
        Strain {
            asked: it.asked(),
            cores: platform.cores(),
            controller: controller_vcpus * it.controller(platform),
            controller_vcpus,
        }
    }

    /// Cores that a VM asks for.
    pub fn asked(&self, vm: VmId) -> f64 {
        self.vms[vm.index()].entry.asked()
    }

    /// Part of what a VM asks for that it loses by waiting: waiting over running and waiting.
    pub fn lost(&self, vm: VmId) -> f64 {
        self.vms[vm.index()].lost()
    }

    /// Load of the pools on a host of its side that a VM's vCPUs would be in, without it, over their cores.
    pub fn load_around(&self, vm: VmId, host: HostId) -> f64 {
        let it = &self.vms[vm.index()];
        let Some(placed) = &it.placed else { return 0.0 };
        let (there, platform) = (&self.hosts[host.index()], self.platform(host));
        let own = if placed.host == host { it.entry.asked() / f64::from(it.vcpus) } else { 0.0 };
        let of = |&(pool, n, ..): &(usize, u32, _, _)| {
            f64::from(n) * (there.asked_of(pool) - own * f64::from(n)) / platform.pool.cores
        };
        placed.parts.iter().map(of).sum::<f64>() / f64::from(it.vcpus)
    }

    /// What a VM that runs would lose on another host of its side. Its home node goes by its name, so that its
    /// vCPUs would be in the same pools there.
    pub fn would_lose(&mut self, vm: VmId, host: HostId) -> f64 {
        let Cpu { platforms, hosts, vms, cache, .. } = self;
        let there = &hosts[host.index()];
        let platform = platforms[there.side as usize].as_ref().expect("a host has a cluster");
        let it = &vms[vm.index()];
        let Some(placed) = &it.placed else { return 0.0 };
        let mut offered = 0.0;
        let mut met = Vec::with_capacity(placed.parts.len());
        for &(pool, vcpus, ..) in &placed.parts {
            let one_more = Entry { vcpus, ..it.entry };
            let (meets, load) = there.would_meet(one_more, pool, platform, vms, cache);
            offered += f64::from(vcpus) * load / f64::from(it.vcpus);
            met.push((meets, vcpus));
        }
        let ready = host::mean(met.into_iter()).ready;
        let (ready, co_stop) = host::split(&platform.profile, it.vcpus, ready, offered);
        lost(it.entry.duty, ready + co_stop)
    }
}

impl Vcpus {
    /// See [`Cpu::lost`].
    pub(super) fn lost(&self) -> f64 {
        lost(self.entry.duty, self.met.ready + self.met.co_stop)
    }
}

/// A vCPU runs for `duty` of the time that it does not wait.
fn lost(duty: f64, waits: f64) -> f64 {
    let runs = duty * (1.0 - waits).max(0.0);
    if waits > 0.0 { waits / (runs + waits) } else { 0.0 }
}
