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
        wrong: "guests have strict priority at every station instead of a scheduler by weight: an unthrottled recovery \
                hurts them at full ports only and leaves a closed loop 1 % of its writes, where Ceph's WPQ with full \
                devices left 12 %; a cap of 25 % leaves 77 %, published for one backfill at a time are 84 %; after a \
                live migration reads stay remote for minutes and cost a closed loop 9 %, published is no loss beyond \
                5 s; pauses of a device (garbage collection) hit log writes only; full nodes do not refuse writes; \
                the published means over 7,320 s with 300 desktops are compared in scenarios/xray-node-failure.ron",
        run: |seed| findings(&[healthy::checks, loss::checks, neighbours::checks], "published facts", seed),
    },
    Suite {
        name: "rebuild-facts",
        model: "detection, rebuild and its throttles",
        against: "Nutanix Bible and blogs, Ceph's mClock study, VMware documentation",
        wrong: "at a reservation of 60 % Ceph recovers at 635 MiB/s where reservation times capacity is 720, so that \
                75,000 objects take 15 % longer than modelled: what clients take from a reservation when the sum is \
                beyond what the device does is missing; at 25 % it recovers at 320 where that is 300, so that they \
                take 6 % less: what clients leave of theirs is missing too; nodes of one cluster are equal, so that examples with unequal \
                ones (38 TB of 10/10/40/40) cannot be asked; connections share unevenly (log-normal), so that a rebuild \
                takes 1 to 6 % longer than its bound",
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
