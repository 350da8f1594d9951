//! What is written down while a station plays.

use super::place::Areas;
use sim_core::SimTime;
use sim_core::hist::{Bounds, Histogram};

/// Jobs of one class, or legs of one stage, that came while it was measured.
#[derive(Clone, Debug)]
pub struct Lot {
    pub came: u64,
    pub lost: u64,
    pub served: u64,
    /// Of those served, how many waited at all.
    pub waited: u64,
    pub sojourns: Histogram,
    pub waits: Histogram,
}

impl Lot {
    fn new() -> Lot {
        let empty = || Histogram::new(Bounds::Latency);
        Lot { came: 0, lost: 0, served: 0, waited: 0, sojourns: empty(), waits: empty() }
    }

    /// One left, served or lost.
    pub fn leave(&mut self, served: bool, sojourn: u64, wait: Option<u64>) {
        if served { self.serve(sojourn, wait) } else { self.lost += 1 }
    }

    /// One was served.
    pub fn serve(&mut self, sojourn: u64, wait: Option<u64>) {
        self.served += 1;
        self.sojourns.record(sojourn, 1);
        if let Some(wait) = wait {
            self.waited += u64::from(wait > 0);
            self.waits.record(wait, 1);
        }
    }
}

/// Who is inside, over the time that is measured.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// Jobs inside by class.
    pub inside: Vec<u64>,
    changed: SimTime,
    open: bool,
    /// Area under each of them, in job-ns.
    pub area: Vec<u128>,
    /// Time with nobody.
    pub empty: u128,
    /// Services completed by class.
    pub served: Vec<u64>,
}

impl Census {
    /// Books that everything held until `now`; to be called before anything changes.
    pub fn advance(&mut self, now: SimTime) {
        let elapsed = u128::from(now.since(self.changed).0);
        self.changed = now;
        if !self.open || elapsed == 0 {
            return;
        }
        let mut all = 0;
        for (area, &inside) in self.area.iter_mut().zip(&self.inside) {
            *area += elapsed * u128::from(inside);
            all += inside;
        }
        if all == 0 {
            self.empty += elapsed;
        }
    }
}

/// Everything that reports look at.
#[derive(Clone, Debug)]
pub struct Watch {
    pub classes: Vec<Lot>,
    pub all: Lot,
    pub stages: Vec<Lot>,
    pub census: Census,
    /// Arrivals that looked around, how many they found in all, and how many found nobody.
    pub looked: u64,
    pub found: u64,
    pub found_empty: u64,
    /// The measured time: its beginning and end, with the areas of every place.
    pub begin: Option<(SimTime, Vec<Areas>)>,
    pub end: Option<(SimTime, Vec<Areas>)>,
}

impl Watch {
    /// Nothing yet, for so many classes and stages.
    pub fn new(classes: usize, stages: usize) -> Watch {
        let lots = |n| (0..n).map(|_| Lot::new()).collect();
        let census = Census {
            inside: vec![0; classes],
            area: vec![0; classes],
            served: vec![0; classes],
            ..Census::default()
        };
        Watch {
            classes: lots(classes),
            all: Lot::new(),
            stages: lots(stages),
            census,
            looked: 0,
            found: 0,
            found_empty: 0,
            begin: None,
            end: None,
        }
    }

    /// The measured time begins.
    pub fn open(&mut self, now: SimTime, areas: Vec<Areas>) {
        self.census.advance(now);
        self.census.open = true;
        self.begin = Some((now, areas));
    }

    /// The measured time ends.
    pub fn close(&mut self, now: SimTime, areas: Vec<Areas>) {
        self.census.advance(now);
        self.census.open = false;
        self.end = Some((now, areas));
    }

    /// An arrival looks around.
    pub fn look(&mut self) {
        let inside: u64 = self.census.inside.iter().sum();
        self.looked += 1;
        self.found += inside;
        self.found_empty += u64::from(inside == 0);
    }

    /// A job of `class` was served; counted as throughput while the time is measured.
    pub fn count_service(&mut self, class: usize) {
        self.census.served[class] += u64::from(self.census.open);
    }
}
