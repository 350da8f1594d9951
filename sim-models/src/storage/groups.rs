//! Placement groups: which hosts hold which data, exactly, without an object per extent.
//!
//! A group is `1 / G` of a cluster's data and has one slot per copy. Hosts are chosen by rendezvous hashing
//! on (group number, host name) and passed over when they hold their share already, so that placement is
//! near balanced and a host that joins or leaves moves little.

pub(crate) use super::protocol::replicated::MAX_COPIES;
use crate::scenario::Domain;
use sim_core::Bytes;
use sim_core::digest::Digest;
use sim_core::mutant::Mutant;

/// What a slot's copy is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Readable.
    Live,
    /// Its node is gone but its device may come back with it.
    Down,
    /// Its device is gone for good.
    Lost,
}

/// One copy of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Node that holds it, by number within the cluster.
    pub node: u16,
    /// Data device of that node.
    pub device: u16,
    /// What it is worth.
    pub state: State,
    /// Where a new copy of a dead slot is being made, and how much of it is there.
    pub copy: Option<Copy>,
}

/// A copy being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copy {
    /// The node it is made on.
    pub node: u16,
    /// Bytes that are there.
    pub done: Bytes,
}

/// Names a slot: its group and its place among the copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotId {
    /// Group number.
    pub group: u32,
    /// Copy number.
    pub copy: u8,
}

/// A host as placement sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// Hash of its name.
    pub key: u64,
    /// Its rack.
    pub rack: u16,
    /// It runs.
    pub present: bool,
}

/// All groups of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    slots: Vec<Slot>,
    copies: usize,
    count: u32,
    data: Bytes,
    /// Groups by number of live copies.
    by_live: [u32; MAX_COPIES + 1],
}

/// Score of a host for something: the highest wins.
pub(crate) fn score(what: u64, key: u64) -> u64 {
    let mut d = Digest::default();
    d.add(what);
    d.add(key);
    d.value()
}

impl Groups {
    /// Places `count` groups of `copies` copies on `nodes` with `devices` each, all live.
    pub fn place(count: u32, copies: usize, nodes: &[Candidate], spread: Domain, devices: u16) -> Groups {
        let empty = nodes.iter().all(|n| !n.present);
        let present = nodes.iter().filter(|n| n.present || empty).count();
        let copies = copies.clamp(1, MAX_COPIES).min(present);
        // 2 % above the even share: close to balanced, and the choice is still by name nearly always.
        let share = (count as usize * copies).div_ceil(present);
        let most = share + share.div_ceil(50);
        let mut held = vec![0usize; nodes.len()];
        let mut slots = Vec::with_capacity(count as usize * copies);
        for group in 0..count {
            let all = nodes.iter().enumerate().filter(|(_, n)| n.present || empty);
            let mut ranked: Vec<(u64, u16)> =
                all.map(|(i, n)| (score(u64::from(group), n.key), i as u16)).collect();
            ranked.sort_unstable_by(|a, b| b.cmp(a));
            let from = slots.len();
            for _ in 0..copies {
                let node = pick(&ranked, &slots[from..], &held, most, nodes, spread);
                held[usize::from(node)] += 1;
                let device = (score(u64::from(group) << 8, nodes[usize::from(node)].key)
                    % u64::from(devices.max(1))) as u16;
                slots.push(Slot { node, device, state: State::Live, copy: None });
            }
        }
        let mut by_live = [0; MAX_COPIES + 1];
        by_live[copies] = count;
        Groups { slots, copies, count, data: Bytes::ZERO, by_live }
    }

    /// Data before copies are counted.
    pub fn set_data(&mut self, data: Bytes) {
        self.data = data;
    }

    /// Data before copies are counted.
    pub fn data(&self) -> Bytes {
        self.data
    }

    /// Data of one group: equal shares, the remainder one byte each to the first groups.
    pub fn size(&self, group: u32) -> Bytes {
        let (each, rest) = (self.data.0 / u64::from(self.count), self.data.0 % u64::from(self.count));
        Bytes(each + u64::from(u64::from(group) < rest))
    }

    /// Groups.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The copies of a group.
    pub fn of(&self, group: u32) -> &[Slot] {
        let from = group as usize * self.copies;
        &self.slots[from..from + self.copies]
    }

