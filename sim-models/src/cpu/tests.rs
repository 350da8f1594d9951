//! The subsystem: pools, events, samples.

use super::pool::Capacity;
use super::settle::{Entry, solve};
use super::*;
use crate::profile::cpu::CpuProfile;
use crate::profile::typical;
use crate::record::Record;
use sim_core::queue::Queue;
use sim_core::{Seed, SimTime};

pub(crate) fn cpu_profile(name: &str) -> CpuProfile {
    typical(name).cpu
}

/// Two hosts of a platform, a queue, and everything needed to play.
struct Bench {
    cpu: Cpu,
    queue: Queue<crate::event::Event>,
    record: Record,
    now: SimTime,
}

const HOST: HostId = HostId(0);

impl Bench {
    fn new(profile: &str, sockets: (u16, u16, u16), cvm_vcpus: u32) -> Bench {
        let platform = Platform::new(&cpu_profile(profile), sockets, cvm_vcpus);
        let hosts = [(Side::Target, true), (Side::Target, true)].into_iter();
        let cpu = Cpu::assemble([None, Some(platform)], hosts, 64, &Streams::new(Seed(1), 0));
        Bench { cpu, queue: Queue::default(), record: Record::default(), now: SimTime::ZERO }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Cpu, &mut Cx<'_>) -> T) -> T {
        act(&mut self.cpu, &mut Cx::new(self.now, &mut self.queue, &mut self.record))
    }

    fn place(&mut self, vm: u32, vcpus: u32, duty: f64, home: Option<u16>) {
        let demand = CpuDemand {
            duty: Duty::Constant(duty),
            burst: Span::ms(5),
            shares: 1000.0,
            limit: None,
            reservation: 0.0,
        };
        let name = format!("vm-{vm}");
        self.act(|cpu, cx| cpu.place(VmId(vm), &name, vcpus, &demand, (HOST, home), cx));
    }

    /// Plays until `seconds`; the answer is the number of events.
    fn play(&mut self, seconds: u64) -> usize {
        let end = SimTime(seconds * 1_000_000_000);
        let mut events = 0;
        while let Some((time, event)) = self.queue.pop_until(end) {
            let crate::event::Event::Cpu(event) = event else { panic!("{event:?}") };
            self.now = time;
            self.act(|cpu, cx| cpu.handle(event, cx));
            events += 1;
        }
        self.now = end;
        events
    }

    fn total(&self, vm: u32) -> f64 {
        let met = self.cpu.contention(VmId(vm));
        met.ready + met.co_stop
    }
}

#[test]
fn every_shipped_profile_has_a_cpu_section() {
    for name in ["esxi_san", "ahv", "kvm", "nutanix_esxi_2015"] {
        let profile = cpu_profile(name);
        assert_eq!(profile.co_stop, name.contains("esxi"), "{name}");
        assert!(profile.ht_gain >= 1.0 && profile.misplaced <= 1.0);
    }
}

/// Three VMs of four vCPUs that never sleep, on eight cores: ready 1 - 8/12, whatever the platform.
#[test]
fn hogs_are_ready_a_third_of_the_time_on_every_platform() {
    for name in ["esxi_san", "ahv", "kvm", "nutanix_esxi_2015"] {
        let mut bench = Bench::new(name, (1, 8, 1), 0);
        (0..3).for_each(|vm| bench.place(vm, 4, 1.0, Some(0)));
        bench.play(1);
        for vm in 0..3 {
            assert!((bench.total(vm) - 1.0 / 3.0).abs() < 1e-5, "{name}: {}", bench.total(vm));
        }
    }
}

#[test]
fn all_changes_of_one_instant_are_settled_once() {
    let mut bench = Bench::new("ahv", (2, 8, 1), 4);
    (0..20).for_each(|vm| bench.place(vm, 2, 0.5, None));
    bench.act(|cpu, cx| {
        (0..20).for_each(|vm| cpu.set_duty(VmId(vm), 0.6, cx));
        cpu.set_cvm_load(HOST, 2.0, cx);
    });
    assert_eq!(bench.play(1), 1);
    // What is set to what it is already changes nothing.
    bench.act(|cpu, cx| {
        cpu.set_duty(VmId(3), 0.6, cx);
        cpu.set_cvm_load(HOST, 2.0, cx);
    });
    assert_eq!(bench.play(2), 0);
}

