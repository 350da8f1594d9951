//! A platform's own balancing of running VMs: when it looks, and what it then asks for.
//!
//! ```text
//!   cpu settles --> strain begins --> next check of the cluster's clock --> plan --> queue --> live
//!                                       every 15 min (ADS), 1 min (DRS)     |
//!                                       30 min after one that acted --------+
//! ```
//!
//! A check that would find nothing is no event: the CPU model says when a host, or a VM, comes to where the
//! platform acts, and only then is the next check due. A cluster without strain runs as if nobody looked.
//! Checks look at what is asked for now; what platforms see is a mean over some past that is not published.

mod hot_spot;
mod score;
#[cfg(test)]
mod tests;

use super::{Asked, Event, Migrations, Room};
use crate::cpu::strain::{Alarm, Limit};
use crate::event;
use crate::ids::{HostId, Side, VmId};
use crate::profile::balancing::{self, BalancingProfile};
use crate::scenario::{Cluster, StorageDesign};
use crate::vm::{State, Vms};
use crate::world::Infra;
use sim_core::{SimTime, Span, Streams};

/// A move that a balancer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    vm: VmId,
    from: HostId,
    to: HostId,
}

/// A VM on its way to another host, or about to be.
#[derive(Clone, Copy, Debug)]
struct OnItsWay {
    vm: VmId,
    from: HostId,
    /// `None` while nobody has chosen.
    to: Option<HostId>,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
struct Found {
    /// There is something that the platform would act upon.
    strained: bool,
    steps: Vec<Step>,
}

/// How a platform decides.
#[derive(Clone, Copy, Debug)]
enum Rule {
    HotSpot(hot_spot::HotSpot),
    Score(score::Score),
}

/// The balancer of one cluster.
#[derive(Clone, Debug)]
pub struct Balancer {
    side: Side,
    every: Span,
    again_after: Span,
    /// The next check of its clock.
    next: SimTime,
    rule: Rule,
}

impl Balancer {
    /// The balancer of a cluster; `None` if its platform has none. When its clock began is drawn: it knows
    /// nothing of when a scenario begins.
    pub fn build(side: Side, cluster: &Cluster, streams: &Streams) -> Option<Balancer> {
        let BalancingProfile { balancer, every, again_after, above, least_gain, pays_back_in } =
            cluster.profile.balancing;
        let rule = match balancer {
            balancing::Balancer::None => return None,
            balancing::Balancer::HotSpot => Rule::HotSpot(hot_spot::HotSpot { above, work: work(cluster) }),
            balancing::Balancer::Score => {
                // At both ends.
                let per_rate = 2.0 * cluster.profile.migration.cores_per_10gbps / 1.25e9;
                let horizon = pays_back_in.as_secs();
                Rule::Score(score::Score { least_gain, core_seconds_per_byte: per_rate, horizon })
            }
        };
        let begins = streams.stream(&cluster.name, "balancer").uniform_open();
        let next = SimTime::ZERO + Span::from_secs_f64(every.as_secs() * begins);
        Some(Balancer { side, every, again_after, next, rule })
    }

    /// Waits for strain.
    pub fn listen(&self, infra: &mut Infra) {
        let limit = match &self.rule {
            Rule::HotSpot(it) => Limit::Asked(it.above),
            Rule::Score(it) => Limit::Lost(it.least_gain),
        };
        let then = event::Event::Migration(Event::Strained(self.side));
        infra.cpu.listen(self.side, Alarm { limit, then });
    }

    /// The first check of its clock that is not over.
    fn due(&mut self, now: SimTime) -> SimTime {
        if self.next < now {
            let late = now.since(self.next);
            self.next += self.every * late.0.div_ceil(self.every.0);
        }
        self.next
    }

