//! Every failure kind: where it strikes, how it heals.
//!
//! What breaks, when and for how long is drawn when the world is built, from streams of the fault's own: a
//! fault that never fires leaves everything else as it was.

use crate::event::{self, Cx};
use crate::fabric::Part;
use crate::hosts::Hosts;
use crate::ids::{FaultId, HostId, Side};
use crate::migration::Migrations;
use crate::record::Condition;
use crate::scenario::{Fault, FaultKind, Pick, Scenario, Strike, When, Windows};
use crate::storage::Storage;
use crate::vm::Vms;
use crate::world::Infra;
use sim_core::{Class, SimTime, Span, Stream, Streams};

/// What happens to faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// It strikes.
    Strike(FaultId),
    /// One more host of a power domain goes, the `.1`-th of the rack.
    NextHost(FaultId, u16),
    /// It has been noticed.
    Noticed(FaultId),
    /// It heals.
    Heal(FaultId),
}

impl Event {
    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        match self {
            Event::Noticed(_) => Class::Completion,
            Event::Strike(_) | Event::NextHost(..) | Event::Heal(_) => Class::Failure,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Strike(_) => 0,
            Event::NextHost(..) => 1,
            Event::Noticed(_) => 2,
            Event::Heal(_) => 3,
        }
    }
    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        u64::from(self.fault().0)
    }
    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        false
    }
    /// The fault it belongs to.
    pub fn fault(&self) -> FaultId {
        match self {
            Event::Strike(f) | Event::NextHost(f, _) | Event::Noticed(f) | Event::Heal(f) => *f,
        }
    }
}

/// One fault with everything about it drawn.
#[derive(Clone, Debug)]
struct Drawn {
    name: String,
    what: Broken,
    /// `None`: not in this act.
    at: Option<SimTime>,
    from_the_start: bool,
    heals_after: Option<Span>,
    luck: Stream,
}

/// The part that breaks, by id.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    Host(HostId),
    Device(HostId),
    Cvm(HostId),
    Fabric(Part, Side),
    Rack(Side, u16),
    SlowDevice(HostId, f64),
    SlowCable { host: HostId, port: u16, rate_left: f64, loss: f64 },
    Starved(Side, f64),
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub struct Faults {
    drawn: Vec<Drawn>,
    windows: Windows,
}

impl Faults {
    /// Draws what breaks; nothing does while `armed` is false (the acts before the move).
    pub fn build(scenario: &Scenario, armed: bool, hosts: &Hosts, streams: &Streams) -> Faults {
        let mut drawn: Vec<Drawn> = Vec::new();
        for fault in scenario.faults.iter().filter(|_| armed) {
            let mut luck = streams.stream(&fault.name, "fault");
            let what = draw_part(&fault.strike, scenario, hosts, &mut luck);
            let u = luck.uniform();
            let at = strike_time(fault, u, &drawn);
            let heals_after = fault.heals_after.as_ref().map(|law| law.sample_span(&mut luck));
            let from_the_start = matches!(fault.when, When::FromTheStart);
            drawn.push(Drawn { name: fault.name.clone(), what, at, from_the_start, heals_after, luck });
        }
        Faults { drawn, windows: scenario.windows }
    }

    /// Moves all streams onto another run. What was drawn stays drawn.
    pub fn rekey(&mut self, streams: &Streams) {
        self.drawn.iter_mut().for_each(|d| d.luck.rekey(streams));
    }

