//! The solver: progressive filling in integers, restarted at the lowest level that a change can reach.
//!
//! A *level* is rate per weight. Filling raises one common level; when a link has no room left for its open
//! flows, they are fixed at that level; a flow whose cap is reached is fixed at its cap. Links fill in rising
//! (level, link) order, and fixing flows at a level never lowers the level of another link. Two things follow:
//!
//! - A heap may hold out-of-date levels: they are lower bounds, put right when they come to the top.
//! - Whatever was fixed below level L stays as it is if no changed link fills, or filled, below L. So a solve
//!   keeps all flows below the lowest such L and refills the rest, with the same bits as filling from zero.

use super::flow::LinkId;
use super::net::{LEVEL_BITS, Lane, Link, NEVER, NO_LINK, Net};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

impl Net {
    /// Solves for everything changed since the last solve, and lists the lanes that were filled again.
    pub fn solve(&mut self) {
        let from = self.restart_level();
        self.reopen(from);
        self.fill();
    }

    /// The lowest level at which a changed link filled, or may now fill.
    fn restart_level(&self) -> u64 {
        let filled = self.dirty.iter().map(|l| self.link(*l).full_at).min().unwrap_or(NEVER);
        self.dirty.iter().fold(filled, |from, link| self.fill_level(*link, from))
    }

    /// The level at which this link fills if the flows below it keep their rates, or `limit` if that is lower.
    /// Starts from a fair share for all and takes out those who stop before, until no more do.
    fn fill_level(&self, link: LinkId, limit: u64) -> u64 {
        let mut level = 0;
        loop {
            let (mut room, mut weight) = (self.link(link).capacity, 0);
            for &lane in &self.members[link.index()] {
                let lane = self.lane(lane);
                let (stop, rate) =
                    if lane.pending { (lane.cap_level, lane.cap) } else { (lane.level, lane.rate) };
                if stop < level {
                    room -= rate * u64::from(lane.count);
                } else {
                    weight += lane.weight * u64::from(lane.count);
                }
            }
            if weight == 0 {
                return limit;
            }
            let next = (room << LEVEL_BITS) / weight;
            if next == level || next >= limit {
                return next.min(limit);
            }
            level = next;
        }
    }

    /// Opens the changed lanes and all that were fixed at `from` or above.
    fn reopen(&mut self, from: u64) {
        self.refilled.clear();
        self.queue.clear();
        while let Some(link) = self.dirty.pop() {
            let state = &mut self.links[link.index()];
            (state.dirty, state.full_at) = (false, NEVER);
        }
        for lane in 0..if from == NEVER { 0 } else { self.lanes.len() as u32 } {
            let state = self.lane(lane);
            if state.active && !state.pending && state.level >= from {
                self.open(lane);
            }
        }
        while let Some(lane) = self.pending.pop() {
            self.lanes[lane as usize].pending = false;
            self.open(lane);
        }
    }

    fn open(&mut self, lane: u32) {
        self.unload(lane, self.lane(lane).settled);
        let Net { lanes, links, paths, queue, refilled, .. } = self;
        let state = &mut lanes[lane as usize];
        refilled.push((lane, state.rate));
        (state.rate, state.bottleneck) = (0, NO_LINK);
        if !state.active {
            return;
        }
        state.settled = state.count;
        if state.hops == 0 {
            (state.rate, state.level) = (state.cap, state.cap_level);
            return;
        }
        state.open = true;
        let weight = state.weight * u64::from(state.count);
        for link in paths.of(lane, state) {
            let state = &mut links[link.index()];
            if state.open == 0 {
                state.full_at = NEVER;
                queue.push(Reverse((0, *link)));
            }
            state.open += weight;
        }
    }

    /// Fixes all open lanes, link by link in rising (level, link) order.
    fn fill(&mut self) {
        for Reverse((level, link)) in &mut self.queue {
            *level = self.links[link.index()].level();
        }
        let mut heap = BinaryHeap::from(std::mem::take(&mut self.queue));
        let mut left = self.refilled.iter().filter(|(lane, _)| self.lane(*lane).open).count() as u32;
        while left > 0 {
            let mut top = heap.peek_mut().expect("an open lane is on a link that may fill");
            let Reverse((level, link)) = *top;
            let state = &self.links[link.index()];
            if state.open == 0 {
                PeekMut::pop(top);
                continue;
            }
            let risen = state.level();
            if risen > level {
                *top = Reverse((risen, link));
                continue;
            }
            let capped = self.fix_capped(link, level);
            left -= capped;
            if capped == 0 {
                left -= self.fix_rest(link, level);
                PeekMut::pop(top);
            }
        }
        self.queue = heap.into_vec();
    }

    /// Fixes the lanes on a link whose cap is reached by this level. Returns how many: if any, the link has
    /// risen.
    fn fix_capped(&mut self, link: LinkId, level: u64) -> u32 {
        let Net { lanes, links, paths, members, .. } = self;
        let mut capped = 0;
        for &lane in &members[link.index()] {
            let state = &mut lanes[lane as usize];
            if state.open && state.cap_level <= level {
                (state.rate, state.level) = (state.cap, state.cap_level);
                fix(state, paths.of(lane, state), links);
                capped += 1;
            }
        }
        capped
    }

    /// The link is full: fixes the lanes still open on it at its level. Returns how many.
    fn fix_rest(&mut self, link: LinkId, level: u64) -> u32 {
        let Net { lanes, links, paths, members, .. } = self;
        let (mut fixed, mut flows) = (0, 0);
        for &lane in &members[link.index()] {
            let state = &mut lanes[lane as usize];
            if state.open {
                (state.rate, state.level) = ((state.weight * level) >> LEVEL_BITS, level);
                state.bottleneck = link;
                fixed += 1;
                flows += state.count;
                fix(state, paths.of(lane, state), links);
            }
        }
        let state = &mut links[link.index()];
        (state.full_at, state.bottlenecked) = (level, flows);
        fixed
    }
}

/// Books the rates of a lane that is no longer open.
fn fix(lane: &mut Lane, path: &[LinkId], links: &mut [Link]) {
    lane.open = false;
    let (rate, weight) = (lane.rate * u64::from(lane.count), lane.weight * u64::from(lane.count));
    for link in path {
        let state = &mut links[link.index()];
        state.load += rate;
        state.open -= weight;
    }
}
