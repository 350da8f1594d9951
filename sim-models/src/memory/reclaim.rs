//! What a host short of memory takes back, and in which order.
//!
//! ESXi keeps `minFree` free: 899 MiB plus 1 % of what lies above 28 GiB. Below 400 % of it large pages are
//! broken; the states below 100, 64, 32 and 16 % are called clear, soft, hard and low (Yellow Bricks, "What
//! happens at which vSphere memory state", for vSphere 6 and later). Balloons work in soft, compression and
//! swap from hard on, and in low the allocating VM blocks.

use crate::profile::memory::{MemoryProfile, Reclaim};
use sim_core::Bytes;

/// Free memory as ESXi names it, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// At least `minFree`.
    #[default]
    High,
    /// Below 100 %: large pages are broken and shared.
    Clear,
    /// Below 64 %: balloons inflate.
    Soft,
    /// Below 32 %: compression and swap.
    Hard,
    /// Below 16 %: and whoever allocates is blocked.
    Low,
}

impl State {
    /// Best first.
    const ALL: [State; 5] = [State::High, State::Clear, State::Soft, State::Hard, State::Low];
    /// Each but the first is entered below this share of `minFree` (Yellow Bricks, as above).
    const BELOW: [f64; 4] = [1.0, 0.64, 0.32, 0.16];

    /// The state that follows when `free` is left: downwards at once, upwards only beyond the threshold by
    /// the share `hysteresis`.
    pub fn next(self, free: f64, min_free: Bytes, hysteresis: f64) -> State {
        let crossed = |margin: f64| {
            let below = |share: f64| free < share * min_free.as_f64() * margin;
            State::ALL[State::BELOW.iter().filter(|&&share| below(share)).count()]
        };
        self.clamp(crossed(1.0), crossed(1.0 + hysteresis))
    }
}

/// What ESXi keeps free on a host of this size.
pub fn min_free(memory: Bytes) -> Bytes {
    Bytes::mib(899) + memory.saturating_sub(Bytes::gib(28)) / 100
}

/// Below this much free memory ESXi breaks large pages.
pub fn large_pages_break_below(memory: Bytes) -> Bytes {
    min_free(memory) * 4
}

/// What was taken from all VMs of a host, in bytes, and the state it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// State of free memory.
    pub state: State,
    /// Given up by guests to balloons.
    pub ballooned: f64,
    /// Saved by compression.
    pub compressed: f64,
    /// Swapped out by the host.
    pub swapped: f64,
}

/// Memory of a host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Installed.
    pub memory: Bytes,
    /// Of that, what guests can use.
    pub capacity: Bytes,
}

/// What a host takes back when guests use `used` of it; `state` is the one it was in.
pub fn reclaim(profile: &MemoryProfile, room: Room, used: Bytes, state: State) -> Taken {
    let (capacity, used) = (room.capacity.as_f64(), used.as_f64());
    match profile.reclaim {
        Reclaim::Esxi => esxi(profile, capacity, used, (state, min_free(room.memory))),
        Reclaim::Linux => linux(profile, capacity, used),
    }
}

fn esxi(profile: &MemoryProfile, capacity: f64, used: f64, (state, min_free): (State, Bytes)) -> Taken {
    let free = capacity - used;
    let state = state.next(free, min_free, profile.hysteresis);
    if state < State::Soft {
        return Taken { state, ..Taken::default() };
    }
    let missing = (min_free.as_f64() - free).max(0.0);
    let ballooned = missing.min(profile.balloon_most * used);
    if ballooned == missing {
        // Balloons are enough: the host settles where they work.
        return Taken { state: State::Soft, ballooned, ..Taken::default() };
    }
    // A page is kept compressed when it shrinks to half: the cache frees as much as it holds.
    let compressed = (missing - ballooned).min(0.5 * profile.compression_cache * capacity);
    Taken { state: state.max(State::Hard), ballooned, compressed, swapped: missing - ballooned - compressed }
}

fn linux(profile: &MemoryProfile, capacity: f64, used: f64) -> Taken {
    let merging = capacity - used < profile.merge_below * capacity;
    let merged = if merging { profile.merge_frees * used } else { 0.0 };
    Taken { swapped: (used - merged - capacity).max(0.0), ..Taken::default() }
}