/// Neither an idle VM in the same pool nor anything on another host changes a bit of what others meet.
#[test]
fn an_idle_vm_changes_nobody() {
    for (name, home) in [("esxi_san", Some(1)), ("ahv", None), ("nutanix_esxi_2015", None)] {
        let play = |with_idle: bool| {
            let mut bench = Bench::new(name, (2, 8, 2), 6);
            if with_idle {
                bench.place(20, 8, 0.0, home);
            }
            (0..16).for_each(|vm| bench.place(vm, 4, 0.1 + 0.04 * f64::from(vm), Some((vm % 2) as u16)));
            bench.act(|cpu, cx| cpu.set_cvm_load(HOST, 3.0, cx));
            bench.play(1);
            let met: Vec<Contention> = (0..16).map(|vm| bench.cpu.contention(VmId(vm))).collect();
            (met, bench.cpu.cvm(HOST))
        };
        assert_eq!(play(true), play(false), "{name}");
        assert!(play(true).0[3].ready > 0.0);
    }
}

/// The order in which VMs came leaves no trace.
#[test]
fn history_leaves_no_trace() {
    let met = |order: &[u32]| {
        let mut bench = Bench::new("kvm", (1, 8, 1), 0);
        for &vm in order {
            bench.place(vm, 3, 0.2 + 0.05 * f64::from(vm), None);
            bench.play(u64::from(vm));
        }
        bench.place(9, 8, 0.9, None);
        bench.play(20);
        bench.act(|cpu, cx| cpu.remove(VmId(9), cx));
        bench.play(30);
        (0..6).map(|vm| bench.cpu.contention(VmId(vm))).collect::<Vec<_>>()
    };
    assert_eq!(met(&[0, 1, 2, 3, 4, 5]), met(&[0, 3, 1, 5, 2, 4].map(|vm| vm)));
}

/// Random pools with weights, reservations and limits on every platform: the threads given out are never
/// more than there are, and run + ready is never more than the whole time.
#[test]
fn cpu_time_is_conserved() {
    let mut luck = Streams::new(Seed(4), 0).stream("pools", "conservation");
    let mut cache = Cache::new();
    for case in 0..80u32 {
        let profile = cpu_profile(["esxi_san", "ahv", "kvm", "nutanix_esxi_2015"][case as usize % 4]);
        let cores = 1.0 + luck.below(24) as f64;
        let capacity = pool::Capacity { cores, threads: cores * (1 + luck.below(2)) as f64, ht_gain: 1.25 };
        let entries: Vec<Entry> = (0..1 + luck.below(12))
            .map(|_| Entry {
                vcpus: 1 + luck.below(8) as u32,
                duty: luck.uniform(),
                burst: 0.001 + 0.01 * luck.uniform(),
                weight: [250.0, 1000.0, 1000.0, 2000.0, 4000.0][luck.below(5) as usize],
                reserved: if luck.chance(0.2) { 0.5 } else { 0.0 },
                cap: if luck.chance(0.2) { 0.3 } else { 1.0 },
            })
            .collect();
        let met = solve(&profile, capacity, &entries, &mut cache);
        let run: f64 = entries.iter().zip(&met).map(|(e, m)| f64::from(e.vcpus) * m.run).sum();
        assert!(run <= capacity.threads * (1.0 + 1e-9), "case {case}: {run} on {capacity:?}");
        for (e, m) in entries.iter().zip(&met) {
            // What limited vCPUs ask for settles to 1e-7.
            assert!(m.run <= e.cap + 1e-6, "{case} {e:?} {m:?}");
            assert!(m.ready >= 0.0 && m.run + m.ready <= 1.0 + 1e-9, "{case} {e:?} {m:?}");
            assert!((0.0..=1.0).contains(&m.wait), "{case} {m:?}");
        }
    }
}

/// Demand 0.6 and a limit of 0.3: runs 0.3; per unit of work it sleeps 0.4 / 0.6, so 0.2; the rest, 0.5, is
/// held back and shows as ready.
#[test]
fn a_limit_shows_as_ready_time() {
    let entry = Entry { vcpus: 1, duty: 0.6, burst: 0.005, weight: 1000.0, reserved: 0.0, cap: 0.3 };
    let met = solve(&cpu_profile("kvm"), pool::Capacity::cpus(1), &[entry], &mut Cache::new());
    assert!((met[0].run - 0.3).abs() < 1e-12 && (met[0].ready - 0.5).abs() < 1e-12, "{met:?}");
}

