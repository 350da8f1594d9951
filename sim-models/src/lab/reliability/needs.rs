//! What has to be up, and whether it is.

use crate::scenario::Domain;
use crate::storage::groups::{Candidate, Groups, SlotId, State};
use sim_core::digest::hash_name;

/// What has to be up.
#[derive(Clone, Debug)]
pub(super) enum Needs {
    /// So many of the units.
    Units(usize),
    /// A copy of every group: where they lie, and the slots of each unit.
    Copies(Box<Groups>, Vec<Vec<SlotId>>),
}

impl Needs {
    /// So many of the units.
    pub fn units(needed: u32) -> Needs {
        Needs::Units(needed as usize)
    }

    /// A copy of every group, placed as a cluster of so many nodes places them.
    pub fn copies(copies: usize, groups: u32, units: u16) -> Needs {
        let unit = |i: u16| Candidate { key: hash_name(&["unit", &i.to_string()]), rack: 0, present: true };
        let nodes: Vec<Candidate> = (0..units).map(unit).collect();
        let groups = Groups::place(groups, copies, &nodes, Domain::Host, 1);
        let mut held = vec![Vec::new(); usize::from(units)];
        groups.iter().for_each(|(id, slot)| held[usize::from(slot.node)].push(id));
        Needs::Copies(Box::new(groups), held)
    }

    /// A unit has failed or is back.
    pub fn set(&mut self, unit: u16, up: bool) {
        let Needs::Copies(groups, held) = self else { return };
        let state = if up { State::Live } else { State::Lost };
        held[usize::from(unit)].iter().for_each(|&id| groups.edit(id, |slot| slot.state = state));
    }

    /// What is needed is not there while `up` units are.
    pub fn lost(&self, up: usize) -> bool {
        match self {
            Needs::Units(needed) => up < *needed,
            Needs::Copies(groups, _) => groups.fewest_live() == 0,
        }
    }

    /// One more failure could lose it, or it is lost, as [`crate::metric::Metric::Exposure`] counts: some data
    /// have a single copy that were meant to have more.
    pub fn bare(&self, up: usize, units: usize) -> bool {
        match self {
            Needs::Units(needed) => needed < &units && up <= *needed,
            Needs::Copies(groups, _) => groups.copies() > 1 && groups.fewest_live() <= 1,
        }
    }
}
