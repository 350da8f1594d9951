//! Stations and queues.

use super::{Check, Expected, Findings, Suite, shipped};
use sim_core::Seed;

const MODEL: &str = "stations of servers";

/// See the module.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "queueing",
        model: MODEL,
        against: "M/M/c: Erlang C, exponential sojourns, PASTA",
        wrong: "P99.9 is looked at for three queues only",
        run: |seed| shipped::lab(include_str!("../../../scenarios/lab/queueing.ron"), seed),
    },
    Suite {
        name: "queueing-laws",
        model: MODEL,
        against: "Pollaczek and Khinchine, Erlang's series, D/M/1, batches",
        wrong: "G/G/c has no closed form and is not looked at",
        run: |seed| shipped::lab(include_str!("../../../scenarios/lab/queueing-laws.ron"), seed),
    },
    Suite {
        name: "queueing-losses",
        model: MODEL,
        against: "M/M/1/K, Erlang B and its insensitivity, renewal theory of outages",
        wrong: "jobs that were refused do not come again",
        run: |seed| shipped::lab(include_str!("../../../scenarios/lab/queueing-losses.ron"), seed),
    },
    Suite {
        name: "queueing-classes",
        model: MODEL,
        against: "Cobham, preemptive resume, processor sharing, last come first served",
        wrong: "quantiles of the lower classes have no simple form and are not looked at",
        run: classes,
    },
    Suite {
        name: "queueing-networks",
        model: MODEL,
        against: "Jackson, mean value analysis, birth and death chains, Renyi, Nelson and Tantawi",
        wrong: "a fork into three queues has no exact form; it is held to Lindley's recursion",
        run: networks,
    },
];

fn classes(seed: Seed) -> Result<Findings, String> {
    let mut found = shipped::lab(include_str!("../../../scenarios/lab/queueing-classes.ron"), seed)?;
    let waits = [got(&found, "polite.first.wait.mean"), got(&found, "polite.second.wait.mean")];
    found.checks.push(Check {
        name: "polite: 0.3 W1 + 0.3 W2".into(),
        expected: Expected::Within { value: 0.9, tolerance: 0.02 * 0.9 },
        got: 0.3 * (waits[0] + waits[1]),
        error: None,
        because: "Kleinrock's conservation law: rho W0 / (1 - rho) under any order".into(),
    });
    Ok(found)
}

fn networks(seed: Seed) -> Result<Findings, String> {
    let mut found = shipped::lab(include_str!("../../../scenarios/lab/queueing-networks.ron"), seed)?;
    for (circle, customers, think) in [("circle", 5.0, 10.0), ("pressed", 4.0, 0.0)] {
        let figure = |what: &str| got(&found, &format!("{circle}.{what}"));
        let got = figure("throughput") * (figure("sojourn.mean") + think);
        found.checks.push(Check {
            name: format!("{circle}: X (R + Z)"),
            expected: Expected::Within { value: customers, tolerance: 0.005 * customers },
            got,
            error: None,
            because: "Little's law over a closed population".into(),
        });
    }
    Ok(found)
}

fn got(found: &Findings, name: &str) -> f64 {
    found.checks.iter().find(|c| c.name == name).map_or(f64::NAN, |c| c.got)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(suite: &str, seed: u64) {
        let suite = SUITES.iter().find(|s| s.name == suite).expect("a suite of this room");
        let found = (suite.run)(Seed(seed)).expect("plays");
        assert!(found.checks.len() >= 5);
        for check in &found.checks {
            println!("{} {:?} {} z {:?}", check.name, check.expected, check.got, check.z_score());
            assert!(check.passes(), "seed {seed}: {check:?}");
        }
    }

    macro_rules! seeds {
        ($($test:ident: $suite:literal, $seed:literal;)+) => {
            $(#[test] fn $test() { holds($suite, $seed) })+
        };
    }

    seeds! {
        exponential_servers_1: "queueing", 1;
        exponential_servers_2: "queueing", 2;
        laws_1: "queueing-laws", 1;
        laws_2: "queueing-laws", 2;
        losses_1: "queueing-losses", 1;
        losses_2: "queueing-losses", 2;
        classes_1: "queueing-classes", 1;
        classes_2: "queueing-classes", 2;
        networks_1: "queueing-networks", 1;
        networks_2: "queueing-networks", 2;
    }
}
