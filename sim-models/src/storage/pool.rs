//! Replicated storage of one cluster, macroscopically: its nodes, what they know of each other, where its
//! data lie, and which way a request goes.

use super::disks::Disk;
use super::groups::{Candidate, Groups, Slot, State, score};
use super::protocol::replicated::{MAX_COPIES, ReadRoute, WriteRoute};
use super::rebuild::Rebuild;
use crate::hosts::Host;
use crate::ids::{HostId, Side};
use crate::profile::storage::{Service, StorageProfile};
use crate::scenario::{self, Bond, Domain, Replicated};
use crate::world::Infra;
use sim_core::digest::hash_name;
use sim_core::fluid::LinkId;
use sim_core::{Rate, SimTime, Span, Stream, Streams};

/// What a request hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A node that does not answer, until its peers notice that it is gone.
    Node(HostId),
    /// The way from a host to a controller, until it is redirected.
    Path(HostId),
    /// Data of a cluster without a readable copy, until a node returns.
    Data(Side),
    /// Room for what is written: full nodes refuse writes, and a hypervisor stops a VM whose disk has no space left
    /// until there is some (ESXi's question, libvirt's `werror=enospc`).
    Space(Side),
}

/// How a host reaches a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Its own.
    Own,
    /// Its own is dead and nothing has taken over.
    Hangs,
    /// That of another node.
    Via(u16),
}

/// What the run's luck has in store for a node, should it fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// Its death to its peers knowing it.
    pub detection: Span,
    /// From there to the start of the rebuild.
    pub scan: Span,
    /// Death of its controller to the redirection of its host.
    pub redirect: Span,
    /// Which device dies first.
    pub device: u64,
}

impl Fate {
    /// One draw of each, from a stream of the host's own.
    pub fn draw(name: &str, p: &StorageProfile, streams: &Streams) -> Fate {
        let mut luck = streams.stream(name, "storage-fate");
        Fate {
            detection: p.detection.sample_span(&mut luck),
            scan: p.scan.sample_span(&mut luck),
            redirect: p.redirect.sample_span(&mut luck),
            device: luck.next_u64(),
        }
    }
}

/// One host as storage sees it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The host.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// Hash of its name.
    pub key: u64,
    /// Its rack.
    pub rack: u16,
    /// The host runs.
    pub up: bool,
    /// Its controller runs, if the host does.
    pub cvm_up: bool,
    /// Its peers know that it does not serve.
    pub noticed: bool,
    /// How its VMs reach a controller.
    pub path: Path,
    /// Its copies are to be made elsewhere.
    pub replaced: bool,
    /// Rebuild bytes per second that pass it, both directions.
    pub copied: Rate,
    /// Controller cores that guests ask for.
    pub guest_cores: f64,
    /// Controller cores asked for in all, as last told to the CPU model.
    pub cores: f64,
    /// Counts what happened to it, so that timers of an earlier failure are stale.
    pub outage: u32,
    /// Its dead data devices, as bits.
    pub dead_devices: u64,
    /// What happens if it fails.
    pub fate: Fate,
    /// Bulk bytes of incoming or outgoing moves per second.
    pub ingest: Rate,
    /// Budget of all bulk work: device and controller.
    pub bulk: LinkId,
    /// Part of it that rebuild copies may take, both directions together.
    pub copying: LinkId,
    /// The two budgets as last set.
    pub budgets: [Rate; 2],
}

impl Node {
    /// It answers.
    pub fn serves(&self) -> bool {
        self.up && self.cvm_up
    }

    /// Its peers send requests to it, rightly or not.
    pub fn trusted(&self) -> bool {
        !self.noticed
    }

    /// A working data device for a drawn number; device 0 when none is left.
    pub fn device(&self, draw: u64, devices: u16) -> u16 {
        let alive = |d: &u16| self.dead_devices >> d & 1 == 0;
        let count = (0..devices).filter(alive).count() as u64;
        let nth = if count == 0 { 0 } else { draw % count };
        (0..devices).filter(alive).nth(nth as usize).unwrap_or(0)
    }
}

