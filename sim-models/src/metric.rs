//! What is measured: every metric with its unit, in one table that all reports iterate.

use serde::{Deserialize, Serialize};
use sim_core::Span;
use std::fmt;

/// Length of a real-time sample of vCenter and Prism: ready time and memory are sampled this often.
pub const SAMPLE: Span = Span::secs(20);

/// Unit of a recorded integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Millionths of a whole.
    Ppm,
    /// A plain number.
    Count,
    /// Bytes.
    Bytes,
}

/// How a metric's samples arise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Many weighted samples per run.
    Sampled,
    /// One number per run.
    PerRun,
}

/// When a fact happened, as far as reports care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    /// All VMs on the source, nothing broken.
    SourceSteady,
    /// VMs on the target, nothing broken, no wave.
    TargetSteady,
    /// The wave is moving, nothing broken.
    Migrating,
    /// Something is broken and not yet noticed.
    Detecting,
    /// Something is broken, noticed, and nothing is being rebuilt.
    Degraded,
    /// Lost copies are being made again.
    Rebuilding,
    /// The same while the wave is moving.
    RebuildMigrating,
}

impl Phase {
    /// All, in the order of reports.
    pub const ALL: [Phase; 7] = [
        Phase::SourceSteady,
        Phase::TargetSteady,
        Phase::Migrating,
        Phase::Detecting,
        Phase::Degraded,
        Phase::Rebuilding,
        Phase::RebuildMigrating,
    ];
    /// Those in which something is broken.
    pub const DURESS: [Phase; 4] =
        [Phase::Detecting, Phase::Degraded, Phase::Rebuilding, Phase::RebuildMigrating];

    /// What is going on in it.
    pub fn meaning(self) -> &'static str {
        match self {
            Phase::SourceSteady => "All VMs on the source, nothing broken.",
            Phase::TargetSteady => "VMs on the target, nothing broken, no wave.",
            Phase::Migrating => "The wave is moving, nothing broken.",
            Phase::Detecting => "Something is broken and not yet noticed.",
            Phase::Degraded => "Something is broken, noticed, and nothing is being rebuilt.",
            Phase::Rebuilding => "Lost copies are being made again.",
            Phase::RebuildMigrating => "Lost copies are being made again while the wave is moving.",
        }
    }

    /// As printed and as typed.
    pub fn name(self) -> &'static str {
        match self {
            Phase::SourceSteady => "source_steady",
            Phase::TargetSteady => "target_steady",
            Phase::Migrating => "migrating",
            Phase::Detecting => "detecting",
            Phase::Degraded => "degraded",
            Phase::Rebuilding => "rebuilding",
            Phase::RebuildMigrating => "rebuild_migrating",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! metrics {
    ($( #[doc = $doc:literal] $variant:ident = $name:literal, $unit:ident, $kind:ident; )+) => {
        /// Everything that can be recorded.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum Metric {
            $( #[doc = $doc] $variant, )+
        }

        impl Metric {
            /// All, in the order of reports.
            pub const ALL: &'static [Metric] = &[$( Metric::$variant, )+];

            /// As printed and as typed.
            pub fn name(self) -> &'static str {
                match self { $( Metric::$variant => $name, )+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Metric::$variant => $doc.trim_ascii(), )+ }
            }

            /// Unit of its samples.
            pub fn unit(self) -> Unit {
                match self { $( Metric::$variant => Unit::$unit, )+ }
            }

            /// How its samples arise.
            pub fn kind(self) -> Kind {
                match self { $( Metric::$variant => Kind::$kind, )+ }
            }
        }
    };
}

metrics! {
    /// Ready time of a VM over a 20 s sample and its vCPUs.
    CpuReady = "cpu_ready", Ppm, Sampled;
    /// Co-stop of a VM over the same sample.
    CoStop = "co_stop", Ppm, Sampled;
    /// Ready plus co-stop: what compares across platforms.
    ReadyCoStop = "ready_co_stop", Ppm, Sampled;
    /// Write latency from the intended arrival: what the application waits.
    WriteLatency = "write_latency", Ns, Sampled;
    /// Write latency from issue: what a benchmark tool prints.
    WriteLatencyTool = "write_latency_tool", Ns, Sampled;
    /// Read latency from the intended arrival.
    ReadLatency = "read_latency", Ns, Sampled;
    /// Read latency from issue.
    ReadLatencyTool = "read_latency_tool", Ns, Sampled;
    /// Device bytes per million guest bytes written, per run and phase.
    DeviceAmplification = "device_amplification", Ppm, Sampled;
    /// Network bytes per million guest bytes written, per run and phase.
    NetworkAmplification = "network_amplification", Ppm, Sampled;
    /// Remote share of a VM's memory accesses.
    RemoteMemory = "remote_memory", Ppm, Sampled;
    /// Last instruction on the source host to first on the destination.
    Pause = "pause", Ns, Sampled;
    /// Part of the pause that copies what is left.
    PauseCopy = "pause_copy", Ns, Sampled;
    /// Part of the pause for device state and disks.
    PauseDevice = "pause_device", Ns, Sampled;
    /// Part of the pause for hand-shakes over the fabric.
    PauseHandshake = "pause_handshake", Ns, Sampled;
    /// Pause plus the time until the network has learnt the new place.
    Outage = "outage", Ns, Sampled;
    /// Longest gap without progress in a post-copy phase.
    Freeze = "freeze", Ns, Sampled;
    /// Start to end of one live migration.
    MigrationTime = "migration_time", Ns, Sampled;
    /// Dirty syncs of one live migration.
    Rounds = "rounds", Count, Sampled;
    /// Guest down at the source to guest up at the target, of a warm or cold move.
    CutoverOutage = "cutover_outage", Ns, Sampled;
    /// First byte to guest up, of a warm or cold move.
    MoveTime = "move_time", Ns, Sampled;
    /// Replication lag of a VM when its cut-over begins.
    CutoverLag = "cutover_lag", Ns, Sampled;
    /// Outage of a VM that was restarted elsewhere after its host died.
    RestartOutage = "restart_outage", Ns, Sampled;
    /// Worst request of the surviving VMs in the window of a loss, each run.
    WorstIo = "worst_io", Ns, PerRun;
    /// Completed over offered requests of the survivors in that window.
    IoCompleted = "io_completed", Ppm, PerRun;
    /// Time in that window in which no request of the survivors completed for a whole second.
    IoStalled = "io_stalled", Ns, PerRun;
    /// First loss to full redundancy.
    RebuildTime = "rebuild_time", Ns, PerRun;
    /// Time during which some data had a single copy.
    Exposure = "exposure", Ns, PerRun;
    /// Most bytes that could not be read at one time.
    UnavailableBytes = "unavailable_bytes", Bytes, PerRun;
    /// Bytes with no copy left on any device.
    LostBytes = "lost_bytes", Bytes, PerRun;
    /// Start of the wave to its last guest up.
    WaveTime = "wave_time", Ns, PerRun;
    /// Live migrations and moves that failed.
    FailedMigrations = "failed_migrations", Count, PerRun;
    /// Of those, the ones whose VM went on at the source.
    RolledBack = "rolled_back", Count, PerRun;
    /// Live migrations that the platform's balancer began.
    BalancerMoves = "balancer_moves", Count, PerRun;
    /// VMs that were down at the end of the run.
    VmsDown = "vms_down", Count, PerRun;
    /// Requests that failed.
    IoErrors = "io_errors", Count, PerRun;
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
