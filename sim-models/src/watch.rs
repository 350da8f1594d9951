//! A digest per entity, by name: shows that adding an idle VM, or a fault that never fires, leaves everybody
//! else's events as they were.

use crate::event::Event;
use crate::ids::{FaultId, HostId, VmId};
use crate::world::World;
use crate::{fault, migration, storage, vm};
use sim_core::digest::Digest;
use sim_core::{EventKind, SimTime};
use std::collections::BTreeMap;

/// Who an event happens to. Events of no single entity (solves, samples) have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entity {
    Vm(VmId),
    Host(HostId),
    Fault(FaultId),
}

/// Digests over (time, kind) of what happened to each entity.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    digests: BTreeMap<Entity, Digest>,
}

impl Watch {
    /// One event.
    pub fn add(&mut self, now: SimTime, event: &Event) {
        let Some(entity) = entity_of(event) else { return };
        let digest = self.digests.entry(entity).or_default();
        digest.add(now.0);
        digest.add(u64::from(event.kind()));
    }

    /// By name, in the order of names, each continued from an earlier act.
    pub fn by_name(&self, world: &World, earlier: Vec<(String, Digest)>) -> Vec<(String, Digest)> {
        let mut named: BTreeMap<String, Digest> = earlier.into_iter().collect();
        for (entity, digest) in &self.digests {
            let name = match *entity {
                Entity::Vm(vm) => world.vms.get(vm).name.clone(),
                Entity::Host(host) => world.infra.hosts[host].name.clone(),
                Entity::Fault(fault) => world.faults.name(fault).to_string(),
            };
            named.entry(name).or_default().add(digest.value());
        }
        named.into_iter().collect()
    }
}

fn entity_of(event: &Event) -> Option<Entity> {
    match event {
        Event::Vm(vm::Event::HostDeclaredDead(host)) => Some(Entity::Host(*host)),
        Event::Vm(e) => e.vm().map(Entity::Vm),
        Event::Migration(e) => migration::Event::vm(e).map(Entity::Vm),
        Event::Storage(e) => storage::Event::host(e).map(Entity::Host),
        Event::Fault(e) => Some(Entity::Fault(fault::Event::fault(e))),
        Event::Cpu(_) | Event::Memory(_) | Event::Fabric(_) => None,
    }
}
