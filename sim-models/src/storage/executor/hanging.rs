//! Requests that hang: on a dead node, a lost path or data that nobody can read, and how they go on.

use super::{Active, Executor, Ground, Job};
use crate::event::{self, Cx};
use crate::ids::{HostId, VmId};
use crate::storage::Event;
use crate::storage::pool::Wait;
use crate::storage::protocol::Place;
use sim_core::{Id, Span};

impl Executor {
    /// A job was lost at a dead host. One that was on its way when the death was noticed tries again soon.
    pub(super) fn lose(&mut self, job: Job, host: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        if let Job::Guest { request, attempt, .. } = job
            && self.requests.get(request).is_some_and(|a| a.attempt == attempt)
        {
            self.hang(request, Wait::Node(host));
            if ground.state.knows_dead(host) {
                cx.soon(event::Event::Storage(Event::Retry { request }));
            }
        }
    }

    pub(super) fn hang(&mut self, id: Id<Active>, wait: Wait) {
        let active = &mut self.requests[id];
        active.attempt = active.attempt.wrapping_add(1);
        self.hanging.push((id, wait));
    }

    /// No path and none to come: tried again when the peer would have been given up.
    pub(super) fn unreachable(&mut self, id: Id<Active>, to: HostId, ground: Ground<'_>, cx: &mut Cx<'_>) {
        self.hang(id, Wait::Node(to));
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
        for index in self.bank.of_node(host) {
            for job in self.bank.slot(index).station.fail(cx.now) {
                self.lose(job, host, ground, cx);
            }
        }
    }

    /// A data device of a host is gone; requests inside hang on the host.
    pub fn fail_device(&mut self, host: HostId, device: u16, ground: Ground<'_>, cx: &mut Cx<'_>) {
        let index = self.bank.index(Place::Data(host, device), host);
        for job in self.bank.slot(index).station.fail(cx.now) {
            self.lose(job, host, ground, cx);
        }
    }

    /// Service times of a data device are multiplied by this.
    pub fn slow_device(&mut self, host: HostId, device: u16, factor: f64) {
        let index = self.bank.index(Place::Data(host, device), host);
        self.bank.slot(index).factor = factor;
    }

    /// The stations of a host are back, empty.
    pub fn repair_node(&mut self, host: HostId, cx: &mut Cx<'_>) {
        for index in self.bank.of_node(host) {
            self.bank.slot(index).station.repair(cx.now);
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
        let gone: Vec<Id<Active>> =
            self.requests.iter().filter(|(_, a)| which(a)).map(|(id, _)| id).collect();
        for id in gone {
            let active = self.requests.remove(id).expect("just listed");
            self.vanished += 1;
            self.hanging.retain(|&(other, _)| other != id);
            if let Some((host, lun)) = active.holds {
                self.release(host, lun, ground, cx);
            }
        }
    }
}
