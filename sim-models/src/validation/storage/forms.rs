//! Closed forms of replicated storage.

use crate::metric::{Metric, Phase};
use crate::record::Tally;
use crate::scenario::Domain;
use crate::storage::groups::{Candidate, Groups};
use crate::validation::Check;
use crate::validation::bed::*;
use sim_core::digest::hash_name;
use sim_core::{Dist, Seed, Span, Streams};

/// Everything here.
pub fn checks(seed: Seed) -> Result<Vec<Check>, String> {
    let mut checks = vec![closed_loop(seed)?];
    checks.extend(slowest_copy(seed)?);
    checks.extend(bytes(seed)?);
    checks.extend(copysets(seed));
    Ok(checks)
}

/// Little's law for a closed population: throughput is outstanding requests over latency.
fn closed_loop(seed: Seed) -> Result<Check, String> {
    const DEPTH: f64 = 64.0;
    let mut s = flash()?;
    s.groups[0].count = 1;
    let disk = &mut s.groups[0].disks[0];
    (disk.rate_limited, disk.iodepth) = (false, DEPTH as u32);
    let record = play(&s, seed, 0)?.record;
    let tool = [Metric::ReadLatencyTool, Metric::WriteLatencyTool];
    let all = pooled(&record, &tool, crate::ids::Side::Target, &Phase::ALL);
    let throughput = all.count() as f64 / s.timeline.duress.as_secs();
    let because = "X = N / R; the same holds of the nine OLTP runs of nutanix/curie (vdbench) within 0.3 %";
    Ok(within("closed loop of 64: X R / N", throughput * mean(&all) / DEPTH, 1.0, 0.005, because))
}

/// A write in an idle cluster takes as long as its slowest copy. Logging is so slow (100 ms) that the rest of the
/// path, some tens of microseconds, does not matter.
fn slowest_copy(seed: Seed) -> Result<Vec<Check>, String> {
    let because = "log-normals of mean 1 and cv 0.5: the integral of 1 - F^k";
    let mut checks = Vec::new();
    for (copies, mean_of_largest) in [(1u8, 1.0), (2, 1.26186), (3, 1.42228)] {
        let mut s = flash()?;
        design(&mut s).copies = copies;
        let storage = &mut s.target.profile.storage;
        storage.log_write = Dist::log_normal_mean_cv(0.1, 0.5).map_err(|e| e.to_string())?;
        (storage.log_channels, storage.log_hiccup_chance) = (1024, 0.0);
        s.groups[0].disks[0].iodepth = 1024;
        // Writes that come in the last tenth of a second do not end: a per mille of them.
        s.timeline.duress = Span::secs(20);
        let record = play(&s, seed, 0)?.record;
        let writes = pooled(&record, &[Metric::WriteLatency], crate::ids::Side::Target, &Phase::ALL);
        let name = format!("write latency over that of a copy, {copies} copies");
        checks.push(within(&name, mean(&writes) / 0.1, mean_of_largest, 0.02 * mean_of_largest, because));
    }
    Ok(checks)
}

/// Bytes at devices and on the network per guest byte, by copies, drained share and whether the drain ships.
fn bytes(seed: Seed) -> Result<Vec<Check>, String> {
    let because = "device RF (1 + d), network (RF - 1)(1 + d n_d)";
    let mut checks = Vec::new();
    for copies in [2u8, 3] {
        for (drained, ships, tolerance) in
            [(0.0, true, 0.0), (1.0, true, 0.0), (1.0, false, 0.0), (0.5, true, 0.02)]
        {
            let mut s = flash()?;
            design(&mut s).copies = copies;
            (s.target.profile.storage.drain_share, s.target.profile.storage.drain_ships) = (drained, ships);
            let record = play(&s, seed, 0)?.record;
            let of = |t: Tally| total(&record, t, &Phase::ALL);
            let written = of(Tally::GuestWritten);
            let rf = f64::from(copies);
            let again = if ships { drained } else { 0.0 };
            let case = format!("RF{copies}, drained {drained}, shipped {ships}");
            let (device, network) = (of(Tally::DeviceWritten) / written, of(Tally::NetworkSent) / written);
            let (want_device, want_network) = (rf * (1.0 + drained), (rf - 1.0) * (1.0 + again));
            checks.push(within(
                &format!("device bytes, {case}"),
                device,
                want_device,
                tolerance * want_device,
                because,
            ));
            checks.push(within(
                &format!("network bytes, {case}"),
                network,
                want_network,
                tolerance * want_network,
                because,
            ));
        }
    }
    Ok(checks)
}

/// Random placement meets the loss of a tenth of the nodes at one instant.
fn copysets(seed: Seed) -> Vec<Check> {
    const NODES: usize = 100;
    const DEAD: usize = 10;
    const GROUPS: u32 = 2000;
    const TRIALS: u32 = 4000;
    let node = |i: usize| Candidate { key: hash_name(&["node", &i.to_string()]), rack: 0, present: true };
    let nodes: Vec<Candidate> = (0..NODES).map(node).collect();
    let groups = Groups::place(GROUPS, 3, &nodes, Domain::Host, 1);
    let mut luck = Streams::new(seed, 0).stream("copysets", "dead");
    let (mut lost, mut some) = (0u32, 0u32);
    for _ in 0..TRIALS {
        let mut order: Vec<usize> = (0..NODES).collect();
        for i in 0..DEAD {
            order.swap(i, i + luck.below((NODES - i) as u64) as usize);
        }
        let dead = |n: u16| order[..DEAD].contains(&usize::from(n));
        let gone = (0..GROUPS).filter(|&g| groups.of(g).iter().all(|s| dead(s.node))).count() as u32;
        lost += gone;
        some += u32::from(gone > 0);
    }
    // C(10, 3) / C(100, 3) = 120 / 161,700; 2,000 groups: 1.48423 on average, none with exp(-1.48423).
    let each = 120.0 / 161_700.0;
    let expected = f64::from(GROUPS) * each;
    let because = "M C(f, R) / C(N, R), and 1 - exp of it; for 5,000 nodes of 8,000 chunks (Copysets, ATC 2013) it is \
                   12.55 and 99.9996 %";
    vec![
        within(
            "groups lost with 10 of 100 nodes",
            f64::from(lost) / f64::from(TRIALS),
            expected,
            0.04,
            because,
        ),
        within(
            "P(some group lost)",
            f64::from(some) / f64::from(TRIALS),
            1.0 - libm::exp(-expected),
            0.025,
            because,
        ),
    ]
}