    /// Hosts that are absent when the act begins: their VMs and data live elsewhere.
    pub fn absent(&self) -> impl Iterator<Item = HostId> + '_ {
        self.drawn.iter().filter(|d| d.from_the_start).filter_map(|d| match d.what {
            Broken::Host(host) => Some(host),
            _ => None,
        })
    }

    /// Schedules every strike and the windows around it.
    pub fn start(&mut self, vms: &mut Vms, cx: &mut Cx<'_>) {
        for (i, fault) in self.drawn.iter().enumerate() {
            let Some(at) = fault.at else { continue };
            cx.at(at, event::Event::Fault(Event::Strike(FaultId(i as u16))));
            if !fault.from_the_start {
                vms.plan_window(at - self.windows.before_fault, at + Span::ns(1), cx);
            }
        }
    }

    /// The fault's name.
    pub fn name(&self, fault: FaultId) -> &str {
        &self.drawn[fault.0 as usize].name
    }

    /// Handles one of its own events.
    pub fn handle(
        &mut self,
        event: Event,
        migrations: &mut Migrations,
        vms: &mut Vms,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let id = event.fault();
        let upper = Upper { migrations, vms };
        match event {
            Event::Strike(_) => self.strike(id, upper, storage, infra, cx),
            Event::NextHost(_, nth) => self.next_host(id, nth, upper, storage, infra, cx),
            Event::Noticed(_) => {
                cx.record.leave(cx.now, Condition::Detecting);
                let it = &self.drawn[id.0 as usize];
                let after = it.at.map_or(Span::ZERO, |at| cx.now.since(at));
                cx.record.note(cx.now, || match after {
                    Span::ZERO => format!("{}: noticed at once", it.name),
                    _ => format!("{}: noticed after {after}", it.name),
                });
            }
            Event::Heal(_) => self.heal(id, upper, storage, infra, cx),
        }
    }

    fn strike(
        &mut self,
        id: FaultId,
        upper: Upper<'_>,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let fault = &mut self.drawn[id.0 as usize];
        let (what, absent) = (fault.what, fault.from_the_start);
        cx.record.enter(cx.now, Condition::Degraded);
        cx.record.note(cx.now, || {
            format!(
                "{}: {} {}",
                fault.name,
                describe(what, &infra.hosts),
                if absent { "is missing from the start" } else { "fails" }
            )
        });
        if let Some(after) = fault.heals_after {
            cx.after(after, event::Event::Fault(Event::Heal(id)));
        }
        let noticed = break_part(what, upper.migrations, upper.vms, storage, infra, cx);
        if let Broken::Rack(..) = what {
            cx.soon(event::Event::Fault(Event::NextHost(id, 0)));
        }
        if absent {
            return;
        }
        cx.record.enter(cx.now, Condition::Detecting);
        cx.after(noticed, event::Event::Fault(Event::Noticed(id)));
        // A loss is watched until 30 s after its detection; requests are simulated throughout the first part.
        let watched = cx.now + noticed + Span::secs(30);
        upper.vms.watch_loss(side_of(what, &infra.hosts), watched, cx);
        upper.vms.open_window(cx.now + noticed + self.windows.after_detection, storage, infra, cx);
        if let (Broken::Host(host), true) = (what, self.windows.around > Span::ZERO)
            && let Some(delay) = storage.rebuild_delay(host)
        {
            let start = cx.now + delay;
            upper.vms.plan_window(start, start + self.windows.around, cx);
        }
    }

    /// The hosts of a power domain go one by one, spread over up to a minute (assumed, beta-factor groups
    /// with U(0, 60 s) spread).
    fn next_host(
        &mut self,
        id: FaultId,
        nth: u16,
        upper: Upper<'_>,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let fault = &mut self.drawn[id.0 as usize];
        let Broken::Rack(side, rack) = fault.what else { return };
        let hosts: Vec<HostId> = infra.hosts.of(side).filter(|&h| infra.hosts[h].rack == rack).collect();
        let Some(&host) = hosts.get(nth as usize) else { return };
        if infra.hosts[host].up {
            break_part(Broken::Host(host), upper.migrations, upper.vms, storage, infra, cx);
        }
        let gap = Span::from_secs_f64(60.0 * fault.luck.uniform() / hosts.len() as f64);
        cx.after(gap, event::Event::Fault(Event::NextHost(id, nth + 1)));
    }

    fn heal(
        &mut self,
        id: FaultId,
        upper: Upper<'_>,
        storage: &mut Storage,
        infra: &mut Infra,
        cx: &mut Cx<'_>,
    ) {
        let fault = &self.drawn[id.0 as usize];
        let after = fault.at.map_or(Span::ZERO, |at| cx.now.since(at));
        cx.record.note(cx.now, || {
            format!("{}: {} is back after {after}", fault.name, describe(fault.what, &infra.hosts))
        });
        mend_part(fault.what, upper.migrations, upper.vms, storage, infra, cx);
        cx.record.leave(cx.now, Condition::Degraded);
    }
}

/// The layers between faults and storage.
struct Upper<'a> {
    migrations: &'a mut Migrations,
    vms: &'a mut Vms,
}

