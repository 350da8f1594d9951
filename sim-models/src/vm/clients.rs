//! I/O clients: Poisson arrivals that wait in the guest when the queue is full, or closed loops.
//!
//! Two views of every request are recorded: from its intended arrival (the application's) and from its
//! issue (a benchmark tool's). A stall shows in full only in the first.

use super::loss::Loss;
use super::mirror::{Hold, Mirror};
use super::windows::Windows;
use super::{Event, State, Vm};
use crate::event::{self, Cx};
use crate::ids::{Side, VmId};
use crate::metric::Metric;
use crate::record::{Stamp, Tally};
use crate::scenario::{DiskClient, VmGroup};
use crate::storage::{Load, Op, Request, Storage};
use crate::world::Infra;
use sim_core::{Id, SimTime, Span, Stream, Streams, Table};
use std::collections::VecDeque;
use std::sync::Arc;

/// The layers below the VMs, and the context.
pub type Lower<'a, 'b> = (&'a mut Storage, &'a mut Infra, &'a mut Cx<'b>);

/// One virtual disk of one VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientId {
    /// The VM.
    pub vm: VmId,
    /// Its disk.
    pub disk: u16,
}

/// A request on its way.
pub type FlightId = Id<Flight>;

/// A request as its client knows it.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    intended: SimTime,
    op: Op,
    bytes: u32,
    stamp: Stamp,
    weight: u32,
}

/// A request that has been issued.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    client: ClientId,
    wish: Wish,
    issued: SimTime,
    side: Side,
    life: u32,
    /// The other site has it too.
    mirrored: bool,
}

#[derive(Clone, Debug)]
struct Client {
    design: Arc<DiskClient>,
    arrivals: Stream,
    service: Stream,
    in_flight: u32,
    backlog: VecDeque<Wish>,
    /// Completions that a stunned guest has not seen yet.
    unseen: Vec<FlightId>,
    /// An arrival event is pending.
    ticking: bool,
    life: u32,
}

/// All clients of all VMs.
#[derive(Clone, Debug)]
pub struct Clients {
    clients: Vec<Client>,
    /// First client of each VM, and one past the last VM's.
    first: Vec<u32>,
    flights: Table<Flight>,
    requests: u64,
    /// When a guest gives a request up, on each side.
    timeouts: [Span; 2],
}

/// What the clients of one VM ask for over time.
pub fn load_of(group: &VmGroup) -> Load {
    let mut load = Load::default();
    let mut bytes_per_s = 0.0;
    for d in &group.disks {
        let count = f64::from(d.count);
        load.reads_per_s += d.reads_per_s * count;
        load.writes_per_s += d.writes_per_s * count;
        let mean: f64 = d.sizes.iter().map(|(b, p)| b.as_f64() * p).sum();
        bytes_per_s += (d.reads_per_s + d.writes_per_s) * count * mean;
    }
    let rate = load.reads_per_s + load.writes_per_s;
    load.mean_bytes = if rate > 0.0 { bytes_per_s / rate } else { 0.0 };
    load
}

