//! Storage: closed forms and published facts, each played in a small cluster.

mod forms;
mod healthy;
mod loss;
mod neighbours;
mod rebuild;

use super::{Check, Findings, Suite};
use sim_core::Seed;

/// See the module.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "storage-forms",
        model: "replicated storage: closed loops, bytes, rebuild bounds, placement",
        against: "closed forms",
        wrong: "write amplification is that of the protocol, with a fixed share that survives until the drain; what \
                a device adds inside itself is not counted",
        run: |seed| findings(&[forms::checks], "closed forms", seed),
    },
    Suite {
        name: "storage-facts",
        model: "replicated storage under guests: latencies, stalls, neighbours",
        against: "vdbench logs of nutanix/curie, Ceph's mClock study, Tail at Store, TTFLASH, Broadcom KB 371138",
        wrong: "guests have strict priority at every station, so that an unthrottled backfill does not take 85 to 90 % \
                of their requests as Ceph's WPQ did (2,544 of 21,500 IOPS): a weighted scheduler of requests is \
                missing; device pauses (garbage collection) hit log writes only; a live migration costs I/O only \
                while it pauses the guest and until data have followed it, not the published 10 to 18 % for seconds \
                (the copy's CPU is not taken from the guest's requests); nodes that are full do not refuse writes",
        run: |seed| findings(&[healthy::checks, loss::checks, neighbours::checks], "published facts", seed),
    },
    Suite {
        name: "rebuild-facts",
        model: "detection, rebuild and its throttles",
        against: "Nutanix Bible and blogs, Ceph's mClock study, VMware documentation",
        wrong: "at a reservation of 60 % Ceph recovers at 635 MiB/s where reservation times capacity is 720, so that \
                75,000 objects take 15 % longer than modelled: what recovery loses to clients beyond its reservation \
                is missing; nodes of one cluster are equal, so that capacity examples with unequal ones (38 TB of \
                10/10/40/40) cannot be asked; the node that is rebuilt restarts empty only if its devices died",
        run: |seed| findings(&[rebuild::checks], "published facts", seed),
    },
];

type Checks = fn(Seed) -> Result<Vec<Check>, String>;

fn findings(rooms: &[Checks], of: &str, seed: Seed) -> Result<Findings, String> {
    let mut checks = Vec::new();
    for room in rooms {
        checks.extend(room(seed)?);
    }
    let inside = checks.iter().filter(|c| c.passes()).count();
    let (size, error) = (format!("{} {of}", checks.len()), format!("{inside} of {} inside", checks.len()));
    Ok(Findings { checks, size, error })
}
