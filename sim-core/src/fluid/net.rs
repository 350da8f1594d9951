//! The network as the solver sees it: links, who is on them, and what has changed since the last solve.

use super::flow::LinkId;
use std::cmp::Reverse;

/// Binary digits of a level after the rate unit. A capacity has 56 bits, so that a level fits into 64 even
/// for one flow of weight 1.
pub(super) const LEVEL_BITS: u32 = 8;
/// The level of what never fills and of a cap that never binds.
pub(super) const NEVER: u64 = u64::MAX;
/// No bottleneck: limited by the cap, or not solved yet.
pub(super) const NO_LINK: LinkId = LinkId(u32::MAX);

/// A directed link. Rates in rate units.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub capacity: u64,
    /// Sum of the fixed rates on it.
    pub load: u64,
    /// Flows fixed by this link.
    pub bottlenecked: u32,
    /// Sum of the weights of its open flows; zero outside a solve.
    pub open: u64,
    /// Level at which it filled in the last solve.
    pub full_at: u64,
    /// Listed as changed since the last solve.
    pub dirty: bool,
}

impl Link {
    /// The level at which its open flows fill it, if none of them stops before.
    pub fn level(&self) -> u64 {
        ((self.capacity - self.load) << LEVEL_BITS) / self.open
    }
}

/// What the solver knows of a flow, by slot.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub path: Vec<LinkId>,
    pub weight: u64,
    /// Rate units; `u64::MAX` without one.
    pub cap: u64,
    /// Lowest level at which the cap is reached.
    pub cap_level: u64,
    pub rate: u64,
    /// The rate before the last solve.
    pub before: u64,
    /// Level at which it was fixed.
    pub level: u64,
    pub bottleneck: LinkId,
    /// On its links: present and not stalled.
    pub active: bool,
    /// Changed since the last solve: its rate does not count in any load.
    pub pending: bool,
    /// Not fixed yet in the running solve.
    pub open: bool,
}

/// Links, flows and the last solution.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    pub links: Vec<Link>,
    /// By link: slots of the active flows on it, in no particular order.
    pub members: Vec<Vec<u32>>,
    pub lanes: Vec<Lane>,
    /// Links whose capacity or flows changed since the last solve.
    pub dirty: Vec<LinkId>,
    /// Slots of the flows changed since the last solve.
    pub pending: Vec<u32>,
    /// Slots filled again by the last solve. Some have gone since they changed: zero before and after.
    pub refilled: Vec<u32>,
    /// The heap of the solver between solves: only its memory is kept.
    pub queue: Vec<Reverse<(u64, LinkId)>>,
}

impl Net {
    pub fn add_link(&mut self, capacity: u64) -> LinkId {
        let id = LinkId(u32::try_from(self.links.len()).expect("fewer than 2^32 links"));
        self.links.push(Link { capacity, load: 0, bottlenecked: 0, open: 0, full_at: NEVER, dirty: false });
        self.members.push(Vec::new());
        id
    }

    pub fn links(&self) -> usize {
        self.links.len()
    }

    pub fn link(&self, link: LinkId) -> &Link {
        &self.links[link.index()]
    }

    pub fn rate(&self, slot: u32) -> u64 {
        self.lanes[slot as usize].rate
    }

    /// The rates before and after the last solve, of a flow that it refilled.
    pub fn rates(&self, slot: u32) -> (u64, u64) {
        let lane = &self.lanes[slot as usize];
        (lane.before, lane.rate)
    }

    pub fn path(&self, slot: u32) -> &[LinkId] {
        &self.lanes[slot as usize].path
    }

    /// What fixed the flow in the last solve, unless it was its cap.
    pub fn bottleneck(&self, slot: u32) -> Option<LinkId> {
        let lane = &self.lanes[slot as usize];
        Some(lane.bottleneck).filter(|link| *link != NO_LINK)
    }

    pub fn is_active(&self, slot: u32) -> bool {
        self.lanes[slot as usize].active
    }