impl Clients {
    /// Two streams per client: one for what it asks, one for what it meets.
    pub fn build(all: &[Vm], groups: &[VmGroup], timeouts: [Span; 2], streams: &Streams) -> Clients {
        let designs: Vec<Vec<Arc<DiskClient>>> = groups
            .iter()
            .map(|g| {
                g.disks
                    .iter()
                    .flat_map(|d| std::iter::repeat_n(Arc::new(d.clone()), d.count as usize))
                    .collect()
            })
            .collect();
        let (mut clients, mut first) = (Vec::new(), Vec::new());
        for vm in all {
            first.push(clients.len() as u32);
            for (disk, design) in designs[vm.group].iter().enumerate() {
                let stream = |purpose: &str| streams.stream(&format!("{}/disk-{disk}", vm.name), purpose);
                clients.push(Client {
                    design: design.clone(),
                    arrivals: stream("arrivals"),
                    service: stream("service"),
                    in_flight: 0,
                    backlog: VecDeque::new(),
                    unseen: Vec::new(),
                    ticking: false,
                    life: 0,
                });
            }
        }
        first.push(clients.len() as u32);
        Clients { clients, first, flights: Table::new(), requests: 0, timeouts }
    }

    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        for c in &mut self.clients {
            c.arrivals.rekey(streams);
            c.service.rekey(streams);
        }
    }

    /// Requests issued so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The earliest intended arrival among the requests that wait inside guests.
    pub fn oldest_waiting(&self) -> Option<SimTime> {
        self.clients.iter().filter_map(|c| c.backlog.front()).map(|wish| wish.intended).min()
    }

    fn at(&self, id: ClientId) -> usize {
        (self.first[id.vm.index()] + u32::from(id.disk)) as usize
    }

    fn of(&self, vm: VmId) -> impl Iterator<Item = ClientId> + use<> {
        let disks = self.first[vm.index() + 1] - self.first[vm.index()];
        (0..disks as u16).map(move |disk| ClientId { vm, disk })
    }

    /// A window opens: every client of a VM that is up starts, unless it is still running.
    pub fn open(&mut self, all: &[Vm], lower: Lower<'_, '_>) {
        let (storage, infra, cx) = lower;
        for vm in (0..all.len() as u32).map(VmId) {
            self.start(vm, all, (&mut *storage, &mut *infra, &mut *cx));
        }
    }

    /// The clients of one VM start, if it is up and unless they are still running.
    pub fn start(&mut self, vm: VmId, all: &[Vm], lower: Lower<'_, '_>) {
        let (storage, infra, cx) = lower;
        if all[vm.index()].is_asked() {
            for id in self.of(vm) {
                self.begin(id, all, (&mut *storage, &mut *infra, &mut *cx));
            }
        }
    }

    fn begin(&mut self, id: ClientId, all: &[Vm], lower: Lower<'_, '_>) {
        let (storage, infra, cx) = lower;
        let at = self.at(id);
        let client = &mut self.clients[at];
        if !client.design.rate_limited {
            while self.clients[at].in_flight < self.clients[at].design.iodepth {
                let wish = self.clients[at].wish(cx, 0);
                self.issue(id, wish, all, (&mut *storage, &mut *infra, &mut *cx));
            }
        } else if !client.ticking && client.rate() > 0.0 {
            client.ticking = true;
            client.schedule(id, cx);
        }
    }

    /// The next request of an open client arrives; outside windows the client falls asleep.
    pub fn arrival(&mut self, id: ClientId, all: &[Vm], windows: &Windows, lower: Lower<'_, '_>) {
        let (storage, infra, cx) = lower;
        let vm = &all[id.vm.index()];
        let at = self.at(id);
        let client = &mut self.clients[at];
        if !windows.is_open() || !vm.is_asked() {
            client.ticking = false;
            return;
        }
        let wish = client.wish(cx, windows.weight(cx.now));
        client.schedule(id, cx);
        if vm.state == State::Running && client.in_flight < client.design.iodepth {
            self.issue(id, wish, all, (storage, infra, cx));
        } else {
            client.backlog.push_back(wish);
        }
    }

    fn issue(&mut self, id: ClientId, wish: Wish, all: &[Vm], lower: Lower<'_, '_>) {
        let (storage, infra, cx) = lower;
        let at = self.at(id);
        let client = &mut self.clients[at];
        let side = infra.hosts[all[id.vm.index()].host].side;
        let flight = self.flights.insert(Flight {
            client: id,
            wish,
            issued: cx.now,
            side,
            life: client.life,
            mirrored: false,
        });
        client.in_flight += 1;
        self.requests += 1;
        let request = Request {
            vm: id.vm,
            op: wish.op,
            bytes: wish.bytes,
            stamp: wish.stamp,
            weight: wish.weight,
            then: event::Event::Vm(Event::Completed(id, flight)),
        };
        storage.submit(request, &mut client.service, infra, cx);
    }

    /// Is a write that its own site has completed still waiting for the other site?
    pub fn held(&mut self, id: ClientId, flight: FlightId, mirror: Option<&Mirror>, cx: &mut Cx<'_>) -> bool {
        let (Some(mirror), Some(it)) = (mirror, self.flights.get_mut(flight)) else { return false };
        if it.mirrored || it.side == Side::Target || it.wish.op == Op::Read {
            return false;
        }
        let until = match mirror.hold(cx.now) {
            Hold::Nothing => return false,
            Hold::Link(until) => until,
            Hold::Answer(at) => {
                it.mirrored = true;
                at
            }
        };
        cx.at(until, event::Event::Vm(Event::Completed(id, flight)));
        true
    }

    /// A request is complete. A stunned guest sees it when it goes on; a dead one never does.
    pub fn completed(
        &mut self,
        id: ClientId,
        flight: FlightId,
        all: &[Vm],
        windows: &Windows,
        loss: &mut Option<Loss>,
        lower: Lower<'_, '_>,
    ) {
        let at = self.at(id);
        match all[id.vm.index()].state {
            State::Stunned => self.clients[at].unseen.push(flight),
            State::Running => self.seen(id, flight, all, windows, loss, lower),
            State::Down | State::Off => {
                self.flights.remove(flight);
            }
        }
    }

    fn seen(
        &mut self,
        id: ClientId,
        flight: FlightId,
        all: &[Vm],
        windows: &Windows,
        loss: &mut Option<Loss>,
        lower: Lower<'_, '_>,
    ) {
        let (storage, infra, cx) = lower;
        let at = self.at(id);
        let Some(done) = self.flights.remove(flight) else { return };
        let timeout = self.timeouts[done.side as usize];
        let client = &mut self.clients[at];
        if done.life != client.life {
            return;
        }
        client.in_flight -= 1;
        let rate_limited = client.design.rate_limited;
        record(&done, rate_limited, cx);
        count_error(&done, timeout, cx);
        if let Some(loss) = loss {
            loss.completed(done.side, done.wish.intended, windows.is_open(), cx.now);
        }
        if let Some(wish) = client.backlog.pop_front() {
            self.issue(id, wish, all, (storage, infra, cx));
        } else if !rate_limited && windows.is_open() {
            let wish = client.wish(cx, windows.weight(cx.now));
            self.issue(id, wish, all, (storage, infra, cx));
        }
    }

    /// A stunned VM goes on: it sees what completed meanwhile and issues what waited.
    pub fn resume(
        &mut self,
        vm: VmId,
        all: &[Vm],
        windows: &Windows,
        loss: &mut Option<Loss>,
        lower: Lower<'_, '_>,
    ) {
        let (storage, infra, cx) = lower;
        for id in self.of(vm) {
            let at = self.at(id);
            for flight in std::mem::take(&mut self.clients[at].unseen) {
                self.seen(id, flight, all, windows, loss, (&mut *storage, &mut *infra, &mut *cx));
            }
            while self.clients[at].in_flight < self.clients[at].design.iodepth {
                let Some(wish) = self.clients[at].backlog.pop_front() else { break };
                self.issue(id, wish, all, (&mut *storage, &mut *infra, &mut *cx));
            }
        }
    }

    /// A VM dies: its requests die with it and are no part of the survivors' I/O.
    pub fn drop_all(&mut self, vm: VmId) {
        for id in self.of(vm) {
            let at = self.at(id);
            let client = &mut self.clients[at];
            client.backlog.clear();
            client.in_flight = 0;
            client.life += 1;
            for flight in std::mem::take(&mut client.unseen) {
                self.flights.remove(flight);
            }
        }
    }

    /// Requests still open at the end of the run were offered and not completed.
    pub fn finish(&self, all: &[Vm], loss: &mut Option<Loss>, infra: &Infra, cx: &mut Cx<'_>) {
        for (i, vm) in all.iter().enumerate() {
            let side = infra.hosts[vm.host].side;
            for id in self.of(VmId(i as u32)) {
                let client = &self.clients[self.at(id)];
                client.backlog.iter().for_each(|w| unfinished(w, side, loss, cx));
            }
        }
        for (_, flight) in self.flights.iter().filter(|(_, f)| f.life == self.clients[self.at(f.client)].life)
        {
            unfinished(&flight.wish, flight.side, loss, cx);
            count_error(flight, self.timeouts[flight.side as usize], cx);
        }
    }
}

