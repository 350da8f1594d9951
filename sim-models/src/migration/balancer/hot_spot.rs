//! Contention is taken off hosts that have too much of it, and nothing else is done: Acropolis Dynamic
//! Scheduling.
//!
//! Which VMs leave is not published. Here (assumed): the smallest that brings its host below the limit alone;
//! if there is none, the largest, and so on. Each goes to the host that is asked for the smallest share of its
//! cores, if that stays below the limit with it and has the memory: a VM that is sent away makes no other host
//! hot, and where nobody has room, nothing moves.

use super::{Found, Movers, OnItsWay, Step};
use crate::ids::{HostId, VmId};
use crate::vm::rank;
use crate::world::Infra;
use sim_core::Bytes;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct HotSpot {
    /// A host, or its controller VM, that is asked for a larger share of its CPU is hot.
    pub above: f64,
    /// Controller work of a read and of a write, seconds.
    pub work: (f64, f64),
}

/// A host as it will be when every move planned so far is over.
#[derive(Clone, Copy, Debug)]
struct Spot {
    host: HostId,
    cores: f64,
    /// Cores over the limit; negative: still free.
    over: f64,
    /// vCPUs of its controller VM over the limit.
    controller_over: f64,
    /// Memory of VMs that are on their way to it.
    coming: Bytes,
}

impl Spot {
    fn is_hot(&self) -> bool {
        self.over > 0.0 || self.controller_over > 0.0
    }

    fn add(&mut self, load: &Load, sign: f64) {
        self.over += sign * load.cores;
        self.controller_over += sign * load.controller;
    }

    fn takes(&self, load: &Load) -> bool {
        self.over + load.cores <= 0.0 && self.controller_over + load.controller <= 0.0
    }

    /// What a VM takes off the more pressing of both, and how much of that is needed.
    fn relief(&self, load: &Load) -> (f64, f64) {
        if self.over > 0.0 { (load.cores, self.over) } else { (load.controller, self.controller_over) }
    }
}

/// What a VM brings with it.
#[derive(Clone, Copy, Debug)]
struct Load {
    vm: VmId,
    cores: f64,
    controller: f64,
    memory: Bytes,
}

impl HotSpot {
    /// What to move now.
    pub fn plan(&self, movers: &Movers<'_>, under_way: &[OnItsWay], infra: &Infra) -> Found {
        let mut spots: Vec<Spot> = infra.hosts.up(movers.side).map(|host| self.spot(host, infra)).collect();
        for it in under_way {
            let load = self.load(it.vm, movers, infra);
            let Some(to) = it.to.and_then(|to| spots.iter_mut().find(|s| s.host == to)) else { continue };
            to.coming += load.memory;
            // In post-copy it runs over there already.
            if movers.vms.get(it.vm).host == it.from {
                to.add(&load, 1.0);
                spots.iter_mut().filter(|s| s.host == it.from).for_each(|s| s.add(&load, -1.0));
            }
        }
        let mut hot: Vec<usize> = (0..spots.len()).filter(|&i| spots[i].is_hot()).collect();
        hot.sort_by(|&a, &b| spots[b].over.total_cmp(&spots[a].over));
        let strained = !hot.is_empty();
        let mut steps = Vec::new();
        for at in hot {
            self.relieve(at, &mut spots, &mut steps, movers, infra);
        }
        Found { strained, steps }
    }

    fn spot(&self, host: HostId, infra: &Infra) -> Spot {
        let it = infra.cpu.strain(host);
        Spot {
            host,
            cores: it.cores,
            over: it.asked - self.above * it.cores,
            controller_over: it.controller - self.above * it.controller_vcpus,
            coming: Bytes::ZERO,
        }
    }

    /// A VM's share of the work of the controller that its requests enter at. What their copies cost others,
    /// they cost wherever it is.
    fn load(&self, vm: VmId, movers: &Movers<'_>, infra: &Infra) -> Load {
        let (reads, writes) = movers.vms.request_rates(vm);
        let controller = reads * self.work.0 + writes * self.work.1;
        Load { vm, cores: infra.cpu.asked(vm), controller, memory: movers.vms.group(vm).memory }
    }

    fn relieve(
        &self,
        at: usize,
        spots: &mut [Spot],
        steps: &mut Vec<Step>,
        movers: &Movers<'_>,
        infra: &Infra,
    ) {
        let from = spots[at].host;
        let here = movers.all(infra).filter(|&vm| movers.vms.get(vm).host == from);
        let mut here: Vec<Load> = here.map(|vm| self.load(vm, movers, infra)).collect();
        while spots[at].is_hot() {
            let hot = spots[at];
            let key = |load: &Load| {
                let (takes_off, needed) = hot.relief(load);
                let alone = takes_off >= needed;
                (!alone, if alone { takes_off } else { -takes_off })
            };
            here.retain(|load| hot.relief(load).0 > 0.0);
            here.sort_by_cached_key(|load| rank(&movers.vms.get(load.vm).name, "balancer"));
            here.sort_by(|a, b| {
                let (a, b) = (key(a), key(b));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
            let choice = here.iter().enumerate().find_map(|(i, load)| {
                let to = destination(at, load, spots, movers, infra)?;
                Some((i, to))
            });
            let Some((i, to)) = choice else { return };
            let load = here.remove(i);
            spots[at].add(&load, -1.0);
            spots[to].add(&load, 1.0);
            spots[to].coming += load.memory;
            steps.push(Step { vm: load.vm, from, to: spots[to].host });
        }
    }
}

/// The least loaded of the other hosts that stay below the limit with it.
fn destination(at: usize, load: &Load, spots: &[Spot], movers: &Movers<'_>, infra: &Infra) -> Option<usize> {
    let open = |&i: &usize| {
        let spot = &spots[i];
        let memory = spot.coming + load.memory;
        i != at && spot.takes(load) && infra.memory.admits(spot.host, memory).is_ok()
    };
    let name = &movers.vms.get(load.vm).name;
    let others = (0..spots.len()).filter(open);
    others.min_by(|&a, &b| {
        let share = |i: usize| spots[i].over / spots[i].cores;
        let turn = |i: usize| rank(name, &infra.hosts[spots[i].host].name);
        share(a).total_cmp(&share(b)).then_with(|| turn(a).cmp(&turn(b)))
    })
}
