//! VMs: where they run, what they ask of CPU and disks, how they write their memory.
//!
//! ```text
//!   demand (5-minute epochs) --> cpu pools          placement: by name, never by order
//!   windows (slices, faults) --> clients --> storage.submit --> completion --> record
//!   host dies --> down --> declared dead --> restarted elsewhere --> running
//! ```

mod clients;
mod demand;
pub mod dirty;
mod lifecycle;
mod loss;
mod mirror;
mod placement;
mod restart;
mod toll;
mod windows;

pub use clients::{ClientId, FlightId};
pub use demand::offered_cores;
pub use placement::{Homes, Population, rank};

use crate::event::Cx;
use crate::ids::{HostId, Side, VmId};
use crate::metric::Metric;
use crate::scenario::{Scenario, VmGroup};
use crate::storage::{Load, Storage};
use crate::world::Infra;
use clients::Clients;
use demand::Demand;
use dirty::DirtyMemory;
use loss::Loss;
use mirror::Mirror;
use restart::Restarts;
use sim_core::{Class, SimTime, Span, Streams};
use std::sync::Arc;
use toll::Tolls;
use windows::Windows;

/// What happens to VMs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Demand changes.
    Epoch,
    /// A window opens, begins to be recorded, or closes.
    WindowEdge,
    /// A client's next request arrives.
    Arrival(ClientId),
    /// The guest sees a request completed.
    Completed(ClientId, FlightId),
    /// High availability gives a host up.
    HostDeclaredDead(HostId),
    /// A restarted VM's services are up; `.1` counts its lives.
    Booted(VmId, u32),
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        match self {
            Event::Completed(..) | Event::HostDeclaredDead(_) | Event::Booted(..) => Class::Completion,
            Event::Epoch | Event::WindowEdge | Event::Arrival(_) => Class::Arrival,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Epoch => 0,
            Event::WindowEdge => 1,
            Event::Arrival(_) => 2,
            Event::Completed(..) => 3,
            Event::HostDeclaredDead(_) => 4,
            Event::Booted(..) => 5,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        match self {
            Event::Epoch | Event::WindowEdge => 0,
            Event::Arrival(c) | Event::Completed(c, _) => u64::from(c.vm.0),
            Event::HostDeclaredDead(h) => u64::from(h.0),
            Event::Booted(vm, _) => u64::from(vm.0),
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        matches!(self, Event::WindowEdge | Event::Arrival(_) | Event::Completed(..))
    }
    /// The VM it happens to, if it happens to one.
    pub fn vm(&self) -> Option<VmId> {
        match self {
            Event::Arrival(c) | Event::Completed(c, _) => Some(c.vm),
            Event::Booted(vm, _) => Some(*vm),
            Event::Epoch | Event::WindowEdge | Event::HostDeclaredDead(_) => None,
        }
    }
}

/// What a VM is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// Stopped for a switch-over: what it is asked meanwhile waits for it.
    Stunned,
    /// Shut down for a cut-over: nobody asks it for anything until it has booted.
    Off,
    /// Its host died or it was powered off.
    Down,
}

/// One virtual machine.
#[derive(Clone, Debug)]
pub struct Vm {
    /// Such as `web-17`.
    pub name: String,
    /// Its group in the scenario.
    pub group: usize,
    /// Its number within the group.
    pub number: u32,
    /// Where it runs, or ran last.
    pub host: HostId,
    /// What it is doing.
    pub state: State,
    /// Its memory, as migrations see it.
    pub dirty: DirtyMemory,
    /// Share of its writing that throttling takes away, 0 to 1.
    pub throttle: f64,
    /// Busy share of its vCPUs in this epoch when nothing makes it wait.
    duty: f64,
    /// When it went down.
    down_since: SimTime,
    /// Counts its lives, so that a boot that was overtaken by another death is stale.
    life: u32,
}

impl Vm {
    /// Somebody wants something of it: it runs, or will go on within moments.
    fn is_asked(&self) -> bool {
        matches!(self.state, State::Running | State::Stunned)
    }
}

/// All VMs.
#[derive(Clone, Debug)]
pub struct Vms {
    all: Vec<Vm>,
    groups: Arc<[VmGroup]>,
    homes: Homes,
    demand: Demand,
    clients: Clients,
    windows: Windows,
    restarts: Restarts,
    tolls: Tolls,
    loss: Option<Loss>,
    mirror: Option<Mirror>,
}

