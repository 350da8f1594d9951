//! What breaks and who notices when.
//!
//! ```text
//! node dies --detection--> peers know: hanging requests are sent again, new copies go elsewhere
//!                              +--scan--> what it held is copied again (rebuild)
//! controller dies --redirect--> its host goes through another node, one hop more each way
//!    ... is back --30 s stable--> its host uses it again
//! ```

use super::executor::Ground;
use super::groups::{SlotId, State as Copies};
use super::pool::{Path, Pool, Wait, score_proxy};
use super::{Backend, Event, Storage};
use crate::event::{self, Cx};
use crate::ids::{HostId, Side, VmId};
use crate::profile::storage::Service;
use crate::world::Infra;
use sim_core::Span;
use sim_core::mutant::Mutant;

fn after(delay: Span, event: Event, cx: &mut Cx<'_>) {
    cx.after(delay, event::Event::Storage(event));
}

impl Storage {
    /// A host is gone with its controller and devices. Its VMs' requests vanish with them; requests of
    /// others that need it hang until it is noticed.
    pub fn fail_host(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.take_down(host, true, infra, cx);
        let ground = Ground { state: &self.state, infra };
        self.executor.forget_host(host, ground, cx);
    }

    /// A controller VM is gone, its host lives.
    pub fn fail_cvm(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.take_down(host, false, infra, cx);
    }

    fn take_down(&mut self, host: HostId, power: bool, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let (side, service) = (pool.side, pool.profile.service);
        let node = pool.node_mut(host);
        let served = node.serves();
        node.up &= !power;
        node.cvm_up = false;
        node.outage += 1;
        node.path = Path::Hangs;
        let (outage, fate, noticed) = (node.outage, node.fate, node.noticed);
        // A crashed daemon refuses connections at once; a dead host only falls silent.
        let silent = if !power && service == Service::Owner { fate.redirect } else { fate.detection };
        let silent = if noticed || Mutant::InstantDetection.lives() { Span::ZERO } else { silent };
        after(silent, Event::NodeDetected(host, outage), cx);
        if !power {
            after(fate.redirect, Event::Redirected(host, outage), cx);
        }
        if served {
            self.cut_copies(host, infra, cx);
            let pool = self.state.pool_of(host).expect("seen above");
            pool.mark(host, |s| (s == Copies::Live).then_some(Copies::Down));
            pool.rebuild.ledger.update(&pool.groups, side, cx);
            let ground = Ground { state: &self.state, infra };
            self.executor.fail_node(host, ground, cx);
            self.lose_proxy(host, cx);
        }
        self.refresh_soon(side, Span::ZERO, cx);
    }

    /// Hosts that went through this node must find another.
    fn lose_proxy(&mut self, host: HostId, cx: &mut Cx<'_>) {
        let pool = self.state.pool_of(host).expect("a node of a pool");
        let number = pool.number(host) as u16;
        for node in pool.nodes.iter_mut().filter(|n| n.path == Path::Via(number)) {
            node.path = Path::Hangs;
            after(node.fate.redirect, Event::Redirected(node.host, node.outage), cx);
        }
    }

