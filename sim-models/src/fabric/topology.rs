//! Switches, cables and the way through them.
//!
//! ```text
//!              spine 0   spine 1 ...                       every line is two directed links
//!             /   |   \ /   |
//!        ToR 0    ToR 1                  spines of one site ═══ inter-site link ═══ spines of the other
//!          │  rack  │
//!   port 0 └─ host ─┘ port 1
//! ```
//!
//! Clusters at one site share the spines. At two sites each has spines of its own, numbered on from the
//! target's: one dead switch is one dead switch. The ToRs of a rack exchange traffic over a spine.
//!
//! What routes believe is a pure function of time: a link that is down is used until it is noticed, and again
//! once it is back. Choices among equal ways take the highest hash (rendezvous hashing): when a way goes,
//! only what used it moves, as with resilient ECMP.

use crate::hosts::Hosts;
use crate::ids::{HostId, Side};
use crate::scenario::{Bond, FabricDesign, Nics, Scenario};
use sim_core::digest::{hash_name, hash_words};
use sim_core::fluid::{Fluid, LinkId};
use sim_core::{Rate, SimTime, Span};

/// What is left of a port's rate for payload, besides headers: real TCP does not keep a port full. Fitted to
/// packet-level runs of TCP on a shared 10 GbE switch.
const GOODPUT: f64 = 0.95;
/// Headers of IPv4 and TCP with timestamps in a frame, and Ethernet preamble, header, checksum and gap
/// around it, bytes: 1448/1538 of the wire is payload at MTU 1500.
const FRAME: (f64, f64) = (52.0, 38.0);

/// A directed link and the port that feeds it.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub link: LinkId,
    /// Wire rate of one member.
    pub rate: Rate,
    /// Parallel members.
    pub members: u16,
    /// One way.
    pub delay: Span,
    /// The switch whose buffer it uses; `None` for a host's own port.
    pub switch: Option<u16>,
    /// Set while it carries nothing.
    pub down: Option<Down>,
    /// Share of its rate that is left.
    pub rate_left: f64,
    /// Probability that a packet is lost on it.
    pub loss: f64,
}

/// Until when a dead link is believed in, and from when on it carries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Down {
    pub noticed_at: SimTime,
    pub back_at: SimTime,
}

impl Port {
    /// Carries traffic at `t`, as far as is known now.
    pub fn alive(&self, t: SimTime) -> bool {
        self.down.is_none_or(|d| d.back_at <= t)
    }

    /// Routes use it at `t`, as far as is known now.
    pub fn believed(&self, t: SimTime) -> bool {
        self.down.is_none_or(|d| t < d.noticed_at || d.back_at <= t)
    }

    /// Payload rate of all members.
    pub fn goodput(&self, mtu: u32) -> Rate {
        let mtu = f64::from(mtu);
        let efficiency = (mtu - FRAME.0) / (mtu + FRAME.1);
        (self.rate * u64::from(self.members)).scale(GOODPUT * efficiency * self.rate_left)
    }

    /// Wire rate that one message sees.
    pub fn wire(&self) -> Rate {
        self.rate.scale(self.rate_left).max(Rate(1))
    }
}

/// The two directions of a cable, seen from the lower end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub up: LinkId,
    pub down: LinkId,
}

/// A host as the fabric sees it.
#[derive(Clone, Debug)]
pub(super) struct Plug {
    /// Unique, and the same in every scenario that has this host.
    pub name: u64,
    pub side: Side,
    /// Within its cluster.
    pub number: u16,
    /// Within its cluster.
    pub rack: u16,
    pub nics: Nics,
}

/// A host's way into the fabric.
#[derive(Clone, Debug)]
pub(super) struct Station {
    pub plug: Plug,
    /// Over both clusters.
    pub rack: usize,
    /// By port, which is also the number of the ToR.
    pub cables: Vec<Pair>,
    /// The leg that carries everything under active-backup.
    pub active: usize,
}

/// A top-of-rack switch: its cable to each spine of its site, with the number of parallel members.
#[derive(Clone, Debug)]
pub(super) struct Tor {
    pub layer: usize,
    pub uplinks: Vec<Option<Pair>>,
}

/// A way through the fabric, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path([Option<LinkId>; Path::LONGEST]);

impl Path {
    /// From port to ToR, spine, spine of the other site, ToR and host.
    pub const LONGEST: usize = 5;

    fn of(links: &[LinkId]) -> Path {
        let mut path = Path([None; Path::LONGEST]);
        for (slot, link) in path.0.iter_mut().zip(links) {
            *slot = Some(*link);
        }
        path
    }

    /// With a link before and one after.
    fn between(self, first: LinkId, last: LinkId) -> Path {
        let mut path = Path([None; Path::LONGEST]);
        let links = std::iter::once(first).chain(self.links()).chain([last]);
        path.0.iter_mut().zip(links).for_each(|(slot, link)| *slot = Some(link));
        path
    }