impl Vms {
    /// All VMs of the scenario, placed by [`Vms::start`]. `length` is that of the act.
    pub fn build(
        scenario: &Scenario,
        population: Population,
        length: Span,
        infra: &Infra,
        streams: &Streams,
    ) -> Vms {
        let groups: Arc<[VmGroup]> = scenario.groups.clone().into();
        let homes = Homes::build(scenario, population, &infra.hosts);
        let mut all = Vec::with_capacity(scenario.vm_count() as usize);
        for (group, g) in groups.iter().enumerate() {
            for number in 0..g.count {
                let side = homes.side(group, number);
                all.push(Vm {
                    name: format!("{}-{number}", g.name),
                    group,
                    number,
                    host: homes.home(group, number, side),
                    state: State::Down,
                    dirty: DirtyMemory::new(&g.dirtying, g.memory, g.resident),
                    throttle: 0.0,
                    duty: 0.0,
                    down_since: SimTime::ZERO,
                    life: 0,
                });
            }
        }
        let timeouts = Side::BOTH
            .map(|side| scenario.cluster(side).map_or(Span::MAX, |c| c.profile.availability.disk_timeout));
        Vms {
            homes,
            demand: Demand::build(&all, &groups, streams),
            clients: Clients::build(&all, &groups, timeouts, streams),
            windows: Windows::build(scenario.windows, length, streams),
            restarts: Restarts::build(scenario, &infra.hosts, &all, streams),
            tolls: Tolls::default(),
            loss: None,
            mirror: Mirror::build(scenario, population),
            all,
            groups,
        }
    }

    /// The slices that lie ahead are those of the run that owns `streams`.
    pub fn draw_slices(&mut self, streams: &Streams, cx: &mut Cx<'_>) {
        self.windows.redraw(streams, cx);
    }

    /// Moves all streams onto another run. Slices already drawn stay where they are.
    pub fn rekey(&mut self, streams: &Streams) {
        self.demand.rekey(streams);
        self.clients.rekey(streams);
        self.restarts.rekey(streams);
    }

    /// Powers every VM on where it lives and begins demand, slices and samples.
    pub fn start(&mut self, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        for vm in self.ids() {
            let side = infra.hosts[self.get(vm).host].side;
            let home = Some(self.get(vm).host).filter(|&h| self.fits(vm, h, infra));
            match home.or_else(|| self.destination(vm, side, None, infra)) {
                Some(host) => self.power_on(vm, host, true, storage, infra, cx),
                None => cx.record.note(cx.now, || format!("{} finds no host to run on", self.get(vm).name)),
            }
        }
        self.demand_epoch(storage, infra, cx);
        self.windows.schedule(cx);
    }

    /// The VM.
    pub fn get(&self, vm: VmId) -> &Vm {
        &self.all[vm.index()]
    }

    /// The VM.
    pub fn get_mut(&mut self, vm: VmId) -> &mut Vm {
        &mut self.all[vm.index()]
    }

    /// The group a VM belongs to.
    pub fn group(&self, vm: VmId) -> &VmGroup {
        &self.groups[self.get(vm).group]
    }

    /// Ids of all VMs, in order.
    pub fn ids(&self) -> impl Iterator<Item = VmId> + use<> {
        (0..self.all.len() as u32).map(VmId)
    }

    /// The cluster a VM runs in.
    pub fn side(&self, vm: VmId, infra: &Infra) -> Side {
        infra.hosts[self.get(vm).host].side
    }

    /// VMs that are not down.
    pub fn up(&self) -> usize {
        self.all.iter().filter(|v| v.state != State::Down).count()
    }

    /// Requests simulated so far.
    pub fn requests(&self) -> u64 {
        self.clients.requests()
    }

    /// Share of its nominal speed at which a VM writes memory now: ready time, throttle, remote memory,
    /// stalled storage.
    pub fn speed(&self, vm: VmId, storage: &Storage, infra: &Infra, now: SimTime) -> f64 {
        let it = self.get(vm);
        if it.state != State::Running || storage.stalled(vm) {
            return 0.0;
        }
        let c = infra.cpu.contention(vm);
        let waiting = (c.ready + c.co_stop).min(1.0);
        (1.0 - waiting) * (1.0 - it.throttle) / infra.memory.pressure(vm, now).slowdown.max(1.0)
    }

    /// Requests per second to its disks: reads and writes.
    pub fn request_rates(&self, vm: VmId) -> (f64, f64) {
        let load = clients::load_of(self.group(vm));
        (load.reads_per_s, load.writes_per_s)
    }

    /// Guest bytes written to disk per second.
    pub fn write_rate(&self, vm: VmId) -> f64 {
        let load = clients::load_of(self.group(vm));
        load.writes_per_s * load.mean_bytes
    }

