//! For the story: how many moves succeeded, how many did not, and the longest time a guest stood still for one.

use sim_core::Span;

/// Moves that have ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// How many.
    pub count: u32,
    /// How many did not.
    pub failed: u32,
    /// The longest a guest stood still.
    pub longest: Span,
}

impl Moved {
    /// One more, for which its guest stood still this long.
    pub fn add(&mut self, still: Span) {
        self.count += 1;
        self.longest = self.longest.max(still);
    }
}
