//! `duress check`: what a scenario means, without simulating it.

use crate::Terminal;
use crate::args;
use crate::error::{Stop, code};
use crate::load;
use crate::report::style::Style;
use crate::report::table::{Align, Table};
use crate::report::text;
use crate::report::words::count;
use sim_core::{Bytes, Rate};
use sim_models::ids::Side;
use sim_models::metric::{Kind, Metric, Phase, Unit};
use sim_models::run::Act;
use sim_models::scenario::{
    Claim, Cluster, Duty, FaultKind, MoveMethod, Objective, Pick, Replication, Scenario, StorageDesign,
    Strike, VmGroup, Wave, When,
};
use std::io::{self, Write};

/// Loads and describes; every problem was already reported by loading.
pub fn run(args: &args::Check, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    let loaded = load::scenario(&args.scenario)?;
    let s = &loaded.typical;
    let style = Style { colour: terminal.setting.colour };
    let out = &mut *terminal.out;
    text::title(&s.name, &s.question, style, out)?;
    writeln!(out)?;
    clusters(s, out)?;
    groups(s, out)?;
    fit(s, out)?;
    plan(s, out)?;
    objectives(&s.objectives, out)?;
    work(s, out)?;
    for doubt in s.doubts() {
        writeln!(out, "{}  {doubt}", style.bold("beware"))?;
    }
    Ok(code::DONE)
}

fn clusters(s: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    for (side, c) in Side::BOTH.iter().filter_map(|&side| Some((side, s.cluster(side)?))) {
        let Cluster { name, hosts, racks, sockets, cores_per_socket, memory, .. } = c;
        let storage = storage(&c.storage);
        let profile = &c.profile.name;
        writeln!(
            out,
            "{side:7} {name}: {} in {}, each {sockets} x {cores_per_socket} cores and {memory}; profile \
             {profile}\n        {storage}",
            count(*hosts, "host"),
            count(*racks, "rack")
        )?;
    }
    let f = &s.fabric;
    writeln!(
        out,
        "fabric  {}, {} of {} per ToR\n",
        count(f.spines, "spine"),
        count(f.uplinks_per_tor, "uplink"),
        gbps(f.uplink)
    )
}

/// As links are sold.
fn gbps(rate: Rate) -> String {
    format!("{} Gbit/s", rate.0 as f64 * 8.0 / 1e9)
}

fn storage(design: &StorageDesign) -> String {
    match design {
        StorageDesign::San(san) => format!(
            "SAN of {} x {} cores, {:?}, {}",
            count(san.controllers, "controller"),
            san.cores_per_controller,
            san.raid,
            count(san.devices, "device")
        )
        .replace("Raid", "RAID-"),
        StorageDesign::Replicated(r) => format!(
            "{} copies over {:?}s, {} of {} per host, CVM of {} and {}",
            r.copies,
            r.spread,
            count(r.devices, "device"),
            r.device_capacity,
            count(r.cvm_vcpus, "vCPU"),
            r.cvm_memory
        )
        .replace("Hosts", "hosts")
        .replace("Racks", "racks"),
    }
}

/// What a group, or all of them, asks for.
#[derive(Clone, Copy, Debug, Default)]
struct Demand {
    vms: u64,
    vcpus: u64,
    cores: f64,
    memory: u64,
    disk: u64,
    iops: f64,
}

impl Demand {
    fn of(g: &VmGroup) -> Demand {
        let n = u64::from(g.count);
        let per_vm = |d: &sim_models::scenario::DiskClient| {
            if d.rate_limited { f64::from(d.count) * (d.reads_per_s + d.writes_per_s) } else { 0.0 }
        };
        let vcpus = n * u64::from(g.vcpus);
        Demand {
            vms: n,
            vcpus,
            cores: vcpus as f64 * duty(&g.cpu.duty),
            memory: n * g.memory.0,
            disk: n * g.disk.0,
            iops: n as f64 * g.disks.iter().map(per_vm).sum::<f64>(),
        }
    }

    fn plus(self, other: Demand) -> Demand {
        Demand {
            vms: self.vms + other.vms,
            vcpus: self.vcpus + other.vcpus,
            cores: self.cores + other.cores,
            memory: self.memory + other.memory,
            disk: self.disk + other.disk,
            iops: self.iops + other.iops,
        }
    }