    /// When it looks again: later if it has acted.
    fn looked(&mut self, now: SimTime, acted: bool) {
        self.next = now + if acted { self.again_after } else { self.every };
    }
}

/// Controller work of a read and of a write, seconds; none without controller VMs.
fn work(cluster: &Cluster) -> (f64, f64) {
    let p = &cluster.profile.storage;
    match cluster.storage {
        StorageDesign::Replicated(_) => (p.read_work.mean(), p.primary_work.mean() + p.ack_work.mean()),
        StorageDesign::San(_) => (0.0, 0.0),
    }
}

/// VMs of a side that may be asked to move.
struct Movers<'a> {
    side: Side,
    vms: &'a Vms,
    /// VMs that move, wait for it or are copied to another site.
    busy: &'a dyn Fn(VmId) -> bool,
}

impl Movers<'_> {
    /// Those that run, are not busy and whose features every host has.
    fn all<'b>(&'b self, infra: &'b Infra) -> impl Iterator<Item = VmId> + 'b {
        self.vms.ids().filter(move |&vm| {
            self.vms.get(vm).state == State::Running
                && self.vms.side(vm, infra) == self.side
                && self.vms.group(vm).cpu_baseline
                && !(self.busy)(vm)
        })
    }
}

/// One line per host that VMs leave.
fn tell(steps: &[Step], room: &mut Room<'_, '_>) {
    let name = |host: HostId| &room.infra.hosts[host].name;
    for leaving in steps.chunk_by(|a, b| a.from == b.from) {
        let Step { vm, from, to } = leaving[0];
        room.cx.record.note(room.cx.now, || match leaving.len() {
            1 => format!("balancer: {} leaves {} for {}", room.vms.get(vm).name, name(from), name(to)),
            many => format!("balancer: {many} VMs leave {}", name(from)),
        });
    }
}

impl Migrations {
    /// Strain has begun: the next check finds something.
    pub(super) fn strained(&mut self, side: Side, room: &mut Room<'_, '_>) {
        let Some(balancer) = &mut self.balancers[side as usize] else { return };
        let due = balancer.due(room.cx.now);
        room.cx.at(due, event::Event::Migration(Event::Check(side)));
    }

    /// Looks, asks for moves if there is reason to, and looks again while there is.
    pub(super) fn check(&mut self, side: Side, room: &mut Room<'_, '_>) {
        let Some(mut balancer) = self.balancers[side as usize].take() else { return };
        let found = self.plan(&balancer, room);
        balancer.looked(room.cx.now, !found.steps.is_empty());
        tell(&found.steps, room);
        self.asked.extend(found.steps.iter().map(|it| Asked { vm: it.vm, side, to: Some(it.to) }));
        if found.strained {
            room.cx.at(balancer.next, event::Event::Migration(Event::Check(side)));
        } else {
            balancer.listen(room.infra);
        }
        self.balancers[side as usize] = Some(balancer);
    }

    fn plan(&self, balancer: &Balancer, room: &mut Room<'_, '_>) -> Found {
        let busy = |vm: VmId| {
            self.live.contains_key(&vm)
                || self.crossing.contains_key(&vm)
                || self.replicas.contains_key(&vm)
                || self.asked.iter().any(|a| a.vm == vm)
        };
        let movers = Movers { side: balancer.side, vms: room.vms, busy: &busy };
        let under_way = self.under_way_on(balancer.side, room);
        match &balancer.rule {
            Rule::HotSpot(it) => it.plan(&movers, &under_way, room.infra),
            Rule::Score(it) => it.plan(&movers, &under_way, room.infra),
        }
    }

    /// Live migrations of a side that run or wait.
    fn under_way_on(&self, side: Side, room: &Room<'_, '_>) -> Vec<OnItsWay> {
        let live = self.live.iter().map(|(&vm, m)| (vm, m.ends()));
        let live = live.map(|(vm, (from, to))| OnItsWay { vm, from, to: Some(to) });
        let asked = self.asked.iter().map(|a| OnItsWay { vm: a.vm, from: room.vms.get(a.vm).host, to: a.to });
        live.chain(asked).filter(|m| room.infra.hosts[m.from].side == side).collect()
    }
}
