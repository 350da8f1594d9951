//! The scenario format as a table, for `duress schema`; a test keeps it equal to what is parsed.

mod variants;

pub use variants::{FAULTS, STORAGE, Variant};

use crate::metric::{Kind, Metric, Phase, Unit};
use std::fmt::Write;

/// One field of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it is written, such as `target.hosts`; `[]` stands for any element of a list.
    pub path: &'static str,
    /// What is written: a unit enum by name, or the constructors to choose from.
    pub value: &'static str,
    /// Its default in words; empty when it must be written.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// A table of fields: path, value, default, meaning.
macro_rules! fields {
    ($( $path:literal, $value:literal, $default:literal, $meaning:literal; )+) => {
        &[$( $crate::scenario::schema::Field {
            path: $path, value: $value, default: $default, meaning: $meaning
        }, )+]
    };
}
pub(crate) use fields;

/// Every field of a scenario.
pub const FIELDS: &[Field] = fields! {
    "extends", "path", "none", "document that supplies each top-level field absent here";
    "name", "text", "", "short name, for reports";
    "question", "text", "none", "what the scenario is to answer";
    "source", "cluster (as target)", "none", "where the VMs come from";
    "target", "cluster", "", "where they go";
    "target.name", "text", "", "prefix of its host names";
    "target.profile", "name or path", "", "hypervisor profile";
    "target.hosts", "whole", "", "hosts";
    "target.racks", "whole", "1", "racks, the hosts spread evenly in order";
    "target.sockets", "whole", "2", "CPU sockets per host";
    "target.cores_per_socket", "whole", "", "cores per socket";
    "target.threads_per_core", "whole", "2", "hardware threads per core";
    "target.memory", "Size", "", "memory per host";
    "target.nics", "(...)", "2 x 25 GbE", "network ports of a host";
    "target.nics.ports", "whole", "2", "ports in use, 1 or 2";
    "target.nics.rate", "Speed", "Gbps(25)", "rate of one port";
    "target.nics.bond", "ActiveBackup | Lacp", "ActiveBackup", "how two ports act as one";
    "target.storage", "San(...) | Replicated(...)", "", "where the disks are, as below";
    "target.live_migrations", "Frequency", "none", "live migrations inside the cluster";
    "fabric", "(...)", "as below", "what joins the hosts";
    "fabric.spines", "whole", "4", "spine switches";
    "fabric.uplinks_per_tor", "whole", "4", "uplinks of one ToR";
    "fabric.uplink", "Speed", "Gbps(25)", "rate of one uplink";
    "fabric.intersite", "(rate: Speed, rtt: Time)", "none", "link between the sites";
    "fabric.buffer", "Size", "MiB(32)", "packet memory of one switch";
    "fabric.queueing", "Fifo | Ecn(Size) | Priority", "Fifo", "what a full port does";
    "fabric.mtu", "whole", "9000", "largest frame, bytes";
    "fabric.lacp_fast", "true | false", "false", "LACP timers of 1 s";
    "fabric.detection", "Carrier | Bfd | BgpFast | BgpDefault | Ospf", "Bfd", "how routing notices a dead switch";
    "fabric.hop_delay", "Time", "Us(2), assumed", "propagation and switching of one hop, one way";
    "fabric.local_delay", "Time", "Us(10), assumed", "between two VMs of one host, one way";
    "fabric.copy_rate", "Speed", "GBps(10), assumed", "rate of a copy between two VMs of one host";
    "fabric.guest_connections", "whole", "4, assumed", "connections between a pair of hosts that guests share";
    "fabric.guest_message", "Size", "KiB(16), assumed", "mean size of other guests' messages at a port";
    "fabric.guest_message_cv2", "Number", "Num(1), assumed", "squared coefficient of variation of that size";
    "fabric.longest_burst", "Time", "Ms(1), assumed", "longest microburst; what lasts longer is a flow";
    "fabric.hot_share", "Fraction", "Percent(1), assumed", "share of time a port is in a microburst";
    "fabric.announce_loss", "Fraction", "Percent(1), assumed", "probability that an announcement is lost";
    "groups", "[(...)]", "", "the VMs";
    "groups[].name", "text", "", "name of the group";
    "groups[].count", "whole", "", "VMs";
    "groups[].vcpus", "whole", "", "vCPUs of each";
    "groups[].memory", "Size", "", "memory of each";
    "groups[].resident", "Fraction", "Share(0.8), assumed", "part of the memory that is not zero pages";
    "groups[].cpu", "(...)", "", "CPU demand";
    "groups[].cpu.duty", "Constant(Fraction) | Drawn(Fraction) | Trace(file:, mean:)", "", "busy share of each vCPU";
    "groups[].cpu.burst", "Time", "Ms(5), assumed", "mean length of a burst of work";
    "groups[].cpu.shares", "Number", "Num(1000)", "proportional share per vCPU";
    "groups[].cpu.limit", "Number", "none", "most cores the VM may use";
    "groups[].cpu.reservation", "Number", "Num(0)", "cores guaranteed";
    "groups[].disk", "Size", "", "data on disk, each";
    "groups[].disks", "[(...)]", "[]", "virtual disks and their I/O";
    "groups[].disks[].count", "whole", "1", "such disks per VM";
    "groups[].disks[].iops", "Frequency", "closed client", "requests per second";
    "groups[].disks[].read_share", "Fraction", "", "reads among them";
    "groups[].disks[].iodepth", "whole", "32, assumed", "requests in flight at most";
    "groups[].disks[].sizes", "[(Size, share)]", "8 KiB 0.9, 32 KiB 0.1", "sizes and their shares";
    "groups[].dirtying", "None | Idle | Web | Db4 | Db16 | PowerLaw(a:, b:) | Areas([...]) | Sweep(...)", "Idle", "how memory is written";
    "groups[].vnuma", "true | false", "true", "the guest sees NUMA nodes";
    "groups[].cpu_baseline", "true | false", "true", "booted with a CPU baseline";
    "wave", "(...)", "none", "the cross-cluster move";
    "wave.vms", "[(group, VMs)]", "", "who moves";
    "wave.method", "Warm(final_round:, max_rounds:) | Cold", "Warm()", "how each moves";
    "wave.start", "Time", "Secs(0)", "when the first may start";
    "wave.per_host", "whole", "2", "moves at once per source host";
    "wave.in_all", "whole", "8", "moves at once";
    "wave.seeded", "Fraction", "Share(0.95), assumed", "part of the disks already copied";
    "wave.replication", "None | Sync(break_after:) | NearSync(rpo:) | Async(interval:)", "None", "what the cut-over waits for";
    "faults", "[(...)]", "[]", "what breaks";
    "faults[].name", "text", "", "name in reports";
    "faults[].target", "Host Device Cvm Tor Spine HostLink PowerDomain SlowDevice SlowLink StarvedCvm SiteLink OneOf", "", "what, as below";
    "faults[].when", "FromTheStart | At(t) | Within(t, t) | After(fault, t) | Never", "", "when";
    "faults[].heals_after", "Law", "never", "when it heals";
    "timeline", "(...)", "as below", "the acts; zero leaves one out";
    "timeline.before", "Time", "Min(20) with a source", "all VMs on the source";
    "timeline.after", "Time", "Min(20)", "all VMs on the target";
    "timeline.duress", "Time", "Min(60) with a wave or fault", "the last wave and what breaks";
    "windows", "(...)", "as below", "when single requests are simulated";
    "windows.everything", "true | false", "false", "always";
    "windows.stratum", "Time", "Secs(300)", "length of a stratum";
    "windows.slice", "Time", "Ms(200)", "slice drawn in each stratum";
    "windows.warm_in", "Time", "Ms(100)", "simulated before a window, not recorded";
    "windows.before_fault", "Time", "Ms(500)", "before a fault";
    "windows.after_detection", "Time", "Secs(2)", "after its detection";
    "windows.around", "Time", "none", "around cut-overs, switch-overs and starts of rebuilds";
    "objectives", "[(...)]", "[]", "what must hold";
    "objectives[].name", "text", "", "name in reports";
    "objectives[].claim", "Quantile(metric:, q:, at_most:, phase:, side:) | Probability(metric:, above:, share:, phase:, side:)", "", "the claim";
    "event_budget", "whole", "200000000", "events a run may spend";
    "futures_per_past", "whole", "1", "runs that share all that happens before a fault can strike";
};

