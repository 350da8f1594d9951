//! One small message along a path of the present fabric, or waiting for one.

use super::flows::WINDOW;
use super::message::{Message, PortState, back_off};
use super::offers::Offer;
use super::topology::{Path, Port};
use super::{Delivery, Fabric};
use crate::ids::HostId;
use crate::scenario::Queueing;
use sim_core::digest::hash_words;
use sim_core::{Bytes, SimTime, Span, Stream};

/// Dynamic buffer threshold: a queue may hold this multiple of the memory that is still free (Choudhury and
/// Hahne, IEEE/ACM ToN 6(2), 1998); 1 is a common default.
const ALPHA: f64 = 1.0;
/// Bytes that Linux TCP lets one connection keep below it in its own host (`tcp_limit_output_bytes`, 1 MiB).
const HOST_QUEUE: Bytes = Bytes::mib(1);
/// Retransmissions waited for during an outage (Linux `tcp_retries2`).
const MAX_RETRIES: u32 = 15;

impl Fabric {
    /// Delay of one message of `bytes` from host to host, from the present state of the ports. While routes
    /// are being moved off a dead part the delay holds the wait and the retransmission back-off.
    pub fn message(&self, from: HostId, to: HostId, bytes: u32, now: SimTime, luck: &mut Stream) -> Delivery {
        if from == to {
            return Delivery::After(self.local_delay + Bytes(u64::from(bytes)) / self.copy_rate);
        }
        let pair = self.offers.get(&(from, to));
        let behind = || pair.map_or(Span::ZERO, |p| p.wait(bytes, now));
        if let Some(path) = pair.and_then(|p| self.standing(p, now)) {
            let found = || self.topology.route(from, to, self.pair_hash(from, to), now);
            debug_assert_eq!(found(), Some(path), "flows and messages of a pair take one way");
            return Delivery::After(behind() + self.along(path, bytes, luck));
        }
        let hash = self.pair_hash(from, to);
        let open = |t| self.topology.route(from, to, hash, t).filter(|p| self.topology.alive(*p, t));
        if let Some(path) = open(now) {
            return Delivery::After(behind() + self.along(path, bytes, luck));
        }
        let found = self.turning_points(now).into_iter().find_map(|t| Some((t, open(t)?)));
        let Some((opens, path)) = found else { return Delivery::Never };
        // The sender only tries again when its timer runs out.
        let waited = opens.since(now);
        match (1..=MAX_RETRIES).map(back_off).find(|tried| *tried >= waited) {
            Some(tried) => Delivery::After(tried + self.along(path, bytes, luck)),
            None => Delivery::Never,
        }
    }

    /// Unloaded round trip between two hosts as if nothing were broken, for hand-shakes and reports.
    pub fn rtt(&self, from: HostId, to: HostId) -> Span {
        if from == to {
            return self.local_delay * 2;
        }
        // At the end of time everything is back.
        let path = self.topology.route(from, to, self.pair_hash(from, to), SimTime::NEVER);
        path.map_or(Span::ZERO, |p| self.topology.rtt(p))
    }

    /// Hash of the lasting connections from one host to another.
    pub(super) fn pair_hash(&self, from: HostId, to: HostId) -> u64 {
        let name = |h: HostId| self.topology.stations[h.index()].plug.name;
        hash_words(&[hash_words(&[self.pair_salt, name(from)]), name(to)])
    }

    /// The way that messages of a pair share with its flow, while routes are certain to be what they were
    /// when all flows last followed them.
    fn standing(&self, pair: &Offer, now: SimTime) -> Option<Path> {
        if now >= self.routes_until {
            return None;
        }
        let (_, transfer) = self.transfers[pair.flow.index()].as_ref()?;
        transfer.path.filter(|p| self.topology.alive(*p, now))
    }

    fn along(&self, path: Path, bytes: u32, luck: &mut Stream) -> Span {
        let message = Message { bytes, mtu: self.mtu, rtt: self.topology.rtt(path), rack: true };
        // Looked at twice, for waits and for the transit.
        let mut states = [None; Path::LONGEST];
        for (state, link) in states.iter_mut().zip(path.links()) {
            *state = Some(self.state(self.topology.port(link)));
        }
        message.deliver(states.iter().flatten().copied(), luck)
    }

    fn state(&self, port: &Port) -> PortState<'_> {
        let load = &self.loads[port.link.index()];
        let windows = |per_connection: Bytes| per_connection * u64::from(load.elastic);
        let common = PortState {
            rate: port.wire(),
            delay: port.delay,
            queueing: self.queueing,
            room: self.buffer,
            elastic: load.elastic,
            windows: windows(WINDOW),
            trains: &load.trains,
            guests: load.guests,
            hot_share: self.hot_share,
            background: &self.background,
            loss: port.loss,
        };
        let Some(switch) = port.switch else {
            // A host queues in its own memory: no marks, no fan-in, and never more than TCP allows itself.
            let queueing =
                if self.queueing == Queueing::Priority { Queueing::Priority } else { Queueing::Fifo };
            return PortState {
                queueing,
                windows: windows(HOST_QUEUE),
                room: Bytes(u64::MAX),
                hot_share: 0.0,
                ..common
            };
        };
        let full = f64::from(self.congested[usize::from(switch)].max(1));
        PortState { room: self.buffer.scale(ALPHA / (1.0 + ALPHA * full)), ..common }
    }
}