    /// Within a host.
    pub fn none() -> Path {
        Path([None; Path::LONGEST])
    }

    /// Its links.
    pub fn links(&self) -> impl Iterator<Item = LinkId> + Clone {
        self.0.into_iter().flatten()
    }
}

/// All ports, and who is plugged in where. Links of the solver come first and in this order, so that a link
/// indexes `ports`.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    pub ports: Vec<Port>,
    pub stations: Vec<Station>,
    /// Two per rack.
    pub tors: Vec<Tor>,
    /// First rack of each side.
    pub first_rack: [usize; 2],
    pub spines: u16,
    /// From the source's spines to the target's, and back.
    pub site: Option<Pair>,
    /// Buffers: ToRs, spines of both sites, and the two ends of the inter-site link.
    pub switches: u16,
}

/// The hosts of a scenario as the fabric sees them.
pub(super) fn plugs(scenario: &Scenario, hosts: &Hosts) -> Vec<Plug> {
    let plug = |h: &crate::hosts::Host| {
        let cluster = scenario.cluster(h.side).expect("a host belongs to a cluster");
        let (name, nics) = (hash_name(&[&h.side.to_string(), &h.name]), cluster.nics.clone());
        Plug { name, side: h.side, number: h.number, rack: h.rack, nics }
    };
    hosts.iter().map(|(_, h)| plug(h)).collect()
}

impl Topology {
    /// Everything up, active-backup legs alternating from host to host.
    pub fn build<T: Copy>(design: &FabricDesign, plugs: Vec<Plug>, fluid: &mut Fluid<T>) -> Topology {
        let racks = |side| plugs.iter().filter(|p| p.side == side).map(|p| p.rack + 1).max().unwrap_or(0);
        let of_source = usize::from(racks(Side::Source));
        let mut topology = Topology {
            ports: Vec::new(),
            stations: Vec::new(),
            tors: Vec::new(),
            first_rack: [0, of_source],
            spines: design.spines,
            site: None,
            switches: 0,
        };
        let mut build = Builder { topology: &mut topology, fluid, mtu: design.mtu, hop: design.hop_delay };
        let tors = 2 * (of_source as u16 + racks(Side::Target));
        for plug in plugs {
            build.station(plug, of_source);
        }
        for tor in 0..tors {
            let source = usize::from(tor) < 2 * of_source;
            let layer = usize::from(source && design.intersite.is_some());
            build.tor(tor, layer, tors, design);
        }
        if let Some(site) = &design.intersite {
            let border = tors + 2 * design.spines;
            let (there, back) = (Some(border), Some(border + 1));
            let up = build.port(site.rate, 1, site.rtt / 2, there);
            let down = build.port(site.rate, 1, site.rtt / 2, back);
            build.topology.site = Some(Pair { up, down });
        }
        topology.switches = tors + 2 * design.spines + 2;
        topology
    }

    /// The port that feeds a link.
    pub fn port(&self, link: LinkId) -> &Port {
        &self.ports[link.index()]
    }

    /// All links of a path carry traffic at `t`.
    pub fn alive(&self, path: Path, t: SimTime) -> bool {
        path.links().all(|l| self.port(l).alive(t))
    }

    fn believed(&self, link: LinkId, t: SimTime) -> bool {
        self.port(link).believed(t)
    }

    /// The leg an active-backup host uses at `t`: it stays where it is until that leg is known to be dead.
    pub fn active_at(&self, station: &Station, t: SimTime) -> usize {
        let used = |leg: usize| station.cables.get(leg).is_some_and(|c| self.believed(c.up, t));
        let other = 1 - station.active;
        if !used(station.active) && used(other) { other } else { station.active }
    }

    /// Legs a flow may use at a host at `t`, preferred one first. `inbound`: towards the host.
    fn legs(&self, host: HostId, hash: u64, inbound: bool, t: SimTime) -> [Option<usize>; 2] {
        let station = &self.stations[host.index()];
        let usable = |leg: usize| {
            let cable = station.cables.get(leg)?;
            self.believed(if inbound { cable.down } else { cable.up }, t).then_some(leg)
        };
        match station.plug.nics.bond {
            Bond::ActiveBackup => [usable(self.active_at(station, t)), None],
            Bond::Lacp => {
                let score = |leg| hash_words(&[hash, 1 + u64::from(inbound), leg]);
                if score(0) >= score(1) { [usable(0), usable(1)] } else { [usable(1), usable(0)] }
            }
        }
    }

