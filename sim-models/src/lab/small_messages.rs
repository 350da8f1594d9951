//! Small messages at a port that they share with bulk flows.
//!
//! ```ron
//! SmallMessages(
//!     bytes: 16384, port: Gbps(25), access: Gbps(25), buffer: B(1e6), regime: Fifo,
//!     bulk: [(flows: 4)],
//! )
//! ```
//!
//! One message at a time goes over an access link and through the port, one way. A bulk flow without a cap is
//! held back by the port and keeps it full; one with a cap leaves it free and comes in trains.
//!
//! Figures: `delay` from sent to last byte received (mean and quantiles); `idle`, the same over an idle path;
//! `timed_out`, the share of messages that waited for a retransmission timer.

use super::{Bench, Seen};
use crate::fabric::message::{MOST_BUSY, Message, PortState, Train};
use crate::quantity::{Fraction, Number, Resolver, Size, Speed, Time, Unit};
use crate::scenario::{Background, FabricDesign, Queueing};
use serde::Deserialize;
use sim_core::hist::{Bounds, Histogram};
use sim_core::{Bytes, Rate, Span, Stream, Streams};

/// As typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Messages per run.
    #[serde(default = "many")]
    pub messages: u32,
    /// Payload of one.
    pub bytes: u32,
    /// Largest frame, bytes.
    #[serde(default = "jumbo")]
    pub mtu: u32,
    /// Rate of the port.
    pub port: Speed,
    /// Rate of the link before it; none if not given.
    pub access: Option<Speed>,
    /// Propagation and switching per link, one way; none if not given.
    pub delay: Option<Time>,
    /// The longest the port's queue can grow.
    pub buffer: Size,
    /// What the port does when it is full.
    #[serde(default)]
    pub regime: Regime,
    /// The bulk flows.
    #[serde(default)]
    pub bulk: Vec<BulkSpec>,
    /// Rate of other guests' messages at the port.
    pub guests: Option<Speed>,
    /// Mean size of those messages; as in a cluster's `fabric` if not given.
    pub guest_message: Option<Size>,
    /// Squared coefficient of variation of that size; as in a cluster's `fabric` if not given.
    pub guest_message_cv2: Option<Number>,
    /// Share of time inside a microburst.
    pub hot_share: Option<Fraction>,
    /// Longest microburst; as in a cluster's `fabric` if not given.
    pub longest_burst: Option<Time>,
    /// Probability that a packet is lost for reasons of its own.
    pub loss: Option<Fraction>,
    /// The stack notices a lost packet by the later ones.
    #[serde(default)]
    pub rack: bool,
}

fn many() -> u32 {
    20_000
}
fn jumbo() -> u32 {
    9000
}

/// What a full port does with messages, as typed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub enum Regime {
    /// One drop-tail queue.
    #[default]
    Fifo,
    /// Marks beyond this depth; senders back off.
    Ecn(Size),
    /// Messages have a strict-priority queue.
    Priority,
}

/// Bulk flows of one kind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkSpec {
    /// How many.
    pub flows: u32,
    /// Rate of each, when something else holds it back.
    pub cap: Option<Speed>,
    /// Slowest rate it passes before the port.
    pub access: Option<Speed>,
    /// Window of each: 4 MiB if not given, the most Linux grows a send buffer to by itself (`tcp_wmem`).
    pub window: Option<Size>,
}

/// A path of an access link and a port.
#[derive(Clone, Debug)]
pub struct Path {
    /// The message.
    pub message: Message,
    /// The link before the port.
    pub access: Option<Rate>,
    /// Propagation and switching per link, one way.
    pub delay: Span,
    /// Rate of the port.
    pub port: Rate,
    /// What it does when full.
    pub queueing: Queueing,
    /// The longest its queue can grow.
    pub room: Bytes,
    /// Flows that it holds back, and the sum of their windows.
    pub elastic: (u32, Bytes),
    /// Flows that something else holds back.
    pub trains: Vec<Train>,
    /// Rate of other guests' messages.
    pub guests: Rate,
    /// Share of time inside a microburst.
    pub hot_share: f64,
    /// What those messages and bursts are like.
    pub background: Background,
    /// Packet loss of its own.
    pub loss: f64,
}

impl Path {
    /// An idle path for messages of `bytes` in frames of at most `mtu`.
    pub fn idle((bytes, mtu): (u32, u32), access: Option<Rate>, port: Rate, delay: Span) -> Path {
        let links = if access.is_some() { 4 } else { 2 };
        // Both ways over every link, and a frame stored and forwarded at the port.
        let frame = Bytes(u64::from(mtu)) / port;
        Path {
            message: Message { bytes, mtu, rtt: delay * links + frame * 2, rack: false },
            access,
            delay,
            port,
            queueing: Queueing::Fifo,
            room: Bytes::ZERO,
            elastic: (0, Bytes::ZERO),
            trains: Vec::new(),
            guests: Rate::ZERO,
            hot_share: 0.0,
            background: FabricDesign::default().background,
            loss: 0.0,
        }
    }