    fn cells(self, name: &str) -> [String; 7] {
        [
            name.to_string(),
            self.vms.to_string(),
            self.vcpus.to_string(),
            format!("{:.1}", self.cores),
            Bytes(self.memory).to_string(),
            Bytes(self.disk).to_string(),
            format!("{:.0}", self.iops),
        ]
    }
}

fn duty(duty: &Duty) -> f64 {
    match duty {
        Duty::Constant(mean) | Duty::Traced { mean, .. } => *mean,
        Duty::Drawn(dist) => dist.mean(),
    }
}

fn total(s: &Scenario) -> Demand {
    s.groups.iter().map(Demand::of).fold(Demand::default(), Demand::plus)
}

fn groups(s: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::default();
    table.row(["group", "VMs", "vCPUs", "busy cores", "memory", "disk", "IOPS"]);
    for g in &s.groups {
        table.row(Demand::of(g).cells(&g.name));
    }
    table.row(total(s).cells("all"));
    let r = Align::Right;
    table.write(&[Align::Left, r, r, r, r, r, r], out)?;
    if s.groups.iter().flat_map(|g| &g.disks).any(|d| !d.rate_limited) {
        writeln!(out, "(disks without a rate are asked as fast as they answer; they are not in IOPS)")?;
    }
    writeln!(out)
}

/// Shares of each cluster in use, whole and with one host lost.
fn fit(s: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    let all = total(s);
    let mut table = Table::default();
    table.row(["fit", "vCPUs per core", "busy cores", "memory", "N-1 busy cores", "N-1 memory"]);
    for (side, c) in Side::BOTH.iter().filter_map(|&side| Some((side, s.cluster(side)?))) {
        let share = |asked: f64, per_host: f64, hosts: u16| {
            if hosts == 0 {
                "-".into()
            } else {
                format!("{:.0} %", asked / (per_host * f64::from(hosts)) * 100.0)
            }
        };
        let cvm_memory = match &c.storage {
            StorageDesign::San(_) => Bytes(0),
            StorageDesign::Replicated(r) => r.cvm_memory,
        };
        let cores = f64::from(c.cores());
        let memory = c.memory.saturating_sub(cvm_memory).0 as f64;
        table.row([
            side.to_string(),
            format!("{:.1}", all.vcpus as f64 / (cores * f64::from(c.hosts))),
            share(all.cores, cores, c.hosts),
            share(all.memory as f64, memory, c.hosts),
            share(all.cores, cores, c.hosts - 1),
            share(all.memory as f64, memory, c.hosts - 1),
        ]);
    }
    let r = Align::Right;
    table.write(&[Align::Left, r, r, r, r, r], out)?;
    writeln!(out)
}

fn plan(s: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    for (act, length) in Act::of(s) {
        writeln!(out, "act     {}: {length}, {} while nothing else goes on", act.name(), act.steady())?;
    }
    if let Some(wave) = &s.wave {
        writeln!(out, "wave    {}", describe_wave(wave))?;
    }
    for fault in &s.faults {
        let what = match &fault.strike {
            Strike::One(kind) => struck(kind),
            Strike::OneOf(kinds) => {
                let of = |(weight, kind): &(f64, FaultKind)| format!("{} (weight {weight})", struck(kind));
                format!("one of: {}", kinds.iter().map(of).collect::<Vec<_>>().join("; "))
            }
        };
        let heals = fault.heals_after.as_ref().map_or_else(
            || "does not heal within the run".to_string(),
            |d| format!("heals after about {}", sim_core::Span::from_secs_f64(d.median())),
        );
        writeln!(out, "fault   {}: {what},\n        {}; {heals}", fault.name, when(&fault.when, s))?;
    }
    if !s.faults.is_empty() || s.wave.is_some() {
        let names: Vec<&str> = Phase::ALL.iter().map(|p| p.name()).collect();
        writeln!(out, "phases  {}", names.join(", "))?;
    }
    writeln!(out)
}

