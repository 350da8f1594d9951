//! Unequal shares: classes of vCPUs with weights and reservations on one pool.
//!
//! With unequal shares there is no product form. The counts `(n_1, .., n_k)` of active vCPUs per class are
//! a Markov chain: class *c* gains one at `(K_c - n_c) lambda_c` and loses one at the rate its share of the
//! CPUs allows. Two classes are solved by elimination ([`super::band`]). Three are solved by Gauss-Seidel
//! sweeps; after each sweep every class's marginal, which is a birth-death chain with known births, is set
//! to its exact balance (aggregation), so that classes of very different burst length converge together.
//! Where that would take too long each vCPU of the chain stands for several: only the *ratio* to the
//! closed form of the same lumped pool is used.

use super::band::Banded;
use super::pool::{self, Capacity, Member, Share};

/// Most classes a chain keeps apart: its states are their product (a bound on computing).
pub const MAX_CLASSES: usize = 3;

/// Bounds on computing, beyond which vCPUs are lumped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Most states with three classes.
    pub states: usize,
    /// With two classes, most states times the square of the smaller class.
    pub elimination: usize,
}

impl Effort {
    /// A few ten microseconds with two classes: what the pools of a cluster get, thousands of them a run.
    ///
    /// Lumping costs up to 0.03 of ready time where bursts and weights differ most: 15 vCPUs of duty 0.283 and
    /// bursts of 20 ms against 19 of 0.444, 2 ms and four times the weight, on eight CPUs, are ready for 0.588 of
    /// the time instead of 0.613.
    pub const QUICK: Effort = Effort { states: 4_000, elimination: 60_000 };

    /// A few milliseconds: what the one pool of a laboratory file gets. Two classes of 40 each stay as they are.
    pub const THOROUGH: Effort = Effort { states: 16_000, elimination: 4_000_000 };

    /// So many chains within it.
    pub fn shared_by(self, chains: usize) -> Effort {
        Effort { states: self.states / chains, elimination: self.elimination / chains }
    }
}

/// vCPUs of one weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// vCPUs.
    pub vcpus: u32,
    /// Mean duty when nothing makes them wait.
    pub duty: f64,
    /// Mean burst, seconds; only ratios between classes matter.
    pub burst: f64,
    /// Weight of one active vCPU, or of all active ones together if `grouped`.
    pub weight: f64,
    /// CPUs guaranteed to each active vCPU.
    pub reserved: f64,
    /// The weight belongs to the class as a whole, as to a cgroup with several runnable threads.
    pub grouped: bool,
}

/// Factor on the wait of each cycle, class by class, against equal shares: what weights do on top of the
/// closed form. 1 for a class that never waits either way.
pub fn wait_factors(capacity: Capacity, classes: &[Class], effort: Effort) -> Vec<f64> {
    let (capacity, classes) = lumped(capacity, classes, effort);
    let equal: Vec<Member> = classes.iter().map(|c| Member { vcpus: c.vcpus, duty: c.duty }).collect();
    let per_work = |s: &Share| if s.run > 0.0 { s.ready / s.run } else { 0.0 };
    let factor = |(weighted, equal): (&Share, &Share)| {
        let base = per_work(equal);
        if base < 1e-9 { 1.0 } else { (per_work(weighted) / base).min(1e3) }
    };
    solve(capacity, &classes).iter().zip(&pool::solve(capacity, &equal)).map(factor).collect()
}

/// Time shares of one vCPU of each class; `wait` is left 0.
pub fn solve(capacity: Capacity, classes: &[Class]) -> Vec<Share> {
    assert!(classes.len() <= MAX_CLASSES, "a chain keeps {MAX_CLASSES} classes apart");
    let mut chain = Chain::new(capacity, classes);
    if classes.len() <= 2 {
        chain.eliminate();
        return chain.shares();
    }
    let mut last = chain.shares();
    for _ in 0..500 {
        chain.aggregate();
        chain.sweep();
        let now = chain.shares();
        let moved = now.iter().zip(&last).map(|(a, b)| (a.run - b.run).abs() + (a.ready - b.ready).abs());
        let moved = moved.fold(0.0, f64::max);
        last = now;
        if moved < 1e-7 {
            break;
        }
    }
    last
}

