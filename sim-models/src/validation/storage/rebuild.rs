//! When copies are made again, how fast, and what is gone meanwhile.

use crate::ids::{HostId, Side};
use crate::metric::{Metric, Phase};
use crate::record::Tally;
use crate::scenario::{Scenario, Throttle};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::{Bytes, Rate, Seed, Span};

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = terabytes(seed)?;
    checks.extend(shares(seed)?);
    checks.extend(reservations(seed)?);
    checks.extend(starts(seed)?);
    checks.extend(second_failure(seed)?);
    checks.extend(room(seed)?);
    Ok(checks)
}

const TB: u64 = 1_000_000_000_000;

/// Minutes that copies of what one of twelve hybrid nodes held are being made.
fn minutes(copies: u8, seed: Seed) -> Result<f64, String> {
    let mut s = filled(hybrid()?, 12, copies, Throttle::Cap(0.25), Bytes(5 * TB));
    design(&mut s).devices = 4;
    let dead = spare(&s, 0);
    dies(&mut s, dead, Span::secs(1));
    s.timeline.duress = Span::mins(180);
    // The second until the loss is noticed is part of the rebuild time as recorded.
    Ok((per_run(&play(&s, seed, 0)?.record, Metric::RebuildTime) * 1e-9 - 1.0) / 60.0)
}

fn terabytes(seed: Seed) -> Result<Vec<Check>, String> {
    let three = "12 to 11 nodes, RF3, 5 TB in 30 min on hybrid nodes (joshodgers.com 2018)";
    let two = "5 TB within 45 min on several-generation-old hardware (vPeteWalker/midway); 12 nodes assumed";
    Ok(vec![
        between("5 TB at RF3, 12 to 11 nodes, min", minutes(3, seed)?, 25.0, 40.0, three),
        between("5 TB at RF2, old hardware, min", minutes(2, seed)?, 0.0, 45.0, two),
    ])
}

/// Rates of all nodes during a rebuild, the mean of four runs that differ in the luck of connections.
fn copy_rates(survivors: u16, seed: Seed) -> Result<Vec<f64>, String> {
    const RUNS: u64 = 4;
    let mut s = filled(flash()?, survivors + 1, 2, Throttle::Cap(0.25), Bytes(5 * TB));
    design(&mut s).groups = 16_384;
    let dead = spare(&s, 0);
    dies(&mut s, dead, Span::secs(1));
    s.timeline.duress = Span::mins(10);
    let mut rates = vec![0.0; usize::from(s.target.hosts)];
    for run in 0..RUNS {
        let mut sim = begin_run(&s, seed, run);
        run_to(&mut sim, 20.0)?;
        for (sum, host) in rates.iter_mut().zip(hosts(&s)) {
            *sum += sim.model.storage.copy_rate(host).as_f64() / RUNS as f64;
        }
    }
    Ok(rates.into_iter().filter(|r| *r > 0.0).collect())
}

/// Every survivor's share of the work.
fn shares(seed: Seed) -> Result<Vec<Check>, String> {
    let because =
        "each of N does 1/N: 25, 10 and 2 % (Nutanix Bible); standard deviation below 5 % of the mean";
    let mut checks = Vec::new();
    for survivors in [4u16, 10, 50] {
        let rates = copy_rates(survivors, seed)?;
        let n = f64::from(survivors);
        let mean = rates.iter().sum::<f64>() / n;
        let squares: f64 = rates.iter().map(|r| (r / mean - 1.0) * (r / mean - 1.0)).sum();
        let most = rates.iter().copied().fold(0.0, f64::max) / mean / n;
        let (share, spread) =
            (format!("largest share of {survivors} survivors"), format!("spread of {survivors} shares"));
        checks.push(within(&share, most, 1.0 / n, 0.1 / n, because));
        checks.push(between(&spread, (squares / n).sqrt(), 0.0, 0.05, because));
    }
    Ok(checks)
}

