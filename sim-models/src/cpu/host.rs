//! The pools of one host and who is in them.

use super::pool::Capacity;
use super::settle::{Cache, Entry, Met, solve};
use super::{Vcpus, costop};
use crate::ids::{Side, VmId};
use crate::profile::cpu::{CpuProfile, Pool as PoolKind};
use crate::scenario::{Cluster, StorageDesign};
use sim_core::Span;

/// Cores. Storage work follows every flow of the fabric; of ten changes nine are below a thousandth of a core,
/// which nobody's ready time feels. Rounding, unlike a threshold, does not depend on what was before.
const CVM_STEP: f64 = 0.01;

/// What all hosts of a cluster have in common.
#[derive(Clone, Debug)]
pub struct Platform {
    /// How it schedules.
    pub profile: CpuProfile,
    /// Capacity of one pool.
    pub pool: Capacity,
    /// Pools per host: 1, or one per NUMA node.
    pub pools: usize,
    /// vCPUs of the controller VM; 0 without one.
    pub cvm_vcpus: u32,
    /// vCPUs of the controller VM in each pool that has any.
    cvm_parts: Vec<(usize, u32)>,
    /// Share of cycles that controller VMs lose to something outside the model.
    pub stolen: f64,
}

impl Platform {
    /// The platform of a cluster.
    pub fn build(cluster: &Cluster) -> Platform {
        let cvm_vcpus = match &cluster.storage {
            StorageDesign::Replicated(replicated) => replicated.cvm_vcpus,
            StorageDesign::San(_) => 0,
        };
        let sockets = (cluster.sockets, cluster.cores_per_socket, cluster.threads_per_core);
        Platform::new(&cluster.profile.cpu, sockets, cvm_vcpus)
    }

    /// A platform of hosts with so many (sockets, cores per socket, threads per core).
    pub fn new(profile: &CpuProfile, sockets: (u16, u16, u16), cvm_vcpus: u32) -> Platform {
        let (sockets, cores, threads) = sockets;
        let pools = match profile.pool {
            PoolKind::NumaNode => usize::from(sockets.max(1)),
            PoolKind::Host => 1,
        };
        let cores = f64::from(sockets) * f64::from(cores) / pools as f64;
        let threads = cores * f64::from(threads);
        let pool = Capacity { cores, threads, ht_gain: profile.ht_gain.max(1.0) };
        let profile = profile.clone();
        let mut platform = Platform { profile, pool, pools, cvm_vcpus, cvm_parts: Vec::new(), stolen: 0.0 };
        if cvm_vcpus > 0 {
            let fits = f64::from(cvm_vcpus) <= platform.pool.cores;
            platform.cvm_parts = platform.spread(cvm_vcpus, fits.then_some(0), 0);
        }
        platform
    }

    /// Cores of a host.
    pub fn cores(&self) -> f64 {
        self.pool.cores * self.pools as f64
    }

    /// Cores' worth of work as the busy share of each vCPU of the controller VM; 0 without one.
    fn per_cvm_vcpu(&self, cores: f64) -> f64 {
        if self.cvm_vcpus == 0 { 0.0 } else { (cores / f64::from(self.cvm_vcpus)).min(1.0) }
    }

    /// vCPUs of something `vcpus` wide in each pool: all in its home, or spread evenly when it has none or
    /// is wider than a pool's cores. What does not divide goes to the pools from number `turn` on.
    pub fn spread(&self, vcpus: u32, home: Option<u16>, turn: usize) -> Vec<(usize, u32)> {
        let pools = self.pools;
        if pools == 1 {
            return vec![(0, vcpus)];
        }
        if let Some(node) = home {
            return vec![(usize::from(node) % pools, vcpus)];
        }
        let part = |p: usize| {
            let rest = (p + pools - turn % pools) % pools < vcpus as usize % pools;
            (p, vcpus / pools as u32 + u32::from(rest))
        };
        (0..pools).map(part).filter(|&(_, n)| n > 0).collect()
    }
}