/// Quantities and their constructors; each also takes `Uniform(a, b)`, `Normal(mean:, sd:)`,
/// `LogNormal(median:, sigma:)`, `Exponential(mean)` and `OneOf([..])`, drawn once per run.
pub const UNITS: &[(&str, &str)] = &[
    ("Time", "Ns Us Ms Secs Min Hours Days"),
    ("Size", "B KiB MiB GiB TiB GB TB"),
    ("Speed", "Mbps Gbps MiBps GiBps MBps GBps"),
    ("Frequency", "PerS PerMin PerHour"),
    ("Fraction", "Share Percent"),
    ("Number", "Num"),
    ("Count", "N"),
];

/// Laws, which are sampled again and again during a run: how each is written, and what it is.
pub const LAWS: &[(&str, &str)] = &[
    ("Always(Time)", "always the same"),
    ("Between(Time, Time)", "uniform between two times"),
    ("Exp(Time)", "exponential, by its mean"),
    ("LogNormalCv(mean: Time, cv: x)", "log-normal by mean and standard deviation over mean"),
    ("LogNormalSigma(median: Time, sigma: x)", "log-normal by median and deviation of the natural logarithm"),
    ("Weibull(scale: Time, shape: x)", "Weibull; 63.2 % do not outlast the scale"),
    ("Gamma(mean: Time, shape: x)", "gamma; of a whole shape, Erlang"),
    ("Pareto(minimum: Time, shape: x)", "P(X > x) = (minimum / x)^shape beyond the minimum"),
    ("OneOf([(Time, weight)])", "one of these, by weight"),
];

