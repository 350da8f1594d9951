//! Arrays for the buckets of a ladder: what one bucket has outgrown or given back, any other may use, so that
//! memory follows what is pending at one time, and a warm ladder asks the allocator for nothing.

/// Empty arrays, by the logarithm of their capacity.
#[derive(Debug)]
pub(super) struct Spares([Vec<Vec<u128>>; usize::BITS as usize]);

/// Capacity of the smallest array.
const LEAST: usize = 4;

impl Default for Spares {
    fn default() -> Self {
        Spares(std::array::from_fn(|_| Vec::new()))
    }
}

/// A copy begins with no spare arrays: a fork costs what is pending.
impl Clone for Spares {
    fn clone(&self) -> Self {
        Spares::default()
    }
}

impl Spares {
    /// Adds a key to a bucket. Amortised O(1).
    #[inline]
    pub(super) fn push(&mut self, bucket: &mut Vec<u128>, key: u128) {
        if bucket.len() == bucket.capacity() {
            self.grow(bucket);
        }
        bucket.push(key);
    }

    /// Moves a full bucket to an array of twice the room.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, bucket: &mut Vec<u128>) {
        let class = (2 * bucket.capacity()).max(LEAST).ilog2();
        let spare = self.0[class as usize].pop();
        let mut larger = spare.unwrap_or_else(|| Vec::with_capacity(1 << class));
        larger.append(bucket);
        let smaller = std::mem::replace(bucket, larger);
        self.give(smaller);
    }

    /// Keeps an array for whoever grows next. O(1).
    pub(super) fn give(&mut self, mut array: Vec<u128>) {
        array.clear();
        if array.capacity() >= LEAST {
            self.0[array.capacity().ilog2() as usize].push(array);
        }
    }

    /// Keys that there is room for in the spare arrays.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.0.iter().flatten().map(Vec::capacity).sum()
    }
}
