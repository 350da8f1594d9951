//! Virtual CPUs of several classes on one pool of CPUs.
//!
//! ```ron
//! CpuPool(
//!     cores: 8,
//!     vcpus: [(name: "batch", count: 12, duty: Share(1))],
//! )
//! ```
//!
//! Figures, per vCPU of a class: `NAME.run`, `NAME.ready`, `NAME.co_stop`, `NAME.wait_probability` and
//! `NAME.wait` (mean wait of those wake-ups that wait, seconds); of a class that sleeps `NAME.wake_mean`,
//! `NAME.wake_p50` and `NAME.wake_p99`, the delay of all its wake-ups, seconds; and `busy`, the CPUs in use.
//! Everything that a scheduler does beyond sharing CPUs perfectly is off unless the file says otherwise.

use super::{Bench, Seen};
use crate::cpu::costop;
use crate::cpu::pool::Capacity;
use crate::cpu::settle::{Cache, Entry, Met, solve};
use crate::profile::cpu::{CpuProfile, Imbalance, Pool};
use crate::quantity::{Fraction, Number, Resolver, Time, Unit};
use serde::Deserialize;
use sim_core::{Span, Streams};

/// As typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Cores.
    pub cores: u32,
    /// Hardware threads per core. Default 1.
    #[serde(default = "one")]
    pub threads_per_core: u32,
    /// Work of a core with all threads busy over that of a core with one: 1 to its threads. Default 1.
    #[serde(default = "unity")]
    pub ht_gain: Number,
    /// Classes of vCPUs.
    pub vcpus: Vec<VcpusSpec>,
    /// How late balancing of per-CPU queues carries over from two CPUs. Default `None`: one queue.
    #[serde(default = "balanced")]
    pub imbalance: Imbalance,
    /// Two runnable vCPUs on two CPUs queue behind each other with this probability. Default 0.
    #[serde(default = "nothing")]
    pub misplaced: Fraction,
    /// That makes a cycle wait at most so many times as long. Default 3, as in the profiles.
    #[serde(default = "three")]
    pub imbalance_most: Number,
    /// How far bursts much shorter than a slice wait at their wake-up only. Default 0.
    #[serde(default = "nothing")]
    pub short_bursts: Fraction,
    /// Slices that part short bursts from long ones. Default 0.25, as in the profiles.
    #[serde(default = "quarter")]
    pub short_below: Number,
    /// Time slice. Default 3 ms.
    #[serde(default = "slice")]
    pub slice: Time,
    /// Wake-up to first instruction on a free CPU. Default 0.
    #[serde(default = "at_once")]
    pub wake: Time,
    /// Mean wait of a wake-up that finds no free CPU, in mean distances between scheduling points. Default 1.
    #[serde(default = "unity")]
    pub wake_points: Number,
    /// A woken vCPU preempts one that has used more of its entitlement, with this chance. Default 0.
    #[serde(default = "nothing")]
    pub preemption: Fraction,
    /// Siblings that run too far ahead are stopped, and that time is counted apart. Default false.
    #[serde(default)]
    pub co_stop: bool,
}

/// vCPUs that ask for the same.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VcpusSpec {
    /// Prefix of their figures.
    pub name: String,
    /// How many.
    pub count: u32,
    /// Busy share of each when nothing makes it wait; 1 never sleeps.
    pub duty: Fraction,
    /// Mean burst of work. Default 5 ms.
    #[serde(default = "burst")]
    pub burst: Time,
    /// Weight of each, above 0. Default 1000.
    #[serde(default = "weight")]
    pub weight: Number,
    /// CPUs that each gets at most, as time on a hardware thread. Default 1: no limit.
    #[serde(default = "whole")]
    pub cap: Fraction,
    /// CPUs guaranteed to each, as time on a hardware thread: together no more than there are. Default 0.
    #[serde(default = "nothing")]
    pub reservation: Fraction,
    /// vCPUs of one VM, for co-stop. Default 1.
    #[serde(default = "one")]
    pub width: u32,
}

