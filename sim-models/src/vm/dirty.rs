//! How a VM writes its memory, as a migration sees it: unique pages since the last sync.

use crate::scenario::Dirtying;
use sim_core::{Bytes, SimTime};

/// Dirty state of one VM's memory during a migration.
#[derive(Clone, Debug)]
pub struct DirtyMemory {}

#[allow(unused_variables)]
impl DirtyMemory {
    /// A memory of `memory` bytes of which `resident` is not zero pages.
    pub fn new(dirtying: &Dirtying, memory: Bytes, resident: f64) -> DirtyMemory {
        let _ = SimTime::ZERO;
        unimplemented!()
    }
}
