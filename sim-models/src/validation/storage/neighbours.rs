//! Guests beside a rebuild.

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::record::{Record, Tally};
use crate::scenario::{Bond, DiskClient, Scenario, Throttle};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::{Bytes, Rate, Seed, Span};

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = queue_depth(seed)?;
    checks.extend(saturated_link(seed)?);
    Ok(checks)
}

/// A node dies at 4 s, which is noticed after 1 s; nodes hold 2 TB, so that the rebuild outlasts the run.
fn rebuilding(mut s: Scenario) -> Scenario {
    let count = u64::from(s.groups[0].count);
    s.target.profile.storage.detection = always(1.0);
    s.target.profile.storage.scan = always(0.0);
    let (nodes, copies) = (u64::from(s.target.hosts), u64::from(design(&mut s).copies));
    s.groups[0].disk = Bytes(2_000_000_000_000) * nodes / copies / count;
    s.timeline.duress = Span::secs(12);
    s.windows.warm_in = Span::ms(100);
    let dead = spare(&s, 0);
    dies(&mut s, dead, Span::secs(4));
    s
}

/// Writes completed per second of a phase.
fn writes_per_s(record: &Record, phase: Phase) -> f64 {
    let all = pooled(record, &[Metric::WriteLatencyTool], Side::Target, &[phase]);
    all.count() as f64 / (total(record, Tally::TimeSeen, &[phase]) * 1e-9)
}

/// 64 random writes of 4 KiB outstanding, three copies, recovery with half of each node reserved.
fn queue_depth(seed: Seed) -> Result<Vec<Check>, String> {
    let mut s =
        scenario(&include_str!("../../../../scenarios/facts/flash.ron").replace("\"ahv\"", "\"kvm\""))?;
    let design = design(&mut s);
    design.copies = 3;
    design.throttle = Throttle::MClock { reservation: 0.5, weight: 1.0, limit: 1.0 };
    s.groups[0].count = 1;
    s.groups[0].disks = vec![DiskClient {
        count: 1,
        reads_per_s: 0.0,
        writes_per_s: 20_000.0,
        iodepth: 64,
        sizes: vec![(Bytes::kib(4), 1.0)],
        rate_limited: false,
    }];
    let record = play(&rebuilding(s), seed, 0)?.record;
    let (calm, busy) = (writes_per_s(&record, Phase::TargetSteady), writes_per_s(&record, Phase::Rebuilding));
    let latency = mean(&pooled(&record, &[Metric::WriteLatencyTool], Side::Target, &[Phase::Rebuilding]));
    let study =
        "Ceph mClock study: with half reserved for it a client of depth 64 keeps 11,209 of 21,500 IOPS";
    Ok(vec![
        between("share of IOPS kept beside a recovery", busy / calm, 0.5, 1.0, study),
        within(
            "latency x IOPS at depth 64",
            latency * busy,
            64.0,
            64.0 * 0.013,
            "64 / IOPS, as in all ten rows of it",
        ),
    ])
}

/// Copies over one port of 10 GbE, held back by devices only or also for the network's sake.
fn saturated_link(seed: Seed) -> Result<Vec<Check>, String> {
    // Payload of 10 GbE at an MTU of 9000: 0.95 x 8948 / 9038 x 1.25 GB/s, in each direction.
    const PAYLOAD: f64 = 0.95 * 8948.0 / 9038.0 * 1.25e9;
    let mut ratios = [0.0; 2];
    let mut busiest = 0.0f64;
    for (aware, ratio) in [false, true].into_iter().zip(&mut ratios) {
        let mut s = flash()?;
        (s.target.nics.ports, s.target.nics.rate, s.target.nics.bond) =
            (1, Rate::gbps(10), Bond::ActiveBackup);
        design(&mut s).throttle =
            if aware { Throttle::Fixed(Rate(250_000_000)) } else { Throttle::Unlimited };
        let s = rebuilding(s);
        let mut sim = begin(&s, seed);
        run_to(&mut sim, 10.0)?;
        if !aware {
            let rates = hosts(&s).map(|h| sim.model.storage.copy_rate(h).as_f64());
            busiest = rates.fold(0.0, f64::max) / (2.0 * PAYLOAD);
        }
        run_to(&mut sim, 12.0)?;
        let p99 =
            |phase| quantile(&pooled(&sim.record, &[Metric::WriteLatencyTool], Side::Target, &[phase]), 0.99);
        *ratio = p99(Phase::Rebuilding) / p99(Phase::TargetSteady);
    }
    let because = "resynchronisation saturates 10 GbE since its throttle watches disks (Broadcom KB 371138)";
    Ok(vec![
        between("link use of an unaware resynchronisation", busiest, 0.95, 1.001, because),
        between("write P99, unaware over calm", ratios[0], 2.0, f64::INFINITY, because),
        between(
            "write P99, a fifth of the link over calm",
            ratios[1],
            0.0,
            1.3,
            "held back for the network's sake",
        ),
    ])
}