/// Clients that would take everything, and recovery by reservation: 4 OSDs of 1,200 MiB/s, as in Ceph's study.
fn reserved(reservation: f64, seed: Seed) -> Result<f64, String> {
    const MIB: u64 = 1_048_576;
    // No weight: what the study measured follows reservations alone, though a quarter was left at the least.
    let throttle = Throttle::MClock { reservation, weight: 0.0, limit: 1.0 };
    let mut s =
        scenario(&include_str!("../../../../scenarios/facts/flash.ron").replace("\"ahv\"", "\"kvm\""))?;
    let clients = s.groups[0].disks.clone();
    s = filled(s, 4, 3, throttle, Bytes(TB));
    let design = design(&mut s);
    (design.devices, design.cvm_vcpus) = (1, 2);
    s.target.profile.storage.data_write_rate = Rate(1200 * MIB);
    s.groups[0].disks = clients;
    s.groups[0].disks[0].reads_per_s = 0.0;
    s.groups[0].disks[0].writes_per_s = 100_000.0;
    s.windows.stratum = Span::mins(60 * 2);
    s.windows.slice = Span::ms(1);
    (s.windows.before_fault, s.windows.after_detection) = (Span::ZERO, Span::ZERO);
    s.windows.warm_in = Span::ZERO;
    let dead = spare(&s, 0);
    dies(&mut s, dead, Span::secs(1));
    s.timeline.duress = Span::mins(1);
    // Connections share unevenly: a mean over the survivors and some runs.
    const RUNS: u64 = 8;
    let survivors: Vec<HostId> = hosts(&s).filter(|&h| h != HostId(dead)).collect();
    let mut sum = 0.0;
    for run in 0..RUNS {
        let mut sim = begin_run(&s, seed, run);
        // What passes a survivor is looked at once loads and rates have settled.
        run_to(&mut sim, 8.0)?;
        sum += survivors.iter().map(|&h| sim.model.storage.copy_rate(h).as_f64()).sum::<f64>();
    }
    Ok(sum / (RUNS as f64 * survivors.len() as f64 * MIB as f64))
}

fn reservations(seed: Seed) -> Result<Vec<Check>, String> {
    let study = "Ceph mClock study: 320, 480 and 635 MiB/s at reservations of 25, 40 and 60 % of 1,200 MiB/s";
    let mut checks = Vec::new();
    for (share, published, seconds) in [(0.25, 320.0, 966.0), (0.4, 480.0, 647.0), (0.6, 635.0, 488.0)] {
        let rate = reserved(share, seed)?;
        let name = format!("recovery at a reservation of {share}, MiB/s");
        checks.push(within(&name, rate, published, 0.15 * published, study));
        let name = format!("75,000 objects of 4 MiB at {share}, s");
        let because = "966, 647 and 488 s (the same study)";
        checks.push(within(&name, 300_000.0 / rate, seconds, 0.06 * seconds, because));
    }
    Ok(checks)
}

/// Seconds from noticing a loss to the first copied byte.
fn start(mut s: Scenario, seed: Seed) -> Result<f64, String> {
    let dead = spare(&s, 0);
    dies(&mut s, dead, Span::secs(1));
    s.timeline.duress = Span::mins(70);
    let mut sim = begin(&s, seed);
    let noticed = sim.model.storage.detection(HostId(dead)).as_secs();
    // Until one second before copies are to begin nothing may move.
    let delay = sim.model.storage.rebuild_delay(HostId(dead)).map_or(f64::NAN, |d| d.as_secs());
    run_to(&mut sim, (1.0 + delay - 1.0).max(1.0))?;
    let early = sim.record.total(Tally::Time, Side::Target, Phase::Rebuilding);
    run_to(&mut sim, 1.0 + delay + 5.0)?;
    sim.start(|_, cx| cx.record.end_act(cx.now));
    let copying = sim.record.total(Tally::Time, Side::Target, Phase::Rebuilding) as f64 * 1e-9;
    if early > 0 || copying == 0.0 {
        return Ok(f64::NAN);
    }
    Ok(1.0 + delay + 5.0 - copying - 1.0 - noticed)
}

