//! CPU pools: ready time, co-stop and wake-up waits from a closed form, solved when something changes.
//!
//! ```text
//!   guests' vCPUs --\                         +--> ready, co-stop, chance to wait   (per VM)
//!   controller VM ---+--> pool of CPUs -------+
//!   hypervisor ------/    (node or host)      +--> stretch of service times         (per host)
//! ```
//!
//! Demand is piecewise constant: a change marks its pools, and one [`Event::Settle`] per instant solves the
//! marked ones ([`settle`]): closed form ([`pool`]), then weights ([`classes`], [`weighted`]), then late
//! balancing ([`imbalance`]); vCPUs of which none sleeps share by weight alone ([`hogs`]). No quantum and no burst is an event. A VM wider than its NUMA node has vCPUs in the
//! pools of several nodes and meets their mean. A controller VM is vCPUs like any other, of a weight of its
//! own; hypervisor work comes first and makes the pool smaller.

pub mod account;
pub mod band;
pub mod classes;
pub mod costop;
pub mod fill;
pub mod hogs;
pub mod host;
pub mod imbalance;
pub mod linux;
pub mod pool;
pub mod settle;
pub mod strain;
mod vcpus;
pub mod weighted;

#[cfg(test)]
mod measured;
#[cfg(test)]
mod oracle;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod theory;

use crate::event::Cx;
use crate::hosts::Hosts;
use crate::ids::{HostId, Side, VmId};
use crate::metric::{Metric, SAMPLE};
use crate::scenario::{CpuDemand, Duty, Scenario};
use account::Account;
use host::{HostCpu, Platform};
use settle::{Cache, Entry, Met};
use sim_core::mutant::Mutant;
use sim_core::{Class, Span, Stream, Streams};
use strain::Alarm;

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
    pub fn class(&self) -> Class {
        match self {
            Event::Settle => Class::Settle,
            Event::Sample => Class::Sampling,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Settle => 1,
            Event::Sample => 2,
        }
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
    /// Service times stretch by this, at least 1: 1 / (1 - ready) without what wake-ups wait, which every
    /// dispatch pays apart, and, of cycles taken by something outside the model, 1 / (1 - stolen).
    pub stretch: f64,
    /// Share of its vCPUs that is busy with storage work, before the stretch.
    pub busy: f64,
}

/// A VM's vCPUs: what they ask for and what they meet.
#[derive(Clone, Debug)]
pub struct Vcpus {
    /// As the pools see it.
    entry: Entry,
    vcpus: u32,
    /// Busy share as last set; `None` until somebody has.
    duty: Option<f64>,
    slowdown: f64,
    burst: Span,
    placed: Option<Placed>,
    met: Contention,
    wait_mean: f64,
    account: Account,
    luck: Option<Stream>,
}

#[derive(Clone, Debug)]
struct Placed {
    host: HostId,
    /// Pool, vCPUs in it, what they meet there, load offered to it.
    parts: Vec<(usize, u32, Met, f64)>,
}

/// All CPU pools of both clusters.
#[derive(Clone, Debug)]
pub struct Cpu {
    platforms: [Option<Platform>; 2],
    hosts: Vec<HostCpu>,
    vms: Vec<Vcpus>,
    streams: Streams,
    cache: Cache,
    settling: bool,
    alarms: [Option<Alarm>; 2],
}

impl Cpu {
    /// Empty pools. Streams are owned per VM and per host, for sampling only.
    pub fn build(scenario: &Scenario, hosts: &Hosts, streams: &Streams) -> Cpu {
        let platforms = Side::BOTH.map(|side| scenario.cluster(side).map(Platform::build));
        let hosts = hosts.iter().map(|(_, h)| (h.side, h.up));
        Cpu::assemble(platforms, hosts, scenario.vm_count(), streams)
    }

    fn assemble(
        platforms: [Option<Platform>; 2],
        hosts: impl Iterator<Item = (Side, bool)>,
        vms: u32,
        streams: &Streams,
    ) -> Cpu {
        let platform = |side: Side| platforms[side as usize].as_ref().expect("a host has a cluster");
        let hosts = hosts.map(|(side, up)| HostCpu::new(side, up, platform(side))).collect();
        let vms = vec![Vcpus::absent(); vms as usize];
        Cpu {
            platforms,
            hosts,
            vms,
            streams: *streams,
            cache: Cache::new(),
            settling: false,
            alarms: [None; 2],
        }
    }

