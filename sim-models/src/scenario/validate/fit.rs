//! Do the VMs, their data and its copies fit the clusters?

use crate::hosts::Hosts;
use crate::ids::Side;
use crate::quantity::Resolver;
use crate::scenario::{Cluster, Domain, Replicated, Scenario, StorageDesign};
use crate::vm::{Homes, Population};
use sim_core::Bytes;

/// More VMs than any cluster holds.
const MOST_VMS: u32 = 200_000;

/// Notes what does not fit.
pub(super) fn clusters(scenario: &Scenario, r: &mut Resolver) {
    if scenario.vm_count() > MOST_VMS {
        let what = format!("{} VMs in all", scenario.vm_count());
        r.problem("groups", what, format!("write at most {MOST_VMS}"));
    }
    for side in Side::BOTH {
        let Some(cluster) = scenario.cluster(side) else { continue };
        width(scenario, cluster, side, r);
        memory(scenario, cluster, side, r);
        let data: u128 = scenario.groups.iter().map(|g| u128::from(g.count) * u128::from(g.disk.0)).sum();
        match &cluster.storage {
            StorageDesign::San(san) => {
                capacity(&format!("{side}.storage.capacity"), data, (san.capacity.0, 1.0, 1), r)
            }
            StorageDesign::Replicated(store) => replicated(store, cluster, side, data, r),
        }
    }
}

fn width(scenario: &Scenario, cluster: &Cluster, side: Side, r: &mut Resolver) {
    for (i, group) in scenario.groups.iter().enumerate() {
        if group.vcpus > cluster.threads() {
            r.problem(
                &format!("groups[{i}].vcpus"),
                format!("{} vCPUs on hosts of {} threads ({side})", group.vcpus, cluster.threads()),
                "write narrower VMs or wider hosts",
            );
        }
    }
}

/// What a host has for VMs.
fn free(cluster: &Cluster) -> Bytes {
    let own = cluster.memory.saturating_sub(cluster.profile.memory.hypervisor);
    match &cluster.storage {
        StorageDesign::San(_) => own,
        StorageDesign::Replicated(store) => own.saturating_sub(store.cvm_memory),
    }
}

fn memory(scenario: &Scenario, cluster: &Cluster, side: Side, r: &mut Resolver) {
    let free = free(cluster);
    let mut too_large = false;
    for (i, group) in scenario.groups.iter().enumerate() {
        if group.memory > free {
            too_large = true;
            r.problem(
                &format!("groups[{i}].memory"),
                format!("{} on hosts with {free} for VMs ({side})", group.memory),
                "write smaller VMs or larger hosts",
            );
        }
    }
    if too_large {
        return;
    }
    let profile = &cluster.profile.memory;
    let ratio = if profile.overcommit { profile.overcommit_ratio.max(1.0) } else { 1.0 };
    let Some((host, promised)) = promised(scenario, side).into_iter().max_by_key(|(_, bytes)| *bytes) else {
        return;
    };
    if promised as f64 > free.as_f64() * ratio {
        let gib = |bytes: f64| bytes / Bytes::gib(1).as_f64();
        r.problem(
            &format!("{side}.memory"),
            format!(
                "{host} would get VMs of {:.0} GiB and may promise {:.0} GiB",
                gib(promised as f64),
                gib(free.as_f64() * ratio)
            ),
            "write more hosts, more memory per host, or fewer VMs",
        );
    }
}

/// What each host of a side has to hold when all VMs are there, by host name.
fn promised(scenario: &Scenario, side: Side) -> Vec<(String, u128)> {
    let population = match side {
        Side::Source => Population::Source,
        Side::Target => Population::Target,
    };
    let hosts = Hosts::build(scenario);
    let homes = Homes::build(scenario, population, &hosts);
    let mut promised = vec![0u128; hosts.len()];
    let there_are = hosts.of(side).count() as u32;
    for (g, group) in scenario.groups.iter().enumerate() {
        // VMs go round the hosts, so VM `i` stands for all whose number is `i` modulo the hosts.
        for i in 0..there_are.min(group.count) {
            let alike = (group.count - i).div_ceil(there_are);
            promised[homes.home(g, i, side).index()] += u128::from(alike) * u128::from(group.memory.0);
        }
    }
    hosts
        .iter()
        .filter(|(_, h)| h.side == side)
        .map(|(id, h)| (h.name.clone(), promised[id.index()]))
        .collect()
}

fn replicated(store: &Replicated, cluster: &Cluster, side: Side, data: u128, r: &mut Resolver) {
    let (domains, what) = match store.spread {
        Domain::Host => (cluster.hosts, "hosts"),
        Domain::Rack => (cluster.racks, "racks"),
    };
    if u16::from(store.copies) > domains {
        r.problem(
            &format!("{side}.storage.copies"),
            format!("{} copies cannot be kept apart on {domains} {what}", store.copies),
            format!("write at most {domains} copies, or more {what}"),
        );
    }
    if store.cvm_vcpus > cluster.threads() {
        r.problem(
            &format!("{side}.storage.cvm_vcpus"),
            format!("{} vCPUs on hosts of {} threads", store.cvm_vcpus, cluster.threads()),
            "write a smaller controller VM",
        );
    }
    if store.cvm_memory >= cluster.memory {
        let what = format!("{} on hosts of {}", store.cvm_memory, cluster.memory);
        r.problem(&format!("{side}.storage.cvm_memory"), what, "write a smaller controller VM");
    }
    let devices = u64::from(store.devices) * u64::from(cluster.hosts);
    let path = format!("{side}.storage.device_capacity");
    capacity(
        &path,
        data * u128::from(store.copies),
        (store.device_capacity.0, cluster.profile.storage.fill_limit, devices),
        r,
    );
}

/// `data` bytes on `devices` of `each` bytes, of which a share may be used.
fn capacity(path: &str, data: u128, (each, usable, devices): (u64, f64, u64), r: &mut Resolver) {
    let there = each as f64 * devices as f64 * usable;
    let needed = data as f64;
    if needed > there {
        r.problem(
            path,
            format!(
                "the VMs' data with its copies takes {:.1} TB, usable are {:.1} TB",
                needed / 1e12,
                there / 1e12
            ),
            "write more or larger devices, fewer copies, or smaller disks",
        );
    }
}
