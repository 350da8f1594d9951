//! How a platform schedules vCPUs and places them on NUMA nodes.

crate::section! {
    /// CPU scheduler and NUMA placement of a platform.
    pub struct CpuProfile / CpuProfileSpec {
        /// Time slice: how long a vCPU runs before the scheduler looks again.
        slice: Time,
    }
}
