//! How a platform migrates live.

crate::section! {
    /// Live migration of a platform.
    pub struct MigrationProfile / MigrationProfileSpec {
        /// The VM is stopped once what is left would take less than this.
        downtime_limit: Time,
    }
}
