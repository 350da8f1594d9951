//! A radix ladder: the keys of pending events, cheapest to keep in order where time mostly goes forward.
//!
//! A key is two numbers of 64 bits, the time above the order of its instant. Read each as 11 digits of 6
//! bits. A key waits in the bucket (level, digit): *level* is the highest place in which it differs from the
//! `base`, but not below `lowest`, and *digit* its own digit there. A bucket is not sorted. Only the few keys
//! that come next are: they are the front.
//!
//! ```text
//!      next out
//!         |
//!   front v                      keys <= last: sorted, the earliest at `head`
//!   [ . . 1 2 3 ... ]
//!  ------------------------------------------------------------------- last
//!   level 14  |   | * |   |   | * |   ...   keys with the 8 leading digits of base (14 is `lowest` here)
//!   level 15  |   |   |   | * | * |   ...   keys with the 7 leading digits of base
//!     ...                                   each level spans one bucket of the level above it,
//!   level 21  | * |   |   |   |   |   ...   the one that `base` is in; that bucket is empty
//!         digit 0   1   2   3   4 ... 63
//! ```
//!
//! All keys of a level come before those of the level above, and the digits of a level are in order, so the
//! first bits of two bit maps find the next keys. When the front runs dry it gathers the next buckets, until
//! it has some keys to sort. A bucket too long for that is dealt out to the highest level at which its keys
//! differ; `base` and `lowest` then point there. So a key moves down only, a few times in its life, always
//! from one contiguous array to the end of another: no comparison decides and nothing is chased through
//! memory.
//!
//! Levels 11 to 21 are digits of the time; those below settle ties, by class and sequence, so that a burst
//! at one instant is dealt out like any other.
//!
//! The order is exact for any pushes. A key at or before `last` is inserted into the front; a front that
//! grew long gives all but its first keys to the buckets. If those keys are earlier than `base`, the levels
//! below the place in which they differ fold into one bucket of that level. A simulation schedules nothing
//! before its present, so it folds at most what ties with the present.

use super::buckets::Spares;
use super::digits::{
    DIGIT_BITS, FAN, HALF, LEVELS, bit_of, digit_of, floor, halves, highest_digit, level_of,
};
use super::sort::sort;

/// A front is refilled until it has this many keys.
const ENOUGH: usize = 8;
/// A bucket of at most this many keys is sorted; a longer one is dealt out.
const SHORT: usize = 24;
/// A front that would get more than this many keys keeps the first `SHORT` of them only.
const LONG: usize = 96;
const ROOM: usize = LONG + 1;
const _: () = assert!(ENOUGH - 1 + SHORT <= LONG);

/// A set of distinct `u128` keys that gives them back in ascending order.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Ascending from `head` to before `tail`.
    front: [u128; ROOM],
    head: usize,
    tail: usize,
    /// Keys up to here belong to the front. No key above it is below `base`.
    last: u128,
    /// Its digits at `lowest` and below are zero.
    base: u128,
    /// The levels below are empty.
    lowest: usize,
    rows: Vec<Row>,
    spares: Spares,
}

/// The buckets of one level.
#[derive(Clone, Debug)]
struct Row {
    /// A bit for each bucket that is not empty.
    filled: u64,
    buckets: [Vec<u128>; FAN],
}

impl Row {
    #[inline]
    fn push(&mut self, digit: usize, key: u128, spares: &mut Spares) {
        spares.push(&mut self.buckets[digit], key);
        self.filled |= 1 << digit;
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder {
            front: [0; ROOM],
            head: 0,
            tail: 0,
            last: u128::MAX,
            base: 0,
            lowest: LEVELS - 1,
            rows: (0..LEVELS)
                .map(|_| Row { filled: 0, buckets: std::array::from_fn(|_| Vec::new()) })
                .collect(),
            spares: Spares::default(),
        }
    }
}

impl Ladder {
    /// Adds a key that is not in the set. O(1), and O(levels passed), at most 22, until it is popped; a key
    /// below the base can cost O(n) once in some dozens.
    #[inline]
    pub fn push(&mut self, key: u128) {
        if key > self.last {
            return self.place(key);
        }
        // The next of all, as it often is, goes where the last that was popped has been.
        if (self.head == self.tail || key < self.front[self.head])
            && let Some(free) = self.head.checked_sub(1)
        {
            self.front[free] = key;
            self.head = free;
            return;
        }
        self.insert(key);
    }

