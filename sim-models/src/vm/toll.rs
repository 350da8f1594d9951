//! For the story: how many VMs of a dead host run again, and since when.

use crate::hosts::Hosts;
use crate::ids::{HostId, VmId};
use crate::record::{Record, count};
use sim_core::SimTime;

/// What one host took down with it.
#[derive(Clone, Debug)]
struct Toll {
    host: HostId,
    since: SimTime,
    lost: usize,
    waiting: Vec<VmId>,
}

/// What every dead host took down with it. A VM that dies again while it boots elsewhere counts for both.
#[derive(Clone, Debug, Default)]
pub(super) struct Tolls(Vec<Toll>);

impl Tolls {
    /// A host dies with these VMs.
    pub fn died(&mut self, host: HostId, lost: Vec<VmId>, hosts: &Hosts, now: SimTime, record: &mut Record) {
        let name = &hosts[host].name;
        record.note(now, || match lost.len() {
            0 => format!("no VM was on {name}"),
            1 => format!("1 VM of {name} is down"),
            n => format!("{n} VMs of {name} are down"),
        });
        if !lost.is_empty() {
            self.0.push(Toll { host, since: now, lost: lost.len(), waiting: lost });
        }
    }

    /// A VM runs again; the last one of a host is told.
    pub fn runs(&mut self, vm: VmId, hosts: &Hosts, now: SimTime, record: &mut Record) {
        for toll in &mut self.0 {
            toll.waiting.retain(|&v| v != vm);
            if toll.waiting.is_empty() {
                let name = &hosts[toll.host].name;
                record.note(now, || {
                    let (n, took) = (toll.lost, now.since(toll.since));
                    match n {
                        1 => format!("the VM of {name} runs again, after {took}"),
                        _ => format!("all {n} VMs of {name} run again, the last after {took}"),
                    }
                });
            }
        }
        self.0.retain(|toll| !toll.waiting.is_empty());
    }

    /// The act ends: who is still waiting.
    pub fn finish(&self, hosts: &Hosts, now: SimTime, record: &mut Record) {
        for toll in &self.0 {
            let (name, down) = (&hosts[toll.host].name, toll.waiting.len());
            record.note(now, || format!("{down} of {} of {name} still down", count(toll.lost as u64, "VM")));
        }
    }
}
