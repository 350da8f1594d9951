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
//! hog is simply duty 1, and every operation is a sum of positive terms, so that even a tiny ready time is
//! exact to a few units in the last place.
//!
//! O(K^2) for K vCPUs at worst, O(K) if all are equal: vCPUs of one duty are one *kind* and enter as a
//! binomial. A tree halves the kinds: upwards go distributions of the number active, downwards what each
//! number is worth given everybody on the other side. Kinds are taken in the order of their duty, so that
//! the bits of the result depend on the population only, neither on who is who nor on how it came about.

use sim_core::mutant::Mutant;

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

    /// What is left when hypervisor work of higher priority keeps `busy` cores. Never less than the share
    /// `least`: such work yields before a host stands still.
    pub fn less(self, busy: f64, least: f64) -> Capacity {
        let left = (1.0 - busy / self.cores).clamp(least, 1.0);
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

    /// The same vCPU when each cycle waits so many times the work that it does.
    pub fn waiting_in_all(self, per_work: f64) -> Share {
        let sleep = (1.0 - self.run - self.ready).max(0.0);
        let cycle = self.run * (1.0 + per_work) + sleep;
        Share { run: self.run / cycle, ready: self.run * per_work / cycle, wait: self.wait }
    }

    /// The same vCPU when it runs for at least the part `floor` of the time in which it could; 0 for no floor.
    pub fn at_least(self, floor: f64) -> Share {
        let longest = if floor > 0.0 { 1.0 / floor - 1.0 } else { f64::INFINITY };
        if self.run > 0.0 && self.ready > longest * self.run { self.waiting_in_all(longest) } else { self }
    }
}

/// Solves a pool: one share per member, in their order. A member of duty 0 contributes exactly nothing.
pub fn solve(capacity: Capacity, members: &[Member]) -> Vec<Share> {
    let runs = |m: &Member| m.duty > 0.0 && m.vcpus > 0;
    let mut order = Vec::with_capacity(members.len());
    order.extend((0..members.len()).filter(|&i| runs(&members[i])));
    order.sort_unstable_by(|&a, &b| members[a].duty.total_cmp(&members[b].duty).then(a.cmp(&b)));
    let mut kinds: Vec<Member> = Vec::with_capacity(order.len());
    let mut kind_of = vec![None; members.len()];
    for i in order {
        match kinds.last_mut() {
            Some(last) if last.duty == members[i].duty => last.vcpus += members[i].vcpus,
            _ => kinds.push(members[i]),
        }
        kind_of[i] = Some(kinds.len() - 1);
    }
    let (shares, onlooker) = shares(capacity, &kinds);
    kind_of.into_iter().map(|kind| kind.map_or(onlooker, |k| shares[k])).collect()
}

/// Shares of each kind, and of a vCPU outside the pool that wakes once.
fn shares(capacity: Capacity, kinds: &[Member]) -> (Vec<Share>, Share) {
    let tilt = tilt(&capacity, kinds);
    let tilted: Vec<Kind> = kinds.iter().map(|m| (m.vcpus as usize, tilted(m.duty, tilt.factor))).collect();
    let tree = Tree::above(&tilted);
    let k = tree.law(tree.root()).len() - 1;
    let mut worth = worths(&capacity, &tilt, k);
    let [weights, _, full] = thirds(&worth);
    let wait = dot(tree.law(tree.root()), full) / dot(tree.law(tree.root()), weights);
    worth.resize(tree.room(tree.root()), 0.0);
    let mut shares = Vec::with_capacity(kinds.len());
    if !kinds.is_empty() {
        tree.share_out(tree.root(), &mut worth, &mut shares);
    }
    (shares, Share { wait, ..Share::default() })
}

/// Zeros before and after each law.
const MARGIN: usize = 3;

/// (vCPUs, tilted duty).
type Kind = (usize, f64);

/// Kinds, halved again and again.
struct Tree {
    nodes: Vec<Node>,
    /// How many are active without contention: the law of each node, one after the other, each between
    /// [`MARGIN`] zeros, so that sums over a few terms need no borders.
    laws: Vec<f64>,
}

struct Node {
    /// Where its law begins, and the vCPUs it covers.
    at: usize,
    vcpus: usize,
    below: Below,
}

enum Below {
    Kind(f64),
    Halves(usize, usize),
}

