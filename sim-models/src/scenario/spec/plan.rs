//! The wave, the timeline and the objectives, as typed.

use super::SideSpec;
use crate::metric::{self, Metric, Phase};
use crate::quantity::{Fraction, Time};
use serde::Deserialize;

/// The last wave of a migration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveSpec {
    /// Which groups move, and how many VMs of each: `[("web", 16), ("db", 5)]`.
    pub vms: Vec<(String, u32)>,
    /// How each moves. Default `Warm()`.
    #[serde(default)]
    pub method: MethodSpec,
    /// When the first may start, into the act. Default at once.
    #[serde(default = "at_once")]
    pub start: Time,
    /// Moves in progress at once per source host. Default 2.
    #[serde(default = "two")]
    pub per_host: u32,
    /// Moves in progress at once. Default 8.
    #[serde(default = "eight")]
    pub in_all: u32,
    /// Share of the disks already copied when the wave starts. Default 0.95.
    #[serde(default = "seeded")]
    pub seeded: Fraction,
    /// Replication that the cut-over waits for. Default none.
    #[serde(default)]
    pub replication: ReplicationSpec,
}

/// How a VM crosses to another platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum MethodSpec {
    /// Copy while it runs, then rounds of what changed, then stop, final round, boot.
    Warm {
        /// Cut over once a round would take less than this. Default 10 s.
        #[serde(default = "final_round")]
        final_round: Time,
        /// Give up after so many rounds. Default 10.
        #[serde(default = "max_rounds")]
        max_rounds: u32,
    },
    /// Stop, copy, boot.
    Cold,
}

impl Default for MethodSpec {
    fn default() -> MethodSpec {
        MethodSpec::Warm { final_round: final_round(), max_rounds: max_rounds() }
    }
}

/// How far the other site's copy lags behind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ReplicationSpec {
    /// No copy runs ahead of the move.
    #[default]
    None,
    /// Every write waits for the other site.
    Sync {
        /// A dead link stalls writes for this long before replication breaks.
        break_after: Time,
    },
    /// A stream of changes.
    NearSync {
        /// Recovery point objective.
        rpo: Time,
    },
    /// Snapshots.
    Async {
        /// One in each such interval.
        interval: Time,
    },
}

/// Lengths of the acts; zero leaves an act out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimelineSpec {
    /// All VMs on the source. Default 20 min when there is a source.
    pub before: Option<Time>,
    /// All VMs on the target, nothing broken. Default 20 min.
    pub after: Option<Time>,
    /// The last wave, and what breaks. Default 60 min when there is a wave or a fault.
    pub duress: Option<Time>,
}

/// When single requests are simulated. The defaults keep the reference cluster near 300,000 requests a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowsSpec {
    /// Simulate every request of every act.
    pub everything: bool,
    /// Length of a stratum.
    pub stratum: Time,
    /// Length of the slice drawn in each stratum.
    pub slice: Time,
    /// Simulated before each window but not recorded.
    pub warm_in: Time,
    /// Before a fault.
    pub before_fault: Time,
    /// After a fault's detection.
    pub after_detection: Time,
    /// Around each cut-over, switch-over of a live migration and start of a rebuild. Default zero: none is
    /// opened, and these are seen by the slices only. Each costs every request of (around + warm-in).
    pub around: Time,
}

impl Default for WindowsSpec {
    fn default() -> WindowsSpec {
        WindowsSpec {
            everything: false,
            stratum: Time::Secs(300.0),
            slice: Time::Ms(200.0),
            warm_in: Time::Ms(100.0),
            before_fault: Time::Ms(500.0),
            after_detection: Time::Secs(2.0),
            around: Time::Secs(0.0),
        }
    }
}

/// A claim, with the name it has in reports.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveSpec {
    /// Name in reports.
    pub name: String,
    /// What is claimed.
    pub claim: ClaimSpec,
}

/// What is claimed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ClaimSpec {
    /// A quantile over all runs is at most a limit.
    Quantile {
        /// Of what.
        metric: Metric,
        /// Which quantile, such as 0.99.
        q: f64,
        /// The limit.
        at_most: Limit,
        /// In which phase. Absent: the worst phase under duress.
        #[serde(default)]
        phase: Option<Phase>,
        /// On which side. Absent: the source for `source_steady`, else the target.
        #[serde(default)]
        side: Option<SideSpec>,
    },
    /// The share of runs whose worst value exceeds a limit is at most a share.
    Probability {
        /// Of what.
        metric: Metric,
        /// The limit.
        above: Limit,
        /// Allowed share of runs.
        share: Fraction,
        /// In which phase. Absent: any.
        #[serde(default)]
        phase: Option<Phase>,
        /// On which side. Absent: the source for `source_steady`, else the target.
        #[serde(default)]
        side: Option<SideSpec>,
    },
}

/// A limit in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub enum Limit {
    /// Microseconds.
    Us(f64),
    /// Milliseconds.
    Ms(f64),
    /// Seconds.
    Secs(f64),
    /// Minutes.
    Min(f64),
    /// Hours.
    Hours(f64),
    /// Hundredths of a whole.
    Percent(f64),
    /// Times a whole.
    Times(f64),
    /// A number of things.
    N(f64),
    /// 2^30 bytes.
    GiB(f64),
    /// 2^40 bytes.
    TiB(f64),
}

impl Limit {
    /// In the base unit of a metric; `Err` says which constructors that metric takes.
    pub fn in_unit(self, unit: metric::Unit) -> Result<u64, String> {
        let (number, factor, of) = match self {
            Limit::Us(v) => (v, 1e3, metric::Unit::Ns),
            Limit::Ms(v) => (v, 1e6, metric::Unit::Ns),
            Limit::Secs(v) => (v, 1e9, metric::Unit::Ns),
            Limit::Min(v) => (v, 60e9, metric::Unit::Ns),
            Limit::Hours(v) => (v, 3600e9, metric::Unit::Ns),
            Limit::Percent(v) => (v, 1e4, metric::Unit::Ppm),
            Limit::Times(v) => (v, 1e6, metric::Unit::Ppm),
            Limit::N(v) => (v, 1.0, metric::Unit::Count),
            Limit::GiB(v) => (v, 1_073_741_824.0, metric::Unit::Bytes),
            Limit::TiB(v) => (v, 1_099_511_627_776.0, metric::Unit::Bytes),
        };
        if of != unit {
            return Err(match unit {
                metric::Unit::Ns => "write a time: Us, Ms, Secs, Min or Hours".into(),
                metric::Unit::Ppm => "write Percent or Times".into(),
                metric::Unit::Count => "write N".into(),
                metric::Unit::Bytes => "write GiB or TiB".into(),
            });
        }
        let base = number * factor;
        if (0.0..=1e18).contains(&base) {
            Ok((base + 0.5) as u64)
        } else {
            Err("write a finite number that is not negative".into())
        }
    }
}

fn at_once() -> Time {
    Time::Secs(0.0)
}
fn two() -> u32 {
    2
}
fn eight() -> u32 {
    8
}
/// Assumed: the first copy was made in the days before.
fn seeded() -> Fraction {
    Fraction::Share(0.95)
}
/// Assumed.
fn final_round() -> Time {
    Time::Secs(10.0)
}
/// Assumed.
fn max_rounds() -> u32 {
    10
}
