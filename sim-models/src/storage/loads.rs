//! What guests ask of controllers and links, as rates: worked out anew for a whole cluster when something
//! has changed, once per instant.
//!
//! Sums of floats run over VMs in the order of their names and over nodes in order, so that a VM that asks
//! for nothing changes nothing, bit for bit.

use super::disks::Disks;
use super::pool::Pool;
use super::throttle::{self, Supply};
use super::{Event, Storage};
use crate::event::{self, Cx};
use crate::ids::Side;
use crate::profile::storage::{Service, StorageProfile};
use crate::scenario::Domain;
use crate::world::Infra;
use sim_core::{Bytes, Rate, SimTime, Span};

/// Rates of copies change loads, loads change budgets, budgets change rates: a pause in that circle makes
/// it converge in time instead of at one instant.
pub(super) const COPY_RATE_DELAY: Span = Span::ms(100);
/// While some VM's data are on their way to its host, loads are worked out this often: a step of the method,
/// short against the minutes that data take to move.
const LOCALITY_STEP: Span = Span::secs(60);
/// Budgets that move by less than this share are left alone: a step of the method.
const BUDGET_STEP: f64 = 0.01;
/// Significant bits of what a pair of nodes offers, a step of 0.4 to 0.8 %. While data follow VMs that have moved,
/// the traffic of all pairs creeps: of ten changes nine are below a thousandth, and no port feels them. Rounding,
/// unlike a threshold, does not depend on what was before.
const OFFER_BITS: u32 = 8;
/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// What the VMs of one host, or the requests that enter at one node, ask for per second.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    reads: f64,
    writes: f64,
    read_bytes: f64,
    write_bytes: f64,
    far_reads: f64,
    far_bytes: f64,
}

impl Asked {
    fn add(&mut self, o: &Asked, share: f64) {
        self.reads += o.reads * share;
        self.writes += o.writes * share;
        self.read_bytes += o.read_bytes * share;
        self.write_bytes += o.write_bytes * share;
        self.far_reads += o.far_reads * share;
        self.far_bytes += o.far_bytes * share;
    }
}

/// Controller cores by node and bytes per second from node to node (row by sender).
#[derive(Clone, Debug)]
struct Demand {
    cores: Vec<f64>,
    traffic: Vec<f64>,
}

impl Storage {
    /// Has loads, traffic and budgets of a side worked out after `delay`, once.
    pub(super) fn refresh_soon(&mut self, side: Side, delay: Span, cx: &mut Cx<'_>) {
        let (at, due) = (cx.now + delay, &mut self.refresh_due[side as usize]);
        if self.state.pool(side).is_some() && at < *due {
            *due = at;
            cx.at(at, event::Event::Storage(Event::Refresh(side)));
        }
    }

    pub(super) fn refresh(&mut self, side: Side, infra: &mut Infra, cx: &mut Cx<'_>) {
        // One that was asked for later but comes sooner leaves the other stale.
        let due = &mut self.refresh_due[side as usize];
        if *due != cx.now {
            return;
        }
        *due = SimTime::NEVER;
        let disks = &self.state.disks;
        let Some(super::Backend::Pool(pool)) = self.state.backends[side as usize].as_mut() else { return };
        let (by_host, unsettled) = by_host(pool, disks, cx.now);
        let demand = demand(pool, &by_host);
        offer(pool, &demand.traffic, infra, cx);
        load_controllers(pool, &demand.cores, infra, cx);
        set_budgets(pool, infra, cx);
        self.background.wake(pool, cx);
        if pool.dealt_badly() {
            self.stop_copies(side, infra, cx);
            self.make_copies(side, infra, cx);
        }
        if unsettled {
            self.refresh_soon(side, LOCALITY_STEP, cx);
        }
    }
}

/// What each host's VMs ask for, and whether data of some are still on their way to them.
fn by_host(pool: &Pool, disks: &Disks, now: SimTime) -> (Vec<Asked>, bool) {
    let mut asked = vec![Asked::default(); pool.nodes.len()];
    let mut unsettled = false;
    let first = pool.nodes[0].host.index();
    for disk in disks.iter() {
        let Some(sum) = disk.host.index().checked_sub(first).and_then(|n| asked.get_mut(n)) else { continue };
        let (mut load, p) = (disk.load, &pool.profile);
        if pool.rebuild.read_only {
            load.writes_per_s = 0.0;
        }
        let far = match p.service {
            Service::Local => (1.0 - p.cache_hit) * (1.0 - disk.locality(now, p)),
            Service::Owner => 0.0,
        };
        unsettled |= far > 0.01 && load.reads_per_s > 0.0;
        let (read_bytes, write_bytes) =
            (load.reads_per_s * load.mean_bytes, load.writes_per_s * load.mean_bytes);
        let ask = Asked {
            reads: load.reads_per_s,
            writes: load.writes_per_s,
            read_bytes,
            write_bytes,
            far_reads: load.reads_per_s * far,
            far_bytes: read_bytes * far,
        };
        sum.add(&ask, 1.0);
    }
    (asked, unsettled)
}

