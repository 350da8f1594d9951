//! Bare queues that bound what an engine can do: orders of (time, sequence) and nothing else. No event is
//! stored, nothing can be cancelled, no time may be before the last popped.

use crate::common::Luck;
use crate::work::Law;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of numbered events.
pub trait Bare: Default {
    const NAME: &'static str;
    /// `sequence` below 2^40, higher than any before; `event` below 2^24.
    fn push(&mut self, time: u64, sequence: u64, event: u32);
    fn pop(&mut self) -> Option<(u64, u32)>;
}

/// The hold model on a bare queue, with the increments of [`crate::work::hold`].
pub struct BareHold<Q> {
    pub queue: Q,
    law: Law,
    luck: Luck,
    sequence: u64,
}

impl<Q: Bare> BareHold<Q> {
    pub fn new(law: Law, pending: u32) -> Self {
        let mut hold = BareHold { queue: Q::default(), law, luck: Luck::new(42), sequence: 0 };
        (0..pending).for_each(|event| hold.push(0, event));
        hold
    }

    #[inline]
    fn push(&mut self, now: u64, event: u32) {
        self.queue.push(now + self.law.increment(&mut self.luck), self.sequence, event);
        self.sequence += 1;
    }

    /// Returns the sum of the times of all events, modulo 2^64.
    pub fn run(&mut self, events: u64) -> u64 {
        let mut sum = 0u64;
        for _ in 0..events {
            let (now, event) = self.queue.pop().expect("held at a constant size");
            sum = sum.wrapping_add(now);
            self.push(now, event);
        }
        sum
    }
}

#[inline]
fn pack(time: u64, sequence: u64, event: u32) -> u128 {
    u128::from(time) << 64 | u128::from(sequence << 24 | u64::from(event))
}

#[inline]
fn unpack(key: u128) -> (u64, u32) {
    ((key >> 64) as u64, key as u32 & 0xff_ffff)
}

/// What most programs begin with: the heap of the standard library on tuples.
#[derive(Default)]
pub struct TupleHeap(BinaryHeap<Reverse<(u64, u64, u32)>>);

impl Bare for TupleHeap {
    const NAME: &'static str = "heap, tuples";
    #[inline]
    fn push(&mut self, time: u64, sequence: u64, event: u32) {
        self.0.push(Reverse((time, sequence, event)));
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        self.0.pop().map(|Reverse((time, _, event))| (time, event))
    }
}

/// The same heap on packed keys.
#[derive(Default)]
pub struct PackedHeap(BinaryHeap<Reverse<u128>>);

impl Bare for PackedHeap {
    const NAME: &'static str = "heap, packed";
    #[inline]
    fn push(&mut self, time: u64, sequence: u64, event: u32) {
        self.0.push(Reverse(pack(time, sequence, event)));
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        self.0.pop().map(|Reverse(key)| unpack(key))
    }
}

/// Four siblings share a line of memory; a place that is not taken holds the highest key.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Siblings([u128; 4]);

/// A 4-ary heap whose root stays open after a pop, so that the push that follows costs one descent.
pub struct OpenHeap {
    root: u128,
    open: bool,
    /// The children of the root are group 0; those of child `c` of group `g` are group `4 g + c + 1`.
    groups: Vec<Siblings>,
    /// Keys in the groups.
    len: usize,
}

impl Default for OpenHeap {
    fn default() -> Self {
        OpenHeap { root: u128::MAX, open: true, groups: Vec::new(), len: 0 }
    }
}

impl OpenHeap {
    /// Fills the open root with `key` or with what must come before it.
    #[inline]
    fn settle(&mut self, key: u128) {
        let (mut group, mut hole) = (0, None);
        while let Some(&Siblings([a, b, c, d])) = self.groups.get(group) {
            let (low, at_low) = if b < a { (b, 1) } else { (a, 0) };
            let (high, at_high) = if d < c { (d, 3) } else { (c, 2) };
            let (least, at) = if high < low { (high, at_high) } else { (low, at_low) };
            if key <= least {
                break;
            }
            self.fill(hole, least);
            hole = Some((group, at));
            group = 4 * group + at + 1;
        }
        self.fill(hole, key);
        self.open = false;
    }

    #[inline]
    fn fill(&mut self, hole: Option<(usize, usize)>, key: u128) {
        match hole {
            Some((group, at)) => self.groups[group].0[at] = key,
            None => self.root = key,
        }
    }

    fn append(&mut self, key: u128) {
        let (mut group, mut at) = (self.len / 4, self.len % 4);
        self.len += 1;
        if group == self.groups.len() {
            self.groups.push(Siblings([u128::MAX; 4]));
        }
        while group > 0 {
            let (above, of) = ((group - 1) / 4, (group - 1) % 4);
            let parent = self.groups[above].0[of];
            if parent <= key {
                self.groups[group].0[at] = key;
                return;
            }
            self.groups[group].0[at] = parent;
            (group, at) = (above, of);
        }
        let (root, below) = (self.root.min(key), self.root.max(key));
        self.root = root;
        self.groups[0].0[at] = below;
    }

    fn close(&mut self) {
        if self.len == 0 {
            return;
        }
        self.len -= 1;
        let last = std::mem::replace(&mut self.groups[self.len / 4].0[self.len % 4], u128::MAX);
        self.settle(last);
    }
}

impl Bare for OpenHeap {
    const NAME: &'static str = "4-ary, open root";
    #[inline]
    fn push(&mut self, time: u64, sequence: u64, event: u32) {
        let key = pack(time, sequence, event);
        if self.open { self.settle(key) } else { self.append(key) }
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        if self.open {
            self.close();
        }
        if self.open {
            return None;
        }
        self.open = true;
        Some(unpack(self.root))
    }
}

