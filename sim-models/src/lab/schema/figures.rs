//! Every figure that a part prints.

/// Figures of one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The kind of part.
    pub kind: &'static str,
    /// Names behind that of the part, apart by spaces; capitals stand for a name from the file, `N` for a number.
    pub names: &'static str,
    /// Unit, or `samples` for durations in seconds with a mean, quantiles and a maximum.
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! figures {
    ($( $kind:literal, $names:literal, $unit:literal, $meaning:literal; )+) => {
        &[$( Figures { kind: $kind, names: $names, unit: $unit, meaning: $meaning }, )+]
    };
}

/// Figures of all kinds.
pub const FIGURES: &[Figures] = figures! {
    "Station", "sojourn CLASS.sojourn STAGE.sojourn", "samples", "time from arrival to the end; of a stage: of its legs";
    "Station", "wait CLASS.wait STAGE.wait", "samples", "what of it was not service; not over a fork as a whole, nor under Ps";
    "Station", "present CLASS.present STAGE.present", "jobs", "number inside, averaged over time";
    "Station", "empty", "ratio", "share of time with nobody";
    "Station", "found", "jobs", "number inside as seen by arrivals, a batch looking once";
    "Station", "found_empty", "ratio", "share of arrivals that found nobody";
    "Station", "throughput CLASS.throughput", "1/s", "jobs that were served";
    "Station", "loss CLASS.loss STAGE.loss", "ratio", "share of jobs (of a stage: of its legs) refused or lost to an outage";
    "Station", "waited CLASS.waited STAGE.waited", "ratio", "share of the jobs served that waited at all";
    "Station", "utilisation STAGE.utilisation", "ratio", "share of the capacity at work";
    "Station", "waiting STAGE.waiting", "jobs", "number that wait, averaged over time";
    "Station", "availability STAGE.availability", "ratio", "share of the servers' time that they were up, with an outage";
    "Station", "little_gap", "job-seconds", "area under the jobs inside minus the sum of all stays: 0 by identity";
    "Station", "work_gap", "seconds", "work that servers ought to have done minus what was asked: 0 unless an outage spoils work; under Ps at several servers up to 1 ns per job";

    "Flows", "FLOW.finish", "s", "when it was over, if it ever is";
    "Flows", "FLOW.took", "s", "from its start to then";
    "Flows", "FLOW.rate", "bytes/s", "mean rate over that time";
    "Flows", "FLOW.rate.N", "bytes/s", "rate at look N, from 1";
    "Flows", "last", "s", "finish of the last flow that finishes";
    "Flows", "unfinished", "flows", "flows with a size that never finish";

    "Migration", "completed gave_up cancelled peer_lost", "1 or 0", "how it ended";
    "Migration", "rounds", "rounds", "rounds of copying while the guest ran";
    "Migration", "syncs", "syncs", "looks at the dirty log, as QEMU counts them";
    "Migration", "total", "s", "from start to end";
    "Migration", "precopy", "s", "of it until the guest is stopped";
    "Migration", "pause", "s", "the guest stands";
    "Migration", "pause_copy", "s", "of it for memory and device state";
    "Migration", "freeze", "s", "longest time without progress of the guest";
    "Migration", "fetching", "s", "post-copy";
    "Migration", "bytes", "bytes", "sent on the wire";
    "Migration", "throttle", "ratio", "share of the guest's time last taken from it";

    "CpuPool", "CLASS.run", "ratio", "share of time that a vCPU of the class runs";
    "CpuPool", "CLASS.ready", "ratio", "share of time that it could run and waits for a CPU, or is held back by its limit";
    "CpuPool", "CLASS.co_stop", "ratio", "share of time that it is stopped for its siblings";
    "CpuPool", "CLASS.wait_probability", "ratio", "share of its wake-ups that wait";
    "CpuPool", "CLASS.wait", "s", "mean wait of those that wait";
    "CpuPool", "CLASS.wake_mean", "s", "mean delay of its wake-ups, with those that do not wait";
    "CpuPool", "CLASS.wake_p50", "s", "median of them";
    "CpuPool", "CLASS.wake_p99", "s", "99th percentile of them";
    "CpuPool", "busy", "CPUs", "CPUs in use";

    "Reliability", "time_to_loss", "s", "mean time to a loss; not where it looks For(Time)";
    "Reliability", "cycle", "s", "mean length of a cycle, with Cycles(whole)";
    "Reliability", "loss_per_cycle", "ratio", "probability that a cycle ends in loss, with Cycles(whole)";
    "Reliability", "availability", "ratio", "share of time in which what is needed is there";
    "Reliability", "unit_availability", "ratio", "share of time that a unit is up";
    "Reliability", "down", "units", "units that are down, averaged over time";
    "Reliability", "all_up", "ratio", "share of time with every unit up";
    "Reliability", "exposure", "s", "time with nothing to spare, or lost";
    "Reliability", "exposed", "ratio", "share of time with nothing to spare, or lost";
    "Reliability", "losses", "losses", "how often what was needed was lost";
    "Reliability", "first_failure", "s", "mean time until a fresh system has its first failure";

    "SmallMessages", "delay", "samples", "from sent to last byte received, one way";
    "SmallMessages", "idle", "s", "the same over an idle path";
    "SmallMessages", "timed_out", "ratio", "share of messages that waited for a retransmission timer";
};
