//! One flow: what its owner asks for, and how far it has got.

use crate::table::Id;
use crate::time::{NS_PER_S, SimTime, Span};
use crate::units::{Bytes, Rate};

/// Rate units per byte/s, as a power of two.
pub(super) const RATE_BITS: u32 = 16;
/// Work units (rate unit x ns) per byte.
const WORK_PER_BYTE: u128 = (NS_PER_S as u128) << RATE_BITS;
/// The goal of a flow that never ends.
pub(super) const ENDLESS: u128 = u128::MAX;

/// The largest capacity or cap that can be told from a larger one: 2^40 - 1 byte/s, about 8.8 Tbit/s.
pub const MAX_RATE: Rate = Rate((1 << 40) - 1);

/// Names one directed link of a [`Fluid`](super::Fluid); links are never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(super) u32);

impl LinkId {
    /// Dense from zero in the order of [`Fluid::add_link`](super::Fluid::add_link): usable as an index into
    /// parallel arrays.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names one flow of a [`Fluid`](super::Fluid); stale once the flow has finished or was stopped.
pub type FlowId = Id<Flow>;

/// What a [`FlowId`] names: the progress of one flow, brought up to date only when its rate changes.
#[derive(Clone, Debug)]
pub struct Flow {
    pub(super) key: u64,
    /// Work to do in all, [`ENDLESS`] without an end.
    pub(super) goal: u128,
    /// Work done at `updated`.
    pub(super) sent: u128,
    pub(super) updated: SimTime,
}

/// A flow as its owner asks for it.
#[derive(Clone, Copy, Debug)]
pub struct FlowSpec<'a, T> {
    /// Links crossed, each as often as it is named. May be empty for a flow with a cap.
    pub path: &'a [LinkId],
    /// Bytes to move; `None` is an endless demand that only its cap and the network limit.
    pub bytes: Option<Bytes>,
    /// Share of a full link relative to the other flows on it; only ratios matter. At least 1; for shares
    /// that are not whole numbers count in 1/1024ths. A rate is exact to 2^-16 + weight x 2^-24 byte/s.
    pub weight: u32,
    /// The most this flow ever takes, capped itself at [`MAX_RATE`].
    pub cap: Option<Rate>,
    /// Unique among the present flows, and derived from a name rather than a counter: it orders flows that
    /// change or finish at one instant, whatever the order in which they were started.
    pub key: u64,
    /// What the owner wants back when the flow changes or finishes.
    pub tag: T,
}

/// What was left of a flow when it was stopped. `sent + remaining` is what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped<T> {
    /// The owner's tag.
    pub tag: T,
    /// Whole bytes moved.
    pub sent: Bytes,
    /// Bytes not (wholly) moved; the largest `Bytes` for an endless flow.
    pub remaining: Bytes,
}

impl Flow {
    /// Moves on to `now` at the rate held since the last update. A flow that ran dry on the way stays at
    /// the instant it did, so that its finish is not forgotten.
    pub(super) fn progress(&mut self, now: SimTime, rate: u64) {
        if self.goal == self.sent {
            return;
        }
        let moved = u128::from(rate) * u128::from(now.since(self.updated).0);
        if moved < self.goal - self.sent {
            self.sent += moved;
            self.updated = self.updated.max(now);
        } else {
            self.updated = self.finish(rate);
            self.sent = self.goal;
        }
    }

    /// First ns at which nothing is left; never at rate zero.
    pub(super) fn finish(&self, rate: u64) -> SimTime {
        match (self.goal - self.sent, u128::from(rate)) {
            (0, _) => self.updated,
            (_, 0) => SimTime::NEVER,
            (left, rate) => self.updated + Span(u64::try_from(left.div_ceil(rate)).unwrap_or(u64::MAX)),
        }
    }

    /// [`Flow::finish`] in floating ns, before rounding up.
    pub(super) fn due(&self, rate: u64) -> f64 {
        match self.goal - self.sent {
            0 => self.updated.0 as f64,
            _ if rate == 0 || self.goal == ENDLESS => f64::INFINITY,
            left => self.updated.0 as f64 + left as f64 / rate as f64,
        }
    }

    pub(super) fn sent_bytes(&self) -> Bytes {
        Bytes(u64::try_from(self.sent / WORK_PER_BYTE).unwrap_or(u64::MAX))
    }

    pub(super) fn remaining_bytes(&self) -> Bytes {
        let left = (self.goal - self.sent).div_ceil(WORK_PER_BYTE);
        Bytes(if self.goal == ENDLESS { u64::MAX } else { left as u64 })
    }
}

/// Above [`MAX_RATE`] is [`MAX_RATE`].
pub(super) fn to_units(rate: Rate) -> u64 {
    rate.min(MAX_RATE).0 << RATE_BITS
}

pub(super) fn to_work(bytes: Bytes) -> u128 {
    u128::from(bytes.0) * WORK_PER_BYTE
}
