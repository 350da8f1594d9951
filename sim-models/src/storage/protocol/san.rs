//! A shared array: per-LUN queue on the host, controllers with a mirrored write cache, RAID behind them.
//!
//! The guest's latency splits into KAVG (the wait for a place in the LUN queue) and DAVG (the rest).

use super::{Deferred, Place, Plan, Stage, device_time, half};
use crate::ids::HostId;
use crate::profile::storage::StorageProfile;
use crate::scenario::{Raid, San};
use sim_core::Stream;

/// Back-end operations of one random write: (reads, writes).
pub(crate) fn back_end_operations(raid: Raid) -> (u64, u64) {
    match raid {
        Raid::Raid10 => (0, 2),
        Raid::Raid5 => (2, 2),
        Raid::Raid6 => (3, 3),
    }
}

fn to_array(plan: &mut Plan, from: (HostId, u32), p: &StorageProfile, luck: &mut Stream) {
    plan.push(Stage::Delay(half(&p.hop, luck)));
    plan.push(Stage::Take(from.0, from.1));
    plan.push(Stage::Delay(p.array_network.sample_span(luck)));
    plan.push(Stage::Serve(Place::Controller, p.array_work.sample_span(luck)));
}

fn to_guest(plan: &mut Plan, from: (HostId, u32), p: &StorageProfile, luck: &mut Stream) {
    plan.push(Stage::Delay(p.array_network.sample_span(luck)));
    plan.end_strand();
    plan.push(Stage::Release(from.0, from.1));
    plan.push(Stage::Delay(half(&p.hop, luck)));
    plan.end_strand();
}

/// The plan of a write of `bytes` from (host, LUN). Device bytes are the data and parity written; an
/// array's own network is not the fabric, so nothing is sent.
pub(crate) fn write(
    plan: &mut Plan,
    bytes: u32,
    from: (HostId, u32),
    design: &San,
    p: &StorageProfile,
    luck: &mut Stream,
) {
    to_array(plan, from, p, luck);
    plan.push(Stage::Delay(p.array_mirror.sample_span(luck)));
    to_guest(plan, from, p, luck);
    if !luck.chance(p.destage_share) {
        return;
    }
    let (reads, writes) = back_end_operations(design.raid);
    for _ in 0..reads {
        let work = device_time(&p.data_read, p.data_read_rate, bytes, luck);
        plan.deferred.push(Deferred { place: Place::BackEnd, work });
    }
    for _ in 0..writes {
        let work = device_time(&p.data_write, p.data_write_rate, bytes, luck);
        plan.deferred.push(Deferred { place: Place::BackEnd, work });
    }
    plan.device_bytes = writes * u64::from(bytes);
}

/// The plan of a read of `bytes` by (host, LUN).
pub(crate) fn read(
    plan: &mut Plan,
    bytes: u32,
    from: (HostId, u32),
    design: &San,
    p: &StorageProfile,
    luck: &mut Stream,
) {
    to_array(plan, from, p, luck);
    if luck.chance(design.read_hit) {
        plan.push(Stage::Delay(p.array_hit.sample_span(luck)));
    } else {
        let work = device_time(&p.data_read, p.data_read_rate, bytes, luck);
        plan.push(Stage::Serve(Place::BackEnd, work));
    }
    to_guest(plan, from, p, luck);
}
