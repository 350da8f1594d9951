//! Nothing broken: latencies, the price of a third copy, what flash does by itself.

use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::scenario::{DiskClient, Scenario};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::hist::{Bounds, Histogram};
use sim_core::{Bytes, Seed, Span};

const CURIE: &str = "vdbench logs of nutanix/curie: 4 nodes, AOS 4.5 on ESXi 6.0, 4,200 IOPS each";

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = oltp(seed)?;
    checks.push(third_copy(seed)?);
    checks.extend(collection(seed)?);
    checks.extend(slow_drives(seed)?);
    Ok(checks)
}

fn oltp(seed: Seed) -> Result<Vec<Check>, String> {
    let s = hybrid()?;
    // Requests in a pause of a device weigh on the deviation, and one run has few.
    const RUNS: u64 = 4;
    let runs = (0..RUNS).map(|run| play(&s, seed, run)).collect::<Result<Vec<_>, _>>()?;
    let of = |metrics: &[Metric]| {
        let mut all = Histogram::new(Bounds::Latency);
        runs.iter().for_each(|r| all.merge(&pooled(&r.record, metrics, Side::Target, &Phase::ALL)));
        all
    };
    let (read, write) = (of(&[Metric::ReadLatencyTool]), of(&[Metric::WriteLatencyTool]));
    let both = of(&[Metric::ReadLatencyTool, Metric::WriteLatencyTool]);
    // The mean of the largest of n lies where e^-0.5772 / n are beyond it, for a tail that falls exponentially.
    let worst = quantile(&both, 1.0 - 0.5615 / 4200.0);
    let rate = both.count() as f64 / RUNS as f64 / (s.timeline.duress - s.windows.warm_in).as_secs() / 4.0;
    Ok(vec![
        within("read, ms", mean(&read) * 1e3, 1.25, 0.125, CURIE),
        within("write, ms", mean(&write) * 1e3, 1.18, 0.118, CURIE),
        between("standard deviation, ms", variance(&both).sqrt() * 1e3, 0.8, 1.3, CURIE),
        between("worst of a second, ms", worst * 1e3, 12.0, 22.0, CURIE),
        within("requests per second and VM", rate, 4200.0, 42.0, CURIE),
    ])
}

/// Writes of a cluster that is bound by its controllers' CPUs.
fn third_copy(seed: Seed) -> Result<Check, String> {
    let mut writes = [0.0; 2];
    for (copies, count) in [2u8, 3].into_iter().zip(&mut writes) {
        let mut s = flash()?;
        let design = design(&mut s);
        (design.copies, design.cvm_vcpus) = (copies, 4);
        s.groups[0].disks = vec![DiskClient {
            count: 1,
            reads_per_s: 0.0,
            writes_per_s: 15_000.0,
            iodepth: 64,
            sizes: vec![(Bytes::kib(8), 1.0)],
            rate_limited: false,
        }];
        s.timeline.duress = Span::secs(1);
        *count = play(&s, seed, 0)?.requests as f64;
    }
    let because = "up to 25 % slower (Nutanix 201 workshop); by CPU 1 - 260 / 340 us = 23.5 %";
    Ok(between("writes lost to a third copy", 1.0 - writes[1] / writes[0], 0.20, 0.25, because))
}

/// One VM on one node without network or controller work: what is left is the device.
fn bare_device() -> Result<Scenario, String> {
    let mut s = flash()?;
    s.groups[0].count = 1;
    let p = &mut s.target.profile.storage;
    (p.hop, p.read_work, p.primary_work, p.ack_work) = (always(0.0), always(0.0), always(0.0), always(0.0));
    (p.cache_hit, p.metadata_miss, p.drain_share, p.slow_share) = (0.0, 0.0, 0.0, 0.0);
    s.target.profile.cpu.wake = Span::ZERO;
    design(&mut s).copies = 1;
    Ok(s)
}

fn device(s: &Scenario, metric: Metric, seed: Seed) -> Result<Histogram, String> {
    Ok(pooled(&play(s, seed, 0)?.record, &[metric], Side::Target, &Phase::ALL))
}

/// Log writes with and without pauses of the device.
fn collection(seed: Seed) -> Result<Vec<Check>, String> {
    let mut s = bare_device()?;
    let disk = &mut s.groups[0].disks[0];
    (disk.reads_per_s, disk.writes_per_s) = (0.0, 20_000.0);
    s.timeline.duress = Span::secs(10);
    let with = device(&s, Metric::WriteLatencyTool, seed)?;
    s.target.profile.storage.log_hiccup_chance = 0.0;
    let without = device(&s, Metric::WriteLatencyTool, seed)?;
    let ratio = |q: f64| quantile(&with, q) / quantile(&without, q);
    let because = "5 to 138 times the latency without collection between P99 and P99.99 (TTFLASH, FAST 2017)";
    Ok(vec![
        between("device write P99.99, collection on over off", ratio(0.9999), 5.0, 138.0, because),
        within("device write P50, collection on over off", ratio(0.5), 1.0, 0.05, "pauses are rare"),
    ])
}

/// Reads of 64 devices whose slow episodes are short here, so that many are met; only their share is published.
fn slow_drives(seed: Seed) -> Result<Vec<Check>, String> {
    let mut s = bare_device()?;
    s.target.hosts = 16;
    s.groups[0].count = 16;
    let p = &mut s.target.profile.storage;
    (p.slow_share, p.slow_factor, p.data_read) = (0.006, 3.0, always(100e-6));
    p.slow_length = sim_core::Dist::exponential(0.1).expect("a positive mean");
    let disk = &mut s.groups[0].disks[0];
    (disk.reads_per_s, disk.writes_per_s) = (40.0, 0.0);
    s.timeline.duress = Span::secs(200);
    let reads = device(&s, Metric::ReadLatencyTool, seed)?;
    let slow = reads.count_above(200_000) as f64 / reads.count() as f64;
    let some = 1.0 - libm::pow(1.0 - slow, 4.0);
    Ok(vec![
        within(
            "share of time an SSD is slow",
            slow,
            0.006,
            0.0015,
            "0.6 % of time (Tail at Store, FAST 2016)",
        ),
        within(
            "some SSD of a node's four is slow",
            some,
            0.022,
            0.005,
            "RAID groups have a slow SSD 2.2 % of the time (Tail at Store, FAST 2016)",
        ),
    ])
}