/// How long a dead fabric part goes unnoticed as far as the phase is concerned. The flows' own detection is
/// the fabric's; this is its upper end for routed fabrics with fast detection (BFD 300 ms x 3).
const FABRIC_NOTICED: Span = Span::secs(1);

/// Breaks a part and says when its failure will have been noticed.
fn break_part(
    what: Broken,
    migrations: &mut Migrations,
    vms: &mut Vms,
    storage: &mut Storage,
    infra: &mut Infra,
    cx: &mut Cx<'_>,
) -> Span {
    match what {
        Broken::Host(host) => {
            infra.hosts[host].up = false;
            infra.fabric.fail(Part::Host(host), cx);
            migrations.host_failed(host, vms, storage, infra, cx);
            vms.host_failed(host, storage, infra, cx);
            infra.cpu.fail_host(host, cx);
            infra.memory.fail_host(host, cx);
            storage.fail_host(host, infra, cx);
            storage.detection(host)
        }
        Broken::Device(host) => {
            storage.fail_device(host, infra, cx);
            Span::ZERO
        }
        Broken::Cvm(host) => {
            storage.fail_cvm(host, infra, cx);
            storage.redirection(host)
        }
        Broken::Fabric(part, _) => {
            infra.fabric.fail(part, cx);
            if part == Part::Site {
                vms.site_link(false, cx.now);
                migrations.site_link(false, cx);
            }
            FABRIC_NOTICED
        }
        Broken::Rack(side, rack) => {
            for tor in 0..2 {
                infra.fabric.fail(Part::Tor(side, rack, tor), cx);
            }
            Span::secs(60)
        }
        Broken::SlowDevice(host, factor) => {
            storage.slow_device(host, factor, cx);
            Span::ZERO
        }
        Broken::SlowCable { host, port, rate_left, loss } => {
            infra.fabric.slow_cable(host, port, rate_left, loss, cx);
            Span::ZERO
        }
        Broken::Starved(side, share) => {
            infra.cpu.set_stolen(side, share, cx);
            Span::ZERO
        }
    }
}

fn mend_part(
    what: Broken,
    migrations: &mut Migrations,
    vms: &mut Vms,
    storage: &mut Storage,
    infra: &mut Infra,
    cx: &mut Cx<'_>,
) {
    match what {
        Broken::Host(host) => mend_host(host, vms, storage, infra, cx),
        // A replaced device comes back empty; its data has been made again elsewhere by then.
        Broken::Device(_) => {}
        Broken::Cvm(host) => storage.repair_cvm(host, infra, cx),
        Broken::Fabric(part, _) => {
            infra.fabric.repair(part, cx);
            if part == Part::Site {
                vms.site_link(true, cx.now);
                migrations.site_link(true, cx);
            }
        }
        Broken::Rack(side, rack) => {
            for tor in 0..2 {
                infra.fabric.repair(Part::Tor(side, rack, tor), cx);
            }
            let hosts: Vec<HostId> = infra.hosts.of(side).filter(|&h| infra.hosts[h].rack == rack).collect();
            hosts.into_iter().for_each(|host| mend_host(host, vms, storage, infra, cx));
        }
        Broken::SlowDevice(host, _) => storage.slow_device(host, 1.0, cx),
        Broken::SlowCable { host, port, .. } => infra.fabric.slow_cable(host, port, 1.0, 0.0, cx),
        Broken::Starved(side, _) => infra.cpu.set_stolen(side, 0.0, cx),
    }
}

fn mend_host(host: HostId, vms: &mut Vms, storage: &mut Storage, infra: &mut Infra, cx: &mut Cx<'_>) {
    if infra.hosts[host].up {
        return;
    }
    infra.hosts[host].up = true;
    infra.fabric.repair(Part::Host(host), cx);
    infra.cpu.repair_host(host, cx);
    infra.memory.repair_host(host, cx);
    storage.repair_host(host, infra, cx);
    vms.host_repaired(infra, cx);
}

