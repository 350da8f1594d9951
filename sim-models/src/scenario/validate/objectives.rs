//! Can the metric of an objective be recorded at all in the phase it names?

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::profile::balancing::Balancer;
use crate::quantity::Resolver;
use crate::scenario::{Claim, Fault, FaultKind, Scenario, StorageDesign, Strike, When};
use sim_core::Span;

/// Notes every objective that would have no samples.
pub(super) fn possible(scenario: &Scenario, r: &mut Resolver) {
    let has = Has::of(scenario);
    for (i, objective) in scenario.objectives.iter().enumerate() {
        let path = format!("objectives[{i}].claim");
        let (metric, side, phase, quantile) = match objective.claim {
            Claim::Quantile { metric, side, phase, .. } => (metric, side, phase, true),
            Claim::Probability { metric, side, phase, .. } => (metric, side, phase, false),
        };
        if side == Side::Source && scenario.source.is_none() {
            r.problem(&format!("{path}.side"), "there is no source", "write `side: Target`");
        }
        if let Some(missing) =
            has.lacks_for_phase(phase, side, quantile && metric.kind() == crate::metric::Kind::Sampled)
        {
            r.problem(&format!("{path}.phase"), missing, "write a phase that the scenario reaches");
        }
        if let Some(missing) = has.lacks_for_metric(metric, side) {
            r.problem(
                &format!("{path}.metric"),
                format!("{metric} cannot be recorded: {missing}"),
                "write another metric, or a scenario in which it happens",
            );
        }
    }
}

/// What a scenario has, as far as metrics need it.
struct Has {
    wave: bool,
    faults: bool,
    /// A fault that is seen to happen, not one that was there from the start.
    strikes: bool,
    /// A fault after which copies are made again.
    rebuild: bool,
    /// A fault that takes VMs with it.
    restarts: bool,
    before: bool,
    after: bool,
    duress: bool,
    live: [bool; 2],
    balancer: [bool; 2],
}

impl Has {
    fn of(scenario: &Scenario) -> Has {
        let live = |side| scenario.cluster(side).is_some_and(|c| c.live_migrations_per_hour > 0.0);
        let balancer =
            |side| scenario.cluster(side).is_some_and(|c| c.profile.balancing.balancer != Balancer::None);
        let happening = |f: &&Fault| !matches!(f.when, When::Never);
        let faults: Vec<&Fault> = scenario.faults.iter().filter(happening).collect();
        let any = |test: &dyn Fn(&FaultKind) -> bool| faults.iter().any(|f| f.kinds().any(test));
        let copies = |side: Side| {
            scenario
                .cluster(side)
                .is_some_and(|c| matches!(&c.storage, StorageDesign::Replicated(s) if s.copies > 1))
        };
        Has {
            wave: scenario.wave.is_some(),
            faults: !faults.is_empty(),
            strikes: faults.iter().any(|f| !matches!(f.when, When::FromTheStart)),
            rebuild: any(&|kind| match *kind {
                FaultKind::Host { side, .. }
                | FaultKind::Device { side, .. }
                | FaultKind::Cvm { side, .. }
                | FaultKind::PowerDomain { side, .. } => copies(side),
                _ => false,
            }),
            restarts: any(&|kind| matches!(kind, FaultKind::Host { .. } | FaultKind::PowerDomain { .. })),
            before: scenario.timeline.before > Span::ZERO,
            after: scenario.timeline.after > Span::ZERO,
            duress: scenario.timeline.duress > Span::ZERO,
            live: [live(Side::Source), live(Side::Target)],
            balancer: [balancer(Side::Source), balancer(Side::Target)],
        }
    }

    /// What the phase needs and the scenario has not.
    fn lacks_for_phase(&self, phase: Option<Phase>, side: Side, needs_duress: bool) -> Option<&'static str> {
        let need = |there: bool, lack: &'static str| (!there).then_some(lack);
        match phase {
            None if needs_duress => need(self.faults, "no phase is named and nothing breaks"),
            None => None,
            Some(Phase::SourceSteady) if side == Side::Target => {
                Some("the target has no source_steady phase")
            }
            Some(Phase::SourceSteady) => need(self.before, "the act before the move has no length"),
            Some(Phase::TargetSteady) if side == Side::Source => {
                Some("the source has no target_steady phase")
            }
            Some(Phase::TargetSteady) => {
                need(self.after || self.duress, "the act after the move has no length")
            }
            Some(Phase::Migrating) => need(self.wave, "there is no wave"),
            Some(Phase::Detecting) => need(self.strikes, "nothing breaks during a run"),
            Some(Phase::Degraded) => need(self.faults, "nothing breaks"),
            Some(Phase::Rebuilding) => need(self.rebuild, "nothing breaks that is rebuilt"),
            Some(Phase::RebuildMigrating) => {
                need(self.rebuild && self.wave, "that takes a wave and a fault that is rebuilt")
            }
        }
    }

    /// What the metric needs and the scenario has not.
    fn lacks_for_metric(&self, metric: Metric, side: Side) -> Option<&'static str> {
        use Metric::*;
        let need = |there: bool, lack: &'static str| (!there).then_some(lack);
        let live = self.live[side as usize];
        match metric {
            Pause | PauseCopy | PauseDevice | PauseHandshake | Outage | Freeze | MigrationTime | Rounds => {
                need(live, "that side has no live migrations")
            }
            CutoverOutage | MoveTime | CutoverLag | WaveTime => need(self.wave, "there is no wave"),
            FailedMigrations | RolledBack => {
                need(live || self.wave, "there is neither a wave nor a live migration")
            }
            BalancerMoves => need(self.balancer[side as usize], "that side's platform balances nothing"),
            WorstIo | IoCompleted | IoStalled => need(self.strikes, "nothing breaks during a run"),
            RestartOutage | VmsDown => need(self.restarts, "no fault takes VMs with it"),
            RebuildTime | Exposure => need(self.rebuild, "nothing breaks that is rebuilt"),
            UnavailableBytes | LostBytes => need(self.faults, "nothing breaks"),
            _ => None,
        }
    }
}

impl Fault {
    /// Everything it may be.
    fn kinds(&self) -> impl Iterator<Item = &FaultKind> {
        let (one, several) = match &self.strike {
            Strike::One(kind) => (Some(kind), &[][..]),
            Strike::OneOf(kinds) => (None, &kinds[..]),
        };
        one.into_iter().chain(several.iter().map(|(_, kind)| kind))
    }
}