fn one() -> u32 {
    1
}
fn unity() -> Number {
    Number::Num(1.0)
}
fn three() -> Number {
    Number::Num(3.0)
}
fn quarter() -> Number {
    Number::Num(0.25)
}
fn balanced() -> Imbalance {
    Imbalance::None
}
fn nothing() -> Fraction {
    Fraction::Share(0.0)
}
fn whole() -> Fraction {
    Fraction::Share(1.0)
}
fn slice() -> Time {
    Time::Ms(3.0)
}
fn at_once() -> Time {
    Time::Ms(0.0)
}
fn burst() -> Time {
    Time::Ms(5.0)
}
fn weight() -> Number {
    Number::Num(1000.0)
}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {
    profile: CpuProfile,
    capacity: Capacity,
    /// Name, vCPUs of one VM, demand.
    classes: Vec<(String, u32, Entry)>,
}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let at = |field: &str| format!("{path}.{field}");
        let cores = f64::from(r.whole(&at("cores"), self.cores, 1, 4096));
        let threads = f64::from(r.whole(&at("threads_per_core"), self.threads_per_core, 1, 8));
        let ht_gain = self.ht_gain.resolve(&at("ht_gain"), r);
        // Without second threads it says nothing.
        if ht_gain < 1.0 || threads > 1.0 && ht_gain > threads {
            let remedy = format!("write a number from 1 to {threads}, the threads of a core");
            r.problem(&at("ht_gain"), format!("{ht_gain} is out of range"), remedy);
        }
        let profile = CpuProfile {
            pool: Pool::Host,
            slice: self.slice.resolve(&at("slice"), r).max(Span::us(1)),
            ht_gain,
            guests_least: 1.0,
            imbalance: self.imbalance,
            misplaced: self.misplaced.resolve(&at("misplaced"), r),
            imbalance_most: self.imbalance_most.resolve(&at("imbalance_most"), r).max(1.0),
            short_bursts: self.short_bursts.resolve(&at("short_bursts"), r),
            short_below: self.short_below.resolve(&at("short_below"), r).max(1e-3),
            wake: self.wake.resolve(&at("wake"), r),
            wake_points: self.wake_points.resolve(&at("wake_points"), r),
            preemption: self.preemption.resolve(&at("preemption"), r),
            co_stop: self.co_stop,
            cvm_weight: 1.0,
            cvm_reservation: 0.0,
            cvm_base_duty: 0.0,
            cvm_burst: Span::us(100),
            sample_noise: 0.0,
        };
        let vcpus = self.vcpus.iter().enumerate();
        let classes: Vec<_> = vcpus.map(|(i, v)| v.resolve(&at(&format!("vcpus[{i}]")), r)).collect();
        guaranteed(&at("vcpus"), cores * threads, &classes, r);
        if self.vcpus.is_empty() {
            r.problem(&at("vcpus"), "nobody wants a CPU", "list at least one class of vCPUs");
        }
        if self.vcpus.iter().map(|v| u64::from(v.count)).sum::<u64>() > 8192 {
            r.problem(&at("vcpus"), "more than 8192 vCPUs", "write fewer");
        }
        for (i, v) in self.vcpus.iter().enumerate() {
            if self.vcpus[..i].iter().any(|before| before.name == v.name) {
                let what = format!("two classes are called `{}`", v.name);
                r.problem(&at(&format!("vcpus[{i}].name")), what, "give each a name of its own");
            }
        }
        Meant { profile, capacity: Capacity { cores, threads: cores * threads, ht_gain }, classes }
    }

    /// Two runs can differ: only where an input is drawn.
    pub fn is_random(&self) -> bool {
        let drawn = |v: &VcpusSpec| {
            let fractions = [&v.duty, &v.cap, &v.reservation].into_iter().any(|f| f.plain().is_none());
            fractions || v.burst.plain().is_none() || v.weight.plain().is_none()
        };
        let fractions = [&self.misplaced, &self.short_bursts, &self.preemption];
        self.vcpus.iter().any(drawn)
            || fractions.into_iter().any(|f| f.plain().is_none())
            || [&self.ht_gain, &self.wake_points, &self.imbalance_most, &self.short_below]
                .into_iter()
                .any(|n| n.plain().is_none())
            || [&self.slice, &self.wake].into_iter().any(|t| t.plain().is_none())
    }
}

/// Notes guarantees that nobody can keep on a pool of so many hardware threads.
fn guaranteed(path: &str, threads: f64, classes: &[(String, u32, Entry)], r: &mut Resolver) {
    let reserved: f64 = classes.iter().map(|(.., e)| f64::from(e.vcpus) * e.reserved).sum();
    if reserved > threads * (1.0 + 1e-9) {
        let what = format!("{reserved} CPUs are reserved of {threads}");
        r.problem(path, what, "reserve no more than there are, or add cores");
    }
}

impl VcpusSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> (String, u32, Entry) {
        let at = |field: &str| format!("{path}.{field}");
        let weight = self.weight.resolve(&at("weight"), r);
        let cap = self.cap.resolve(&at("cap"), r);
        for (field, value) in [("weight", weight), ("cap", cap)] {
            if value <= 0.0 {
                r.problem(&at(field), format!("{value} is nothing"), "write something above zero");
            }
        }
        let reserved = self.reservation.resolve(&at("reservation"), r);
        if reserved > cap {
            let what = format!("{reserved} CPUs for a vCPU that gets at most {cap}");
            r.problem(&at("reservation"), what, "reserve no more than the cap");
        }
        let entry = Entry {
            vcpus: r.whole(&at("count"), self.count, 1, 8192),
            duty: self.duty.resolve(&at("duty"), r),
            burst: self.burst.resolve(&at("burst"), r).max(Span::us(1)).as_secs(),
            // Drawn values can be next to nothing.
            weight: weight.max(1e-3),
            reserved,
            cap: cap.max(1e-3),
        };
        (self.name.clone(), r.whole(&at("width"), self.width, 1, 1024), entry)
    }
}

