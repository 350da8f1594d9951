//! Guests beside a rebuild.

use crate::ids::{Side, VmId};
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
    checks.extend(live_migration(seed)?);
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

/// A closed loop of 64 random writes of 4 KiB on three copies, beside a recovery under this throttle: writes per
/// second without and with it, and the latency with it.
fn beside_recovery(throttle: Throttle, seed: Seed) -> Result<[f64; 3], String> {
    let mut s =
        scenario(&include_str!("../../../../scenarios/facts/flash.ron").replace("\"ahv\"", "\"kvm\""))?;
    let design = design(&mut s);
    (design.copies, design.throttle) = (3, throttle);
    s.groups[0].count = 1;
    s.groups[0].disks = vec![DiskClient {
        count: 1,
        reads_per_s: 0.0,
        // What the loop would take if it could: at 340 us of CPU per write more than four nodes have, so that
        // nothing is left over for the recovery but what is its own.
        writes_per_s: 150_000.0,
        iodepth: 64,
        sizes: vec![(Bytes::kib(4), 1.0)],
        rate_limited: false,
    }];
    let record = play(&rebuilding(s), seed, 0)?.record;
    let latency = mean(&pooled(&record, &[Metric::WriteLatencyTool], Side::Target, &[Phase::Rebuilding]));
    Ok([writes_per_s(&record, Phase::TargetSteady), writes_per_s(&record, Phase::Rebuilding), latency])
}

fn queue_depth(seed: Seed) -> Result<Vec<Check>, String> {
    let reserved = Throttle::MClock { reservation: 0.5, weight: 1.0, limit: 1.0 };
    let [calm, busy, latency] = beside_recovery(reserved, seed)?;
    let study =
        "Ceph mClock study: with half reserved for it a client of depth 64 keeps 11,209 of 21,500 IOPS";
    let rows = "64 / IOPS, as in all ten rows of the same study within 1.3 %";
    Ok(vec![
        between("share of IOPS kept beside a recovery", busy / calm, 0.5, 1.0, study),
        within("latency x IOPS at depth 64", latency * busy, 64.0, 64.0 * 0.013, rows),
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

/// How long after a live migration requests are looked at, seconds.
const AFTER: u32 = 12;

/// A run in which the VM moves after a few seconds and then stays for a while, and the second in which it goes on
/// elsewhere. Requests change nothing about when that is, so it is looked for without them.
fn first_move(s: &Scenario, seed: Seed) -> Result<(u64, u32), String> {
    const EARLIEST: u32 = 7;
    const LATEST: u32 = 30;
    let mut s = s.clone();
    s.windows.everything = false;
    for run in 0..20 {
        let mut sim = begin_run(&s, seed, run);
        let home = sim.model.vms.get(VmId(0)).host;
        for second in 1..=LATEST {
            run_to(&mut sim, f64::from(second))?;
            if sim.model.vms.get(VmId(0)).host != home {
                let there = sim.model.vms.get(VmId(0)).host;
                // A copy of it that begins while requests are counted ends a few seconds later.
                run_to(&mut sim, f64::from(second + AFTER + 4))?;
                if second >= EARLIEST && sim.model.vms.get(VmId(0)).host == there {
                    return Ok((run, second));
                }
                break;
            }
        }
    }
    Err("the VM never moves".into())
}

/// A closed loop of four requests in a VM that is moved: requests per second before, as shares of it the worst 3 s
/// around the move and what is reached from 5 s after it.
fn moved_loop(mut s: Scenario, seed: Seed) -> Result<[f64; 2], String> {
    const WINDOW: usize = 3;
    s.groups[0].count = 1;
    let disk = &mut s.groups[0].disks[0];
    (disk.rate_limited, disk.iodepth, disk.reads_per_s, disk.writes_per_s) = (false, 4, 4000.0, 4000.0);
    s.target.live_migrations_per_hour = 240.0;
    s.timeline.duress = Span::secs(60);
    let (run, moved) = first_move(&s, seed)?;
    let mut sim = begin_run(&s, seed, run);
    let (mut seconds, mut before) = (Vec::new(), 0);
    for second in 1..=moved + AFTER {
        run_to(&mut sim, f64::from(second))?;
        let now = sim.model.vms.requests();
        seconds.push((now - before) as f64);
        before = now;
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    // The copy of 4 GiB takes two seconds before the move.
    let calm = mean(&seconds[..moved as usize - 4]);
    let around = &seconds[..moved as usize + 3];
    let worst = around.windows(WINDOW).map(mean).fold(f64::INFINITY, f64::min);
    Ok([worst / calm, mean(&seconds[moved as usize + 5..]) / calm])
}

/// Published of a VM with a million reads or 620,000 mixed requests per second: at 100 us of CPU each these are more
/// than one controller serves, so that its data do not lie nearer before than after. Controllers serve all VMs alike
/// in the profile of plain KVM.
fn live_migration(seed: Seed) -> Result<Vec<Check>, String> {
    let own = moved_loop(flash()?, seed)?;
    let kvm = include_str!("../../../../scenarios/facts/flash.ron").replace("\"ahv\"", "\"kvm\"");
    let shared = moved_loop(scenario(&kvm)?, seed)?;
    let dip = "12 to 18 % fewer requests for a few seconds (joshodgers.com 2017-11)";
    let back = "at least as many as before within a few seconds (446,000 of 436,000 reads; the same)";
    Ok(vec![
        between("requests lost in the worst 3 s of a live migration", 1.0 - own[0], 0.10, 0.18, dip),
        between(
            "requests from 5 s after a live migration, all serve, over before",
            shared[1],
            1.0,
            1.05,
            back,
        ),
    ])
}
