//! A cluster with clients: arrivals are Poisson, at most `depth` requests of a client are in flight, the
//! rest wait in the guest. Latencies are kept as tools see them, from issue.

use super::super::{Event, Load, Op, Request, Storage};
use crate::cpu::Cpu;
use crate::event;
use crate::fabric::Fabric;
use crate::hosts::Hosts;
use crate::ids::{HostId, Side, VmId};
use crate::memory::Memory;
use crate::metric::{Metric, Phase};
use crate::profile::{Profile, ProfileSpec};
use crate::quantity::Resolver;
use crate::record::{Record, Tally};
use crate::scenario::*;
use crate::world::Infra;
use sim_core::{Budget, Bytes, Cx, Dist, Model, Rate, Seed, SimTime, Simulation, Span, Stream, Streams};
use std::collections::VecDeque;

pub const AHV: &str = include_str!("../../../../scenarios/profiles/ahv.ron");
pub const KVM: &str = include_str!("../../../../scenarios/profiles/kvm.ron");
pub const ESXI: &str = include_str!("../../../../scenarios/profiles/esxi_san.ron");
pub const HYBRID: &str = include_str!("../../../../scenarios/profiles/nutanix_esxi_2015.ron");

pub fn profile(text: &str) -> Profile {
    let spec: ProfileSpec = ron::from_str(text).expect("a shipped profile parses");
    let mut r = Resolver::typical();
    let profile = spec.resolve("profile", &mut r);
    assert!(r.problems.is_empty(), "{:?}", r.problems);
    profile
}

pub fn copies(copies: u8, cvm_vcpus: u32) -> Replicated {
    Replicated {
        copies,
        spread: Domain::Host,
        cvm_vcpus,
        cvm_memory: Bytes::gib(32),
        devices: 4,
        device_capacity: Bytes(7_680_000_000_000),
        groups: 4096,
        throttle: Throttle::Cap(0.25),
    }
}

/// One replicated cluster on the target side, two 25 GbE ports per host.
pub fn scenario(hosts: u16, design: StorageDesign, profile: Profile) -> Scenario {
    let cluster = Cluster {
        name: "node".into(),
        hosts,
        racks: 1,
        sockets: 2,
        cores_per_socket: 16,
        threads_per_core: 2,
        memory: Bytes::gib(1024),
        nics: Nics { ports: 2, rate: Rate::gbps(25), bond: Bond::Lacp },
        storage: design,
        live_migrations_per_hour: 0.0,
        profile,
    };
    Scenario {
        name: "rig".into(),
        question: String::new(),
        source: None,
        target: cluster,
        fabric: FabricDesign {
            spines: 4,
            uplinks_per_tor: 4,
            uplink: Rate::gbps(100),
            intersite: None,
            buffer: Bytes::mib(32),
            queueing: Queueing::Fifo,
            mtu: 9000,
            lacp_fast: true,
            detection: RouteDetection::Bfd,
            // No microbursts: neither the published figures nor the prototype had any to speak of.
            hot_share: 0.0,
            announce_loss: 0.0,
            ..FabricDesign::default()
        },
        groups: Vec::new(),
        wave: None,
        faults: Vec::new(),
        timeline: Timeline { before: Span::ZERO, after: Span::ZERO, duress: Span::secs(60) },
        windows: Windows {
            everything: true,
            stratum: Span::secs(300),
            slice: Span::secs(2),
            warm_in: Span::secs(2),
            before_fault: Span::ZERO,
            after_detection: Span::ZERO,
            around: Span::ZERO,
        },
        objectives: Vec::new(),
        event_budget: 100_000_000,
        futures_per_past: 1,
    }
}

/// One I/O stream of a VM.
#[derive(Clone, Debug)]
pub struct Client {
    pub vm: VmId,
    pub reads_per_s: f64,
    pub writes_per_s: f64,
    /// Bytes and probability of the larger of two sizes; the smaller one is 8 KiB.
    pub large: (u32, f64),
    luck: Stream,
    service: Stream,
    flight: Vec<Option<(SimTime, Op)>>,
    waiting: VecDeque<(Op, u32)>,
}

/// The system under test.
#[derive(Clone, Debug)]
pub struct Rig {
    pub storage: Storage,
    pub infra: Infra,
    pub clients: Vec<Client>,
    /// No arrivals from then on.
    pub until: SimTime,
    /// Completion, op and latency in ns, and the client.
    pub seen: Vec<(SimTime, Op, u64, usize)>,
}

const ARRIVAL: u32 = 1 << 31;

impl Rig {
    fn arrive(&mut self, index: usize, cx: &mut Cx<'_, event::Event, Record>) {
        if cx.now >= self.until {
            return;
        }
        let client = &mut self.clients[index];
        let total = client.reads_per_s + client.writes_per_s;
        let gap = Dist::exponential(1.0 / total).expect("a rate").sample_span(&mut client.luck);
        cx.after(gap, event::Event::Storage(Event::Probe(ARRIVAL | index as u32)));
        let op = if client.luck.uniform() * total < client.reads_per_s { Op::Read } else { Op::Write };
        let bytes = if client.luck.chance(client.large.1) { client.large.0 } else { 8192 };
        client.waiting.push_back((op, bytes));
        self.issue(index, cx);
    }