/// Replicated storage of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// Which cluster.
    pub side: Side,
    /// As the scenario has it.
    pub design: Replicated,
    /// Costs and timers.
    pub profile: StorageProfile,
    /// Network rate of a host, all ports.
    pub nic: Rate,
    /// By host number.
    pub nodes: Vec<Node>,
    /// Where the data lie.
    pub groups: Groups,
    /// Copies being made again.
    pub rebuild: Rebuild,
    /// Offered guest traffic from node to node, row by sender.
    pub offered: Vec<Rate>,
}

impl Pool {
    /// All data redundant on the hosts that run; the others are known to be missing.
    pub fn build(
        side: Side,
        cluster: &scenario::Cluster,
        design: &Replicated,
        infra: &mut Infra,
        streams: &Streams,
    ) -> Pool {
        let p = &cluster.profile.storage;
        let hosts: Vec<(HostId, Host)> = infra.hosts.of(side).map(|h| (h, infra.hosts[h].clone())).collect();
        let nodes: Vec<Node> = hosts
            .into_iter()
            .map(|(host, it)| Node {
                host,
                key: hash_name(&[&it.name]),
                fate: Fate::draw(&it.name, p, streams),
                name: it.name,
                rack: it.rack,
                up: it.up,
                cvm_up: it.up,
                noticed: !it.up,
                path: if it.up { Path::Own } else { Path::Hangs },
                replaced: false,
                copied: Rate::ZERO,
                guest_cores: 0.0,
                cores: 0.0,
                outage: 0,
                dead_devices: 0,
                ingest: Rate::ZERO,
                bulk: infra.fabric.add_budget(Rate::ZERO),
                copying: infra.fabric.add_budget(Rate::ZERO),
                budgets: [Rate::ZERO; 2],
            })
            .collect();
        let places: Vec<Candidate> =
            nodes.iter().map(|n| Candidate { key: n.key, rack: n.rack, present: n.up }).collect();
        let copies = usize::from(design.copies);
        let devices = design.devices as u16;
        Pool {
            side,
            design: design.clone(),
            profile: p.clone(),
            nic: match cluster.nics.bond {
                Bond::ActiveBackup => cluster.nics.rate,
                Bond::Lacp => cluster.nics.rate * u64::from(cluster.nics.ports),
            },
            groups: Groups::place(design.groups.max(1), copies, &places, design.spread, devices),
            rebuild: Rebuild::default(),
            offered: vec![Rate::ZERO; nodes.len() * nodes.len()],
            nodes,
        }
    }

    /// Number of a host within the cluster.
    pub fn number(&self, host: HostId) -> usize {
        host.index() - self.nodes[0].host.index()
    }

    /// A node by its host.
    pub fn node(&self, host: HostId) -> &Node {
        &self.nodes[self.number(host)]
    }

    /// A node by its host.
    pub fn node_mut(&mut self, host: HostId) -> &mut Node {
        let number = self.number(host);
        &mut self.nodes[number]
    }

    /// Copies that a write makes.
    pub fn copies(&self) -> usize {
        usize::from(self.design.copies).clamp(1, MAX_COPIES).min(self.nodes.len())
    }

    /// The node that serves requests of a host's VMs under local service.
    pub fn entry(&self, host: HostId) -> Result<usize, Wait> {
        match self.node(host).path {
            Path::Own => Ok(self.number(host)),
            Path::Via(n) => Ok(usize::from(n)),
            Path::Hangs => Err(Wait::Path(host)),
        }
    }

    /// Way of a write; `Err` says what it hangs on.
    pub fn write_route(&self, host: HostId, luck: &mut Stream) -> Result<WriteRoute, Wait> {
        if self.rebuild.read_only {
            return Err(Wait::Space(self.side));
        }
        let what = luck.next_u64();
        let mut chosen = [0usize; MAX_COPIES];
        let mut count = 0;
        match self.profile.service {
            Service::Local => {
                chosen[0] = self.entry(host)?;
                count = 1;
            }
            Service::Owner => {
                let group = (what % u64::from(self.groups.count())) as u32;
                for slot in self.groups.of(group).iter().filter(|s| self.readable(s)) {
                    chosen[count] = usize::from(slot.node);
                    count += 1;
                }
            }
        }
        while count < self.copies() {
            let Some(peer) = self.peer(what, &chosen[..count]) else { break };
            chosen[count] = peer;
            count += 1;
        }
        if count == 0 {
            return Err(Wait::Data(self.side));
        }
        let mut copies = [(host, 0); MAX_COPIES];
        for (copy, &n) in copies.iter_mut().zip(&chosen[..count]) {
            let node = &self.nodes[n];
            *copy = (node.host, node.device(score(what, node.key), self.design.devices as u16));
        }
        Ok(WriteRoute { host, copies, count })
    }

