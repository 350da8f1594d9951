//! CPU pools: ready time, co-stop and wake-up waits from a closed form, solved when something changes.

use crate::event::Cx;
use crate::hosts::Hosts;
use crate::ids::{HostId, Side, VmId};
use crate::scenario::{CpuDemand, Scenario};
use sim_core::{Span, Stream, Streams};

/// What happens to CPU pools.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Pools that changed at this instant are solved.
    Settle,
    /// A 20 s sample of every VM's ready time is recorded.
    Sample,
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> sim_core::Class {
        sim_core::Class::Settle
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        0
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

/// What a VM meets on its host's CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contention {
    /// Share of time each vCPU is ready but not running (co-stop not included).
    pub ready: f64,
    /// Share of time each vCPU is co-stopped.
    pub co_stop: f64,
    /// Probability that a wake-up finds no free CPU.
    pub wait_probability: f64,
}

/// What a controller VM meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CvmCpu {
    /// Service times stretch by this, at least 1: 1 / (1 - ready).
    pub stretch: f64,
    /// Share of its vCPUs that is busy with storage work.
    pub busy: f64,
}

/// All CPU pools of both clusters.
#[derive(Clone, Debug)]
pub struct Cpu {}

#[allow(unused_variables)]
impl Cpu {
    /// Empty pools. Streams are owned per VM and per host, for sampling only.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Cpu {
        unimplemented!()
    }
    /// Schedules the first sample.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        unimplemented!()
    }
    /// A VM's vCPUs begin to run on a host. `home` is its NUMA home node, `None` when it spans nodes.
    pub fn place(
        &mut self,
        vm: VmId,
        name: &str,
        vcpus: u32,
        demand: &CpuDemand,
        at: (HostId, Option<u16>),
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
    /// A VM's vCPUs stop (stun, power off, gone).
    pub fn remove(&mut self, vm: VmId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Busy share of each vCPU when nothing makes it wait.
    pub fn set_duty(&mut self, vm: VmId, duty: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Burst lengths are multiplied by this (remote memory, throttling), at least 1.
    pub fn set_slowdown(&mut self, vm: VmId, factor: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Cores' worth of storage work offered to a host's controller VM.
    pub fn set_cvm_load(&mut self, host: HostId, cores: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Cores' worth of hypervisor work on a host (migration streams).
    pub fn set_system_load(&mut self, host: HostId, cores: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Share of cycles that controller VMs of a side lose to something outside the model.
    pub fn set_stolen(&mut self, side: Side, share: f64, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// All pools of a host vanish with it; its VMs are removed by their owner.
    pub fn fail_host(&mut self, host: HostId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// The host's pools are back, with its controller VM.
    pub fn repair_host(&mut self, host: HostId, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// What a VM meets now; all zero if it does not run.
    pub fn contention(&self, vm: VmId) -> Contention {
        unimplemented!()
    }
    /// What a host's controller VM meets now.
    pub fn cvm(&self, host: HostId) -> CvmCpu {
        unimplemented!()
    }
    /// Wake-up wait of one dispatch of a VM's vCPU.
    pub fn vm_wake(&self, vm: VmId, luck: &mut Stream) -> Span {
        unimplemented!()
    }
    /// Wake-up wait of one dispatch in a host's controller VM.
    pub fn cvm_wake(&self, host: HostId, luck: &mut Stream) -> Span {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        unimplemented!()
    }
}
