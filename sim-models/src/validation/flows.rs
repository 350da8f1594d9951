//! Bulk flows under weighted max-min sharing.

use super::{Check, Expected, Findings, Suite, shipped};
use crate::lab::reference::flows::Prediction;
use sim_core::Seed;

/// See the module.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "flows-theory",
        model: "bulk flows",
        against: "weighted max-min fairness by hand",
        wrong: "real TCP is less fair: single flows differ by 10 to 40 %, which a scenario draws as a weight",
        run: |seed| shipped::lab(include_str!("../../../scenarios/lab/flows.ron"), seed),
    },
    Suite {
        name: "flows-simgrid",
        model: "bulk flows",
        against: "SimGrid 3.32 reduced to max-min (CM02, no cross-traffic, zero latency)",
        wrong: "completions are on whole ns, rates on 2^-16 bytes/s",
        run: simgrid,
    },
];

macro_rules! cases {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../tests/data/maxmin/", $name, ".json")))),+]
    };
}

const CASES: [(&str, &str); 17] = cases![
    "p00-one-link",
    "p01-parking-lot",
    "p02-weights",
    "p03-caps",
    "p04-ties",
    "p05-stall-reroute",
    "p06-uniform",
    "p07-uniform",
    "p12-active-backup",
    "p13-together",
    "p14-weights",
    "p16-caps",
    "p17-caps-weights",
    "p18-incast",
    "p20-storm",
    "p22-failures",
    "p23-failures",
];

fn simgrid(_: Seed) -> Result<Findings, String> {
    let mut found = Findings::default();
    let (mut flows, mut worst) = (0, 0.0f64);
    for (name, text) in CASES {
        let said = Prediction::read(text).map_err(|e| format!("{name}: {e}"))?;
        let share = said.largest_share().ok_or_else(|| format!("{name}: no finish times"))?;
        flows += said.flows();
        worst = worst.max(said.largest_error().unwrap_or(0.0));
        found.checks.push(Check {
            name: format!("{name}: largest share of what rounding to whole ns explains"),
            expected: Expected::Between { low: 0.0, high: 1.0 },
            got: share,
            error: None,
            because: "1e-9 of the finish time (1e-6 with reroutes) or 1 ns for each change of rate".into(),
        });
    }
    found.size = format!("{flows} flows in {} cases", CASES.len());
    found.error = format!("worst {worst:.0e} of the finish time");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_as_theory_and_simgrid_say() {
        for suite in SUITES {
            let found = (suite.run)(Seed(1)).expect("the suite runs");
            let failed: Vec<&Check> = found.checks.iter().filter(|c| !c.passes()).collect();
            assert!(failed.is_empty(), "{failed:#?}");
            assert!(found.checks.len() >= 16, "checks are missing");
        }
    }
}
