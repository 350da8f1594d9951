//! Runs plans over stations, a few events per request.
//!
//! A strand goes through its stages until it meets a station; delays and messages before that are summed up
//! into one event. A job that meets a dead node hangs with its request until somebody notices, then the
//! whole request is planned again. This is the microscopic part: it is lent the macroscopic state and
//! cannot change it.

mod hanging;

use super::pool::Wait;
use super::protocol::{Place, Plan, Stage, replicated, san};
use super::stations::Bank;
use super::{Backend, Event, Op, Request, State};
use crate::event::{self, Cx};
use crate::fabric::Delivery;
use crate::ids::{HostId, Side};
use crate::record::Tally;
use crate::world::Infra;
use sim_core::station::{Arrival, Departure, Priority, Ticket};
use sim_core::{Id, Span, Stream, Table};

/// Lead, tail and a leg per copy.
const MAX_STRANDS: usize = replicated::MAX_COPIES + 2;

/// A request under way.
#[derive(Clone, Debug)]
pub struct Active {
    request: Request,
    host: HostId,
    side: Side,
    plan: Plan,
    luck: Stream,
    next: [u16; MAX_STRANDS],
    missing_acks: u8,
    attempt: u8,
    holds: Option<(HostId, u32)>,
}

/// Who is at a station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Job {
    /// A strand of a request, in its n-th attempt.
    Guest {
        /// Whose.
        request: Id<Active>,
        /// Which strand.
        strand: u8,
        /// Which attempt; an earlier one is nobody's any more.
        attempt: u8,
    },
    /// A step of bulk work in a controller that goes on to a data device.
    Chunk {
        /// Its host.
        host: HostId,
        /// The device.
        device: u16,
    },
    /// Work that nobody waits for.
    Leftover,
}

/// What the microscopic part may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    /// Storage, macroscopically.
    pub state: &'a State,
    /// What it runs on.
    pub infra: &'a Infra,
}

/// Where requests are, as counts: `entered = completed + vanished + inside`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Submitted so far.
    pub entered: u64,
    /// Answered so far.
    pub completed: u64,
    /// Gone with their VM or its host.
    pub vanished: u64,
    /// Under way now, hanging ones included.
    pub inside: u64,
    /// Hanging now.
    pub hanging: u64,
}

/// Requests under way and the stations they queue at.
#[derive(Clone, Debug, Default)]
pub(super) struct Executor {
    /// The stations.
    pub bank: Bank,
    requests: Table<Active>,
    hanging: Vec<(Id<Active>, Wait)>,
    /// Memory of finished plans.
    spare: Vec<Plan>,
    entered: u64,
    completed: u64,
    vanished: u64,
}

impl Executor {
    /// A request enters; one draw of `luck` seeds everything that it meets.
    pub fn submit(&mut self, request: Request, luck: &mut Stream, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.entered += 1;
        let luck = luck.offspring();
        let Some(disk) = ground.state.disks.get(request.vm) else {
            self.vanished += 1;
            return;
        };
        let active = Active {
            request,
            host: disk.host,
            side: ground.infra.hosts[disk.host].side,
            plan: self.spare.pop().unwrap_or_default(),
            luck,
            next: [0; MAX_STRANDS],
            missing_acks: 0,
            attempt: 0,
            holds: None,
        };
        if request.op == Op::Write {
            let guest = u64::from(request.bytes) * u64::from(request.weight);
            tally(Tally::GuestWritten, &active, guest, cx);
        }
        let id = self.requests.insert(active);
        self.begin(id, ground, cx);
    }

    /// Plans a request, for the first time or again, and sets it going.
    fn begin(&mut self, id: Id<Active>, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let Some(active) = self.requests.get_mut(id) else { return };
        if let Err(wait) = plan(active, ground, cx) {
            return self.hang(id, wait);
        }
        let weight = u64::from(active.request.weight);
        if active.request.op == Op::Write {
            tally(Tally::DeviceWritten, active, active.plan.device_bytes * weight, cx);
            tally(Tally::NetworkSent, active, active.plan.network_bytes * weight, cx);
        }
        for strand in 0..active.plan.strands() {
            active.next[strand] = active.plan.first(strand);
        }
        active.missing_acks = active.plan.acks() as u8;
        self.advance(id, 0, ground, cx);
    }

