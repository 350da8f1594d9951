//! What happens to routes when a part breaks and when it comes back.
//!
//! ```text
//!   break ─────────── noticed ──────────────── repaired ────── back
//!     links dead         routes leave them        switch reloads    routes return
//!     flows at rate 0    flows move, slow start
//! ```
//!
//! Each end notices for itself, after a delay drawn from the stream of the cable or switch that does.

use super::topology::{Down, Pair};
use super::{Event, Fabric, Part};
use crate::event::{self, Cx};
use crate::ids::{HostId, Side};
use crate::scenario::{Bond, RouteDetection};
use sim_core::fluid::LinkId;
use sim_core::{Id, SimTime, Span, Stream};

/// A rebooted ToR of an MLAG pair keeps its ports disabled for this long (Arista `reload-delay mlag`, 300 s on
/// fixed systems).
pub(super) const TOR_RELOAD: Span = Span::secs(300);

/// Who notices a dead link, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// A host's bond polls its carrier (Linux bonding `miimon` 100 ms).
    HostCarrier,
    /// A switch port loses carrier.
    SwitchCarrier,
    /// Routing between switches.
    Route(RouteDetection),
    /// LACP partner timers: the only ones that see a cable with carrier and no packets.
    Lacp {
        /// 1 s / 3 s instead of 30 s / 90 s.
        fast: bool,
    },
}

impl Watch {
    /// Shortest and longest delay, uniform in between: a heartbeat of period h that is given up after m
    /// misses takes m h less a random phase.
    pub fn bounds(self) -> (Span, Span) {
        match self {
            Watch::HostCarrier => (Span::ZERO, Span::ms(100)),
            // Assumed: loss of signal to reprogrammed tables.
            Watch::SwitchCarrier | Watch::Route(RouteDetection::Carrier) => (Span::ms(10), Span::ms(100)),
            // FRR doc/user/bfd.rst: 300 ms x 3.
            Watch::Route(RouteDetection::Bfd) => (Span::ms(600), Span::ms(900)),
            // 3 s / 9 s, FRR's data-centre profile.
            Watch::Route(RouteDetection::BgpFast) => (Span::secs(6), Span::secs(9)),
            // 60 s / 180 s, Cisco default.
            Watch::Route(RouteDetection::BgpDefault) => (Span::secs(120), Span::secs(180)),
            // 10 s / 40 s, Cisco default.
            Watch::Route(RouteDetection::Ospf) => (Span::secs(30), Span::secs(40)),
            // IEEE 802.1AX short and long timeout.
            Watch::Lacp { fast: true } => (Span::secs(2), Span::secs(3)),
            Watch::Lacp { fast: false } => (Span::secs(60), Span::secs(90)),
        }
    }

    /// One delay.
    pub fn draw(self, luck: &mut Stream) -> Span {
        let (low, high) = self.bounds();
        low + (high - low).scale(luck.uniform())
    }
}

/// Why links are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The part is broken.
    Broken(Part),
    /// The cable of this host and port has carrier and passes nothing.
    Hang(HostId, u16),
}

/// Links that one cause keeps dead.
#[derive(Clone, Debug)]
pub struct Outage {
    cause: Cause,
    /// Each with the instant at which routes leave it.
    links: Vec<(LinkId, SimTime)>,
    back_at: SimTime,
}

/// Names an outage; stale once it is over.
pub type OutageId = Id<Outage>;

impl Fabric {
    /// Breaks a part: flows over it stall at once and move when the failure has been detected. A part that
    /// is broken already stays so; one that is still reloading after its repair starts over.
    pub fn fail(&mut self, part: Part, cx: &mut Cx<'_>) {
        match self.outage(Cause::Broken(part)) {
            Some(id) if self.outages[id].back_at == SimTime::NEVER => return,
            Some(id) => drop(self.outages.remove(id)),
            None => {}
        }
        let links = self.dead_links(part, cx.now);
        self.begin(Cause::Broken(part), links, cx);
    }

    /// Repairs a part; it carries traffic again after its reload delay (ToRs: 300 s).
    pub fn repair(&mut self, part: Part, cx: &mut Cx<'_>) {
        let Some(id) = self.outage(Cause::Broken(part)) else { return };
        if self.outages[id].back_at != SimTime::NEVER {
            return;
        }
        let reload = if matches!(part, Part::Tor(..)) { TOR_RELOAD } else { Span::ZERO };
        self.outages[id].back_at = cx.now + reload;
        if reload == Span::ZERO {
            return self.back(id, cx);
        }
        self.refresh(id, cx);
        cx.after(reload, event::Event::Fabric(Event::Back(id)));
    }

