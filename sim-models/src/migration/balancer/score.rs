//! VMs go where they get more of what they ask for: the Distributed Resource Scheduler since vSphere 7.
//!
//! The score of a VM is the part of what it asks for that it gets, running over running and waiting, from the
//! same closed form that its ready time comes from; here it rests on CPU alone (DRS counts memory and network
//! as well). What it would get elsewhere is solved with it among the others there. Off goes what moving it
//! costs: the cores that the migration takes at both ends, over what the VM asks for within the horizon.
//!
//! A host takes part in one move at a time (assumed), so that what a move brings is seen before the next. A
//! VM moves only to where it does better with everybody it meets there, and by more than a margin: moves die
//! out when hosts are alike.

use super::{Found, Movers, OnItsWay, Step};
use crate::ids::{HostId, VmId};
use crate::vm::rank;
use crate::world::Infra;

/// VMs of one host that are tried at a check: who loses most is likely to gain, and trying costs a solution of
/// a pool.
const TRIES: u32 = 3;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// Least part of what it asks for that a VM must gain.
    pub least_gain: f64,
    /// Core-seconds that a migration takes per byte of memory.
    pub core_seconds_per_byte: f64,
    /// Seconds for which present demand is taken to last.
    pub horizon: f64,
}

/// Hosts of the cluster: whether they take part in a move, and how often one has been tried from there.
struct Turns {
    taken: Vec<bool>,
    tries: Vec<u32>,
}

impl Score {
    /// What to move now.
    pub fn plan(&self, movers: &Movers<'_>, under_way: &[OnItsWay], infra: &mut Infra) -> Found {
        let mut waiting: Vec<(f64, VmId)> = movers
            .all(infra)
            .filter(|&vm| infra.cpu.lost(vm) > self.least_gain)
            .map(|vm| (infra.cpu.lost(vm) * infra.cpu.asked(vm), vm))
            .collect();
        let name = |vm: VmId| &movers.vms.get(vm).name;
        waiting.sort_by_cached_key(|&(_, vm)| rank(name(vm), "balancer"));
        waiting.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut turns = Turns { taken: vec![false; infra.hosts.len()], tries: vec![0; infra.hosts.len()] };
        for it in under_way {
            for host in [Some(it.from), it.to].into_iter().flatten() {
                turns.taken[host.index()] = true;
            }
        }
        let mut steps = Vec::new();
        for &(_, vm) in &waiting {
            if let Some(step) = self.step(vm, movers, &mut turns, infra) {
                turns.taken[step.from.index()] = true;
                turns.taken[step.to.index()] = true;
                steps.push(step);
            }
        }
        Found { strained: !waiting.is_empty(), steps }
    }

    fn step(&self, vm: VmId, movers: &Movers<'_>, turns: &mut Turns, infra: &mut Infra) -> Option<Step> {
        let from = movers.vms.get(vm).host;
        if turns.taken[from.index()] || turns.tries[from.index()] >= TRIES {
            return None;
        }
        let loses = infra.cpu.lost(vm);
        let group = movers.vms.group(vm);
        let bytes = group.memory.as_f64() * group.resident;
        let cost = bytes * self.core_seconds_per_byte / (infra.cpu.asked(vm) * self.horizon);
        if loses - cost < self.least_gain {
            return None;
        }
        let to = destination(vm, from, movers, turns, infra)?;
        turns.tries[from.index()] += 1;
        let gain = loses - infra.cpu.would_lose(vm, to) - cost;
        (gain >= self.least_gain).then_some(Step { vm, from, to })
    }
}

/// The host whose pools are least loaded where its vCPUs would be, if that is less than where it is.
fn destination(vm: VmId, from: HostId, movers: &Movers<'_>, turns: &Turns, infra: &Infra) -> Option<HostId> {
    let name = &movers.vms.get(vm).name;
    let open = infra
        .hosts
        .up(movers.side)
        .filter(|&h| h != from && !turns.taken[h.index()] && movers.vms.fits(vm, h, infra));
    let there = open.map(|h| (infra.cpu.load_around(vm, h), h));
    let best = there.min_by(|a, b| {
        let turn = |h: HostId| rank(name, &infra.hosts[h].name);
        a.0.total_cmp(&b.0).then_with(|| turn(a.1).cmp(&turn(b.1)))
    });
    best.filter(|(load, _)| *load < infra.cpu.load_around(vm, from)).map(|(_, host)| host)
}
