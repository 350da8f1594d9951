//! CPU demand over time: constant within an epoch, the same draws before and after the move.

use super::Vm;
use crate::ids::VmId;
use crate::scenario::{Duty, VmGroup};
use sim_core::{SimTime, Span, Stream, Streams};

/// Demand is constant this long: the step of the traces users have (vCenter and Prism roll up to 5 min).
pub const EPOCH: Span = Span::mins(5);

/// What VMs ask of their vCPUs.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Where in the traces this run begins: one instant for all VMs, so that their peaks coincide as they
    /// did when the trace was taken.
    trace_start: Span,
    draws: Vec<Option<Stream>>,
}

impl Demand {
    /// Streams for VMs whose duty is drawn.
    pub fn build(all: &[Vm], groups: &[VmGroup], streams: &Streams) -> Demand {
        let drawn = |vm: &Vm| matches!(groups[vm.group].cpu.duty, Duty::Drawn(_));
        let mut start = streams.stream("demand", "trace start");
        // Whole days up to a year; the trace is cyclic, so any start is inside it.
        let trace_start = EPOCH * start.below(365 * 288);
        let draws = all.iter().map(|vm| drawn(vm).then(|| streams.stream(&vm.name, "duty"))).collect();
        Demand { trace_start, draws }
    }

    /// Moves all streams onto another run. The place in the traces is part of the past.
    pub fn rekey(&mut self, streams: &Streams) {
        self.draws.iter_mut().flatten().for_each(|s| s.rekey(streams));
    }

    /// Duty of one VM in the epoch that begins now, 0 to 1.
    pub fn duty(&mut self, id: VmId, vm: &Vm, group: &VmGroup, now: SimTime) -> f64 {
        let duty = match (&group.cpu.duty, &mut self.draws[id.index()]) {
            (Duty::Constant(duty), _) => *duty,
            (Duty::Drawn(law), Some(stream)) => law.sample(stream),
            (Duty::Drawn(law), None) => law.mean(),
            (Duty::Traced { mean, columns }, _) => {
                let column = &columns[vm.number as usize % columns.len()];
                mean * column.value_at(now + self.trace_start)
            }
        };
        duty.clamp(0.0, 1.0)
    }
}

/// Mean cores that a VM asks for.
pub fn offered_cores(group: &VmGroup) -> f64 {
    let duty = match &group.cpu.duty {
        Duty::Constant(d) => *d,
        Duty::Drawn(law) => law.mean(),
        Duty::Traced { mean, .. } => *mean,
    };
    f64::from(group.vcpus) * duty
}
