//! What balancers do about VMs that have piled up on one host: when they act, and when they do not.

use super::super::{Check, Findings, bed};
use crate::ids::{HostId, Side, VmId};
use crate::metric::Metric;
use crate::scenario::{Dirtying, Duty, Scenario};
use crate::world::World;
use sim_core::{Bytes, Seed, SimTime, Simulation, Span};

/// Four hosts of two sockets of 16 cores on a platform, of one thread, with `per_host` VMs of 8 vCPUs on each that ask for
/// `cores` cores together, have no disks, write no memory and lose nothing to remote memory. Nothing breaks
/// and nothing moves by itself. On AHV the controller VM adds 0.1 of 12 vCPUs on each host.
pub fn cluster(profile: &str, per_host: u32, cores: f64) -> Result<Scenario, String> {
    let text = include_str!("../../../../scenarios/facts/flash.ron");
    let mut s = bed::scenario(&text.replace("\"ahv\"", &format!("{profile:?}")))?;
    s.target.profile.memory.remote_latency = 1.0;
    (s.target.live_migrations_per_hour, s.target.threads_per_core) = (0.0, 1);
    s.windows.everything = false;
    s.timeline.duress = Span::mins(12 * 60);
    let group = &mut s.groups[0];
    (group.count, group.vcpus) = (per_host * u32::from(s.target.hosts), 8);
    (group.memory, group.disk) = (Bytes::gib(8), Bytes::gib(1));
    group.disks.clear();
    group.dirtying = Dirtying::None;
    group.cpu.duty = Duty::Constant(cores / 8.0);
    Ok(s)
}

/// Moves `count` VMs of other hosts, evenly from each, to one, at once.
pub fn pile(sim: &mut Simulation<World>, count: usize, on: HostId) {
    sim.start(|world, cx| {
        let World { vms, storage, infra, .. } = world;
        let others: Vec<HostId> = infra.hosts.up(Side::Target).filter(|&h| h != on).collect();
        for i in 0..count {
            let from = others[i % others.len()];
            let vm = vms.ids().find(|&vm| vms.get(vm).host == from);
            vms.relocate(vm.expect("hosts run VMs"), on, storage, infra, cx);
        }
    });
}

/// Live migrations that the balancer has begun so far.
pub fn moves(sim: &Simulation<World>) -> u64 {
    let all = sim.record.per_run().find(|(series, _)| *series == (Metric::BalancerMoves, Side::Target));
    all.map_or(0, |(_, count)| count)
}

/// Goes on, second by second, until it has begun more than `after` moves or `until` has come; whether it has.
pub fn until_moves(sim: &mut Simulation<World>, after: u64, until: SimTime) -> Result<bool, String> {
    while moves(sim) <= after && sim.now() < until {
        let next = sim.now() + Span::secs(1);
        sim.run_until(next).map_err(|e| e.to_string())?;
    }
    Ok(moves(sim) > after)
}

/// The largest share of its cores that a host is asked for.
pub fn hottest(sim: &Simulation<World>) -> f64 {
    let infra = &sim.model.infra;
    let share = |host: HostId| infra.cpu.strain(host).asked / infra.cpu.strain(host).cores;
    infra.hosts.up(Side::Target).map(share).fold(0.0, f64::max)
}

/// The most that any VM loses of what it asks for.
pub fn most_lost(sim: &Simulation<World>) -> f64 {
    let World { vms, infra, .. } = &sim.model;
    vms.ids().map(|vm: VmId| infra.cpu.lost(vm)).fold(0.0, f64::max)
}

const ONSET: SimTime = SimTime(10_000 * 1_000_000_000);

fn seconds(of: Span) -> f64 {
    of.as_secs()
}