    /// Takes a strand on from its present stage to the next station, message or end.
    fn advance(&mut self, id: Id<Active>, mut strand: usize, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let mut delay = Span::ZERO;
        loop {
            let Some(active) = self.requests.get_mut(id) else { return };
            match active.plan.stage(strand, active.next[strand]) {
                Some(Stage::Delay(time)) => delay += time,
                Some(Stage::Net { from, to, bytes }) => {
                    match ground.infra.fabric.message(from, to, bytes, cx.now, &mut active.luck) {
                        Delivery::After(time) => delay += time,
                        Delivery::Never => return self.unreachable(id, to, ground, cx),
                    }
                }
                Some(_) if delay > Span::ZERO => return self.later(id, strand, delay, cx),
                Some(Stage::Serve(place, work)) => {
                    active.next[strand] += 1;
                    return self.serve(id, strand, place, work, ground, cx);
                }
                Some(Stage::Take(host, lun)) => {
                    active.holds = Some((host, lun));
                    active.next[strand] += 1;
                    let job = Job::Guest { request: id, strand: strand as u8, attempt: active.attempt };
                    if !self.bank.queue(host, lun).take(job) {
                        active.holds = None;
                        return;
                    }
                    continue;
                }
                Some(Stage::Release(host, lun)) => {
                    active.holds = None;
                    active.next[strand] += 1;
                    self.release(host, lun, ground, cx);
                    continue;
                }
                None => match self.after_strand(id, strand, delay, ground, cx) {
                    Some(next) => {
                        strand = next;
                        continue;
                    }
                    None => return,
                },
            }
            active.next[strand] += 1;
        }
    }

