//! The last wave: which VMs cross, in which order, how many at once.

use super::moved::Moved;
use crate::ids::{HostId, Side, VmId};
use crate::metric::Metric;
use crate::record::{Condition, count};
use crate::scenario;
use crate::vm::Vms;
use sim_core::digest::hash_name;
use sim_core::{SimTime, Span};

/// The wave of a run.
#[derive(Clone, Debug)]
pub struct Wave {
    /// What the scenario asks for.
    pub plan: scenario::Wave,
    waiting: Vec<VmId>,
    moving: Vec<(VmId, HostId)>,
    began: Option<SimTime>,
    ended: bool,
    moved: Moved,
}

impl Wave {
    /// Nothing planned yet.
    pub fn new(plan: scenario::Wave) -> Wave {
        Wave {
            plan,
            waiting: Vec::new(),
            moving: Vec::new(),
            began: None,
            ended: false,
            moved: Moved::default(),
        }
    }

    /// The last VMs of each group, in an order that their names decide: a VM more or less shifts nobody.
    pub fn line_up(&mut self, vms: &Vms) {
        let moves = |vm: &VmId| {
            let (it, group) = (vms.get(*vm), vms.group(*vm));
            let moving = self.plan.vms_per_group.get(it.group).copied().unwrap_or(0);
            it.number >= group.count.saturating_sub(moving)
        };
        self.waiting = vms.ids().filter(moves).collect();
        self.waiting.sort_by_cached_key(|&vm| hash_name(&[&vms.get(vm).name, "wave"]));
    }

    /// VMs that have not begun to move, in order.
    pub fn waiting(&self) -> impl Iterator<Item = VmId> + '_ {
        self.waiting.iter().copied()
    }

    /// It has not begun.
    pub fn is_ahead(&self) -> bool {
        self.began.is_none()
    }

    /// It begins.
    pub fn begin(&mut self, cx: &mut crate::event::Cx<'_>) {
        self.began = Some(cx.now);
        let (vms, at_once) = (self.waiting.len() as u64, self.plan.in_all.max(1));
        cx.record.note(cx.now, || format!("the wave begins: {}, {at_once} at a time", count(vms, "VM")));
        cx.record.enter(cx.now, Condition::Migrating);
    }

    /// Whether a VM on this host may begin now.
    pub fn admits(&self, from: HostId) -> bool {
        let here = self.moving.iter().filter(|(_, h)| *h == from).count();
        self.began.is_some()
            && here < self.plan.per_host.max(1) as usize
            && self.moving.len() < self.plan.in_all.max(1) as usize
    }

    /// A VM begins to move.
    pub fn moves(&mut self, vm: VmId, from: HostId) {
        self.waiting.retain(|&v| v != vm);
        self.moving.push((vm, from));
    }

    /// A VM cannot move at all.
    pub fn skip(&mut self, vm: VmId) {
        self.waiting.retain(|&v| v != vm);
        self.moved.failed += 1;
    }

    /// A VM's move has ended; with the outage if it is up at the target.
    pub fn moved(&mut self, vm: VmId, outage: Option<Span>) {
        self.moving.retain(|(v, _)| *v != vm);
        match outage {
            Some(outage) => self.moved.add(outage),
            None => self.moved.failed += 1,
        }
    }

    fn so_far(&self) -> String {
        let Moved { count: moved, longest, failed } = self.moved;
        let failed = if failed > 0 { format!(", {failed} not moved") } else { String::new() };
        format!("{} moved, longest outage {longest}{failed}", count(moved, "VM"))
    }

    /// Ends the wave if nobody moves or waits any more.
    pub fn end_if_over(&mut self, cx: &mut crate::event::Cx<'_>) {
        let Some(began) = self.began else { return };
        if self.ended || !self.waiting.is_empty() || !self.moving.is_empty() {
            return;
        }
        self.ended = true;
        let took = cx.now.since(began);
        cx.record.note(cx.now, || format!("the wave is over after {took}: {}", self.so_far()));
        cx.record.leave(cx.now, Condition::Migrating);
        cx.record.per_run_max(Metric::WaveTime, Side::Target, took.0);
    }

    /// The act ends. A wave that has not ended counts with the time it has taken so far: it took longer.
    pub fn finish(&mut self, cx: &mut crate::event::Cx<'_>) {
        let Some(began) = self.began.filter(|_| !self.ended) else { return };
        let (waiting, moving) = (self.waiting.len(), self.moving.len());
        cx.record.note(cx.now, || {
            let moving = count(moving as u64, "VM");
            format!("the wave is not over: {}; {moving} on the way, {waiting} waiting", self.so_far())
        });
        cx.record.per_run_max(Metric::WaveTime, Side::Target, cx.now.since(began).0);
    }
}