    /// Schedules the first sample.
    pub fn start(&mut self, cx: &mut Cx<'_>) {
        cx.after(SAMPLE, Event::Sample.into());
    }

    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.streams = *streams;
        self.vms.iter_mut().filter_map(|vm| vm.luck.as_mut()).for_each(|luck| luck.rekey(streams));
    }

    /// A VM's vCPUs begin to run on a host. `home` is its NUMA home node, `None` when it spans nodes. Duty
    /// and slowdown are those set last, and at first the mean of its demand and 1.
    pub fn place(
        &mut self,
        vm: VmId,
        name: &str,
        vcpus: u32,
        demand: &CpuDemand,
        at: (HostId, Option<u16>),
        cx: &mut Cx<'_>,
    ) {
        self.remove(vm, cx);
        let (host, home) = at;
        let parts = self.platform(host).spread(vcpus, home, vm.index());
        let it = &mut self.vms[vm.index()];
        it.luck.get_or_insert_with(|| self.streams.stream(name, "ready time"));
        it.duty.get_or_insert_with(|| typical(&demand.duty));
        it.vcpus = vcpus;
        it.burst = demand.burst.max(Span::us(1));
        it.entry.weight = demand.shares.max(1e-3);
        it.entry.reserved = (demand.reservation / f64::from(vcpus)).clamp(0.0, 1.0);
        it.entry.cap = demand.limit.map_or(1.0, |cores| (cores / f64::from(vcpus)).clamp(1e-3, 1.0));
        it.account = Account::open(cx.now);
        it.ask();
        for &(pool, n) in &parts {
            self.hosts[host.index()].join(pool, vm, n);
        }
        let parts = parts.into_iter().map(|(pool, n)| (pool, n, Met::default(), 0.0)).collect();
        it.placed = Some(Placed { host, parts });
        self.settle_soon(cx);
    }

    /// A VM's vCPUs stop (stun, power off, gone).
    pub fn remove(&mut self, vm: VmId, cx: &mut Cx<'_>) {
        let it = &mut self.vms[vm.index()];
        let Some(placed) = it.placed.take() else { return };
        it.met = Contention::default();
        for (pool, ..) in placed.parts {
            self.hosts[placed.host.index()].leave(pool, vm);
        }
        self.settle_soon(cx);
    }

    /// Busy share of each vCPU when nothing makes it wait.
    pub fn set_duty(&mut self, vm: VmId, duty: f64, cx: &mut Cx<'_>) {
        self.vms[vm.index()].duty = Some(duty.clamp(0.0, 1.0));
        self.asks(vm, cx);
    }

    /// Burst lengths are multiplied by this (remote memory, throttling), at least 1.
    pub fn set_slowdown(&mut self, vm: VmId, factor: f64, cx: &mut Cx<'_>) {
        self.vms[vm.index()].slowdown = factor.max(1.0);
        self.asks(vm, cx);
    }

    /// Cores' worth of storage work offered to a host's controller VM.
    pub fn set_cvm_load(&mut self, host: HostId, cores: f64, cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        let seen = it.cvm_steps();
        it.cvm_load = cores.max(0.0);
        if it.cvm_steps() != seen {
            it.touch_all();
            self.settle_soon(cx);
        }
    }

    /// Cores' worth of hypervisor work on a host (migration streams).
    pub fn set_system_load(&mut self, host: HostId, cores: f64, cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        if it.system_load != cores {
            it.system_load = cores.max(0.0);
            it.touch_all();
            self.settle_soon(cx);
        }
    }

    /// Share of cycles that controller VMs of a side lose to something outside the model. It runs on the
    /// same CPUs: their pools are solved again.
    pub fn set_stolen(&mut self, side: Side, share: f64, cx: &mut Cx<'_>) {
        let Some(platform) = &mut self.platforms[side as usize] else { return };
        let share = share.clamp(0.0, 0.99);
        if platform.stolen != share {
            platform.stolen = share;
            self.hosts.iter_mut().filter(|h| h.side == side).for_each(HostCpu::touch_all);
            self.settle_soon(cx);
        }
    }

    /// All pools of a host vanish with it; its VMs are removed by their owner.
    pub fn fail_host(&mut self, host: HostId, _cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        it.up = false;
        it.clear();
        for vm in self.vms.iter_mut().filter(|vm| vm.placed.as_ref().is_some_and(|p| p.host == host)) {
            vm.placed = None;
            vm.met = Contention::default();
        }
    }

    /// The host's pools are back, with its controller VM.
    pub fn repair_host(&mut self, host: HostId, cx: &mut Cx<'_>) {
        let it = &mut self.hosts[host.index()];
        it.up = true;
        it.touch_all();
        self.settle_soon(cx);
    }

    /// What a VM meets now; all zero if it does not run.
    pub fn contention(&self, vm: VmId) -> Contention {
        self.vms[vm.index()].met
    }

    /// What a host's controller VM meets now.
    pub fn cvm(&self, host: HostId) -> CvmCpu {
        let (it, platform) = (&self.hosts[host.index()], self.platform(host));
        CvmCpu { stretch: self.cvm_stretch(host), busy: it.cvm_busy(platform) }
    }

    /// The stretch alone: see [`CvmCpu`].
    #[inline]
    pub fn cvm_stretch(&self, host: HostId) -> f64 {
        let (it, platform) = (&self.hosts[host.index()], self.platform(host));
        let preempted = it.cvm().preempted().min(0.99);
        let stretch = 1.0 / ((1.0 - preempted) * (1.0 - platform.stolen));
        if Mutant::NoSteal.lives() { 1.0 } else { stretch }
    }

    /// Wake-up wait of one dispatch of a VM's vCPU.
    pub fn vm_wake(&self, vm: VmId, luck: &mut Stream) -> Span {
        let it = &self.vms[vm.index()];
        match &it.placed {
            Some(placed) => wake(self.platform(placed.host), it.met.wait_probability, it.wait_mean, luck),
            None => Span::ZERO,
        }
    }

    /// Wake-up wait of one dispatch in a host's controller VM.
    pub fn cvm_wake(&self, host: HostId, luck: &mut Stream) -> Span {
        let platform = self.platform(host);
        let met = self.hosts[host.index()].cvm();
        wake(platform, met.wait, met.wait_mean, luck)
    }

    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, cx: &mut Cx<'_>) {
        match event {
            Event::Settle => self.settle(cx),
            Event::Sample => self.sample(cx),
        }
    }

    fn platform(&self, host: HostId) -> &Platform {
        self.platforms[self.hosts[host.index()].side as usize].as_ref().expect("a host has a cluster")
    }

    fn asks(&mut self, vm: VmId, cx: &mut Cx<'_>) {
        let it = &mut self.vms[vm.index()];
        let before = it.entry;
        it.ask();
        let Some(placed) = &it.placed else { return };
        if it.entry == before {
            return;
        }
        for (pool, ..) in &placed.parts {
            self.hosts[placed.host.index()].touch(*pool);
        }
        self.settle_soon(cx);
    }

    fn settle_soon(&mut self, cx: &mut Cx<'_>) {
        if !self.settling {
            self.settling = true;
            cx.soon(Event::Settle.into());
        }
    }

    fn settle(&mut self, cx: &mut Cx<'_>) {
        self.settling = false;
        let Cpu { platforms, hosts, vms, cache, alarms, .. } = self;
        let mut changed = Vec::new();
        for host in hosts.iter_mut().filter(|h| h.up) {
            let platform = platforms[host.side as usize].as_ref().expect("a host has a cluster");
            let solved = host.settle(platform, vms, cache, |vm, pool, met, offered| {
                changed.push((vm, pool, met, offered))
            });
            if !solved {
                continue;
            }
            let mut lost: f64 = 0.0;
            for (vm, pool, met, offered) in changed.drain(..) {
                let it = &mut vms[vm.index()];
                it.meets(platform, pool, met, offered, cx);
                lost = lost.max(it.lost());
            }
            if let Some(alarm) = alarms[host.side as usize].take_if(|a| a.rings(host, platform, lost)) {
                cx.soon(alarm.then);
            }
        }
    }

    fn sample(&mut self, cx: &mut Cx<'_>) {
        let stamp = cx.record.stamp();
        let Cpu { platforms, hosts, vms, .. } = self;
        for vm in vms {
            let Some(placed) = &vm.placed else { continue };
            let side = hosts[placed.host.index()].side;
            let profile = &platforms[side as usize].as_ref().expect("a host has a cluster").profile;
            vm.account.book(cx.now, vm.met);
            let luck = vm.luck.as_mut().expect("given when first placed");
            let Some(sample) = vm.account.close(cx.now, vm.burst, profile.sample_noise, luck) else {
                continue;
            };
            let ppm = |share: f64| (share * 1e6 + 0.5) as u64;
            cx.record.sample(Metric::CpuReady, side, stamp, ppm(sample.ready), 1);
            cx.record.sample(Metric::CoStop, side, stamp, ppm(sample.co_stop), 1);
            cx.record.sample(Metric::ReadyCoStop, side, stamp, ppm(sample.ready + sample.co_stop), 1);
        }
        cx.after(SAMPLE, Event::Sample.into());
    }
}

impl From<Event> for crate::event::Event {
    fn from(event: Event) -> Self {
        crate::event::Event::Cpu(event)
    }
}

/// Mean duty of a demand, until its owner says what it is now.
fn typical(duty: &Duty) -> f64 {
    match duty {
        Duty::Constant(duty) => *duty,
        Duty::Drawn(law) => law.mean(),
        Duty::Traced { mean, .. } => *mean,
    }
    .clamp(0.0, 1.0)
}

/// A dispatch latency, and with probability `wait` a wait for a scheduling point. One draw, monotone in luck.
fn wake(platform: &Platform, wait: f64, mean: f64, luck: &mut Stream) -> Span {
    let profile = &platform.profile;
    profile.wake + settle::wait_above(wait, mean, profile.slice, luck.uniform_open())
}