/// What a fault hits, in words.
fn struck(kind: &FaultKind) -> String {
    let part = |what: &str, side: Side, pick: Pick| match pick {
        Pick::Any => format!("any {what} of the {side}"),
        Pick::Nth(n) => format!("{what} {n} of the {side}"),
    };
    match *kind {
        FaultKind::Host { side, host } => part("host", side, host),
        FaultKind::Device { side, host } => format!("a device of {}", part("host", side, host)),
        FaultKind::Cvm { side, host } => format!("the CVM of {}", part("host", side, host)),
        FaultKind::Tor { side, rack } => format!("a ToR switch of {}", part("rack", side, rack)),
        FaultKind::Spine { spine: Pick::Any } => "any spine".into(),
        FaultKind::Spine { spine: Pick::Nth(n) } => format!("spine {n}"),
        FaultKind::HostLink { side, host } => format!("a link of {}", part("host", side, host)),
        FaultKind::SiteLink => "the link between the sites".into(),
        FaultKind::PowerDomain { side, rack } => format!("the power of {}", part("rack", side, rack)),
        FaultKind::SlowDevice { side, host, factor } => {
            format!("a device of {} gets {factor} times slower", part("host", side, host))
        }
        FaultKind::SlowLink { side, host, rate_left, loss } => format!(
            "a link of {} keeps {} % of its rate and loses {} % of its packets",
            part("host", side, host),
            rate_left * 100.0,
            loss * 100.0
        ),
        FaultKind::StarvedCvm { side, stolen } => {
            format!("the CVMs of the {side} lose {} % of their cycles", stolen * 100.0)
        }
    }
}

fn describe_wave(wave: &Wave) -> String {
    let vms: u32 = wave.vms_per_group.iter().sum();
    let method = match wave.method {
        MoveMethod::Warm { final_round, max_rounds } => {
            format!("warm (cut over below {final_round} of changes, at most {max_rounds} rounds)")
        }
        MoveMethod::Cold => "cold".into(),
    };
    let replication = match wave.replication {
        Replication::None => "no replication ahead".into(),
        Replication::Sync { break_after } => format!("synchronous replication, breaks after {break_after}"),
        Replication::NearSync { rpo } => format!("near-synchronous replication, at most {rpo} behind"),
        Replication::Async { interval } => format!("a replicated snapshot every {interval}"),
    };
    let Wave { in_all, per_host, start, .. } = wave;
    format!(
        "{}, {method},\n        {in_all} at a time ({per_host} per host), from {start} on; {replication}",
        count(vms, "VM")
    )
}

fn when(when: &When, s: &Scenario) -> String {
    match when {
        When::FromTheStart => "from the start".into(),
        When::At(at) => format!("at {at}"),
        When::Within(from, to) => format!("between {from} and {to}"),
        When::After(other, delay) => {
            let other = s.faults.get(*other).map_or("another fault", |f| f.name.as_str());
            format!("{delay} after {other}")
        }
        When::Never => "never".into(),
    }
}

fn objectives(objectives: &[Objective], out: &mut dyn Write) -> io::Result<()> {
    use crate::report::unit;
    for o in objectives {
        let of = |phase: Option<Phase>, none: &str| phase.map_or(none.to_string(), |p| p.to_string());
        let claim = match o.claim {
            Claim::Quantile { metric, side, quantile, limit, .. } if metric.kind() == Kind::PerRun => {
                format!(
                    "{metric} on the {side} in {} % of the runs at most {}",
                    quantile * 100.0,
                    unit::value(metric.unit(), metric, limit)
                )
            }
            Claim::Quantile { metric, side, phase, quantile, limit } => format!(
                "P{} of {metric} on the {side} in {} at most {}",
                quantile * 100.0,
                of(phase, "each phase under duress"),
                unit::value(metric.unit(), metric, limit)
            ),
            Claim::Probability { metric, side, phase, above, share } => format!(
                "{metric} on the {side} in {} above {} in at most {} of the runs",
                of(phase, "any phase"),
                unit::value(metric.unit(), metric, above),
                unit::value(Unit::Ppm, Metric::IoCompleted, (share * 1e6 + 0.5) as u64)
            ),
        };
        writeln!(out, "must    {}:\n        {claim}", o.name)?;
    }
    if objectives.is_empty() { Ok(()) } else { writeln!(out) }
}

fn work(s: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    let e = s.estimate();
    writeln!(
        out,
        "a run    about {:.0} thousand requests and {:.1} million events; {:.0} million are allowed",
        e.requests / 1e3,
        e.events / 1e6,
        s.event_budget as f64 / 1e6
    )
}
