//! What is to be sent, cut where a page begins to cost something else.

use super::Rules;
use crate::vm::dirty::DirtyMemory;
use sim_core::{Bytes, Rate};

/// Pending pages that cost the same each, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// How many; expected numbers are not whole.
    pub(super) pages: f64,
    /// Bytes on the wire of one.
    pub(super) wire: f64,
    /// Seconds spent on finding whether it is zero.
    pub(super) scan: f64,
}

impl Stretch {
    const NONE: Stretch = Stretch { pages: 0.0, wire: 0.0, scan: 0.0 };

    /// Bytes that are no pages: device state, what a path holds.
    pub(super) fn of_bytes(bytes: Bytes) -> Stretch {
        Stretch { pages: bytes.as_f64(), wire: 1.0, scan: 0.0 }
    }

    /// What is pending in `memory`, `scanned` zero pages being found per second. Zero pages that lie behind
    /// all others are a stretch of their own.
    pub(super) fn pending(rules: &Rules, memory: &DirtyMemory, scanned: f64) -> [Stretch; 2] {
        let (data, zero) = (memory.data_pending(), memory.zero_pending());
        let data = Stretch { pages: data, wire: rules.page_wire as f64, scan: 0.0 };
        let zero = Stretch { pages: zero, wire: rules.zero_bytes() as f64, scan: 1.0 / scanned };
        if memory.zeros_last() { [data, zero] } else { [data.mixed_with(zero), Stretch::NONE] }
    }

    fn mixed_with(self, other: Stretch) -> Stretch {
        let pages = self.pages + other.pages;
        if pages == 0.0 {
            return Stretch::NONE;
        }
        let mean = |mine: f64, others: f64| (mine * self.pages + others * other.pages) / pages;
        Stretch { pages, wire: mean(self.wire, other.wire), scan: mean(self.scan, other.scan) }
    }

    /// The first `pages` of it, or all.
    pub(super) fn first(self, pages: f64) -> Stretch {
        Stretch { pages: self.pages.min(pages.max(0.0)), ..self }
    }

    /// Bytes on the wire of all of it.
    pub(super) fn bytes(&self) -> f64 {
        self.pages * self.wire
    }

    /// Seconds per page when the path takes `rate`; infinite if it takes nothing.
    pub(super) fn pace(&self, rate: Rate) -> f64 {
        if self.wire == 0.0 { self.scan } else { self.wire / rate.as_f64() + self.scan }
    }

    /// The same through a queue: what is looked for and what is carried go on at once, and the slower decides.
    pub(super) fn pace_through_queue(&self, rate: Rate) -> f64 {
        if self.wire == 0.0 { self.scan } else { (self.wire / rate.as_f64()).max(self.scan) }
    }
}