    /// The way that a flow of this hash takes at `t`, as routes believe; `None` when they know of none.
    pub fn route(&self, from: HostId, to: HostId, hash: u64, t: SimTime) -> Option<Path> {
        let (a, b) = (&self.stations[from.index()], &self.stations[to.index()]);
        let same_rack = a.rack == b.rack;
        let arrivals = self.legs(to, hash, true, t);
        for p in self.legs(from, hash, false, t).into_iter().flatten() {
            if same_rack && arrivals.contains(&Some(p)) {
                return Some(Path::of(&[a.cables[p].up, b.cables[p].down]));
            }
            for q in arrivals.into_iter().flatten() {
                let (s, d) = (&self.tors[2 * a.rack + p], &self.tors[2 * b.rack + q]);
                if let Some(middle) = self.climb(s, d, hash, t) {
                    return Some(middle.between(a.cables[p].up, b.cables[q].down));
                }
            }
        }
        None
    }

    /// From one ToR to another, over a spine of its site or over one of each site.
    fn climb(&self, from: &Tor, to: &Tor, hash: u64, t: SimTime) -> Option<Path> {
        if from.layer == to.layer {
            let (up, down) =
                self.best(hash, 3, t, |s| Some((from.uplinks[s]?.up, Some(to.uplinks[s]?.down))))?;
            return Some(Path::of(&[up, down?]));
        }
        let site = self.site?;
        let across = if from.layer == 1 { site.up } else { site.down };
        let (up, _) = self.best(hash, 3, t, |s| Some((from.uplinks[s]?.up, None)))?;
        let (down, _) = self.best(hash, 4, t, |s| Some((to.uplinks[s]?.down, None)))?;
        self.believed(across, t).then(|| Path::of(&[up, across, down]))
    }

    /// The spine with the highest hash over its members, among those whose links are believed in.
    fn best(
        &self,
        hash: u64,
        purpose: u64,
        t: SimTime,
        links: impl Fn(usize) -> Option<(LinkId, Option<LinkId>)>,
    ) -> Option<(LinkId, Option<LinkId>)> {
        let usable = |spine: usize| {
            let (first, second) = links(spine)?;
            let ok = self.believed(first, t) && second.is_none_or(|l| self.believed(l, t));
            let members = u64::from(self.port(first).members);
            let score = (0..members).map(|m| hash_words(&[hash, purpose, (spine as u64) << 16 | m])).max()?;
            ok.then_some((score, spine, (first, second)))
        };
        (0..usize::from(self.spines))
            .filter_map(usable)
            .max_by_key(|&(score, spine, _)| (score, spine))
            .map(|u| u.2)
    }

    /// Unloaded round trip of something small: propagation and switching, there and back.
    pub fn rtt(&self, path: Path) -> Span {
        path.links().map(|l| self.port(l).delay).sum::<Span>() * 2
    }
}

struct Builder<'a, T> {
    topology: &'a mut Topology,
    fluid: &'a mut Fluid<T>,
    mtu: u32,
    /// Propagation and switching of one hop, one way.
    hop: Span,
}

impl<T: Copy> Builder<'_, T> {
    fn port(&mut self, rate: Rate, members: u16, delay: Span, switch: Option<u16>) -> LinkId {
        let link = self.fluid.add_link(Rate::ZERO);
        assert_eq!(link.index(), self.topology.ports.len(), "ports are the first links of the solver");
        let port = Port { link, rate, members, delay, switch, down: None, rate_left: 1.0, loss: 0.0 };
        self.fluid.set_capacity(SimTime::ZERO, link, port.goodput(self.mtu));
        self.topology.ports.push(port);
        link
    }

    fn station(&mut self, plug: Plug, racks_of_source: usize) {
        let first = if plug.side == Side::Source { 0 } else { racks_of_source };
        let rack = first + usize::from(plug.rack);
        let rate = plug.nics.rate;
        let mut cables = Vec::new();
        for leg in 0..plug.nics.ports.clamp(1, 2) {
            let tor = 2 * rack as u16 + leg;
            let up = self.port(rate, 1, self.hop, None);
            let down = self.port(rate, 1, self.hop, Some(tor));
            cables.push(Pair { up, down });
        }
        let active = usize::from(plug.number) % cables.len();
        self.topology.stations.push(Station { plug, rack, cables, active });
    }

    fn tor(&mut self, number: u16, layer: usize, tors: u16, design: &FabricDesign) {
        let mut uplinks = Vec::new();
        for spine in 0..design.spines {
            let more = u16::from(spine < design.uplinks_per_tor % design.spines);
            let members = design.uplinks_per_tor / design.spines + more;
            let of_spine = tors + layer as u16 * design.spines + spine;
            uplinks.push((members > 0).then(|| Pair {
                up: self.port(design.uplink, members, self.hop, Some(number)),
                down: self.port(design.uplink, members, self.hop, Some(of_spine)),
            }));
        }
        self.topology.tors.push(Tor { layer, uplinks });
    }
}
