//! What happens in storage.

use super::{Active, CopyFlow};
use crate::ids::{HostId, Side};
use sim_core::{Class, Id};

/// What happens in storage. A number of an outage makes timers of an earlier failure stale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Loads, traffic and budgets of a cluster are worked out.
    Refresh(Side),
    /// A dead node has been noticed by its peers.
    NodeDetected(HostId, u32),
    /// What a dead node held is known: its copies are made again.
    Scanned(HostId, u32),
    /// A host whose controller died reaches another one.
    Redirected(HostId, u32),
    /// A controller has been back long enough for its host to use it.
    PathBack(HostId, u32),
    /// Rates of rebuild copies have changed.
    CopyRate(Side),
    /// A rebuild flow has moved its last byte.
    Copied(Side, Id<CopyFlow>),
    /// Budgets of a rebuild under way are looked at again.
    Throttle(Side),
    /// A strand of a request goes on after a delay.
    Step {
        /// Whose.
        request: Id<Active>,
        /// Which strand.
        strand: u8,
        /// In which attempt.
        attempt: u8,
    },
    /// A controller has done its part of a step of bulk work, which goes on to a data device.
    ChunkServed {
        /// The controller's host.
        host: HostId,
        /// The device.
        device: u16,
        /// Outages of the host when the service began.
        outage: u32,
    },
    /// Bulk work that waits at a station may begin.
    Look {
        /// Which.
        station: u16,
    },
    /// A request that had no path tries again.
    Retry {
        /// Which.
        request: Id<Active>,
    },
    /// A host's bulk work takes its next step, in the window of this number.
    Chunk(HostId, u32),
    /// A client of the tests has its answer.
    #[cfg(test)]
    Probe(u32),
}

impl Event {
    /// The host it happens to, if it is macroscopic and about one.
    pub fn host(&self) -> Option<HostId> {
        match self {
            Event::NodeDetected(host, _)
            | Event::Scanned(host, _)
            | Event::Redirected(host, _)
            | Event::PathBack(host, _) => Some(*host),
            _ => None,
        }
    }

    /// See [`sim_core::EventKind`].
    pub fn class(&self) -> Class {
        match self {
            Event::NodeDetected(..)
            | Event::Scanned(..)
            | Event::Redirected(..)
            | Event::PathBack(..)
            | Event::Throttle(_) => Class::Failure,
            Event::Refresh(_) | Event::CopyRate(_) => Class::Settle,
            Event::Chunk(..) | Event::Retry { .. } => Class::Arrival,
            Event::Copied(..) | Event::Step { .. } | Event::ChunkServed { .. } | Event::Look { .. } => {
                Class::Completion
            }
            #[cfg(test)]
            Event::Probe(_) => Class::Completion,
        }
    }

    /// See [`sim_core::EventKind`].
    pub fn kind(&self) -> u32 {
        match self {
            Event::Refresh(_) => 0,
            Event::NodeDetected(..) => 1,
            Event::Scanned(..) => 2,
            Event::Redirected(..) => 3,
            Event::PathBack(..) => 4,
            Event::CopyRate(_) => 5,
            Event::Copied(..) => 6,
            Event::Throttle(_) => 7,
            Event::Step { .. } => 8,
            Event::ChunkServed { .. } => 9,
            Event::Retry { .. } => 10,
            Event::Chunk(..) => 11,
            Event::Look { .. } => 12,
            #[cfg(test)]
            Event::Probe(_) => 13,
        }
    }

    /// See [`sim_core::EventKind`].
    pub fn entity(&self) -> u64 {
        match self {
            Event::Refresh(s) | Event::CopyRate(s) | Event::Throttle(s) => *s as u64,
            Event::NodeDetected(h, _)
            | Event::Scanned(h, _)
            | Event::Redirected(h, _)
            | Event::PathBack(h, _)
            | Event::Chunk(h, _) => u64::from(h.0),
            Event::Copied(_, flow) => flow.index() as u64,
            Event::Step { request, strand, .. } => (request.index() as u64) << 8 | u64::from(*strand),
            Event::ChunkServed { host, .. } => u64::from(host.0),
            Event::Look { station } => u64::from(*station),
            Event::Retry { request } => request.index() as u64,
            #[cfg(test)]
            Event::Probe(client) => u64::from(*client),
        }
    }

    /// See [`sim_core::EventKind`].
    pub fn is_micro(&self) -> bool {
        match self {
            Event::Step { .. }
            | Event::ChunkServed { .. }
            | Event::Look { .. }
            | Event::Retry { .. }
            | Event::Chunk(..) => true,
            #[cfg(test)]
            Event::Probe(_) => true,
            _ => false,
        }
    }
}

const _: () = assert!(size_of::<Event>() <= 16, "a storage event is at most two words");