/// 10 VMs of 1.8 cores and 1.2 cores of controller: 60 % of 32. 14 on a host ask for 26.4 cores, 82.5 %; 16 for 30,
/// 93.75 %, and two must leave.
fn ads(seed: Seed, checks: &mut Vec<Check>) -> Result<(), String> {
    let s = cluster("ahv", 10, 1.8)?;
    let mut below = bed::begin(&s, seed);
    pile(&mut below, 4, HostId(0));
    bed::run_to(&mut below, 3.0 * 3600.0)?;
    checks.push(bed::within(
        "ADS: moves in 3 h with a host at 82.5 %",
        moves(&below) as f64,
        0.0,
        0.0,
        "no action below 85 % (Nutanix tech center)",
    ));
    for run in 0..8 {
        let mut sim = bed::begin_run(&s, seed, run);
        sim.run_until(ONSET).map_err(|e| e.to_string())?;
        pile(&mut sim, 6, HostId(0));
        until_moves(&mut sim, 0, ONSET + Span::mins(60))?;
        let first = sim.now();
        let because = "ADS looks every 15 min (Nutanix tech center); a second of looking";
        checks.push(bed::within(
            &format!("ADS, run {run}: strain to first action, s"),
            seconds(first.since(ONSET)),
            450.0,
            452.0,
            because,
        ));
        sim.run_until(first + Span::mins(1)).map_err(|e| e.to_string())?;
        let (done, cooled) = (moves(&sim), hottest(&sim));
        checks.push(bed::within(
            &format!("ADS, run {run}: share of the hottest host after it"),
            cooled,
            26.4 / 32.0,
            1e-6,
            "two of 16 VMs leave: 14 x 1.8 and 1.2 of 32 cores",
        ));
        pile(&mut sim, 6, HostId(1));
        until_moves(&mut sim, done, first + Span::mins(60))?;
        checks.push(bed::within(
            &format!("ADS, run {run}: action to next action, s"),
            seconds(sim.now().since(first)),
            1800.0,
            2.0,
            "after a rebalance the next check comes 30 min later (n81.info)",
        ));
    }
    Ok(())
}

/// 10 VMs of 2.5 cores on two pools of 16 ask for 78 %; with six more they ask for more than there is, and lose more
/// than any move costs.
fn drs(seed: Seed, checks: &mut Vec<Check>) -> Result<(), String> {
    let s = cluster("esxi_san", 10, 2.5)?;
    for run in 0..8 {
        let mut sim = bed::begin_run(&s, seed, run);
        sim.run_until(ONSET).map_err(|e| e.to_string())?;
        pile(&mut sim, 6, HostId(0));
        sim.run_until(ONSET + Span::ms(1)).map_err(|e| e.to_string())?;
        let lost = most_lost(&sim);
        until_moves(&mut sim, 0, ONSET + Span::mins(60))?;
        checks.push(bed::within(
            &format!("DRS, run {run}: strain to first action, s"),
            seconds(sim.now().since(ONSET)),
            30.0,
            32.0,
            "DRS since vSphere 7 looks every minute (VMware blog, May 2020); a second of looking",
        ));
        sim.run_until(ONSET + Span::mins(30)).map_err(|e| e.to_string())?;
        checks.push(bed::within(
            &format!("DRS, run {run}: the most that a VM loses 30 min later, over that at first"),
            most_lost(&sim) / lost,
            0.25,
            0.25,
            "VMs go where they get more of what they ask for; by how much DRS wants is not published",
        ));
    }
    Ok(())
}

/// See the suite.
pub(super) fn run(seed: Seed) -> Result<Findings, String> {
    let mut checks = Vec::new();
    ads(seed, &mut checks)?;
    drs(seed, &mut checks)?;
    let s = cluster("kvm", 10, 1.8)?;
    let mut sim = bed::begin(&s, seed);
    pile(&mut sim, 6, HostId(0));
    bed::run_to(&mut sim, 3.0 * 3600.0)?;
    let because = "KVM and libvirt have no balancer";
    checks.push(bed::within("KVM: moves in 3 h with a host at 90 %", moves(&sim) as f64, 0.0, 0.0, because));
    let size = "18 clusters of four hosts, VMs piled up on one or two of them".into();
    Ok(Findings { checks, size, error: "none: instants are those of the published clocks".into() })
}