    fn issue(&mut self, index: usize, cx: &mut Cx<'_, event::Event, Record>) {
        let client = &mut self.clients[index];
        let Some(slot) = client.flight.iter().position(Option::is_none) else { return };
        let Some((op, bytes)) = client.waiting.pop_front() else { return };
        client.flight[slot] = Some((cx.now, op));
        let then = event::Event::Storage(Event::Probe((index << 8 | slot) as u32));
        let stamp = cx.record.stamp();
        let request = Request { vm: client.vm, op, bytes, stamp, weight: 1, then };
        self.storage.submit(request, &mut client.service, &mut self.infra, cx);
    }

    fn complete(&mut self, index: usize, slot: usize, cx: &mut Cx<'_, event::Event, Record>) {
        let (issued, op) = self.clients[index].flight[slot].take().expect("in flight");
        self.seen.push((cx.now, op, cx.now.since(issued).0, index));
        self.issue(index, cx);
    }
}

impl Model for Rig {
    type Event = event::Event;
    type Record = Record;

    fn handle(&mut self, event: event::Event, cx: &mut Cx<'_, event::Event, Record>) {
        match event {
            event::Event::Storage(Event::Probe(x)) if x & ARRIVAL != 0 => {
                self.arrive((x & !ARRIVAL) as usize, cx);
            }
            event::Event::Storage(Event::Probe(x)) => {
                self.complete((x >> 8) as usize, (x & 255) as usize, cx)
            }
            event::Event::Storage(e) => self.storage.handle(e, &mut self.infra, cx),
            event::Event::Fabric(e) => self.infra.fabric.handle(e, cx),
            event::Event::Cpu(e) => self.infra.cpu.handle(e, cx),
            other => unreachable!("{other:?}"),
        }
    }
}

pub type Sim = Simulation<Rig>;

/// A cluster in a simulation, without VMs.
pub fn build(scenario: &Scenario, seed: u64) -> Sim {
    let streams = Streams::new(Seed(seed), 0);
    let hosts = Hosts::build(scenario);
    let mut infra = Infra {
        cpu: Cpu::build(scenario, &hosts, &streams),
        memory: Memory::build(scenario, &hosts, &streams),
        fabric: Fabric::build(scenario, &hosts, &streams),
        hosts,
    };
    let storage = Storage::build(scenario, &mut infra, &streams);
    let rig = Rig { storage, infra, clients: Vec::new(), until: SimTime::NEVER, seen: Vec::new() };
    let mut record = Record::default();
    record.begin_act(Phase::TargetSteady);
    Simulation::new(rig, record, Budget::default())
}

/// Attaches `vms` VMs round robin, each with a disk of this size and an even load.
pub fn attach(sim: &mut Sim, vms: u32, disk: Bytes, load: Load) {
    sim.start(|rig, cx| {
        let hosts = rig.infra.hosts.len() as u32;
        for vm in 0..vms {
            let (id, host) = (VmId(vm), HostId((vm % hosts) as u16));
            rig.storage.attach(id, &format!("vm-{vm}"), disk, host, true, &mut rig.infra, cx);
            rig.storage.set_load(id, load, &mut rig.infra, cx);
        }
    });
}

/// Adds clients to a VM and starts them.
pub fn client(sim: &mut Sim, vm: u32, rates: (f64, f64), depth: usize, large: (u32, f64)) {
    sim.start(|rig, cx| {
        let index = rig.clients.len();
        let streams = Streams::new(Seed(99), 0);
        let name = format!("client-{index}");
        rig.clients.push(Client {
            vm: VmId(vm),
            reads_per_s: rates.0,
            writes_per_s: rates.1,
            large,
            luck: streams.stream(&name, "arrivals"),
            service: streams.stream(&name, "service"),
            flight: vec![None; depth],
            waiting: VecDeque::new(),
        });
        cx.soon(event::Event::Storage(Event::Probe(ARRIVAL | index as u32)));
    });
}

/// The OLTP VM of Nutanix X-Ray: 4 disks of 500 reads and 500 writes per second at depth 8, 90 % of 8 KiB and
/// 10 % of 32 KiB, and 2 log disks of 100 writes per second of 32 KiB at depth 1.
pub fn oltp(sim: &mut Sim, vm: u32) {
    for _ in 0..4 {
        client(sim, vm, (500.0, 500.0), 8, (32_768, 0.1));
    }
    for _ in 0..2 {
        client(sim, vm, (0.0, 100.0), 1, (32_768, 1.0));
    }
}

/// What that VM asks for: 2000 reads and 2200 writes of 11.7 KB on average (vdbench logs: 11,703 B).
pub const OLTP: Load = Load { reads_per_s: 2000.0, writes_per_s: 2200.0, mean_bytes: 11_703.0 };

/// Latencies of one kind that completed after `from`, sorted, in ms.
pub fn latencies(sim: &Sim, op: Op, from: SimTime) -> Vec<f64> {
    let all = sim.model.seen.iter().filter(|s| s.1 == op && s.0 >= from);
    let mut all: Vec<f64> = all.map(|s| s.2 as f64 / 1e6).collect();
    all.sort_by(f64::total_cmp);
    all
}

pub fn mean(sorted: &[f64]) -> f64 {
    sorted.iter().sum::<f64>() / sorted.len() as f64
}

pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

/// A tally over all phases of the target.
pub fn total(sim: &Sim, tally: Tally) -> u64 {
    Phase::ALL.iter().map(|&p| sim.record.total(tally, Side::Target, p)).sum()
}

/// A per-run number of the target.
pub fn per_run(sim: &Sim, metric: Metric) -> Option<u64> {
    sim.record.per_run().find(|(key, _)| *key == (metric, Side::Target)).map(|(_, v)| v)
}

pub fn seconds(s: u64) -> SimTime {
    SimTime::ZERO + Span::secs(s)
}
