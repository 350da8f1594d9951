//! Storage: closed forms and published facts, each played in a small cluster.

mod bounds;
mod capacity;
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
                a device adds inside itself is not counted; all copies between two nodes share one way, so that \
                links behind a bond or several spines are used less evenly than by many connections; what a \
                node would have to send with two copies is the luck of placement, a few per cent",
        run: |seed| findings(&[forms::checks, bounds::checks], "closed forms", seed),
    },
    Suite {
        name: "storage-facts",
        model: "replicated storage under guests: latencies, stalls, neighbours",
        against: "vdbench logs of nutanix/curie, Ceph's mClock study, Tail at Store, TTFLASH, Broadcom KB 371138",
        wrong: "guests have strict priority at every station instead of a scheduler by weight, and their log does not \
                share a device with copies: an unthrottled recovery hurts them at full ports only and leaves a closed loop 1 % of its writes, where Ceph's WPQ with full \
                devices left 12 %; a cap of 25 % leaves 77 %, published for one backfill at a time are 84 %; a live \
                migration costs a VM that all controllers serve the pause, a fifth of one second, where 10 to 18 % of \
                a few seconds are published; of a VM whose reads were local they stay remote for minutes and cost a \
                closed loop 9 %, of which nothing is published; pauses of a device (garbage collection) hit log \
                writes only; the published means over 7,320 s with 300 desktops are compared in scenarios/xray-node-failure.ron",
        run: |seed| findings(&[healthy::checks, loss::checks, neighbours::checks], "published facts", seed),
    },
    Suite {
        name: "rebuild-facts",
        model: "detection, rebuild and its throttles",
        against: "Nutanix Bible and blogs, Ceph's mClock study, VMware documentation",
        wrong: "that clients keep 52 % of a device against a reservation is taken from Ceph's study, whose profiles \
                reserve 50, 40 and 30 % for them; shares reserved for a third class (best effort, idle there) are not \
                modelled, and by weight the study's recovery would have got a third more at 25 % than it did; its \
                HDDs recover at 7 to 14 % of 150 MiB/s, far below any reservation, which is not modelled either; \
                that unequal nodes hold what is published (38 TB of 10/10/40/40) is a rule of capacity: nodes of a \
                cluster that is played are equal, and neither strips of an erasure code nor rings of metadata are \
                played",
        run: |seed| findings(&[rebuild::checks, |_| Ok(capacity::checks())], "published facts", seed),
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
