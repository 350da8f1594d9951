//! A radix ladder: the keys of pending events, cheapest to keep in order where time mostly goes forward.
//!
//! Read a key as 32 hexadecimal digits. Each key waits in the bucket (level, digit), where *level* is the
//! highest digit in which it differs from the `base`, and *digit* its own value there. A bucket is not
//! sorted. Only the few keys that come next are: they are the front.
//!
//! ```text
//!      next out
//!         |
//!   front v                 keys <= last: sorted, the earliest at the end of the array
//!   [ ... 3 2 1 ]
//!  -------------------------------------------------------------- last
//!   level 16  |   | * |   |   | * |   ...   keys with the 15 leading digits of base
//!   level 17  |   |   | * | * |   |   ...   keys with the 14 leading digits of base
//!     ...                                   each level spans one bucket of the level above it,
//!   level 31  | * |   |   |   |   |   ...   the one that `base` is in; that bucket is empty
//!         digit 0   1   2   3   4 ... 15
//! ```
//!
//! All keys of a level come before those of the level above, and the digits of a level are in order, so the
//! lowest bucket that is not empty holds the next keys, and two bit maps find it. When the front runs dry
//! and that bucket is short, it becomes the front. When it is long, `base` moves up to its first key and the
//! keys drop to the levels below. A key moves down only, a few times in its life, always from one
//! contiguous array to the end of another: no comparison decides and nothing is chased through memory.
//!
//! In the keys of events the levels from 16 up are digits of the time; those below settle ties, by class and
//! sequence, so that a burst at one instant is dealt out like any other.
//!
//! The order is exact for any pushes. A key at or before `last` is inserted into the front; a front that
//! grew long gives all but its first keys to the buckets. If those keys are earlier than `base`, then `base`
//! moves down: the levels below the highest digit that changes fold into one bucket. A simulation schedules
//! nothing before its present, so it folds at most what ties with the present.

const DIGIT_BITS: u32 = 4;
const FAN: usize = 1 << DIGIT_BITS;
const LEVELS: usize = (u128::BITS / DIGIT_BITS) as usize;

/// A bucket of at most this many keys is sorted; a longer one is dealt out to the levels below.
const SHORT: usize = 32;
/// A front of more than this many keys keeps the first `SHORT` of them only.
const LONG: usize = 96;

/// A set of distinct `u128` keys that gives them back in ascending order.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Descending, so that the next key is popped from the end.
    front: Vec<u128>,
    /// Keys up to here belong to the front. No key above it is below `base`.
    last: u128,
    base: u128,
    buckets: Vec<Vec<u128>>,
    /// Per level, a bit for each bucket that is not empty.
    digits: [u16; LEVELS],
    /// A bit for each level that is not empty.
    levels: u32,
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder {
            front: Vec::new(),
            last: u128::MAX,
            base: 0,
            buckets: vec![Vec::new(); LEVELS * FAN],
            digits: [0; LEVELS],
            levels: 0,
        }
    }
}

/// The level and the digit at which `key` waits: the highest digit in which it differs from `base`.
#[inline]
fn position(key: u128, base: u128) -> (usize, usize) {
    // By halves, as a machine shifts and scans 64 bits in one step.
    let (key_high, base_high) = ((key >> 64) as u64, (base >> 64) as u64);
    if key_high != base_high {
        let (level, digit) = position_in_half(key_high, base_high);
        return (level + LEVELS / 2, digit);
    }
    position_in_half(key as u64, base as u64)
}

#[inline]
fn position_in_half(key: u64, base: u64) -> (usize, usize) {
    let level = ((key ^ base) | 1).ilog2() / DIGIT_BITS;
    (level as usize, (key >> (level * DIGIT_BITS)) as usize % FAN)
}

impl Ladder {
    /// Adds a key that is not in the set. O(1), and O(levels passed), at most 32, until it is popped; a key
    /// below the base can cost O(n) once in some dozens.
    #[inline]
    pub fn push(&mut self, key: u128) {
        if key > self.last {
            return self.place(key);
        }
        let mut at = self.front.len();
        self.front.push(key);
        let front = self.front.as_mut_slice();
        while at > 0 && front[at - 1] < key {
            front[at] = front[at - 1];
            at -= 1;
        }
        front[at] = key;
        if front.len() > LONG {
            self.shorten_front();
        }
    }