fn strike_time(fault: &Fault, u: f64, earlier: &[Drawn]) -> Option<SimTime> {
    match fault.when {
        When::FromTheStart => Some(SimTime::ZERO),
        When::At(at) => Some(SimTime::ZERO + at),
        When::Within(from, to) => Some(SimTime::ZERO + from + to.saturating_sub(from).scale(u)),
        When::After(index, delay) => earlier.get(index).and_then(|f| f.at).map(|at| at + delay),
        When::Never => None,
    }
}

fn draw_part(strike: &Strike, scenario: &Scenario, hosts: &Hosts, luck: &mut Stream) -> Broken {
    let kind = match strike {
        Strike::One(kind) => *kind,
        Strike::OneOf(kinds) => {
            let total: f64 = kinds.iter().map(|(w, _)| w).sum();
            let mut at = luck.uniform() * total;
            let hit = kinds.iter().find(|(w, _)| {
                at -= w;
                at < 0.0
            });
            hit.or(kinds.last()).expect("validated: a fault has at least one kind").1
        }
    };
    let mut nth = |pick: Pick, of: u16| match pick {
        Pick::Nth(n) => n,
        Pick::Any => luck.below(u64::from(of)) as u16,
    };
    let count = |side: Side| hosts.of(side).count() as u16;
    let racks = |side: Side| scenario.cluster(side).map_or(1, |c| c.racks);
    let mut host = |side: Side, pick: Pick| hosts.id(side, nth(pick, count(side)));
    match kind {
        FaultKind::Host { side, host: pick } => Broken::Host(host(side, pick)),
        FaultKind::Device { side, host: pick } => Broken::Device(host(side, pick)),
        FaultKind::Cvm { side, host: pick } => Broken::Cvm(host(side, pick)),
        FaultKind::HostLink { side, host: pick } => Broken::Fabric(Part::Cable(host(side, pick), 0), side),
        FaultKind::SlowDevice { side, host: pick, factor } => Broken::SlowDevice(host(side, pick), factor),
        FaultKind::SlowLink { side, host: pick, rate_left, loss } => {
            Broken::SlowCable { host: host(side, pick), port: 0, rate_left, loss }
        }
        FaultKind::Tor { side, rack } => Broken::Fabric(Part::Tor(side, nth(rack, racks(side)), 0), side),
        FaultKind::Spine { spine } => {
            Broken::Fabric(Part::Spine(nth(spine, scenario.fabric.spines)), Side::Target)
        }
        FaultKind::SiteLink => Broken::Fabric(Part::Site, Side::Source),
        FaultKind::PowerDomain { side, rack } => Broken::Rack(side, nth(rack, racks(side))),
        FaultKind::StarvedCvm { side, stolen } => Broken::Starved(side, stolen),
    }
}

fn side_of(what: Broken, hosts: &Hosts) -> Side {
    match what {
        Broken::Host(h) | Broken::Device(h) | Broken::Cvm(h) | Broken::SlowDevice(h, _) => hosts[h].side,
        Broken::SlowCable { host, .. } => hosts[host].side,
        Broken::Fabric(_, side) | Broken::Rack(side, _) | Broken::Starved(side, _) => side,
    }
}

fn describe(what: Broken, hosts: &Hosts) -> String {
    match what {
        Broken::Host(h) => format!("host {}", hosts[h].name),
        Broken::Device(h) => format!("a data device of {}", hosts[h].name),
        Broken::Cvm(h) => format!("the storage controller of {}", hosts[h].name),
        Broken::Fabric(Part::Cable(h, port), _) => format!("cable {port} of {}", hosts[h].name),
        Broken::Fabric(Part::Tor(side, rack, n), _) => format!("ToR {n} of rack {rack} ({side})"),
        Broken::Fabric(Part::Spine(n), _) => format!("spine {n}"),
        Broken::Fabric(Part::Site, _) => "the link between the sites".into(),
        Broken::Fabric(Part::Host(h), _) => format!("both cables of {}", hosts[h].name),
        Broken::Rack(side, rack) => format!("the power of rack {rack} ({side})"),
        Broken::SlowDevice(h, factor) => {
            format!("a data device of {} ({factor} times slower)", hosts[h].name)
        }
        Broken::SlowCable { host, rate_left, .. } => {
            format!("cable 0 of {} ({:.0} % of its rate)", hosts[host].name, rate_left * 100.0)
        }
        Broken::Starved(_, share) => format!("{:.0} % of the controllers' cycles", share * 100.0),
    }
}
