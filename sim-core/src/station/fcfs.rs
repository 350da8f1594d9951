//! k servers for jobs of N classes: the first class first, and within a class in order of arrival.

use super::{Integrals, Level, Meter, Order, Tally};
use crate::mutant::Mutant;
use crate::time::{SimTime, Span};
use std::collections::VecDeque;

/// Names one service at one server: small enough for an event, and stale once the service is over or
/// the station has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    server: u32,
    epoch: u32,
}

impl Ticket {
    /// The server, dense from zero: a lane number for a trace.
    pub fn server(self) -> u32 {
        self.server
    }
}

/// A service that began, and when it ends: the caller schedules [`Station::depart`] for that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure<J> {
    /// What to hand back at the end.
    pub ticket: Ticket,
    /// When the service ends.
    pub at: SimTime,
    /// Whose service it is.
    pub job: J,
}

/// What became of an arriving job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrival<J> {
    /// A server was free; the departure is to be scheduled.
    Started(Departure<J>),
    /// It waits; a later departure, [`Station::resume`] or [`Station::set_servers`] starts it.
    Queued,
    /// The waiting room is full or the station is down. The job is not inside.
    Refused,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<J> {
    pub(super) job: J,
    pub(super) work: Span,
    /// It was interrupted, and `work` is the time that its service had left.
    pub(super) begun: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Serving<J> {
    pub(super) job: J,
    pub(super) class: u8,
    pub(super) began: SimTime,
    pub(super) ends: SimTime,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Server<J> {
    pub(super) epoch: u32,
    pub(super) serving: Option<Serving<J>>,
}

/// A k-server station for N classes of jobs, the first of which is served first. Every operation on one job
/// is O(1), or O(k) where it interrupts another, without allocation once queues have grown.
///
/// A service that begins at `t` with work `w` ends at `t + w * stretch + latch`; later changes of
/// `stretch` and `latch` do not touch services under way, nor those that were interrupted.
#[derive(Clone, Debug)]
pub struct Station<J, const N: usize = 2> {
    /// Factor on the work of services that begin from now on: 1 / (1 - share of cycles stolen).
    pub stretch: f64,
    /// Added to every service that begins from now on: the wait of a blocked vCPU for its CPU.
    pub latch: Span,
    /// Places for waiting jobs, all classes together; `None` is unbounded.
    pub room: Option<usize>,
    /// Who begins next among those of one class who wait.
    pub order: Order,
    /// An arrival that finds every server taken interrupts a service of a lower class, and under
    /// [`Order::Lcfs`] one of its own; what was interrupted goes on later where it was.
    pub preempts: bool,
    pub(super) servers: u32,
    background_cap: u32,
    pub(super) waiting: [VecDeque<Waiting<J>>; N],
    // Slots are made on demand and outlive a smaller `servers`: a withdrawn server finishes its job.
    pub(super) slots: Vec<Server<J>>,
    pub(super) free: Vec<u32>,
    pub(super) busy: [u32; N],
    down: bool,
    pub(super) paused: bool,
    pub(super) halted: bool,
    meter: Meter<N>,
}

impl<J: Copy> Station<J> {
    /// An empty station of `servers` servers for two classes, of which background work may hold
    /// `background_cap` at once; stretch 1, no latch, unbounded room, first come first served, no preemption.
    pub fn new(servers: u32, background_cap: u32) -> Self {
        Station { background_cap, ..Station::with_classes(servers) }
    }
}

impl<J: Copy, const N: usize> Station<J, N> {
    /// The same for any number of classes up to 256, without a cap.
    pub fn with_classes(servers: u32) -> Self {
        const { assert!(0 < N && N <= 256) };
        Station {
            stretch: 1.0,
            latch: Span::ZERO,
            room: None,
            order: Order::Fcfs,
            preempts: false,
            servers,
            background_cap: servers,
            waiting: std::array::from_fn(|_| VecDeque::new()),
            slots: Vec::new(),
            free: Vec::new(),
            busy: [0; N],
            down: false,
            paused: false,
            halted: false,
            meter: Meter::new(),
        }
    }

    /// A job that needs `work` of one server's undisturbed time comes in.
    ///
    /// # Panics
    /// If `class` is not below N.
    pub fn arrive(&mut self, now: SimTime, job: J, class: impl Into<usize>, work: Span) -> Arrival<J> {
        let class = class.into();
        self.advance(now);
        self.meter.of(class).arrivals += 1;
        let comer = Waiting { job, work, begun: false };
        if self.may_start(class) {
            debug_assert!(self.waiting[..=class].iter().all(VecDeque::is_empty), "overtaking");
            return Arrival::Started(self.start(now, class, comer));
        }
        if self.down || self.is_full() {
            self.meter.of(class).refused += 1;
            return Arrival::Refused;
        }
        if self.preempts
            && let Some(server) = self.victim(class)
        {
            self.interrupt(now, server);
            return Arrival::Started(self.start(now, class, comer));
        }
        self.waiting[class].push_back(comer);
        Arrival::Queued
    }

    /// The service named by `ticket` ends: its job, and the service that begins in its place. `None` when
    /// the ticket is stale.
    ///
    /// # Panics
    /// If a ticket that is not stale comes back at another instant than it was given out for.
    pub fn depart(&mut self, now: SimTime, ticket: Ticket) -> Option<(J, Option<Departure<J>>)> {
        let server = self.slots.get_mut(ticket.server as usize).filter(|s| s.epoch == ticket.epoch)?;
        let done = server.serving.take()?;
        assert!(done.ends == now, "a service due at {} ended at {now}", done.ends);
        server.epoch = server.epoch.wrapping_add(1);
        self.advance(now);
        self.free.push(ticket.server);
        let class = usize::from(done.class);
        self.busy[class] -= 1;
        self.meter.of(class).completions += 1;
        // One server came free, so at most one job can begin: all others could not before either.
        Some((done.job, self.dispatch(now)))
    }

    /// Stops dispatch: services under way end as planned, arrivals wait.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Takes dispatch up again, also after [`Station::halt`]; the services that begin or go on now.
    #[must_use]
    pub fn resume(&mut self, now: SimTime) -> Vec<Departure<J>> {
        self.advance(now);
        self.paused = false;
        self.halted = false;
        self.dispatch_all(now)
    }

    /// The station goes down: every job inside is lost to it and handed back, those in service by server
    /// number, then those waiting by class, each in order of arrival. Tickets given
    /// out so far are stale, arrivals are refused until [`Station::repair`].
    pub fn fail(&mut self, now: SimTime) -> Vec<J> {
        self.advance(now);
        self.down = true;
        let mut drained = Vec::with_capacity(self.len());
        for (server, slot) in self.slots.iter_mut().enumerate() {
            let Some(cut) = slot.serving.take() else { continue };
            slot.epoch = slot.epoch.wrapping_add(1);
            self.free.push(server as u32);
            self.meter.of(usize::from(cut.class)).drained += 1;
            drained.push(cut.job);
        }
        self.busy = [0; N];
        for (class, queue) in self.waiting.iter_mut().enumerate() {
            self.meter.of(class).drained += queue.len() as u64;
            drained.extend(queue.drain(..).map(|w| w.job));
        }
        drained
    }

    /// The station is up again, and empty. A pause from before or during the outage still holds.
    pub fn repair(&mut self, now: SimTime) {
        self.advance(now);
        self.down = false;
    }

    /// Changes the number of servers and the most that background work may hold; the services that begin
    /// now. A server withdrawn from under a job finishes it first.
    #[must_use]
    pub fn set_servers(&mut self, now: SimTime, servers: u32, background_cap: u32) -> Vec<Departure<J>> {
        self.advance(now);
        self.servers = servers;
        self.background_cap = background_cap;
        self.dispatch_all(now)
    }

    /// What happened up to `now`.
    pub fn integrals(&self, now: SimTime) -> Integrals<N> {
        self.meter.read(now, self.level())
    }

    /// What one class did up to `now`.
    pub fn tally(&self, now: SimTime, class: impl Into<usize>) -> Tally {
        self.integrals(now).class[class.into()]
    }

    /// Servers in place.
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// The most servers that all classes but the first may hold together.
    pub fn background_cap(&self) -> u32 {
        self.background_cap
    }

    /// Jobs of a class in service.
    pub fn serving(&self, class: impl Into<usize>) -> usize {
        self.busy[class.into()] as usize
    }

    /// Jobs waiting, all classes.
    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Jobs of a class waiting.
    pub fn waiting_of(&self, class: impl Into<usize>) -> usize {
        self.waiting[class.into()].len()
    }

    /// Jobs inside, waiting or in service.
    pub fn len(&self) -> usize {
        self.waiting() + self.busy_servers() as usize
    }

    /// Nobody inside.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Not in an outage.
    pub fn is_up(&self) -> bool {
        !self.down
    }

    pub(super) fn busy_servers(&self) -> u32 {
        self.busy.iter().sum()
    }

    fn may_start(&self, class: usize) -> bool {
        let allowed = class == 0 || self.busy[1..].iter().sum::<u32>() < self.background_cap;
        allowed && !self.down && !self.paused && self.busy_servers() < self.servers
    }

    /// A job that was interrupted by a halt keeps its place beside the waiting room.
    fn is_full(&self) -> bool {
        let kept = if self.halted { self.servers as usize } else { 0 };
        self.room.is_some_and(|places| self.waiting() >= places + kept)
    }

    fn dispatch(&mut self, now: SimTime) -> Option<Departure<J>> {
        for class in 0..N {
            let class = if Mutant::PriorityUpsideDown.lives() { N - 1 - class } else { class };
            if !self.may_start(class) {
                continue;
            }
            let line = &mut self.waiting[class];
            let next = if self.order == Order::Fcfs { line.pop_front() } else { line.pop_back() };
            if let Some(next) = next {
                return Some(self.start(now, class, next));
            }
        }
        None
    }

    fn dispatch_all(&mut self, now: SimTime) -> Vec<Departure<J>> {
        self.advance(now);
        std::iter::from_fn(|| self.dispatch(now)).collect()
    }

    fn start(&mut self, now: SimTime, class: usize, next: Waiting<J>) -> Departure<J> {
        let Waiting { job, work, begun } = next;
        let server = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Server { epoch: 0, serving: None });
            self.slots.len() as u32 - 1
        });
        self.busy[class] += 1;
        let at = now + if begun { work } else { self.stretched(work) + self.latch };
        let slot = &mut self.slots[server as usize];
        slot.serving = Some(Serving { job, class: class as u8, began: now, ends: at });
        Departure { ticket: Ticket { server, epoch: slot.epoch }, at, job }
    }

    fn stretched(&self, work: Span) -> Span {
        // An undisturbed server keeps every nanosecond, also beyond the 53 bits of a float.
        if self.stretch == 1.0 { work } else { work.scale(self.stretch) }
    }

    fn level(&self) -> Level<N> {
        let inside = |i: usize| u64::from(self.busy[i]) + self.waiting[i].len() as u64;
        let capacity = if self.down || self.halted { 0 } else { u64::from(self.servers) };
        Level { inside: std::array::from_fn(inside), busy: self.busy.map(u64::from), capacity }
    }

    pub(super) fn advance(&mut self, now: SimTime) {
        let level = self.level();
        self.meter.advance(now, level);
    }
}
