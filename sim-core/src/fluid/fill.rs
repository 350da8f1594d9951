//! Progressive filling in integers: the method that always works, restarted at the lowest level that a change
//! can reach.
//!
//! Filling raises one common level; when a link has no room left for its open lanes, they are fixed at that
//! level; a lane whose cap is reached is fixed at its cap. Links fill in rising (level, link) order, and fixing
//! lanes at a level never lowers the level of another link. Two things follow:
//!
//! - A heap may hold out-of-date levels: they are lower bounds, put right when they come to the top.
//! - Whatever was fixed below level L stays as it is if no changed link fills, or filled, below L. So a solve
//!   keeps all lanes below the lowest such L and refills the rest, with the same bits as filling from zero.

use super::flow::LinkId;
use super::net::{NEVER, NO_LINK, Net};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

impl Net {
    /// Refills what the changes since the last solve can reach.
    pub fn fill(&mut self) {
        let levels = self.dirty.iter().map(|l| self.link(*l).full_at.min(self.fill_level(*l)));
        let from = levels.min().unwrap_or(NEVER);
        self.reopen(from);
        self.fill_open();
    }

    /// Refills everything, from any state of the levels.
    pub fn fill_all(&mut self) {
        for link in &mut self.links {
            (link.full_at, link.due, link.open) = (NEVER, NEVER, 0);
        }
        self.reopen(0);
        self.fill_open();
    }

    /// Opens the changed lanes and all that were fixed at `from` or above.
    fn reopen(&mut self, from: u64) {
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
        self.list(lane);
        self.unload(lane, self.lane(lane).settled);
        let Net { lanes, links, paths, queue, .. } = self;
        let state = &mut lanes[lane as usize];
        state.reset();
        if !state.active {
            return;
        }
        if state.hops == 0 {
            state.stop_at(state.cap_level, NO_LINK);
            state.book(&[], links);
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
    fn fill_open(&mut self) {
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
                state.stop_at(state.cap_level, NO_LINK);
                state.book(paths.of(lane, state), links);
                capped += 1;
            }
        }
        capped
    }

    /// The link is full: fixes the lanes still open on it at its level. Returns how many.
    fn fix_rest(&mut self, link: LinkId, level: u64) -> u32 {
        let Net { lanes, links, paths, members, .. } = self;
        let mut fixed = 0;
        for &lane in &members[link.index()] {
            let state = &mut lanes[lane as usize];
            if state.open {
                state.stop_at(level, link);
                state.book(paths.of(lane, state), links);
                fixed += 1;
            }
        }
        links[link.index()].full_at = level;
        fixed
    }
}
