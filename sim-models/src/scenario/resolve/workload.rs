//! The VMs and what they ask for.

use super::{above_zero, distinct, simple_name};
use crate::quantity::{Number, Resolver, Unit};
use crate::scenario::library::Library;
use crate::scenario::spec::{AreaSpec, CpuSpec, DirtyingSpec, DiskSpec, DutySpec, GroupSpec};
use crate::scenario::{CpuDemand, DirtyClass, Dirtying, DiskClient, Duty, VmGroup};
use sim_core::{Bytes, Dist, Span};

/// Size of a page of guest memory.
const PAGE: u64 = 4096;

/// The groups of one run.
pub(super) fn groups(specs: &[GroupSpec], library: &Library, r: &mut Resolver) -> Vec<VmGroup> {
    if specs.is_empty() {
        r.problem("groups", "there are no VMs", "write at least one group");
    }
    distinct("groups", specs.iter().map(|g| g.name.as_str()), r);
    let mut groups = Vec::with_capacity(specs.len());
    for (i, spec) in specs.iter().enumerate() {
        let path = format!("groups[{i}]");
        r.enter(&path, &format!("group {}", spec.name));
        groups.push(spec.resolve(&path, library, r));
    }
    groups
}

impl GroupSpec {
    fn resolve(&self, path: &str, library: &Library, r: &mut Resolver) -> VmGroup {
        let at = |field: &str| format!("{path}.{field}");
        simple_name(&at("name"), &self.name, r);
        let vcpus = r.whole(&at("vcpus"), self.vcpus, 1, 1024);
        let memory = self.memory.resolve(&at("memory"), r);
        above_zero(&at("memory"), memory, Bytes::ZERO, r);
        let resident = self.resident.resolve(&at("resident"), r);
        let disks = &self.disks;
        VmGroup {
            name: self.name.clone(),
            count: r.whole(&at("count"), self.count, 1, 100_000),
            vcpus,
            memory,
            resident,
            cpu: self.cpu.resolve(&at("cpu"), vcpus, library, r),
            disk: self.disk.resolve(&at("disk"), r),
            disks: disks.iter().enumerate().map(|(i, d)| d.resolve(&at(&format!("disks[{i}]")), r)).collect(),
            dirtying: self.dirtying.resolve(&at("dirtying"), memory.scale(resident), r),
            vnuma: self.vnuma,
            cpu_baseline: self.cpu_baseline,
        }
    }
}

impl CpuSpec {
    fn resolve(&self, path: &str, vcpus: u32, library: &Library, r: &mut Resolver) -> CpuDemand {
        let at = |field: &str| format!("{path}.{field}");
        let burst = self.burst.resolve(&at("burst"), r);
        above_zero(&at("burst"), burst, Span::ZERO, r);
        let shares = self.shares.resolve(&at("shares"), r);
        above_zero(&at("shares"), shares, 0.0, r);
        let limit = self.limit.as_ref().map(|l| {
            let cores = l.resolve(&at("limit"), r);
            above_zero(&at("limit"), cores, 0.0, r)
        });
        let reservation = self.reservation.resolve(&at("reservation"), r);
        let most = limit.unwrap_or(f64::from(vcpus)).min(f64::from(vcpus));
        if reservation > most {
            r.problem(
                &at("reservation"),
                format!("{reservation} cores for a VM that can use {most}"),
                "reserve no more than its vCPUs and its limit",
            );
        }
        CpuDemand { duty: self.duty.resolve(&at("duty"), library, r), burst, shares, limit, reservation }
    }
}

impl DutySpec {
    fn resolve(&self, path: &str, library: &Library, r: &mut Resolver) -> Duty {
        match self {
            DutySpec::Constant(share) => Duty::Constant(share.resolve(path, r)),
            DutySpec::Drawn(law) => {
                let typical = law.resolve(path, r);
                let constant = || Dist::constant(typical).expect("a share is finite");
                Duty::Drawn(law.as_dist().unwrap_or_else(|_| constant()))
            }
            DutySpec::Trace { file, mean } => Duty::Traced {
                mean: mean.resolve(&format!("{path}.mean"), r),
                columns: library.trace(file).unwrap_or_default().to_vec(),
            },
        }
    }
}

