//! Names of what exists for a whole run, as dense indices over both clusters.

use serde::Serialize;
use std::fmt;

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub struct $name(pub $int);

        impl $name {
            /// Usable as an index into a parallel array.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

dense_id!(
    /// A host of either cluster; the source's come first.
    HostId(u16)
);
dense_id!(
    /// A virtual machine; the order is that of the groups in the scenario.
    VmId(u32)
);
dense_id!(
    /// One migration of one VM, in the order they were asked for.
    MoveId(u32)
);
dense_id!(
    /// A fault of the scenario, in its order.
    FaultId(u16)
);

/// Which of the two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where the VMs come from.
    Source,
    /// Where they go.
    Target,
}

impl Side {
    /// Both, source first.
    pub const BOTH: [Side; 2] = [Side::Source, Side::Target];
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Source => "source",
            Side::Target => "target",
        })
    }
}