const NONE: u32 = u32::MAX;
const WHEELS: usize = 11;

/// Eleven wheels of 64 lists, whose lowest turns by single nanoseconds, so that the order is exact.
pub struct Wheel {
    first: Vec<u32>,
    last: Vec<u32>,
    filled: [u64; WHEELS],
    wheels: u32,
    /// By event: its time, and the next of its list.
    nodes: Vec<(u64, u32)>,
    now: u64,
}

impl Default for Wheel {
    fn default() -> Self {
        Wheel {
            first: vec![NONE; WHEELS * 64],
            last: vec![NONE; WHEELS * 64],
            filled: [0; WHEELS],
            wheels: 0,
            nodes: Vec::new(),
            now: 0,
        }
    }
}

impl Wheel {
    #[inline]
    fn place(&mut self, time: u64, event: u32) {
        let wheel = ((time ^ self.now) | 1).ilog2() / 6;
        let digit = (time >> (6 * wheel)) as usize % 64;
        let list = wheel as usize * 64 + digit;
        self.nodes[event as usize] = (time, NONE);
        if self.filled[wheel as usize] & 1 << digit == 0 {
            self.filled[wheel as usize] |= 1 << digit;
            self.wheels |= 1 << wheel;
            self.first[list] = event;
        } else {
            self.nodes[self.last[list] as usize].1 = event;
        }
        self.last[list] = event;
    }

    fn mark_empty(&mut self, wheel: usize, digit: usize) {
        self.filled[wheel] &= !(1 << digit);
        if self.filled[wheel] == 0 {
            self.wheels &= !(1 << wheel);
        }
    }
}

impl Bare for Wheel {
    const NAME: &'static str = "wheels 64 x 11";
    #[inline]
    fn push(&mut self, time: u64, _: u64, event: u32) {
        if event as usize >= self.nodes.len() {
            self.nodes.resize(event as usize + 1, (0, NONE));
        }
        self.place(time, event);
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        while self.wheels != 0 {
            let wheel = self.wheels.trailing_zeros() as usize;
            let digit = self.filled[wheel].trailing_zeros() as usize;
            let list = wheel * 64 + digit;
            let event = self.first[list];
            let (time, next) = self.nodes[event as usize];
            if wheel == 0 || next == NONE {
                self.now = time;
                self.first[list] = next;
                if next == NONE {
                    self.mark_empty(wheel, digit);
                }
                return Some((time, event));
            }
            self.mark_empty(wheel, digit);
            self.now = time >> (6 * wheel) << (6 * wheel);
            let mut at = event;
            while at != NONE {
                let (time, next) = self.nodes[at as usize];
                self.place(time, at);
                at = next;
            }
        }
        None
    }
}

/// Buckets by the highest digit (of 4 bits) in which a time differs from the base, and a short sorted front:
/// the order that the kernel's own queue refines, without class, pause, injection or cancellation.
#[derive(Clone)]
pub struct RadixLadder {
    /// Descending.
    front: Vec<u128>,
    /// Times up to here belong to the front.
    end: Option<u64>,
    base: u64,
    buckets: Vec<Vec<u128>>,
    filled: [u16; 16],
    levels: u32,
}

impl Default for RadixLadder {
    fn default() -> Self {
        RadixLadder {
            front: Vec::new(),
            end: None,
            base: 0,
            buckets: vec![Vec::new(); 16 * 16],
            filled: [0; 16],
            levels: 0,
        }
    }
}

impl RadixLadder {
    #[inline]
    fn place(&mut self, key: u128) {
        let time = (key >> 64) as u64;
        let level = (((time ^ self.base) | 1).ilog2() / 4) as usize;
        let digit = (time >> (4 * level)) as usize % 16;
        self.buckets[level * 16 + digit].push(key);
        self.filled[level] |= 1 << digit;
        self.levels |= 1 << level;
    }

    #[inline(never)]
    fn refill(&mut self) {
        while self.levels != 0 {
            let level = self.levels.trailing_zeros() as usize;
            let digit = self.filled[level].trailing_zeros() as usize;
            self.filled[level] &= !(1 << digit);
            if self.filled[level] == 0 {
                self.levels &= !(1 << level);
            }
            let mut keys = std::mem::take(&mut self.buckets[level * 16 + digit]);
            self.base = (keys[0] >> 64) as u64 >> (4 * level) << (4 * level);
            if keys.len() <= 24 || level == 0 {
                keys.sort_unstable_by(|a, b| b.cmp(a));
                self.end = Some(self.base | ((1 << (4 * level)) - 1));
                std::mem::swap(&mut self.front, &mut keys);
                self.buckets[level * 16 + digit] = keys;
                return;
            }
            for &key in &keys {
                self.place(key);
            }
            keys.clear();
            self.buckets[level * 16 + digit] = keys;
        }
    }
}

impl Bare for RadixLadder {
    const NAME: &'static str = "radix ladder";
    #[inline]
    fn push(&mut self, time: u64, sequence: u64, event: u32) {
        let key = pack(time, sequence, event);
        if self.end.is_none_or(|end| time > end) {
            return self.place(key);
        }
        let at = self.front.iter().rposition(|&later| later > key).map_or(0, |at| at + 1);
        self.front.insert(at, key);
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u32)> {
        if self.front.is_empty() {
            self.refill();
        }
        self.front.pop().map(unpack)
    }
}
