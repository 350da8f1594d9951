//! Storage: a shared array, or copies on the hosts' own devices behind controller VMs.
//!
//! ```text
//! macroscopic, always    disks, pool (nodes, groups), loads, failure, rebuild, throttle
//!        | read only
//! microscopic, windows   protocol (plans) -> executor -> stations; background chunks
//! ```
//!
//! The macroscopic part always runs: placement groups, offered load, detection, rebuild. Single requests
//! are simulated only while a window is open; they read the macroscopic state and never write it.

mod background;
pub mod capacity;
mod deal;
mod disks;
mod event;
mod executor;
mod failure;
pub(crate) mod groups;
mod ledger;
mod loads;
mod pool;
mod protocol;
mod rebuild;
mod stations;
mod throttle;

#[cfg(test)]
mod tests;

pub use self::event::Event;
use crate::event::Cx;
use crate::ids::{HostId, Side, VmId};
use crate::profile::storage::StorageProfile;
use crate::record::Stamp;
use crate::scenario::{San, Scenario, StorageDesign};
use crate::world::Infra;
use background::Background;
use disks::Disks;
pub use executor::{Active, Census};
use executor::{Executor, Ground, Waiter};
use pool::{Fate, Pool};
pub use rebuild::CopyFlow;
use sim_core::{Bytes, Rate, SimTime, Span, Stream, Streams};

/// Read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read.
    Read,
    /// Write.
    Write,
}

/// One request of a guest.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who asks.
    pub vm: VmId,
    /// Read or write.
    pub op: Op,
    /// How much.
    pub bytes: u32,
    /// Phase it belongs to and how much time it stands for, for the bytes it causes (weight 0: warm-in,
    /// not recorded).
    pub stamp: Stamp,
    /// See `stamp`.
    pub weight: u32,
    /// Happens when the guest sees the completion.
    pub then: crate::event::Event,
}

/// What a VM asks of storage over time, for loads and flows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Reads per second.
    pub reads_per_s: f64,
    /// Writes per second.
    pub writes_per_s: f64,
    /// Mean bytes of a request.
    pub mean_bytes: f64,
}

/// A shared array: it does not fail here, so that it has no state but its stations.
#[derive(Clone, Debug)]
struct Array {
    design: San,
    profile: StorageProfile,
    /// By host number, with the host's name.
    fates: Vec<(String, Fate)>,
}

#[derive(Clone, Debug)]
enum Backend {
    Array(Box<Array>),
    Pool(Box<Pool>),
}

/// The macroscopic state.
#[derive(Clone, Debug)]
struct State {
    backends: [Option<Backend>; 2],
    first_host: [HostId; 2],
    disks: Disks,
}

impl State {
    fn backend(&self, side: Side) -> &Backend {
        self.backends[side as usize].as_ref().expect("a host's side has storage")
    }

    fn pool(&self, side: Side) -> Option<&Pool> {
        match self.backends[side as usize].as_ref()? {
            Backend::Pool(pool) => Some(pool),
            Backend::Array(_) => None,
        }
    }

    fn pool_mut(&mut self, side: Side) -> Option<&mut Pool> {
        match self.backends[side as usize].as_mut()? {
            Backend::Pool(pool) => Some(pool),
            Backend::Array(_) => None,
        }
    }

    fn profile(&self, side: Side) -> &StorageProfile {
        match self.backend(side) {
            Backend::Array(a) => &a.profile,
            Backend::Pool(p) => &p.profile,
        }
    }

    fn side(&self, host: HostId) -> Side {
        if host >= self.first_host[1] { Side::Target } else { Side::Source }
    }

    /// The pool that a host belongs to.
    fn pool_of(&mut self, host: HostId) -> Option<&mut Pool> {
        self.pool_mut(self.side(host))
    }

    fn fate(&self, host: HostId) -> Fate {
        let side = self.side(host);
        match self.backend(side) {
            Backend::Array(a) => a.fates[host.index() - self.first_host[side as usize].index()].1,
            Backend::Pool(p) => p.node(host).fate,
        }
    }

