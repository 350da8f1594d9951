//! What flows leave on each port, as messages meet it.
//!
//! Each flow is counted on the ports of its path, and counted anew when a settle has changed its rate or its
//! bottleneck: the work is in proportion to what changes, not to the number of flows. What one flow counts for
//! does not depend on the others, sums are of integers, and a port lists its trains in the order of the
//! solver's slots: the result is that of counting all of them from zero, bit for bit.

use super::message::Train;
use super::topology::Path;
use super::{Fabric, FlowId, Traffic};
use sim_core::Rate;
use sim_core::fluid::LinkId;

/// What flows leave on one port, as of the last settle.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Connections this port holds back.
    pub elastic: u32,
    /// Bulk flows held back elsewhere, in the order of their slots.
    pub trains: Vec<Train>,
    /// Whose trains these are.
    slots: Vec<u32>,
    /// Guests' messages.
    pub guests: Rate,
}

/// Which flows are counted as what.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// By slot of the solver; `None` for what does not move.
    counted: Vec<Option<Counted>>,
    /// Slots to look at, besides those of flows that a settle has looked at.
    slots: Vec<u32>,
    /// Ports have changed: nothing that was counted holds.
    start_over: bool,
}

impl Survey {
    /// A flow has gone; until the settle it counts as before.
    pub fn ended(&mut self, flow: FlowId) {
        self.slots.push(flow.index() as u32);
    }

    /// The next survey counts all flows from zero.
    pub fn start_over(&mut self) {
        self.start_over = true;
    }
}

/// All that decides what a flow counts for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted {
    path: Path,
    traffic: Traffic,
    streams: u32,
    rate: Rate,
    bottleneck: Option<LinkId>,
}

impl Fabric {
    /// Sorts the flows that a settle has changed into those that a port holds back and those that leave it
    /// room, and lists the pairs of hosts among them.
    pub(super) fn survey(&mut self) {
        let mut slots = std::mem::take(&mut self.survey.slots);
        if std::mem::take(&mut self.survey.start_over) {
            self.forget();
            slots.extend(0..self.transfers.len() as u32);
        } else {
            slots.extend(self.fluid.settled().map(|id| id.index() as u32));
        }
        self.survey.counted.resize(self.transfers.len(), None);
        for slot in slots.drain(..) {
            self.recount(slot);
        }
        self.survey.slots = slots;
    }

    fn forget(&mut self) {
        self.loads.iter_mut().for_each(|load| {
            load.trains.clear();
            load.slots.clear();
            (load.elastic, load.guests) = (0, Rate::ZERO);
        });
        self.congested.fill(0);
        self.survey.counted.fill(None);
    }

    fn recount(&mut self, slot: u32) {
        let was = self.survey.counted[slot as usize];
        let is = self.present(slot);
        if was == is {
            return;
        }
        self.survey.counted[slot as usize] = is;
        if let Some(was) = was {
            self.remove(slot, &was);
        }
        if let Some(is) = is {
            self.add(slot, &is);
        }
        let pair = self.transfers[slot as usize].as_ref().filter(|(_, t)| t.traffic == Traffic::Guest);
        if let Some((from, to)) = pair.map(|(_, t)| (t.from, t.to)) {
            self.list_offer(from, to);
        }
    }

    fn present(&self, slot: u32) -> Option<Counted> {
        let (id, transfer) = self.transfers[slot as usize].as_ref()?;
        let (path, rate) = (transfer.path?, self.fluid.rate(*id));
        let (traffic, streams) = (transfer.traffic, transfer.streams);
        let bottleneck = self.fluid.bottleneck(*id);
        (rate > Rate::ZERO).then_some(Counted { path, traffic, streams, rate, bottleneck })
    }

    fn add(&mut self, slot: u32, flow: &Counted) {
        let mut access: Option<Rate> = None;
        for link in flow.path.links() {
            let port = self.topology.port(link);
            let load = &mut self.loads[link.index()];
            match (flow.bottleneck == Some(link), flow.traffic) {
                (true, _) => {
                    let newly = u32::from(load.elastic == 0);
                    load.elastic += flow.streams;
                    port.switch.into_iter().for_each(|s| self.congested[usize::from(s)] += newly);
                }
                (false, Traffic::Guest) => load.guests += flow.rate,
                (false, _) => {
                    let at = load.slots.partition_point(|s| *s < slot);
                    load.slots.insert(at, slot);
                    load.trains.insert(at, Train { rate: flow.rate, access });
                }
            }
            let wire = port.wire();
            access = Some(access.map_or(wire, |a| a.min(wire)));
        }
    }

    /// The reverse of [`Fabric::add`].
    fn remove(&mut self, slot: u32, flow: &Counted) {
        for link in flow.path.links() {
            let load = &mut self.loads[link.index()];
            match (flow.bottleneck == Some(link), flow.traffic) {
                (true, _) => {
                    load.elastic -= flow.streams;
                    let free = u32::from(load.elastic == 0);
                    let switch = self.topology.port(link).switch;
                    switch.into_iter().for_each(|s| self.congested[usize::from(s)] -= free);
                }
                (false, Traffic::Guest) => load.guests = Rate(load.guests.0 - flow.rate.0),
                (false, _) => {
                    let at = load.slots.binary_search(&slot).expect("a counted train is on its ports");
                    load.slots.remove(at);
                    load.trains.remove(at);
                }
            }
        }
    }
}