impl Tree {
    fn above(kinds: &[Kind]) -> Tree {
        let (vcpus, nodes) = (kinds.iter().map(|kind| kind.0).sum::<usize>(), 2 * kinds.len() + 1);
        let levels = kinds.len().max(1).ilog2() as usize + 2;
        let floats = vcpus * levels + nodes * (2 * MARGIN + 1);
        let mut tree = Tree { nodes: Vec::with_capacity(nodes), laws: Vec::with_capacity(floats) };
        if kinds.is_empty() {
            tree.nodes.push(Node { at: MARGIN, vcpus: 0, below: Below::Kind(0.0) });
            tree.laws.extend([0.0; MARGIN].into_iter().chain([1.0]).chain([0.0; MARGIN]));
        } else {
            tree.grow(kinds);
        }
        tree
    }

    fn root(&self) -> usize {
        self.nodes.len() - 1
    }

    fn law(&self, node: usize) -> &[f64] {
        let Node { at, vcpus, .. } = self.nodes[node];
        &self.laws[at..=at + vcpus]
    }

    /// How much `share_out` needs: worths from here down to a kind, and the law of that one's fellows.
    fn room(&self, node: usize) -> usize {
        let Node { vcpus, ref below, .. } = self.nodes[node];
        let more = match *below {
            Below::Kind(_) => vcpus,
            Below::Halves(left, right) => self.room(left).max(self.room(right)),
        };
        3 * room(vcpus) + more
    }

    /// Appends the nodes of some kinds, their root last.
    fn grow(&mut self, kinds: &[Kind]) -> usize {
        let vcpus: usize = kinds.iter().map(|kind| kind.0).sum();
        let below = if let [(_, duty)] = *kinds {
            Below::Kind(duty)
        } else {
            let (left, right) = kinds.split_at(middle(kinds, vcpus));
            Below::Halves(self.grow(left), self.grow(right))
        };
        let start = self.laws.len();
        let at = start + MARGIN;
        self.laws.resize(at + vcpus + 1 + MARGIN, 0.0);
        let (laws, law) = self.laws.split_at_mut(start);
        let law = &mut law[MARGIN..=MARGIN + vcpus];
        match below {
            Below::Kind(duty) => binomial(duty, law),
            Below::Halves(left, right) => {
                let of = |node: usize| {
                    let Node { at, vcpus, .. } = self.nodes[node];
                    &laws[at - MARGIN..=at + vcpus + MARGIN]
                };
                convolve(of(left), of(right), law);
            }
        }
        self.nodes.push(Node { at, vcpus, below });
        self.nodes.len() - 1
    }

    /// Appends the share of each kind below a node. `worth` begins with what each number active there is
    /// worth; the rest is scratch.
    fn share_out(&self, node: usize, worth: &mut [f64], shares: &mut Vec<Share>) {
        let Node { vcpus, ref below, .. } = self.nodes[node];
        let (mine, scratch) = worth.split_at_mut(3 * room(vcpus));
        match *below {
            Below::Kind(duty) => {
                binomial(duty, &mut scratch[..vcpus]);
                shares.push(share(duty, &scratch[..vcpus], thirds(mine)));
            }
            Below::Halves(left, right) => {
                for (half, other) in [(left, right), (right, left)] {
                    correlate(thirds(mine), self.law(other), self.nodes[half].vcpus + 1, scratch);
                    self.share_out(half, scratch, shares);
                }
            }
        }
    }
}

/// Floats that each vector of worths of so many vCPUs takes: some more than there are numbers, so that four
/// can be worked on at a time.
fn room(vcpus: usize) -> usize {
    vcpus + 4
}

/// Where kinds of so many vCPUs in all are halved.
fn middle(kinds: &[Kind], vcpus: usize) -> usize {
    let (mut split, mut left) = (0, 0);
    while split + 1 < kinds.len() && 2 * left < vcpus {
        left += kinds[split].0;
        split += 1;
    }
    split
}

/// What each number of active vCPUs is worth under the tilt, three vectors one after the other: the weight
/// of that number; the weight with one more active, times the share of time in which that one is not
/// running; the weight where one more would find no thread, else 0.
fn worths(capacity: &Capacity, tilt: &Tilt, k: usize) -> Vec<f64> {
    let mut worth = weights(capacity, tilt, k);
    worth.resize(room(k), 0.0);
    let threads = capacity.threads + if Mutant::ThreadTooMany.lives() { 1.0 } else { 0.0 };
    let beyond = |n: usize| n as f64 + 1.0 > threads + 1e-9;
    let not_running = |n: usize| 1.0 - threads / (n as f64 + 1.0);
    for n in 0..=k {
        worth.push(if n < k && beyond(n) { worth[n + 1] * not_running(n) } else { 0.0 });
    }
    worth.resize(2 * room(k), 0.0);
    for n in 0..=k {
        worth.push(if beyond(n) { worth[n] } else { 0.0 });
    }
    worth.resize(3 * room(k), 0.0);
    worth
}