/// CPUs that share one run queue.
#[derive(Clone, Debug, Default)]
struct Pool {
    /// VMs and their vCPUs here, in the order of ids, so that history leaves no trace.
    vms: Vec<(VmId, u32)>,
    dirty: bool,
    cvm: Met,
    /// Cores that its members asked for when it was last solved.
    asked: f64,
}

/// One host's pools.
#[derive(Clone, Debug)]
pub struct HostCpu {
    /// Its cluster.
    pub side: Side,
    /// It runs.
    pub up: bool,
    /// Cores' worth of storage work its controller VM is offered.
    pub cvm_load: f64,
    /// Cores' worth of hypervisor work.
    pub system_load: f64,
    pools: Vec<Pool>,
    /// What the controller VM's vCPUs meet, a mean over the pools they are in.
    cvm: Met,
}

impl HostCpu {
    /// An idle host.
    pub fn new(side: Side, up: bool, platform: &Platform) -> HostCpu {
        let pools = vec![Pool::default(); platform.pools];
        HostCpu { side, up, cvm_load: 0.0, system_load: 0.0, pools, cvm: Met::default() }
    }

    /// Puts `vcpus` of a VM into a pool.
    pub fn join(&mut self, pool: usize, vm: VmId, vcpus: u32) {
        let vms = &mut self.pools[pool].vms;
        if let Err(at) = vms.binary_search_by_key(&vm, |&(id, _)| id) {
            vms.insert(at, (vm, vcpus));
        }
        self.pools[pool].dirty = true;
    }

    /// Takes a VM out of a pool.
    pub fn leave(&mut self, pool: usize, vm: VmId) {
        self.pools[pool].vms.retain(|&(id, _)| id != vm);
        self.pools[pool].dirty = true;
    }

    /// Something about a pool's members has changed.
    pub fn touch(&mut self, pool: usize) {
        self.pools[pool].dirty = true;
    }

    /// Something about the host has changed.
    pub fn touch_all(&mut self) {
        self.pools.iter_mut().for_each(|p| p.dirty = true);
    }

    /// Everything is gone.
    pub fn clear(&mut self) {
        (self.cvm_load, self.system_load) = (0.0, 0.0);
        self.pools.iter_mut().for_each(|p| *p = Pool::default());
        self.cvm = Met::default();
    }

    /// Storage work of each vCPU of the controller VM.
    pub fn cvm_busy(&self, platform: &Platform) -> f64 {
        platform.per_cvm_vcpu(self.cvm_load)
    }

    /// The load of the controller VM as its pools see it, in steps of a hundredth of a core.
    pub fn cvm_steps(&self) -> u64 {
        (self.cvm_load / CVM_STEP + 0.5) as u64
    }

    /// Demand of each vCPU of the controller VM: storage work and what it does without any. What is stolen
    /// from it is run by somebody: the pool sees its vCPUs busy for that much longer.
    fn cvm_duty(&self, platform: &Platform) -> f64 {
        let seen = self.cvm_steps() as f64 * CVM_STEP;
        let duty = platform.profile.cvm_base_duty + platform.per_cvm_vcpu(seen);
        (duty / (1.0 - platform.stolen)).min(1.0)
    }

    /// What the controller VM's vCPUs meet since the last settle, a mean over the pools they are in.
    pub fn cvm(&self) -> &Met {
        &self.cvm
    }

    /// Solves the pools that changed; calls `meets` with what each of their VMs now meets in which pool. False
    /// if none had.
    pub fn settle(
        &mut self,
        platform: &Platform,
        vms: &[Vcpus],
        cache: &mut Cache,
        mut meets: impl FnMut(VmId, usize, Met, f64),
    ) -> bool {
        if !self.pools.iter().any(|p| p.dirty) {
            return false;
        }
        let capacity = self.capacity(platform);
        let duty = self.cvm_duty(platform);
        for (p, pool) in self.pools.iter_mut().enumerate().filter(|(_, p)| p.dirty) {
            pool.dirty = false;
            let (entries, cvm) = entries(pool, p, platform, vms, duty);
            pool.asked = entries.iter().map(Entry::asked).sum();
            let offered = offered(&entries, capacity);
            let met = solve(&platform.profile, capacity, &entries, cache);
            pool.cvm = if cvm { *met.last().expect("the controller VM is last") } else { Met::default() };
            for (&(vm, _), met) in pool.vms.iter().zip(met) {
                meets(vm, p, met, offered);
            }
        }
        // Asked for at every visit of a controller, far more often than it changes.
        self.cvm = mean(platform.cvm_parts.iter().map(|&(p, n)| (self.pools[p].cvm, n)));
        true
    }

