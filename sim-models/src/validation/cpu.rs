//! CPU ready time, co-stop, wake-up waits.

use super::{Check, Expected, Findings, Suite, bed, shipped};
use crate::ids::Side;
use crate::lab::reference::cpu::{ClassMean, class_means};
use crate::scenario::FaultKind;
use sim_core::{Seed, Span};

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
    Suite {
        name: "controllers",
        model: "CPU of controller VMs",
        against: "closed forms",
        wrong: "the base duty of a controller and its weight are not published",
        run: controllers,
    },
];

fn pools(seed: Seed) -> Result<Findings, String> {
    shipped::lab(include_str!("../../../scenarios/lab/cpu.ron"), seed)
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

/// What takes part of a controller's cycles stretches its work: 1 / (1 - 0.4). The rest of its host's load is its
/// own, so that nothing else waits.
fn controllers(seed: Seed) -> Result<Findings, String> {
    let stretch = |stolen: f64| -> Result<f64, String> {
        let mut s = bed::flash()?;
        let kind = FaultKind::StarvedCvm { side: Side::Target, stolen };
        bed::breaks(&mut s, kind, Span::secs(1), None);
        let mut sim = bed::begin(&s, seed);
        bed::run_to(&mut sim, 1.5)?;
        let host = bed::hosts(&s).next().ok_or("no host")?;
        Ok(sim.model.infra.cpu.cvm(host).stretch)
    };
    let because = "1 / (1 - stolen), on a host with threads to spare";
    let checks = [0.2, 0.4, 0.75]
        .map(|stolen| {
            let name = format!("stretch of storage work with {} % stolen", 100.0 * stolen);
            let value = 1.0 / (1.0 - stolen);
            Ok(bed::within(&name, stretch(stolen)?, value, 1e-3 * value, because))
        })
        .into_iter()
        .collect::<Result<Vec<_>, String>>()?;
    let (size, error) = ("3 shares of stolen cycles".into(), "below 0.1 %".into());
    Ok(Findings { checks, size, error })
}