    /// A cable runs at a share of its rate and loses packets (1.0 and 0.0 make it whole). With nothing left
    /// it hangs: carrier stays, so that only LACP timers notice, and an active-backup bond never does.
    pub fn slow_cable(&mut self, host: HostId, port: u16, rate_left: f64, loss: f64, cx: &mut Cx<'_>) {
        let Some(cable) = self.cable(host, port) else { return };
        let cause = Cause::Hang(host, port);
        let hangs = rate_left <= 0.0 || loss >= 1.0;
        match self.outage(cause) {
            None if hangs => {
                let links = self.hung(host, port, cable, cx.now);
                return self.begin(cause, links, cx);
            }
            Some(_) if hangs => return,
            Some(id) => self.back(id, cx),
            None => {}
        }
        for link in [cable.up, cable.down] {
            let state = &mut self.topology.ports[link.index()];
            (state.rate_left, state.loss) = (rate_left.min(1.0), loss.max(0.0));
            self.set_capacity(link, cx);
        }
        self.limit_all(cx);
        self.settle_soon(cx);
    }

    /// Can the two hosts talk, now or once detection has moved the routes? Repairs do not count.
    pub fn connected(&self, from: HostId, to: HostId) -> bool {
        let pair = self.pair_hash(from, to);
        let works =
            |t| self.topology.route(from, to, pair, t).is_some_and(|p| self.topology.alive(p, SimTime::ZERO));
        let noticed = self.outages.iter().flat_map(|(_, o)| o.links.iter().map(|l| l.1));
        from == to || works(SimTime::ZERO) || noticed.filter(|t| *t < SimTime::NEVER).any(works)
    }