impl DiskSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> DiskClient {
        let at = |field: &str| format!("{path}.{field}");
        let read_share = self.read_share.resolve(&at("read_share"), r);
        // A closed client has no rate: the two numbers then only say how its requests are mixed.
        let rate = self.iops.as_ref().map_or(1.0, |iops| iops.resolve(&at("iops"), r));
        DiskClient {
            count: r.whole(&at("count"), self.count, 1, 256),
            reads_per_s: rate * read_share,
            writes_per_s: rate * (1.0 - read_share),
            iodepth: r.whole(&at("iodepth"), self.iodepth, 1, 65_536),
            sizes: self.sizes(&at("sizes"), r),
            rate_limited: self.iops.is_some(),
        }
    }

    fn sizes(&self, path: &str, r: &mut Resolver) -> Vec<(Bytes, f64)> {
        let mut sizes = Vec::with_capacity(self.sizes.len());
        for (i, (size, share)) in self.sizes.iter().enumerate() {
            let path = format!("{path}[{i}]");
            let bytes = size.resolve(&path, r);
            if bytes < Bytes(512) || bytes > Bytes::mib(64) {
                r.problem(&path, format!("a request of {bytes}"), "write a size from 512 bytes to 64 MiB");
            }
            sizes.push((bytes, r.between(&path, *share, 0.0, 1.0)));
        }
        let sum: f64 = sizes.iter().map(|(_, share)| share).sum();
        if (sum - 1.0).abs() > 1e-6 {
            r.problem(path, format!("the shares add up to {sum}"), "write shares that add up to 1");
        }
        sizes
    }
}

impl DirtyingSpec {
    fn resolve(&self, path: &str, resident: Bytes, r: &mut Resolver) -> Dirtying {
        // Presets are written out, so that their parameters can be varied like typed ones.
        let mut power = |a: Number, b: f64| Dirtying::PowerLaw {
            a: a.resolve(&format!("{path}.a"), r),
            b: r.between(&format!("{path}.b"), b, 0.01, 1.0),
        };
        match self {
            DirtyingSpec::None => Dirtying::None,
            DirtyingSpec::Idle => power(Number::Num(500.0), 0.6),
            DirtyingSpec::Web => power(Number::Num(5000.0), 0.6),
            DirtyingSpec::Db4 => power(Number::Num(14_194.0), 0.586),
            DirtyingSpec::Db16 => power(Number::Num(28_780.0), 0.717),
            DirtyingSpec::PowerLaw { a, b } => power(a.clone(), *b),
            DirtyingSpec::Areas(areas) => {
                let resolve = |(i, area): (usize, &AreaSpec)| area.resolve(&format!("{path}[{i}]"), r);
                let classes: Vec<DirtyClass> = areas.iter().enumerate().map(resolve).collect();
                fits(path, classes.iter().map(|c| c.pages).sum(), resident, r);
                Dirtying::Classes(classes)
            }
            DirtyingSpec::Sweep(area) => {
                let class = area.resolve(path, r);
                fits(path, class.pages, resident, r);
                Dirtying::Sweep { pages: class.pages, rate: class.writes_per_s }
            }
        }
    }
}

impl AreaSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> DirtyClass {
        let pages = self.size.resolve(&format!("{path}.size"), r).0 / PAGE;
        above_zero(&format!("{path}.size"), pages, 0, r);
        // At most a petabyte's worth of pages, so that a sum over areas cannot overflow.
        let pages = pages.min(1 << 38);
        DirtyClass { pages, writes_per_s: self.writes.resolve(&format!("{path}.writes"), r) }
    }
}

fn fits(path: &str, pages: u64, resident: Bytes, r: &mut Resolver) {
    let held = resident.0 / PAGE;
    if pages > held {
        r.problem(
            path,
            format!("{pages} pages are written but only {held} are resident"),
            "write smaller areas, more memory or a larger resident share",
        );
    }
}
