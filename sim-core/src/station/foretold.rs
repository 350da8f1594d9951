//! k servers whose departures are known at arrival.

use super::Priority;
use crate::time::{SimTime, Span};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A background job that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting<J> {
    follow: Option<J>,
    work: Span,
}

/// When a server comes free of what it is committed to, and of which class the last of that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Committed {
    until: SimTime,
    class: Priority,
}

/// A k-server station with the discipline of [`Station`](super::Station): first come first served in two
/// classes, priority without preemption, background work on a capped number of servers.
///
/// Nothing that comes later can hold up a foreground job: it takes the server that comes free first (Kiefer
/// and Wolfowitz, "On the theory of queues with many servers", 1955). So its departure is an answer, not an
/// event. A background job may be overtaken and begins when a server is left to it; whoever wants to know
/// asks for [`begun`](Foretold::begun) at the instants that [`next_begin`](Foretold::next_begin) names.
///
/// An operation costs O(log k), without allocation once queues have grown. Jobs in service are known only by
/// the end they were told: after [`Foretold::fail`] it is the caller who knows whose end will not come.
#[derive(Clone, Debug)]
pub struct Foretold<J> {
    servers: usize,
    background_cap: usize,
    /// One entry per busy server; a foreground job that waits has replaced the entry it waits for.
    busy: BinaryHeap<Reverse<Committed>>,
    /// Entries of the background class.
    background: usize,
    waiting: VecDeque<Waiting<J>>,
    /// Of those, the ones that somebody follows.
    followed: usize,
    begun: Vec<(J, SimTime)>,
    down: bool,
}

impl<J: Copy> Foretold<J> {
    /// Servers that a booking leaves free, its own included.
    pub const SPARE: usize = 8;

    /// An empty station of `servers` servers, of which background work may hold `background_cap` at once.
    pub fn new(servers: u32, background_cap: u32) -> Foretold<J> {
        Foretold {
            servers: servers as usize,
            background_cap: background_cap as usize,
            busy: BinaryHeap::new(),
            background: 0,
            waiting: VecDeque::new(),
            followed: 0,
            begun: Vec::new(),
            down: false,
        }
    }

    /// A foreground job that holds one server for `work` comes in: when it leaves. `None` when the station is
    /// down.
    pub fn arrive(&mut self, now: SimTime, work: Span) -> Option<SimTime> {
        self.advance(now);
        if self.down {
            return None;
        }
        let start = if self.busy.len() < self.servers { now } else { self.claim_next() };
        let until = start + work;
        self.busy.push(Reverse(Committed { until, class: Priority::Foreground }));
        Some(until)
    }

    /// Half of the servers, and at least [`Foretold::SPARE`], are free at `now`. A booked job then finds a
    /// server: so many others would have to come before it to make a difference that what it is told now is
    /// as good as what it would be told later.
    pub fn is_bookable(&mut self, now: SimTime) -> bool {
        self.advance(now);
        let free = self.servers.saturating_sub(self.busy.len());
        !self.down && free >= Self::SPARE && 2 * free >= self.servers
    }

    /// Books a foreground job that will come at `at`, while the station [is bookable](Foretold::is_bookable):
    /// when it leaves. It holds its server from now on.
    pub fn book(&mut self, at: SimTime, work: Span) -> SimTime {
        let until = at + work;
        self.busy.push(Reverse(Committed { until, class: Priority::Foreground }));
        until
    }

    /// A background job that holds one server for `work` comes in. With `follow`, it shows up in
    /// [`begun`](Foretold::begun). False when the station is down.
    pub fn arrive_background(&mut self, now: SimTime, follow: Option<J>, work: Span) -> bool {
        self.advance(now);
        if self.down {
            return false;
        }
        self.followed += usize::from(follow.is_some());
        self.waiting.push_back(Waiting { follow, work });
        self.begin_background(now);
        true
    }

