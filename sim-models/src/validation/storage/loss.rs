//! A node is lost under load: stalls in both views, and when VMs are back.

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::hist::{Bounds, Histogram};
use sim_core::{Seed, Span};

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = stall(seed)?;
    checks.extend(two_views(seed)?);
    checks.extend(restarts(seed)?);
    Ok(checks)
}

/// One of the four hybrid nodes dies; the survivors' clients keep at most 34 requests open each.
fn stall(seed: Seed) -> Result<Vec<Check>, String> {
    const SURVIVORS: f64 = 3.0;
    let mut s = hybrid()?;
    s.timeline.duress = Span::secs(32);
    s.windows.warm_in = Span::secs(1);
    dies(&mut s, 1, Span::secs(3));
    let record = play(&s, seed, 0)?.record;
    let tool = [Metric::ReadLatencyTool, Metric::WriteLatencyTool];
    let all = pooled(&record, &tool, Side::Target, &Phase::ALL);
    let worst = all.max().unwrap_or(0) as f64 * 1e-9;
    let identity = variance(&all) * all.count() as f64 / (worst * worst) / SURVIVORS;
    Ok(vec![
        between("worst I/O of the survivors, s", worst, 15.0, 25.0, "16.0, 20.2 and 24.8 s (nutanix/curie)"),
        between(
            "stalled requests per survivor, sd^2 N / max^2",
            identity,
            18.0,
            40.0,
            "20.9, 38.7 and 29.1 (nutanix/curie); 34 open at most, and the variance of the healthy rest",
        ),
    ])
}

/// A stall of 20 s in a run of 7,320 s, of which the 28 s around it are played: everything else is faster.
fn two_views(seed: Seed) -> Result<Vec<Check>, String> {
    const RUN: f64 = 7320.0;
    const STALL: f64 = 20.0;
    let mut s = flash()?;
    s.timeline.duress = Span::secs(28);
    s.target.profile.storage.detection = always(STALL);
    dies(&mut s, 1, Span::secs(2));
    let record = play(&s, seed, 0)?.record;
    // The P99.9 of the whole run has one in a thousand of its requests above it: 1,000/s of each survivor.
    let above = 0.001 * RUN * 3.0 * 1000.0;
    let of = |metrics: &[Metric]| {
        let all = pooled(&record, metrics, Side::Target, &Phase::ALL);
        quantile(&all, 1.0 - above / all.count() as f64)
    };
    let application = of(&[Metric::ReadLatency, Metric::WriteLatency]);
    let tool = of(&[Metric::ReadLatencyTool, Metric::WriteLatencyTool]);
    Ok(vec![
        within(
            "P99.9 as the application sees it, s",
            application,
            STALL - 0.001 * RUN,
            0.05 * (STALL - 0.001 * RUN),
            "T - 0.001 L: arrivals of the stall wait for its end",
        ),
        between("P99.9 as a tool sees it, s", tool, 0.0, 0.1, "a closed loop meets the stall once per place"),
    ])
}

/// VMs of a dead host.
fn restarts(seed: Seed) -> Result<Vec<Check>, String> {
    let because = "3 to 5 min from power-off to guest up (vPeteWalker/midway, failure/node)";
    let mut checks = Vec::new();
    for (platform, mut s) in [("AHV", flash()?), ("ESXi", hybrid()?)] {
        s.target.hosts = 8;
        s.groups[0].count = 40;
        s.groups[0].disks.clear();
        s.windows.everything = false;
        s.timeline.duress = Span::secs(400);
        dies(&mut s, 3, Span::secs(1));
        let mut all = Histogram::new(Bounds::Latency);
        for run in 0..4 {
            let record = play(&s, seed, run)?.record;
            all.merge(&pooled(&record, &[Metric::RestartOutage], Side::Target, &Phase::ALL));
        }
        checks.push(between(
            &format!("mean restart outage, {platform}, s"),
            mean(&all),
            180.0,
            300.0,
            because,
        ));
        if platform == "ESXi" {
            let least = all.min().map_or(f64::NAN, |ns| ns as f64 * 1e-9);
            // 15 s to be declared dead, then a boot of 140 s at least.
            let because = "vSphere HA: a host has failed after 15 s without heartbeat (KB 322784)";
            checks.push(between("shortest restart outage, ESXi, s", least, 155.0, 185.0, because));
        }
    }
    Ok(checks)
}