    pub(super) fn node_detected(&mut self, host: HostId, outage: u32, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let side = pool.side;
        let node = pool.node_mut(host);
        if node.outage != outage {
            return;
        }
        node.noticed = true;
        // A crashed controller is restarted in place; only what a lost host held is made again.
        if !node.up {
            after(node.fate.scan, Event::Scanned(host, outage), cx);
        }
        self.wake(|w| w == Wait::Node(host), infra, cx);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    pub(super) fn scanned(&mut self, host: HostId, outage: u32, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let side = pool.side;
        let node = pool.node_mut(host);
        if node.outage != outage {
            return;
        }
        node.replaced = true;
        self.make_copies(side, infra, cx);
    }

    pub(super) fn redirected(&mut self, host: HostId, outage: u32, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let side = pool.side;
        let node = pool.node(host);
        if node.outage != outage || node.path != Path::Hangs {
            return;
        }
        let Some(proxy) = score_proxy(pool, host) else {
            // Nobody to go through: looked at again as often as the platform would.
            return after(node.fate.redirect.max(Span::secs(1)), Event::Redirected(host, outage), cx);
        };
        pool.node_mut(host).path = Path::Via(proxy);
        self.wake(|w| w == Wait::Path(host), infra, cx);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    /// The host is back; its devices hold what they held. What was already copied elsewhere is dropped.
    pub fn repair_host(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.bring_up(host, true, infra, cx);
    }

    /// The controller is back; its data can be read at once, its host uses it again when it is stable.
    pub fn repair_cvm(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        self.bring_up(host, false, infra, cx);
    }

    fn bring_up(&mut self, host: HostId, power: bool, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let side = pool.side;
        let (stable, node) = (pool.profile.redirect_back, pool.node_mut(host));
        if node.serves() || !(power || node.up) {
            return;
        }
        node.up = true;
        node.cvm_up = true;
        (node.noticed, node.replaced) = (false, false);
        node.outage += 1;
        match node.path {
            Path::Via(_) if !power => after(stable, Event::PathBack(host, node.outage), cx),
            _ => node.path = Path::Own,
        }
        self.stop_copies(side, infra, cx);
        let pool = self.state.pool_of(host).expect("seen above");
        pool.mark(host, |s| (s == Copies::Down).then_some(Copies::Live));
        pool.rebuild.ledger.update(&pool.groups, side, cx);
        self.executor.repair_node(host);
        self.fail_dead_devices(host, infra, cx);
        self.make_copies(side, infra, cx);
        self.wake(|w| w == Wait::Node(host) || w == Wait::Path(host) || w == Wait::Data(side), infra, cx);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    pub(super) fn path_back(&mut self, host: HostId, outage: u32, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let side = pool.side;
        let node = pool.node_mut(host);
        if node.outage != outage || !node.serves() {
            return;
        }
        node.path = Path::Own;
        self.wake(|w| w == Wait::Path(host), infra, cx);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    /// A data device dies for good; its copies are made again at once. The error is seen at once, too.
    pub fn fail_device(&mut self, host: HostId, infra: &mut Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let (side, devices) = (pool.side, pool.design.devices as u16);
        let node = pool.node_mut(host);
        if node.dead_devices.count_ones() >= u32::from(devices) {
            return;
        }
        let device = node.device(node.fate.device, devices);
        node.dead_devices |= 1 << device;
        self.cut_copies(host, infra, cx);
        let pool = self.state.pool_of(host).expect("seen above");
        let number = pool.number(host) as u16;
        let hit: Vec<SlotId> = pool
            .groups
            .iter()
            .filter(|(_, s)| s.node == number && s.device == device && s.state != Copies::Lost)
            .map(|(id, _)| id)
            .collect();
        for id in hit {
            pool.groups.edit(id, |s| s.state = Copies::Lost);
        }
        pool.rebuild.ledger.update(&pool.groups, side, cx);
        let answers = pool.node(host).serves();
        self.fail_dead_devices(host, infra, cx);
        if answers {
            self.wake(|w| w == Wait::Node(host), infra, cx);
        }
        self.make_copies(side, infra, cx);
        self.refresh_soon(side, Span::ZERO, cx);
    }

    fn fail_dead_devices(&mut self, host: HostId, infra: &Infra, cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool(self.state.side(host)) else { return };
        let dead = pool.node(host).dead_devices;
        let ground = Ground { state: &self.state, infra };
        for device in (0..pool.design.devices as u16).filter(|d| dead >> d & 1 == 1) {
            self.executor.fail_device(host, device, ground, cx);
        }
    }

    /// Service times of one data device of a host are multiplied by this (1 makes it whole).
    pub fn slow_device(&mut self, host: HostId, factor: f64, _cx: &mut Cx<'_>) {
        let Some(pool) = self.state.pool_of(host) else { return };
        let node = pool.node(host);
        let device = node.device(node.fate.device, pool.design.devices as u16);
        self.executor.slow_device(host, device, factor);
    }

    /// The path of a VM hangs now: its controller is not redirected yet, or it writes and nodes are full, or some
    /// peer is dead unnoticed, so that its closed-loop writes run into it one by one.
    pub fn stalled(&self, vm: VmId) -> bool {
        let Some(disk) = self.state.disks.get(vm) else { return false };
        let Some(pool) = self.state.pool(self.state.side(disk.host)) else { return false };
        if pool.profile.service == Service::Local && pool.node(disk.host).path == Path::Hangs {
            return true;
        }
        let writes = disk.load.writes_per_s > 0.0;
        let spread = pool.copies() > 1 || pool.profile.service == Service::Owner;
        let waits = pool.nodes.iter().any(|n| !n.serves() && n.trusted());
        writes && (pool.rebuild.read_only || spread && waits)
    }

    /// Windows open and close: background work reaches the stations only while one is open.
    pub fn set_window(&mut self, open: bool, _infra: &mut Infra, cx: &mut Cx<'_>) {
        self.background.set_open(open);
        for side in Side::BOTH {
            if let Some(Backend::Pool(pool)) = &self.state.backends[side as usize] {
                self.background.wake(pool, cx);
            }
        }
    }

    /// Facts that are complete only at the end: exposure, rebuild time, losses.
    pub fn finish(&mut self, cx: &mut Cx<'_>) {
        for side in Side::BOTH {
            if let Some(pool) = self.state.pool_mut(side) {
                pool.rebuild.finish(side, cx);
                pool.rebuild.ledger.close(side, cx);
            }
        }
    }

    pub(super) fn wake(&mut self, on: impl Fn(Wait) -> bool, infra: &Infra, cx: &mut Cx<'_>) {
        self.executor.wake(on, Ground { state: &self.state, infra }, cx);
    }
}

impl Pool {
    /// Changes the state of a node's copies where `to` has an answer; copies being made in their place are
    /// dropped when the old ones are back.
    fn mark(&mut self, host: HostId, to: impl Fn(Copies) -> Option<Copies>) {
        let number = self.number(host) as u16;
        let on_node = self.groups.iter().filter(|(_, s)| s.node == number);
        let changed: Vec<(SlotId, Copies)> = on_node.filter_map(|(id, s)| Some((id, to(s.state)?))).collect();
        for (id, state) in changed {
            self.groups.edit(id, |s| {
                s.state = state;
                if state == Copies::Live {
                    s.copy = None;
                }
            });
        }
    }
}