    fn ports(&self) -> impl Iterator<Item = PortState<'_>> + Clone {
        let quiet = |rate: Rate| PortState {
            rate,
            delay: self.delay,
            queueing: Queueing::Fifo,
            room: self.room,
            elastic: 0,
            windows: Bytes::ZERO,
            trains: &[],
            guests: Rate::ZERO,
            hot_share: 0.0,
            background: &self.background,
            loss: 0.0,
        };
        let port = PortState {
            queueing: self.queueing,
            elastic: self.elastic.0,
            windows: self.elastic.1,
            trains: &self.trains,
            guests: self.guests,
            hot_share: self.hot_share,
            loss: self.loss,
            ..quiet(self.port)
        };
        self.access.map(quiet).into_iter().chain(std::iter::once(port))
    }

    /// Over an idle path.
    pub fn transit(&self) -> Span {
        self.message.transit(self.ports())
    }

    /// One message.
    pub fn deliver(&self, luck: &mut Stream) -> Span {
        self.message.deliver(self.ports(), luck)
    }
}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {
    messages: u32,
    path: Path,
}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let at = |name: &str| format!("{path}.{name}");
        let messages = r.whole(&at("messages"), self.messages, 1, 10_000_000);
        let bytes = r.whole(&at("bytes"), self.bytes, 1, 1 << 24);
        let mtu = r.whole(&at("mtu"), self.mtu, 576, 65_535);
        let port = speed(&self.port, &at("port"), r);
        let access = self.access.as_ref().map(|s| speed(s, &at("access"), r));
        let delay = self.delay.as_ref().map_or(Span::ZERO, |t| t.resolve(&at("delay"), r));
        let share = |f: &Option<Fraction>, name, r: &mut Resolver| {
            f.as_ref().map_or(0.0, |f| f.resolve(&format!("{path}.{name}"), r))
        };
        let (elastic, trains) = self.flows(path, r);
        let guests = self.guests.as_ref().map_or(Rate::ZERO, |s| s.resolve(&at("guests"), r));
        if guests.as_f64() > MOST_BUSY * port.as_f64() {
            let remedy = "write at most 95 % of the rate of `port`";
            r.problem(&at("guests"), "more than the law of their waits is made for", remedy);
        }
        let loss = share(&self.loss, "loss", r);
        if loss >= 1.0 {
            r.problem(&at("loss"), "no packet gets through", "write a share below 1");
        }
        Meant {
            messages,
            path: Path {
                queueing: match &self.regime {
                    Regime::Fifo => Queueing::Fifo,
                    Regime::Ecn(mark) => Queueing::Ecn(mark.resolve(&at("regime"), r)),
                    Regime::Priority => Queueing::Priority,
                },
                message: Message { rack: self.rack, ..Path::idle((bytes, mtu), access, port, delay).message },
                room: self.buffer.resolve(&at("buffer"), r),
                elastic,
                trains,
                guests,
                hot_share: share(&self.hot_share, "hot_share", r),
                background: self.background(path, r),
                loss,
                ..Path::idle((bytes, mtu), access, port, delay)
            },
        }
    }

    fn background(&self, path: &str, r: &mut Resolver) -> Background {
        let usual = FabricDesign::default().background;
        let at = |name: &str| format!("{path}.{name}");
        let size = self.guest_message.as_ref().map(|s| s.resolve(&at("guest_message"), r).as_f64());
        let cv2 = self.guest_message_cv2.as_ref().map(|n| n.resolve(&at("guest_message_cv2"), r));
        let longest = self.longest_burst.as_ref();
        let longest = longest.map(|t| t.resolve(&at("longest_burst"), r).max(Span::us(1)).as_secs());
        Background {
            guest_message: size.unwrap_or(usual.guest_message),
            guest_message_cv2: cv2.unwrap_or(usual.guest_message_cv2),
            longest_burst: longest.unwrap_or(usual.longest_burst),
        }
    }

    /// Those that the port holds back with their windows, and those that it does not.
    fn flows(&self, path: &str, r: &mut Resolver) -> ((u32, Bytes), Vec<Train>) {
        let (mut elastic, mut trains) = ((0, Bytes::ZERO), Vec::new());
        for (i, bulk) in self.bulk.iter().enumerate() {
            let at = |name: &str| format!("{path}.bulk[{i}].{name}");
            let flows = r.whole(&at("flows"), bulk.flows, 0, 10_000);
            let window = bulk.window.as_ref().map_or(WINDOW, |w| w.resolve(&at("window"), r));
            let access = bulk.access.as_ref().map(|s| speed(s, &at("access"), r));
            match &bulk.cap {
                Some(cap) => {
                    let rate = cap.resolve(&at("cap"), r);
                    trains.extend((0..flows).map(|_| Train { rate, access }));
                }
                None => elastic = (elastic.0 + flows, elastic.1 + window * u64::from(flows)),
            }
        }
        (elastic, trains)
    }

    /// Two runs can differ.
    pub fn is_random(&self) -> bool {
        true
    }
}

/// Largest window that a Linux sender grows to by itself (`tcp_wmem`).
pub(crate) const WINDOW: Bytes = Bytes::mib(4);

fn speed(typed: &Speed, path: &str, r: &mut Resolver) -> Rate {
    let rate = typed.resolve(path, r);
    if rate == Rate::ZERO {
        r.problem(path, "nothing gets through", "write a rate above 0");
    }
    rate.max(Rate(1))
}

/// Linux and ns-3 wait at least this long for an acknowledgement (`TCP_RTO_MIN`).
const LEAST_TIMEOUT: Span = Span::ms(200);

impl Bench for Meant {
    fn play(&self, name: &str, streams: &Streams) -> Result<Seen, String> {
        let mut luck = streams.stream(name, "messages");
        let mut delay = Histogram::new(Bounds::Latency);
        let mut timed_out = 0u32;
        for _ in 0..self.messages {
            let took = self.path.deliver(&mut luck);
            timed_out += u32::from(took >= LEAST_TIMEOUT);
            delay.record(took.0, 1);
        }
        let mut seen = Seen::default();
        seen.value("idle", self.path.transit().as_secs());
        seen.value("timed_out", f64::from(timed_out) / f64::from(self.messages));
        seen.samples.push(("delay".into(), delay));
        Ok(seen)
    }
}
