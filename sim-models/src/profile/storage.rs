//! How a platform stores: costs along the path, detection, rebuild.
//!
//! The first block is read by replicated storage, the second by a shared array, the third by both. A
//! platform carries all of them: which one is used is the scenario's choice, not the hypervisor's.

use serde::Deserialize;

/// Who serves the requests of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Service {
    /// The controller on the VM's own host; data move towards the VM (Nutanix).
    Local,
    /// The host that holds the first copy of the data, wherever that is (Ceph).
    Owner,
}

crate::section! {
    /// Storage path, detection and rebuild of a platform.
    pub struct StorageProfile / StorageProfileSpec {
        /// Guest to controller and back, without queueing.
        hop: Law,
        /// Who serves a VM's requests.
        service: Choice<Service>,
        /// Controller CPU of a read.
        read_work: Law,
        /// Controller CPU of a write where it enters.
        primary_work: Law,
        /// Controller CPU of a copy of a write, and of a read served for another controller.
        replica_work: Law,
        /// Controller CPU to acknowledge a write to the guest.
        ack_work: Law,
        /// One message through the network stacks of both ends, besides the fabric.
        stack: Law,
        /// Share of reads that must ask another node for metadata.
        metadata_miss: Fraction,
        /// Controller CPU of such a question where it is answered.
        metadata_work: Law,
        /// Writes of at least this go to the data devices without passing the log.
        bypass_above: Size,
        /// Requests the log device of a host serves at once; 0: the log lies on the data devices and shares their
        /// channels.
        log_channels: Count,
        /// Service of one write at the log device.
        log_write: Law,
        /// Probability that such a write meets a pause of the device (garbage collection).
        log_hiccup_chance: Fraction,
        /// Length of such a pause.
        log_hiccup: Law,
        /// Probability that what was logged is still there, not overwritten, when the log is drained.
        drain_share: Fraction,
        /// Draining sends the copies over the network again.
        drain_ships: Flag,
        /// Share of reads that memory or the log answers.
        cache_hit: Fraction,
        /// Share of the other reads that end on a slow tier.
        cold_share: Fraction,
        /// Service of such a read.
        cold_read: Law,
        /// A VM reads remotely for this long before its data begin to follow it to another host.
        locality_delay: Time,
        /// Time constant at which they then follow.
        locality_time: Time,
        /// Controller CPU per MiB copied in bulk, at each end.
        copy_work: Time,
        /// Bytes of one step of a bulk copy.
        chunk: Size,
        /// Most of a host's network rate that bulk copies of a throttled rebuild take.
        rebuild_nic_share: Fraction,
        /// Full beyond this: no copies are placed here.
        fill_limit: Fraction,
        /// Detection of a lost host to the start of the rebuild.
        scan: Law,
        /// Time between two decisions of an adaptive throttle.
        adaptive_period: Time,
        /// A host whose controller died reaches another one after this.
        redirect: Law,
        /// A controller that is back must stay up for this before its host uses it again.
        redirect_back: Time,

        /// One way between a host and the array.
        array_network: Law,
        /// Array controller CPU of a request.
        array_work: Law,
        /// Mirroring a write into the caches of both array controllers.
        array_mirror: Law,
        /// A read answered by the array's cache.
        array_hit: Law,
        /// Probability that cached data are still not overwritten when they are destaged.
        destage_share: Fraction,

        /// Death of a node (or a path to the array) to its peers knowing it.
        detection: Law,
        /// Requests one data device serves at once.
        data_channels: Count,
        /// A read of up to 8 KiB from a data device.
        data_read: Law,
        /// A write of up to 8 KiB to a data device.
        data_write: Law,
        /// Sequential rate of one data device, reading.
        data_read_rate: Speed,
        /// Sequential rate of one data device, writing.
        data_write_rate: Speed,
        /// Share of time a data device is in a slow episode.
        slow_share: Fraction,
        /// Length of a slow episode.
        slow_length: Law,
        /// Service times in a slow episode, as a multiple.
        slow_factor: Number,
    }
}
