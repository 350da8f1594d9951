//! Requests that hang: on a dead node, a lost path or data that nobody can read, and how they go on.

use super::active::Booked;
use super::{Active, Executor, Ground};
use crate::event::{self, Cx};
use crate::ids::{HostId, VmId};
use crate::storage::Event;
use crate::storage::pool::Wait;
use crate::storage::protocol::Place;
use sim_core::{Id, Span};
use std::ops::Range;

impl Executor {
    /// A strand was lost at a dead host. One that was on its way when the death was noticed tries again soon.
    pub(super) fn lose(&mut self, request: Id<Active>, host: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.hang(request, Wait::Node(host), cx);
        if ground.state.knows_dead(host) {
            cx.soon(event::Event::Storage(Event::Retry { request }));
        }
    }

    pub(super) fn hang(&mut self, id: Id<Active>, wait: Wait, cx: &mut Cx<'_>) {
        self.take_back_answer(id, cx);
        let active = &mut self.requests[id];
        active.attempt = active.attempt.wrapping_add(1);
        active.booked = Booked::default();
        self.hanging.push((id, wait));
    }

    /// An answer that was foretold will not come.
    fn take_back_answer(&mut self, id: Id<Active>, cx: &mut Cx<'_>) {
        if let Some(answer) = self.requests[id].answer.take() {
            cx.cancel(answer);
            self.completed -= 1;
        }
    }

    /// No path and none to come: tried again when the peer would have been given up.
    pub(super) fn unreachable(&mut self, id: Id<Active>, to: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.hang(id, Wait::Node(to), cx);
        let patience = ground.state.detection(to).max(Span::ms(1));
        cx.after(patience, event::Event::Storage(Event::Retry { request: id }));
    }

    /// One hanging request tries again.
    pub fn retry(&mut self, id: Id<Active>, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let Some(at) = self.hanging.iter().position(|&(other, _)| other == id) else { return };
        self.hanging.remove(at);
        self.begin(id, ground, cx);
    }

    /// What hung on any of these tries again, in the order in which it began to hang.
    pub fn wake(&mut self, on: impl Fn(Wait) -> bool, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let all = std::mem::take(&mut self.hanging);
        let (woken, rest) = all.into_iter().partition(|&(_, wait)| on(wait));
        self.hanging = rest;
        let woken: Vec<(Id<Active>, Wait)> = woken;
        for (id, _) in woken {
            self.begin(id, ground, cx);
        }
    }

    /// The stations of a host are gone; requests inside hang on it.
    pub fn fail_node(&mut self, host: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.fail_stations(self.bank.of_node(host), host, ground, cx);
    }

    /// A data device of a host is gone; requests inside hang on the host.
    pub fn fail_device(&mut self, host: HostId, device: u16, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let index = self.bank.index(Place::Data(host, device), host);
        self.fail_stations(index..index + 1, host, ground, cx);
    }

    fn fail_stations(&mut self, which: Range<usize>, host: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        which.clone().for_each(|index| self.bank.slot(index).station.fail());
        let inside = self.requests.iter().filter(|(_, a)| a.booked.needs(&which, cx.now));
        let lost: Vec<Id<Active>> = inside.map(|(id, _)| id).collect();
        for id in lost {
            self.lose(id, host, ground, cx);
        }
    }

    /// Service times of a data device are multiplied by this.
    pub fn slow_device(&mut self, host: HostId, device: u16, factor: f64) {
        let index = self.bank.index(Place::Data(host, device), host);
        self.bank.slot(index).factor = factor;
    }

    /// The stations of a host are back, empty.
    pub fn repair_node(&mut self, host: HostId) {
        for index in self.bank.of_node(host) {
            self.bank.slot(index).station.repair();
        }
    }

    /// Requests from a host that died go with its guests.
    pub fn forget_host(&mut self, host: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.forget(|a| a.host == host, ground, cx);
    }

    /// Requests of a VM that is no longer there go with it.
    pub fn forget_vm(&mut self, vm: VmId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.forget(|a| a.request.vm == vm, ground, cx);
    }

    fn forget(&mut self, which: impl Fn(&Active) -> bool, ground: Ground<'_>, cx: &mut Cx<'_>) {
        // An answer that has left the stations arrives.
        let here = |a: &Active| a.answer.is_none() || a.booked.until() >= cx.now;
        let gone = self.requests.iter().filter(|(_, a)| which(a) && here(a));
        let gone: Vec<Id<Active>> = gone.map(|(id, _)| id).collect();
        for id in gone {
            self.take_back_answer(id, cx);
            let active = self.requests.remove(id).expect("just listed");
            self.vanished += 1;
            self.hanging.retain(|&(other, _)| other != id);
            if let Some((host, lun)) = active.holds {
                self.release(host, lun, ground, cx);
            }
        }
    }
}
