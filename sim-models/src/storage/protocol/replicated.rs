//! Copies on several hosts behind controller VMs (Nutanix Bible, "AOS Storage"; Ceph with `Owner` service).
//!
//! A write enters at its primary, is logged there and at each peer, and is acknowledged when all copies are
//! logged. Large writes go to the data devices instead. What was logged is drained to the data devices of
//! all copies later, unless it was overwritten first.

use super::{CONTROL_BYTES, Deferred, Place, Plan, Stage, device_time, half};
use crate::ids::HostId;
use crate::profile::storage::StorageProfile;
use sim_core::mutant::Mutant;
use sim_core::{Span, Stream};

/// Most copies of any byte.
pub(crate) const MAX_COPIES: usize = 4;

/// Where a write goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteRoute {
    /// The VM's host.
    pub host: HostId,
    /// Hosts of the copies with their data devices, the primary first.
    pub copies: [(HostId, u16); MAX_COPIES],
    /// How many of them count.
    pub count: usize,
}

/// Where a read goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadRoute {
    /// The VM's host.
    pub host: HostId,
    /// The controller that serves it.
    pub primary: HostId,
    /// Host and device of the data; `None`: memory or the log answers.
    pub data: Option<(HostId, u16)>,
    /// The data lie on the slow tier.
    pub cold: bool,
    /// A node that must be asked where the data lie.
    pub metadata: Option<HostId>,
}

/// The plan of a write of `bytes`.
pub(crate) fn write(plan: &mut Plan, bytes: u32, route: &WriteRoute, p: &StorageProfile, luck: &mut Stream) {
    let bytes = bytes - u32::from(Mutant::DroppedByte.lives());
    let copies = &route.copies[..route.count];
    let primary = copies[0].0;
    let logged = u64::from(bytes) < p.bypass_above.0;

    plan.push(Stage::Delay(half(&p.hop, luck)));
    net(plan, (route.host, primary), bytes, p, luck);
    plan.push(Stage::Serve(Place::Cvm(primary), p.primary_work.sample_span(luck)));
    plan.end_strand();

    for &(host, device) in copies {
        net(plan, (primary, host), bytes, p, luck);
        if host != primary {
            plan.push(Stage::Serve(Place::Cvm(host), p.replica_work.sample_span(luck)));
        }
        plan.push(store(logged, (host, device), bytes, p, luck));
        net(plan, (host, primary), CONTROL_BYTES, p, luck);
        plan.end_strand();
    }

    plan.push(Stage::Serve(Place::Cvm(primary), p.ack_work.sample_span(luck)));
    net(plan, (primary, route.host), CONTROL_BYTES, p, luck);
    plan.push(Stage::Delay(half(&p.hop, luck)));
    plan.end_strand();

    let entered = u64::from(primary != route.host);
    plan.device_bytes = copies.len() as u64 * u64::from(bytes);
    plan.network_bytes = (copies.len() as u64 - 1 + entered) * u64::from(bytes);
    if logged && luck.chance(p.drain_share) {
        drain(plan, bytes, copies, p, luck);
    }
}

/// A message from host to host through both stacks, nothing if they are the same.
fn net(plan: &mut Plan, way: (HostId, HostId), bytes: u32, p: &StorageProfile, luck: &mut Stream) {
    let (from, to) = way;
    if from != to {
        plan.push(Stage::Delay(p.stack.sample_span(luck)));
        plan.push(Stage::Net { from, to, bytes });
    }
}

fn store(logged: bool, at: (HostId, u16), bytes: u32, p: &StorageProfile, luck: &mut Stream) -> Stage {
    if !logged {
        let work = device_time(&p.data_write, p.data_write_rate, bytes, luck);
        return Stage::Serve(Place::Data(at.0, at.1), work);
    }
    let pause = if luck.chance(p.log_hiccup_chance) { p.log_hiccup.sample_span(luck) } else { Span::ZERO };
    let work = device_time(&p.log_write, p.data_write_rate, bytes, luck);
    let place = if p.log_channels == 0 { Place::Data(at.0, at.1) } else { Place::Log(at.0) };
    Stage::Serve(place, work + pause)
}

fn drain(plan: &mut Plan, bytes: u32, copies: &[(HostId, u16)], p: &StorageProfile, luck: &mut Stream) {
    for &(host, device) in copies {
        let work = device_time(&p.data_write, p.data_write_rate, bytes, luck);
        plan.deferred.push(Deferred { place: Place::Data(host, device), work });
    }
    if Mutant::DrainForFree.lives() {
        return;
    }
    plan.device_bytes += copies.len() as u64 * u64::from(bytes);
    if p.drain_ships {
        plan.network_bytes += (copies.len() as u64 - 1) * u64::from(bytes);
    }
}

/// The plan of a read of `bytes`.
pub(crate) fn read(plan: &mut Plan, bytes: u32, route: &ReadRoute, p: &StorageProfile, luck: &mut Stream) {
    let primary = route.primary;
    plan.push(Stage::Delay(half(&p.hop, luck)));
    net(plan, (route.host, primary), CONTROL_BYTES, p, luck);
    plan.push(Stage::Serve(Place::Cvm(primary), p.read_work.sample_span(luck)));
    if let Some(node) = route.metadata {
        net(plan, (primary, node), CONTROL_BYTES, p, luck);
        plan.push(Stage::Serve(Place::Cvm(node), p.metadata_work.sample_span(luck)));
        net(plan, (node, primary), CONTROL_BYTES, p, luck);
    }
    if let Some((host, device)) = route.data {
        net(plan, (primary, host), CONTROL_BYTES, p, luck);
        if host != primary {
            plan.push(Stage::Serve(Place::Cvm(host), p.replica_work.sample_span(luck)));
        }
        let law = if route.cold { &p.cold_read } else { &p.data_read };
        let work = device_time(law, p.data_read_rate, bytes, luck);
        plan.push(Stage::Serve(Place::Data(host, device), work));
        net(plan, (host, primary), bytes, p, luck);
    }
    plan.end_strand();

    net(plan, (primary, route.host), bytes, p, luck);
    plan.push(Stage::Delay(half(&p.hop, luck)));
    plan.end_strand();
}
