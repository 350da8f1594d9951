//! Background work at the stations: what requests leave behind, and steps of copies and ingest.

use super::{Executor, Ground};
use crate::event::{self, Cx};
use crate::ids::HostId;
use crate::storage::Event;
use crate::storage::protocol::Place;
use sim_core::Span;

/// A step of bulk work in a controller; it goes on to a data device.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Chunk {
    host: HostId,
    device: u16,
}

impl Executor {
    /// Work that nobody waits for comes to a place, asked for by a host of its cluster.
    pub(super) fn leave_behind(
        &mut self,
        place: Place,
        asking: HostId,
        work: Span,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        let index = self.bank.index(place, asking);
        let slot = self.bank.slot(index);
        let work = slot.slowed(work, cx.now, ground.state);
        // A station that is down has lost its data with it.
        let _ = slot.station.arrive_background(cx.now, None, work);
    }

    /// One step of bulk work enters a host's controller.
    pub fn chunk(&mut self, host: HostId, device: u16, work: Span, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let work = work.scale(ground.infra.cpu.cvm_stretch(host));
        let index = self.bank.index(Place::Cvm(host), host);
        let chunk = Chunk { host, device };
        // A controller that is down has no bulk work either.
        let _ = self.bank.slot(index).station.arrive_background(cx.now, Some(chunk), work);
        self.follow(index, ground, cx);
    }

    /// A controller is done with a step, unless it has failed since.
    pub fn chunk_served(
        &mut self,
        host: HostId,
        device: u16,
        outage: u32,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        let side = ground.state.side(host);
        if ground.state.pool(side).is_some_and(|p| p.node(host).outage == outage) {
            let work = ground.state.chunk_device_time(side);
            self.leave_behind(Place::Data(host, device), host, work, ground, cx);
        }
    }

    /// Bulk work that waits at a station may begin now.
    pub fn look(&mut self, index: u16, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let index = usize::from(index);
        let slot = self.bank.slot(index);
        slot.looking = false;
        slot.station.advance(cx.now);
        self.follow(index, ground, cx);
    }

    /// Steps of bulk work that have begun at a station will end; those that wait are looked at again.
    pub(super) fn follow(&mut self, index: usize, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let slot = self.bank.slot(index);
        if !slot.station.is_followed() {
            return;
        }
        for (Chunk { host, device }, end) in slot.station.begun() {
            let outage = ground.state.pool(slot.side).map_or(0, |p| p.node(host).outage);
            cx.at(end, event::Event::Storage(Event::ChunkServed { host, device, outage }));
        }
        if let (false, Some(at)) = (slot.looking, slot.station.next_begin()) {
            slot.looking = true;
            cx.at(at, event::Event::Storage(Event::Look { station: index as u16 }));
        }
    }
}
