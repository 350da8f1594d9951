//! One copy of a stage: a station of the cluster's own, and what it ought to do.

use super::network::{Event, Flight};
use super::plan::StagePlan;
use super::spec::{Discipline, Fate};
use super::watch::Watch;
use sim_core::queue::Handle;
use sim_core::station::{Arrival, Departure, Epoch, Order, Sharing, Station, Ticket};
use sim_core::{Cx, Id, SimTime, Span, Stream};

pub type Context<'a> = Cx<'a, Event, Watch>;

/// A job's stay at one copy of one stage.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    pub flight: Id<Flight>,
    pub entered: SimTime,
    pub work: Span,
    pub class: u8,
    pub measured: bool,
}

#[derive(Clone, Debug)]
enum Kind<const N: usize> {
    Queue(Box<Station<Leg, N>>),
    Shared(Box<Sharing<Leg>>),
}

/// The ends of services that are pending. Whoever is interrupted leaves one behind, hours ahead perhaps: it is
/// taken back when its server begins anew, so that no more are pending than there are servers.
#[derive(Clone, Debug)]
struct Agenda {
    /// By server; a single one where all share. Nothing where every service that begins also ends.
    ends: Vec<Option<Handle>>,
    keeps: bool,
}

/// One copy of a stage.
#[derive(Clone, Debug)]
pub struct Place<const N: usize> {
    pub stage: usize,
    kind: Kind<N>,
    agenda: Agenda,
    ranks: bool,
    servers: u32,
    fate: Option<Fate>,
    pub luck: Stream,
    /// Up, as far as outages go.
    up: bool,
    /// Legs inside, counted here and not by the station.
    pub inside: u64,
    changed: SimTime,
    /// Server-ns that ought to have been worked, as nobody idles while others wait.
    ought: u128,
    /// Time during which it was up.
    uptime: u128,
    /// Work of the legs that came to their end.
    done: u128,
    /// Stays of all legs that left.
    stays: u128,
}

/// Areas and capacities of a place, from its station.
#[derive(Clone, Copy, Debug, Default)]
pub struct Areas {
    pub inside: u128,
    pub busy: u128,
    pub capacity: u128,
    /// Time, not counted per server.
    pub uptime: u128,
}

impl<const N: usize> Place<N> {
    /// An empty place of stage number `stage`; `luck` decides its outages.
    pub fn new(stage: usize, plan: &StagePlan, luck: Stream) -> Self {
        use Discipline::{Lcfs, LcfsPreemptive, PriorityPreemptive, Ps};
        let kind = if plan.discipline == Ps {
            let mut shared = Sharing::new(plan.servers);
            shared.room = plan.buffer;
            Kind::Shared(Box::new(shared))
        } else {
            let mut station = Station::with_classes(plan.servers);
            station.room = plan.buffer;
            let last_first = matches!(plan.discipline, Lcfs | LcfsPreemptive);
            station.order = if last_first { Order::Lcfs } else { Order::Fcfs };
            station.preempts = matches!(plan.discipline, LcfsPreemptive | PriorityPreemptive);
            Kind::Queue(Box::new(station))
        };
        let interrupts = matches!(plan.discipline, LcfsPreemptive | PriorityPreemptive | Ps);
        Place {
            stage,
            kind,
            agenda: Agenda { ends: Vec::new(), keeps: interrupts || plan.outage.is_some() },
            ranks: plan.ranks(),
            servers: plan.servers,
            fate: plan.outage.as_ref().map(|o| o.jobs),
            luck,
            up: true,
            inside: 0,
            changed: SimTime::ZERO,
            ought: 0,
            uptime: 0,
            done: 0,
            stays: 0,
        }
    }

    /// A leg comes to this place, number `at`; false when it is refused.
    pub fn arrive(&mut self, at: u32, leg: Leg, cx: &mut Context<'_>) -> bool {
        self.advance(cx.now);
        let rank = if self.ranks { usize::from(leg.class) } else { 0 };
        let enters = match &mut self.kind {
            Kind::Queue(station) => match station.arrive(cx.now, leg, rank, leg.work) {
                Arrival::Started(d) => {
                    self.agenda.begin(at, d, cx);
                    true
                }
                Arrival::Queued => true,
                Arrival::Refused => false,
            },
            Kind::Shared(shared) => {
                let enters = shared.arrive(cx.now, leg, leg.work);
                if enters {
                    self.agenda.wake(at, shared, cx);
                }
                enters
            }
        };
        self.inside += u64::from(enters);
        enters
    }

    /// A service ends, unless it was interrupted or lost meanwhile.
    pub fn depart(&mut self, at: u32, ticket: Ticket, cx: &mut Context<'_>) -> Option<Leg> {
        let Kind::Queue(station) = &mut self.kind else { return None };
        let (leg, next) = station.depart(cx.now, ticket)?;
        if let Some(d) = next {
            self.agenda.begin(at, d, cx);
        }
        self.leave(leg, cx.now);
        self.done += u128::from(leg.work.0);
        Some(leg)
    }

