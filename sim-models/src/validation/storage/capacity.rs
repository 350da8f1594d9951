//! What fits, as published: with equal and unequal nodes, as strips, on aware rings.

use crate::storage::capacity::{resilient, ring_is_aware, strip};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::Bytes;

/// Everything here.
pub fn checks() -> Vec<Check> {
    let mut checks = resilience();
    checks.push(strips());
    checks.push(rings());
    checks
}

fn resilience() -> Vec<Check> {
    let of = |nodes: &[f64]| {
        let nodes: Vec<Bytes> = nodes.iter().map(|&n| Bytes::from_f64(n * 1e12)).collect();
        resilient(&nodes, 2, 1, 0.95).as_f64() / 1e12
    };
    let bible =
        "Nutanix Bible: of 10/10/40/40 one of 40 is lost, and what the other holds is copied on 10 + 10";
    let measured = "Tielen, Reserve Rebuild Capacity: a test cluster of three nodes";
    vec![
        within(
            "resilient capacity of 4 x 10 TB, TB",
            of(&[10.0; 4]),
            28.5,
            1e-9,
            "Nutanix Bible: 3 x 10 x 0.95",
        ),
        within("resilient capacity of 10/10/40/40 TB, TB", of(&[10.0, 10.0, 40.0, 40.0]), 38.0, 1e-9, bible),
        within("resilient capacity of 3 x 2.62 TiB, TiB", of(&[2.62; 3]), 4.98, 0.005, measured),
    ]
}

/// Nodes, failures to survive, data and parity blocks.
type Strip = (u32, u32, Option<(u32, u32)>);
const STRIPS: [Strip; 9] = [
    (3, 1, None),
    (4, 1, Some((2, 1))),
    (5, 1, Some((3, 1))),
    (6, 1, Some((4, 1))),
    (5, 2, None),
    (6, 2, Some((2, 2))),
    (7, 2, Some((3, 2))),
    (8, 2, Some((4, 2))),
    (16, 2, Some((4, 2))),
];

fn strips() -> Check {
    let right = STRIPS.iter().filter(|&&(nodes, failures, want)| strip(nodes, failures) == want).count();
    let because = "Nutanix Bible: 2/1, 3/1, 4/1 on 4, 5, 6 nodes; 2/2, 3/2, 4/2 on 6, 7, 8; none on fewer";
    within("rows of the table of erasure-coded strips", right as f64, STRIPS.len() as f64, 0.0, because)
}

/// Nodes per block, copies of metadata, and whether they survive a block.
const RINGS: [(&[u32], u32, bool); 4] = [
    (&[2, 3, 4, 2], 3, false),
    (&[3, 3, 4, 3], 3, true),
    (&[2, 3, 4, 2, 3, 3], 5, false),
    (&[2, 4, 4, 4, 4, 4], 5, true),
];

fn rings() -> Check {
    let right = RINGS.iter().filter(|(blocks, copies, want)| ring_is_aware(blocks, *copies) == *want).count();
    let because = "Nutanix Bible: four examples of nodes per block, two of which keep metadata block-aware";
    within("examples of block awareness", right as f64, RINGS.len() as f64, 0.0, because)
}
