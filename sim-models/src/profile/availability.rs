//! How a platform restarts VMs and hosts.

crate::section! {
    /// Restart of VMs and hosts of a platform.
    pub struct AvailabilityProfile / AvailabilityProfileSpec {
        /// Death of a host to the decision to restart its VMs.
        host_declared_dead: Law,
        /// Decision to the guest's services being up again, without queueing.
        vm_boot: Law,
        /// VMs one host starts at once.
        starts_per_host: Count,
        /// A guest gives a request up after this and sees an I/O error.
        disk_timeout: Time,
    }
}
