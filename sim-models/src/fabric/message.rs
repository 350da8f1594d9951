//! How long one small message takes past ports that bulk flows share: closed forms, no packets.
//!
//! ```text
//!   message ──> port ──> port ──> port ──>      transit: propagation, switching, serialisation
//!                │                              wait at each port, by its regime:
//!                ├ free        bursts of the bulk flows on it, other guests' messages, microbursts
//!                ├ full FIFO   a queue between a floor and all the room there is
//!                ├ full ECN    a queue around the mark, once per round the message needs
//!                └ priority    only what was already handed to the transmitter
//!   a lost packet costs a retransmission timeout, or two round trips when later packets tell of it
//! ```
//!
//! Constants marked *fitted* come from packet-level runs (`tests/data/ns3`): MTU 9000, 10 and 25 GbE. What
//! decides P99 is the regime of the port, not its utilisation. This module knows no topology and no flows.

use crate::scenario::{Background, Queueing};
use sim_core::dist::gamma;
use sim_core::mutant::Mutant;
use sim_core::{Bytes, Rate, SimTime, Span, Stream};

/// Least retransmission timeout of Linux TCP (`TCP_RTO_MIN`, include/net/tcp.h).
pub(super) const MIN_RTO: Span = Span::ms(200);
/// The timeout doubles up to this (`TCP_RTO_MAX`, include/net/tcp.h).
const MAX_RTO: Span = Span::secs(120);
/// Bytes of IPv4 and TCP headers with timestamps in a segment.
pub(super) const HEADERS: u32 = 52;
/// Bytes that a segment adds on the wire: headers plus the Ethernet header and checksum counted by ns-3.
const WIRE_EXTRA: f64 = 54.0;
/// Largest burst that segmentation off-load hands to the wire at once (Linux `GSO_MAX_SIZE`, 64 KiB).
const TRAIN_BYTES: f64 = 65_536.0;
/// Packets already handed to the transmitter, which no priority can overtake; fitted.
const TRANSMITTER_PACKETS: f64 = 2.0;
/// Lowest share of the room that a full drop-tail queue sinks to, for 1 flow and for 4 or more; fitted.
const QUEUE_FLOOR: (f64, f64) = (0.65, 0.86);
/// The standard normal's 99 % quantile: laws are fitted at P50 and P99.
const Z99: f64 = 2.326_347_874;
/// Length of a microburst: median 25 us, sigma 1.62, so that 90 % end within 200 us (Zhang et al., "High-
/// resolution measurement of data center microbursts", IMC 2017).
const BURST: (f64, f64) = (25e-6, 1.62);
/// Most of a port's time that guests' messages are taken to fill: beyond it the law has no mean to speak of
/// (assumed).
pub const MOST_BUSY: f64 = 0.95;
/// Transmissions of one packet before the model stops counting (Linux `tcp_retries2` is 15).
const MAX_TRIES: u32 = 15;

/// A bulk flow that leaves room on a port: it arrives in trains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Train {
    /// Its rate.
    pub rate: Rate,
    /// Slowest rate it has passed before this port; `None` straight from memory.
    pub access: Option<Rate>,
}

/// What a message meets at one port.
#[derive(Clone, Copy, Debug)]
pub struct PortState<'a> {
    /// Wire rate.
    pub rate: Rate,
    /// Propagation and switching, one way.
    pub delay: Span,
    /// What the port does when it is full.
    pub queueing: Queueing,
    /// The longest its queue can grow for lack of buffer.
    pub room: Bytes,
    /// Connections that this port holds back; zero for a free port.
    pub elastic: u32,
    /// Sum of their windows: they cannot queue more than that less what is on the wire.
    pub windows: Bytes,
    /// Bulk flows that are held back elsewhere.
    pub trains: &'a [Train],
    /// Rate of the other guests' messages.
    pub guests: Rate,
    /// Share of time inside a microburst.
    pub hot_share: f64,
    /// What those messages and bursts are like.
    pub background: &'a Background,
    /// Probability that a packet is lost for reasons of its own (a bad cable).
    pub loss: f64,
}