/// Fields as lines of text.
pub fn write_fields(fields: &[Field], out: &mut String) {
    for f in fields {
        let default =
            if f.default.is_empty() { "required".to_string() } else { format!("default {}", f.default) };
        let _ = writeln!(out, "{:<32} {} ({default}): {}", f.path, f.value, f.meaning);
    }
}

/// Quantities and laws as lines of text.
pub fn write_quantities(out: &mut String) {
    out.push_str("\nQuantities, which may also be Uniform, Normal, LogNormal, Exponential or OneOf:\n");
    for (name, units) in UNITS {
        let _ = writeln!(out, "{name:<32} {units}");
    }
    out.push_str("\nLaws:\n");
    for (law, meaning) in LAWS {
        let _ = writeln!(out, "{law:<39} {meaning}");
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Ns => "ns",
        Unit::Ppm => "millionths",
        Unit::Count => "count",
        Unit::Bytes => "bytes",
    }
}

/// The format as text.
pub fn text() -> String {
    let mut out = String::from("A scenario is RON: (field: value, ...)\n\n");
    write_fields(FIELDS, &mut out);
    variants::write(&mut out);
    write_quantities(&mut out);
    out.push_str("\nPhases:\n");
    for phase in Phase::ALL {
        let _ = writeln!(out, "{phase:<22} {}", phase.meaning());
    }
    out.push_str("\nMetrics, each with its unit:\n");
    for metric in Metric::ALL {
        let kind = if metric.kind() == Kind::PerRun { "one per run" } else { "sampled" };
        let _ = writeln!(out, "{metric:<22} {}, {kind}: {}", unit(metric.unit()), metric.meaning());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::{Count, Fraction, Frequency, Number, Size, Speed, Time};
    use crate::scenario::parse;
    use crate::scenario::spec::Spec;
    use serde::de::DeserializeOwned;

    /// The names that the parser would have accepted in the place of `zz`.
    fn accepted<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Vec<String> {
        parse::accepted::<T>(text, false)
    }

    /// The fields of each constructor that is documented, and no constructor is left out.
    #[test]
    fn constructors_have_the_fields_that_the_parser_accepts() {
        let tables = [(FAULTS, "(faults: [(target: "), (STORAGE, "(target: (storage: ")];
        for (table, before) in tables {
            let name = |v: &Variant| v.written.split('(').next().unwrap_or_default().to_string();
            let names: Vec<String> = table.iter().map(name).collect();
            assert_eq!(names, accepted::<Spec>(&format!("{before}zz")));
            for v in table.iter().filter(|v| v.written.contains(": ")) {
                let fields = accepted::<Spec>(&format!("{before}{}(zz: 1)", name(v)));
                let mut rest = &v.written[name(v).len()..];
                for field in fields {
                    let at =
                        rest.find(&format!("{field}: ")).unwrap_or_else(|| panic!("{field}: {}", v.written));
                    rest = &rest[at + field.len()..];
                }
            }
        }
        // What a field of a constructor takes beyond its own name.
        let throttle = accepted::<Spec>("(target: (storage: Replicated(throttle: zz");
        assert!(throttle.iter().all(|name| STORAGE[1].written.contains(name.as_str())), "{throttle:?}");
        assert_eq!(accepted::<Spec>("(faults: [(target: Host(side: zz"), ["Source", "Target"]);
        assert_eq!(accepted::<Spec>("(faults: [(target: Host(host: zz"), ["Any", "Nth", "Named"]);
    }

    #[test]
    fn every_metric_and_phase_has_a_sentence() {
        let text = text();
        for sentence in Metric::ALL.iter().map(|m| m.meaning()).chain(Phase::ALL.map(|p| p.meaning())) {
            assert!(sentence.len() > 10 && sentence.ends_with('.') && text.contains(sentence), "{sentence}");
        }
    }

    #[test]
    fn the_table_lists_what_the_parser_accepts() {
        let places = [
            ("", "(zz: 1)"),
            ("target", "(target: (zz: 1))"),
            ("target.nics", "(target: (nics: (zz: 1)))"),
            ("fabric", "(fabric: (zz: 1))"),
            ("groups[]", "(groups: [(zz: 1)])"),
            ("groups[].cpu", "(groups: [(cpu: (zz: 1))])"),
            ("groups[].disks[]", "(groups: [(disks: [(zz: 1)])])"),
            ("wave", "(wave: (zz: 1))"),
            ("faults[]", "(faults: [(zz: 1)])"),
            ("timeline", "(timeline: (zz: 1))"),
            ("windows", "(windows: (zz: 1))"),
            ("objectives[]", "(objectives: [(zz: 1)])"),
        ];
        let parent = |path: &'static str| path.rsplit_once('.').map_or("", |(parent, _)| parent);
        for (place, text) in places {
            let mut listed: Vec<String> = FIELDS
                .iter()
                .filter(|f| parent(f.path) == place)
                .map(|f| f.path.rsplit('.').next().unwrap_or_default().to_string())
                .collect();
            let mut accepted = accepted::<Spec>(text);
            listed.sort();
            accepted.sort();
            assert_eq!(listed, accepted, "{place}");
        }
        assert!(FIELDS.iter().all(|f| places.iter().any(|(place, _)| parent(f.path) == *place)));
    }

    #[test]
    fn choices_and_units_are_those_that_the_parser_accepts() {
        let choices = [
            ("target.storage", "(target: (storage: zz))"),
            ("fabric.detection", "(fabric: (detection: zz))"),
            ("groups[].dirtying", "(groups: [(dirtying: zz)])"),
            ("groups[].cpu.duty", "(groups: [(cpu: (duty: zz))])"),
            ("wave.replication", "(wave: (replication: zz))"),
            ("faults[].target", "(faults: [(target: zz)])"),
            ("faults[].when", "(faults: [(when: zz)])"),
            ("objectives[].claim", "(objectives: [(claim: zz)])"),
        ];
        for (path, text) in choices {
            let field = FIELDS.iter().find(|f| f.path == path).expect("in the table");
            for name in accepted::<Spec>(text) {
                assert!(field.value.contains(&name), "{path}: {name}");
            }
        }
        fn units<T: DeserializeOwned + std::fmt::Debug>(name: &str) {
            let (_, units) = UNITS.iter().find(|(n, _)| *n == name).expect("in the table");
            let all = format!("{units} Uniform Normal LogNormal Exponential OneOf");
            assert_eq!(accepted::<T>("zz(1)"), all.split(' ').collect::<Vec<_>>(), "{name}");
        }
        units::<Time>("Time");
        units::<Size>("Size");
        units::<Speed>("Speed");
        units::<Frequency>("Frequency");
        units::<Fraction>("Fraction");
        units::<Number>("Number");
        units::<Count>("Count");
        assert!(text().contains("write_latency"));
    }
}
