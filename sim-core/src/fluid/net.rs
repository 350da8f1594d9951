//! The network as the solver sees it: links, lanes, who is on which link, and what has changed since the last
//! solve.
//!
//! A *lane* is a bundle of flows with one path, weight and cap: they have one rate. A flow whose limits are
//! changed gets a lane of its own.

use super::flow::LinkId;
use super::solve::Mood;
use std::cmp::Reverse;

/// Binary digits of a level after the rate unit. A capacity has 56 bits, so that a level fits into 64 even
/// for one flow of weight 1.
pub(super) const LEVEL_BITS: u32 = 8;
/// The level of what never fills and of a cap that never binds.
pub(super) const NEVER: u64 = u64::MAX;
/// No bottleneck: limited by the cap, or not solved yet.
pub(super) const NO_LINK: LinkId = LinkId(u32::MAX);

/// A directed link. Rates in rate units. Sums over flows are modulo 2^64: exact once a solve is over, for then
/// no link is overdrawn.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub capacity: u64,
    /// Sum of the rates on it.
    pub load: u64,
    /// What rounding may take off `load`, with room to spare.
    slack: u64,
    /// Of the flows that this link holds back: their number, and the sums of rates and weights.
    pub bottlenecked: u32,
    own_load: u64,
    own_weight: u64,
    /// Sum of the weights of its open flows; zero outside a solve.
    pub open: u64,
    /// Level at which it fills.
    pub full_at: u64,
    /// When a solve looks at it next; outside a solve never.
    pub due: u64,
    /// Listed as changed since the last solve.
    pub dirty: bool,
}

impl Link {
    fn new(capacity: u64) -> Link {
        Link {
            capacity,
            load: 0,
            slack: 0,
            bottlenecked: 0,
            own_load: 0,
            own_weight: 0,
            open: 0,
            full_at: NEVER,
            due: NEVER,
            dirty: false,
        }
    }

    /// The level at which its open flows fill it, if none of them stops before.
    pub fn level(&self) -> u64 {
        ((self.capacity - self.load) << LEVEL_BITS) / self.open
    }

    /// A level, not above the present one or the one that its lanes now ask for; never if it has room for
    /// all that is on it.
    pub fn earliest_due(&self) -> u64 {
        let room = self.capacity.saturating_sub(self.load.wrapping_sub(self.own_load));
        match (room << LEVEL_BITS).checked_div(self.own_weight + self.open) {
            Some(level) => self.full_at.min(level),
            None if self.full_at == NEVER && self.has_room() => NEVER,
            None => 0,
        }
    }

    /// Does it not fill, however the rates on it were rounded?
    fn has_room(&self) -> bool {
        self.load.saturating_add(self.slack) <= self.capacity
    }
}

/// What the solver knows of the flows of a lane. Weight, cap and rate are those of each flow.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub weight: u64,
    /// Rate units; `u64::MAX` without one.
    pub cap: u64,
    /// Lowest level at which the cap is reached.
    pub cap_level: u64,
    pub rate: u64,
    /// Level at which it was fixed.
    pub level: u64,
    pub bottleneck: LinkId,
    /// Flows in it; one at most while it is not active.
    pub count: u32,
    /// Flows whose rate counts in the loads: not those that came since the last solve.
    pub settled: u32,
    /// Number of links crossed.
    pub hops: u16,
    /// On its links: has flows, and they are not stalled.
    pub active: bool,
    /// Changed since the last solve.
    pub pending: bool,
    /// Not fixed yet in the running solve.
    pub open: bool,
    /// Listed in [`Net::refilled`].
    pub listed: bool,
}

/// Links, lanes and the last solution.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    pub links: Vec<Link>,
    /// By link: the active lanes on it, in no particular order.
    pub members: Vec<Vec<u32>>,
    pub lanes: Vec<Lane>,
    /// Lanes without flows.
    free: Vec<u32>,
    pub paths: Paths,
    /// Links whose capacity or flows changed since the last solve.
    pub dirty: Vec<LinkId>,
    /// Lanes changed since the last solve.
    pub pending: Vec<u32>,
    /// Lanes filled again by the last solve, and their rate before. Some have gone since they changed: zero
    /// before and after.
    pub refilled: Vec<(u32, u64)>,
    /// The heap of the solver between solves: only its memory is kept.
    pub queue: Vec<Reverse<(u64, LinkId)>>,
    pub mood: Mood,
}

impl Net {
    pub fn add_link(&mut self, capacity: u64) -> LinkId {
        let id = LinkId(u32::try_from(self.links.len()).expect("fewer than 2^32 links"));
        self.links.push(Link::new(capacity));
        self.members.push(Vec::new());
        id
    }

    pub fn links(&self) -> usize {
        self.links.len()
    }

    pub fn link(&self, link: LinkId) -> &Link {
        &self.links[link.index()]
    }

    pub fn lane(&self, lane: u32) -> &Lane {
        &self.lanes[lane as usize]
    }

    pub fn rate(&self, lane: u32) -> u64 {
        self.lane(lane).rate
    }

