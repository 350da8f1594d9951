//! Where VMs live, decided by names: adding a VM moves nobody else.

use crate::ids::{HostId, Side};
use crate::scenario::Scenario;
use sim_core::digest::hash_name;

/// Which VMs are on which side when an act begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// All on the source.
    Source,
    /// All on the target.
    Target,
    /// The last wave's on the source, the others on the target.
    LastWave,
}

/// How well a host suits a VM when several do: lower is better. Rendezvous hashing, so that a host more or
/// less moves only the VMs that go to it or come from it.
pub fn rank(vm: &str, host: &str) -> u64 {
    hash_name(&[vm, host])
}

/// The home of each VM on each side: the VMs of a group in a round over the hosts, from a host that the
/// group's name decides.
#[derive(Clone, Debug)]
pub struct Homes {
    groups: Vec<GroupHomes>,
    source: (u16, u16),
    target: (u16, u16),
}

#[derive(Clone, Debug)]
struct GroupHomes {
    offset: u64,
    /// VMs from this number on are on the source.
    on_source_from: u32,
}

impl Homes {
    /// Homes under a population.
    pub fn build(scenario: &Scenario, population: Population, hosts: &crate::hosts::Hosts) -> Homes {
        let moving = |group: usize| match &scenario.wave {
            Some(wave) => wave.vms_per_group[group],
            None => 0,
        };
        let groups = scenario.groups.iter().enumerate().map(|(i, g)| GroupHomes {
            offset: hash_name(&[&g.name, "home"]),
            on_source_from: match population {
                Population::Source => 0,
                Population::Target => g.count,
                Population::LastWave => g.count - moving(i).min(g.count),
            },
        });
        let range = |side| {
            let count = hosts.of(side).count() as u16;
            (hosts.of(side).next().map_or(0, |h| h.0), count)
        };
        Homes { groups: groups.collect(), source: range(Side::Source), target: range(Side::Target) }
    }

    /// Which side a VM is on when the act begins.
    pub fn side(&self, group: usize, number: u32) -> Side {
        let on_source = number >= self.groups[group].on_source_from && self.source.1 > 0;
        if on_source { Side::Source } else { Side::Target }
    }

    /// Where a VM lives on a side.
    pub fn home(&self, group: usize, number: u32, side: Side) -> HostId {
        let (first, count) = match side {
            Side::Source => self.source,
            Side::Target => self.target,
        };
        let turn = (self.groups[group].offset % u64::from(count) + u64::from(number)) % u64::from(count);
        HostId(first + turn as u16)
    }
}
