//! Where events wait while their keys are sorted: a slab with generations.

/// Names one pending event, for [`super::Queue::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

#[derive(Clone, Debug)]
struct Slot<E> {
    generation: u32,
    event: Option<E>,
}

/// A slot is taken by an event, or by nothing but the key of a cancelled one, or is free.
#[derive(Clone, Debug)]
pub(super) struct Slots<E> {
    slots: Vec<Slot<E>>,
    /// Last freed, first used: its line of memory is still near.
    free: Vec<u32>,
    /// Slots that only wait for the key of a cancelled event to be dropped.
    dead: usize,
}

impl<E> Default for Slots<E> {
    fn default() -> Self {
        Slots { slots: Vec::new(), free: Vec::new(), dead: 0 }
    }
}

impl<E: Copy> Slots<E> {
    /// Stores an event. O(1).
    #[inline]
    pub(super) fn fill(&mut self, event: E) -> (u32, Handle) {
        let Some(index) = self.free.pop() else { return self.grow(event) };
        let slot = &mut self.slots[index as usize];
        slot.event = Some(event);
        (index, Handle { slot: index, generation: slot.generation })
    }

    #[cold]
    fn grow(&mut self, event: E) -> (u32, Handle) {
        let index = u32::try_from(self.slots.len()).expect("fewer slots than a key can name");
        self.slots.push(Slot { generation: 0, event: Some(event) });
        (index, Handle { slot: index, generation: 0 })
    }

    /// Takes the event out; its slot stays taken until its key is gone, so that the key names no other. O(1).
    pub(super) fn cancel(&mut self, handle: Handle) -> Option<E> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        if slot.generation != handle.generation {
            return None;
        }
        let event = slot.event.take()?;
        self.dead += 1;
        Some(event)
    }

    /// Frees the slot of a key that was popped; `None` if its event was cancelled. O(1).
    #[inline]
    pub(super) fn release(&mut self, index: u32) -> Option<E> {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        let event = slot.event.take();
        self.free.push(index);
        if event.is_none() {
            self.dead -= 1;
        }
        event
    }

    /// Whether the key of this slot still has an event; if not, frees the slot. O(1).
    #[inline]
    pub(super) fn sweep(&mut self, index: u32) -> bool {
        self.slots[index as usize].event.is_some() || self.release(index).is_some()
    }

    /// Cancelled events whose keys have not been dropped.
    pub(super) fn dead(&self) -> usize {
        self.dead
    }

    /// Slots in all, free ones included.
    #[cfg(test)]
    pub(super) fn capacity_used(&self) -> usize {
        self.slots.len()
    }

    /// Events that are stored.
    pub(super) fn live(&self) -> usize {
        self.slots.len() - self.free.len() - self.dead
    }
}
