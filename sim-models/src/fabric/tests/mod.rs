//! The fabric alone, under a queue loop of its own.

mod bulk;
mod failing;
mod laws;
mod messages;
mod survey;

use super::topology::Plug;
use super::*;
use crate::record::Record;
use crate::scenario::{Bond, Intersite, Nics};
use sim_core::digest::hash_name;
use sim_core::queue::Queue;
use sim_core::{EventKind, Seed};

/// Two racks of four hosts on one side, 2 x 25 GbE each, four spines with one 25 GbE uplink per ToR each.
pub(super) fn design() -> FabricDesign {
    FabricDesign {
        spines: 4,
        uplinks_per_tor: 4,
        uplink: Rate::gbps(25),
        intersite: None,
        buffer: Bytes::mib(32),
        queueing: Queueing::Fifo,
        mtu: 9000,
        lacp_fast: false,
        detection: RouteDetection::Carrier,
        hot_share: 0.0,
        announce_loss: 0.0,
        ..FabricDesign::default()
    }
}

pub(super) fn plugs(side: Side, hosts: u16, racks: u16, bond: Bond) -> Vec<Plug> {
    let plug = |number: u16| Plug {
        name: hash_name(&[&side.to_string(), &number.to_string()]),
        side,
        number,
        rack: number * racks / hosts,
        nics: Nics { ports: 2, rate: Rate::gbps(25), bond },
    };
    (0..hosts).map(plug).collect()
}

/// A fabric with its clock, queue and what it told others.
pub(super) struct Bench {
    pub fabric: Fabric,
    pub now: SimTime,
    queue: Queue<event::Event>,
    record: Record,
    /// Continuations, with the instant they came.
    pub told: Vec<(SimTime, u32)>,
}

/// Numbers from here on are continuations of the test's, not forecasts.
const TOLD: u32 = 1 << 31;

pub(super) fn tell(number: u32) -> event::Event {
    event::Event::Fabric(Event::Due { epoch: TOLD + number })
}

impl Bench {
    pub fn new(design: &FabricDesign, plugs: Vec<Plug>, seed: u64) -> Bench {
        let streams = Streams::new(Seed(seed), 0);
        let fabric = Fabric::plugged(design, plugs, &streams);
        Bench { fabric, now: SimTime::ZERO, queue: Queue::default(), record: Record::default(), told: vec![] }
    }

    pub fn rack_pair(bond: Bond, seed: u64) -> Bench {
        Bench::new(&design(), plugs(Side::Target, 8, 2, bond), seed)
    }

    pub fn act<T>(&mut self, act: impl FnOnce(&mut Fabric, &mut Cx<'_>) -> T) -> T {
        act(&mut self.fabric, &mut Cx::new(self.now, &mut self.queue, &mut self.record))
    }

    /// Lets everything up to and at `until` happen.
    pub fn run(&mut self, until: SimTime) {
        while let Some((time, event)) = self.queue.pop_until(until) {
            self.now = time;
            match event {
                event::Event::Fabric(Event::Due { epoch }) if epoch >= TOLD => {
                    self.told.push((time, epoch - TOLD))
                }
                event::Event::Fabric(e) => self.act(|f, cx| f.handle(e, cx)),
                other => panic!("the fabric made {other:?} (kind {})", other.kind()),
            }
        }
        self.now = until;
    }

    /// Lets everything at this instant happen.
    pub fn settle(&mut self) {
        self.run(self.now);
    }

    pub fn send(&mut self, from: u16, to: u16, bytes: Bytes, key: u64) -> FlowId {
        let bulk = Bulk {
            from: HostId(from),
            to: HostId(to),
            bytes,
            traffic: Traffic::Rebuild,
            streams: 1,
            cap: None,
            key: hash_name(&["flow", &key.to_string()]),
            also: &[],
            then: tell(key as u32),
            on_rate: None,
        };
        self.act(|f, cx| f.send(bulk, cx))
    }

    pub fn path(&self, flow: FlowId) -> Option<topology::Path> {
        self.fabric.transfers[flow.index()].as_ref().and_then(|(_, t)| t.path)
    }

    pub fn cable(&self, host: u16, port: usize) -> topology::Pair {
        self.fabric.topology.stations[usize::from(host)].cables[port]
    }

    pub fn ms(&self, n: u64) -> SimTime {
        SimTime::ZERO + Span::ms(n)
    }
}

/// Payload rate of one 25 GbE port at MTU 9000: 0.95 x 8948 / 9038.
pub(super) fn port_rate() -> f64 {
    3.125e9 * 0.95 * 8948.0 / 9038.0
}

pub(super) fn two_sites(rtt: Span) -> Bench {
    let intersite = Some(Intersite { rate: Rate::gbps(10), rtt });
    let mut all = plugs(Side::Source, 4, 1, Bond::Lacp);
    all.extend(plugs(Side::Target, 4, 1, Bond::Lacp));
    Bench::new(&FabricDesign { intersite, ..design() }, all, 1)
}

/// Kolmogorov-Smirnov distance of a sample from the uniform law on [low, high], times the root of its size:
/// above 1.63 with probability 0.01.
pub(super) fn ks_uniform(mut draws: Vec<f64>, low: f64, high: f64) -> f64 {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let gap = |(i, x): (usize, &f64)| {
        let law = ((x - low) / (high - low)).clamp(0.0, 1.0);
        (law - i as f64 / n).abs().max((law - (i + 1) as f64 / n).abs())
    };
    draws.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt()
}