/// From what hosts ask to what nodes do.
fn demand(pool: &Pool, by_host: &[Asked]) -> Demand {
    let n = pool.nodes.len();
    let mut demand = Demand { cores: vec![0.0; n], traffic: vec![0.0; n * n] };
    let mut entering = vec![Asked::default(); n];
    let trusted: Vec<usize> = (0..n).filter(|&i| pool.nodes[i].trusted()).collect();
    for (host, asked) in by_host.iter().enumerate() {
        match pool.profile.service {
            Service::Local => {
                let Ok(at) = pool.entry(pool.nodes[host].host) else { continue };
                enter(&mut demand, &mut entering[at], (host, at, n), asked, 1.0);
            }
            Service::Owner => {
                for &at in &trusted {
                    let share = 1.0 / trusted.len() as f64;
                    enter(&mut demand, &mut entering[at], (host, at, n), asked, share);
                }
            }
        }
    }
    let work = Work::of(&pool.profile);
    for (at, asked) in entering.iter().enumerate() {
        serve(pool, &work, &trusted, (at, asked), &mut demand);
    }
    demand
}

/// Mean controller work of each kind, seconds: the mean of a law takes an exponential, pairs of nodes are many.
struct Work {
    read: f64,
    write: f64,
    replica: f64,
    metadata: f64,
}

impl Work {
    fn of(p: &StorageProfile) -> Work {
        Work {
            read: p.read_work.mean(),
            write: p.primary_work.mean() + p.ack_work.mean(),
            replica: p.replica_work.mean(),
            metadata: p.metadata_work.mean(),
        }
    }
}

fn enter(demand: &mut Demand, node: &mut Asked, way: (usize, usize, usize), asked: &Asked, share: f64) {
    let (host, at, n) = way;
    node.add(asked, share);
    if host != at {
        demand.traffic[host * n + at] += asked.write_bytes * share;
        demand.traffic[at * n + host] += asked.read_bytes * share;
    }
}

/// Work and traffic of requests that enter at one node.
fn serve(pool: &Pool, work: &Work, trusted: &[usize], (at, asked): (usize, &Asked), demand: &mut Demand) {
    let (p, n) = (&pool.profile, pool.nodes.len());
    demand.cores[at] += asked.reads * work.read;
    demand.cores[at] += asked.writes * work.write;
    let others: Vec<usize> = trusted.iter().copied().filter(|&o| o != at).collect();
    if others.is_empty() {
        return;
    }
    let apart = |o: &usize| pool.nodes[*o].rack != pool.nodes[at].rack;
    let racks = pool.design.spread == Domain::Rack && others.iter().any(apart);
    let peers: Vec<usize> = others.iter().copied().filter(|o| !racks || apart(o)).collect();

    let copies = (pool.copies() - 1) as f64 / peers.len() as f64;
    let shipped = if p.drain_ships { 1.0 + p.drain_share } else { 1.0 };
    for &peer in &peers {
        demand.cores[peer] += asked.writes * copies * work.replica;
        demand.traffic[at * n + peer] += asked.write_bytes * copies * shipped;
    }
    let share = 1.0 / others.len() as f64;
    for &other in &others {
        demand.cores[other] += asked.far_reads * share * work.replica;
        demand.cores[other] += asked.reads * p.metadata_miss * share * work.metadata;
        demand.traffic[other * n + at] += asked.far_bytes * share;
    }
}

/// Tells the fabric about pairs whose traffic has changed.
fn offer(pool: &mut Pool, traffic: &[f64], infra: &mut Infra, cx: &mut Cx<'_>) {
    let n = pool.nodes.len();
    for from in 0..n {
        for to in 0..n {
            let alive = pool.nodes[from].serves() && pool.nodes[to].serves();
            let rate = if alive { in_steps(Rate::from_f64(traffic[from * n + to])) } else { Rate::ZERO };
            if from != to && pool.offered[from * n + to] != rate {
                pool.offered[from * n + to] = rate;
                infra.fabric.offer(pool.nodes[from].host, pool.nodes[to].host, rate, cx);
            }
        }
    }
}