impl Client {
    fn rate(&self) -> f64 {
        self.design.reads_per_s + self.design.writes_per_s
    }

    fn schedule(&mut self, id: ClientId, cx: &mut Cx<'_>) {
        let gap = -libm::log(self.arrivals.uniform_open()) / self.rate();
        cx.after(Span::from_secs_f64(gap), event::Event::Vm(Event::Arrival(id)));
    }

    /// Draws the next request.
    fn wish(&mut self, cx: &Cx<'_>, weight: u32) -> Wish {
        let read_share = if self.rate() > 0.0 { self.design.reads_per_s / self.rate() } else { 1.0 };
        let op = if self.arrivals.chance(read_share) { Op::Read } else { Op::Write };
        let mut at = self.arrivals.uniform();
        let sizes = &self.design.sizes;
        let fits = |&&(_, share): &&(sim_core::Bytes, f64)| {
            at -= share;
            at < 0.0
        };
        let (bytes, _) = sizes.iter().find(fits).or(sizes.last()).expect("a client has at least one size");
        Wish { intended: cx.now, op, bytes: bytes.0 as u32, stamp: cx.record.stamp(), weight }
    }
}

fn record(done: &Flight, rate_limited: bool, cx: &mut Cx<'_>) {
    let Wish { intended, op, stamp, weight, .. } = done.wish;
    if weight == 0 {
        return;
    }
    let (application, tool) = match op {
        Op::Read => (Metric::ReadLatency, Metric::ReadLatencyTool),
        Op::Write => (Metric::WriteLatency, Metric::WriteLatencyTool),
    };
    let weight = u64::from(weight);
    if rate_limited {
        cx.record.sample(application, done.side, stamp, cx.now.since(intended).0, weight);
    }
    cx.record.sample(tool, done.side, stamp, cx.now.since(done.issued).0, weight);
    cx.record.tally(Tally::IoOffered, done.side, stamp, 1);
    cx.record.tally(Tally::IoCompleted, done.side, stamp, 1);
}

/// A guest that waited too long has seen an I/O error, whatever came later.
fn count_error(flight: &Flight, timeout: Span, cx: &mut Cx<'_>) {
    if cx.now.since(flight.issued) > timeout {
        cx.record.per_run_add(Metric::IoErrors, flight.side, 1);
        cx.record.tally(Tally::IoFailed, flight.side, flight.wish.stamp, 1);
    }
}

fn unfinished(wish: &Wish, side: Side, loss: &mut Option<Loss>, cx: &mut Cx<'_>) {
    if wish.weight > 0 {
        cx.record.tally(Tally::IoOffered, side, wish.stamp, 1);
    }
    if let Some(loss) = loss {
        loss.unfinished(side, wish.intended, cx.now);
    }
}
