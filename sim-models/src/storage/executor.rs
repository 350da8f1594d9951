//! Runs plans over stations, an event per station at most.
//!
//! A station tells the end of a service when it begins, so that a strand is taken on at once: through the
//! service, the delays and the messages after it, up to its arrival at the next station. That is an event,
//! since stations serve in the order of arrival, unless so much of that station is free that the order makes
//! no difference and the arrival is booked. What lies further ahead than [`FORESIGHT`] is left until then.
//!
//! A failure undoes what was foretold: whoever is at a station that dies hangs with its whole request until
//! somebody notices, then the request is planned again. This is the microscopic part: it is lent the
//! macroscopic state and cannot change it.

mod active;
mod bulk;
mod hanging;

use self::active::{Booked, MAX_STRANDS};
use super::pool::Wait;
use super::protocol::{Place, Plan, Stage};
use super::stations::Bank;
use super::{Event, Op, Request, State};
use crate::event::{self, Cx};
use crate::fabric::Delivery;
use crate::ids::HostId;
use crate::record::Tally;
use crate::world::Infra;
pub use active::Active;
pub(super) use active::Waiter;
pub(super) use bulk::Chunk;
use sim_core::{Id, SimTime, Span, Stream, Table};
use std::collections::VecDeque;

/// How far ahead a message is sent in the fabric of now and an arrival is booked, a step of the method: longer
/// than most services, far shorter than any detection.
const FORESIGHT: Span = Span::ms(1);

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
    /// Answered so far, or with an answer on its way.
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
    /// Answered requests whose last service is not over, with its end and their attempt.
    leaving: VecDeque<(SimTime, Id<Active>, u8)>,
    /// Memory of finished plans.
    spare: Vec<Plan>,
    entered: u64,
    completed: u64,
    vanished: u64,
}