    /// Brings the station to `now`: background services that servers have been left to begin.
    #[inline]
    pub fn advance(&mut self, now: SimTime) {
        while let Some(&Reverse(next)) = self.busy.peek()
            && next.until <= now
        {
            self.busy.pop();
            self.background -= usize::from(next.class == Priority::Background);
            self.begin_background(next.until);
        }
    }

    /// A followed background job waits, or has begun and not been told of.
    #[inline]
    pub fn is_followed(&self) -> bool {
        self.followed > 0 || !self.begun.is_empty()
    }

    /// Followed background jobs that have begun since this was last called, with the ends of their services.
    pub fn begun(&mut self) -> impl Iterator<Item = (J, SimTime)> + '_ {
        self.begun.drain(..)
    }

    /// The earliest instant at which a followed background job may begin, as things stand; `None` when none
    /// waits.
    pub fn next_begin(&self) -> Option<SimTime> {
        if self.followed == 0 {
            return None;
        }
        self.busy.peek().map(|Reverse(next)| next.until)
    }

    /// The station goes down: what is inside is lost, whatever ends were told. What arrives is refused until
    /// [`Foretold::repair`].
    pub fn fail(&mut self) {
        self.busy.clear();
        self.waiting.clear();
        self.begun.clear();
        (self.background, self.followed, self.down) = (0, 0, true);
    }

    /// The station is up again, and empty.
    pub fn repair(&mut self) {
        self.down = false;
    }

    /// Not in an outage.
    pub const fn is_up(&self) -> bool {
        !self.down
    }

    /// The server that comes free first is taken; when that is.
    fn claim_next(&mut self) -> SimTime {
        let Reverse(next) = self.busy.pop().expect("a station has servers, and all are busy");
        // Until then no background job can begin, so that its place may be given back at once.
        self.background -= usize::from(next.class == Priority::Background);
        next.until
    }

    /// A server or a place of the background class has come free at `at`.
    fn begin_background(&mut self, at: SimTime) {
        while self.busy.len() < self.servers && self.background < self.background_cap {
            let Some(job) = self.waiting.pop_front() else { return };
            let until = at + job.work;
            self.background += 1;
            self.busy.push(Reverse(Committed { until, class: Priority::Background }));
            if let Some(follow) = job.follow {
                self.followed -= 1;
                self.begun.push((follow, until));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Arrival, Station, Ticket};
    use super::*;
    use crate::rng::{Seed, Stream, Streams};
    use std::collections::BTreeMap;

    #[derive(Clone, Copy, Debug)]
    struct Job {
        at: SimTime,
        work: Span,
        class: Priority,
    }

    /// Arrivals on a coarse grid of time, so that many fall on one instant with each other and with ends.
    fn jobs(s: &mut Stream, count: usize, gap: u64, background: f64) -> Vec<Job> {
        let mut at = SimTime::ZERO;
        let mut next = || {
            at += Span(s.below(gap) * 10);
            let class = if s.chance(background) { Priority::Background } else { Priority::Foreground };
            Job { at, work: Span((1 + s.below(40)) * 10), class }
        };
        (0..count).map(|_| next()).collect()
    }

    /// Ends by number of the job, played on the event-driven station: ends of an instant before arrivals.
    fn oracle(servers: u32, cap: u32, jobs: &[Job]) -> BTreeMap<usize, SimTime> {
        let mut station: Station<usize> = Station::new(servers, cap);
        let mut pending: BTreeMap<(SimTime, u64), Ticket> = BTreeMap::new();
        let (mut ends, mut sequence) = (BTreeMap::new(), 0);
        let mut drain = |station: &mut Station<usize>, pending: &mut BTreeMap<_, _>, upto: SimTime| {
            while let Some((&(at, _), _)) = pending.first_key_value().filter(|((at, _), _)| *at <= upto) {
                let (_, ticket) = pending.pop_first().expect("just seen");
                let (job, next) = station.depart(at, ticket).expect("no outage");
                ends.insert(job, at);
                if let Some(d) = next {
                    sequence += 1;
                    pending.insert((d.at, sequence), d.ticket);
                }
            }
        };
        for (number, job) in jobs.iter().enumerate() {
            drain(&mut station, &mut pending, job.at);
            if let Arrival::Started(d) = station.arrive(job.at, number, job.class, job.work) {
                pending.insert((d.at, u64::MAX - number as u64), d.ticket);
            }
        }
        drain(&mut station, &mut pending, SimTime::NEVER);
        ends
    }

    fn foretold(servers: u32, cap: u32, jobs: &[Job]) -> BTreeMap<usize, SimTime> {
        let mut station: Foretold<usize> = Foretold::new(servers, cap);
        let mut ends = BTreeMap::new();
        for (number, job) in jobs.iter().enumerate() {
            // As a caller who follows background work does: at every instant at which some may begin.
            while let Some(look) = station.next_begin().filter(|&look| look <= job.at) {
                station.advance(look);
                station
                    .begun()
                    .for_each(|(job, end)| assert!(end >= look && ends.insert(job, end).is_none()));
            }
            match job.class {
                Priority::Foreground => {
                    ends.insert(number, station.arrive(job.at, job.work).expect("up"));
                }
                Priority::Background => assert!(station.arrive_background(job.at, Some(number), job.work)),
            }
            ends.extend(station.begun());
        }
        station.advance(SimTime::NEVER);
        ends.extend(station.begun());
        ends
    }

    /// The same ends as the station that lives them through, at loads from light to far too much: the mean
    /// gap is 5 (gap - 1) ns, the mean work 205 ns.
    #[test]
    fn ends_are_those_of_the_event_driven_station() {
        let mut s = Streams::new(Seed(3), 0).stream("foretold", "jobs");
        for (servers, cap) in [(1, 1), (2, 1), (4, 4), (4, 1), (12, 3)] {
            for gap in [3, 6, 12, 40, 90] {
                for background in [0.0, 0.3, 0.9] {
                    let jobs = jobs(&mut s, 2_000, gap, background);
                    let (told, lived) = (foretold(servers, cap, &jobs), oracle(servers, cap, &jobs));
                    assert_eq!(told.len(), jobs.len());
                    assert_eq!(told, lived, "{servers} servers, {cap} for background, gap {gap}");
                }
            }
        }
    }

    #[test]
    fn an_outage_loses_what_is_inside_and_refuses_what_comes() {
        let (ns, ten) = (|n: u64| SimTime(n), Span(10));
        let mut station: Foretold<u8> = Foretold::new(1, 1);
        assert_eq!(station.arrive(ns(0), ten), Some(ns(10)));
        assert_eq!(station.arrive(ns(1), ten), Some(ns(20)));
        assert!(station.arrive_background(ns(2), Some(1), ten));
        assert_eq!(station.next_begin(), Some(ns(20)));
        station.fail();
        assert_eq!((station.arrive(ns(3), ten), station.next_begin()), (None, None));
        assert!(!station.arrive_background(ns(3), Some(2), ten) && !station.is_up());
        station.repair();
        // Empty: neither the lost jobs nor the background job are in the way, and that one never begins.
        assert_eq!(station.arrive(ns(5), ten), Some(ns(15)));
        station.advance(ns(100));
        assert_eq!(station.begun().count(), 0);
    }

    /// Of nine servers one may be booked: with eight left free there is room for a second booking, with seven
    /// for none. What comes at once finds the seven, and what comes then waits for the first end.
    #[test]
    fn a_booking_leaves_servers_to_those_who_come() {
        let (ns, ten) = (|n: u64| SimTime(n), Span(10));
        let mut station: Foretold<u8> = Foretold::new(9, 9);
        for _ in 0..2 {
            assert!(station.is_bookable(ns(0)));
            assert_eq!(station.book(ns(50), ten), ns(60));
        }
        assert!(!station.is_bookable(ns(0)));
        let ends: Vec<_> = (0..8).map(|_| station.arrive(ns(1), ten).expect("up").0).collect();
        assert_eq!(ends, [11, 11, 11, 11, 11, 11, 11, 21]);
        let mut few: Foretold<u8> = Foretold::new(7, 7);
        assert!(!few.is_bookable(ns(0)));
    }
}