    /// One slot.
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.group as usize * self.copies + usize::from(id.copy)]
    }

    /// All slots with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, s)| (SlotId { group: (i / self.copies) as u32, copy: (i % self.copies) as u8 }, s))
    }

    /// Live copies of a group.
    pub fn live(&self, group: u32) -> usize {
        self.of(group).iter().filter(|s| s.state == State::Live).count()
    }

    /// Changes a slot and keeps count.
    pub fn edit(&mut self, id: SlotId, change: impl FnOnce(&mut Slot)) {
        self.by_live[self.live(id.group)] -= 1;
        change(&mut self.slots[id.group as usize * self.copies + usize::from(id.copy)]);
        self.by_live[self.live(id.group)] += 1;
    }

    /// Fewest live copies of any group.
    pub fn fewest_live(&self) -> usize {
        self.by_live.iter().position(|&n| n > 0).unwrap_or(self.copies)
    }

    /// Copies of each group.
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// Every slot is live.
    pub fn whole(&self) -> bool {
        self.by_live[self.copies] == self.count
    }

    /// Bytes that nobody can read now: groups without a live copy, less what has been copied of them.
    pub fn unreadable(&self) -> Bytes {
        self.without(|s| s.state == State::Live)
    }

    /// Bytes whose every copy is lost for good.
    pub fn lost(&self) -> Bytes {
        self.without(|s| s.state != State::Lost)
    }

    fn without(&self, keeps: impl Fn(&Slot) -> bool) -> Bytes {
        let gone = (0..self.count).filter(|&g| !self.of(g).iter().any(&keeps));
        gone.map(|g| {
            let saved = self.of(g).iter().filter_map(|s| s.copy).map(|c| c.done).max().unwrap_or_default();
            self.size(g).saturating_sub(saved)
        })
        .sum()
    }
}

fn pick(
    ranked: &[(u64, u16)],
    taken: &[Slot],
    held: &[usize],
    most: usize,
    nodes: &[Candidate],
    spread: Domain,
) -> u16 {
    let fresh = |n: u16| Mutant::CopiesTogether.lives() || taken.iter().all(|s| s.node != n);
    let rack = |n: u16| nodes[usize::from(n)].rack;
    let apart = |n: u16| spread == Domain::Host || taken.iter().all(|s| rack(s.node) != rack(n));
    let nodes = || ranked.iter().map(|r| r.1).filter(|&n| fresh(n));
    // Best effort, as the platforms do it: racks that cannot be kept apart do not prevent copies.
    nodes()
        .find(|&n| apart(n) && held[usize::from(n)] < most)
        .or_else(|| nodes().filter(|&n| apart(n)).min_by_key(|&n| held[usize::from(n)]))
        .or_else(|| nodes().min_by_key(|&n| held[usize::from(n)]))
        .expect("no more copies than nodes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::digest::hash_name;

    fn nodes(n: u16, racks: u16) -> Vec<Candidate> {
        (0..n)
            .map(|i| Candidate {
                key: hash_name(&["node", &i.to_string()]),
                rack: i * racks / n,
                present: true,
            })
            .collect()
    }

    #[test]
    fn copies_lie_on_distinct_hosts_and_nearly_even() {
        for (n, copies) in [(4, 2), (12, 3), (50, 3)] {
            let groups = Groups::place(4096, copies, &nodes(n, 1), Domain::Host, 4);
            let mut held = vec![0u32; usize::from(n)];
            for g in 0..4096 {
                let mut on: Vec<u16> = groups.of(g).iter().map(|s| s.node).collect();
                on.iter().for_each(|&h| held[usize::from(h)] += 1);
                on.sort_unstable();
                on.dedup();
                assert_eq!(on.len(), copies);
            }
            // The cap is 2 % above the even share; what the cap cuts off is spread below it.
            let even = 4096.0 * copies as f64 / f64::from(n);
            let worst = held.iter().map(|&h| (f64::from(h) / even - 1.0).abs()).fold(0.0, f64::max);
            assert!(worst < 0.12, "{n} nodes: {worst}");
            assert!(f64::from(*held.iter().max().expect("nodes")) <= even * 1.02 + 2.0);
        }
    }

    #[test]
    fn racks_are_kept_apart_when_there_are_enough() {
        let all = nodes(16, 2);
        let groups = Groups::place(1000, 2, &all, Domain::Rack, 4);
        for g in 0..1000 {
            let s = groups.of(g);
            assert_ne!(all[usize::from(s[0].node)].rack, all[usize::from(s[1].node)].rack);
        }
        // Three copies over two racks: best effort, still three hosts.
        assert_eq!(Groups::place(10, 3, &all, Domain::Rack, 4).copies(), 3);
    }

    #[test]
    fn sizes_sum_to_the_data() {
        let mut groups = Groups::place(4096, 2, &nodes(4, 1), Domain::Host, 1);
        groups.set_data(Bytes(1_000_003));
        assert_eq!((0..4096).map(|g| groups.size(g)).sum::<Bytes>(), Bytes(1_000_003));
    }
}
