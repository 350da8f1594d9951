//! CPU ready time, co-stop, wake-up waits.

use super::{Check, Expected, Findings, Suite, shipped};
use crate::lab::reference::cpu::{ClassMean, class_means};
use sim_core::Seed;

/// See the module.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "cpu-pools",
        model: "CPU pools: run, ready, chance to wait",
        against: "closed forms by hand and a quantum-level simulation",
        wrong: "co-stop and ESXi's scheduler rest on a simulation; nobody has measured late balancing beyond \
                two CPUs",
        run: pools,
    },
    Suite {
        name: "linux-scheduler",
        model: "CPU pools with late balancing, weights, limits",
        against: "our own measurements of Linux 6.18 (EEVDF) on one and two CPUs",
        wrong: "a probe beside a single hog is predicted to wait a point too long; wake-up delays are not \
                predicted per row",
        run: linux,
    },
];

fn pools(seed: Seed) -> Result<Findings, String> {
    shipped::lab(include_str!("cpu_pool.ron"), seed)
}

fn linux(_seed: Seed) -> Result<Findings, String> {
    let means = class_means(include_str!("../../../tests/data/linux-sched/workers.csv"))?;
    let met = means.iter().filter(|m| m.is_met() == Some(true)).count();
    let off = |m: &ClassMean| m.measured.map(|(_, real)| (m.predicted.1 - real).abs());
    let error = means.iter().filter_map(off).sum::<f64>() / means.len() as f64;
    let check = Check {
        name: "class means of ready time within 10 % or one point".into(),
        expected: Expected::Between { low: 0.85, high: 1.0 },
        got: met as f64 / means.len() as f64,
        error: None,
        because: "over 5.6 s the demand of a worker scatters by about a tenth itself".into(),
    };
    Ok(Findings {
        checks: vec![check],
        size: format!("{} classes of workers in 28 configurations", means.len()),
        error: format!("mean {error:.2} points, {met} of {} within tolerance", means.len()),
    })
}