/// A limit counts time on a thread. Two vCPUs of demand 0.9 on the two threads of one core of gain 1.25, limited
/// to 0.3. Nobody waits for a thread, and the pool sees two vCPUs that ask for r = d / (1 - d): P(n) ~ 1, 2 r,
/// r^2 / 0.625 (both work at 0.625), and each is on a thread for (r + r^2 / 0.625) P(0) = 0.3. That is
/// 1.12 r^2 + 0.4 r - 0.3 = 0, r = 0.36892: P(0) = 0.51135, work (r + r^2) P(0) = 0.25824, per unit of which it
/// sleeps 0.1 / 0.9. The rest is held back: 1 - 0.3 - 0.25824 / 9 = 0.67131.
#[test]
fn a_limit_on_slow_threads() {
    let entry = Entry { vcpus: 2, duty: 0.9, burst: 0.005, weight: 1000.0, reserved: 0.0, cap: 0.3 };
    let core = pool::Capacity { cores: 1.0, threads: 2.0, ht_gain: 1.25 };
    let profile = CpuProfile { misplaced: 0.0, short_bursts: 0.0, ..cpu_profile("kvm") };
    let met = solve(&profile, core, &[entry], &mut Cache::new())[0];
    assert!((met.run - 0.3).abs() < 1e-6 && (met.ready - 0.67130).abs() < 2e-5, "{met:?}");
}

/// Co-stop renames waiting and adds none; only ESXi has it, and wider VMs have more of it.
#[test]
fn co_stop_is_part_of_the_wait() {
    let play = |name: &str| {
        let mut bench = Bench::new(name, (1, 16, 1), 0);
        (0..4).for_each(|i| bench.place(i, 1 << i, 0.6, Some(0)));
        bench.place(4, 12, 0.6, Some(0));
        bench.play(1);
        bench
    };
    let (esxi, kvm) = (play("esxi_san"), play("kvm"));
    let share = |vm: u32| esxi.cpu.contention(VmId(vm)).co_stop / esxi.total(vm);
    assert_eq!(share(0), 0.0);
    assert!(share(1) > 0.0 && share(2) > share(1) && share(3) > share(2));
    for vm in 0..5 {
        assert_eq!(kvm.cpu.contention(VmId(vm)).co_stop, 0.0);
        assert!((esxi.total(vm) - kvm.total(vm)).abs() < 1e-12, "the pool decides the total");
    }
}

/// A VM that spans two nodes, one of them crowded, meets the mean of both.
#[test]
fn a_wide_vm_meets_the_mean_of_its_nodes() {
    let mut bench = Bench::new("esxi_san", (2, 4, 1), 0);
    bench.place(0, 6, 0.5, None);
    (1..4).for_each(|vm| bench.place(vm, 4, 0.4, Some(1)));
    bench.place(4, 1, 0.5, Some(0));
    bench.play(1);
    let (quiet, wide) = (bench.total(4), bench.total(0));
    let crowded = bench.total(1);
    assert!(quiet < wide && wide < crowded, "{quiet} {wide} {crowded}");
}

/// Storage work of the controller VM makes guests wait, its own stretch follows its weight, and stolen
/// cycles stretch it once more and load the pool; what it does without any I/O loads it as well.
#[test]
fn a_controller_vm_contends_and_is_protected_by_its_weight() {
    let play = |cores: f64, stolen: f64| {
        let mut bench = Bench::new("ahv", (2, 16, 1), 12);
        (0..28).for_each(|vm| bench.place(vm, 4, 0.24, None));
        bench.act(|cpu, cx| {
            cpu.set_cvm_load(HOST, cores, cx);
            cpu.set_stolen(Side::Target, stolen, cx);
        });
        bench.play(1);
        (bench.total(0), bench.cpu.cvm(HOST))
    };
    let (before, idle) = play(0.0, 0.0);
    let (after, busy) = play(6.0, 0.0);
    assert!(after > 2.0 * before && before > 0.0, "{before} {after}");
    assert_eq!((idle.busy, busy.busy), (0.0, 0.5));
    let waited = 1.0 - 1.0 / busy.stretch;
    assert!(waited < after, "a weight of 4: {waited} against {after}");
    // A quarter stolen: a third more time for the same work, and as much more of it in the pool.
    let (crowded, starved) = play(6.0, 0.25);
    assert!(starved.stretch >= busy.stretch / 0.75 - 1e-9, "{starved:?}");
    assert!(crowded > after, "{crowded} {after}: what is stolen runs on the same CPUs");
}

/// All that a burst of 100 us waits, it waits when it wakes: it does not stretch work once more.
#[test]
fn a_wait_is_paid_once() {
    let mut bench = Bench::new("ahv", (2, 16, 1), 12);
    (0..28).for_each(|vm| bench.place(vm, 4, 0.28, None));
    bench.act(|cpu, cx| cpu.set_cvm_load(HOST, 3.0, cx));
    assert_eq!(bench.play(1), 1);
    let host = &bench.cpu.hosts[HOST.index()];
    let met = *host.cvm();
    let woken = met.cycles * met.wait * met.wait_mean;
    assert!(met.ready > 0.0 && woken > 0.5 * met.ready, "{met:?}");
    assert!((met.preempted() - (met.ready - woken).max(0.0)).abs() < 1e-15);
    assert!((bench.cpu.cvm(HOST).stretch - 1.0 / (1.0 - met.preempted())).abs() < 1e-12);
    // Cycles stolen now are felt now.
    bench.act(|cpu, cx| cpu.set_stolen(Side::Target, 0.3, cx));
    assert_eq!(bench.play(2), 1);
    assert!(bench.total(0) > 0.0 && bench.cpu.cvm(HOST).stretch >= 1.0 / 0.7);
}

