//! Ctrl-C: the first one ends a batch after the runs under way, everything else at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared between a signal handler and the command it may interrupt.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
    heeded: Arc<AtomicBool>,
}

impl Interrupt {
    /// Asks the command to end. False: nobody will heed it (any more), so the caller should end the program.
    pub fn ask(&self) -> bool {
        let again = self.asked.swap(true, Ordering::Relaxed);
        !again && self.heeded.load(Ordering::Relaxed)
    }

    /// From here on the command looks at [`Interrupt::flag`].
    pub fn heed(&self) {
        self.heeded.store(true, Ordering::Relaxed);
    }

    /// True once the command was asked to end.
    pub fn flag(&self) -> &AtomicBool {
        &self.asked
    }

    /// True once the command was asked to end.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
