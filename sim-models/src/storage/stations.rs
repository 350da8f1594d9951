//! The stations that requests queue at: per host a controller VM, a log device and data devices; per array
//! its controllers, its back end and the LUN queues of its hosts.

use super::State;
use super::executor::{Chunk, Waiter};
use super::protocol::Place;
use crate::hosts::Hosts;
use crate::ids::{HostId, Side};
use crate::profile::storage::StorageProfile;
use crate::scenario::{self, StorageDesign, Throttle};
use sim_core::station::Foretold;
use sim_core::{SimTime, Span, Stream, Streams};
use std::collections::VecDeque;

/// Slots of a counting lock with a queue: what a host may keep open on one LUN.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    free: u32,
    waiting: VecDeque<Waiter>,
}

impl Tokens {
    /// True if the job holds a token now; otherwise it waits for one.
    pub fn take(&mut self, job: Waiter) -> bool {
        if self.free > 0 {
            self.free -= 1;
            return true;
        }
        self.waiting.push_back(job);
        false
    }

    /// Gives a token back; the job that holds it now.
    pub fn release(&mut self) -> Option<Waiter> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.free += 1;
        }
        next
    }
}

/// Slow episodes of a device, an on/off process in time that is looked at when a request comes.
#[derive(Clone, Debug)]
struct Episodes {
    until: SimTime,
    slow: bool,
    luck: Stream,
}

impl Episodes {
    fn is_slow(&mut self, now: SimTime, p: &StorageProfile) -> bool {
        if p.slow_share <= 0.0 {
            return false;
        }
        while now >= self.until {
            self.slow = if self.until == SimTime::ZERO { self.luck.chance(p.slow_share) } else { !self.slow };
            // Whole episodes alternate with gaps whose mean makes the share of time come out.
            let length = p.slow_length.sample_span(&mut self.luck).max(Span::ms(1));
            let gap = (1.0 - p.slow_share) / p.slow_share;
            self.until += if self.slow { length } else { length.scale(gap) };
        }
        self.slow
    }
}

/// One station and what makes its services longer.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The queue and its servers.
    pub station: Foretold<Chunk>,
    /// It is looked at when the next bulk work may begin.
    pub looking: bool,
    /// The side it belongs to.
    pub side: Side,
    /// Service times are multiplied by this: a device that a fault made slow.
    pub factor: f64,
    episodes: Option<Episodes>,
}

impl Slot {
    /// What a service takes that is asked for now, controller stretch apart: devices have slow times.
    pub fn slowed(&mut self, work: Span, now: SimTime, state: &State) -> Span {
        let side = self.side;
        let slow = self.episodes.as_mut().and_then(|e| {
            let p = state.profile(side);
            e.is_slow(now, p).then_some(p.slow_factor.max(1.0))
        });
        let factor = self.factor * slow.unwrap_or(1.0);
        if factor == 1.0 { work } else { work.scale(factor) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    /// First slot of a host's stations, and how many data devices it has.
    Node { first: u16, devices: u16 },
    /// A host of an array: the array's first slot, the host's first LUN queue and how many there are.
    ArrayHost { first: u16, tokens: u32, luns: u32 },
}

/// All stations.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    slots: Vec<Slot>,
    tokens: Vec<Tokens>,
    hosts: Vec<Layout>,
}

impl Bank {
    /// Adds the stations of a cluster; sides are added in the order of host ids.
    pub fn add(&mut self, side: Side, cluster: &scenario::Cluster, hosts: &Hosts, streams: &Streams) {
        let p = &cluster.profile.storage;
        match &cluster.storage {
            StorageDesign::Replicated(design) => {
                let share = background_share(design.throttle);
                for host in hosts.of(side) {
                    let first = self.slots.len() as u16;
                    let name = &hosts[host].name;
                    self.push(side, design.cvm_vcpus, share, None);
                    self.push(side, p.log_channels, 1.0, None);
                    for device in 0..design.devices {
                        let luck = streams.stream(&format!("{name}/device-{device}"), "slow-episodes");
                        self.push(side, p.data_channels, share, Some(luck));
                    }
                    self.hosts.push(Layout::Node { first, devices: design.devices as u16 });
                }
            }
            StorageDesign::San(design) => {
                let first = self.slots.len() as u16;
                let cores = u32::from(design.controllers) * u32::from(design.cores_per_controller);
                self.push(side, cores, 1.0, None);
                self.push(side, design.devices * p.data_channels, 1.0, None);
                for _ in hosts.of(side) {
                    let tokens = self.tokens.len() as u32;
                    let queue = Tokens { free: design.lun_depth, waiting: VecDeque::new() };
                    self.tokens.extend(std::iter::repeat_n(queue, design.luns as usize));
                    self.hosts.push(Layout::ArrayHost { first, tokens, luns: design.luns });
                }
            }
        }
    }

    fn push(&mut self, side: Side, servers: u32, background: f64, luck: Option<Stream>) {
        let servers = servers.max(1);
        let cap = ((f64::from(servers) * background).ceil() as u32).clamp(1, servers);
        let episodes = luck.map(|luck| Episodes { until: SimTime::ZERO, slow: false, luck });
        self.slots.push(Slot {
            station: Foretold::new(servers, cap),
            looking: false,
            side,
            factor: 1.0,
            episodes,
        });
    }

    /// The station of a place that a host of the right cluster asks for.
    pub fn index(&self, place: Place, asking: HostId) -> usize {
        let host = place.host().unwrap_or(asking);
        match (self.hosts[host.index()], place) {
            (Layout::Node { first, .. }, Place::Cvm(_)) => usize::from(first),
            (Layout::Node { first, .. }, Place::Log(_)) => usize::from(first) + 1,
            (Layout::Node { first, .. }, Place::Data(_, device)) => {
                usize::from(first) + 2 + usize::from(device)
            }
            (Layout::ArrayHost { first, .. }, Place::Controller) => usize::from(first),
            (Layout::ArrayHost { first, .. }, Place::BackEnd) => usize::from(first) + 1,
            (layout, place) => unreachable!("{place:?} does not exist in {layout:?}"),
        }
    }

    /// A station by its index.
    pub fn slot(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }

    /// The queue of a host on a LUN.
    pub fn queue(&mut self, host: HostId, lun: u32) -> &mut Tokens {
        let Layout::ArrayHost { tokens, luns, .. } = self.hosts[host.index()] else {
            unreachable!("only hosts of an array have LUN queues")
        };
        &mut self.tokens[(tokens + lun % luns) as usize]
    }

    /// Stations of a host's node, the controller VM first; none for hosts of an array.
    pub fn of_node(&self, host: HostId) -> std::ops::Range<usize> {
        match self.hosts[host.index()] {
            Layout::Node { first, devices } => usize::from(first)..usize::from(first + 2 + devices),
            Layout::ArrayHost { .. } => 0..0,
        }
    }

    /// Moves the devices' luck onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        for episodes in self.slots.iter_mut().filter_map(|s| s.episodes.as_mut()) {
            episodes.luck.rekey(streams);
        }
    }
}

/// The share of servers that background work may hold at once.
fn background_share(throttle: Throttle) -> f64 {
    match throttle {
        Throttle::Cap(share) => share,
        Throttle::MClock { limit, .. } => limit,
        Throttle::Adaptive { .. } | Throttle::Fixed(_) | Throttle::Unlimited => 1.0,
    }
}
