//! One live migration over a path of its own.
//!
//! ```ron
//! Migration(
//!     memory: GB(64),
//!     dirtying: Linear(GBps(0.5)),
//!     link: (rate: GBps(1.25)),
//!     policy: (like: Textbook, stop: Below(375000000)),
//! )
//! ```
//!
//! Nothing costs time that the file does not name: set-up, stun, device state, queues and time-outs are zero
//! unless given. What a page costs on the wire and when a guest is stopped come with the policy.
//!
//! Figures: `completed`, `gave_up`, `cancelled`, `peer_lost` (1 or 0); `rounds` of copying while the guest
//! ran, `syncs` as QEMU counts them; `total` (of it `precopy` until the guest is stopped), `pause` (of it
//! `pause_copy` for memory and device state), `freeze` (longest time without progress), `fetching` (post-copy);
//! `bytes` on the wire; `throttle` last taken from the guest.

mod path;
mod policy;
mod writes;

pub use path::{PathSpec, StepSpec};
pub use policy::{Like, PolicySpec};
pub(crate) use writes::hot_and_cold;
pub use writes::{Area, Writes};

use super::{Bench, Seen};
use crate::migration::precopy::{Alone, Delta, Link, Outcome, Reason, alone};
use crate::quantity::{Fraction, Number, Resolver, Size, Time, Unit};
use crate::vm::dirty::PAGE;
use serde::Deserialize;
use sim_core::{Bytes, Span, Streams};

/// As typed; boxed, since it is several times as large as any other component.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Spec(Box<Typed>);

/// What may be said of a migration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// All of the guest's memory.
    pub memory: Size,
    /// The part of it that does not hold zeros only; all of it if not given.
    pub resident: Option<Fraction>,
    /// Zero pages lie behind all others rather than between them.
    #[serde(default)]
    pub zeros_last: bool,
    /// What the guest writes lies at the beginning of its memory.
    #[serde(default)]
    pub written_first: bool,
    /// How the guest writes its memory.
    #[serde(default)]
    pub dirtying: Writes,
    /// What it is copied over.
    pub link: PathSpec,
    /// What it obeys.
    #[serde(default)]
    pub policy: PolicySpec,
    /// Before the first byte.
    pub setup: Option<Time>,
    /// Stop, device state and resume, apart from what is sent.
    pub fixed_stun: Option<Time>,
    /// Device state that is sent while the guest stands.
    pub device_state: Option<Size>,
    /// Zero pages found per second; at once if not given.
    pub zero_scan: Option<Number>,
    /// Work that a throttled guest makes up after each 10 ms of running.
    pub catch_up: Option<Time>,
    /// Cache of pages sent before, of which only changes are sent (QEMU xbzrle).
    pub delta_cache: Option<Size>,
    /// Bytes on the wire of such a change.
    pub delta_page: Option<Size>,
    /// A page fault in post-copy waits this long,
    pub fault: Option<Time>,
    /// and behind so many bytes.
    pub fault_behind: Option<Size>,
    /// Somebody cancels it, so long after the start.
    pub cancelled: Option<Time>,
    /// The destination dies, so long after the start.
    pub destination_dies: Option<Time>,
}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {
    config: Alone,
    link: Link,
}

/// An optional quantity in this run.
fn given<U: Unit>(typed: &Option<U>, path: &str, name: &str, r: &mut Resolver) -> Option<U::Meant> {
    typed.as_ref().map(|t| t.resolve(&format!("{path}.{name}"), r))
}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        self.0.resolve(path, r)
    }

    /// Two runs can differ: some quantity is a distribution.
    pub fn is_random(&self) -> bool {
        self.0.is_random()
    }
}

