//! The slow twin of the closed form: M CPUs, one queue, quanta served round robin, every burst an event.

use super::pool::{Capacity, Member, Share, solve};
use sim_core::{Dist, Seed, Stream, Streams};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// vCPUs of one kind: how many, and the laws of their thinks and bursts in seconds.
struct Kind {
    vcpus: usize,
    think: Dist,
    burst: Dist,
}

fn kind(vcpus: u32, duty: f64, burst: Dist) -> Kind {
    let think = Dist::exponential(burst.mean() * (1.0 - duty) / duty).expect("a mean above 0");
    Kind { vcpus: vcpus as usize, think, burst }
}

struct Oracle {
    kinds: Vec<Kind>,
    /// Kind and work left, ns, of each vCPU.
    vcpus: Vec<(usize, u64)>,
    queue: VecDeque<(usize, u64)>,
    events: BinaryHeap<Reverse<(u64, usize, bool)>>,
    free: usize,
    run: Vec<u64>,
    ready: Vec<u64>,
    wakes: Vec<u64>,
    waits: Vec<u64>,
    luck: Stream,
}

/// Nanoseconds that a vCPU runs before the next one's turn: EEVDF's slice from 8 CPUs on, 0.7 ms x 4 (Linux
/// kernel/sched/fair.c). The closed form does not depend on it.
const QUANTUM: u64 = 2_800_000;

impl Oracle {
    fn new(cpus: usize, kinds: Vec<Kind>, seed: u64) -> Oracle {
        let n = kinds.len();
        let vcpus: Vec<(usize, u64)> =
            kinds.iter().enumerate().flat_map(|(k, kind)| vec![(k, 0); kind.vcpus]).collect();
        let luck = Streams::new(Seed(seed), 0).stream("oracle", "scheduler");
        let mut oracle = Oracle {
            kinds,
            vcpus,
            queue: VecDeque::new(),
            events: BinaryHeap::new(),
            free: cpus,
            run: vec![0; n],
            ready: vec![0; n],
            wakes: vec![0; n],
            waits: vec![0; n],
            luck,
        };
        (0..oracle.vcpus.len()).for_each(|i| oracle.think(i, 0));
        oracle
    }

    fn think(&mut self, i: usize, now: u64) {
        let think = self.kinds[self.vcpus[i].0].think.sample_span(&mut self.luck).0;
        self.events.push(Reverse((now + think, i, true)));
    }

    fn wake(&mut self, i: usize, now: u64) {
        let kind = self.vcpus[i].0;
        self.vcpus[i].1 = self.kinds[kind].burst.sample_span(&mut self.luck).0.max(1);
        self.wakes[kind] += 1;
        self.waits[kind] += u64::from(self.free == 0);
        self.queue.push_back((i, now));
    }

    fn dispatch(&mut self, now: u64) {
        while self.free > 0 {
            let Some((i, since)) = self.queue.pop_front() else { return };
            self.free -= 1;
            let (kind, left) = self.vcpus[i];
            self.ready[kind] += now - since;
            let slice = left.min(QUANTUM);
            self.run[kind] += slice;
            self.vcpus[i].1 = left - slice;
            self.events.push(Reverse((now + slice, i, false)));
        }
    }

    /// Shares per kind over so many events, after a tenth of them as warm-up.
    fn shares(mut self, events: usize) -> Vec<Share> {
        let mut start = 0;
        let mut now = 0;
        for step in 0..events {
            if step == events / 10 {
                start = now;
                for counts in [&mut self.run, &mut self.ready, &mut self.wakes, &mut self.waits] {
                    counts.iter_mut().for_each(|x| *x = 0);
                }
            }
            let Reverse((time, i, woke)) = self.events.pop().expect("vCPUs never end");
            now = time;
            match (woke, self.vcpus[i].1) {
                (true, _) => self.wake(i, now),
                (false, left) => {
                    self.free += 1;
                    if left == 0 { self.think(i, now) } else { self.queue.push_back((i, now)) }
                }
            }
            self.dispatch(now);
        }
        let share = |(k, kind): (usize, &Kind)| {
            let time = (now - start) as f64 * kind.vcpus as f64;
            let wait = self.waits[k] as f64 / self.wakes[k] as f64;
            Share { run: self.run[k] as f64 / time, ready: self.ready[k] as f64 / time, wait }
        };
        self.kinds.iter().enumerate().map(share).collect()
    }
}

