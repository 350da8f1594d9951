//! Histograms with fixed bounds that merge exactly, in any order.
//!
//! The cells are those of `hdrhistogram` at three significant digits; what lies above the bounds is counted
//! apart and makes a quantile say [`Quantile::Beyond`] instead of a number. All counts and sums are integers.

mod hlog;
mod pages;
mod stored;

pub use hlog::write_hlog;
pub(crate) use pages::Pages;

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the recorded integers mean, and how large they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bounds {
    /// Durations in ns, up to one hour.
    Latency,
    /// Ratios in parts per million, up to a thousand (10^9 ppm).
    Ratio,
    /// Plain counts or bytes, up to 10^15.
    Count,
}

impl Bounds {
    /// The largest value that has a cell.
    pub const fn high(self) -> u64 {
        match self {
            Bounds::Latency => 3_600_000_000_000,
            Bounds::Ratio => 1_000_000_000,
            Bounds::Count => 1_000_000_000_000_000,
        }
    }

    /// How many cells the bounds have: 33 421 for latencies.
    pub const fn cells(self) -> usize {
        cell_of(self.high()) + 1
    }
}

/// Below this, every value has a cell of its own; above, 1024 cells per doubling are three digits.
const LINEAR: u64 = 2048;

/// The cell of `value`: the numbering of an HdrHistogram with unit 1 and three significant digits.
pub const fn cell_of(value: u64) -> usize {
    if value < LINEAR {
        return value as usize;
    }
    let shift = 53 - value.leading_zeros() as u64;
    (shift * (LINEAR / 2) + (value >> shift)) as usize
}

/// The largest value in `cell`: quantiles err upwards, by at most one part in 1024.
pub const fn highest_in(cell: usize) -> u64 {
    let cell = cell as u64;
    if cell < LINEAR {
        return cell;
    }
    let shift = cell / (LINEAR / 2) - 1;
    let mantissa = cell - shift * (LINEAR / 2);
    ((mantissa + 1) << shift) - 1
}

/// A quantile that cannot hide that the histogram ended below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Quantile {
    /// The value, at three digits, rounded up.
    At(u64),
    /// Somewhere above this bound, where values are only counted.
    Beyond(u64),
}

impl Quantile {
    /// The value, or the bound that it lies beyond.
    pub const fn at_least(self) -> u64 {
        match self {
            Quantile::At(v) | Quantile::Beyond(v) => v,
        }
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantile::At(v) => write!(f, "{v}"),
            Quantile::Beyond(v) => write!(f, "> {v}"),
        }
    }
}

/// One cell that holds samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its number, see [`cell_of`].
    pub index: usize,
    /// The largest value that falls into it.
    pub value: u64,
    /// The weight recorded in it.
    pub count: u64,
}