    /// A share ends, unless shares have changed meanwhile.
    pub fn woken(&mut self, at: u32, epoch: Epoch, cx: &mut Context<'_>) -> Option<Leg> {
        let Kind::Shared(shared) = &mut self.kind else { return None };
        let leg = shared.depart(cx.now, epoch)?;
        self.agenda.wake(at, shared, cx);
        self.leave(leg, cx.now);
        self.done += u128::from(leg.work.0);
        Some(leg)
    }

    /// The servers go down; the legs that are lost.
    pub fn down(&mut self, at: u32, cx: &mut Context<'_>) -> Vec<Leg> {
        self.advance(cx.now);
        self.up = false;
        let lost = match (&mut self.kind, self.fate) {
            (Kind::Queue(s), Some(Fate::Lost)) => s.fail(cx.now),
            (Kind::Shared(s), Some(Fate::Lost)) => s.fail(cx.now),
            (Kind::Queue(s), Some(Fate::Wait)) => {
                s.halt(cx.now);
                Vec::new()
            }
            (Kind::Queue(s), _) => {
                s.pause();
                Vec::new()
            }
            (Kind::Shared(s), _) => {
                s.set_speed(cx.now, 0.0);
                self.agenda.wake(at, s, cx);
                Vec::new()
            }
        };
        lost.iter().for_each(|leg| self.leave(*leg, cx.now));
        lost
    }

    /// The servers are up again.
    pub fn up(&mut self, at: u32, cx: &mut Context<'_>) {
        self.advance(cx.now);
        self.up = true;
        match (&mut self.kind, self.fate) {
            (Kind::Queue(s), Some(Fate::Lost)) => s.repair(cx.now),
            (Kind::Shared(s), Some(Fate::Lost)) => s.repair(cx.now),
            (Kind::Queue(s), _) => s.resume(cx.now).into_iter().for_each(|d| self.agenda.begin(at, d, cx)),
            (Kind::Shared(s), _) => {
                s.set_speed(cx.now, 1.0);
                self.agenda.wake(at, s, cx);
            }
        }
    }

    /// What the station saw up to `now`.
    pub fn areas(&self, now: SimTime) -> Areas {
        let (inside, busy, capacity) = match &self.kind {
            Kind::Queue(s) => {
                let i = s.integrals(now);
                (i.area(), i.busy(), i.capacity)
            }
            Kind::Shared(s) => {
                let i = s.integrals(now);
                (i.area(), i.busy(), i.capacity)
            }
        };
        let since = if self.up { now.since(self.changed).0 } else { 0 };
        Areas { inside, busy, capacity, uptime: self.uptime + u128::from(since) }
    }

    /// Nobody inside.
    pub fn is_empty(&self) -> bool {
        self.inside == 0
    }

    /// Area under the legs inside, by the station, minus the sum of their stays, in ns; the place is empty.
    pub fn little_gap(&self, now: SimTime) -> i128 {
        assert_eq!(self.inside, 0, "a run ends empty");
        self.areas(now).inside as i128 - self.stays as i128
    }

    /// Work that servers ought to have done minus work that was asked, in ns.
    pub fn work_gap(&self) -> i128 {
        self.ought as i128 - self.done as i128
    }

    fn leave(&mut self, leg: Leg, now: SimTime) {
        self.advance(now);
        self.inside -= 1;
        self.stays += u128::from(now.since(leg.entered).0);
    }

    fn advance(&mut self, now: SimTime) {
        if self.up {
            let elapsed = u128::from(now.since(self.changed).0);
            self.uptime += elapsed;
            self.ought += elapsed * u128::from(self.inside.min(self.servers.into()));
        }
        self.changed = now;
    }
}

impl Agenda {
    fn begin(&mut self, place: u32, d: Departure<Leg>, cx: &mut Context<'_>) {
        let end = cx.at(d.at, Event::Depart { place, ticket: d.ticket });
        if self.keeps {
            self.replace(d.ticket.server() as usize, Some(end), cx);
        }
    }

    fn wake(&mut self, place: u32, shared: &Sharing<Leg>, cx: &mut Context<'_>) {
        let next = shared.next_departure().map(|(at, epoch)| cx.at(at, Event::Wake { place, epoch }));
        self.replace(0, next, cx);
    }

    fn replace(&mut self, server: usize, end: Option<Handle>, cx: &mut Context<'_>) {
        if self.ends.len() <= server {
            self.ends.resize(server + 1, None);
        }
        if let Some(old) = std::mem::replace(&mut self.ends[server], end) {
            cx.cancel(old);
        }
    }
}
