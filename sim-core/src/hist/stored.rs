//! How a histogram is written to a file: only the cells that hold samples.

use super::{Bounds, Histogram};
use serde::{Deserialize, Serialize};

/// The stored form; cells are (number, weight) in rising order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    bounds: Bounds,
    raw: u64,
    overflow_raw: u64,
    overflow: u64,
    sum: u128,
    min: u64,
    max: u64,
    cells: Vec<(u32, u64)>,
}

impl From<Histogram> for Stored {
    fn from(h: Histogram) -> Stored {
        Stored {
            bounds: h.bounds,
            raw: h.raw,
            overflow_raw: h.overflow_raw,
            overflow: h.overflow,
            sum: h.sum,
            min: h.min,
            max: h.max,
            cells: h.cells().map(|c| (c.index as u32, c.count)).collect(),
        }
    }
}

impl TryFrom<Stored> for Histogram {
    type Error = String;

    /// A file may come from anywhere: what could not have been recorded is refused.
    fn try_from(s: Stored) -> Result<Histogram, String> {
        let mut h = Histogram::new(s.bounds);
        let mut total = s.overflow;
        for &(index, count) in &s.cells {
            if index as usize >= s.bounds.cells() || count == 0 {
                return Err(format!(
                    "cell {index} with count {count} cannot be in a {:?} histogram",
                    s.bounds
                ));
            }
            total = total.checked_add(count).ok_or("the counts add up to more than 2^64")?;
            h.count_in(index as usize, count);
        }
        if total < s.raw
            || s.overflow < s.overflow_raw
            || s.raw < s.overflow_raw
            || (total > 0) != (s.raw > 0)
        {
            return Err(format!("{} samples cannot have a total weight of {total}", s.raw));
        }
        h.raw = s.raw;
        h.overflow_raw = s.overflow_raw;
        h.overflow = s.overflow;
        h.sum = s.sum;
        h.min = s.min;
        h.max = s.max;
        Ok(h)
    }
}
