//! How VMs start, stop, move and come back.

use super::clients;
use super::placement;
use super::{Event, State, Vms, offered_cores};
use crate::event::{self, Cx};
use crate::ids::{HostId, Side, VmId};
use crate::metric::Metric;
use crate::storage::Storage;
use crate::world::Infra;

impl Vms {
    /// Stops a running VM; it keeps its place. Its clients' backlog grows from their intended arrivals.
    pub fn stun(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let it = self.get_mut(vm);
        if it.state == State::Running {
            it.state = State::Stunned;
            self.apply_duty(vm, infra, cx);
        }
    }

    /// Shuts a running VM down for a cut-over; it keeps its place until it is relocated.
    pub fn shut_down(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let it = self.get_mut(vm);
        if matches!(it.state, State::Running | State::Stunned) {
            it.state = State::Off;
            self.clients.drop_all(vm);
            self.apply_duty(vm, infra, cx);
        }
    }

    /// Lets a stunned VM go on, or boots one that was shut down, on the host it is placed on.
    pub fn resume(&mut self, vm: VmId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        let it = self.get_mut(vm);
        if !matches!(it.state, State::Stunned | State::Off) {
            return;
        }
        it.state = State::Running;
        self.apply_duty(vm, infra, cx);
        self.clients.resume(vm, &self.all, &self.windows, &mut self.loss, (storage, infra, cx));
        if self.windows.is_open() {
            self.clients.start(vm, &self.all, (storage, infra, cx));
        }
    }

    /// Moves a stunned VM to another host (CPU, memory and disks follow). Inside a cluster its data stays
    /// where it is and locality is lost; across clusters the data was just written at the destination.
    pub fn relocate(
        &mut self,
        vm: VmId,
        to: HostId,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let crossing = infra.hosts[to].side != self.side(vm, infra);
        infra.cpu.remove(vm, cx);
        infra.memory.remove(vm, cx);
        if crossing {
            storage.detach(vm, infra, cx);
        }
        self.get_mut(vm).host = to;
        self.install(vm, !crossing, crossing, storage, infra, cx);
        self.apply_duty(vm, infra, cx);
    }

    /// Its host is gone or it must boot elsewhere: it is down until high availability restarts it.
    pub fn lose(&mut self, vm: VmId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        let it = &mut self.all[vm.index()];
        if it.state == State::Down {
            return;
        }
        it.state = State::Down;
        it.down_since = cx.now;
        it.life += 1;
        it.throttle = 0.0;
        infra.cpu.remove(vm, cx);
        infra.memory.remove(vm, cx);
        storage.detach(vm, infra, cx);
        self.clients.drop_all(vm);
    }

    /// All VMs of a dead host go down; the platform notices after a while and restarts them elsewhere.
    pub fn host_failed(&mut self, host: HostId, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.restarts.host_failed(host);
        let lost: Vec<VmId> = self.ids().filter(|&vm| self.get(vm).host == host).collect();
        for &vm in &lost {
            // A VM that was only booting there has lost this life too; its boot is stale.
            self.get_mut(vm).life += 1;
            self.restarts.forget(vm);
            self.lose(vm, storage, infra, cx);
        }
        self.tolls.died(host, lost, &infra.hosts, cx.now, cx.record);
        let delay = self.restarts.declaration(host);
        cx.after(delay, event::Event::Vm(Event::HostDeclaredDead(host)));
    }

    /// A host is back: VMs that found no place may start there.
    pub fn host_repaired(&mut self, infra: &mut Infra, cx: &mut Cx<'_>) {
        for vm in self.ids() {
            if self.get(vm).state == State::Down && !self.restarts.is_starting(vm) {
                self.restart(vm, infra, cx);
            }
        }
    }

    /// A running host of this side that would take this VM, other than `not`: by name, never by order.
    pub fn destination(&self, vm: VmId, side: Side, not: Option<HostId>, infra: &Infra) -> Option<HostId> {
        let it = self.get(vm);
        let home = self.homes.home(it.group, it.number, side);
        let candidates = infra.hosts.up(side).filter(|&h| Some(h) != not && self.fits(vm, h, infra));
        candidates.min_by_key(|&h| (h != home, placement::rank(&it.name, &infra.hosts[h].name)))
    }

    /// Whether a host runs and has memory for a VM.
    pub fn fits(&self, vm: VmId, host: HostId, infra: &Infra) -> bool {
        infra.hosts[host].up && infra.memory.admits(host, self.group(vm).memory).is_ok()
    }

    pub(super) fn power_on(
        &mut self,
        vm: VmId,
        host: HostId,
        local: bool,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let it = self.get_mut(vm);
        it.host = host;
        it.state = State::Running;
        self.install(vm, false, local, storage, infra, cx);
    }

    /// CPU, memory and disks of a VM begin on its host.
    fn install(
        &mut self,
        vm: VmId,
        moved: bool,
        local: bool,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let it = &self.all[vm.index()];
        let group = &self.groups[it.group];
        let node = infra.memory.place(vm, &it.name, group, it.host, moved, cx);
        infra.cpu.place(vm, &it.name, group.vcpus, &group.cpu, (it.host, node), cx);
        storage.attach(vm, &it.name, group.disk, it.host, local, infra, cx);
        storage.set_load(vm, clients::load_of(group), infra, cx);
    }

    pub(super) fn declared_dead(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        cx.record.note(cx.now, || {
            format!("{} is declared dead, its VMs restart elsewhere", infra.hosts[host].name)
        });
        let mut down: Vec<VmId> =
            self.ids().filter(|&vm| self.get(vm).host == host && self.get(vm).state == State::Down).collect();
        // The busiest first (assumed): they are missed most, and an idle VM delays nobody.
        down.sort_by(|&a, &b| {
            self.restart_rank(a).partial_cmp(&self.restart_rank(b)).expect("finite demand")
        });
        down.into_iter().for_each(|vm| self.restart(vm, infra, cx));
    }

    fn restart_rank(&self, vm: VmId) -> (f64, u64) {
        (-offered_cores(self.group(vm)), placement::rank(&self.get(vm).name, "restart"))
    }

    /// Reserves a place for a VM that is down and starts it there, now or when the host has a free slot.
    fn restart(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let side = self.side(vm, infra);
        let Some(host) = self.destination(vm, side, None, infra) else {
            cx.record.note(cx.now, || format!("{} finds no host to restart on", self.get(vm).name));
            return;
        };
        let it = &mut self.all[vm.index()];
        it.host = host;
        infra.memory.place(vm, &it.name, &self.groups[it.group], host, false, cx);
        self.restarts.enqueue(vm, it.life, host, cx);
    }

    pub(super) fn booted(
        &mut self,
        vm: VmId,
        life: u32,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let it = &self.all[vm.index()];
        let (host, down_since) = (it.host, it.down_since);
        if it.life != life {
            return;
        }
        self.restarts.finished(vm, host, cx);
        infra.memory.remove(vm, cx);
        self.power_on(vm, host, false, storage, infra, cx);
        self.apply_duty(vm, infra, cx);
        let (side, stamp) = (infra.hosts[host].side, cx.record.stamp());
        cx.record.sample(Metric::RestartOutage, side, stamp, cx.now.since(down_since).0, 1);
        self.tolls.runs(vm, &infra.hosts, cx.now, cx.record);
        if self.windows.is_open() {
            self.clients.start(vm, &self.all, (storage, infra, cx));
        }
    }
}
