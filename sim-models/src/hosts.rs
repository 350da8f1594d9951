//! The hosts of both clusters: what they are and whether they run.

use crate::ids::{HostId, Side};
use crate::scenario::Scenario;
use sim_core::Bytes;

/// A physical server.
#[derive(Clone, Debug)]
pub struct Host {
    /// Such as `ahv-07`.
    pub name: String,
    /// Its cluster.
    pub side: Side,
    /// Its number within the cluster.
    pub number: u16,
    /// Its rack within the cluster.
    pub rack: u16,
    /// Memory.
    pub memory: Bytes,
    /// It has power and its hypervisor runs.
    pub up: bool,
}

/// All hosts, the source's first.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    all: Vec<Host>,
    targets_from: usize,
}

impl Hosts {
    /// The hosts of a scenario, all up.
    pub fn build(scenario: &Scenario) -> Hosts {
        let mut hosts = Hosts::default();
        for side in Side::BOTH {
            if side == Side::Target {
                hosts.targets_from = hosts.all.len();
            }
            let Some(cluster) = scenario.cluster(side) else { continue };
            for number in 0..cluster.hosts {
                hosts.all.push(Host {
                    name: format!("{}-{number:02}", cluster.name),
                    side,
                    number,
                    rack: (u32::from(number) * u32::from(cluster.racks) / u32::from(cluster.hosts)) as u16,
                    memory: cluster.memory,
                    up: true,
                });
            }
        }
        hosts
    }

    /// Hosts of both clusters.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// No host at all.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Every host with its id.
    pub fn iter(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.all.iter().enumerate().map(|(i, h)| (HostId(i as u16), h))
    }

    /// Ids of one cluster's hosts, in order.
    pub fn of(&self, side: Side) -> impl Iterator<Item = HostId> + use<> {
        let range = match side {
            Side::Source => 0..self.targets_from,
            Side::Target => self.targets_from..self.all.len(),
        };
        range.map(|i| HostId(i as u16))
    }

    /// Ids of one cluster's running hosts, in order.
    pub fn up(&self, side: Side) -> impl Iterator<Item = HostId> + '_ {
        self.of(side).filter(|&h| self[h].up)
    }

    /// The `number`-th host of a cluster.
    pub fn id(&self, side: Side, number: u16) -> HostId {
        match side {
            Side::Source => HostId(number),
            Side::Target => HostId(self.targets_from as u16 + number),
        }
    }
}

impl std::ops::Index<HostId> for Hosts {
    type Output = Host;
    fn index(&self, id: HostId) -> &Host {
        &self.all[id.index()]
    }
}
impl std::ops::IndexMut<HostId> for Hosts {
    fn index_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.all[id.index()]
    }
}
