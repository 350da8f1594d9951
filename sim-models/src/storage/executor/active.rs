//! A request under way: its plan, how far it has come, and which stations it counts on.

use super::Ground;
use crate::ids::{HostId, Side};
use crate::storage::pool::Wait;
use crate::storage::protocol::{Plan, replicated, san};
use crate::storage::{Backend, Op, Request};
use sim_core::queue::Handle;
use sim_core::{Id, SimTime, Stream};
use std::ops::Range;

/// Lead, tail and a leg per copy.
pub(super) const MAX_STRANDS: usize = replicated::MAX_COPIES + 2;
/// A controller in the lead and in the tail, controller and device in each leg; reads pass fewer.
const MAX_STATIONS: usize = 2 * replicated::MAX_COPIES + 2;

/// A request under way.
#[derive(Clone, Debug)]
pub struct Active {
    pub(super) request: Request,
    pub(super) host: HostId,
    pub(super) side: Side,
    pub(super) plan: Plan,
    pub(super) luck: Stream,
    /// Where each strand is in the plan.
    pub(super) next: [u16; MAX_STRANDS],
    pub(super) booked: Booked,
    pub(super) missing_acks: u8,
    pub(super) attempt: u8,
    /// When the last ack so far is in.
    pub(super) acked: SimTime,
    /// A place in the queue of (host, LUN).
    pub(super) holds: Option<(HostId, u32)>,
    /// The answer that is on its way to the guest.
    pub(super) answer: Option<Handle>,
}

impl Active {
    /// Plans it with the routes of now; `Err` says what it hangs on.
    pub(super) fn make_plan(&mut self, ground: Ground<'_>, now: SimTime) -> Result<(), Wait> {
        let Active { request, plan, luck, side, .. } = self;
        let Some(disk) = ground.state.disks.get(request.vm) else { return Err(Wait::Data(*side)) };
        plan.clear();
        match (ground.state.backend(*side), request.op) {
            (Backend::Array(a), Op::Write) => {
                san::write(plan, request.bytes, (disk.host, disk.lun), &a.design, &a.profile, luck);
            }
            (Backend::Array(a), Op::Read) => {
                san::read(plan, request.bytes, (disk.host, disk.lun), &a.design, &a.profile, luck);
            }
            (Backend::Pool(pool), Op::Write) => {
                let route = pool.write_route(disk.host, luck)?;
                replicated::write(plan, request.bytes, &route, &pool.profile, luck);
            }
            (Backend::Pool(pool), Op::Read) => {
                let route = pool.read_route(disk.host, disk, now, luck)?;
                replicated::read(plan, request.bytes, &route, &pool.profile, luck);
            }
        }
        Ok(())
    }
}

/// The stations of a request in this attempt, with the ends of its services there: what a failure cuts off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booked {
    stations: [u16; MAX_STATIONS],
    ends: [SimTime; MAX_STATIONS],
    count: u8,
}

impl Default for Booked {
    fn default() -> Booked {
        Booked { stations: [0; MAX_STATIONS], ends: [SimTime::ZERO; MAX_STATIONS], count: 0 }
    }
}

impl Booked {
    /// One more.
    pub fn add(&mut self, station: usize, end: SimTime) {
        let at = usize::from(self.count);
        (self.stations[at], self.ends[at]) = (station as u16, end);
        self.count += 1;
    }

    /// A service at one of these stations is not over at `now`.
    pub fn needs(&self, stations: &Range<usize>, now: SimTime) -> bool {
        let count = usize::from(self.count);
        let mut all = self.stations[..count].iter().zip(&self.ends[..count]);
        all.any(|(&station, &end)| end >= now && stations.contains(&usize::from(station)))
    }

    /// When the last service ends.
    pub fn until(&self) -> SimTime {
        self.ends[..usize::from(self.count)].iter().copied().max().unwrap_or(SimTime::ZERO)
    }
}

/// A strand of a request, in its n-th attempt; one of an earlier attempt is nobody's any more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::storage) struct Waiter {
    /// Whose.
    pub request: Id<Active>,
    /// Which strand.
    pub strand: u8,
    /// Which attempt.
    pub attempt: u8,
}
