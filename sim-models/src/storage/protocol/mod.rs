//! Protocols: pure functions from a request and where its data lie to a [`Plan`].
//!
//! ```text
//! guest -> lead ->+-> leg (log of this node)          ->+-> tail -> guest
//!                 +-> leg (network, peer, log, back)  ->+         +~> deferred (drain, later)
//!                 +-> leg ...                 all acks  +
//! ```
//!
//! All draws of a plan come from the request's own stream, so that two plans under common random numbers
//! meet the same luck.

pub(super) mod replicated;
pub(super) mod san;

use crate::ids::HostId;
use sim_core::mutant::Mutant;
use sim_core::{Bytes, Dist, Rate, Span, Stream};

/// Bytes of a message that carries no data: a request or an acknowledgement with its headers (assumed).
pub(super) const CONTROL_BYTES: u32 = 128;
/// Bytes that the service law of a data device covers; what is beyond moves at the device's rate (assumed:
/// data sheets state latencies of small requests only).
const LAW_COVERS: u32 = 8192;

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// vCPUs of a host's controller VM.
    Cvm(HostId),
    /// Log device of a host.
    Log(HostId),
    /// A data device of a host.
    Data(HostId, u16),
    /// Cores of the array's controllers.
    Controller,
    /// Devices behind the array's controllers.
    BackEnd,
}

impl Place {
    /// The host whose death takes the place with it.
    pub(super) fn host(self) -> Option<HostId> {
        match self {
            Place::Cvm(h) | Place::Log(h) | Place::Data(h, _) => Some(h),
            Place::Controller | Place::BackEnd => None,
        }
    }
}

/// One step of a strand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Time passes.
    Delay(Span),
    /// A message crosses the fabric.
    Net {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
        /// Payload.
        bytes: u32,
    },
    /// Work at a station.
    Serve(Place, Span),
    /// A place in the queue of (host, LUN) is taken, or waited for.
    Take(HostId, u32),
    /// It is given back.
    Release(HostId, u32),
}

/// Work that a request leaves behind, in background class; nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deferred {
    /// Where.
    pub place: Place,
    /// How long one server is held.
    pub work: Span,
}

/// What a request causes: strand 0 is the lead, the last one the tail, the others are legs that run at
/// once and are all waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    stages: Vec<Stage>,
    ends: Vec<u16>,
    /// Background work, let go once the answer to the guest is certain: a drain begins whenever it likes, so
    /// that a millisecond makes no difference.
    pub deferred: Vec<Deferred>,
    /// Bytes written to devices, deferred work included.
    pub device_bytes: u64,
    /// Payload bytes sent between hosts for a write, deferred work included.
    pub network_bytes: u64,
}

impl Plan {
    /// Forgets everything but the memory it holds.
    pub fn clear(&mut self) {
        self.stages.clear();
        self.ends.clear();
        self.deferred.clear();
        (self.device_bytes, self.network_bytes) = (0, 0);
    }

    /// Adds a stage to the strand being written.
    pub fn push(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// Ends the strand being written; the next stage begins another.
    pub fn end_strand(&mut self) {
        self.ends.push(self.stages.len() as u16);
    }

    /// Strands, lead and tail included.
    pub fn strands(&self) -> usize {
        self.ends.len()
    }

    /// Acks that the tail waits for: one per leg.
    pub fn acks(&self) -> usize {
        self.strands() - 2 - usize::from(Mutant::AckEarly.lives() && self.strands() > 3)
    }

    /// The first stage of a strand, as an index.
    pub fn first(&self, strand: usize) -> u16 {
        if strand == 0 { 0 } else { self.ends[strand - 1] }
    }

    /// The stage at `index` if it still belongs to `strand`.
    pub fn stage(&self, strand: usize, index: u16) -> Option<Stage> {
        (index < self.ends[strand]).then(|| self.stages[usize::from(index)])
    }
}

/// Half of a drawn there-and-back time.
fn half(law: &Dist, luck: &mut Stream) -> Span {
    law.sample_span(luck) / 2
}

/// Time of an I/O of `bytes` at one channel of a device.
fn device_time(law: &Dist, rate: Rate, bytes: u32, luck: &mut Stream) -> Span {
    law.sample_span(luck) + Bytes(u64::from(bytes.saturating_sub(LAW_COVERS))) / rate
}
