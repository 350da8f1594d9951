//! Redundancy: time to loss, availability, exposure.

use super::{Suite, shipped};

/// Chains whose answers are known.
const LAB: &str = include_str!("../../../../scenarios/lab/reliability.ron");

/// See the module.
pub const SUITES: &[Suite] = &[Suite {
    name: "reliability",
    model: "units that fail and are repaired, and the data they hold",
    against: "birth and death chains: machine repair, k of n, two and three copies, mirrored and declustered",
    wrong: "failures are independent of each other: shared power, firmware and batches are not in it, and real fleets \
            fail in bursts",
    run: |seed| shipped::lab(LAB, seed),
}];
