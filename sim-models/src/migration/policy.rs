//! A platform's migration profile in the form the state machines read.

use super::precopy::{Ladder, Rules};
use crate::profile::migration::MigrationProfile;
use crate::scenario::Cluster;
use crate::vm::dirty::{DirtyMemory, PAGE};
use sim_core::{Bytes, Dist, Rate, Span};

/// What live migrations inside one cluster, and moves to it, obey.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Pre-copy.
    pub rules: Rules,
    /// Most a migration may take before the guest is stopped.
    pub rate_cap: Option<Rate>,
    /// Most its streams carry together.
    pub stream_cap: Rate,
    /// Connections side by side.
    pub streams: u32,
    /// Migrations a host takes part in at once.
    pub per_host: u32,
    /// Migrations in the cluster at once.
    pub per_cluster: u32,
    /// Cores at either end per byte/s.
    pub cores_per_rate: f64,
    /// Admission to first byte.
    pub setup: Span,
    /// Stop, device state and resume.
    pub fixed_stun: Span,
    /// Sent while the guest stands: device state, and what the path still holds.
    pub stun_bytes: Bytes,
    /// Handing over one disk.
    pub disk_handover: Span,
    /// Messages between the hosts while the guest stands.
    pub handshakes: u32,
    /// A longer switch-over is undone.
    pub switchover_timeout: Option<Span>,
    /// A silent connection is given up.
    pub keepalive: Span,
    /// Zero pages found per second.
    pub zero_scan: f64,
    /// Wait of a page fault in post-copy.
    pub postcopy_fault: Span,
    /// Announcements after resuming.
    pub announcements: Vec<Span>,
    /// Probability that one of them is lost.
    pub announce_loss: f64,
    /// Announcement to traffic, seconds.
    pub relearn: Dist,
    /// Until the guest's own traffic has taught the network, when every announcement is lost.
    pub taught_by_traffic: Span,
    /// Moves to this platform.
    pub crossing: CrossingPolicy,
}

/// How VMs of another platform come to this one.
#[derive(Clone, Debug)]
pub struct CrossingPolicy {
    /// Shutdown at the source, seconds.
    pub stop: Dist,
    /// Boot at the target, seconds.
    pub boot: Dist,
    /// Share of writes that hit blocks already to be copied.
    pub overlap: f64,
    /// Round trips of a cut-over.
    pub round_trips: u32,
    /// A connection that carries nothing for this long is given up.
    pub keepalive: Span,
    /// Between two attempts to find a host or a path.
    pub retry: Span,
}

fn unless_zero(span: Span) -> Option<Span> {
    (span > Span::ZERO).then_some(span)
}

impl Policy {
    /// The policy of a cluster; `announce_loss` is the fabric's.
    pub fn build(cluster: &Cluster, announce_loss: f64) -> Policy {
        let p = &cluster.profile.migration;
        Policy {
            rules: rules(p),
            rate_cap: (p.rate_cap > Rate::ZERO).then_some(p.rate_cap),
            stream_cap: Rate(p.stream_rate.0.max(1)) * u64::from(p.streams.max(1)),
            streams: p.streams.max(1),
            per_host: p.per_host.max(1),
            per_cluster: p.per_cluster.max(1),
            cores_per_rate: p.cores_per_10gbps / Rate::gbps(10).as_f64(),
            setup: p.setup,
            fixed_stun: p.fixed_stun,
            stun_bytes: p.device_state + p.path_queue,
            disk_handover: p.disk_handover,
            handshakes: p.handshakes,
            switchover_timeout: unless_zero(p.switchover_timeout),
            keepalive: p.keepalive.max(Span::secs(1)),
            zero_scan: p.zero_scan.max(1.0),
            postcopy_fault: p.postcopy_fault,
            announcements: p.announcements.iter().map(|&ms| Span::ms(u64::from(ms))).collect(),
            announce_loss,
            relearn: p.relearn.clone(),
            taught_by_traffic: p.taught_by_traffic,
            crossing: CrossingPolicy {
                stop: p.move_stop.clone(),
                boot: p.move_boot.clone(),
                overlap: p.move_overlap,
                round_trips: p.move_round_trips,
                keepalive: p.keepalive.max(Span::secs(1)),
                retry: p.move_retry,
            },
        }
    }

    /// Most a round of this memory may take: the platform's cap, the streams', and the time the sender spends
    /// on finding zero pages.
    pub fn round_cap(&self, memory: &DirtyMemory) -> Rate {
        let cap = self.rate_cap.map_or(self.stream_cap, |c| c.min(self.stream_cap));
        self.while_scanning(memory, cap, self.rules.wire(memory))
    }

    /// Most that `rest`, this memory and whatever goes with it, may take once the guest has stopped: the
    /// platform's cap is off.
    pub fn final_cap(&self, memory: &DirtyMemory, rest: Bytes) -> Rate {
        self.while_scanning(memory, self.stream_cap, rest.as_f64())
    }

    /// What is left of `cap` when the zero pages in `bytes` are looked for.
    fn while_scanning(&self, memory: &DirtyMemory, cap: Rate, bytes: f64) -> Rate {
        let scanning = memory.zero_pending() / self.zero_scan;
        if bytes <= 0.0 || scanning <= 0.0 {
            return cap;
        }
        Rate::from_f64((bytes / (bytes / cap.as_f64() + scanning)).max(1.0))
    }
}

fn rules(p: &MigrationProfile) -> Rules {
    Rules {
        stop: p.stop,
        downtime_limit: p.downtime_limit.max(Span::ms(1)),
        ladder: (p.ladder_steps > 0)
            .then_some(Ladder { steps: p.ladder_steps, step_per_gib: p.ladder_step_per_gib }),
        look_every: p.look_every.max(Span::ms(1)),
        page_wire: PAGE + p.page_header.0,
        zero_wire: p.zero_page.0.max(1),
        clear_chunk: (p.clear_chunk > Bytes::ZERO).then_some(p.clear_chunk),
        control: p.control,
        completion_per_gib: unless_zero(p.completion_per_gib),
        progress: unless_zero(p.progress_timeout),
        postcopy_after: unless_zero(p.postcopy_after),
    }
}
