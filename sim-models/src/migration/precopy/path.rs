//! The path of a pre-copy of its own.

use sim_core::{Bytes, Rate, Span};

/// What it is copied over.
#[derive(Clone, Debug)]
pub struct Link {
    /// What the path carries at first.
    pub rate: Rate,
    /// Bytes the path holds when the sender is faster than it; they are still to arrive when the guest is
    /// stopped.
    pub queue: Bytes,
    /// A limit below the path's rate, spent in bursts; off while the guest stands.
    pub burst: Option<Burst>,
    /// What the path carries later, in order of time.
    pub changes: Vec<Change>,
    /// Least retransmission timeout: what is sent into a dead path is sent again only when a timer says so,
    /// after twice as long each time. Zero: the sender goes on as soon as the path does.
    pub least_timeout: Span,
}

/// The path carries more, less, or nothing from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// After the start of the migration.
    pub at: Span,
    /// What it carries from then on; zero: it is down.
    pub rate: Rate,
}

/// A rate limit as QEMU applies it: so many bytes per window at the path's rate, then sleep to its end.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Bytes per window.
    pub quantum: Bytes,
    /// The window: 100 ms.
    pub window: Span,
}

impl Burst {
    /// Window of QEMU's limit (`BUFFER_DELAY`, 10.0.2 `migration/options.h`).
    pub(super) const WINDOW: Span = Span::ms(100);

    /// QEMU's own limit of `cap`: whether a tenth of it has been spent is looked at between two writes of
    /// `piece` bytes, and `ahead` more pieces are handed to sender threads before the look counts them.
    pub fn of_qemu(cap: Rate, piece: Bytes, ahead: u64) -> Burst {
        let pieces = (cap * Burst::WINDOW).0.div_ceil(piece.0.max(1)) + ahead;
        Burst { quantum: piece * pieces, window: Burst::WINDOW }
    }
}

impl Link {
    /// A path without queue, cap or change.
    pub fn plain(rate: Rate) -> Link {
        Link { rate, queue: Bytes::ZERO, burst: None, changes: Vec::new(), least_timeout: Span::ZERO }
    }
}
