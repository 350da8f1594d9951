//! Processor sharing: all jobs at once, each at an equal share.
//!
//! ```text
//! n jobs, c servers: each job is served at rate  speed * min(1, c / n)
//! attained(t) = service that a job present throughout would have received
//! a job that came at attained A with work w is done when attained = A + w
//! ```
//!
//! One sorted set of finish tags is thus enough, whatever the rate does: O(log n) per job. Time and
//! service are fixed-point integers of 2^-24 ns. A completion inside a nanosecond changes the shares at
//! its exact tick and is reported at the next whole nanosecond, so rounding never accumulates into lost
//! capacity. Both clocks start over with every busy period: what happened before leaves no trace.

use super::{Integrals, Level, Meter, Priority};
use crate::time::{SimTime, Span};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// Bits below the nanosecond.
const FRACTION: u32 = 24;
/// A service that ends this many ticks (2^-8 ns) past a nanosecond counts as ending on it: rounding to the
/// nearest tick must not push a service that ends on a whole nanosecond to the next one. Errors of half a
/// tick per change grow like a random walk, so this covers busy periods of millions of changes.
const SLACK: u128 = 1 << 16;
/// The class under which all jobs are booked.
const FOREGROUND: usize = Priority::Foreground as usize;

/// Names one plan of a [`Sharing`] station; stale after any arrival that enters, departure or
/// change of rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u32);

#[derive(Clone, Copy, Debug)]
struct Tagged<J> {
    finish: u128,
    sequence: u64,
    job: J,
}

impl<J> Ord for Tagged<J> {
    fn cmp(&self, o: &Self) -> Ordering {
        (self.finish, self.sequence).cmp(&(o.finish, o.sequence))
    }
}
impl<J> PartialOrd for Tagged<J> {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}
impl<J> PartialEq for Tagged<J> {
    fn eq(&self, o: &Self) -> bool {
        self.cmp(o) == Ordering::Equal
    }
}
impl<J> Eq for Tagged<J> {}

/// A processor-sharing station. The caller keeps one pending wake-up: after every change it asks
/// [`Sharing::next_departure`] and schedules what it is told; older wake-ups are stale by their epoch.
#[derive(Clone, Debug)]
pub struct Sharing<J> {
    /// Places for jobs beyond one per server; `None` is unbounded.
    pub room: Option<usize>,
    servers: u32,
    speed: u64,
    jobs: BinaryHeap<Reverse<Tagged<J>>>,
    done: VecDeque<(SimTime, J)>,
    clock: u128,
    attained: u128,
    sequence: u64,
    epoch: u32,
    down: bool,
    meter: Meter<2>,
}

impl<J: Copy> Sharing<J> {
    /// An empty station of `servers` servers at speed 1.
    pub fn new(servers: u32) -> Self {
        Sharing {
            room: None,
            servers,
            speed: 1 << FRACTION,
            jobs: BinaryHeap::new(),
            done: VecDeque::new(),
            clock: 0,
            attained: 0,
            sequence: 0,
            epoch: 0,
            down: false,
            meter: Meter::new(),
        }
    }

    /// A job that needs `work` of one server's undisturbed time comes in; false when the station is down or
    /// full and refuses it.
    #[must_use]
    pub fn arrive(&mut self, now: SimTime, job: J, work: Span) -> bool {
        let full = self.room.is_some_and(|places| self.len() >= places + self.servers as usize);
        if self.down || full {
            // Nothing is served up to now: rounded at one more instant, the plan would move by a tick, and a
            // wake-up that was given out for it could come too early.
            let level = self.level();
            self.meter.advance(now, level);
            self.meter.of(FOREGROUND).arrivals += 1;
            self.meter.of(FOREGROUND).refused += 1;
            return false;
        }
        self.advance(now);
        self.meter.of(FOREGROUND).arrivals += 1;
        if self.jobs.is_empty() {
            self.clock = ticks(now.0);
            self.attained = 0;
        }
        let finish = self.attained + ticks(work.0);
        self.jobs.push(Reverse(Tagged { finish, sequence: self.sequence, job }));
        self.sequence += 1;
        self.replan();
        true
    }

    /// When the next job is done and under which epoch to ask for it; `None` when nobody is served.
    pub fn next_departure(&self) -> Option<(SimTime, Epoch)> {
        let at = match self.done.front() {
            Some((at, _)) => *at,
            None => due(self.next_end()?),
        };
        Some((at.max(self.meter.at), Epoch(self.epoch)))
    }

