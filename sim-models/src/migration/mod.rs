//! Moves of VMs: live pre-copy and post-copy inside a cluster, warm and cold moves across platforms, waves,
//! and what a lagging replica does to a cut-over.

pub mod precopy;

use crate::event::Cx;
use crate::ids::{HostId, MoveId};
use crate::scenario::Scenario;
use crate::storage::Storage;
use crate::vm::Vms;
use crate::world::Infra;
use sim_core::Streams;

/// What happens to a migration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Its next step is due.
    Step(MoveId),
}

impl Event {
    /// The VM that moves, if it is about one.
    pub fn vm(&self) -> Option<crate::ids::VmId> {
        None
    }
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

/// Moves under way and those that wait.
#[derive(Clone, Debug)]
pub struct Migrations {}

#[allow(unused_variables)]
impl Migrations {
    /// Nothing moves; the wave is planned if the scenario has one and `with_wave` is set.
    pub fn build(scenario: &Scenario, with_wave: bool, streams: &Streams) -> Migrations {
        unimplemented!()
    }
    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        unimplemented!()
    }
    /// Schedules the wave and the live migrations of the act.
    pub fn start(&mut self, vms: &Vms, infra: &Infra, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// A host died: what moved from or to it ends as its state demands.
    pub fn host_failed(
        &mut self,
        host: HostId,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
    /// The link between the sites died or came back.
    pub fn site_link(
        &mut self,
        up: bool,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
    /// Facts that are complete only at the end.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        unimplemented!()
    }
    /// Handles one of its own events.
    pub fn handle(
        &mut self,
        event: Event,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        unimplemented!()
    }
}