    /// Its peers know that this node does not serve.
    fn knows_dead(&self, host: HostId) -> bool {
        self.pool(self.side(host)).is_some_and(|p| p.node(host).noticed)
    }

    fn detection(&self, host: HostId) -> Span {
        self.fate(host).detection
    }

    /// Time one channel of a data device is held by a step of bulk work: a channel has its share of the
    /// device's rate.
    fn chunk_device_time(&self, side: Side) -> Span {
        let p = self.profile(side);
        p.chunk / (p.data_write_rate / u64::from(p.data_channels.max(1)))
    }
}

/// Disks of both clusters.
#[derive(Clone, Debug)]
pub struct Storage {
    state: State,
    executor: Executor,
    background: Background,
    /// When the next [`Event::Refresh`] of each side is due.
    refresh_due: [SimTime; 2],
}

impl Storage {
    /// All devices and controllers of hosts that run are up, all data redundant on them.
    pub fn build(scenario: &Scenario, infra: &mut Infra, streams: &Streams) -> Storage {
        let mut executor = Executor::default();
        let mut backends = [None, None];
        for side in Side::BOTH {
            let Some(cluster) = scenario.cluster(side) else { continue };
            executor.bank.add(side, cluster, &infra.hosts, streams);
            let profile = cluster.profile.storage.clone();
            backends[side as usize] = Some(match &cluster.storage {
                StorageDesign::San(design) => {
                    let names = infra.hosts.of(side).map(|h| infra.hosts[h].name.clone());
                    let fates = names.map(|n| (n.clone(), Fate::draw(&n, &profile, streams))).collect();
                    Backend::Array(Box::new(Array { design: design.clone(), profile, fates }))
                }
                StorageDesign::Replicated(design) => {
                    Backend::Pool(Box::new(Pool::build(side, cluster, design, infra, streams)))
                }
            });
        }
        let first_host = Side::BOTH.map(|side| infra.hosts.id(side, 0));
        let background = Background::build(&infra.hosts, streams);
        let state = State { backends, first_host, disks: Disks::default() };
        Storage { state, executor, background, refresh_due: [SimTime::NEVER; 2] }
    }

    /// Moves all streams onto another run: what devices and failures have in store is drawn again.
    pub fn rekey(&mut self, streams: &Streams) {
        self.executor.bank.rekey(streams);
        self.background.rekey(streams);
        for side in Side::BOTH {
            match self.state.backends[side as usize].as_mut() {
                Some(Backend::Array(a)) => {
                    for (name, fate) in &mut a.fates {
                        *fate = Fate::draw(name, &a.profile, streams);
                    }
                }
                Some(Backend::Pool(pool)) => {
                    for node in &mut pool.nodes {
                        node.fate = Fate::draw(&node.name, &pool.profile, streams);
                    }
                }
                None => {}
            }
        }
    }

    /// A VM's disks are served to `host` from now on: at power-on (`local`: its data already lies there)
    /// or after a move inside the cluster (locality is lost and regained by use).
    #[allow(clippy::too_many_arguments)] // the shape that the layer above calls
    pub fn attach(
        &mut self,
        vm: VmId,
        name: &str,
        disk: Bytes,
        host: HostId,
        local: bool,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let before = self.state.disks.get(vm).map(|d| self.state.side(d.host));
        let moved = (!local).then_some(cx.now);
        self.state.disks.attach(vm, name, disk, host, moved);
        if disk == Bytes::ZERO {
            return; // nothing that groups or loads would notice
        }
        let side = self.state.side(host);
        for side in before.into_iter().chain([side]) {
            self.weigh(side, infra, cx);
        }
    }

    /// A VM's disks are no longer used (power off, moved away); its requests under way vanish.
    pub fn detach(&mut self, vm: VmId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(disk) = self.state.disks.detach(vm) else { return };
        let ground = Ground { state: &self.state, infra };
        self.executor.forget_vm(vm, ground, cx);
        if disk.bytes > Bytes::ZERO || disk.load != Load::default() {
            self.weigh(self.state.side(disk.host), infra, cx);
        }
    }

