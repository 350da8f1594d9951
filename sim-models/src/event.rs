//! Everything that can happen, one nested enum: small plain data that names entities by id.

use crate::record::Record;
use crate::{cpu, fabric, fault, memory, migration, storage, vm};
use sim_core::{Class, EventKind};

/// What handlers are lent: clock, queue and record.
pub type Cx<'a> = sim_core::Cx<'a, Event, Record>;

/// One happening, addressed to the subsystem that handles it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Something breaks or heals.
    Fault(fault::Event),
    /// A migration goes on.
    Migration(migration::Event),
    /// A VM goes on.
    Vm(vm::Event),
    /// Storage goes on.
    Storage(storage::Event),
    /// CPU pools are solved or sampled.
    Cpu(cpu::Event),
    /// Memory is reclaimed or sampled.
    Memory(memory::Event),
    /// Flows are solved, links are detected dead or back.
    Fabric(fabric::Event),
}

const _: () = assert!(size_of::<Event>() <= 24, "an event is at most three words");

macro_rules! dispatch {
    ($self:expr, $e:ident => $value:expr) => {
        match $self {
            Event::Fault($e) => $value,
            Event::Migration($e) => $value,
            Event::Vm($e) => $value,
            Event::Storage($e) => $value,
            Event::Cpu($e) => $value,
            Event::Memory($e) => $value,
            Event::Fabric($e) => $value,
        }
    };
}

impl EventKind for Event {
    fn class(&self) -> Class {
        dispatch!(self, e => e.class())
    }

    fn kind(&self) -> u32 {
        let room = match self {
            Event::Fault(_) => 1,
            Event::Migration(_) => 2,
            Event::Vm(_) => 3,
            Event::Storage(_) => 4,
            Event::Cpu(_) => 5,
            Event::Memory(_) => 6,
            Event::Fabric(_) => 7,
        };
        room << 8 | dispatch!(self, e => e.kind())
    }

    fn entity(&self) -> u64 {
        dispatch!(self, e => e.entity())
    }

    fn is_micro(&self) -> bool {
        dispatch!(self, e => e.is_micro())
    }
}
