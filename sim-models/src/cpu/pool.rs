//! Ready time of vCPUs that share a pool of CPUs equally: a closed form, no quantum is simulated.
//!
//! ```text
//!   think (mean Z) ---> runnable: N active vCPUs share phi(N) CPUs equally ---> think ...
//!   duty d = b / (b + Z) alone,  r = d / (1 - d)
//!   P(N = n)  ~  e_n(r) n! / prod_{j <= n} phi(j)          e_n: elementary symmetric polynomial
//! ```
//!
//! This is a finite-source processor-sharing station, a BCMP product form, insensitive to the laws of
//! bursts and thinks (Baskett, Chandy, Muntz, Palacios 1975). A wake-up sees the pool as if its own vCPU
//! did not exist (arrival theorem).
//!
//! Numbers stay in range by *tilting* instead of logarithms: `e_n(s r) = s^n e_n(r)`, so the factor `s^n`
//! can be moved into the weights at will, and `s` is chosen such that the distribution of the number of
//! vCPUs that would be active without contention peaks where `P` does. Duties then stay probabilities, a
//! hog is simply duty 1, and every operation is a sum of positive terms. O(K^2) for K vCPUs.

/// What a pool can do: cores, hardware threads and what the second thread of a core adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Cores, possibly a fraction where part of them is taken.
    pub cores: f64,
    /// Hardware threads; ready time starts beyond this many active vCPUs.
    pub threads: f64,
    /// Work of a core with both threads busy over that of a core with one, at least 1.
    pub ht_gain: f64,
}

impl Capacity {
    /// So many CPUs without hyper-threading.
    pub fn cpus(cores: u32) -> Capacity {
        Capacity { cores: f64::from(cores), threads: f64::from(cores), ht_gain: 1.0 }
    }

    /// What is left when hypervisor work of higher priority keeps `busy` cores. Never less than a
    /// twentieth: such work yields before a host stands still (assumed).
    pub fn less(self, busy: f64) -> Capacity {
        let left = (1.0 - busy / self.cores).clamp(0.05, 1.0);
        Capacity { cores: self.cores * left, threads: self.threads * left, ..self }
    }

    /// Work done per second with `n` vCPUs active, in cores.
    pub fn phi(&self, n: f64) -> f64 {
        if n <= self.cores {
            return n;
        }
        self.cores + (self.ht_gain - 1.0) * (n.min(self.threads) - self.cores)
    }

    /// Threads busy with `n` vCPUs active.
    pub fn running(&self, n: f64) -> f64 {
        n.min(self.threads)
    }
}

/// vCPUs that behave alike, usually those of one VM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// How many.
    pub vcpus: u32,
    /// Busy share of each when nothing makes it wait, 0 to 1; 1 never sleeps.
    pub duty: f64,
}

/// How one vCPU spends its time; the rest is sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// On a hardware thread.
    pub run: f64,
    /// Runnable but not running.
    pub ready: f64,
    /// Probability that a wake-up finds every thread taken.
    pub wait: f64,
}

impl Share {
    /// The same vCPU when the wait of each of its cycles is multiplied by `factor`; work and thinking of a
    /// cycle stay what they are.
    pub fn waiting_times(self, factor: f64) -> Share {
        let sleep = (1.0 - self.run - self.ready).max(0.0);
        let cycle = self.run + self.ready * factor + sleep;
        Share { run: self.run / cycle, ready: self.ready * factor / cycle, wait: self.wait }
    }
}

/// Solves a pool: one share per member, in their order. A member of duty 0 contributes exactly nothing.
pub fn solve(capacity: Capacity, members: &[Member]) -> Vec<Share> {
    let busy: Vec<Member> = members.iter().copied().filter(|m| m.duty > 0.0 && m.vcpus > 0).collect();
    let mut solved = Pool::new(capacity, &busy).shares().into_iter();
    // Whoever never runs still has a chance to wait if it woke: that of one more vCPU.
    let onlooker = if busy.len() < members.len() { onlooker(capacity, &busy) } else { Share::default() };
    members
        .iter()
        .map(|m| if m.duty > 0.0 && m.vcpus > 0 { solved.next().expect("one share each") } else { onlooker })
        .collect()
}

/// A vCPU outside the pool that wakes once.
fn onlooker(capacity: Capacity, busy: &[Member]) -> Share {
    let pool = Pool::new(capacity, busy);
    let active = pool.convolve_all();
    let all = dot(&active, &pool.weights);
    let wait = dot(&active, &pool.full) / all;
    Share { run: 0.0, ready: 0.0, wait }
}

struct Pool {
    /// (vCPUs, tilted duty) of each member.
    members: Vec<(usize, f64)>,
    /// Weight of each number of active vCPUs under the tilt.
    weights: Vec<f64>,
    /// The same times the running share of one active vCPU.
    running: Vec<f64>,
    /// The same where one more vCPU would find no thread.
    full: Vec<f64>,
}

