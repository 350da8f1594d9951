//! How a platform admits, overcommits and reclaims memory.

crate::section! {
    /// Overcommit and reclaim of a platform.
    pub struct MemoryProfile / MemoryProfileSpec {
        /// More memory may be promised than there is.
        overcommit: Flag,
    }
}
