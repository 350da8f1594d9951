//! The main loop: a model, its pending events, its record, and what it may spend.

use crate::digest::Digest;
use crate::queue::{Handle, Queue};
use crate::time::{SimTime, Span};
use std::fmt;

/// What orders causes that fall on one instant, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Something breaks or heals.
    Failure = 0,
    /// Something that was under way ends.
    Completion = 1,
    /// Something new begins.
    Arrival = 2,
    /// All rate changes of the instant are solved, once.
    Settle = 3,
    /// Observers look; they never change what happens.
    Sampling = 4,
    /// The end.
    Stop = 5,
}

/// What the kernel needs to know of an event: small, plain data.
pub trait EventKind: Copy + fmt::Debug {
    /// Where the event stands among others of its instant.
    fn class(&self) -> Class;
    /// A number for the digest, unique to the variant (nested variants included).
    fn kind(&self) -> u32;
    /// The entity it happens to, for the digest; any stable number.
    fn entity(&self) -> u64;
    /// Events of the sampled per-request world; they have a digest of their own, so that the rest can be
    /// shown to be independent of what was sampled.
    fn is_micro(&self) -> bool {
        false
    }
}

/// The state of one simulated system. A clone is an independent system.
pub trait Model {
    /// What can happen.
    type Event: EventKind;
    /// What is written down. It is lent to the model and never read back by it.
    type Record;
    /// Lets one event happen.
    fn handle(&mut self, event: Self::Event, cx: &mut Cx<'_, Self::Event, Self::Record>);
}

/// What a handler may touch besides its own state: the clock, the queue and the record.
pub struct Cx<'a, E, R> {
    /// The time of the event being handled.
    pub now: SimTime,
    /// Where facts are written; nothing in the model may read it.
    pub record: &'a mut R,
    queue: &'a mut Queue<E>,
}

impl<'a, E: EventKind, R> Cx<'a, E, R> {
    /// A context at `now`: for tests of a single subsystem.
    #[inline]
    pub fn new(now: SimTime, queue: &'a mut Queue<E>, record: &'a mut R) -> Self {
        Cx { now, record, queue }
    }

    /// Schedules `event` at `time`; a time in the past is a mistake of ours.
    #[inline]
    pub fn at(&mut self, time: SimTime, event: E) -> Handle {
        if time < self.now {
            scheduled_in_the_past(time, self.now, event);
        }
        self.queue.push(time, event.class(), event)
    }

    /// Schedules `event` after `delay`.
    #[inline]
    pub fn after(&mut self, delay: Span, event: E) -> Handle {
        self.at(self.now + delay, event)
    }

    /// Schedules `event` for this instant, after whatever of its class is already pending.
    #[inline]
    pub fn soon(&mut self, event: E) -> Handle {
        self.at(self.now, event)
    }

    /// Takes a pending event back; harmless if it has fired.
    #[inline]
    pub fn cancel(&mut self, handle: Handle) {
        self.queue.cancel(handle);
    }
}

#[cold]
#[inline(never)]
fn scheduled_in_the_past<E: fmt::Debug>(time: SimTime, now: SimTime, event: E) -> ! {
    panic!("{event:?} scheduled at {time}, before now ({now})");
}

/// What a run may spend before it is stopped with a named error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Events in all.
    pub events: u64,
    /// Events at one instant, at least 1: a storm at a standstill of time is a loop of ours.
    pub events_per_instant: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { events: 2_000_000_000, events_per_instant: 1_000_000 }
    }
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// More events than the budget allows.
    EventBudget {
        /// The limit.
        limit: u64,
        /// Where time stood.
        at: SimTime,
    },
    /// Time stopped advancing.
    Storm {
        /// Events at the instant.
        limit: u64,
        /// The instant.
        at: SimTime,
        /// The last of them.
        event: String,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::EventBudget { limit, at } => {
                write!(
                    f,
                    "the run spent its budget of {limit} events at {at}; raise `budget.events` or narrow the windows"
                )
            }
            RunError::Storm { limit, at, event } => {
                write!(f, "{limit} events at one instant ({at}), the last one {event}: time does not advance")
            }
        }
    }
}

impl std::error::Error for RunError {}

/// Digests of a run: of the world that always runs, and of the sampled per-request world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Over (time, kind, entity) of every event that is not micro.
    pub macroscopic: Digest,
    /// Over (time, kind, entity) of every micro event.
    pub microscopic: Digest,
}

/// A model with its pending events and its record.
#[derive(Clone, Debug)]
pub struct Simulation<M: Model> {
    /// The system.
    pub model: M,
    /// What was written down so far.
    pub record: M::Record,
    queue: Queue<M::Event>,
    now: SimTime,
    digests: Digests,
    budget: Budget,
    events: u64,
    /// Events handled before the present instant.
    events_before: u64,
}

impl<M: Model> Simulation<M> {
    /// A system at time zero with nothing pending; see [`Simulation::start`].
    pub fn new(model: M, record: M::Record, budget: Budget) -> Self {
        Simulation {
            model,
            record,
            queue: Queue::default(),
            now: SimTime::ZERO,
            digests: Digests::default(),
            budget,
            events: 0,
            events_before: 0,
        }
    }

    /// Lets `act` schedule or change things at the present time: how a run begins and how a fork differs.
    pub fn start<T>(&mut self, act: impl FnOnce(&mut M, &mut Cx<'_, M::Event, M::Record>) -> T) -> T {
        act(&mut self.model, &mut Cx::new(self.now, &mut self.queue, &mut self.record))
    }

    /// Runs to `end`, or to the last event if that comes first.
    pub fn run_until(&mut self, end: SimTime) -> Result<(), RunError> {
        while let Some((time, event)) = self.queue.pop_until(end) {
            self.spend(time, &event)?;
            let digest =
                if event.is_micro() { &mut self.digests.microscopic } else { &mut self.digests.macroscopic };
            digest.add(time.0);
            digest.add(u64::from(event.kind()) << 48 ^ event.entity());
            self.model.handle(event, &mut Cx::new(time, &mut self.queue, &mut self.record));
        }
        if end != SimTime::NEVER && end != self.now {
            self.now = end;
            self.events_before = self.events;
        }
        Ok(())
    }

    #[inline]
    fn spend(&mut self, time: SimTime, event: &M::Event) -> Result<(), RunError> {
        if time != self.now {
            self.now = time;
            self.events_before = self.events;
        } else if self.events - self.events_before >= self.budget.events_per_instant {
            return Err(self.overspent(event));
        }
        self.events += 1;
        if self.events > self.budget.events {
            return Err(self.overspent(event));
        }
        Ok(())
    }

    #[cold]
    fn overspent(&self, event: &M::Event) -> RunError {
        let at = self.now;
        if self.events > self.budget.events {
            return RunError::EventBudget { limit: self.budget.events, at };
        }
        RunError::Storm { limit: self.budget.events_per_instant, at, event: format!("{event:?}") }
    }

    /// The present.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// What has happened so far, as two numbers.
    pub fn digests(&self) -> Digests {
        self.digests
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Nothing more can happen.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }
}