    /// Takes out the least key if it is at most `end`. O(1), and what [`Ladder::push`] left to be paid.
    ///
    /// `keep` is asked once for each key that comes near, a few keys at a time, before they are sorted; a key
    /// that it refuses is dropped.
    #[inline(always)]
    pub fn pop_until(&mut self, end: u128, keep: impl FnMut(u128) -> bool) -> Option<u128> {
        if self.head == self.tail {
            self.refill(end, keep);
            if self.tail == 0 {
                return None;
            }
        }
        let key = self.front[self.head];
        if key > end {
            return None;
        }
        self.head += 1;
        Some(key)
    }

    /// Drops every key that `keep` refuses. O(n).
    pub fn retain(&mut self, mut keep: impl FnMut(u128) -> bool) {
        let mut kept = self.head;
        for at in self.head..self.tail {
            if keep(self.front[at]) {
                self.front[kept] = self.front[at];
                kept += 1;
            }
        }
        self.tail = kept;
        for row in &mut self.rows {
            let mut left = row.filled;
            while left != 0 {
                let digit = left.trailing_zeros() as usize;
                left &= left - 1;
                row.buckets[digit].retain(|&key| keep(key));
                if row.buckets[digit].is_empty() {
                    row.filled &= !(1 << digit);
                }
            }
        }
    }

