//! The solver: how a change of some links and lanes becomes the max-min rates of all.
//!
//! A *level* is rate per weight. The solution is told by one number per link, the level at which it fills: a
//! lane stops at its cap or at the first of its links to fill, in (level, link) order, whichever comes first.
//! And the level of a link follows from where the lanes on it stop ([`Net::fill_level`]). A state in which all
//! levels and all stops agree is the one that filling from zero ends in ([`super::fill`]): take the links by
//! rising level; as long as both have been the same, the next link meets the same lanes in both.
//!
//! So a solve may *ripple*: put right one link that does not agree, let its lanes stop where they now must,
//! look at the links that these cross, and so on until all agree. In which order does not matter for the
//! result, but does for the work: a link is due at the lower of its levels before and after, and links are
//! taken as they are due, so that what has been put right seldom changes again. The work is in proportion to
//! what changes. Where that is nearly everything, filling is cheaper, with the same bits.

use super::flow::LinkId;
use super::net::{LEVEL_BITS, NEVER, NO_LINK, Net};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Due links, the lowest first. A link may be in it several times: what counts is its own `due`.
type Queue = BinaryHeap<Reverse<(u64, LinkId)>>;

/// Lanes that a ripple may look at before filling takes over, for each lane there is.
const PATIENCE: usize = 6;
/// The most solves in a row that are filled before the next ripple is tried.
const MOST_FILLS: u32 = 64;

/// When to fill without trying to ripple first: decides on the work, never on the result.
#[derive(Clone, Debug, Default)]
pub(super) struct Mood {
    /// Solves to fill from now on.
    fills: u32,
    /// Solves filled after the last ripple that went too far; zero after one that did not.
    backoff: u32,
}

impl Net {
    /// Solves for everything changed since the last solve, and lists the lanes whose rate may have changed.
    pub fn solve(&mut self) {
        while let Some((lane, _)) = self.refilled.pop() {
            self.lanes[lane as usize].listed = false;
        }
        if self.mood.fills > 0 {
            self.mood.fills -= 1;
            self.fill();
        } else if self.ripple() {
            self.mood.backoff = 0;
        } else {
            self.mood.backoff = (2 * self.mood.backoff).clamp(4, MOST_FILLS);
            self.mood.fills = self.mood.backoff;
            self.fill_all();
        }
    }

    /// Puts right link after link until all agree. Gives up, with `false`, where that is too much work.
    fn ripple(&mut self) -> bool {
        let mut queue = Queue::from(std::mem::take(&mut self.queue));
        queue.clear();
        let mut patience = PATIENCE * self.lanes.len() + 64;
        while let Some(lane) = self.pending.pop() {
            self.admit(lane);
        }
        while let Some(link) = self.dirty.pop() {
            let state = &mut self.links[link.index()];
            (state.dirty, state.due) = (false, 0);
            queue.push(Reverse((0, link)));
        }
        while let Some(Reverse((due, link))) = queue.pop() {
            if self.link(link).due != due {
                continue; // put right meanwhile, or due at another level
            }
            let members = self.members[link.index()].len();
            if members > patience {
                self.queue = queue.into_vec();
                return false;
            }
            patience -= members;
            self.visit(due, link, &mut queue);
        }
        self.queue = queue.into_vec();
        true
    }

    /// Looks at a due link: it agrees, or is due later, or is put right.
    fn visit(&mut self, due: u64, link: LinkId, queue: &mut Queue) {
        let level = self.fill_level(link);
        let state = &mut self.links[link.index()];
        let first = level.min(state.full_at);
        if level == state.full_at {
            state.due = NEVER;
        } else if first > due {
            state.due = first;
            queue.push(Reverse((first, link)));
        } else {
            state.due = NEVER;
            let agrees = self.put_right(link, level);
            self.call(queue, Some(link).filter(|_| agrees));
        }
    }

    /// Books a changed lane as it now is: stopping where the links said before the change.
    fn admit(&mut self, lane: u32) {
        self.unload(lane, self.lane(lane).settled);
        self.list(lane);
        let state = &mut self.lanes[lane as usize];
        state.pending = false;
        state.reset();
        if !state.active {
            return;
        }
        self.stop(lane);
        let Net { lanes, links, paths, .. } = self;
        let state = &mut lanes[lane as usize];
        if state.level == NEVER {
            state.open = true;
            let weight = state.weight * u64::from(state.count);
            paths.of(lane, state).iter().for_each(|l| links[l.index()].open += weight);
        }
    }

    /// A link fills at another level: so the lanes that it held back, and those that it now does, stop
    /// elsewhere. Returns false if some of them stop at other links, for then this level is not the last.
    fn put_right(&mut self, link: LinkId, level: u64) -> bool {
        self.links[link.index()].full_at = level;
        let mut agrees = true;
        for i in 0..self.members[link.index()].len() {
            let lane = self.members[link.index()][i];
            let state = self.lane(lane);
            if state.bottleneck == link || !state.stops_below(level, link) {
                self.stop(lane);
                let stop = self.lane(lane).bottleneck;
                agrees &= stop == link || stop == NO_LINK;
            }
        }
        agrees
    }

    /// Lets a lane stop at its cap or at the first of its links to fill.
    fn stop(&mut self, lane: u32) {
        let Net { lanes, links, paths, .. } = self;
        let state = &lanes[lane as usize];
        let path = paths.of(lane, state).iter();
        let first = path.map(|l| (links[l.index()].full_at, *l)).min().unwrap_or((NEVER, NO_LINK));
        let (level, link) = if state.cap_level <= first.0 { (state.cap_level, NO_LINK) } else { first };
        if (level, link) == (state.level, state.bottleneck) {
            return;
        }
        self.list(lane);
        self.unload(lane, self.lane(lane).settled);
        let Net { lanes, links, paths, .. } = self;
        let state = &mut lanes[lane as usize];
        state.stop_at(level, link);
        state.book(paths.of(lane, state), links);
        self.soil_path(lane);
    }

    /// Tells the links that have been soiled when they are due, but for one that is known to agree.
    fn call(&mut self, queue: &mut Queue, agrees: Option<LinkId>) {
        while let Some(link) = self.dirty.pop() {
            let state = &mut self.links[link.index()];
            state.dirty = false;
            let due = if agrees == Some(link) { NEVER } else { state.earliest_due() };
            if due != state.due && due != NEVER {
                queue.push(Reverse((due, link)));
            }
            state.due = due;
        }
    }

    /// The level at which this link fills if the lanes that stop elsewhere below it do so. Starts from a fair
    /// share for all and takes out those who stop before, until no more do.
    pub fn fill_level(&self, link: LinkId) -> u64 {
        let mut level = 0;
        loop {
            let (mut room, mut weight) = (self.link(link).capacity, 0);
            for &lane in &self.members[link.index()] {
                let lane = self.lane(lane);
                let flows = u64::from(lane.count);
                if !lane.pending && lane.bottleneck != link && lane.stops_below(level, link) {
                    room -= lane.rate * flows;
                } else if lane.cap_level <= level {
                    room -= lane.cap * flows;
                } else {
                    weight += lane.weight * flows;
                }
            }
            if weight == 0 {
                return NEVER;
            }
            let next = (room << LEVEL_BITS) / weight;
            if next == level {
                return level;
            }
            level = next;
        }
    }
}
