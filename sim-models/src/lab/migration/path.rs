//! The path of a migration as typed.

use super::given;
use crate::migration::precopy::{Burst, Change, Link};
use crate::quantity::{Resolver, Size, Speed, Time, Unit};
use serde::Deserialize;
use sim_core::{Bytes, Rate, Span};

/// What it is copied over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathSpec {
    /// What the path carries at first.
    pub rate: Speed,
    /// Bytes it holds when the sender is faster than it.
    pub queue: Option<Size>,
    /// Most that is sent while the guest runs: a tenth of it at once, every 100 ms.
    pub cap: Option<Speed>,
    /// The cap is looked at between two writes of this size; after every byte if not given.
    pub cap_piece: Option<Size>,
    /// What the path carries later; `GBps(0)`: it is down.
    #[serde(default)]
    pub changes: Vec<StepSpec>,
    /// Least retransmission timeout after the path was down; none if not given: sending goes on at once.
    pub least_timeout: Option<Time>,
}

/// The path carries more, less, or nothing from some time on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// After the start.
    pub at: Time,
    /// From then on.
    pub rate: Speed,
}

impl PathSpec {
    pub(super) fn resolve(&self, path: &str, r: &mut Resolver) -> Link {
        let mut changes: Vec<Change> = Vec::new();
        for (i, step) in self.changes.iter().enumerate() {
            let path = format!("{path}.changes[{i}]");
            let at = step.at.resolve(&format!("{path}.at"), r);
            if changes.last().is_some_and(|c: &Change| c.at >= at) {
                r.problem(&format!("{path}.at"), "not after the change before it", "order changes by time");
            }
            changes.push(Change { at, rate: step.rate.resolve(&format!("{path}.rate"), r) });
        }
        let piece = given(&self.cap_piece, path, "cap_piece", r).unwrap_or(Bytes(1)).max(Bytes(1));
        let cap = given(&self.cap, path, "cap", r);
        if cap.is_some_and(|c| c < Rate(10)) {
            r.problem(&format!("{path}.cap"), "nothing may be sent", "leave `cap` out, or write a rate");
        }
        let cap = cap.filter(|c| *c >= Rate(10));
        Link {
            rate: self.rate.resolve(&format!("{path}.rate"), r),
            queue: given(&self.queue, path, "queue", r).unwrap_or(Bytes::ZERO),
            burst: cap.map(|c| Burst::of_qemu(c, piece, 0)),
            changes,
            least_timeout: given(&self.least_timeout, path, "least_timeout", r).unwrap_or(Span::ZERO),
        }
    }

    pub(super) fn is_random(&self) -> bool {
        let sizes = [&self.queue, &self.cap_piece];
        self.rate.plain().is_none()
            || self.cap.as_ref().is_some_and(|c| c.plain().is_none())
            || self.least_timeout.as_ref().is_some_and(|t| t.plain().is_none())
            || sizes.into_iter().flatten().any(|s| s.plain().is_none())
            || self.changes.iter().any(|s| s.at.plain().is_none() || s.rate.plain().is_none())
    }
}
