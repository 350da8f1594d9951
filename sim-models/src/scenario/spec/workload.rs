//! The VMs and what they ask for, as typed.

use crate::quantity::{Fraction, Frequency, Number, Size, Time};
use serde::Deserialize;

/// Equal VMs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Its VMs are `name-0`, `name-1`, ...
    pub name: String,
    /// How many.
    pub count: u32,
    /// vCPUs of each.
    pub vcpus: u32,
    /// Memory of each.
    pub memory: Size,
    /// Share of that memory that is not zero pages. Default 0.8.
    #[serde(default = "resident")]
    pub resident: Fraction,
    /// CPU demand.
    pub cpu: CpuSpec,
    /// Data on disk, each.
    pub disk: Size,
    /// Virtual disks and their I/O. Default none.
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
    /// How memory is written. Default `Idle`.
    #[serde(default)]
    pub dirtying: DirtyingSpec,
    /// The guest sees the host's NUMA nodes when it is wider than one. Default true.
    #[serde(default = "yes")]
    pub vnuma: bool,
    /// Booted with a CPU baseline that every host of its cluster offers. Default true.
    #[serde(default = "yes")]
    pub cpu_baseline: bool,
}

/// What the vCPUs of a VM ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuSpec {
    /// Busy share of each vCPU when nothing makes it wait.
    pub duty: DutySpec,
    /// Mean length of a burst of work. Default 5 ms.
    #[serde(default = "burst")]
    pub burst: Time,
    /// Proportional share per vCPU against 1,000 of everybody else. Default 1,000.
    #[serde(default = "shares")]
    pub shares: Number,
    /// Most cores the VM may use. Default no limit.
    #[serde(default)]
    pub limit: Option<Number>,
    /// Cores guaranteed to the VM. Default none.
    #[serde(default = "no_cores")]
    pub reservation: Number,
}

/// Busy share over time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum DutySpec {
    /// Always this.
    Constant(Fraction),
    /// Drawn again for every VM and demand epoch.
    Drawn(Fraction),
    /// The mean times a column of a trace file, each column scaled to mean 1.
    Trace {
        /// Path of the file.
        file: String,
        /// Mean busy share.
        mean: Fraction,
    },
}

/// Equal virtual disks with one I/O stream each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    /// Such disks per VM. Default 1.
    #[serde(default = "one")]
    pub count: u32,
    /// Requests per second of one disk, Poisson. Absent: a new request starts as soon as one ends.
    #[serde(default)]
    pub iops: Option<Frequency>,
    /// Reads among them.
    pub read_share: Fraction,
    /// Requests in flight at most. Default 32.
    #[serde(default = "iodepth")]
    pub iodepth: u32,
    /// Sizes and their shares, summing to 1. Default 8 KiB (0.9) and 32 KiB (0.1).
    #[serde(default = "sizes")]
    pub sizes: Vec<(Size, f64)>,
}

/// How a VM writes its memory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum DirtyingSpec {
    /// Not at all.
    None,
    /// An idle guest: 500 t^0.6 pages (assumed).
    #[default]
    Idle,
    /// A web or application server: 5,000 t^0.6 pages (assumed).
    Web,
    /// PostgreSQL under YCSB with 4 threads: 14,194 t^0.586 pages, fitted on 100 published migrations.
    Db4,
    /// The same with 16 threads: 28,780 t^0.717 pages.
    Db16,
    /// Unique pages dirtied in `t` seconds: `a * t^b`.
    PowerLaw {
        /// Pages after one second.
        a: Number,
        /// Exponent, between 0 and 1.
        b: f64,
    },
    /// Areas, each written uniformly.
    Areas(Vec<AreaSpec>),
    /// One area in address order, over and over.
    Sweep(AreaSpec),
}

/// Pages of equal heat.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AreaSpec {
    /// Its size.
    pub size: Size,
    /// Page writes into it.
    pub writes: Frequency,
}

fn one() -> u32 {
    1
}
fn yes() -> bool {
    true
}
/// Assumed: part of a guest's memory has never been touched.
fn resident() -> Fraction {
    Fraction::Share(0.8)
}
/// Assumed; mean ready time does not depend on it, its scatter over 20 s does.
fn burst() -> Time {
    Time::Ms(5.0)
}
/// vSphere's Normal.
fn shares() -> Number {
    Number::Num(1000.0)
}
fn no_cores() -> Number {
    Number::Num(0.0)
}
/// Assumed: the depth of a guest's virtual SCSI queue that an application uses.
fn iodepth() -> u32 {
    32
}
/// Sizes of the X-Ray OLTP workload.
fn sizes() -> Vec<(Size, f64)> {
    vec![(Size::KiB(8.0), 0.9), (Size::KiB(32.0), 0.1)]
}