/// Counts of integers. Costs about 100 bytes until the first sample, then 1 KB, and 2 KB for every page of 256
/// cells (a quarter of a doubling) that holds any: some 50 KB for latencies with a tail.
///
/// A sample has a weight: how many samples of the same kind it stands for. Cells, quantiles and sums are
/// weighted; the raw number of samples is kept beside.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored", into = "stored::Stored")]
pub struct Histogram {
    bounds: Bounds,
    cells: Pages<u64>,
    /// The weight in the cells.
    within: u64,
    raw: u64,
    overflow_raw: u64,
    overflow: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Histogram {
    /// An empty histogram.
    pub const fn new(bounds: Bounds) -> Histogram {
        Histogram {
            bounds,
            cells: Pages::new(),
            within: 0,
            raw: 0,
            overflow_raw: 0,
            overflow: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Counts one sample of `value` that stands for `weight` of them.
    ///
    /// # Panics
    /// If `weight` is 0: a sample that stands for nothing must not be taken.
    #[inline]
    pub fn record(&mut self, value: u64, weight: u64) {
        assert!(weight > 0, "a sample needs a weight");
        self.raw += 1;
        self.sum += u128::from(value) * u128::from(weight);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if value > self.bounds.high() {
            self.overflow_raw += 1;
            self.overflow += weight;
            return;
        }
        self.count_in(cell_of(value), weight);
    }

    #[inline]
    fn count_in(&mut self, cell: usize, weight: u64) {
        self.within += weight;
        *self.cells.at(cell, self.bounds.cells()) += weight;
    }

    /// Adds everything that `other` holds; the result is the same in any order.
    ///
    /// # Panics
    /// If the bounds differ.
    pub fn merge(&mut self, other: &Histogram) {
        assert_eq!(self.bounds, other.bounds, "only histograms of one kind can be merged");
        self.raw += other.raw;
        self.overflow_raw += other.overflow_raw;
        self.overflow += other.overflow;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.within += other.within;
        self.cells.add(&other.cells, |mine, theirs| *mine += theirs);
    }

    /// The samples of `seen`, all of them merged before, are in here `times` times more than they were taken,
    /// because each stands for that many more: their weights stay, each is one sample.
    ///
    /// # Panics
    /// If so many samples are not in here.
    pub fn count_once(&mut self, seen: &Histogram, times: u64) {
        let enough = "only what was merged before can be counted once";
        self.raw = self.raw.checked_sub(seen.raw * times).expect(enough);
        self.overflow_raw = self.overflow_raw.checked_sub(seen.overflow_raw * times).expect(enough);
    }

    /// What is recorded here.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// True when nothing was recorded.
    pub const fn is_empty(&self) -> bool {
        self.raw == 0
    }

    /// The number of samples, overflow included.
    pub const fn raw_count(&self) -> u64 {
        self.raw
    }

    /// The sum of the weights, overflow included.
    pub const fn count(&self) -> u64 {
        self.overflow + self.within
    }

    /// The number of samples above the bounds.
    pub const fn overflow_raw(&self) -> u64 {
        self.overflow_raw
    }

    /// The weight of the samples above the bounds.
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The exact sum of value times weight.
    pub const fn sum(&self) -> u128 {
        self.sum
    }

    /// The weighted mean, if there is any sample.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum as f64 / self.count() as f64)
    }

    /// The smallest value, exactly.
    pub fn min(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.min)
    }

    /// The largest value, exactly, also where it lies above the bounds.
    pub fn max(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max)
    }

    /// The value of rank `ceil(q * count)` (at least 1), as the largest one in its cell; `None` when empty.
    ///
    /// # Panics
    /// If `q` is not in [0, 1].
    pub fn quantile(&self, q: f64) -> Option<Quantile> {
        let rank = rank(q, self.count())?;
        let mut below = 0;
        for cell in self.cells() {
            below += cell.count;
            if below >= rank {
                return Some(Quantile::At(cell.value));
            }
        }
        Some(Quantile::Beyond(self.bounds.high()))
    }

    /// The weight of the samples in cells above the one of `value`, overflow included.
    pub fn count_above(&self, value: u64) -> u64 {
        if value >= self.bounds.high() {
            return self.overflow;
        }
        let of_value = cell_of(value);
        let above: u64 = self.cells().filter(|c| c.index > of_value).map(|c| c.count).sum();
        above + self.overflow
    }

    /// The cells that hold samples, from the lowest value up; overflow has no cell.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let held = self.cells.iter().filter(|&(_, &count)| count > 0);
        held.map(|(index, &count)| Cell { index, value: highest_in(index), count })
    }
}

/// The rank of quantile `q` among `count` samples, from 1; `None` when there are none.
///
/// A product such as 0.07 * 100 comes out one rounding above a whole number; that is not the next rank.
pub(crate) fn rank(q: f64, count: u64) -> Option<u64> {
    assert!((0.0..=1.0).contains(&q), "a quantile needs a probability, not {q}");
    if count == 0 {
        return None;
    }
    let product = q * count as f64;
    Some(((product * (1.0 - f64::EPSILON)).ceil() as u64).clamp(1, count))
}

impl PartialEq for Histogram {
    /// Equal when every cell, count and sum is; whether an empty one has allocated makes no difference.
    fn eq(&self, other: &Histogram) -> bool {
        let scalars =
            |h: &Histogram| (h.bounds, h.raw, h.overflow_raw, h.overflow, h.count(), h.sum, h.min, h.max);
        scalars(self) == scalars(other) && self.cells().eq(other.cells())
    }
}

#[cfg(test)]
mod tests;
