//! Typed ids and generational tables: how subsystems hold entities and how events name them.
//!
//! An event that names a removed entity finds nothing: staleness needs no bookkeeping. Iteration is in
//! index order, which is insertion order with freed slots re-used, never in hash order.

use std::fmt;
use std::marker::PhantomData;

/// Names one entity of a [`Table`]: a slot and the generation of its occupant.
pub struct Id<T> {
    index: u32,
    generation: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The slot, dense from zero: usable as an index into parallel arrays.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

// Derives would ask `T: Copy`; an id is plain data whatever it names.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, o: &Self) -> bool {
        (self.index, self.generation) == (o.index, o.generation)
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(o))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, o: &Self) -> std::cmp::Ordering {
        (self.index, self.generation).cmp(&(o.index, o.generation))
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}.{}", self.index, self.generation)
    }
}

#[derive(Clone, Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// Entities by generational id. Insert, remove and look-up are O(1).
#[derive(Clone, Debug)]
pub struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `value`; the most recently freed slot is used first.
    pub fn insert(&mut self, value: T) -> Id<T> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, value: None });
            u32::try_from(self.slots.len() - 1).expect("a table holds fewer than 2^32 entities")
        });
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        Id { index, generation: slot.generation, of: PhantomData }
    }

    /// Takes the entity out, or `None` if it has gone already.
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        let slot = self.slots.get_mut(id.index())?;
        if slot.generation != id.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(value)
    }

    /// The entity, or `None` if it has gone.
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        self.slots.get(id.index()).filter(|s| s.generation == id.generation)?.value.as_ref()
    }

    /// The entity, or `None` if it has gone.
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.slots.get_mut(id.index()).filter(|s| s.generation == id.generation)?.value.as_mut()
    }

    /// Entities with their ids, in index order.
    pub fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(i, s)| {
            let id = Id { index: i as u32, generation: s.generation, of: PhantomData };
            s.value.as_ref().map(|v| (id, v))
        })
    }

    /// Entities with their ids, in index order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Id<T>, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(i, s)| {
            let id = Id { index: i as u32, generation: s.generation, of: PhantomData };
            s.value.as_mut().map(|v| (id, v))
        })
    }

    /// The ids in index order, detached from the borrow.
    pub fn ids(&self) -> Vec<Id<T>> {
        self.iter().map(|(id, _)| id).collect()
    }

    /// Entities present.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// No entity present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Slots ever used: the length a parallel array needs.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }
}

impl<T> std::ops::Index<Id<T>> for Table<T> {
    type Output = T;
    /// # Panics
    /// If the entity has gone: index only ids whose entity cannot have left.
    fn index(&self, id: Id<T>) -> &T {
        self.get(id).expect("indexed entity is in its table")
    }
}
impl<T> std::ops::IndexMut<Id<T>> for Table<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        self.get_mut(id).expect("indexed entity is in its table")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_entity_is_stale_even_after_its_slot_is_used_again() {
        let mut t = Table::new();
        let a = t.insert("a");
        let b = t.insert("b");
        assert_eq!(t.remove(a), Some("a"));
        let c = t.insert("c");
        assert_eq!(c.index(), a.index());
        assert_eq!((t.get(a), t.get(b), t.get(c)), (None, Some(&"b"), Some(&"c")));
        assert_eq!(t.remove(a), None);
        assert_eq!(t.iter().map(|(_, v)| *v).collect::<Vec<_>>(), ["c", "b"]);
        assert_eq!(t.len(), 2);
    }
}