    pub fn path(&self, lane: u32) -> &[LinkId] {
        self.paths.of(lane, self.lane(lane))
    }

    /// An active lane like this, if there is one.
    pub fn find(&self, path: &[LinkId], weight: u64, cap: u64) -> Option<u32> {
        let rarest = path.iter().map(|l| &self.members[l.index()]).min_by_key(|m| m.len())?;
        let like = |lane: &Lane| (lane.weight, lane.cap) == (weight, cap);
        rarest.iter().copied().find(|l| like(self.lane(*l)) && self.path(*l) == path)
    }

    /// A lane without flows, not active.
    pub fn add_lane(&mut self, path: &[LinkId], weight: u64, cap: u64) -> u32 {
        let lane = self.free_lane();
        self.paths.set(lane, &mut self.lanes, path);
        self.set_limits(lane, weight, cap);
        lane
    }

    /// A lane with the limits of another.
    pub fn add_like(&mut self, other: u32) -> u32 {
        let lane = self.free_lane();
        self.paths.copy(other, lane, &mut self.lanes);
        let Lane { weight, cap, .. } = *self.lane(other);
        self.set_limits(lane, weight, cap);
        lane
    }

    fn free_lane(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.lanes.push(Lane::new());
            self.lanes.len() as u32 - 1
        })
    }

    /// One more flow in a lane; the first makes it active.
    pub fn join(&mut self, lane: u32) {
        self.touch(lane);
        self.lanes[lane as usize].count += 1;
        self.set_active(lane, true);
    }

    /// One flow less in a lane. The last one frees the lane.
    pub fn leave(&mut self, lane: u32, settled: bool) {
        self.touch(lane);
        // After a change of its limits no flow of the lane counts.
        if settled && self.lane(lane).settled > 0 {
            self.unload(lane, 1);
        }
        let state = &mut self.lanes[lane as usize];
        state.count -= 1;
        if state.count == 0 {
            self.set_active(lane, false);
            self.lanes[lane as usize].rate = 0;
            self.free.push(lane);
        }
    }

    pub fn set_capacity(&mut self, link: LinkId, capacity: u64) -> bool {
        let changed = self.links[link.index()].capacity != capacity;
        if changed {
            self.links[link.index()].capacity = capacity;
            self.soil(link);
        }
        changed
    }

    /// Moves a lane to another path.
    pub fn set_path(&mut self, lane: u32, path: &[LinkId]) {
        self.unsettle(lane);
        let active = self.lane(lane).active;
        self.set_active(lane, false);
        self.paths.set(lane, &mut self.lanes, path);
        self.set_active(lane, active);
        self.check(lane);
    }

    pub fn set_limits(&mut self, lane: u32, weight: u64, cap: u64) {
        assert!(weight > 0, "a flow needs a weight of at least 1");
        self.unsettle(lane);
        let state = &mut self.lanes[lane as usize];
        (state.weight, state.cap) = (weight, cap);
        // Rounded up: at this level, weight x level covers the cap, and the link is never overdrawn.
        state.cap_level = if cap == NEVER { NEVER } else { (cap << LEVEL_BITS).div_ceil(weight) };
        self.check(lane);
    }

    /// Puts the lane on its links or takes it off.
    pub fn set_active(&mut self, lane: u32, active: bool) {
        if self.lane(lane).active == active {
            return;
        }
        self.unsettle(lane);
        let state = &mut self.lanes[lane as usize];
        state.active = active;
        for link in self.paths.of(lane, state) {
            let members = &mut self.members[link.index()];
            if active {
                members.push(lane);
            } else {
                let at = members.iter().position(|m| *m == lane).expect("an active lane is on its links");
                members.swap_remove(at);
            }
        }
        self.soil_path(lane);
    }

    fn check(&self, lane: u32) {
        let state = self.lane(lane);
        assert!(state.hops > 0 || state.cap < NEVER, "a flow needs a link or a cap");
    }

    /// Before the limits of a lane change: none of its flows counts until the next solve.
    fn unsettle(&mut self, lane: u32) {
        self.touch(lane);
        self.unload(lane, self.lane(lane).settled);
    }

    /// Takes the rates of some of the flows of a lane off the loads.
    pub fn unload(&mut self, lane: u32, flows: u32) {
        let state = &mut self.lanes[lane as usize];
        if flows > 0 {
            state.strike(flows, self.paths.of(lane, state), &mut self.links);
        }
        state.settled -= flows;
    }

    /// Lists a lane as one whose rate may change in this solve.
    pub fn list(&mut self, lane: u32) {
        let state = &mut self.lanes[lane as usize];
        if !state.listed {
            state.listed = true;
            self.refilled.push((lane, state.rate));
        }
    }

    /// Lists a lane for the next solve, and its links as changed.
    fn touch(&mut self, lane: u32) {
        let state = &mut self.lanes[lane as usize];
        if state.pending {
            return;
        }
        state.pending = true;
        self.pending.push(lane);
        if self.lane(lane).active {
            self.soil_path(lane);
        }
    }

    pub fn soil_path(&mut self, lane: u32) {
        let Net { paths, lanes, links, dirty, .. } = self;
        for link in paths.of(lane, &lanes[lane as usize]) {
            soil(links, dirty, *link);
        }
    }

    fn soil(&mut self, link: LinkId) {
        soil(&mut self.links, &mut self.dirty, link);
    }
}

