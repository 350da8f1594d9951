//! Every failure kind: where it strikes, how it heals.

use crate::event::Cx;
use crate::ids::FaultId;
use crate::migration::Migrations;
use crate::storage::Storage;
use crate::vm::Vms;
use crate::world::Infra;

/// What happens to faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// It strikes.
    Strike(FaultId),
    /// It heals.
    Heal(FaultId),
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> sim_core::Class {
        sim_core::Class::Settle
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        0
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        0
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub struct Faults {}

#[allow(unused_variables)]
impl Faults {
    /// Handles one of its own events.
    pub fn handle(
        &mut self,
        event: Event,
        migrations: &mut Migrations,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
}
