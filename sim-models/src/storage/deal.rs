//! Who makes which copy: lost copies are dealt to sources and targets, each to whoever would be through with it
//! first, as far as there is room.

use super::groups::{Copy, Slot, SlotId, State, score};
use super::pool::Pool;
use crate::scenario::Domain;
use sim_core::{Bytes, Rate, Span};
use std::collections::BTreeMap;

/// What nodes have to send and to take, against what they can.
struct Work {
    bytes: Vec<Bytes>,
    speeds: Vec<Rate>,
}

impl Work {
    /// Nothing to do.
    fn of(pool: &Pool) -> Work {
        Work { bytes: vec![Bytes::ZERO; pool.nodes.len()], speeds: pool.speeds() }
    }

    fn add(&mut self, node: u16, bytes: Bytes) {
        self.bytes[usize::from(node)] += bytes;
    }

    /// How long a node would have to do with this much more.
    fn with(&self, node: u16, bytes: Bytes) -> Span {
        (self.bytes[usize::from(node)] + bytes) / self.speeds[usize::from(node)]
    }
}

/// Copies are dealt anew when the speed of some node has changed by more than this against that of the others: a
/// step of the method.
const STEP: f64 = 0.1;

impl Pool {
    /// How fast nodes copy: by their budgets and ports, both directions together.
    fn speeds(&self) -> Vec<Rate> {
        self.nodes.iter().map(|n| n.budgets[1].min(self.nic * 2).max(Rate(1))).collect()
    }

    /// Copies on their way were dealt to nodes that have become slower or faster than others.
    pub fn dealt_badly(&self) -> bool {
        if !self.rebuild.is_busy() {
            return false;
        }
        let (was, is) = (&self.rebuild.dealt, self.speeds());
        let serving = || (0..is.len()).filter(|&n| self.nodes[n].serves());
        let sum = |of: &[Rate]| serving().map(|n| of[n].as_f64()).sum::<f64>();
        let (before, now) = (sum(was), sum(&is));
        serving().any(|n| (is[n].as_f64() / now / (was[n].as_f64() / before) - 1.0).abs() > STEP)
    }

    /// Sources and targets for all slots that need a copy, by pair of nodes. Copies go to whoever would be through
    /// with them first: the source with the least to send, the target with the least to do in all, by its speed.
    pub fn assign(&mut self) -> BTreeMap<(u16, u16), Vec<SlotId>> {
        let mut work = Work::of(self);
        let mut wanted: Vec<(SlotId, u16)> = Vec::new();
        let under_way = self.rebuild.under_way();
        for (id, slot) in self.groups.iter() {
            let due = match slot.state {
                State::Live => false,
                State::Down => self.nodes[usize::from(slot.node)].replaced,
                State::Lost => true,
            };
            if !due || under_way.binary_search(&id).is_ok() || self.groups.size(id.group) == Bytes::ZERO {
                continue;
            }
            let live = self.groups.of(id.group).iter().filter(|s| s.state == State::Live);
            let left = self.missing(&[id]);
            let Some(source) = live.map(|s| s.node).min_by_key(|&n| (work.with(n, left), n)) else {
                continue;
            };
            work.add(source, left);
            wanted.push((id, source));
        }
        self.rebuild.dealt = work.speeds.clone();
        let mut used = self.used();
        let mut pairs = BTreeMap::new();
        self.rebuild.no_space = false;
        for (id, source) in wanted {
            match self.target(id, source, &work, &used) {
                Some(target) => {
                    self.direct(id, target);
                    work.add(target, self.missing(&[id]));
                    used[usize::from(target)] += self.groups.size(id.group);
                    pairs.entry((source, target)).or_insert_with(Vec::new).push(id);
                }
                None => self.rebuild.no_space = true,
            }
        }
        pairs
    }

    /// Remembers where a slot's copy is made; what is there already counts.
    fn direct(&mut self, id: SlotId, target: u16) {
        self.groups.edit(id, |s| {
            if s.copy.is_none_or(|c| c.node != target) {
                s.copy = Some(Copy { node: target, done: Bytes::ZERO });
            }
        });
    }

    /// Bytes that each node holds or has been promised.
    fn used(&self) -> Vec<Bytes> {
        let mut used = vec![Bytes::ZERO; self.nodes.len()];
        for (id, slot) in self.groups.iter() {
            let size = self.groups.size(id.group);
            if slot.state != State::Lost {
                used[usize::from(slot.node)] += size;
            }
            if let Some(copy) = slot.copy {
                used[usize::from(copy.node)] += size;
            }
        }
        used
    }

    /// Most that placement puts on a node.
    fn room(&self, node: usize) -> Bytes {
        let devices =
            self.design.devices - self.nodes[node].dead_devices.count_ones().min(self.design.devices);
        (self.design.device_capacity * u64::from(devices)).scale(self.profile.fill_limit)
    }

    fn target(&self, id: SlotId, source: u16, work: &Work, used: &[Bytes]) -> Option<u16> {
        let others = |s: &&Slot| s.state == State::Live || s.copy.is_some();
        let mine = self.groups.slot(id).copy;
        let (size, left) = (self.groups.size(id.group), self.missing(&[id]));
        let holders: Vec<u16> = self
            .groups
            .of(id.group)
            .iter()
            .enumerate()
            .filter(|(i, s)| *i != usize::from(id.copy) && others(s))
            .map(|(_, s)| if s.state == State::Live { s.node } else { s.copy.map_or(s.node, |c| c.node) })
            .collect();
        let fits = |n: u16| {
            let node = &self.nodes[usize::from(n)];
            let promised = if mine.is_some_and(|c| c.node == n) { Bytes::ZERO } else { size };
            node.serves()
                && !holders.contains(&n)
                && n != source
                && used[usize::from(n)] + promised <= self.room(usize::from(n))
        };
        // What was begun is finished where it was begun.
        if let Some(begun) = mine.filter(|c| c.done > Bytes::ZERO && fits(c.node)) {
            return Some(begun.node);
        }
        let rack = |n: u16| self.nodes[usize::from(n)].rack;
        let apart = |n: u16| holders.iter().all(|&h| rack(h) != rack(n));
        let least = |far: bool| {
            let fitting = (0..self.nodes.len() as u16).filter(|&n| fits(n) && (!far || apart(n)));
            fitting.min_by_key(|&n| {
                (work.with(n, left), score(u64::from(id.group), self.nodes[usize::from(n)].key))
            })
        };
        if self.design.spread == Domain::Rack { least(true).or_else(|| least(false)) } else { least(false) }
    }

    /// Bytes of copies that are still to be made.
    pub fn missing(&self, slots: &[SlotId]) -> Bytes {
        let left = |id: &SlotId| {
            let done = self.groups.slot(*id).copy.map_or(Bytes::ZERO, |c| c.done);
            self.groups.size(id.group).saturating_sub(done)
        };
        slots.iter().map(left).sum()
    }

    /// Nothing is left to be copied that could be, for want of room, and too few nodes have room for the copies of
    /// one more write.
    pub fn out_of_room(&self) -> bool {
        if !self.rebuild.no_space || self.rebuild.is_busy() {
            return false;
        }
        let (used, more) = (self.used(), self.groups.size(0));
        let open = |&n: &usize| self.nodes[n].serves() && used[n] + more <= self.room(n);
        (0..self.nodes.len()).filter(open).count() < self.copies()
    }
}