fn lumped(capacity: Capacity, classes: &[Class], effort: Effort) -> (Capacity, Vec<Class>) {
    let mut lump = 1u32;
    let too_large = |lump: u32| {
        let levels = classes.iter().map(|c| c.vcpus.div_ceil(lump) as usize + 1);
        let (states, band) = (levels.clone().product::<usize>(), levels.min().unwrap_or(1));
        if classes.len() <= 2 { states * band * band > effort.elimination } else { states > effort.states }
    };
    while too_large(lump) {
        lump += 1;
    }
    let scale = f64::from(lump);
    let capacity = Capacity { cores: capacity.cores / scale, threads: capacity.threads / scale, ..capacity };
    let fewer = |c: &Class| {
        // A class that does not divide keeps its demand: fewer vCPUs, a little busier or less busy.
        let vcpus = c.vcpus.div_ceil(lump);
        let duty = (c.duty * f64::from(c.vcpus) / scale / f64::from(vcpus)).min(1.0);
        Class { vcpus, duty, ..*c }
    };
    (capacity, classes.iter().map(fewer).collect())
}

struct Chain {
    capacity: Capacity,
    classes: Vec<Class>,
    /// Think rate of each class; a hog thinks for a millionth of its burst.
    births: Vec<f64>,
    /// Distance of neighbours in each class's direction.
    strides: Vec<usize>,
    /// Active vCPUs of each class in each state.
    counts: Vec<[usize; MAX_CLASSES]>,
    /// Probability of each state.
    p: Vec<f64>,
    /// CPUs held by each class in each state.
    held: Vec<[f64; MAX_CLASSES]>,
    /// Rate at which each class loses one, in each state.
    deaths: Vec<[f64; MAX_CLASSES]>,
}