    /// Keys that there is room for in all arrays. None gives room back, so where this stays the same, nothing
    /// was allocated.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        let buckets = self.rows.iter().flat_map(|row| &row.buckets);
        buckets.map(Vec::capacity).sum::<usize>() + self.spares.room()
    }

    /// Puts a key that is above `last` into its bucket.
    #[inline]
    fn place(&mut self, key: u128) {
        let (time, _) = halves(key);
        let difference = time ^ halves(self.base).0;
        if difference == 0 {
            return self.place_tie(key);
        }
        let level = (HALF + highest_digit(difference)).max(self.lowest);
        let digit = (time >> ((level - HALF) as u32 * DIGIT_BITS)) as usize % FAN;
        self.rows[level].push(digit, key, &mut self.spares);
    }

    /// The same for a key whose time is that of `base`.
    #[inline(never)]
    fn place_tie(&mut self, key: u128) {
        let level = level_of(key ^ self.base).max(self.lowest);
        self.rows[level].push(digit_of(key, level), key, &mut self.spares);
    }

    /// Puts a key into the front. What is popped leaves room there for the earlier keys to move into.
    #[inline(never)]
    fn insert(&mut self, key: u128) {
        if self.head == 0 || self.tail - self.head >= LONG {
            return self.insert_after_making_room(key);
        }
        self.head -= 1;
        let keys = &mut self.front[self.head..self.tail];
        let mut at = 0;
        while let Some(&next) = keys.get(at + 1)
            && next < key
        {
            keys[at] = next;
            at += 1;
        }
        keys[at] = key;
    }

    /// Shortens the front, or moves its keys away from its beginning.
    #[cold]
    #[inline(never)]
    fn insert_after_making_room(&mut self, key: u128) {
        if self.tail - self.head >= LONG {
            self.shorten_front();
        } else {
            let room = ROOM - self.tail;
            self.front.copy_within(..self.tail, room);
            (self.head, self.tail) = (room, ROOM);
        }
        self.push(key);
    }

    /// Fills the empty front, unless nothing is due at `end` or before.
    #[inline(never)]
    fn refill(&mut self, end: u128, mut keep: impl FnMut(u128) -> bool) {
        (self.head, self.tail) = (0, 0);
        while self.tail < ENOUGH {
            let row = &self.rows[self.lowest];
            if row.filled == 0 {
                if !self.ascend() {
                    return;
                }
                continue;
            }
            let digit = row.filled.trailing_zeros() as usize;
            let bit = bit_of(self.lowest);
            let first = self.base | (digit as u128) << bit;
            if first > end {
                return;
            }
            if row.buckets[digit].len() <= SHORT {
                self.gather(digit, &mut keep);
                self.last = first | ((1 << bit) - 1);
            } else if self.tail == 0 {
                self.deal(digit, end);
            } else {
                return;
            }
        }
    }

    /// Moves `lowest` up to a level that is not empty. Where there is none, all that comes belongs to the
    /// front.
    fn ascend(&mut self) -> bool {
        match (self.lowest..LEVELS).find(|&level| self.rows[level].filled != 0) {
            Some(level) => {
                self.lowest = level;
                self.base = floor(self.base, level);
                true
            }
            None => {
                self.lowest = LEVELS - 1;
                self.base = 0;
                self.last = u128::MAX;
                false
            }
        }
    }

    /// Moves a bucket of the lowest level to the end of the front and sorts it there.
    #[inline]
    fn gather(&mut self, digit: usize, keep: &mut impl FnMut(u128) -> bool) {
        let row = &mut self.rows[self.lowest];
        row.filled &= !(1 << digit);
        let front = &mut self.front[self.tail..];
        let mut count = 0;
        for &key in &row.buckets[digit] {
            if !keep(key) {
                continue;
            }
            front[count] = key;
            count += 1;
        }
        sort(&mut front[..count]);
        self.tail += count;
        row.buckets[digit].clear();
    }

    /// Moves the base into a bucket of the lowest level, and its keys to the highest level in which they
    /// differ.
    fn deal(&mut self, digit: usize, end: u128) {
        let from = self.lowest;
        let keys = std::mem::take(&mut self.rows[from].buckets[digit]);
        self.rows[from].filled &= !(1 << digit);
        self.lowest = split_level(&keys, from, end);
        self.base = floor(keys[0], self.lowest);
        self.last = self.last.max(self.base.saturating_sub(1));

        let (row, spares) = (&mut self.rows[self.lowest], &mut self.spares);
        row.filled = match self.lowest.checked_sub(HALF) {
            Some(place) => {
                deal_out(&keys, &mut row.buckets, spares, |key| halves(key).0 >> (place as u32 * DIGIT_BITS))
            }
            None => deal_out(&keys, &mut row.buckets, spares, |key| {
                halves(key).1 >> (self.lowest as u32 * DIGIT_BITS)
            }),
        };
        self.spares.give(keys);
    }

    /// Leaves the first `SHORT` keys in the front and gives the others to the buckets.
    fn shorten_front(&mut self) {
        let moving = self.head + SHORT;
        let least = self.front[moving];
        if least < self.base {
            self.fold(level_of(least ^ self.base));
        }
        self.last = least - 1;
        for at in moving..self.tail {
            self.place(self.front[at]);
        }
        self.tail = moving;
    }

    /// Makes `level` the lowest: all that is in the levels below it is in the same bucket there.
    fn fold(&mut self, level: usize) {
        let digit = digit_of(self.base, level);
        let (below, rest) = self.rows.split_at_mut(level);
        let bucket = &mut rest[0].buckets[digit];
        for row in &mut below[self.lowest..] {
            row.buckets.iter_mut().for_each(|other| bucket.append(other));
            row.filled = 0;
        }
        if !bucket.is_empty() {
            rest[0].filled |= 1 << digit;
        }
        self.lowest = level;
        self.base = floor(self.base, level);
    }
}

/// Deals keys out by the lowest digit of what `shifted` gives, and says which buckets got one.
#[inline(always)]
fn deal_out(
    keys: &[u128],
    buckets: &mut [Vec<u128>; FAN],
    spares: &mut Spares,
    shifted: impl Fn(u128) -> u64,
) -> u64 {
    let mut filled = 0;
    for &key in keys {
        let digit = shifted(key) as usize % FAN;
        spares.push(&mut buckets[digit], key);
        filled |= 1 << digit;
    }
    filled
}

/// The level below `from` to which a bucket is dealt: the highest in which its keys differ.
fn split_level(keys: &[u128], from: usize, end: u128) -> usize {
    let any = keys[0];
    let next = digit_of(any, from - 1);
    if keys.iter().any(|&key| digit_of(key, from - 1) != next) {
        return from - 1;
    }
    let level = level_of(keys.iter().fold(0, |bits, key| bits | (key ^ any)));
    // Not beyond `end`: what is scheduled after a pause there must not fall below the base.
    if floor(any, level) > end { level_of(any ^ end) } else { level }
}