    /// What hypervisor work leaves of a pool.
    fn capacity(&self, platform: &Platform) -> Capacity {
        platform.pool.less(self.system_load / platform.pools as f64, platform.profile.guests_least)
    }

    /// Cores that its guests, its controller VM and its hypervisor ask for, as of the last settle.
    pub fn asked(&self) -> f64 {
        self.pools.iter().map(|p| p.asked).sum::<f64>() + self.system_load
    }

    /// The same of one pool, without the hypervisor.
    pub fn asked_of(&self, pool: usize) -> f64 {
        self.pools[pool].asked
    }

    /// What each vCPU of the controller VM asks for.
    pub fn controller(&self, platform: &Platform) -> f64 {
        if platform.cvm_vcpus == 0 { 0.0 } else { self.cvm_duty(platform) }
    }

    /// What one more would meet in a pool, and the load that the pool would then be offered.
    pub fn would_meet(
        &self,
        one_more: Entry,
        pool: usize,
        platform: &Platform,
        vms: &[Vcpus],
        cache: &mut Cache,
    ) -> (Met, f64) {
        let (mut entries, _) = entries(&self.pools[pool], pool, platform, vms, self.cvm_duty(platform));
        entries.insert(0, one_more);
        let capacity = self.capacity(platform);
        (solve(&platform.profile, capacity, &entries, cache)[0], offered(&entries, capacity))
    }
}

/// Who is in a pool: its VMs in their order, and last, if the answer says so, the controller VM.
fn entries(pool: &Pool, p: usize, platform: &Platform, vms: &[Vcpus], cvm_duty: f64) -> (Vec<Entry>, bool) {
    let mut entries = Vec::with_capacity(pool.vms.len() + 2);
    entries.extend(pool.vms.iter().map(|&(vm, n)| Entry { vcpus: n, ..vms[vm.index()].entry }));
    let cvm = platform.cvm_parts.iter().find(|&&(at, _)| at == p);
    entries.extend(cvm.map(|&(_, n)| cvm_entry(platform, n, cvm_duty)));
    (entries, cvm.is_some())
}

/// Load that a pool is offered, over its capacity.
fn offered(entries: &[Entry], capacity: Capacity) -> f64 {
    entries.iter().map(|e| f64::from(e.vcpus) * e.duty).sum::<f64>() / capacity.cores
}

fn cvm_entry(platform: &Platform, vcpus: u32, duty: f64) -> Entry {
    let profile = &platform.profile;
    let reserved = (profile.cvm_reservation / f64::from(platform.cvm_vcpus)).min(1.0);
    let burst = profile.cvm_burst.max(Span::us(1)).as_secs();
    Entry { vcpus, duty, burst, weight: 1000.0 * profile.cvm_weight.max(1e-3), reserved, cap: 1.0 }
}

/// Mean over vCPUs in several pools.
pub fn mean(parts: impl Iterator<Item = (Met, u32)>) -> Met {
    let (mut sum, mut all) = (Met::default(), 0.0);
    for (met, n) in parts {
        let (n, was) = (f64::from(n), all);
        all += n;
        let mix = |a: f64, b: f64| (was * a + n * b) / all;
        sum = Met {
            run: mix(sum.run, met.run),
            ready: mix(sum.ready, met.ready),
            wait: mix(sum.wait, met.wait),
            wait_mean: mix(sum.wait_mean, met.wait_mean),
            cycles: mix(sum.cycles, met.cycles),
        };
    }
    sum
}

/// Splits what a VM waits into ready time and co-stop.
pub fn split(profile: &CpuProfile, vcpus: u32, ready: f64, offered: f64) -> (f64, f64) {
    let stopped = if profile.co_stop { ready * costop::share(vcpus, offered) } else { 0.0 };
    (ready - stopped, stopped)
}