/// Hypervisor work takes CPUs away from everybody, and a dead host has no contention.
#[test]
fn system_load_and_a_dead_host() {
    let mut bench = Bench::new("kvm", (1, 8, 1), 0);
    (0..4).for_each(|vm| bench.place(vm, 4, 0.4, None));
    bench.play(1);
    let before = bench.total(0);
    bench.act(|cpu, cx| cpu.set_system_load(HOST, 2.0, cx));
    bench.play(2);
    assert!(bench.total(0) > 1.5 * before);
    bench.act(|cpu, cx| cpu.fail_host(HOST, cx));
    assert_eq!(bench.cpu.contention(VmId(0)), Contention::default());
    bench.act(|cpu, cx| cpu.repair_host(HOST, cx));
    bench.place(0, 4, 0.4, None);
    bench.play(3);
    assert_eq!(bench.total(0), 0.0, "four vCPUs on eight CPUs never wait");
}

/// A wake-up costs the dispatch latency, and waits with the probability it should: exponentially, at most
/// a slice. 40,000 draws know a probability of 0.5 to 0.0025.
#[test]
fn wakes_wait_as_often_as_they_should() {
    let mut bench = Bench::new("kvm", (1, 16, 1), 0);
    (0..16).for_each(|vm| bench.place(vm, 4, 0.235, None));
    bench.play(1);
    let probability = bench.cpu.contention(VmId(0)).wait_probability;
    assert!(probability > 0.3 && probability < 0.7, "{probability}");
    let mut luck = Streams::new(Seed(5), 0).stream("wakes", "test");
    let wakes: Vec<Span> = (0..40_000).map(|_| bench.cpu.vm_wake(VmId(0), &mut luck)).collect();
    let profile = cpu_profile("kvm");
    let waited: Vec<&Span> = wakes.iter().filter(|w| **w > profile.wake).collect();
    assert!((waited.len() as f64 / 40_000.0 - probability).abs() < 0.01);
    // Scheduling points: 15 CPUs busy, each ending a burst of 5 ms or a slice of 2.8 ms: about 8,400 a
    // second, so 2.5 of them are 0.3 ms.
    let mean = waited.iter().map(|w| w.as_secs()).sum::<f64>() / waited.len() as f64;
    assert!(mean > 0.27e-3 && mean < 0.36e-3, "{mean}");
    assert!(wakes.iter().all(|&w| w <= profile.wake + profile.slice));
}

#[test]
fn samples_come_every_20_s_for_those_that_run() {
    let mut bench = Bench::new("esxi_san", (1, 4, 1), 0);
    bench.place(0, 4, 0.9, Some(0));
    bench.place(1, 4, 0.9, Some(0));
    bench.act(|cpu, cx| cpu.start(cx));
    // One settle and three samples.
    assert_eq!(bench.play(61), 4);
    for metric in [Metric::CpuReady, Metric::CoStop, Metric::ReadyCoStop] {
        assert!(bench.record.histogram(metric, Side::Target, crate::metric::Phase::TargetSteady).is_some());
    }
    assert_eq!(Event::Sample.class(), Class::Sampling);
    assert_eq!(Event::Settle.class(), Class::Settle);
}

/// A burst is short by exp(-length / (slice x `short_below`)): where slices of a thousandth part short from
/// long, one of a tenth of a slice is as long as any, and waits as if nothing were short. A hypervisor that
/// takes more than the whole of 20 cores leaves guests the share that they keep: 2 cores of a tenth.
#[test]
fn the_profile_says_what_is_short_and_what_guests_keep() {
    let met = |short_bursts: f64, short_below: f64| {
        let profile = CpuProfile { short_bursts, short_below, ..cpu_profile("kvm") };
        let burst = 0.1 * profile.slice.as_secs();
        let entry = Entry { vcpus: 16, duty: 0.3, burst, weight: 1000.0, reserved: 0.0, cap: 1.0 };
        solve(&profile, Capacity::cpus(4), &[entry], &mut Cache::new())[0]
    };
    assert_eq!(met(1.0, 1e-3), met(0.0, 0.25));
    assert!(met(1.0, 0.25) != met(0.0, 0.25));
    assert_eq!(Capacity::cpus(20).less(30.0, 0.1).cores, 2.0);
}