/// A message as the sender's stack sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Payload.
    pub bytes: u32,
    /// Largest frame, bytes.
    pub mtu: u32,
    /// Unloaded round trip of the path.
    pub rtt: Span,
    /// The stack notices a lost packet by the later ones (RFC 8985, Linux since 4.18).
    pub rack: bool,
}

impl Message {
    /// Segments it is cut into.
    pub fn segments(&self) -> u32 {
        self.bytes.div_ceil(self.mtu - HEADERS).max(1)
    }

    fn wire_bytes(&self) -> f64 {
        f64::from(self.bytes) + WIRE_EXTRA * f64::from(self.segments())
    }

    /// Time over an idle path that stores and forwards every frame: delays, and the longest way through frames
    /// and ports. That goes with full frames up to some port, past all of them at the slowest port until then,
    /// and on with the last frame, which may be short.
    pub fn transit<'a>(&self, ports: impl Iterator<Item = PortState<'a>>) -> Span {
        let (wire, full) = (self.wire_bytes(), self.wire_bytes().min(f64::from(self.mtu)));
        let before = f64::from(self.segments() - 1);
        let last = wire - full * before;
        let (mut delays, mut per_byte, mut slowest, mut longest) = (0.0, 0.0, 0.0f64, 0.0f64);
        for port in ports {
            let own = 1.0 / port.rate.as_f64();
            delays += port.delay.as_secs();
            slowest = slowest.max(own);
            if before > 0.0 {
                let up_to_here = (per_byte + own + (before - 1.0) * slowest) * full;
                longest = longest.max(up_to_here - per_byte * last);
            }
            per_byte += own;
        }
        Span::from_secs_f64(delays + longest + per_byte * last)
    }

    /// Sent to last byte received: transit, the waits at the ports, and what losses cost.
    pub fn deliver<'a>(&self, ports: impl Iterator<Item = PortState<'a>> + Clone, luck: &mut Stream) -> Span {
        let (mut wait, mut survives, mut lasting) = (0.0, 1.0, 1.0);
        for port in ports.clone() {
            let met = port.meet(self, luck);
            wait += met.wait;
            lasting *= (1.0 - met.drop) * (1.0 - port.loss);
            survives *= (1.0 - met.drop) * (1.0 - port.loss) * (1.0 - met.burst_drop);
        }
        let wait = Span::from_secs_f64(wait);
        if survives == 1.0 {
            return self.transit(ports) + wait;
        }
        self.transit(ports) + wait + self.recovery((1.0 - survives, 1.0 - lasting), wait, luck)
    }

    /// Time that losses add when each packet is lost with probability `drop.0`; by the time of a
    /// retransmission a microburst has passed and `drop.1` is left.
    fn recovery(&self, drop: (f64, f64), wait: Span, luck: &mut Stream) -> Span {
        let (first, later) = drop;
        let others = self.segments() - 1;
        if luck.chance(first) || (others > 0 && !self.rack && luck.chance(any_of(others, first))) {
            let mut tries = 1;
            while tries < MAX_TRIES && luck.chance(later) {
                tries += 1;
            }
            return if Mutant::NoTimeout.lives() { Span::ZERO } else { back_off(tries) };
        }
        if others > 0 && luck.chance(any_of(others, first)) { (self.rtt + wait) * 2 } else { Span::ZERO }
    }
}

/// Time from the first transmission to the `tries`-th retransmission: 200 ms, then twice as long each time.
pub(super) fn back_off(tries: u32) -> Span {
    (0..tries).map(|j| (MIN_RTO * (1 << j.min(20))).min(MAX_RTO)).sum()
}

/// When the sender of something lost at `lost` first sends it again over a path that is back at `back`: its
/// timer of at least `least` fires after that, twice that, and so on.
pub fn first_retry(lost: SimTime, back: SimTime, least: Span) -> SimTime {
    assert!(least > Span::ZERO, "a retransmission timer takes some time");
    let (mut at, mut timeout) = (lost, least);
    while at < back {
        at += timeout;
        timeout = (timeout * 2).min(MAX_RTO.max(least));
    }
    at
}

