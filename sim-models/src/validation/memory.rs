//! Memory states and remote memory.

use super::bed::{between, within};
use super::{Check, Findings, Suite};
use crate::memory::numa::{remote, stall_share};
use crate::memory::reclaim::{State, large_pages_break_below, min_free};
use crate::profile::ProfileSpec;
use crate::profile::memory::{MemoryProfile, Pages};
use crate::quantity::Resolver;
use sim_core::{Bytes, Seed, SimTime, Streams};

/// See the module.
pub const SUITES: &[Suite] = &[Suite {
    name: "memory",
    model: "memory states, remote memory and what it costs",
    against: "VMware's thresholds, Pond (ASPLOS 2023), 10,632 Azure VMs, logs of Intel MLC",
    wrong: "which VMs have remote memory is an assumption of each profile; the slowest 1.2 % of the Azure VMs come \
            out as 0.8 %; bandwidth between sockets is not a limit",
    run: suite,
}];

fn suite(seed: Seed) -> Result<Findings, String> {
    let mut checks = thresholds();
    checks.extend(interleaved(seed)?);
    checks.extend(losses(seed));
    checks.extend(azure(seed)?);
    checks.push(latency()?);
    let inside = checks.iter().filter(|c| c.passes()).count();
    let size = format!("2,021 host sizes, 200,000 drawn VMs, {} figures", checks.len());
    Ok(Findings { error: format!("{inside} of {} inside, thresholds exact", checks.len()), checks, size })
}

/// 899 MiB and 1 % of what lies above 28 GiB; states begin below 100, 64, 32 and 16 % of it (Yellow Bricks).
fn thresholds() -> Vec<Check> {
    let sizes = 28..=2048u64;
    let kept = |gib: u64| (899 << 20) + ((gib - 28) << 30) / 100;
    let wrong_sizes = sizes.clone().filter(|&gib| {
        let min = min_free(Bytes::gib(gib));
        min.0 != kept(gib) || large_pages_break_below(Bytes::gib(gib)).0 != 4 * kept(gib)
    });
    let edges = [(1.0, State::Clear), (0.64, State::Soft), (0.32, State::Hard), (0.16, State::Low)];
    let wrong_states = sizes.flat_map(|gib| edges.map(|(share, state)| (kept(gib), share, state)));
    let wrong_states = wrong_states.filter(|&(kept, share, state)| {
        let at = |free: f64| State::High.next(free, Bytes(kept), 0.0);
        at(share * kept as f64 - 1.0) != state || at(share * kept as f64) >= state
    });
    let because = "Yellow Bricks: 899 MB + 1 % beyond 28 GB; clear, soft, hard, low at 100, 64, 32, 16 %";
    vec![
        within("hosts whose minFree is off by a byte", wrong_sizes.count() as f64, 0.0, 0.0, because),
        within("states that begin elsewhere", wrong_states.count() as f64, 0.0, 0.0, because),
    ]
}

fn profile(name: &str) -> Result<MemoryProfile, String> {
    let text = crate::profile::builtin(name).ok_or("no such profile")?;
    let spec = ProfileSpec::parse(text).map_err(|e| e.to_string())?;
    Ok(spec.resolve(name, &mut Resolver::typical()).memory)
}

/// Pages dealt round robin over the nodes of a host: all but one node's are remote.
fn interleaved(seed: Seed) -> Result<Vec<Check>, String> {
    let profile = MemoryProfile { pages: Pages::Interleaved, ..profile("kvm")? };
    let mut luck = Streams::new(seed, 0).stream("vm", "remote");
    let mut share = |nodes| remote(&profile, nodes, false, false, SimTime::ZERO, &mut luck).at(SimTime::ZERO);
    Ok(vec![
        within("remote share over 2 nodes", share(2), 0.5, 0.0005, "1 - 1/2"),
        within("remote share over 4 nodes", share(4), 0.75, 0.00075, "1 - 1/4"),
    ])
}

/// Everything remote at 1.82 times the latency.
fn losses(seed: Seed) -> Vec<Check> {
    const VMS: usize = 100_000;
    let mut luck = Streams::new(seed, 0).stream("workloads", "memory stalls");
    let losses: Vec<f64> = (0..VMS).map(|_| 0.82 * stall_share(&mut luck)).collect();
    let share = |above: f64| losses.iter().filter(|&&loss| loss > above).count() as f64 / VMS as f64;
    vec![
        within(
            "workloads that lose more than 5 %",
            share(0.05),
            0.60,
            0.03,
            "Pond, 158 workloads: about 60 %",
        ),
        within("workloads that lose more than 25 %", share(0.25), 0.25, 0.03, "Pond: almost a quarter"),
    ]
}

/// 10,632 D8s_v5 VMs: 89.2 ns at the median, 3.4 % above 110, 2.2 % above 130, 1.2 % above 150 ns. Let a share
/// *w* of VMs have a remote share that is uniform from 0 to 1, at 1.82 times the latency: a VM is above *t* when
/// its share is above (t / 89.2 - 1) / 0.82, which is 0.2843, 0.5578, 0.8313. With w = 4.75 %, chosen on the
/// first, the others are 2.1 and 0.8 %.
fn azure(seed: Seed) -> Result<Vec<Check>, String> {
    const VMS: usize = 100_000;
    const LOCAL_NS: f64 = 89.2;
    let wandered = MemoryProfile { remote_least: 0.0, remote_most: 1.0, ..profile("ahv")? };
    let mut luck = Streams::new(seed, 0).stream("azure", "remote");
    let mut latencies: Vec<f64> = (0..VMS)
        .map(|_| {
            let share = remote(&wandered, 2, false, false, SimTime::ZERO, &mut luck).at(SimTime::ZERO);
            LOCAL_NS * (1.0 + if luck.chance(0.0475) { 0.82 * share } else { 0.0 })
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    let above = |t: f64| latencies.iter().filter(|&&l| l > t).count() as f64 / VMS as f64;
    let because = "Azure VM noise, D8s_v5: 3.4, 2.2 and 1.2 % of VMs above 110, 130 and 150 ns, P50 89.2 ns";
    Ok(vec![
        within("median latency, ns", latencies[VMS / 2], 89.2, 0.1, because),
        within("VMs above 110 ns", above(110.0), 0.034, 0.002, because),
        within("VMs above 130 ns", above(130.0), 0.022, 0.003, because),
        within("VMs above 150 ns", above(150.0), 0.012, 0.005, because),
        between(
            "P99, ns",
            latencies[VMS * 99 / 100],
            140.0,
            165.0,
            "the same: its tail lies at 150 to 165 ns",
        ),
    ])
}

/// Dual-socket Xeons of three generations: 1.49 to 1.72 times the local latency.
fn latency() -> Result<Check, String> {
    let because = "Intel MLC logs of dual-socket Xeons: 1.49-1.59, 1.62, 1.72";
    Ok(between("remote over local latency", profile("ahv")?.remote_latency, 1.49, 1.72, because))
}