    /// The trusted node with the highest score that is apart from those taken; racks at best effort.
    pub fn peer(&self, what: u64, taken: &[usize]) -> Option<usize> {
        let best = |apart: bool| {
            let mut best = None;
            for (n, node) in self.nodes.iter().enumerate() {
                let close = apart && taken.iter().any(|&t| self.nodes[t].rack == node.rack);
                if node.noticed || close || taken.contains(&n) {
                    continue;
                }
                // Of equal scores the last one wins.
                let score = score(what, node.key);
                if best.is_none_or(|(highest, _)| score >= highest) {
                    best = Some((score, n));
                }
            }
            best.map(|(_, n)| n)
        };
        if self.design.spread == Domain::Rack { best(true).or_else(|| best(false)) } else { best(false) }
    }

    /// Peers believe that this copy can be read: its death may not have been noticed yet.
    fn readable(&self, slot: &Slot) -> bool {
        let unnoticed = slot.state == State::Down && self.nodes[usize::from(slot.node)].trusted();
        slot.state == State::Live || unnoticed
    }

    /// Way of a read; `Err` says what it hangs on.
    pub fn read_route(
        &self,
        host: HostId,
        disk: &Disk,
        now: SimTime,
        luck: &mut Stream,
    ) -> Result<ReadRoute, Wait> {
        let (what, p) = (luck.next_u64(), &self.profile);
        let [cached, cold, local, missed] = [
            luck.chance(p.cache_hit),
            luck.chance(p.cold_share),
            luck.chance(disk.locality(now, p)),
            luck.chance(p.metadata_miss),
        ];
        let group = (what % u64::from(self.groups.count())) as u32;
        let primary = match p.service {
            Service::Local => self.entry(host)?,
            Service::Owner => usize::from(self.copy_for(group, what, None)?.0),
        };
        let own = self.nodes[primary].host == host;
        let device = (what >> 32) % u64::from(self.design.devices.max(1));
        let data = if cached {
            None
        } else if local && own && self.nodes[primary].dead_devices >> device & 1 == 0 {
            Some((primary as u16, device as u16))
        } else {
            Some(self.copy_for(group, what, Some(primary as u16))?)
        };
        let metadata = if missed { self.peer(what, &[primary]) } else { None };
        Ok(ReadRoute {
            host,
            primary: self.nodes[primary].host,
            data: data.map(|(n, device)| (self.nodes[usize::from(n)].host, device)),
            cold,
            metadata: metadata.map(|n| self.nodes[n].host),
        })
    }

    /// Node and device of a copy of a group: on `near` if there is one.
    fn copy_for(&self, group: u32, what: u64, near: Option<u16>) -> Result<(u16, u16), Wait> {
        let copies = || self.groups.of(group).iter().filter(|s| self.readable(s));
        let best = copies().max_by_key(|s| {
            let first = near == Some(s.node);
            // Owner service always asks the first copy; remote reads are spread.
            let turn = if near.is_some() { score(what, self.nodes[usize::from(s.node)].key) } else { 0 };
            (first, turn, std::cmp::Reverse(s.node))
        });
        best.map(|s| (s.node, s.device)).ok_or(Wait::Data(self.side))
    }
}

/// The node that serves a host whose own controller is gone.
pub(super) fn score_proxy(pool: &Pool, host: HostId) -> Option<u16> {
    let own = pool.number(host);
    let serving = (0..pool.nodes.len()).filter(|&n| n != own && pool.nodes[n].serves());
    serving.max_by_key(|&n| score(pool.nodes[own].key, pool.nodes[n].key)).map(|n| n as u16)
}