impl Typed {
    fn resolve(&self, path: &str, r: &mut Resolver) -> Meant {
        let size = self.memory.resolve(&format!("{path}.memory"), r);
        if size < Bytes(PAGE) {
            r.problem(&format!("{path}.memory"), "less than a page", "write at least B(4096)");
        }
        let resident = given(&self.resident, path, "resident", r).unwrap_or(1.0);
        let mut memory = self.dirtying.resolve(&format!("{path}.dirtying"), (size, resident), r);
        if self.zeros_last {
            memory = memory.with_zeros_last();
        }
        if self.written_first {
            memory = memory.with_written_first();
        }
        let rules = self.policy.resolve(&format!("{path}.policy"), r);
        let time = |typed, name, r: &mut Resolver| given(typed, path, name, r).unwrap_or(Span::ZERO);
        let config = Alone {
            setup: time(&self.setup, "setup", r),
            fixed_stun: time(&self.fixed_stun, "fixed_stun", r),
            device: given(&self.device_state, path, "device_state", r).unwrap_or(Bytes::ZERO),
            scan_pages_per_s: given(&self.zero_scan, path, "zero_scan", r)
                .map_or(f64::INFINITY, |n: f64| n.max(1.0)),
            catch_up: time(&self.catch_up, "catch_up", r),
            delta: self.delta(path, r),
            fault: (
                time(&self.fault, "fault", r),
                given(&self.fault_behind, path, "fault_behind", r).unwrap_or(Bytes::ZERO),
            ),
            cancelled: given(&self.cancelled, path, "cancelled", r),
            peer_dies: given(&self.destination_dies, path, "destination_dies", r),
            ..Alone::bare(rules, memory)
        };
        Meant { config, link: self.link.resolve(&format!("{path}.link"), r) }
    }

    fn delta(&self, path: &str, r: &mut Resolver) -> Option<Delta> {
        let cache = given(&self.delta_cache, path, "delta_cache", r);
        let wire = given(&self.delta_page, path, "delta_page", r);
        cache.map(|c| Delta { pages: c.as_f64() / PAGE as f64, wire: wire.unwrap_or(Bytes::ZERO).0 })
    }

    fn is_random(&self) -> bool {
        fn drawn<U: Unit>(typed: &Option<U>) -> bool {
            typed.as_ref().is_some_and(|t| t.plain().is_none())
        }
        self.memory.plain().is_none()
            || drawn(&self.resident)
            || self.dirtying.is_random()
            || self.link.is_random()
            || self.policy.is_random()
            || [&self.setup, &self.fixed_stun, &self.catch_up, &self.fault].into_iter().any(drawn)
            || [&self.cancelled, &self.destination_dies].into_iter().any(drawn)
            || [&self.device_state, &self.delta_cache, &self.delta_page].into_iter().any(drawn)
            || drawn(&self.fault_behind)
            || drawn(&self.zero_scan)
    }
}

impl Bench for Meant {
    fn play(&self, _: &str, _: &Streams) -> Result<Seen, String> {
        let o = alone(&self.config, &self.link);
        match o.end {
            Err(Reason::Endless) => {
                Err("the migration never ends: the path stays down, or every round finds \
                 too much; give it `cancelled`, a limit in its policy, or a throttle"
                    .into())
            }
            _ => Ok(seen(&o)),
        }
    }
}

fn seen(o: &Outcome) -> Seen {
    let mut seen = Seen::default();
    let flag = |yes: bool| f64::from(u8::from(yes));
    let gave_up = matches!(o.end, Err(Reason::Completion | Reason::NoProgress | Reason::Throttle));
    seen.value("completed", flag(o.end.is_ok()));
    seen.value("gave_up", flag(gave_up));
    seen.value("cancelled", flag(o.end == Err(Reason::Cancelled)));
    seen.value("peer_lost", flag(o.end == Err(Reason::PeerLost)));
    seen.value("rounds", f64::from(o.rounds()));
    seen.value("syncs", f64::from(o.syncs));
    seen.value("total", o.total.as_secs());
    seen.value("precopy", o.total.saturating_sub(o.pause + o.fetching).as_secs());
    seen.value("pause", o.pause.as_secs());
    seen.value("pause_copy", o.copy.as_secs());
    seen.value("freeze", o.freeze.as_secs());
    seen.value("fetching", o.fetching.as_secs());
    seen.value("bytes", o.bytes.as_f64());
    seen.value("throttle", o.throttle);
    seen
}