    /// What a VM asks for from now on.
    pub fn set_load(&mut self, vm: VmId, load: Load, _infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(disk) = self.state.disks.get_mut(vm) else { return };
        if disk.load == load {
            return;
        }
        disk.load = load;
        let side = self.state.side(self.state.disks.get(vm).expect("just there").host);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    /// Bulk bytes of incoming moves that a side's storage of `host` writes (target) or reads (source).
    pub fn set_ingest(&mut self, host: HostId, rate: Rate, _infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        pool.node_mut(host).ingest = rate;
        let side = pool.side;
        self.refresh_soon(side, Span::ZERO, cx);
    }

    /// A budget that bulk reads or writes at this host pass besides the network.
    pub fn bulk_budget(&self, host: HostId) -> Option<sim_core::fluid::LinkId> {
        Some(self.state.pool(self.state.side(host))?.node(host).bulk)
    }

    /// A request enters. All its luck comes from the VM's stream: one draw, which seeds the rest. Requests
    /// of a VM whose host dies, or which is detached, vanish: `then` never happens.
    pub fn submit(&mut self, request: Request, luck: &mut Stream, infra: &mut Infra, cx: &mut Cx<'_>) {
        let ground = Ground { state: &self.state, infra };
        self.executor.submit(request, luck, ground, cx);
    }

    /// How long after a death of this host its peers notice, as drawn for this run. For a host of an array:
    /// how long a lost path takes to be replaced.
    pub fn detection(&self, host: HostId) -> Span {
        self.state.detection(host)
    }

    /// How long after the death of its controller a host reaches another one, as drawn for this run.
    pub fn redirection(&self, host: HostId) -> Span {
        self.state.fate(host).redirect
    }

    /// How long after a death of this host its copies begin to be made again; `None` for an array.
    pub fn rebuild_delay(&self, host: HostId) -> Option<Span> {
        let fate = self.state.fate(host);
        self.replicated(self.state.side(host)).then(|| fate.detection + fate.scan)
    }

    /// The side of a host is replicated storage.
    pub fn replicated(&self, side: Side) -> bool {
        self.state.pool(side).is_some()
    }

    /// Copies that no node has room for: redundancy cannot be restored.
    pub fn degraded_no_space(&self, side: Side) -> bool {
        self.state.pool(side).is_some_and(|p| p.rebuild.no_space)
    }

    /// Nodes are so full that writes are refused.
    pub fn read_only(&self, side: Side) -> bool {
        self.state.pool(side).is_some_and(|p| p.rebuild.read_only)
    }

    /// Where all requests so far are.
    pub fn census(&self) -> Census {
        self.executor.census()
    }

    /// Handles one of its own events.
    pub fn handle(&mut self, event: Event, infra: &mut Infra, cx: &mut Cx<'_>) {
        let ground = Ground { state: &self.state, infra };
        match event {
            Event::Step { request, strand, attempt } => {
                self.executor.step(Waiter { request, strand, attempt }, ground, cx);
            }
            Event::ChunkServed { host, device, outage } => {
                self.executor.chunk_served(host, device, outage, ground, cx);
            }
            Event::Look { station } => self.executor.look(station, ground, cx),
            Event::Retry { request } => self.executor.retry(request, ground, cx),
            Event::Chunk(host, window) => {
                self.background.step(host, window, &mut self.executor, ground, cx);
            }
            Event::Refresh(side) => self.refresh(side, infra, cx),
            Event::CopyRate(side) => self.refresh_soon(side, loads::COPY_RATE_DELAY, cx),
            Event::Copied(side, flow) => self.copied(side, flow, infra, cx),
            Event::Throttle(side) => self.throttle(side, infra, cx),
            Event::NodeDetected(host, outage) => self.node_detected(host, outage, infra, cx),
            Event::Scanned(host, outage) => self.scanned(host, outage, infra, cx),
            Event::Redirected(host, outage) => self.redirected(host, outage, infra, cx),
            Event::PathBack(host, outage) => self.path_back(host, outage, infra, cx),
            #[cfg(test)]
            Event::Probe(_) => {}
        }
    }
}