impl Chain {
    fn new(capacity: Capacity, classes: &[Class]) -> Chain {
        let births = classes.iter().map(|c| c.duty / (1.0 - c.duty).max(1e-6) / c.burst).collect();
        // Neighbours in the smallest class's direction lie side by side: the band is narrow.
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|&c| classes[c].vcpus);
        let mut strides = vec![0; classes.len()];
        let states = order.into_iter().fold(1, |stride, c| {
            strides[c] = stride;
            stride * (classes[c].vcpus as usize + 1)
        });
        let classes = classes.to_vec();
        let mut chain = Chain {
            capacity,
            classes,
            births,
            strides,
            counts: Vec::with_capacity(states),
            p: Vec::new(),
            held: Vec::with_capacity(states),
            deaths: Vec::with_capacity(states),
        };
        for state in 0..states {
            let mut counts = [0; MAX_CLASSES];
            for (c, class) in chain.classes.iter().enumerate() {
                counts[c] = state / chain.strides[c] % (class.vcpus as usize + 1);
            }
            chain.counts.push(counts);
            let held = chain.water_fill(state);
            chain.held.push(held);
            chain.deaths.push(chain.death_rates(state, held));
        }
        chain.p = vec![1.0 / states as f64; states];
        chain
    }

    fn count(&self, state: usize, class: usize) -> usize {
        self.counts[state][class]
    }

    fn active(&self, state: usize) -> f64 {
        (0..self.classes.len()).map(|c| self.count(state, c)).sum::<usize>() as f64
    }

    /// CPUs of each class: proportional to weight, nobody above one CPU per vCPU nor below what is
    /// reserved. Classes that hit a bound are frozen on the side on which more CPUs are at stake, and the
    /// rest is shared again: exact after at most one round per class.
    fn water_fill(&self, state: usize) -> [f64; MAX_CLASSES] {
        let k = self.classes.len();
        let n: [f64; MAX_CLASSES] = self.counts[state].map(|count| count as f64);
        let mut held = [0.0; MAX_CLASSES];
        let total = self.capacity.running(self.active(state));
        let guaranteed: f64 = (0..k).map(|c| n[c] * self.classes[c].reserved.min(1.0)).sum();
        let honoured = if guaranteed > total { total / guaranteed } else { 1.0 };
        let floor = |c: usize| n[c] * self.classes[c].reserved.min(1.0) * honoured;
        let weight = |c: usize| match self.classes[c] {
            Class { grouped: true, weight, .. } => weight,
            Class { weight, .. } => weight * n[c],
        };
        let mut open: [bool; MAX_CLASSES] = std::array::from_fn(|c| c < k && n[c] > 0.0);
        while open.contains(&true) {
            let frozen: f64 = (0..k).filter(|&c| !open[c]).map(|c| held[c]).sum();
            let weights: f64 = (0..k).filter(|&c| open[c]).map(weight).sum();
            let level = (total - frozen) / weights;
            let mut stake = 0.0;
            for c in (0..k).filter(|&c| open[c]) {
                held[c] = (level * weight(c)).max(floor(c)).min(n[c]);
                stake += held[c] - level * weight(c);
            }
            let before = open;
            for c in (0..k).filter(|&c| before[c]) {
                let bound = held[c] - level * weight(c);
                open[c] = bound == 0.0 || (stake > 1e-12 && bound < 0.0) || (stake < -1e-12 && bound > 0.0);
            }
            if open == before {
                break;
            }
        }
        held
    }

    fn death_rates(&self, state: usize, held: [f64; MAX_CLASSES]) -> [f64; MAX_CLASSES] {
        let n = self.active(state);
        let speed = if n > 0.0 { self.capacity.phi(n) / self.capacity.running(n) } else { 1.0 };
        let mut rates = [0.0; MAX_CLASSES];
        for (c, class) in self.classes.iter().enumerate() {
            rates[c] = held[c] * speed / class.burst;
        }
        rates
    }

    fn birth_rate(&self, class: usize, count: usize) -> f64 {
        (self.classes[class].vcpus as usize - count) as f64 * self.births[class]
    }

    fn eliminate(&mut self) {
        let band = self.strides.iter().copied().max().unwrap_or(1);
        let mut rates = Banded::new(self.p.len(), band);
        for state in 0..self.p.len() {
            for (c, &stride) in self.strides.iter().enumerate() {
                let n = self.count(state, c);
                if n > 0 {
                    rates.add(state, state - stride, self.deaths[state][c]);
                }
                if n < self.classes[c].vcpus as usize {
                    rates.add(state, state + stride, self.birth_rate(c, n));
                }
            }
        }
        self.p = rates.balance();
    }

    /// One Gauss-Seidel sweep: each state's probability from its neighbours' newest.
    fn sweep(&mut self) {
        for state in 0..self.p.len() {
            let (mut inflow, mut out) = (0.0, 0.0);
            for c in 0..self.classes.len() {
                let (n, stride) = (self.count(state, c), self.strides[c]);
                let birth = self.birth_rate(c, n);
                out += birth + self.deaths[state][c];
                if n > 0 {
                    inflow += self.p[state - stride] * self.birth_rate(c, n - 1);
                }
                if birth > 0.0 || n < self.classes[c].vcpus as usize {
                    inflow += self.p[state + stride] * self.deaths[state + stride][c];
                }
            }
            if out > 0.0 {
                self.p[state] = inflow / out;
            }
        }
    }

    /// Rescales the states so that each class's marginal balances: births depend on its own count only.
    fn aggregate(&mut self) {
        for c in 0..self.classes.len() {
            let levels = self.classes[c].vcpus as usize + 1;
            let (mut mass, mut flow) = (vec![0.0; levels], vec![0.0; levels]);
            for state in 0..self.p.len() {
                let n = self.count(state, c);
                mass[n] += self.p[state];
                flow[n] += self.p[state] * self.deaths[state][c];
            }
            let target = birth_death(levels, |n| self.birth_rate(c, n), |n| flow[n] / mass[n].max(1e-300));
            for state in 0..self.p.len() {
                let n = self.count(state, c);
                self.p[state] *= target[n] / mass[n].max(1e-300);
            }
        }
    }

    fn shares(&self) -> Vec<Share> {
        let total: f64 = self.p.iter().sum();
        let share = |c: usize| {
            let (mut active, mut run) = (0.0, 0.0);
            for (state, p) in self.p.iter().enumerate() {
                active += p * self.count(state, c) as f64;
                run += p * self.held[state][c];
            }
            let each = total * f64::from(self.classes[c].vcpus.max(1));
            Share { run: run / each, ready: ((active - run) / each).max(0.0), wait: 0.0 }
        };
        (0..self.classes.len()).map(share).collect()
    }
}

