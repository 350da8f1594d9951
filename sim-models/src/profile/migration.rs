//! How a platform migrates live, and how VMs are brought to it from another one.

use crate::quantity::Resolver;
use serde::Deserialize;
use sim_core::Span;

/// When pre-copy is over.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StopRule {
    /// The rest would take less than the downtime limit at the bandwidth of the last 100 ms. A sync is due
    /// as soon as the pages known to be pending would (QEMU, vMotion).
    Limit,
    /// After so many rounds, or when a round found fewer pages: no look at the bandwidth (Xen).
    Iterations {
        /// Rounds at most.
        rounds: u32,
        /// Pages.
        pages: u32,
    },
    /// Each round sends all it knows of; the last one is that of at most so many bytes (the textbook).
    Below(u64),
}

/// A way to slow a guest down.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Control {
    /// None: it converges by itself or not at all.
    None,
    /// QEMU auto-converge: at every second sync (at least 1 s apart) that found more than `trigger` of what
    /// was sent, vCPUs are made to sleep more.
    AutoConverge {
        /// Share of time taken away first.
        initial: f64,
        /// Added each time.
        increment: f64,
        /// At most this.
        most: f64,
        /// Bytes written over bytes sent above which it acts.
        trigger: f64,
    },
    /// vMotion "stun during page send": writing is held at `rho` of the send rate, and released as soon as
    /// that is not needed. The law is not published.
    StunDuringSend {
        /// Writing over sending.
        rho: f64,
        /// At most this share of time.
        most: f64,
    },
    /// AHV: computed in one step from the send rate and the change rate; given up when more than `most`
    /// would be needed.
    Computed {
        /// Writing over sending.
        rho: f64,
        /// At most this share of time.
        most: f64,
    },
}

crate::section! {
    /// Live migration of a platform. A time, size or rate of zero means: none.
    pub struct MigrationProfile / MigrationProfileSpec {
        /// The VM is stopped once what is left would take less than this.
        downtime_limit: Time,
        /// Steps in which that limit is granted, from a tenth on; 0: at once.
        ladder_steps: Count,
        /// Time from step to step per GiB of memory.
        ladder_step_per_gib: Time,
        /// When pre-copy is over.
        stop: Choice<StopRule>,
        /// What is done to a guest that writes too fast.
        control: Choice<Control>,
        /// Time between two looks at what is left.
        look_every: Time,
        /// Bytes on the wire that come with a page of 4 KiB.
        page_header: Size,
        /// Bytes on the wire of a zero page.
        zero_page: Size,
        /// Zero pages found per second.
        zero_scan: Number,
        /// The dirty log is cleared in parts of this size.
        clear_chunk: Size,
        /// Most a migration may take before the guest is stopped.
        rate_cap: Speed,
        /// Most one stream carries.
        stream_rate: Speed,
        /// Streams of one migration.
        streams: Count,
        /// Migrations a host takes part in at once.
        per_host: Count,
        /// Migrations in the cluster at once.
        per_cluster: Count,
        /// Cores of the hypervisor per 10 Gbit/s, at either end.
        cores_per_10gbps: Number,
        /// From admission to the first byte.
        setup: Time,
        /// Stop, device state and resume, apart from what is sent and from disks.
        fixed_stun: Time,
        /// Device state that is sent while the guest stands.
        device_state: Size,
        /// Handing over one disk while the guest stands.
        disk_handover: Time,
        /// Messages between the hosts while the guest stands.
        handshakes: Count,
        /// Bytes under way when the guest is stopped.
        path_queue: Size,
        /// A switch-over that takes longer is undone.
        switchover_timeout: Time,
        /// A connection that carries nothing for this long is given up.
        keepalive: Time,
        /// Most a migration may take per GiB of memory.
        completion_per_gib: Time,
        /// Most it may go on without a new low of what is left.
        progress_timeout: Time,
        /// Post-copy after this much pre-copy.
        postcopy_after: Time,
        /// A page fault in post-copy waits this long.
        postcopy_fault: Time,
        /// Announcements of the VM's new place, milliseconds after it resumes there.
        announcements: Choice<Vec<u32>>,
        /// From the announcement to traffic at the new place.
        relearn: Law,
        /// When every announcement is lost, the guest's own traffic teaches the network within this.
        taught_by_traffic: Time,
        /// Moves to this platform: the guest shuts down at the source.
        move_stop: Law,
        /// Moves to this platform: the guest boots here, with its services.
        move_boot: Law,
        /// Moves to this platform: share of writes between two snapshots that hit the same blocks again.
        move_overlap: Fraction,
        /// Moves to this platform: round trips of a cut-over.
        move_round_trips: Count,
        /// Moves to this platform: between two attempts to find a host or a path.
        move_retry: Time,
    }
}

impl MigrationProfile {
    /// Notes what no platform can do; problems are under `path`.
    pub(super) fn check(&self, path: &str, r: &mut Resolver) {
        if self.move_retry < Span::ms(1) {
            let what = format!("{} between two attempts", self.move_retry);
            r.problem(&format!("{path}.move_retry"), what, "write at least Ms(1)");
        }
    }
}
