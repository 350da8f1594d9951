//! CPU ready time, co-stop, wake-up waits.

pub(crate) mod balancing;
mod eevdf;
mod linux;

use super::{Findings, Suite, bed, shipped};
use crate::ids::Side;
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
        against: "our own measurements of Linux 6.18 (EEVDF) on one and two CPUs, EEVDF event by event",
        wrong: "one class is more than two standard errors off, and within tolerance at the demand that it really \
                drew; wake-ups of a light worker beside busy ones on two CPUs are told too short; queues of \
                their own are measured on one and two CPUs only",
        run: linux::run,
    },
    Suite {
        name: "controllers",
        model: "CPU of controller VMs",
        against: "closed forms",
        wrong: "the base duty of a controller and its weight are not published",
        run: controllers,
    },
    Suite {
        name: "balancers",
        model: "balancing of running VMs over hosts: ADS and DRS",
        against: "the published limits and clocks (Nutanix tech center, n81.info, VMware blog of May 2020)",
        wrong: "which VMs ADS chooses, and what DRS counts as a gain and a cost, are not published; both look at \
                demand as it is, not at a mean over the past; DRS scores CPU alone",
        run: balancing::run,
    },
];

fn pools(seed: Seed) -> Result<Findings, String> {
    shipped::lab(include_str!("../../../../scenarios/lab/cpu.ron"), seed)
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
