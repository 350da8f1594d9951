//! How a platform admits, overcommits, reclaims and places memory.

use serde::Deserialize;

/// What a host does when memory runs short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Reclaim {
    /// Five states of free memory: large pages, balloon, compression, swap.
    Esxi,
    /// Same-page merging, then swap.
    Linux,
}

/// Where a VM's pages go when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Pages {
    /// To its home node, or to the nodes its vCPUs are on.
    Home,
    /// Round robin over all nodes.
    Interleaved,
}

crate::section! {
    /// Memory of a platform: overcommit, reclaim, NUMA.
    pub struct MemoryProfile / MemoryProfileSpec {
        /// More memory may be promised than there is.
        overcommit: Flag,
        /// Most that may be promised, over what there is; counts only with overcommit.
        overcommit_ratio: Number,
        /// What the hypervisor keeps for itself.
        hypervisor: Size,
        /// What happens when memory runs short.
        reclaim: Choice<Reclaim>,
        /// A state of free memory is left only this share above the threshold at which it was entered.
        hysteresis: Fraction,
        /// Most of a VM's memory that its balloon takes.
        balloon_most: Fraction,
        /// Compression cache, share of the host's memory.
        compression_cache: Fraction,
        /// Same-page merging starts when less than this share is free.
        merge_below: Fraction,
        /// Share of resident memory that same-page merging frees.
        merge_frees: Fraction,
        /// Touches per second of a page that the host has swapped out.
        swap_touches: Number,
        /// Touches per second of a page that a balloon has made the guest give up.
        balloon_touches: Number,
        /// A touch of a page that is out stalls its vCPU this long.
        swap_stall: Time,
        /// Where pages go.
        pages: Choice<Pages>,
        /// Remote share that remains of a VM in its place, at least.
        remote_least: Fraction,
        /// And at most: drawn uniformly per VM at power-on and after each live migration.
        remote_most: Fraction,
        /// Remote share just after a live migration.
        remote_after_move: Fraction,
        /// Time constant with which pages follow.
        page_migration: Time,
        /// Latency of a remote access over that of a local one.
        remote_latency: Number,
    }
}
