//! A rebuild that one resource binds takes as long as that resource needs: T = D / sum of r_i.

use crate::ids::{HostId, Side};
use crate::metric::Metric;
use crate::scenario::{Bond, FaultKind, Pick, Scenario, Throttle};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::{Bytes, Rate, Seed, Span};

/// What holds a node back.
#[derive(Clone, Copy, Debug)]
enum Binds {
    /// A cap that the operator set.
    Cap,
    /// The devices: copies are read and written on the same ones.
    Devices,
    /// The controller's cycles.
    Controller,
    /// A port, which carries as much in each direction at once.
    Port,
}

/// Bytes of a node: minutes of work, so that the tenths of seconds in which rates settle do not matter.
const HELD: Bytes = Bytes(100_000_000_000);
/// When the node is lost: what was lost before is made good by then.
const LOSS: Span = Span::secs(200);
/// The payload of 10 GbE at an MTU of 9000 and 95 % of its rate: 0.95 x 8948 / 9038 x 1.25 GB/s.
const PAYLOAD: f64 = 0.95 * 8948.0 / 9038.0 * 1.25e9;

/// So many nodes of which the first spare one is lost, and what passes each survivor in one direction at best.
fn bound_by(what: Binds, nodes: u16) -> Result<(Scenario, f64), String> {
    const RATE: Rate = Rate(50_000_000);
    // From a port, three copies: of two survivors that hold a group, the one with less to send sends it. With two
    // copies the sender is given by the placement, whose luck is a few per cent.
    let (throttle, copies) = match what {
        Binds::Cap => (Throttle::Fixed(RATE), 2),
        Binds::Devices => (Throttle::Unlimited, 2),
        Binds::Controller => (Throttle::Cap(0.25), 2),
        Binds::Port => (Throttle::Unlimited, 3),
    };
    let held = if matches!(what, Binds::Port) { HELD * 10 } else { HELD };
    let mut s = filled(flash()?, nodes, copies, throttle, held);
    // So many groups that a node's share of the work is even to a fraction of a per cent.
    design(&mut s).groups = 32_768;
    let mut rate = RATE.as_f64();
    match what {
        Binds::Cap => {}
        Binds::Devices => {
            design(&mut s).devices = 1;
            s.target.profile.storage.data_write_rate = RATE * 2;
        }
        Binds::Controller => {
            const VCPUS: u32 = 8;
            let per_mib = Span::ms(20);
            design(&mut s).cvm_vcpus = VCPUS;
            s.target.profile.storage.copy_work = per_mib;
            // A quarter of its cycles, for both directions.
            rate = 0.25 * f64::from(VCPUS) / per_mib.as_secs() * 1_048_576.0 / 2.0;
        }
        Binds::Port => {
            (s.target.nics.ports, s.target.nics.rate, s.target.nics.bond) =
                (1, Rate::gbps(10), Bond::ActiveBackup);
            rate = PAYLOAD;
        }
    }
    let dead = spare(&s, 0);
    dies(&mut s, dead, LOSS);
    s.timeline.duress = Span::secs(1_000);
    Ok((s, rate))
}

/// Seconds that the rebuild of the lost node takes and the least that it can take, at this sum of rates.
fn took(s: &Scenario, rates: f64, seed: Seed) -> Result<[f64; 2], String> {
    let mut sim = begin(s, seed);
    run_to(&mut sim, LOSS.as_secs() - 0.5)?;
    let least = sim.model.storage.held(HostId(spare(s, 0))).as_f64() / rates;
    run_to(&mut sim, s.timeline.duress.as_secs())?;
    // The second of detection is part of the rebuild time as recorded.
    Ok([per_run(&sim.record, Metric::RebuildTime) * 1e-9 - 1.0, least])
}

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    for what in [Binds::Cap, Binds::Devices, Binds::Controller, Binds::Port] {
        checks.extend(bounds(what, seed)?);
    }
    checks.push(slow_node(seed)?);
    Ok(checks)
}

fn bounds(what: Binds, seed: Seed) -> Result<[Check; 3], String> {
    let of = |survivors: u16| {
        let (s, rate) = bound_by(what, survivors + 1)?;
        took(&s, f64::from(survivors) * rate, seed)
    };
    let (few, many) = (of(8)?, of(16)?);
    let binds = format!("{what:?}").to_lowercase();
    let over = |n: u8, [time, least]: [f64; 2]| {
        let name = format!("rebuild over D / sum r_i, {binds} binds, {n} survivors");
        between(&name, time / least, 0.999, 1.03, "whoever is free makes the next copy, so that none is idle")
    };
    let halved = few[0] / many[0] / (few[1] / many[1]) * 2.0;
    let name = format!("rebuild of equal bytes, {binds} binds, 8 over 16 survivors");
    Ok([over(8, few), over(16, many), within(&name, halved, 2.0, 0.06, "twice the survivors halve it")])
}

/// One of eight survivors has lost half of its devices before, and with them half of its speed: the others take
/// what it cannot, and all end together.
fn slow_node(seed: Seed) -> Result<Check, String> {
    let (mut s, rate) = bound_by(Binds::Devices, 9)?;
    design(&mut s).devices = 2;
    s.target.profile.storage.data_write_rate = Rate::from_f64(rate);
    let weak = FaultKind::Device { side: Side::Target, host: Pick::Nth(spare(&s, 1)) };
    breaks(&mut s, weak, Span::secs(1), None);
    let [time, least] = took(&s, 7.5 * rate, seed)?;
    let because = "7.5 times the rate of a whole node";
    Ok(between(
        "rebuild over D / sum r_i, one of 8 survivors half as fast",
        time / least,
        0.999,
        1.03,
        because,
    ))
}
