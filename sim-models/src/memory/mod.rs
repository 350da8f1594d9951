//! Memory: admission, overcommit states and reclaim per platform, and where a VM's pages lie (NUMA).
//!
//! A host promises memory to VMs and holds what they really use (their resident part). What is used beyond
//! the host's memory is taken back in the platform's order ([`reclaim`]), from every VM in proportion to
//! what it uses. Remote accesses ([`numa`]) and pages that are out make a VM's bursts of work longer.

pub mod numa;
pub mod reclaim;

#[cfg(test)]
mod tests;

use crate::event::Cx;
use crate::hosts::Hosts;
use crate::ids::{HostId, Side, VmId};
use crate::metric::{Metric, SAMPLE};
use crate::profile::memory::MemoryProfile;
use crate::scenario::{Cluster, Scenario, StorageDesign, VmGroup};
use numa::Remote;
use reclaim::{Room, Taken};
use sim_core::{Bytes, Class, SimTime, Stream, Streams};

/// Page of guests and of swap, bytes.
const PAGE: f64 = 4096.0;

/// What happens to memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Remote shares are recorded.
    Sample,
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        Class::Sampling
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        1
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        0
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
}

/// Why a VM may not run on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Asked for.
    pub wanted: Bytes,
    /// What the platform would let it have.
    pub free: Bytes,
}

/// What a host's memory does to a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// Bursts of work last this much longer (remote accesses, swap), at least 1.
    pub slowdown: f64,
    /// Reads per second that reclaim adds to the VM's storage path.
    pub swap_reads_per_s: f64,
}

/// What the hosts of a cluster have in common.
#[derive(Clone, Debug)]
struct Platform {
    profile: MemoryProfile,
    hosts: u16,
    nodes: u16,
    cores_per_node: u32,
    room: Room,
}

#[derive(Clone, Debug)]
struct HostMemory {
    side: Side,
    up: bool,
    promised: Bytes,
    used: Bytes,
    taken: Taken,
}

#[derive(Clone, Debug, Default)]
struct VmMemory {
    placed: Option<Placed>,
    luck: Option<Stream>,
    stall_share: f64,
}

#[derive(Clone, Debug)]
struct Placed {
    host: HostId,
    memory: Bytes,
    used: Bytes,
    vcpus: u32,
    remote: Remote,
}

/// Memory of all hosts.
#[derive(Clone, Debug)]
pub struct Memory {
    platforms: [Option<Platform>; 2],
    hosts: Vec<HostMemory>,
    vms: Vec<VmMemory>,
    streams: Streams,
}

