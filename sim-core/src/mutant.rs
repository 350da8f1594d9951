//! Deliberate mistakes, one at a time, to prove that the checks can fail.
//!
//! Without the feature `mutants` every question below is a constant `false` and costs nothing. With it, a test
//! switches one mistake on for the whole process, and the suite must notice.

/// One mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutant {
    /// Events of one instant and class come back last in, first out.
    TieOrder = 1,
    /// The second class of a station is served before the first.
    PriorityUpsideDown,
    /// Flows share links without regard to their weights.
    EqualWeights,
    /// A write is acknowledged one copy early.
    AckEarly,
    /// Each copy of a write is a byte short.
    DroppedByte,
    /// What is drained later is booked to nobody.
    DrainForFree,
    /// Two copies may share a host.
    CopiesTogether,
    /// A dead host is known to be dead at once.
    InstantDetection,
    /// Pages dirtied grow with the number of writes, not of pages.
    LinearDirtying,
    /// Zero pages are sent as data.
    ZeroPagesSent,
    /// A lost message is repeated without waiting for a time-out.
    NoTimeout,
    /// A controller that waits for a CPU is as fast as one that does not.
    NoSteal,
    /// A pool has one more thread than its host.
    ThreadTooMany,
    /// A vCPU waits in proportion to nothing: all siblings advance together without co-stop.
    NoCoStop,
    /// A cut-over does not wait for what has not been replicated.
    LagForgotten,
    /// All entities draw from one stream.
    SharedStream,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 16] = [
        Mutant::TieOrder,
        Mutant::PriorityUpsideDown,
        Mutant::EqualWeights,
        Mutant::AckEarly,
        Mutant::DroppedByte,
        Mutant::DrainForFree,
        Mutant::CopiesTogether,
        Mutant::InstantDetection,
        Mutant::LinearDirtying,
        Mutant::ZeroPagesSent,
        Mutant::NoTimeout,
        Mutant::NoSteal,
        Mutant::ThreadTooMany,
        Mutant::NoCoStop,
        Mutant::LagForgotten,
        Mutant::SharedStream,
    ];

    /// Whether the mistake is being made.
    #[inline(always)]
    pub fn lives(self) -> bool {
        alive(self)
    }
}

#[cfg(not(feature = "mutants"))]
#[inline(always)]
const fn alive(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
use switch::alive;
#[cfg(feature = "mutants")]
pub use switch::set;

/// The switch: the one global of the kernel, which no shipped program contains.
#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::sync::atomic::{AtomicU8, Ordering};

    static ALIVE: AtomicU8 = AtomicU8::new(0);

    /// Makes one mistake from here on, or none.
    pub fn set(mutant: Option<Mutant>) {
        ALIVE.store(mutant.map_or(0, |m| m as u8), Ordering::SeqCst);
    }

    #[inline]
    pub fn alive(mutant: Mutant) -> bool {
        ALIVE.load(Ordering::Relaxed) == mutant as u8
    }
}