fn thirds(worth: &[f64]) -> [&[f64]; 3] {
    let each = worth.len() / 3;
    [&worth[..each], &worth[each..2 * each], &worth[2 * each..]]
}

/// The share of one vCPU of the only kind left, given the law of its fellows.
fn share(duty: f64, fellows: &[f64], [weights, late, full]: [&[f64]; 3]) -> Share {
    let idle = dot(fellows, weights);
    let active = duty * dot(fellows, &weights[1..]);
    let all = (1.0 - duty) * idle + active;
    let ready = duty * dot(fellows, late) / all;
    assert!(all > 0.0 && ready.is_finite(), "a pool's probabilities left the range of floats");
    Share { run: active / all - ready, ready, wait: dot(fellows, full) / idle }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `out[n] = sum_j by[j] from[n + j]` for all `n < numbers` and each of three vectors, terms in the order of
/// `j`. A solve spends its time here: a block of sums at a time stays in registers.
fn correlate(from: [&[f64]; 3], by: &[f64], numbers: usize, out: &mut [f64]) {
    let each = room(numbers - 1);
    let (first, rest) = out[..3 * each].split_at_mut(each);
    let (second, third) = rest.split_at_mut(each);
    let mut out = [first, second, third];
    let mut n = 0;
    while n + 2 < numbers {
        block::<4>(from, by, n, &mut out);
        n += 4;
    }
    if n < numbers {
        block::<2>(from, by, n, &mut out);
    }
}

/// `W` sums of each vector from the `n`-th on.
#[inline(always)]
fn block<const W: usize>(from: [&[f64]; 3], by: &[f64], n: usize, out: &mut [&mut [f64]; 3]) {
    let mut sums = [[0.0; W]; 3];
    let [a, b, c] = from.map(|from| from[n..n + by.len() + W - 1].windows(W));
    for (&p, ((a, b), c)) in by.iter().zip(a.zip(b).zip(c)) {
        for i in 0..W {
            sums[0][i] += p * a[i];
            sums[1][i] += p * b[i];
            sums[2][i] += p * c[i];
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        out[n..n + W].copy_from_slice(sums);
    }
}

/// Law of the sum of two independent counts, both between margins; `out` is 0 and has none. Sums run in the
/// order of the shorter law.
fn convolve(a: &[f64], b: &[f64], out: &mut [f64]) {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let short = &short[MARGIN..short.len() - MARGIN];
    let fours = short.chunks_exact(4);
    let rest = fours.remainder();
    let mut done = 0;
    for by in fours {
        let by = <&[f64; 4]>::try_from(by).expect("four at a time");
        spread(long, by, &mut out[done..]);
        done += 4;
    }
    match *rest {
        [a] => spread(long, &[a], &mut out[done..]),
        [a, b] => spread(long, &[a, b], &mut out[done..]),
        [a, b, c] => spread(long, &[a, b, c], &mut out[done..]),
        _ => {}
    }
}

/// `out[n] += sum_j by[j] long[n - j]`, `long` between margins.
#[inline(always)]
fn spread<const N: usize>(long: &[f64], by: &[f64; N], out: &mut [f64]) {
    let long = &long[MARGIN + 1 - N..long.len() - (MARGIN + 1 - N)];
    for (out, from) in out.iter_mut().zip(long.windows(N)) {
        *out = (0..N).fold(*out, |sum, j| sum + by[j] * from[N - 1 - j]);
    }
}

/// Law of how many of `law.len() - 1` vCPUs are active when each is with probability `duty`, built outwards
/// from its mode so that nothing that matters underflows.
fn binomial(duty: f64, law: &mut [f64]) {
    let vcpus = law.len() - 1;
    let mode = (((vcpus + 1) as f64 * duty) as usize).min(vcpus);
    // odds(n) = P(n) / P(n - 1); infinite below the mode of hogs, which is all of them.
    let odds = |n: usize| (vcpus + 1 - n) as f64 * duty / (n as f64 * (1.0 - duty));
    law[mode] = 1.0;
    for n in mode + 1..=vcpus {
        law[n] = law[n - 1] * odds(n);
    }
    for n in (0..mode).rev() {
        law[n] = law[n + 1] / odds(n + 1);
    }
    let total: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= total);
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
    for _ in 0..12 {
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
    // A pure number: what multiplies such a weight is below 1e-280 of its value at the peak, and a sum of
    // some thousand such weights is still a float.
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
