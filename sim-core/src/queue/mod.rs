//! The pending-event set: a total order on `(time, class, sequence)` and O(1) cancellation.
//!
//! ```text
//!   key    | time: 64 | class: 3 | carry: 1 | sequence: 36 | slot: 24 |    one u128, one comparison decides
//!                                                      |
//!   ladder   keys in order: what comes next            |
//!   slots    events, found by the slot of a key <------+  or by a handle
//! ```
//!
//! The sequence counts *per class*: an observer that schedules more or fewer events never changes the order
//! of anything else. Keys live in a ladder, events in a slab beside it, so that only 16 bytes move.
//!
//! Push and pop take amortised O(1) time for the sizes and laws of delay of a simulation; a key passes at
//! most 22 levels whatever the number of events. Cancel is O(1): the event goes at once, its key when it
//! comes near the front, or all dead keys together when they outnumber the living. Nothing is allocated per
//! event once the arrays have grown to what a run needs; memory is O(the most events pending at one time).

mod buckets;
mod digits;
mod ladder;
#[cfg(test)]
mod oracle;
mod slots;
mod sort;

use crate::mutant::Mutant;
use crate::sim::Class;
use crate::time::SimTime;
use ladder::Ladder;
pub use slots::Handle;
use slots::Slots;

const SLOT_BITS: u32 = 24;
const SEQ_BITS: u32 = 36;
const CLASS_BIT: u32 = u64::BITS - CLASSES.ilog2();
const CLASSES: usize = 8;
/// Set by the carry of a sequence that is used up.
const CARRY: u64 = 1 << (SEQ_BITS + SLOT_BITS);

/// Fewer dead keys than this are not worth a sweep.
const SWEEP: usize = 64;

/// Pending events in their total order.
#[derive(Clone, Debug)]
pub struct Queue<E> {
    ladder: Ladder,
    slots: Slots<E>,
    /// By class: what the next key says of its order, without its slot.
    order: [u64; CLASSES],
}

impl<E: Copy> Default for Queue<E> {
    fn default() -> Self {
        let order = std::array::from_fn(|class| (class as u64) << CLASS_BIT);
        Queue { ladder: Ladder::default(), slots: Slots::default(), order }
    }
}

#[inline]
fn slot_of(key: u128) -> u32 {
    key as u32 & ((1 << SLOT_BITS) - 1)
}

impl<E: Copy> Queue<E> {
    /// Schedules `event`. Amortised O(1).
    ///
    /// # Panics
    /// Beyond 2^24 pending events or 2^36 events of one class, which a budget stops long before.
    #[inline]
    pub fn push(&mut self, time: SimTime, class: Class, event: E) -> Handle {
        let handle = self.slots.fill(event);
        let mut order = self.order[class as usize];
        assert!(order & CARRY == 0, "more than 2^{SEQ_BITS} events of one class");
        self.order[class as usize] = order + (1 << SLOT_BITS);
        if Mutant::TieOrder.lives() {
            order ^= CARRY - (1 << SLOT_BITS);
        }
        self.ladder.push(u128::from(time.0) << 64 | u128::from(order | u64::from(handle.slot())));
        handle
    }

    /// Takes the event back, or `None` if it has fired or was cancelled. O(1), amortised over the sweeps.
    #[inline]
    pub fn cancel(&mut self, handle: Handle) -> Option<E> {
        let event = self.slots.cancel(handle)?;
        if self.slots.dead() > SWEEP.max(self.slots.pending()) {
            self.ladder.retain(|key| self.slots.keep_or_release(slot_of(key)));
        }
        Some(event)
    }

    /// The next event if it is due at `end` or before. Amortised O(1), cancelled keys included.
    #[inline(always)]
    pub fn pop_until(&mut self, end: SimTime) -> Option<(SimTime, E)> {
        let end = u128::from(end.0) << 64 | u128::from(u64::MAX);
        loop {
            // Dead keys are dropped before they are sorted. The look at their slots also brings the events
            // of the next keys near, all at once instead of one wait for memory per event.
            let key = self.ladder.pop_until(end, |key| self.slots.keep_or_release(slot_of(key)))?;
            if let Some(&event) = self.slots.release(slot_of(key)) {
                return Some((SimTime((key >> 64) as u64), event));
            }
        }
    }

    /// Events that are pending; cancelled ones do not count. O(1).
    pub fn len(&self) -> usize {
        self.slots.pending()
    }

    /// Nothing pending. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
