//! Stations: where jobs wait for servers.
//!
//! ```text
//!              +--- foreground ---+
//! arrive ----->|  (FCFS)          |---> k servers ---> depart
//!    |         +--- background ---+     background holds at most `background_cap` of them
//!    +--> refused: no room, or down
//! ```
//!
//! A station knows nothing of events or of the clock. It answers *when* a service ends; the caller
//! schedules that instant and comes back with the [`Ticket`] (or the [`Epoch`]). What an outage or a
//! re-plan has overtaken is recognised as stale, so nothing needs to be cancelled.
//!
//! [`Station`] serves one after the other, class by class; [`Foretold`] does so first come, first served in two
//! classes and tells every foreground departure at arrival, for a caller who needs neither pauses nor
//! statistics; [`Sharing`] serves all at once.
//! All statistics are integers, so Little's law holds as an identity and sums merge in any order.

mod fcfs;
mod foretold;
mod interrupt;
mod sharing;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod interruptions;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod script;
#[cfg(test)]
mod theory;
#[cfg(test)]
mod twins;

pub use fcfs::{Arrival, Departure, Station, Ticket};
pub use foretold::Foretold;
pub use sharing::{Epoch, Sharing};

use crate::time::SimTime;

/// The classes of a station that serves two. Priority is non-preemptive unless the station says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Priority {
    /// Guest I/O: always served before background work.
    Foreground = 0,
    /// Rebuild, drain, scrub: served when no foreground job waits, on a capped number of servers.
    Background = 1,
}

impl Priority {
    /// Both classes, in order of service.
    pub const ALL: [Priority; 2] = [Priority::Foreground, Priority::Background];
}

impl From<Priority> for usize {
    fn from(class: Priority) -> usize {
        class as usize
    }
}

/// Who begins next among those of one class who wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Who came first.
    #[default]
    Fcfs,
    /// Who came last.
    Lcfs,
}

/// What one class did at a station since the station was built.
///
/// At any instant `arrivals = refused + completions + drained + jobs inside`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that came, refused ones included.
    pub arrivals: u64,
    /// Jobs turned away: no room, or the station was down.
    pub refused: u64,
    /// Jobs served to the end.
    pub completions: u64,
    /// Jobs lost to outages, in service or waiting.
    pub drained: u64,
    /// Area under the number of jobs inside, in job-ns: from empty to empty, the sum of all sojourns.
    pub inside: u128,
    /// Area under the number of servers at work, in server-ns. `inside - busy` is the time spent waiting
    /// at a [`Station`].
    pub busy: u128,
}

/// What a station did since it was built: one [`Tally`] per class, and the capacity it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integrals<const N: usize = 2> {
    /// Indexed by class, such as a [`Priority`].
    pub class: [Tally; N],
    /// Area under the number of servers that were up, in server-ns.
    pub capacity: u128,
}

impl<const N: usize> Default for Integrals<N> {
    fn default() -> Self {
        Integrals { class: [Tally::default(); N], capacity: 0 }
    }
}

impl<const N: usize> Integrals<N> {
    /// Jobs inside x time over all classes, in job-ns.
    pub fn area(&self) -> u128 {
        self.class.iter().map(|t| t.inside).sum()
    }

    /// Servers at work x time over all classes, in server-ns.
    pub fn busy(&self) -> u128 {
        self.class.iter().map(|t| t.busy).sum()
    }

    /// Share of the capacity at work, in [0, 1] unless servers were withdrawn from under their jobs;
    /// zero when there was no capacity.
    pub fn utilisation(&self) -> f64 {
        if self.capacity == 0 { 0.0 } else { self.busy() as f64 / self.capacity as f64 }
    }
}

/// What is inside a station between two changes.
#[derive(Clone, Copy, Debug)]
struct Level<const N: usize> {
    inside: [u64; N],
    busy: [u64; N],
    capacity: u64,
}

/// Integrates levels over time.
#[derive(Clone, Copy, Debug)]
struct Meter<const N: usize> {
    at: SimTime,
    sums: Integrals<N>,
}

impl<const N: usize> Meter<N> {
    fn new() -> Self {
        Meter { at: SimTime::ZERO, sums: Integrals::default() }
    }

    /// Books that `level` held from the last change until `now`.
    fn advance(&mut self, now: SimTime, level: Level<N>) {
        assert!(now >= self.at, "a station moved back in time, from {} to {now}", self.at);
        let elapsed = u128::from(now.since(self.at).0);
        if elapsed == 0 {
            return;
        }
        self.at = now;
        self.sums.capacity += elapsed * u128::from(level.capacity);
        for (i, tally) in self.sums.class.iter_mut().enumerate() {
            tally.inside += elapsed * u128::from(level.inside[i]);
            tally.busy += elapsed * u128::from(level.busy[i]);
        }
    }

    /// What the sums would be at `now`; looking changes nothing.
    fn read(mut self, now: SimTime, level: Level<N>) -> Integrals<N> {
        self.advance(now, level);
        self.sums
    }

    fn of(&mut self, class: usize) -> &mut Tally {
        &mut self.sums.class[class]
    }
}