    /// The job that is done at `now`, or `None` when `epoch` is stale.
    ///
    /// # Panics
    /// If an epoch that is not stale comes before the instant it was given out for.
    pub fn depart(&mut self, now: SimTime, epoch: Epoch) -> Option<J> {
        if epoch.0 != self.epoch {
            return None;
        }
        self.advance(now);
        let (_, job) = self.done.pop_front().expect("a current epoch comes back when its job is done");
        self.meter.of(FOREGROUND).completions += 1;
        self.replan();
        Some(job)
    }

    /// Changes the speed of every server, also for jobs inside; 1 is undisturbed, 0 stands still and is not
    /// booked as capacity.
    ///
    /// # Panics
    /// If `speed` is negative, not finite or above 2^20.
    pub fn set_speed(&mut self, now: SimTime, speed: f64) {
        assert!((0.0..=1_048_576.0).contains(&speed), "a speed of {speed}");
        self.advance(now);
        self.speed = (speed * f64::from(1 << FRACTION) + 0.5) as u64;
        self.replan();
    }

    /// Changes the number of servers, also for jobs inside.
    pub fn set_servers(&mut self, now: SimTime, servers: u32) {
        self.advance(now);
        self.servers = servers;
        self.replan();
    }

    /// The station goes down: every job inside is handed back in order of arrival, after those that are
    /// done but not yet departed. Arrivals are refused until [`Sharing::repair`].
    pub fn fail(&mut self, now: SimTime) -> Vec<J> {
        self.advance(now);
        self.down = true;
        let mut cut: Vec<Tagged<J>> = self.jobs.drain().map(|Reverse(tagged)| tagged).collect();
        cut.sort_unstable_by_key(|tagged| tagged.sequence);
        let drained: Vec<J> = self.done.drain(..).map(|d| d.1).chain(cut.iter().map(|t| t.job)).collect();
        self.meter.of(FOREGROUND).drained += drained.len() as u64;
        self.replan();
        drained
    }

    /// The station is up again, and empty.
    pub fn repair(&mut self, now: SimTime) {
        self.advance(now);
        self.down = false;
    }

    /// What happened up to `now`; all jobs are booked as foreground.
    pub fn integrals(&self, now: SimTime) -> Integrals {
        self.meter.read(now, self.level())
    }

    /// Jobs inside.
    pub fn len(&self) -> usize {
        self.jobs.len() + self.done.len()
    }

    /// Nobody inside.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Not in an outage.
    pub fn is_up(&self) -> bool {
        !self.down
    }

    fn replan(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Total rate and number of jobs: a job's share is the quotient, in 2^-24.
    fn share(&self) -> (u128, u128) {
        let jobs = self.jobs.len() as u128;
        (u128::from(self.speed) * jobs.min(u128::from(self.servers)), jobs)
    }

    /// The tick at which the next job is done if nothing changes.
    fn next_end(&self) -> Option<u128> {
        let Reverse(first) = self.jobs.peek()?;
        let (rate, jobs) = self.share();
        if rate == 0 {
            return None;
        }
        let left = first.finish.saturating_sub(self.attained);
        // Saturates only for work of centuries, which then never ends.
        let wait = nearest(left.saturating_mul(jobs << FRACTION), rate);
        Some(self.clock.saturating_add(wait))
    }

    /// Serves everybody until `now`; jobs that are done on the way change the shares at their own tick.
    fn advance(&mut self, now: SimTime) {
        let level = self.level();
        self.meter.advance(now, level);
        let target = ticks(now.0);
        while let Some(end) = self.next_end().filter(|end| *end <= target + SLACK) {
            let Some(Reverse(first)) = self.jobs.pop() else { break };
            self.clock = end;
            self.attained = first.finish;
            self.done.push_back((due(end), first.job));
        }
        if target > self.clock && !self.jobs.is_empty() {
            let (rate, jobs) = self.share();
            let served = (target - self.clock).checked_mul(rate).expect("changes are less than years apart");
            self.attained += nearest(served, jobs << FRACTION);
            self.clock = target;
        }
    }

    fn level(&self) -> Level<2> {
        let inside = self.len() as u64;
        let servers = if self.down || self.speed == 0 { 0 } else { u64::from(self.servers) };
        Level { inside: [inside, 0], busy: [inside.min(servers), 0], capacity: servers }
    }
}

fn ticks(ns: u64) -> u128 {
    u128::from(ns) << FRACTION
}

fn nearest(a: u128, b: u128) -> u128 {
    a.saturating_add(b / 2) / b
}

/// The first whole nanosecond by which `end` has come.
fn due(end: u128) -> SimTime {
    let ns = end.saturating_sub(SLACK).div_ceil(1 << FRACTION);
    SimTime(u64::try_from(ns).unwrap_or(u64::MAX))
}