    /// Throttles a VM's vCPUs by this share (0 releases it).
    pub fn set_throttle(&mut self, vm: VmId, share: f64, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.get_mut(vm).throttle = share.clamp(0.0, 0.99);
        self.apply_duty(vm, infra, cx);
    }

    /// Simulates every request from now until `until`, weight 1.
    pub fn open_window(&mut self, until: SimTime, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.windows.open(until, cx);
        self.window_edge(storage, infra, cx);
    }

    /// A window that will open at a known time, so that its warm-in comes before it.
    pub fn plan_window(&mut self, from: SimTime, until: SimTime, cx: &mut Cx<'_>) {
        self.windows.plan(from, until, cx);
    }

    /// The link between the sites died or came back.
    pub fn site_link(&mut self, up: bool, now: SimTime) {
        if let Some(mirror) = &mut self.mirror {
            mirror.link(up, now);
        }
    }

    /// Something broke on this side: its I/O is watched until `until` and until the backlog has drained.
    pub fn watch_loss(&mut self, side: Side, until: SimTime, cx: &Cx<'_>) {
        let loss = self.loss.get_or_insert_with(|| Loss::begin(side, cx.now));
        loss.until = loss.until.max(until);
    }

    /// Facts that are complete only at the end.
    pub fn finish(&mut self, infra: &Infra, cx: &mut Cx<'_>) {
        self.clients.finish(&self.all, &mut self.loss, infra, cx);
        if let Some(loss) = &self.loss {
            loss.record(cx.record);
        }
        self.tolls.finish(&infra.hosts, cx.now, cx.record);
        for side in Side::BOTH.into_iter().filter(|&s| infra.hosts.of(s).next().is_some()) {
            let down = self
                .all
                .iter()
                .filter(|v| v.state == State::Down && infra.hosts[v.host].side == side)
                .count();
            cx.record.per_run_add(Metric::VmsDown, side, down as u64);
            cx.record.per_run_add(Metric::IoErrors, side, 0);
        }
    }

    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        match event {
            Event::Epoch => self.demand_epoch(storage, infra, cx),
            Event::WindowEdge => self.window_edge(storage, infra, cx),
            Event::Arrival(client) => {
                self.clients.arrival(client, &self.all, &self.windows, (storage, infra, cx));
            }
            Event::Completed(client, flight) => {
                let lower = (storage, infra, cx);
                let held = self.clients.held(client, flight, self.mirror.as_ref(), lower.2);
                if !held {
                    self.clients.completed(client, flight, &self.all, &self.windows, &mut self.loss, lower);
                }
            }
            Event::HostDeclaredDead(host) => self.declared_dead(host, infra, cx),
            Event::Booted(vm, life) => self.booted(vm, life, storage, infra, cx),
        }
    }

    fn apply_duty(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let it = self.get(vm);
        let duty = if it.state == State::Running { it.duty * (1.0 - it.throttle) } else { 0.0 };
        infra.cpu.set_duty(vm, duty, cx);
    }

    fn demand_epoch(&mut self, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        for vm in self.ids() {
            let it = &mut self.all[vm.index()];
            it.duty = self.demand.duty(vm, it, &self.groups[it.group], cx.now);
            if it.state == State::Down {
                continue;
            }
            let pressure = infra.memory.pressure(vm, cx.now);
            infra.cpu.set_slowdown(vm, pressure.slowdown.max(1.0), cx);
            if pressure.swap_reads_per_s > 0.0 {
                storage.set_load(
                    vm,
                    swapping(clients::load_of(self.group(vm)), pressure.swap_reads_per_s),
                    infra,
                    cx,
                );
            }
            self.apply_duty(vm, infra, cx);
        }
        cx.after(demand::EPOCH, crate::event::Event::Vm(Event::Epoch));
    }

    fn window_edge(&mut self, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
        // A backlog from a stall is followed until it has drained, so that the stall is seen whole.
        let oldest = self.loss.as_ref().and_then(|_| self.clients.oldest_waiting());
        let was_open = self.windows.is_open();
        self.windows.update(oldest, cx);
        let open = self.windows.is_open();
        if open != was_open {
            storage.set_window(open, infra, cx);
        }
        if let (false, Some(loss)) = (was_open, &mut self.loss) {
            loss.reopened(cx.now);
        }
        if open {
            self.clients.open(&self.all, (storage, infra, cx));
        }
    }
}

fn swapping(load: Load, swap_reads_per_s: f64) -> Load {
    Load { reads_per_s: load.reads_per_s + swap_reads_per_s, ..load }
}