    /// A strand has no more stages: the strand that takes over at once, if any.
    fn after_strand(
        &mut self,
        id: Id<Active>,
        strand: usize,
        delay: Span,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<usize> {
        let active = self.requests.get_mut(id)?;
        let tail = active.plan.strands() - 1;
        if strand == tail {
            self.complete(id, delay, ground, cx);
            return None;
        }
        if strand == 0 && tail == 1 {
            return Some(tail);
        }
        if delay > Span::ZERO {
            self.later(id, strand, delay, cx);
            return None;
        }
        if strand > 0 {
            active.missing_acks -= 1;
            return (active.missing_acks == 0).then_some(tail);
        }
        let attempt = active.attempt;
        for leg in 1..tail {
            self.advance(id, leg, ground, cx);
            // A leg that met a dead node has hung the whole request.
            if self.requests.get(id).is_none_or(|a| a.attempt != attempt) {
                break;
            }
        }
        None
    }

    fn later(&mut self, id: Id<Active>, strand: usize, delay: Span, cx: &mut Cx<'_>) {
        let attempt = self.requests[id].attempt;
        let step = Event::Step { request: id, strand: strand as u8, attempt };
        cx.after(delay, event::Event::Storage(step));
    }

    /// A strand whose delay has passed goes on.
    pub fn step(&mut self, job: Job, ground: Ground<'_>, cx: &mut Cx<'_>) {
        if let Job::Guest { request, strand, attempt } = job
            && self.requests.get(request).is_some_and(|a| a.attempt == attempt)
        {
            self.advance(request, usize::from(strand), ground, cx);
        }
    }

    fn serve(
        &mut self,
        id: Id<Active>,
        strand: usize,
        place: Place,
        work: Span,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        let active = &mut self.requests[id];
        let work = match place {
            Place::Cvm(host) => cvm_work(host, work, &mut active.luck, ground.infra),
            _ => work,
        };
        let job = Job::Guest { request: id, strand: strand as u8, attempt: active.attempt };
        let asking = active.host;
        self.arrive(job, (place, asking), Priority::Foreground, work, ground, cx);
    }

    /// A job comes to a place, asked for by a host of its cluster.
    fn arrive(
        &mut self,
        job: Job,
        at: (Place, HostId),
        class: Priority,
        work: Span,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        let index = self.bank.index(at.0, at.1);
        let side = self.bank.slot(index).side;
        let slowness = self.bank.slowness(index, cx.now, ground.state.profile(side));
        let work = if slowness == 1.0 { work } else { work.scale(slowness) };
        match self.bank.slot(index).station.arrive(cx.now, job, class, work) {
            Arrival::Started(departure) => schedule(index, departure, cx),
            Arrival::Queued => {}
            Arrival::Refused => {
                if let Some(host) = at.0.host() {
                    self.lose(job, host, ground, cx);
                }
            }
        }
    }

    /// A service ends.
    pub fn depart(&mut self, index: u16, ticket: Ticket, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let index = usize::from(index);
        let Some((job, next)) = self.bank.slot(index).station.depart(cx.now, ticket) else { return };
        if let Some(departure) = next {
            schedule(index, departure, cx);
        }
        match job {
            Job::Guest { .. } => self.step(job, ground, cx),
            Job::Chunk { host, device } => {
                let side = self.bank.slot(index).side;
                let work = ground.state.chunk_device_time(side);
                let place = (Place::Data(host, device), host);
                self.arrive(Job::Leftover, place, Priority::Background, work, ground, cx);
            }
            Job::Leftover => {}
        }
    }

    /// One step of bulk work enters a host's controller.
    pub fn chunk(&mut self, host: HostId, device: u16, work: Span, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let work = work.scale(ground.infra.cpu.cvm(host).stretch);
        let job = Job::Chunk { host, device };
        self.arrive(job, (Place::Cvm(host), host), Priority::Background, work, ground, cx);
    }

    fn release(&mut self, host: HostId, lun: u32, ground: Ground<'_>, cx: &mut Cx<'_>) {
        while let Some(job) = self.bank.queue(host, lun).release() {
            let Job::Guest { request, .. } = job else { continue };
            // A request that vanished while it waited passes its token on.
            if let Some(active) = self.requests.get_mut(request) {
                active.holds = Some((host, lun));
                return self.step(job, ground, cx);
            }
        }
    }

    /// The guest gets its answer after `delay`; what the request leaves behind starts now.
    fn complete(&mut self, id: Id<Active>, delay: Span, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let active = self.requests.remove(id).expect("a strand of it has just ended");
        self.completed += 1;
        cx.after(delay, active.request.then);
        for i in 0..active.plan.deferred.len() {
            let left = active.plan.deferred[i];
            let at = (left.place, active.host);
            self.arrive(Job::Leftover, at, Priority::Background, left.work, ground, cx);
        }
        self.spare.push(active.plan);
    }

    /// Where requests are.
    pub fn census(&self) -> Census {
        Census {
            entered: self.entered,
            completed: self.completed,
            vanished: self.vanished,
            inside: self.requests.len() as u64,
            hanging: self.hanging.len() as u64,
        }
    }
}

fn plan(active: &mut Active, ground: Ground<'_>, cx: &Cx<'_>) -> Result<(), Wait> {
    let Active { request, plan, luck, side, .. } = active;
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
            let route = pool.read_route(disk.host, disk, cx.now, luck)?;
            replicated::read(plan, request.bytes, &route, &pool.profile, luck);
        }
    }
    Ok(())
}

/// Work in a controller VM as its host's CPUs serve it: stretched by ready time, plus one wake-up.
fn cvm_work(host: HostId, work: Span, luck: &mut Stream, infra: &Infra) -> Span {
    work.scale(infra.cpu.cvm(host).stretch) + infra.cpu.cvm_wake(host, luck)
}

fn schedule(index: usize, departure: Departure<Job>, cx: &mut Cx<'_>) {
    let station = index as u16;
    cx.at(departure.at, event::Event::Storage(Event::Depart { station, ticket: departure.ticket }));
}

fn tally(tally: Tally, active: &Active, amount: u64, cx: &mut Cx<'_>) {
    if active.request.weight > 0 {
        cx.record.tally(tally, active.side, active.request.stamp, amount);
    }
}
