//! The VMs as meant: what they compute, store and write.

use sim_core::dist::Trace;
use sim_core::{Bytes, Dist, Span};

/// Equal VMs.
#[derive(Clone, Debug)]
pub struct VmGroup {
    /// Its VMs are `name-0`, `name-1`, ...
    pub name: String,
    /// How many.
    pub count: u32,
    /// vCPUs of each.
    pub vcpus: u32,
    /// Memory of each.
    pub memory: Bytes,
    /// Share of that memory that is not zero pages.
    pub resident: f64,
    /// CPU demand per vCPU.
    pub cpu: CpuDemand,
    /// Data on disk, each.
    pub disk: Bytes,
    /// I/O clients of each VM.
    pub disks: Vec<DiskClient>,
    /// How memory is written.
    pub dirtying: Dirtying,
    /// The guest sees the host's NUMA nodes when it is wider than one.
    pub vnuma: bool,
    /// Booted with a CPU baseline that every host of its cluster offers.
    pub cpu_baseline: bool,
}

/// What the vCPUs of a VM ask for.
#[derive(Clone, Debug)]
pub struct CpuDemand {
    /// Busy share of each vCPU when nothing makes it wait.
    pub duty: Duty,
    /// Mean length of a burst of work.
    pub burst: Span,
    /// Proportional share per vCPU against 1,000 of everybody else.
    pub shares: f64,
    /// Most cores the VM may use.
    pub limit: Option<f64>,
    /// Cores guaranteed to the VM.
    pub reservation: f64,
}

/// Busy share over time.
#[derive(Clone, Debug)]
pub enum Duty {
    /// Always this.
    Constant(f64),
    /// Drawn again for every VM and demand epoch.
    Drawn(Dist),
    /// The mean times a column of a trace file: VM *i* follows column `i mod columns` from a start that
    /// each run draws, with the column scaled to mean 1 over the file.
    Traced {
        /// Mean duty.
        mean: f64,
        /// Columns, each scaled to mean 1.
        columns: Vec<Trace>,
    },
}

/// Equal virtual disks with one I/O stream each.
#[derive(Clone, Debug)]
pub struct DiskClient {
    /// Such disks per VM.
    pub count: u32,
    /// Reads per second, Poisson. With `rate_limited` false the client is closed and this is ignored.
    pub reads_per_s: f64,
    /// Writes per second, Poisson.
    pub writes_per_s: f64,
    /// Requests in flight at most.
    pub iodepth: u32,
    /// Sizes and their probabilities, summing to 1.
    pub sizes: Vec<(Bytes, f64)>,
    /// False: a new request starts as soon as one ends; reads in the proportion of the two rates.
    pub rate_limited: bool,
}

/// How a VM writes its memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Dirtying {
    /// Not at all.
    None,
    /// Classes of pages, each written uniformly.
    Classes(Vec<DirtyClass>),
    /// Unique pages dirtied in `t` seconds: `a * t^b`, up to the resident set.
    PowerLaw {
        /// Pages after one second.
        a: f64,
        /// Exponent, between 0 and 1.
        b: f64,
    },
    /// In address order, over and over.
    Sweep {
        /// Pages of the area.
        pages: u64,
        /// Pages per second.
        rate: f64,
    },
}

/// Pages of equal heat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirtyClass {
    /// Pages of 4 KiB.
    pub pages: u64,
    /// Page writes per second into the class.
    pub writes_per_s: f64,
}