impl Bench for Meant {
    fn play(&self, _name: &str, _streams: &Streams) -> Result<Seen, String> {
        let entries: Vec<Entry> = self.classes.iter().map(|class| class.2).collect();
        let met = solve(&self.profile, self.capacity, &entries, &mut Cache::thorough());
        let sum = |of: &dyn Fn(&Entry, &Met) -> f64| -> f64 {
            entries.iter().zip(&met).map(|(e, m)| f64::from(e.vcpus) * of(e, m)).sum()
        };
        let offered = sum(&|e, _| e.duty) / self.capacity.cores;
        let mut seen = Seen::default();
        for ((name, width, entry), met) in self.classes.iter().zip(&met) {
            let share = if self.profile.co_stop { costop::share(*width, offered) } else { 0.0 };
            seen.value(format!("{name}.run"), met.run);
            seen.value(format!("{name}.ready"), met.ready * (1.0 - share));
            seen.value(format!("{name}.co_stop"), met.ready * share);
            seen.value(format!("{name}.wait_probability"), met.wait);
            // The mean of no waits is none.
            seen.value(format!("{name}.wait"), if met.wait > 0.0 { met.wait_mean } else { 0.0 });
            if entry.duty >= 1.0 {
                continue; // It never wakes.
            }
            seen.value(format!("{name}.wake_mean"), met.wake_mean(&self.profile));
            for (figure, rank) in [("wake_p50", 0.5), ("wake_p99", 0.99)] {
                seen.value(format!("{name}.{figure}"), met.wake_quantile(&self.profile, rank));
            }
        }
        seen.value("busy", sum(&|_, m| m.run));
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use crate::lab::Lab;
    use sim_core::Seed;

    /// Closed forms, published hand calculations and the quantum-level oracle's figures, as shipped.
    #[test]
    fn the_shipped_file_holds() {
        let lab = Lab::parse(include_str!("../../../scenarios/lab/cpu.ron")).expect("well formed");
        assert_eq!((lab.problems(), lab.runs_needed()), (vec![], 1));
        let figures = lab.figures(Seed(1)).expect("it plays");
        let checks = lab.checks(&figures);
        assert!(checks.len() >= 12);
        for check in &checks {
            assert!(check.passes(), "{check:?}");
        }
    }

    /// Three vCPUs on four cores never wait, so the mean wait of those that do is none and not a rest of a
    /// division; five on four at 30 % do wait.
    #[test]
    fn who_never_waits_has_no_wait() {
        let wait = |count: u32| {
            let vcpus = format!("(name: \"a\", count: {count}, duty: Share(0.3))");
            let text =
                format!("Lab(name: \"x\", parts: [(name: \"p\", is: CpuPool(cores: 4, vcpus: [{vcpus}]))])");
            let figures = Lab::parse(&text).expect("well formed").figures(Seed(1)).expect("it plays");
            let of = |name: &str| figures.iter().find(|f| f.name == name).expect("a figure").value;
            (of("p.a.wait_probability"), of("p.a.wait"))
        };
        assert_eq!(wait(3), (0.0, 0.0));
        let (probability, mean) = wait(5);
        assert!(probability > 0.0 && mean > 0.0, "{probability} {mean}");
    }

    #[test]
    fn mistakes_are_told_with_their_path() {
        let text = "Lab(name: \"x\", parts: [(name: \"p\", is: CpuPool(cores: 0, vcpus: [
            (name: \"a\", count: 0, duty: Share(0.5)), (name: \"a\", count: 1, duty: Share(0.5))]))])";
        let problems = Lab::parse(text).expect("well formed").problems();
        let paths: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(paths, ["parts[0].cores", "parts[0].vcpus[0].count", "parts[0].vcpus[1].name"]);
    }

    /// 2 x 0.9 on one core, 0.9 of a vCPU that gets 0.2, weights of nothing, and gains of half a core and of five
    /// on two threads: nobody can mean these.
    #[test]
    fn what_no_pool_can_keep_is_a_mistake() {
        let paths = |pool: &str, vcpus: &str| -> Vec<String> {
            let pool = format!("cores: 1, {pool} vcpus: [(name: \"a\", count: 2, duty: Share(1), {vcpus})]");
            let text = format!("Lab(name: \"x\", parts: [(name: \"p\", is: CpuPool({pool}))])");
            let problems = Lab::parse(&text).expect("well formed").problems();
            problems.into_iter().map(|p| p.path.replace("parts[0].", "")).collect()
        };
        assert_eq!(paths("", "reservation: Share(0.9)"), ["vcpus"]);
        assert_eq!(paths("", "reservation: Share(0.5)"), [""; 0]);
        assert_eq!(paths("", "reservation: Share(0.3), cap: Share(0.2)"), ["vcpus[0].reservation"]);
        assert_eq!(paths("", "weight: Num(0)"), ["vcpus[0].weight"]);
        assert_eq!(paths("", "cap: Share(0)"), ["vcpus[0].cap"]);
        assert_eq!(paths("threads_per_core: 2, ht_gain: Num(0.5),", ""), ["ht_gain"]);
        assert_eq!(paths("threads_per_core: 2, ht_gain: Num(5),", ""), ["ht_gain"]);
        assert_eq!(paths("threads_per_core: 2, ht_gain: Num(2),", ""), [""; 0]);
        assert_eq!(paths("ht_gain: Num(1.25),", ""), [""; 0]);
    }
}