fn soil(links: &mut [Link], dirty: &mut Vec<LinkId>, link: LinkId) {
    let state = &mut links[link.index()];
    if !state.dirty {
        state.dirty = true;
        dirty.push(link);
    }
}

impl Lane {
    fn new() -> Lane {
        Lane {
            weight: 1,
            cap: NEVER,
            cap_level: NEVER,
            rate: 0,
            level: 0,
            bottleneck: NO_LINK,
            count: 0,
            settled: 0,
            hops: 0,
            active: false,
            pending: false,
            open: false,
            listed: false,
        }
    }

    /// Does it stop before a link that fills at this level?
    pub fn stops_below(&self, level: u64, link: LinkId) -> bool {
        match self.bottleneck {
            NO_LINK => self.level <= level,
            first => (self.level, first) < (level, link),
        }
    }

    /// It stops nowhere yet, at rate zero.
    pub fn reset(&mut self) {
        (self.rate, self.level, self.bottleneck) = (0, NEVER, NO_LINK);
    }

    /// It stops at this level of this link, or at its cap. A rate that no link can carry may be cut short: it
    /// does not outlast the solve.
    pub fn stop_at(&mut self, level: u64, link: LinkId) {
        let share = self.weight.saturating_mul(level) >> LEVEL_BITS;
        self.rate = if link == NO_LINK { self.cap } else { share };
        (self.level, self.bottleneck) = (level, link);
    }

    /// Books the rates of all its flows on the links; it is no longer open.
    pub fn book(&mut self, path: &[LinkId], links: &mut [Link]) {
        self.settled = self.count;
        let flows = u64::from(self.count);
        let (rate, weight) = (self.rate.wrapping_mul(flows), self.weight * flows);
        let open = if std::mem::take(&mut self.open) { weight } else { 0 };
        let slack = self.slack() * flows;
        for link in path {
            let state = &mut links[link.index()];
            state.load = state.load.wrapping_add(rate);
            state.slack += slack;
            state.open -= open;
        }
        if self.bottleneck != NO_LINK {
            let state = &mut links[self.bottleneck.index()];
            state.bottlenecked += self.settled;
            state.own_load = state.own_load.wrapping_add(rate);
            state.own_weight += weight;
        }
    }

    /// The reverse of [`Lane::book`] for some of its flows.
    fn strike(&self, flows: u32, path: &[LinkId], links: &mut [Link]) {
        let count = u64::from(flows);
        let rate = self.rate.wrapping_mul(count);
        let slack = self.slack() * count;
        for link in path {
            let state = &mut links[link.index()];
            state.load = state.load.wrapping_sub(rate);
            state.slack -= slack;
        }
        if self.bottleneck != NO_LINK {
            let state = &mut links[self.bottleneck.index()];
            state.bottlenecked -= flows;
            state.own_load = state.own_load.wrapping_sub(rate);
            state.own_weight -= self.weight * count;
        }
    }

    /// A flow that stops at level x has a rate of at least weight (x + 1) less this: a level is rounded down
    /// by less than 1, and so is a rate; the level of a cap is rounded up by less than 1.
    fn slack(&self) -> u64 {
        2 + (self.weight >> (LEVEL_BITS - 1))
    }
}

/// The links of all paths, in rows of one length: neighbours in the lanes are neighbours here.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    row: usize,
    links: Vec<LinkId>,
}

impl Paths {
    pub fn of(&self, lane: u32, state: &Lane) -> &[LinkId] {
        let first = lane as usize * self.row;
        &self.links[first..first + usize::from(state.hops)]
    }

    fn set(&mut self, lane: u32, lanes: &mut [Lane], path: &[LinkId]) {
        if path.len() > self.row {
            self.widen(path.len());
        }
        lanes[lane as usize].hops = u16::try_from(path.len()).expect("a path has fewer than 2^16 links");
        self.links.resize(self.row * lanes.len(), NO_LINK);
        let first = lane as usize * self.row;
        self.links[first..first + path.len()].copy_from_slice(path);
    }

    fn copy(&mut self, from: u32, to: u32, lanes: &mut [Lane]) {
        lanes[to as usize].hops = lanes[from as usize].hops;
        self.links.resize(self.row * lanes.len(), NO_LINK);
        let (from, to) = (from as usize * self.row, to as usize * self.row);
        self.links.copy_within(from..from + self.row, to);
    }

    fn widen(&mut self, row: usize) {
        let rows = self.links.chunks_exact(self.row.max(1));
        let padding = vec![NO_LINK; row - self.row];
        self.links = rows.flat_map(|old| old.iter().chain(&padding).copied()).collect();
        self.row = row;
    }
}