impl Executor {
    /// A request enters; one draw of `luck` seeds everything that it meets.
    pub fn submit(&mut self, request: Request, luck: &mut Stream, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.let_go(cx.now);
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
            booked: Booked::default(),
            missing_acks: 0,
            attempt: 0,
            acked: SimTime::ZERO,
            holds: None,
            answer: None,
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
        if let Err(wait) = active.make_plan(ground, cx.now) {
            return self.hang(id, wait, cx);
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
        active.acked = cx.now;
        self.advance(id, 0, cx.now, ground, cx);
    }

    /// Takes a strand that is at its present stage at `at` on to where it must be waited for.
    fn advance(
        &mut self,
        id: Id<Active>,
        mut strand: usize,
        mut at: SimTime,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        loop {
            let Some(active) = self.requests.get_mut(id) else { return };
            match active.plan.stage(strand, active.next[strand]) {
                Some(Stage::Delay(time)) => at += time,
                Some(Stage::Net { .. }) if at > cx.now + FORESIGHT => return self.later(id, strand, at, cx),
                Some(Stage::Net { from, to, bytes }) => {
                    match ground.infra.fabric.message(from, to, bytes, at, &mut active.luck) {
                        Delivery::After(time) => at += time,
                        Delivery::Never => return self.unreachable(id, to, ground, cx),
                    }
                }
                Some(Stage::Serve(place, work)) => {
                    match self.serve((id, strand), (place, work), at, ground, cx) {
                        Some(end) if end > cx.now + FORESIGHT => {
                            self.requests[id].next[strand] += 1;
                            return self.later(id, strand, end, cx);
                        }
                        Some(end) => at = end,
                        None => return,
                    }
                }
                Some(Stage::Take(..) | Stage::Release(..)) if at > cx.now => {
                    return self.later(id, strand, at, cx);
                }
                Some(Stage::Take(host, lun)) => {
                    let waiter = Waiter { request: id, strand: strand as u8, attempt: active.attempt };
                    if !self.bank.queue(host, lun).take(waiter) {
                        active.next[strand] += 1;
                        return;
                    }
                    active.holds = Some((host, lun));
                }
                Some(Stage::Release(host, lun)) => {
                    active.holds = None;
                    self.release(host, lun, ground, cx);
                }
                None => match self.after_strand(id, strand, at, ground, cx) {
                    Some(next) => {
                        (strand, at) = next;
                        continue;
                    }
                    None => return,
                },
            }
            self.requests[id].next[strand] += 1;
        }
    }

    /// A strand has no more stages at `at`: the strand that takes over, if any, and when.
    fn after_strand(
        &mut self,
        id: Id<Active>,
        strand: usize,
        at: SimTime,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<(usize, SimTime)> {
        let active = self.requests.get_mut(id)?;
        let tail = active.plan.strands() - 1;
        if strand == tail {
            self.complete(id, at, ground, cx);
            return None;
        }
        if strand == 0 && tail == 1 {
            return Some((tail, at));
        }
        if strand > 0 {
            active.missing_acks -= 1;
            active.acked = active.acked.max(at);
            return (active.missing_acks == 0).then_some((tail, active.acked));
        }
        let attempt = active.attempt;
        for leg in 1..tail {
            self.advance(id, leg, at, ground, cx);
            // A leg that met a dead node has hung the whole request.
            if self.requests.get(id).is_none_or(|a| a.attempt != attempt) {
                break;
            }
        }
        None
    }

    fn later(&mut self, id: Id<Active>, strand: usize, at: SimTime, cx: &mut Cx<'_>) {
        let attempt = self.requests[id].attempt;
        let step = Event::Step { request: id, strand: strand as u8, attempt };
        cx.at(at, event::Event::Storage(step));
    }

    /// A strand goes on now.
    pub fn step(&mut self, waiter: Waiter, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let Waiter { request, strand, attempt } = waiter;
        if self.requests.get(request).is_some_and(|a| a.attempt == attempt) {
            self.advance(request, usize::from(strand), cx.now, ground, cx);
        }
    }

    /// The end of the service of a strand that comes to a place at `at`; `None` when it has to be waited for.
    fn serve(
        &mut self,
        (id, strand): (Id<Active>, usize),
        (place, work): (Place, Span),
        at: SimTime,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<SimTime> {
        let active = &mut self.requests[id];
        if at > cx.now + FORESIGHT {
            self.later(id, strand, at, cx);
            return None;
        }
        let index = self.bank.index(place, active.host);
        let slot = self.bank.slot(index);
        if at > cx.now && !slot.station.is_bookable(cx.now) {
            self.follow(index, ground, cx);
            self.later(id, strand, at, cx);
            return None;
        }
        let work = match place {
            Place::Cvm(host) => cvm_work(host, work, &mut active.luck, ground.infra),
            _ => slot.slowed(work, cx.now, ground.state),
        };
        let end = if at > cx.now { Some(slot.station.book(at, work)) } else { slot.station.arrive(at, work) };
        match (end, place.host()) {
            (Some(end), _) => active.booked.add(index, end),
            (None, Some(host)) => self.lose(id, host, ground, cx),
            (None, None) => {}
        }
        self.follow(index, ground, cx);
        end
    }

    fn release(&mut self, host: HostId, lun: u32, ground: Ground<'_>, cx: &mut Cx<'_>) {
        while let Some(waiter) = self.bank.queue(host, lun).release() {
            // A request that vanished while it waited passes its token on.
            if let Some(active) = self.requests.get_mut(waiter.request) {
                active.holds = Some((host, lun));
                return self.step(waiter, ground, cx);
            }
        }
    }

    /// The guest gets its answer at `at`; what the request leaves behind starts now. While a service of it
    /// is not over, a failure can still take the answer back.
    fn complete(&mut self, id: Id<Active>, at: SimTime, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.completed += 1;
        let active = &mut self.requests[id];
        let answer = cx.at(at, active.request.then);
        let (until, attempt, host) = (active.booked.until(), active.attempt, active.host);
        let left = std::mem::take(&mut active.plan.deferred);
        for deferred in &left {
            self.leave_behind(deferred.place, host, deferred.work, ground, cx);
        }
        let active = &mut self.requests[id];
        active.plan.deferred = left;
        if until > cx.now {
            active.answer = Some(answer);
            self.leaving.push_back((until, id, attempt));
        } else {
            self.remove(id);
        }
    }

    /// Answered requests whose services are over need not be kept.
    fn let_go(&mut self, now: SimTime) {
        while let Some(&(until, id, attempt)) = self.leaving.front()
            && until < now
        {
            self.leaving.pop_front();
            if self.requests.get(id).is_some_and(|a| a.attempt == attempt) {
                self.remove(id);
            }
        }
    }

    fn remove(&mut self, id: Id<Active>) {
        if let Some(active) = self.requests.remove(id) {
            self.spare.push(active.plan);
        }
    }

    /// Where requests are.
    pub fn census(&self) -> Census {
        Census {
            entered: self.entered,
            completed: self.completed,
            vanished: self.vanished,
            inside: self.requests.iter().filter(|(_, a)| a.answer.is_none()).count() as u64,
            hanging: self.hanging.len() as u64,
        }
    }
}

/// Work in a controller VM as its host's CPUs serve it: stretched by ready time, plus one wake-up.
fn cvm_work(host: HostId, work: Span, luck: &mut Stream, infra: &Infra) -> Span {
    work.scale(infra.cpu.cvm_stretch(host)) + infra.cpu.cvm_wake(host, luck)
}

fn tally(tally: Tally, active: &Active, amount: u64, cx: &mut Cx<'_>) {
    if active.request.weight > 0 {
        cx.record.tally(tally, active.side, active.request.stamp, amount);
    }
}