fn starts(seed: Seed) -> Result<Vec<Check>, String> {
    let slow = Throttle::Fixed(Rate(10_000_000));
    let with = |profile: &Scenario| {
        let (detection, scan) =
            (profile.target.profile.storage.detection.clone(), profile.target.profile.storage.scan.clone());
        let mut s = filled(profile.clone(), 4, 2, slow, Bytes(TB));
        (s.target.profile.storage.detection, s.target.profile.storage.scan) = (detection, scan);
        s
    };
    let kvm = scenario(&include_str!("../../../../scenarios/facts/flash.ron").replace("\"ahv\"", "\"kvm\""))?;
    let mut absent = with(&flash()?);
    absent.target.profile.storage.scan = always(3600.0);
    Ok(vec![
        between(
            "Nutanix: noticed to first copy, s",
            start(with(&hybrid()?), seed)?,
            0.0,
            60.0,
            "within 60 s (Nutanix 2014)",
        ),
        within(
            "Ceph: down to first copy, s",
            start(with(&kvm), seed)?,
            600.0,
            1e-6,
            "mon_osd_down_out_interval 600 s",
        ),
        within(
            "vSAN, absent: to first copy, s",
            start(absent, seed)?,
            3600.0,
            1e-6,
            "ClomRepairDelay 60 min",
        ),
    ])
}

/// Bytes that cannot be read when a second node dies half-way through the rebuild of the first, over what the first
/// held: the mean over all second nodes, since pairs of nodes do not all share the same, and `rounds` runs of each,
/// since the connections of one node may be luckier than another's.
fn unavailable(copies: u8, rounds: u64, seed: Seed) -> Result<f64, String> {
    const SPEED: Rate = Rate(200_000_000);
    const SECONDS: u64 = 10;
    let mut s = filled(flash()?, 12, copies, Throttle::Fixed(SPEED), Bytes(5 * TB));
    let first = spare(&s, 0);
    dies(&mut s, first, Span::secs(1));
    let mut calm = begin(&s, seed);
    run_to(&mut calm, 0.5)?;
    let held = calm.model.storage.held(HostId(first)).as_f64();
    // D / (11 x 200 MB/s), 2,273 s for 5 TB, after 1 s of detection.
    let half = held / (11.0 * SPEED.as_f64()) / 2.0;
    s.timeline.duress = Span::from_secs_f64(2.0 + half + 30.0);
    let mut sum = 0.0;
    for run in 0..rounds * SECONDS {
        let mut s = s.clone();
        let second = spare(&s, 1 + (run % SECONDS) as u16);
        dies(&mut s, second, Span::from_secs_f64(2.0 + half));
        sum += per_run(&play(&s, seed, run)?.record, Metric::UnavailableBytes);
    }
    Ok(sum / (rounds * SECONDS) as f64 / held)
}

fn second_failure(seed: Seed) -> Result<Vec<Check>, String> {
    let because =
        "D / (N - 1) x (1 - x): of 5 TB of one of 12 nodes 5 / 11 / 2 = 0.227 TB at half the rebuild";
    Ok(vec![
        within("unavailable at RF2, TB", 5.0 * unavailable(2, 4, seed)?, 0.22727, 0.0114, because),
        within("unavailable at RF3, TB", 5.0 * unavailable(3, 1, seed)?, 0.0, 0.0, "a third copy lives"),
    ])
}

/// Four nodes of 10 TB with one failure to survive hold (4 - 1) x 10 x 0.95 = 28.5 TB, copies counted.
fn room(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    for (full, fits) in [(0.98, 1.0), (1.005, 0.0)] {
        let per_node = Bytes::from_f64(full * 28.5e12 / 4.0);
        let mut s = filled(flash()?, 4, 2, Throttle::Unlimited, per_node);
        (design(&mut s).devices, design(&mut s).device_capacity) = (1, Bytes(10 * TB));
        let dead = spare(&s, 0);
        dies(&mut s, dead, Span::secs(1));
        s.timeline.duress = Span::mins(60 * 4);
        let mut sim = begin(&s, seed);
        run_to(&mut sim, 14_000.0)?;
        let got = if sim.model.storage.degraded_no_space(Side::Target) { 0.0 } else { 1.0 };
        let name = format!("a lost node fits with {:.1} TB on 4 x 10 TB", full * 28.5);
        checks.push(within(&name, got, fits, 0.0, "resilient capacity 28.5 TB (Nutanix Bible)"));
        let refused = f64::from(u8::from(sim.model.storage.read_only(Side::Target)));
        let name = format!("then writes are refused with {:.1} TB", full * 28.5);
        checks.push(within(&name, refused, 1.0 - fits, 0.0, "Stargate is read-only at 95 % (Nutanix Bible)"));
    }
    Ok(checks)
}
