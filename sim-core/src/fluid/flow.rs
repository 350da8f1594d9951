//! One flow: what its owner asks for, and how far it has got.

use crate::table::Id;
use crate::time::{NS_PER_S, SimTime};
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

/// What a [`FlowId`] names: how far one flow has got, as told by the clock of its lane.
#[derive(Clone, Debug)]
pub struct Flow {
    pub(super) key: u64,
    /// Work to do in all, [`ENDLESS`] without an end.
    pub(super) goal: u128,
    /// Work done is what the lane has served less this, modulo 2^128.
    pub(super) offset: u128,
    /// The lane it is in, and the next flow of that lane by target.
    pub(super) lane: u32,
    pub(super) next: u32,
    /// When it ran dry, if the clock of the lane has been set since.
    pub(super) dry_at: Option<SimTime>,
    /// Came to its lane since the last settle: what it had before that.
    pub(super) moved: Option<u64>,
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
    /// What its lane will have served when it is done.
    pub(super) fn target(&self) -> u128 {
        if self.goal == ENDLESS { u128::MAX } else { self.offset.wrapping_add(self.goal) }
    }

    /// Work done when its lane has served this much.
    pub(super) fn sent(&self, served: u128) -> u128 {
        served.wrapping_sub(self.offset).min(self.goal)
    }

    /// Whole bytes sent, and bytes not (wholly) sent.
    pub(super) fn split(&self, served: u128) -> (Bytes, Bytes) {
        let sent = self.sent(served);
        let left = (self.goal - sent).div_ceil(WORK_PER_BYTE);
        let left = if self.goal == ENDLESS { u64::MAX } else { left as u64 };
        (Bytes(u64::try_from(sent / WORK_PER_BYTE).unwrap_or(u64::MAX)), Bytes(left))
    }
}

/// Above [`MAX_RATE`] is [`MAX_RATE`].
pub(super) fn to_units(rate: Rate) -> u64 {
    rate.min(MAX_RATE).0 << RATE_BITS
}

pub(super) fn to_work(bytes: Bytes) -> u128 {
    u128::from(bytes.0) * WORK_PER_BYTE
}