/// Stationary distribution of a birth-death chain, kept in range while it is built.
fn birth_death(levels: usize, birth: impl Fn(usize) -> f64, death: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut p = vec![1.0; levels];
    for n in 1..levels {
        p[n] = p[n - 1] * birth(n - 1) / death(n).max(1e-300);
        if p[n] > 1e200 {
            p[..=n].iter_mut().for_each(|x| *x *= 1e-200);
        }
    }
    let total: f64 = p.iter().sum();
    p.iter().map(|x| x / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(vcpus: u32, duty: f64, weight: f64) -> Class {
        Class { vcpus, duty, burst: 0.005, weight, reserved: 0.0, grouped: false }
    }

    /// Equal weights: the chain must give the product form, whatever the bursts.
    #[test]
    fn equal_weights_are_the_closed_form() {
        let classes = [Class { burst: 0.0001, ..class(3, 0.4, 1.0) }, class(9, 0.3, 1.0)];
        let chain = solve(Capacity::cpus(4), &classes);
        let members = [Member { vcpus: 3, duty: 0.4 }, Member { vcpus: 9, duty: 0.3 }];
        for (a, b) in chain.iter().zip(pool::solve(Capacity::cpus(4), &members)) {
            assert!((a.run - b.run).abs() < 1e-5 && (a.ready - b.ready).abs() < 1e-5, "{a:?} {b:?}");
        }
    }

    /// Two cgroups on one CPU, 1024 with three workers and 4096 with one, all of duty 0.3: 19.6 / 34.7 %
    /// and 28.1 / 6.2 % run / ready (a Markov chain solved elsewhere; Linux 6.18 measured 20.7 / 37.8 and
    /// 25.4 / 6.3).
    #[test]
    fn two_cgroups_on_one_cpu() {
        let a = Class { grouped: true, ..class(3, 0.3, 1024.0) };
        let b = Class { grouped: true, ..class(1, 0.3, 4096.0) };
        let shares = solve(Capacity::cpus(1), &[a, b]);
        let percent = shares.iter().flat_map(|s| [s.run * 100.0, s.ready * 100.0]).collect::<Vec<_>>();
        for (got, want) in percent.iter().zip([19.6, 34.7, 28.1, 6.2]) {
            assert!((got - want).abs() < 0.1, "{percent:?}");
        }
    }

    /// Hogs share by weight exactly: 2 x 1 + 2 x 2 on one CPU run 1/6 and 1/3.
    #[test]
    fn hogs_share_by_weight() {
        let shares = solve(Capacity::cpus(1), &[class(2, 1.0, 1.0), class(2, 1.0, 2.0)]);
        assert!((shares[0].run - 1.0 / 6.0).abs() < 1e-4, "{shares:?}");
        assert!((shares[1].run - 1.0 / 3.0).abs() < 1e-4, "{shares:?}");
    }

    /// One vCPU with 0.6 of the CPU reserved against four hogs of equal weight: 0.6 and 0.1 each.
    #[test]
    fn a_reservation_is_a_floor() {
        let reserved = Class { reserved: 0.6, ..class(1, 1.0, 1.0) };
        let shares = solve(Capacity::cpus(1), &[reserved, class(4, 1.0, 1.0)]);
        assert!((shares[0].run - 0.6).abs() < 1e-4 && (shares[1].run - 0.1).abs() < 1e-4, "{shares:?}");
    }

    /// A controller VM of weight 4 waits much less than its neighbours, and work is conserved.
    #[test]
    fn a_weighty_class_waits_less_at_the_expense_of_the_others() {
        let classes = [Class { burst: 0.0001, ..class(8, 0.4, 4.0) }, class(72, 0.16, 1.0)];
        let factors = wait_factors(Capacity::cpus(16), &classes, Effort::QUICK);
        assert!(factors[0] < 0.2 && factors[1] > 1.0, "{factors:?}");
        let run: f64 = solve(Capacity::cpus(16), &classes)
            .iter()
            .zip(&classes)
            .map(|(s, c)| s.run * f64::from(c.vcpus))
            .sum();
        assert!(run < 16.0, "{run}");
    }

    /// 15 of duty 0.283 and 20 ms, 19 of 0.444 and 2 ms with four times the weight, on eight CPUs: by the whole chain,
    /// solved elsewhere by sweeps, the light ones are ready for 0.613 of the time; lumped, for up to 0.03 less.
    #[test]
    fn what_lumping_costs() {
        let light = Class { burst: 0.020, ..class(15, 0.283, 1.0) };
        let classes = [light, Class { burst: 0.002, ..class(19, 0.444, 4.0) }];
        let equal = pool::solve(Capacity::cpus(8), &classes.map(|c| Member { vcpus: c.vcpus, duty: c.duty }));
        let ready = |effort: Effort| {
            equal[0].waiting_times(wait_factors(Capacity::cpus(8), &classes, effort)[0]).ready
        };
        let (whole, lumped) = (ready(Effort::THOROUGH), ready(Effort::QUICK));
        assert!((whole - 0.613).abs() < 0.001, "{whole}");
        assert!(lumped < whole && lumped > whole - 0.03, "{lumped} {whole}");
    }

    /// A thousand vCPUs are lumped and still give a factor near that of a hundred at the same load.
    #[test]
    fn lumping_keeps_the_factor() {
        let factors = |scale: u32| {
            let classes = [class(10 * scale, 0.4, 4.0), class(60 * scale, 0.3, 1.0)];
            wait_factors(Capacity::cpus(20 * scale), &classes, Effort::QUICK)
        };
        let (small, large) = (factors(1), factors(10));
        assert!(small[0] < 0.3 && large[0] < 0.3, "{small:?} {large:?}");
        assert!((small[1] - large[1]).abs() < 0.15, "{small:?} {large:?}");
    }
}
