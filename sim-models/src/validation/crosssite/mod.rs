//! Replication between sites: lag, violations, stalls.

use super::bed::*;
use super::{Check, Findings, Suite};
use crate::ids::Side;
use crate::metric::{Metric, Phase};
use crate::migration::replication::{Lag, Snapshots, stretched_bandwidth};
use crate::scenario::{FaultKind, Replication, Scenario};
use sim_core::{Dist, Rate, Seed, SimTime, Span, Streams};

/// See the module.
pub const SUITES: &[Suite] = &[Suite {
    name: "crosssite",
    model: "replication between sites: lag, snapshots, mirrored writes",
    against: "the reflected fluid in closed form, VMware's examples, max(local, round trip + remote)",
    wrong: "the other site takes exactly as long for a write as the local one did, so that a mirrored write is the local \
            one and a round trip; a link that is back is not followed by a resynchronisation of what was broken off",
    run,
}];

fn run(seed: Seed) -> Result<Findings, String> {
    let mut checks = vec![lag(seed)];
    checks.extend(catching_up());
    checks.extend(violated());
    checks.push(stretched());
    checks.extend(mirrored(seed)?);
    let size = format!("{} facts and 1,000 random paths", checks.len());
    Ok(Findings { error: format!("lag {:.0e} relative", checks[0].got), checks, size })
}

/// Random rates, each for a random time: the lag is the fluid reflected at zero, L = X - min(0, min of X so far),
/// X what would have arrived over what could have left (Skorokhod).
fn lag(seed: Seed) -> Check {
    let mut luck = Streams::new(seed, 0).stream("lag", "paths");
    let mut worst = 0.0f64;
    for _ in 0..1000 {
        let (mut now, mut net, mut least) = (SimTime::ZERO, 0.0f64, 0.0f64);
        let mut lag = Lag::begin(now);
        for _ in 0..20 {
            let (inflow, outflow) = (1e8 * luck.uniform(), 1e8 * luck.uniform());
            let step = Span(1 + luck.below(100_000_000_000));
            lag.set(now, inflow, outflow);
            now += step;
            net += (inflow - outflow) * step.as_secs();
            least = least.min(net);
            let want = net - least;
            // What the empty lag is off by is measured against what passed through it.
            worst = worst.max((lag.bytes(now) - want).abs() / want.max(inflow * step.as_secs()));
        }
    }
    within("lag, worst relative error", worst, 0.0, 1e-9, "dL/dt = w - c, L >= 0")
}

/// 40 MB/s written, 100 MB/s sent, an outage of 30 s.
fn catching_up() -> Vec<Check> {
    let at = |s: u64| SimTime::ZERO + Span::secs(s);
    let mut lag = Lag::begin(at(0));
    lag.set(at(0), 40e6, 0.0);
    let behind = lag.bytes(at(30));
    lag.set(at(30), 40e6, 100e6);
    let empties = lag.empties().map_or(f64::NAN, SimTime::as_secs);
    lag.set(at(100), 40e6, 30e6);
    vec![
        within("lag after an outage of 30 s, bytes", behind, 1.2e9, 1.2, "w d"),
        within("caught up, s", empties, 50.0, 1e-9, "30 + L / (c - w) = 30 + 1,200 / 60"),
        within(
            "age after 100 s of overload, s",
            lag.age(at(200)).as_secs(),
            25.0,
            1e-9,
            "1 - c / w per second",
        ),
    ]
}

/// Transfers of 10 min back to back from 12:00, objective 15 min; seconds after 12:00.
fn violated() -> Vec<Check> {
    let minutes = |n: u64| SimTime::ZERO + Span::mins(n);
    let objective = Span::mins(15);
    let mut copies = Snapshots::begin(minutes(0), Span::ZERO);
    copies.take(minutes(0));
    let next = copies.land(minutes(10));
    copies.take(next);
    let from = copies.expires(objective);
    let before = copies.violates(from, objective);
    let after = copies.violates(from + Span::ns(1), objective);
    let still = copies.violates(minutes(20) - Span::ns(1), objective);
    copies.land(minutes(20));
    let over = copies.violates(minutes(20), objective);
    let because = "VMware vSphere Replication documentation: violated from 12:15 to 12:20";
    let holds = [before, after, still, over] == [false, true, true, false];
    vec![
        within("violated from, s after 12:00", from.as_secs(), 900.0, 0.0, because),
        within(
            "violated just after and to 12:20, not before or then",
            f64::from(u8::from(holds)),
            1.0,
            0.0,
            because,
        ),
    ]
}

fn stretched() -> Check {
    // 10,000 x 4 KB = 40 MB/s = 320 Mb/s; x 1.4 x 1.25.
    let got = stretched_bandwidth(Rate(10_000 * 4_000)).as_f64() * 8e-6;
    within(
        "stretched vSAN, 10,000 x 4 KB writes/s, Mb/s",
        got,
        560.0,
        1e-3,
        "VMware sizing guide: Wb x 1.4 x 1.25",
    )
}

/// Four VMs that are still on the source, every request played, none moved within the run.
fn metro(replication: Replication) -> Result<Scenario, String> {
    let mut s = scenario(include_str!("../../../../scenarios/facts/metro.ron"))?;
    let wave = s.wave.as_mut().ok_or("the scenario has a wave")?;
    wave.replication = replication;
    wave.start = Span::mins(60);
    Ok(s)
}

fn writes(s: &Scenario, seed: Seed) -> Result<sim_core::hist::Histogram, String> {
    Ok(pooled(&play(s, seed, 0)?.record, &[Metric::WriteLatency], Side::Source, &Phase::ALL))
}

fn mirrored(seed: Seed) -> Result<Vec<Check>, String> {
    let sync = Replication::Sync { break_after: Span::secs(15) };
    let local = mean(&writes(&metro(Replication::None)?, seed)?);
    let both = mean(&writes(&metro(sync)?, seed)?);
    let mut checks = vec![within(
        "what a mirrored write takes longer, s",
        both - local,
        0.005,
        2e-5,
        "max(local, round trip + remote), equal sites, 5 ms",
    )];
    for (heals, low, high, because) in [
        (None, 14.95, 15.05, "stall until the break timeout of 15 s"),
        (Some(5.0), 4.95, 5.2, "stall until the link is back, looked at every 0.1 s"),
    ] {
        let mut s = metro(sync)?;
        let heals = heals.map(|s| Dist::constant(s).expect("a finite value"));
        breaks(&mut s, FaultKind::SiteLink, Span::secs(5), heals);
        let worst = writes(&s, seed)?.max().map_or(f64::NAN, |ns| ns as f64 * 1e-9);
        checks.push(between("worst write of a dead link, s", worst, low, high, because));
    }
    Ok(checks)
}
