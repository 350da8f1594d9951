//! Where events wait while their keys are sorted: a slab with generations.

use super::SLOT_BITS;

/// Names one pending event, for [`super::Queue::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: u32,
    stamp: u32,
}

#[derive(Clone, Debug)]
struct Slot<E> {
    event: E,
    /// Odd while the event is pending; goes up by one whenever that changes, so that it is never the same
    /// for two events (in 2^31 that pass through one slot).
    stamp: u32,
    /// The slot that was freed before this one, while this one is free.
    next: u32,
}

/// A slot holds a pending event; or it is dead, kept only because the key of its cancelled event still names
/// it; or it is free.
#[derive(Clone, Debug)]
pub(super) struct Slots<E> {
    slots: Vec<Slot<E>>,
    /// Last freed, first used: its line of memory is still near.
    free: u32,
    pending: usize,
    dead: usize,
}

/// After the last free slot.
const NONE: u32 = u32::MAX;

impl<E> Default for Slots<E> {
    fn default() -> Self {
        Slots { slots: Vec::new(), free: NONE, pending: 0, dead: 0 }
    }
}

impl<E> Slot<E> {
    #[inline]
    fn is_pending(&self) -> bool {
        self.stamp % 2 == 1
    }
}

impl<E: Copy> Slots<E> {
    /// Stores an event. O(1).
    #[inline]
    pub(super) fn fill(&mut self, event: E) -> Handle {
        self.pending += 1;
        let index = self.free;
        let Some(slot) = self.slots.get_mut(index as usize) else { return self.grow(event) };
        self.free = slot.next;
        slot.event = event;
        slot.stamp = slot.stamp.wrapping_add(1);
        Handle { slot: index, stamp: slot.stamp }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, event: E) -> Handle {
        let index = self.slots.len();
        assert!(index < 1 << SLOT_BITS, "more than 2^{SLOT_BITS} pending events");
        self.slots.push(Slot { event, stamp: 1, next: NONE });
        Handle { slot: index as u32, stamp: 1 }
    }

    /// Takes the event out, if it is the one that was stored; its slot is dead until [`Slots::release`]. O(1).
    #[inline]
    pub(super) fn cancel(&mut self, handle: Handle) -> Option<E> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        if slot.stamp != handle.stamp {
            return None;
        }
        slot.stamp = slot.stamp.wrapping_add(1);
        self.pending -= 1;
        self.dead += 1;
        Some(slot.event)
    }

    /// Frees a slot whose key is gone, and lends its event unless that was cancelled. O(1).
    #[inline]
    pub(super) fn release(&mut self, index: u32) -> Option<&E> {
        let slot = &mut self.slots[index as usize];
        slot.next = self.free;
        self.free = index;
        if !slot.is_pending() {
            self.dead -= 1;
            return None;
        }
        slot.stamp = slot.stamp.wrapping_add(1);
        self.pending -= 1;
        Some(&slot.event)
    }

    /// Frees the slot if it is dead, and says whether it is not. O(1).
    #[inline]
    pub(super) fn keep_or_release(&mut self, index: u32) -> bool {
        self.slots[index as usize].is_pending() || self.release(index).is_some()
    }

    /// Slots that wait for the key of a cancelled event to be dropped.
    #[inline]
    pub(super) fn dead(&self) -> usize {
        self.dead
    }

    /// Slots in all, free ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Events that are pending.
    #[inline]
    pub(super) fn pending(&self) -> usize {
        self.pending
    }
}

impl Handle {
    /// The slot of the event, for its key.
    #[inline]
    pub(super) fn slot(self) -> u32 {
        self.slot
    }
}