    /// Takes out the least key if it is at most `end`. O(1), and what [`Ladder::push`] left to be paid.
    ///
    /// `keep` is asked once for each key that comes near, a few dozen keys at a time, before they are
    /// sorted; a key that it refuses is dropped.
    #[inline]
    pub fn pop_until(&mut self, end: u128, keep: impl FnMut(u128) -> bool) -> Option<u128> {
        if self.front.is_empty() && !self.refill(end, keep) {
            return None;
        }
        let &key = self.front.last()?;
        if key > end {
            return None;
        }
        self.front.pop()
    }

    /// Drops every key that `keep` refuses. O(n).
    pub fn retain(&mut self, mut keep: impl FnMut(u128) -> bool) {
        self.front.retain(|&key| keep(key));
        for at in 0..self.buckets.len() {
            if !self.buckets[at].is_empty() {
                self.buckets[at].retain(|&key| keep(key));
                if self.buckets[at].is_empty() {
                    self.mark_empty(at);
                }
            }
        }
    }

    /// Puts a key that is above `last` into its bucket.
    #[inline]
    fn place(&mut self, key: u128) {
        let (level, digit) = position(key, self.base);
        self.buckets[level * FAN + digit].push(key);
        self.digits[level] |= 1 << digit;
        self.levels |= 1 << level;
    }

    fn mark_empty(&mut self, bucket: usize) {
        let (level, digit) = (bucket / FAN, bucket % FAN);
        self.digits[level] &= !(1 << digit);
        if self.digits[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Fills the empty front, unless nothing is due at `end` or before.
    #[inline(never)]
    fn refill(&mut self, end: u128, mut keep: impl FnMut(u128) -> bool) -> bool {
        while self.levels != 0 {
            let level = self.levels.trailing_zeros() as usize;
            let digit = self.digits[level].trailing_zeros() as usize;
            let width = level as u32 * DIGIT_BITS;
            let first = ((self.base >> width) & !(FAN as u128 - 1) | digit as u128) << width;
            if first > end {
                return false;
            }
            let at = level * FAN + digit;
            self.mark_empty(at);
            if self.buckets[at].len() > SHORT {
                self.deal(at, first, end);
                continue;
            }
            std::mem::swap(&mut self.front, &mut self.buckets[at]);
            self.last = first | ((1 << width) - 1);
            self.front.retain(|&key| keep(key));
            if !self.front.is_empty() {
                self.front.sort_unstable_by(|a, b| b.cmp(a));
                return true;
            }
        }
        self.last = u128::MAX;
        false
    }

    /// Moves the base into the lowest bucket, whose span begins at `first`, and its keys to lower levels.
    fn deal(&mut self, at: usize, first: u128, end: u128) {
        let mut keys = std::mem::take(&mut self.buckets[at]);
        let least = keys.iter().fold(u128::MAX, |least, &key| least.min(key));
        // Not beyond the time of `end`: what is scheduled after a pause there must not fall below the base.
        self.base = least.min(end & !u128::from(u64::MAX)).max(first);
        self.last = self.base.saturating_sub(1);
        for &key in &keys {
            self.place(key);
        }
        keys.clear();
        self.buckets[at] = keys; // keeps its room for the keys to come
    }

    /// Leaves the first `SHORT` keys in the front and gives the others to the buckets.
    #[cold]
    #[inline(never)]
    fn shorten_front(&mut self) {
        let moving = self.front.len() - SHORT;
        let least = self.front[moving - 1];
        if least < self.base {
            self.lower_base(least);
        }
        self.last = least - 1;
        for i in 0..moving {
            self.place(self.front[i]);
        }
        self.front.drain(..moving);
    }

    /// Moves the base down. Keys that share more digits with the old base than the new one does become
    /// alike: all differ from it in the same digit first.
    fn lower_base(&mut self, to: u128) {
        let (level, digit) = position(self.base, to);
        let (below, rest) = self.buckets.split_at_mut(level * FAN + digit);
        for bucket in &mut below[..level * FAN] {
            rest[0].append(bucket);
        }
        self.digits[..level].fill(0);
        self.levels &= !((1 << level) - 1);
        if !rest[0].is_empty() {
            self.digits[level] |= 1 << digit;
            self.levels |= 1 << level;
        }
        self.base = to;
    }
}