/// To [`OFFER_BITS`] significant bits.
fn in_steps(rate: Rate) -> Rate {
    let step = 1u64 << (u64::BITS - rate.0.leading_zeros()).saturating_sub(OFFER_BITS);
    Rate((rate.0 + step / 2) / step * step)
}

/// Tells the CPU model what controllers have to do, bulk work included.
fn load_controllers(pool: &mut Pool, guests: &[f64], infra: &mut Infra, cx: &mut Cx<'_>) {
    let copied = pool.rebuild.rates(pool.nodes.len(), infra);
    for (node, (&guests, copied)) in pool.nodes.iter_mut().zip(guests.iter().zip(copied)) {
        let alive = node.serves();
        node.copied = copied;
        let bulk = (copied + node.ingest).as_f64() / MIB * pool.profile.copy_work.as_secs();
        node.guest_cores = if alive { guests } else { 0.0 };
        let cores = if alive { guests + bulk } else { 0.0 };
        if cores != node.cores {
            node.cores = cores;
            infra.cpu.set_cvm_load(node.host, cores, cx);
        }
    }
}

/// Cores that a controller really gets and what its devices give, as budgets of bulk work.
pub(super) fn set_budgets(pool: &mut Pool, infra: &mut Infra, cx: &mut Cx<'_>) {
    for number in 0..pool.nodes.len() {
        let wanted = budgets(pool, number, infra);
        let node = &mut pool.nodes[number];
        for (i, link) in [node.bulk, node.copying].into_iter().enumerate() {
            let (was, is) = (node.budgets[i].as_f64(), wanted[i].as_f64());
            if (is - was).abs() > BUDGET_STEP * was || (was == 0.0) != (is == 0.0) {
                node.budgets[i] = wanted[i];
                infra.fabric.set_budget(link, wanted[i], cx);
            }
        }
    }
}

fn budgets(pool: &Pool, number: usize, infra: &Infra) -> [Rate; 2] {
    let (node, p) = (&pool.nodes[number], &pool.profile);
    if !node.serves() {
        return [Rate::ZERO; 2];
    }
    // Ready time takes the same share of a controller's cycles as it stretches its services.
    let cores = f64::from(pool.design.cvm_vcpus) / infra.cpu.cvm_stretch(node.host);
    let devices = pool.design.devices - node.dead_devices.count_ones().min(pool.design.devices);
    let supply = Supply {
        controller: cores * MIB / p.copy_work.as_secs().max(1e-9),
        devices: p.data_write_rate.as_f64() * f64::from(devices),
        network: pool.nic.as_f64() * p.rebuild_nic_share,
        guests: (node.guest_cores / cores).min(1.0),
    };
    // Guests come first, yet bulk work is never starved: a quarter is what Nutanix guarantees maintenance.
    let left = supply.controller * (1.0 - supply.guests).max(0.25);
    let bulk = Rate::from_f64(left.min(supply.devices));
    [bulk, throttle::budget(pool.design.throttle, supply, pool.rebuild.pace)]
}

/// Mean write latency that guests of a node see now, in seconds: services and waits at its controller, the
/// log, the way. An estimate from macroscopic state alone.
pub(super) fn write_latency(pool: &Pool, number: usize, infra: &Infra) -> f64 {
    let (node, p) = (&pool.nodes[number], &pool.profile);
    let stretch = infra.cpu.cvm_stretch(node.host);
    let servers = f64::from(pool.design.cvm_vcpus);
    let load = node.cores * stretch / servers;
    let copies = (pool.copies() - 1).min(1) as f64;
    let work = p.primary_work.mean() + p.ack_work.mean() + copies * p.replica_work.mean();
    let slowed = work * stretch * (1.0 + throttle::queueing(load, servers));
    p.hop.mean() + slowed + p.log_write.mean()
}

impl Storage {
    /// The data of a side have become more or less: groups and copies follow.
    pub(super) fn weigh(&mut self, side: Side, _infra: &mut Infra, cx: &mut Cx<'_>) {
        let disks = &self.state.disks;
        let Some(super::Backend::Pool(pool)) = self.state.backends[side as usize].as_mut() else { return };
        let first = pool.nodes[0].host.index();
        let here = first..first + pool.nodes.len();
        let data: Bytes = disks.iter().filter(|d| here.contains(&d.host.index())).map(|d| d.bytes).sum();
        pool.groups.set_data(data);
        self.refresh_soon(side, Span::ZERO, cx);
    }
}