impl Memory {
    /// Empty hosts; controller VMs hold their part.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Memory {
        let platforms = Side::BOTH.map(|side| scenario.cluster(side).map(Platform::build));
        let hosts = hosts.iter().map(|(_, h)| (h.side, h.up));
        Memory::assemble(platforms, hosts, scenario.vm_count(), streams)
    }

    fn assemble(
        platforms: [Option<Platform>; 2],
        hosts: impl Iterator<Item = (Side, bool)>,
        vms: u32,
        streams: &Streams,
    ) -> Memory {
        let hosts = hosts.map(|(side, up)| HostMemory::empty(side, up)).collect();
        Memory { platforms, hosts, vms: vec![VmMemory::default(); vms as usize], streams: *streams }
    }

    /// Schedules the first sample.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        cx.after(SAMPLE, Event::Sample.into());
    }

    /// Moves all streams onto another run. What was drawn stays.
    pub fn rekey(&mut self, streams: &Streams) {
        self.streams = *streams;
        self.vms.iter_mut().filter_map(|vm| vm.luck.as_mut()).for_each(|luck| luck.rekey(streams));
    }

    /// Would this host take a VM of this size? Without overcommit only into memory nobody else was promised.
    pub fn admits(&self, host: HostId, memory: Bytes) -> Result<(), Refused> {
        let platform = self.platform(host);
        let profile = &platform.profile;
        let ratio = if profile.overcommit { profile.overcommit_ratio.max(1.0) } else { 1.0 };
        let free = platform.room.capacity.scale(ratio).saturating_sub(self.hosts[host.index()].promised);
        if memory <= free { Ok(()) } else { Err(Refused { wanted: memory, free }) }
    }

    /// State of a host's memory and what it has taken back.
    pub fn taken(&self, host: HostId) -> Taken {
        self.hosts[host.index()].taken
    }

    /// Puts a VM on a host; the answer is its NUMA home node, `None` when it spans nodes. `moved` says that
    /// it came by live migration rather than by power-on, so that its placement is drawn again.
    pub fn place(
        &mut self,
        vm: VmId,
        name: &str,
        group: &VmGroup,
        host: HostId,
        moved: bool,
        cx: &mut Cx<'_>,
    ) -> Option<u16> {
        self.remove(vm, cx);
        let streams = self.streams;
        let Memory { platforms, hosts, vms, .. } = self;
        let platform = platforms[hosts[host.index()].side as usize].as_ref().expect("a host has a cluster");
        let it = &mut vms[vm.index()];
        if it.luck.is_none() {
            it.stall_share = numa::stall_share(&mut streams.stream(name, "memory stalls"));
        }
        let luck = it.luck.get_or_insert_with(|| streams.stream(name, "numa"));
        let fits = group.vcpus <= platform.cores_per_node
            && group.memory <= platform.room.memory / u64::from(platform.nodes);
        let split = !fits && !group.vnuma;
        let mut remote = numa::remote(&platform.profile, platform.nodes, split, moved, cx.now, luck);
        if !fits && group.vnuma {
            remote.least = 0.0; // each virtual node is bound to one of the host's
        }
        let used = group.memory.scale(group.resident);
        it.placed = Some(Placed { host, memory: group.memory, used, vcpus: group.vcpus, remote });
        let holder = &mut hosts[host.index()];
        holder.promised += group.memory;
        holder.used += used;
        holder.take_back(platform);
        fits.then(|| numa::home_node(name, u64::from(platform.hosts), platform.nodes))
    }

    /// A VM leaves its host.
    pub fn remove(&mut self, vm: VmId, _cx: &mut Cx<'_>) {
        let Some(placed) = self.vms[vm.index()].placed.take() else { return };
        let Memory { platforms, hosts, .. } = self;
        let holder = &mut hosts[placed.host.index()];
        holder.promised -= placed.memory;
        holder.used -= placed.used;
        holder.take_back(platforms[holder.side as usize].as_ref().expect("a host has a cluster"));
    }

    /// All memory of a host is gone.
    pub fn fail_host(&mut self, host: HostId, _cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        *it = HostMemory::empty(it.side, false);
        for vm in self.vms.iter_mut().filter(|vm| vm.placed.as_ref().is_some_and(|p| p.host == host)) {
            vm.placed = None;
        }
    }

    /// The host is back, empty.
    pub fn repair_host(&mut self, host: HostId, _cx: &mut Cx<'_>) {
        self.hosts[host.index()].up = true;
    }

    /// Remote share of a VM's accesses now; 0 if it has no memory.
    pub fn remote_share(&self, vm: VmId, now: SimTime) -> f64 {
        self.vms[vm.index()].placed.as_ref().map_or(0.0, |p| p.remote.at(now))
    }

    /// What its memory does to a VM now. Remote accesses cost `1 + stall share x remote share x (L - 1)`;
    /// a touch of a page that is out stalls one of the vCPUs.
    pub fn pressure(&self, vm: VmId, now: SimTime) -> Pressure {
        let it = &self.vms[vm.index()];
        let Some(placed) = &it.placed else { return Pressure { slowdown: 1.0, swap_reads_per_s: 0.0 } };
        let profile = &self.platform(placed.host).profile;
        let latency = (profile.remote_latency - 1.0).max(0.0);
        let remote = 1.0 + it.stall_share * placed.remote.at(now) * latency;
        let host = &self.hosts[placed.host.index()];
        let part = placed.used.as_f64() / host.used.as_f64().max(1.0);
        let pages = |bytes: f64| bytes * part / PAGE;
        let reads = pages(host.taken.swapped) * profile.swap_touches
            + pages(host.taken.ballooned) * profile.balloon_touches;
        let stalled = reads * profile.swap_stall.as_secs() / f64::from(placed.vcpus.max(1));
        Pressure { slowdown: remote + stalled, swap_reads_per_s: reads }
    }

    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        match event {
            Event::Sample => self.sample(cx),
        }
    }

    fn platform(&self, host: HostId) -> &Platform {
        self.platforms[self.hosts[host.index()].side as usize].as_ref().expect("a host has a cluster")
    }

    /// Every VM's remote share, weighted by its memory in whole GiB.
    fn sample(&mut self, cx: &mut Cx<'_>) {
        let stamp = cx.record.stamp();
        for placed in self.vms.iter().filter_map(|vm| vm.placed.as_ref()) {
            let host = &self.hosts[placed.host.index()];
            if host.up {
                let ppm = (placed.remote.at(cx.now) * 1e6 + 0.5) as u64;
                let weight = (placed.memory.0 >> 30).max(1);
                cx.record.sample(Metric::RemoteMemory, host.side, stamp, ppm, weight);
            }
        }
        cx.after(SAMPLE, Event::Sample.into());
    }
}

impl From<Event> for crate::event::Event {
    fn from(event: Event) -> Self {
        crate::event::Event::Memory(event)
    }
}

impl HostMemory {
    fn empty(side: Side, up: bool) -> HostMemory {
        HostMemory { side, up, promised: Bytes::ZERO, used: Bytes::ZERO, taken: Taken::default() }
    }

    fn take_back(&mut self, platform: &Platform) {
        self.taken = reclaim::reclaim(&platform.profile, platform.room, self.used, self.taken.state);
    }
}

impl Platform {
    fn build(cluster: &Cluster) -> Platform {
        let controller = match &cluster.storage {
            StorageDesign::Replicated(replicated) => replicated.cvm_memory,
            StorageDesign::San(_) => Bytes::ZERO,
        };
        let sockets = (cluster.sockets, cluster.cores_per_socket);
        Platform::new(&cluster.profile.memory, (cluster.hosts, cluster.memory), sockets, controller)
    }

    fn new(
        profile: &MemoryProfile,
        (hosts, memory): (u16, Bytes),
        (sockets, cores): (u16, u16),
        controller: Bytes,
    ) -> Platform {
        let capacity = memory.saturating_sub(profile.hypervisor).saturating_sub(controller);
        Platform {
            profile: profile.clone(),
            hosts,
            nodes: sockets.max(1),
            cores_per_node: u32::from(cores),
            room: Room { memory, capacity },
        }
    }
}