    /// Fills the slot of a flow that has gone, or the next one.
    pub fn insert(&mut self, slot: u32, path: &[LinkId], weight: u32, cap: Option<u64>) {
        if self.lanes.len() == slot as usize {
            self.lanes.push(Lane {
                path: Vec::new(),
                weight: 1,
                cap: NEVER,
                cap_level: NEVER,
                rate: 0,
                before: 0,
                level: 0,
                bottleneck: NO_LINK,
                active: false,
                pending: false,
                open: false,
            });
        }
        self.touch(slot);
        self.set_limits(slot, u64::from(weight), cap.unwrap_or(NEVER));
        self.set_path(slot, path);
        self.set_active(slot, true);
        self.check(slot);
    }

    pub fn remove(&mut self, slot: u32) {
        self.touch(slot);
        self.set_active(slot, false);
        self.lanes[slot as usize].rate = 0;
    }

    pub fn set_capacity(&mut self, link: LinkId, capacity: u64) -> bool {
        let changed = self.links[link.index()].capacity != capacity;
        if changed {
            self.links[link.index()].capacity = capacity;
            self.soil(link);
        }
        changed
    }

    pub fn set_path(&mut self, slot: u32, path: &[LinkId]) -> bool {
        if self.lanes[slot as usize].path == path {
            return false;
        }
        self.touch(slot);
        let active = self.lanes[slot as usize].active;
        self.set_active(slot, false);
        self.lanes[slot as usize].path.clear();
        self.lanes[slot as usize].path.extend_from_slice(path);
        self.set_active(slot, active);
        self.check(slot);
        true
    }

    pub fn set_cap(&mut self, slot: u32, cap: Option<u64>) -> bool {
        let cap = cap.unwrap_or(NEVER);
        let changed = self.lanes[slot as usize].cap != cap;
        if changed {
            self.touch(slot);
            self.set_limits(slot, self.lanes[slot as usize].weight, cap);
            self.check(slot);
        }
        changed
    }

    pub fn set_weight(&mut self, slot: u32, weight: u32) -> bool {
        let changed = self.lanes[slot as usize].weight != u64::from(weight);
        if changed {
            self.touch(slot);
            self.set_limits(slot, u64::from(weight), self.lanes[slot as usize].cap);
        }
        changed
    }

    /// Puts the flow on its links or takes it off.
    pub fn set_active(&mut self, slot: u32, active: bool) -> bool {
        if self.lanes[slot as usize].active == active {
            return false;
        }
        self.touch(slot);
        let lane = &mut self.lanes[slot as usize];
        lane.active = active;
        for link in &lane.path {
            let members = &mut self.members[link.index()];
            if active {
                members.push(slot);
            } else {
                let at = members.iter().position(|m| *m == slot).expect("an active flow is on its links");
                members.swap_remove(at);
            }
        }
        self.soil_path(slot);
        true
    }

    fn set_limits(&mut self, slot: u32, weight: u64, cap: u64) {
        assert!(weight > 0, "a flow needs a weight of at least 1");
        let lane = &mut self.lanes[slot as usize];
        (lane.weight, lane.cap) = (weight, cap);
        // Rounded up: at this level, weight x level covers the cap, and the link is never overdrawn.
        lane.cap_level = if cap == NEVER { NEVER } else { (cap << LEVEL_BITS).div_ceil(weight) };
    }

    fn check(&self, slot: u32) {
        let lane = &self.lanes[slot as usize];
        assert!(!lane.path.is_empty() || lane.cap < NEVER, "a flow needs a link or a cap");
    }

    /// Before the first change of a flow: takes its rate off the loads and lists it for the next solve.
    fn touch(&mut self, slot: u32) {
        let lane = &mut self.lanes[slot as usize];
        if lane.pending {
            return;
        }
        lane.pending = true;
        self.pending.push(slot);
        for link in &lane.path {
            self.links[link.index()].load -= lane.rate;
        }
        if lane.bottleneck != NO_LINK {
            self.links[lane.bottleneck.index()].bottlenecked -= 1;
            lane.bottleneck = NO_LINK;
        }
        if lane.active {
            self.soil_path(slot);
        }
    }

    fn soil_path(&mut self, slot: u32) {
        for i in 0..self.lanes[slot as usize].path.len() {
            self.soil(self.lanes[slot as usize].path[i]);
        }
    }

    fn soil(&mut self, link: LinkId) {
        let state = &mut self.links[link.index()];
        if !state.dirty {
            state.dirty = true;
            self.dirty.push(link);
        }
    }
}
