//! How a platform stores: costs along the path, detection, rebuild.

crate::section! {
    /// Storage path, detection and rebuild of a platform.
    pub struct StorageProfile / StorageProfileSpec {
        /// Guest to controller and back, without queueing.
        hop: Law,
    }
}