fn any_of(packets: u32, drop: f64) -> f64 {
    1.0 - libm::pow(1.0 - drop, f64::from(packets))
}

/// What the port did to the message.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    /// Seconds.
    wait: f64,
    /// Probability that the port drops a given packet for as long as its flows stay.
    drop: f64,
    /// Probability that a passing microburst dropped it.
    burst_drop: f64,
}

impl PortState<'_> {
    fn meet(&self, message: &Message, luck: &mut Stream) -> Met {
        match (self.queueing, self.elastic) {
            (Queueing::Priority, n) => Met { wait: self.priority(message, n > 0, luck), ..Met::default() },
            (_, 0) => self.free(message, luck),
            (Queueing::Fifo, _) => self.drop_tail(message, luck),
            (Queueing::Ecn(mark), _) => Met { wait: self.marked(message, mark, luck), ..Met::default() },
        }
    }

    /// Seconds that `bytes` take on the wire.
    fn time(&self, bytes: f64) -> f64 {
        bytes / self.rate.as_f64()
    }

    fn in_flight(&self, message: &Message) -> f64 {
        self.rate.as_f64() * message.rtt.as_secs()
    }

    /// Bytes of a full queue, and whether the buffer (not the windows) is what limits it.
    fn full_queue(&self, message: &Message) -> (f64, bool) {
        let by_windows = (self.windows.as_f64() - self.in_flight(message)).max(0.0);
        (by_windows.min(self.room.as_f64()), self.room.as_f64() < by_windows)
    }

    fn drop_tail(&self, message: &Message, luck: &mut Stream) -> Met {
        let (full, overflows) = self.full_queue(message);
        let crowd = f64::from(self.elastic.clamp(1, 4) - 1) / 3.0;
        let floor = QUEUE_FLOOR.0 + (QUEUE_FLOOR.1 - QUEUE_FLOOR.0) * crowd;
        let queue = full * (floor + (1.0 - floor) * luck.uniform());
        let drop = if overflows { self.overflow_loss(message, full) } else { 0.0 };
        Met { wait: self.time(queue), drop, ..Met::default() }
    }

    /// Packet loss of a full drop-tail port: 1e-4 at rest, rising steeply once the flows' fair shares of the
    /// wire and of the queue are a few packets (incast); fitted to 1e-4 (1 MB of buffer), 8e-4 (256 KB, 4
    /// flows, 25 GbE) and above 5e-3 (the same at 10 GbE).
    fn overflow_loss(&self, message: &Message, full: f64) -> f64 {
        let packets = f64::from(self.elastic) * f64::from(message.mtu);
        let crowding = packets / self.in_flight(message).max(1.0) * packets / full.max(1.0);
        (1e-4 + 35.0 * libm::pow(crowding, 5.0)).min(0.1)
    }

    /// The queue stands around the mark; a message whose window has shrunk pays it once per round. Fitted.
    fn marked(&self, message: &Message, mark: Bytes, luck: &mut Stream) -> f64 {
        let (mtu, n) = (f64::from(message.mtu), f64::from(self.elastic));
        let mean = mark.as_f64() + mtu * (1.0 + 0.8 * n);
        let sd = mtu * (3.0 + 0.2 * n) / Z99;
        let queue = (mean + sd * normal(luck)).max(0.0).min(self.full_queue(message).0);
        let rounds = match message.segments() {
            1 => 1.0,
            2 => 1.0 + f64::from(u8::from(luck.chance(0.5))),
            // Median n/2.5, P99 n/1.4.
            n => (f64::from(n) / 2.5 * libm::exp(libm::log(2.5 / 1.4) / Z99 * normal(luck))).max(1.0),
        };
        rounds * self.time(queue) + (rounds - 1.0) * message.rtt.as_secs()
    }

    /// Only what the transmitter already holds, and the messages of the same class.
    fn priority(&self, message: &Message, full: bool, luck: &mut Stream) -> f64 {
        let bulk: f64 = self.trains.iter().map(|t| t.rate.as_f64()).sum();
        let held = full || luck.chance((bulk / self.rate.as_f64()).min(1.0));
        let packets = if held { TRANSMITTER_PACKETS + luck.uniform() } else { 0.0 };
        self.time(packets * f64::from(message.mtu)) + self.behind_guests(luck)
    }

    /// Trains of flows that leave room here, the guests' messages, and a microburst.
    fn free(&self, message: &Message, luck: &mut Stream) -> Met {
        let wait = self.behind_trains(message, luck) + self.behind_guests(luck);
        let burst = if luck.chance(self.hot_share) { self.microburst(luck) } else { Met::default() };
        Met { wait: wait + burst.wait, ..burst }
    }

    /// No work is lost: the port sends trains for as large a share of time as they ask for. A message that
    /// meets one finds a uniform part of what it piled up, and of each other flow's with a chance of that flow's
    /// share times the load squared (fitted): few paced flows seldom pile up more than a train.
    fn behind_trains(&self, message: &Message, luck: &mut Stream) -> f64 {
        if self.trains.is_empty() {
            return 0.0;
        }
        let share = |t: &Train| t.rate.as_f64() / self.rate.as_f64();
        let load: f64 = self.trains.iter().map(share).sum();
        let (met, mut wait, mut before) = (luck.uniform(), 0.0, 0.0);
        if met >= load {
            return wait;
        }
        for train in self.trains {
            let is_sent = (before..before + share(train)).contains(&met);
            before += share(train);
            if is_sent || luck.chance(share(train) * load * load) {
                wait += luck.uniform() * self.time(self.pile(train, message));
            }
        }
        wait
    }

    /// Most bytes that a train alone leaves in the queue: what comes faster than it goes, packet by packet.
    fn pile(&self, train: &Train, message: &Message) -> f64 {
        let drained = train.access.map_or(0.0, |a| self.rate.as_f64() / a.as_f64()).min(1.0);
        TRAIN_BYTES * (1.0 - drained) + f64::from(message.mtu) * drained
    }

    /// M/G/1 among the guests' messages (Pollaczek and Khinchine): busy with probability rho, and then a
    /// geometric number of what is left of messages. Sizes are gamma; for exponential ones the sum is exponential.
    fn behind_guests(&self, luck: &mut Stream) -> f64 {
        let rho = (self.guests.as_f64() / self.rate.as_f64()).min(MOST_BUSY);
        if rho == 0.0 || !luck.chance(rho) {
            return 0.0;
        }
        let Background { guest_message, guest_message_cv2, .. } = *self.background;
        let (mean, cv2) = (self.time(guest_message), guest_message_cv2);
        if cv2 == 1.0 {
            return -mean / (1.0 - rho) * libm::log(luck.uniform_open());
        }
        let mut wait = 0.0;
        loop {
            // A message is met in proportion to its length, at any point of it.
            let met = if cv2 > 0.0 { cv2 * gamma(luck, 1.0 / cv2 + 1.0) } else { 1.0 };
            wait += mean * met * luck.uniform();
            if !luck.chance(rho) {
                return wait;
            }
        }
    }

    /// A message that falls into a burst of 2..4 senders: the burst it meets is length-biased, it meets a
    /// uniform point of it, and the queue has risen at (senders - 1) x rate until then.
    fn microburst(&self, luck: &mut Stream) -> Met {
        let (median, sigma) = BURST;
        let length = median * libm::exp(sigma * sigma + sigma * normal(luck));
        let length = length.min(self.background.longest_burst);
        let senders = 2.0 + luck.below(3) as f64;
        let room = self.time(self.room.as_f64());
        let wait = ((senders - 1.0) * length * luck.uniform()).min(room);
        let excess = ((senders - 1.0) * length - room).max(0.0);
        Met { wait, drop: 0.0, burst_drop: excess / (senders * length) }
    }
}

/// A standard normal draw (Box and Muller).
pub(super) fn normal(luck: &mut Stream) -> f64 {
    box_muller(luck.uniform_open(), luck.uniform())
}

/// A standard normal from two uniforms, the first in (0, 1].
pub(super) fn box_muller(u: f64, v: f64) -> f64 {
    (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
}