    /// Instants from `now` on at which, as far as is known, a route may change.
    pub(super) fn turning_points(&self, now: SimTime) -> Vec<SimTime> {
        let all = self.outages.iter().flat_map(|(_, o)| o.links.iter().map(|l| l.1).chain([o.back_at]));
        let mut times: Vec<SimTime> = all.filter(|t| *t > now && *t < SimTime::NEVER).collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    /// The part carries traffic again.
    pub(super) fn back(&mut self, id: OutageId, cx: &mut Cx<'_>) {
        let Some(outage) = self.outages.remove(id) else { return }; // broken again while it reloaded
        self.apply(&outage.links, cx);
        self.reroute_all(cx);
    }

    fn begin(&mut self, cause: Cause, links: Vec<(LinkId, SimTime)>, cx: &mut Cx<'_>) {
        let mut noticed: Vec<SimTime> = links.iter().map(|l| l.1).filter(|t| *t < SimTime::NEVER).collect();
        noticed.sort_unstable();
        noticed.dedup();
        let id = self.outages.insert(Outage { cause, links, back_at: SimTime::NEVER });
        self.refresh(id, cx);
        self.settle_soon(cx);
        for at in noticed {
            cx.at(at, event::Event::Fabric(Event::Detected(id)));
        }
    }

    fn refresh(&mut self, id: OutageId, cx: &mut Cx<'_>) {
        let links = self.outages[id].links.clone();
        self.apply(&links, cx);
    }

    /// Brings ports up to date with the outages that name them.
    fn apply(&mut self, links: &[(LinkId, SimTime)], cx: &mut Cx<'_>) {
        // Flows have not followed yet.
        self.routes_until = SimTime::ZERO;
        for &(link, _) in links {
            let mut down: Option<Down> = None;
            for (_, outage) in self.outages.iter() {
                for &(_, at) in outage.links.iter().filter(|l| l.0 == link) {
                    let d = down.get_or_insert(Down { noticed_at: at, back_at: outage.back_at });
                    d.noticed_at = d.noticed_at.min(at);
                    d.back_at = d.back_at.max(outage.back_at);
                }
            }
            self.topology.ports[link.index()].down = down;
            self.set_capacity(link, cx);
        }
    }

    fn outage(&self, cause: Cause) -> Option<OutageId> {
        self.outages.iter().find(|(_, o)| o.cause == cause).map(|(id, _)| id)
    }

    fn cable(&self, host: HostId, port: u16) -> Option<Pair> {
        self.topology.stations[host.index()].cables.get(usize::from(port)).copied()
    }

    fn dead_links(&mut self, part: Part, now: SimTime) -> Vec<(LinkId, SimTime)> {
        let mut links = Vec::new();
        match part {
            Part::Host(host) => {
                for port in 0..self.topology.stations[host.index()].cables.len() as u16 {
                    // Nobody at the host is left to notice: both directions go when the switch does.
                    let noticed = now + self.notice(Part::Cable(host, port), Watch::SwitchCarrier);
                    self.mark_cable(host, port, [noticed; 2], &mut links);
                }
            }
            Part::Cable(host, port) => {
                let at_host = now + self.notice(part, Watch::HostCarrier);
                let at_switch = now + self.notice(part, Watch::SwitchCarrier);
                self.mark_cable(host, port, [at_host, at_switch], &mut links);
            }
            Part::Tor(side, rack, tor) => self.dead_tor(side, rack, tor, now, &mut links),
            Part::Spine(spine) => self.dead_spine(spine, now, &mut links),
            Part::Site => {
                let noticed = now + self.notice(part, Watch::Route(self.detection));
                let site = self.topology.site.into_iter();
                links.extend(site.flat_map(|s| [(s.up, noticed), (s.down, noticed)]));
            }
        }
        links
    }

    fn mark_cable(&self, host: HostId, port: u16, at: [SimTime; 2], links: &mut Vec<(LinkId, SimTime)>) {
        if let Some(cable) = self.cable(host, port) {
            links.extend([(cable.up, at[0]), (cable.down, at[1])]);
        }
    }

    /// Hosts notice by carrier, each for itself; the spines by routing, and with them all who send to hosts
    /// below the dead ToR.
    fn dead_tor(
        &mut self,
        side: Side,
        rack: u16,
        tor: u16,
        now: SimTime,
        links: &mut Vec<(LinkId, SimTime)>,
    ) {
        let number = self.topology.first_rack[side as usize] + usize::from(rack);
        let spines = now + self.notice(Part::Tor(side, rack, tor), Watch::Route(self.detection));
        for host in (0..self.topology.stations.len() as u16).map(HostId) {
            if self.topology.stations[host.index()].rack == number && self.cable(host, tor).is_some() {
                let at_host = now + self.notice(Part::Cable(host, tor), Watch::HostCarrier);
                self.mark_cable(host, tor, [at_host, spines], links);
            }
        }
        let uplinks =
            self.topology.tors.get(2 * number + usize::from(tor)).into_iter().flat_map(|t| &t.uplinks);
        links.extend(uplinks.flatten().flat_map(|u| [(u.up, spines), (u.down, spines)]));
    }

    /// Each ToR of the site notices for itself and sends elsewhere. The way down is left last: it is the
    /// sender's ToR that decides.
    fn dead_spine(&mut self, spine: u16, now: SimTime, links: &mut Vec<(LinkId, SimTime)>) {
        let (layer, number) = (spine / self.topology.spines.max(1), spine % self.topology.spines.max(1));
        let mut below: Vec<(Pair, SimTime)> = Vec::new();
        for tor in 0..self.topology.tors.len() {
            if self.topology.tors[tor].layer != usize::from(layer) {
                continue;
            }
            let (side, rack, leg) = self.tor_part(tor);
            let noticed = now + self.notice(Part::Tor(side, rack, leg), Watch::Route(self.detection));
            below.extend(self.topology.tors[tor].uplinks[usize::from(number)].map(|pair| (pair, noticed)));
        }
        let last = below.iter().map(|b| b.1).max().unwrap_or(now);
        links.extend(below.iter().flat_map(|(pair, noticed)| [(pair.up, *noticed), (pair.down, last)]));
    }

    fn tor_part(&self, tor: usize) -> (Side, u16, u16) {
        let (rack, leg) = (tor / 2, (tor % 2) as u16);
        let first = self.topology.first_rack[Side::Target as usize];
        if rack < first {
            (Side::Source, rack as u16, leg)
        } else {
            (Side::Target, (rack - first) as u16, leg)
        }
    }

    fn hung(&mut self, host: HostId, port: u16, cable: Pair, now: SimTime) -> Vec<(LinkId, SimTime)> {
        if self.topology.stations[host.index()].plug.nics.bond != Bond::Lacp {
            return vec![(cable.up, SimTime::NEVER), (cable.down, SimTime::NEVER)];
        }
        let watch = Watch::Lacp { fast: self.lacp_fast };
        [cable.up, cable.down].map(|l| (l, now + self.notice(Part::Cable(host, port), watch))).to_vec()
    }

    /// A detection delay of a part, from the part's own stream.
    fn notice(&mut self, part: Part, watch: Watch) -> Span {
        let known = self.luck.iter().position(|(p, _)| *p == part);
        let at = known.unwrap_or_else(|| {
            let stream = self.streams.stream(&self.part_name(part), "detection");
            self.luck.push((part, stream));
            self.luck.len() - 1
        });
        watch.draw(&mut self.luck[at].1)
    }

    fn part_name(&self, part: Part) -> String {
        let name = |host: HostId| self.topology.stations[host.index()].plug.name;
        match part {
            Part::Host(host) => format!("host {:x}", name(host)),
            Part::Cable(host, port) => format!("cable {:x} {port}", name(host)),
            Part::Tor(side, rack, tor) => format!("tor {side} {rack} {tor}"),
            Part::Spine(spine) => format!("spine {spine}"),
            Part::Site => "site".to_string(),
        }
    }
}