fn exponential() -> Dist {
    Dist::exponential(0.005).expect("a mean above 0")
}

/// Equal vCPUs: ready within max(0.05 points, 2 %), run within 1 %, chance to wait within 3 %.
fn agrees(cpus: u32, vcpus: u32, duty: f64, burst: Dist, events: usize) {
    let slow = Oracle::new(cpus as usize, vec![kind(vcpus, duty, burst)], 7);
    let slow = slow.shares(events)[0];
    let fast = solve(Capacity::cpus(cpus), &[Member { vcpus, duty }])[0];
    let what = format!("{cpus} CPUs, {vcpus} x {duty}: {fast:?}, oracle {slow:?}");
    assert!((fast.ready - slow.ready).abs() <= (0.02 * slow.ready).max(0.0005), "{what}");
    assert!((fast.run - slow.run).abs() <= 0.01 * slow.run, "{what}");
    assert!((fast.wait - slow.wait).abs() <= (0.03 * slow.wait).max(0.005), "{what}");
}

#[test]
fn one_and_two_cpus() {
    agrees(1, 4, 0.2, exponential(), 3_000_000);
    agrees(2, 8, 0.25, exponential(), 4_000_000);
}

#[test]
fn four_cpus() {
    agrees(4, 16, 0.2, exponential(), 8_000_000);
    agrees(4, 32, 0.15, exponential(), 2_000_000);
}

#[test]
fn eight_cpus() {
    agrees(8, 32, 0.24, exponential(), 6_000_000);
    agrees(8, 64, 0.05, exponential(), 1_000_000);
}

#[test]
fn sixteen_cpus() {
    agrees(16, 64, 0.25, exponential(), 6_000_000);
    agrees(16, 32, 0.6, exponential(), 2_000_000);
}

#[test]
fn thirty_two_and_sixty_four_cpus() {
    agrees(32, 128, 0.26, exponential(), 4_000_000);
    agrees(64, 128, 0.55, exponential(), 4_000_000);
    agrees(64, 256, 0.3, exponential(), 1_000_000);
}

/// Ten random cases, drawn over 1 to 64 CPUs, 1 to 8 vCPUs per CPU and offered loads of 0.3 to 1.2.
fn random_cases(draw: &str) {
    let mut luck = Streams::new(Seed(11), 0).stream("oracle", draw);
    for _ in 0..10 {
        let cpus = libm::exp2(6.0 * luck.uniform()) as u32;
        let vcpus = ((f64::from(cpus) * (1.0 + 7.0 * luck.uniform())) as u32).max(2);
        let offered = 0.3 + 0.9 * luck.uniform();
        let duty = (offered * f64::from(cpus) / f64::from(vcpus)).min(0.95);
        agrees(cpus, vcpus, duty, exponential(), 2_000_000);
    }
}

#[test]
fn random_cases_to_ten() {
    random_cases("one to ten");
}

#[test]
fn random_cases_to_twenty() {
    random_cases("eleven to twenty");
}

#[test]
fn random_cases_to_thirty() {
    random_cases("twenty-one to thirty");
}

#[test]
fn random_cases_to_forty() {
    random_cases("thirty-one to forty");
}

/// Mean ready time does not depend on the law of bursts, as long as the quantum is short against them.
#[test]
fn constant_bursts() {
    agrees(4, 20, 0.2, Dist::constant(0.1).expect("finite"), 8_000_000);
}

/// The same with very variable bursts, of a coefficient of variation of 2.
#[test]
fn variable_bursts() {
    agrees(4, 20, 0.2, Dist::log_normal_mean_cv(0.02, 2.0).expect("finite"), 12_000_000);
}

/// Two duties and the same bursts: each kind's ready time within max(0.2 points, 5 %).
#[test]
fn two_duties_share_one_pool() {
    let kinds = vec![kind(16, 0.1, exponential()), kind(8, 0.7, exponential())];
    let slow = Oracle::new(8, kinds, 3).shares(4_000_000);
    let members = [Member { vcpus: 16, duty: 0.1 }, Member { vcpus: 8, duty: 0.7 }];
    for (fast, slow) in solve(Capacity::cpus(8), &members).iter().zip(slow) {
        assert!((fast.ready - slow.ready).abs() <= (0.05 * slow.ready).max(0.002), "{fast:?} {slow:?}");
    }
}
