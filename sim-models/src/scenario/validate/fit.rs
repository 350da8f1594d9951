//! Do the VMs, their data and its copies fit the clusters?

use crate::ids::Side;
use crate::quantity::Resolver;
use crate::scenario::{Cluster, Domain, Replicated, Scenario, StorageDesign, VmGroup};
use sim_core::Bytes;

/// Notes what does not fit.
pub(super) fn clusters(scenario: &Scenario, r: &mut Resolver) {
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
    match &cluster.storage {
        StorageDesign::San(_) => cluster.memory,
        StorageDesign::Replicated(store) => cluster.memory.saturating_sub(store.cvm_memory),
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
    if too_large || cluster.profile.memory.overcommit {
        return;
    }
    let left = left_over(&scenario.groups, cluster.hosts, free);
    if left > 0 {
        let asked: u128 = scenario.groups.iter().map(|g| u128::from(g.count) * u128::from(g.memory.0)).sum();
        r.problem(
            &format!("{side}.memory"),
            format!(
                "{left} VMs find no host: {:.0} GiB are asked for, {} hosts have {:.0} GiB each for VMs",
                asked as f64 / Bytes::gib(1).as_f64(),
                cluster.hosts,
                free.as_f64() / Bytes::gib(1).as_f64(),
            ),
            "write more hosts, more memory per host, or fewer VMs; this platform does not overcommit memory",
        );
    }
}

/// VMs left over when the largest are placed first, each on the first host with room.
fn left_over(groups: &[VmGroup], hosts: u16, free: Bytes) -> u64 {
    let mut order: Vec<&VmGroup> = groups.iter().collect();
    order.sort_by_key(|g| std::cmp::Reverse(g.memory));
    let mut room = vec![free.0; usize::from(hosts)];
    let mut left = 0;
    for group in order {
        let mut waiting = u64::from(group.count);
        for room in &mut room {
            let placed = waiting.min(*room / group.memory.0);
            *room -= placed * group.memory.0;
            waiting -= placed;
        }
        left += waiting;
    }
    left
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