impl Pool {
    fn new(capacity: Capacity, busy: &[Member]) -> Pool {
        let tilt = tilt(&capacity, busy);
        let members: Vec<(usize, f64)> =
            busy.iter().map(|m| (m.vcpus as usize, tilted(m.duty, tilt.factor))).collect();
        let k: usize = members.iter().map(|m| m.0).sum();
        let weights = weights(&capacity, &tilt, k);
        let running = (0..=k).map(|n| weights[n] * capacity.running(n as f64) / (n.max(1) as f64)).collect();
        let full = (0..=k)
            .map(|n| if n as f64 + 1.0 > capacity.threads + 1e-9 { weights[n] } else { 0.0 })
            .collect();
        Pool { members, weights, running, full }
    }

    fn convolve_all(&self) -> Vec<f64> {
        let mut active = vec![1.0];
        for &(vcpus, duty) in &self.members {
            (0..vcpus).for_each(|_| one_more(&mut active, duty));
        }
        active
    }

    /// Shares by a forward pass (who is active among the members before) and a backward one (what each
    /// number of active vCPUs is worth, given the members after).
    fn shares(mut self) -> Vec<Share> {
        let mut before = Vec::with_capacity(self.members.len());
        let mut active = vec![1.0];
        for &(vcpus, duty) in &self.members {
            before.push(active.clone());
            (0..vcpus).for_each(|_| one_more(&mut active, duty));
        }
        let mut shares = vec![Share::default(); self.members.len()];
        for i in (0..self.members.len()).rev() {
            let (vcpus, duty) = self.members[i];
            let top = before[i].len() + vcpus - 1;
            (0..vcpus - 1).for_each(|j| self.one_back(duty, top - j));
            shares[i] = self.share(&before[i], duty);
            self.one_back(duty, before[i].len());
        }
        shares
    }

    /// The share of one vCPU of this duty when `before` and the worth vectors stand for all others.
    fn share(&self, before: &[f64], duty: f64) -> Share {
        let idle = dot(before, &self.weights);
        let active = duty * dot(before, &self.weights[1..]);
        let all = (1.0 - duty) * idle + active;
        let run = duty * dot(before, &self.running[1..]) / all;
        assert!(all > 0.0 && run.is_finite(), "a pool's probabilities left the range of floats");
        Share { run, ready: (active / all - run).max(0.0), wait: dot(before, &self.full) / idle }
    }

    /// Takes one vCPU into the worth of the first `top` counts.
    fn one_back(&mut self, duty: f64, top: usize) {
        for worth in [&mut self.weights, &mut self.running, &mut self.full] {
            for n in 0..top {
                worth[n] = (1.0 - duty) * worth[n] + duty * worth[n + 1];
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Adds a vCPU that is active with probability `duty` to the distribution of the number active.
fn one_more(active: &mut Vec<f64>, duty: f64) {
    active.push(0.0);
    for n in (1..active.len()).rev() {
        active[n] = (1.0 - duty) * active[n] + duty * active[n - 1];
    }
    active[0] *= 1.0 - duty;
}

fn tilted(duty: f64, factor: f64) -> f64 {
    factor * duty / (1.0 - duty + factor * duty)
}

struct Tilt {
    factor: f64,
    /// Where the tilted number of active vCPUs has its mean.
    peak: f64,
}

/// The tilt under which the mean number active solves `m / phi(m) = s`: there neighbouring states of the
/// pool are equally likely. The left side of `m(s) / s = phi(m(s))` falls and the right one rises in `s`,
/// so bisection finds the only root; a rough one will do, the result does not depend on it.
fn tilt(capacity: &Capacity, busy: &[Member]) -> Tilt {
    let mean =
        |s: f64| -> f64 { busy.iter().map(|m| f64::from(m.vcpus) * tilted(m.duty, s)).sum::<f64>().max(1.0) };
    let k: f64 = busy.iter().map(|m| f64::from(m.vcpus)).sum();
    let (mut low, mut high) = (1.0f64, (k.max(1.0) / capacity.phi(k.max(1.0))).max(1.0));
    for _ in 0..30 {
        let s = 0.5 * (low + high);
        let m = mean(s);
        if m > s * capacity.phi(m) { low = s } else { high = s }
    }
    let factor = 0.5 * (low + high);
    Tilt { factor, peak: mean(factor) }
}

/// `n! / prod phi(j) / s^n`, scaled to 1 at the peak. Far from it the weights may exceed any float while
/// the probability they multiply is zero: they are held at a bound that cannot matter.
fn weights(capacity: &Capacity, tilt: &Tilt, k: usize) -> Vec<f64> {
    const BOUND: f64 = 1e280;
    let peak = (tilt.peak as usize).min(k);
    let mut weights = vec![1.0; k + 1];
    let step = |n: usize| n as f64 / (capacity.phi(n as f64) * tilt.factor);
    for n in peak + 1..=k {
        weights[n] = (weights[n - 1] * step(n)).min(BOUND);
    }
    for n in (0..peak).rev() {
        weights[n] = (weights[n + 1] / step(n + 1)).min(BOUND);
    }
    weights
}
