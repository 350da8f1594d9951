//! What every vCPU of one pool meets, from what all of them ask for: pure functions of the pool.

pub use super::classes::Cache;

use super::classes::{floors, weigh};
use super::hogs;
use super::imbalance::wait_factor;
use super::pool::{self, Capacity, Member, Share};
use crate::profile::cpu::CpuProfile;
use sim_core::Span;

/// vCPUs that ask for the same, usually one VM's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// How many.
    pub vcpus: u32,
    /// Busy share of each when nothing makes it wait.
    pub duty: f64,
    /// Mean burst of work, seconds.
    pub burst: f64,
    /// Weight of one vCPU; guests have 1,000 unless told otherwise.
    pub weight: f64,
    /// CPUs guaranteed to each vCPU.
    pub reserved: f64,
    /// CPUs that each vCPU gets at most; 1 without a limit.
    pub cap: f64,
}

impl Entry {
    /// CPUs that its vCPUs ask for, within their limit.
    pub fn asked(&self) -> f64 {
        f64::from(self.vcpus) * self.duty.min(self.cap)
    }
}

/// What one vCPU of an entry meets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Met {
    /// Share of time on a hardware thread.
    pub run: f64,
    /// Share of time ready but not running, what a limit holds back included.
    pub ready: f64,
    /// A wake-up waits with this probability.
    pub wait: f64,
    /// Mean of that wait, seconds.
    pub wait_mean: f64,
    /// Bursts per second.
    pub cycles: f64,
}

impl Met {
    fn of(entry: &Entry, share: Share, wake: &Wake) -> Met {
        let Share { run, ready, .. } = share;
        Met { run, ready, wait: wake.chance, wait_mean: wake.mean, cycles: run / entry.burst }
    }

    /// Mean delay of its wake-ups, seconds.
    pub fn wake_mean(&self, profile: &CpuProfile) -> f64 {
        let cut = -libm::expm1(-profile.slice.as_secs() / self.wait_mean.max(1e-12));
        profile.wake.as_secs() + self.wait * self.wait_mean * cut
    }

    /// The delay, seconds, that a share `rank` of its wake-ups does not exceed.
    pub fn wake_quantile(&self, profile: &CpuProfile, rank: f64) -> f64 {
        let waited = wait_above(self.wait, self.wait_mean, profile.slice, 1.0 - rank);
        (profile.wake + waited).as_secs()
    }

    /// Share of time ready within bursts, the waits of wake-ups apart.
    pub fn preempted(&self) -> f64 {
        (self.ready - self.cycles * self.wait * self.wait_mean).max(0.0)
    }
}

/// An exponential wait of this mean, met with this chance, which no vCPU outlasts longer than a slice: the one that is
/// exceeded with chance `u`.
pub fn wait_above(chance: f64, mean: f64, slice: Span, u: f64) -> Span {
    if u > chance {
        return Span::ZERO;
    }
    let waited = Span::from_secs_f64(-mean * libm::log(u / chance));
    if waited > slice { slice } else { waited }
}

/// Rounds in which limited vCPUs come to ask for what leaves them their limit: each leaves a quarter of the
/// distance where one competes with another, and more where a limit is next to an equal share.
const LIMIT_ROUNDS: u32 = 200;

/// Solves a pool. Entries of duty 0 change nothing for the others.
///
/// A limit is a bandwidth: who is limited runs as others let it until it has had its share, and is held back
/// for the rest. The pool sees a vCPU that sleeps longer, by as much as leaves it its limit; where it does not
/// even get that, its limit does not bind. It counts time on a hardware thread, as `run` does: where the other
/// thread of a core makes work take longer, less work fits into a limit. vCPUs of which none ever sleeps need none of this: see [`hogs`].
pub fn solve(profile: &CpuProfile, capacity: Capacity, entries: &[Entry], cache: &mut Cache) -> Vec<Met> {
    if let Some(shares) = hogs::shares(capacity, entries) {
        let wakes = wakes(profile, entries, &shares);
        let met = |(e, (s, w)): (&Entry, (&Share, &Wake))| Met::of(e, *s, w);
        return entries.iter().zip(shares.iter().zip(&wakes)).map(met).collect();
    }
    let asks = |e: &Entry| Entry { duty: e.duty.min(e.cap), cap: 1.0, ..*e };
    let mut asked: Vec<Entry> = entries.iter().map(asks).collect();
    let (mut shares, mut wakes) = contend(profile, capacity, &asked, cache);
    for _ in 0..LIMIT_ROUNDS {
        if !ask_for_limits(capacity, entries, &shares, &mut asked) {
            break;
        }
        (shares, wakes) = contend(profile, capacity, &asked, cache);
    }
    let met = |(e, (s, w)): (&Entry, (&Share, &Wake))| Met::of(e, *s, w);
    let held = entries.iter().zip(&asked).zip(&mut shares);
    held.for_each(|((e, asked), s)| s.ready += held_back(capacity, e, asked, s));
    entries.iter().zip(shares.iter().zip(&wakes)).map(met).collect()
}

/// Limited vCPUs that wait ask for more, up to what they would ask for without a limit, and those on slow threads
/// for less, at least for what the slowest leaves of their limit. False when what they ask for has settled.
fn ask_for_limits(capacity: Capacity, entries: &[Entry], shares: &[Share], asked: &mut [Entry]) -> bool {
    let mut moved = false;
    let slowest = capacity.phi(capacity.threads) / capacity.threads;
    for ((e, s), a) in entries.iter().zip(shares).zip(asked).filter(|((e, _), _)| e.duty > e.cap) {
        let duty = if s.run > 0.0 { (a.duty * e.cap / s.run).clamp(e.cap * slowest, e.duty) } else { e.duty };
        moved |= (duty - a.duty).abs() > 1e-7;
        a.duty = duty;
    }
    moved
}

/// What everybody gets of the pool and how its wake-ups wait. Limits are in the duties.
fn contend(
    profile: &CpuProfile,
    capacity: Capacity,
    entries: &[Entry],
    cache: &mut Cache,
) -> (Vec<Share>, Vec<Wake>) {
    let members: Vec<Member> = entries.iter().map(|e| Member { vcpus: e.vcpus, duty: e.duty }).collect();
    let mut shares = pool::solve(capacity, &members);
    weigh(capacity, entries, &mut shares, cache);
    balance_late(profile, capacity, &members, &mut shares);
    let wakes = wakes(profile, entries, &shares);
    short_bursts(profile, capacity, entries, &wakes, &mut shares);
    conserve(capacity, entries, &mut shares);
    (shares, wakes)
}

/// How a wake-up waits: with which chance, and then how long in the mean, seconds.
struct Wake {
    chance: f64,
    mean: f64,
}

/// A woken vCPU preempts one that has used more of its entitlement, or waits for a scheduling point.
fn wakes(profile: &CpuProfile, entries: &[Entry], shares: &[Share]) -> Vec<Wake> {
    let distance = 1.0 / scheduling_points(profile, entries, shares).max(1e-9);
    let mean = (profile.wake_points * distance).min(profile.slice.as_secs());
    let preempts = lighter_than(entries, shares);
    let wake =
        |(s, lighter): (&Share, f64)| Wake { chance: s.wait * (1.0 - profile.preemption * lighter), mean };
    shares.iter().zip(preempts).map(wake).collect()
}

/// A burst much shorter than a slice is over before queues are balanced or a fair share makes up for
/// anything: all it waits, it waits when it wakes. With one CPU it does get its fair share (measured). It
/// takes its work from the others whenever it runs: their waits stay what they are.
fn short_bursts(
    profile: &CpuProfile,
    capacity: Capacity,
    entries: &[Entry],
    wakes: &[Wake],
    shares: &mut [Share],
) {
    let many = profile.short_bursts * (capacity.threads - 1.0).clamp(0.0, 1.0);
    let steep = -1.0 / profile.short_below;
    for ((e, w), s) in entries.iter().zip(wakes).zip(shares) {
        let theta = many * libm::exp(steep * e.burst / profile.slice.as_secs());
        if s.run > 0.0 && theta > 0.01 {
            let fair = s.ready / s.run;
            *s = s.waiting_in_all((1.0 - theta) * fair + theta * w.chance * w.mean / e.burst);
        }
    }
}

/// Time share that a limit holds back: the vCPU still thinks as long per unit of work as it would without
/// the limit, what is missing to a whole is throttling. Booked as ready, as ESXi and Linux do.
fn held_back(capacity: Capacity, e: &Entry, asked: &Entry, s: &Share) -> f64 {
    if e.duty <= e.cap || s.run == 0.0 {
        return 0.0;
    }
    let away = 1.0 - s.run - s.ready;
    // What the pool sees it sleep for tells its work; without second threads that is what it runs.
    let slow = capacity.threads > capacity.cores && asked.duty < 1.0;
    let work = if slow { away * asked.duty / (1.0 - asked.duty) } else { s.run };
    (away - work * (1.0 - e.duty) / e.duty).max(0.0)
}

/// For each entry the share of running time that belongs to vCPUs which have used more of their
/// entitlement than its own.
fn lighter_than(entries: &[Entry], shares: &[Share]) -> Vec<f64> {
    let of = |(e, s): (&Entry, &Share)| (s.run / e.weight, s.run * f64::from(e.vcpus));
    let uses: Vec<(f64, f64)> = entries.iter().zip(shares).map(of).collect();
    let all: f64 = uses.iter().map(|u| u.1).sum();
    if all <= 0.0 {
        return vec![0.0; uses.len()];
    }
    let mut lighter = Vec::with_capacity(uses.len() + 3);
    for four in uses.chunks(4) {
        let than: [f64; 4] = std::array::from_fn(|i| four.get(i).map_or(0.0, |u| u.0));
        lighter.extend(heavier(&uses, than).map(|sum| sum / all));
    }
    lighter.truncate(uses.len());
    lighter
}

/// Sum of the second parts where the first is above each of four: side by side, since every entry asks.
fn heavier(uses: &[(f64, f64)], than: [f64; 4]) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for &(used, running) in uses {
        for (sum, than) in sums.iter_mut().zip(than) {
            *sum += if used > than { running } else { 0.0 };
        }
    }
    sums
}

/// Ends of bursts and of slices per second in the pool: whenever a CPU looks for its next vCPU.
fn scheduling_points(profile: &CpuProfile, entries: &[Entry], shares: &[Share]) -> f64 {
    let slice = profile.slice.as_secs();
    let rate = |(e, s): (&Entry, &Share)| s.run * f64::from(e.vcpus) * (1.0 / e.burst + 1.0 / slice);
    entries.iter().zip(shares).map(rate).sum()
}

fn balance_late(profile: &CpuProfile, capacity: Capacity, members: &[Member], shares: &mut [Share]) {
    let (mut demand, mut squares) = (0.0, 0.0);
    for m in members {
        demand += f64::from(m.vcpus) * m.duty;
        squares += f64::from(m.vcpus) * m.duty * m.duty;
    }
    if demand > 0.0 {
        // As many equals as share the demand: who hardly ever runs hardly counts.
        let (vcpus, duty) = (demand * demand / squares, squares / demand);
        let factor = wait_factor(profile, capacity.threads, vcpus, duty);
        shares.iter_mut().for_each(|s| *s = s.waiting_times(factor));
    }
}

/// Weights are worked out for classes and carried to their members, which is not exact: where it would
/// make more run than there are threads, everybody waits longer by a common factor, down to what is reserved.
fn conserve(capacity: Capacity, entries: &[Entry], shares: &mut [Share]) {
    let floors = floors(capacity, entries);
    if running(1.0, entries, &floors, shares) <= capacity.threads {
        return;
    }
    let (mut low, mut high) = (1.0, 2.0);
    while running(high, entries, &floors, shares) > capacity.threads && high < 1e6 {
        high *= 2.0;
    }
    for _ in 0..50 {
        let mid = 0.5 * (low + high);
        if running(mid, entries, &floors, shares) > capacity.threads { low = mid } else { high = mid }
    }
    shares.iter_mut().zip(floors).for_each(|(s, floor)| *s = s.waiting_times(high).at_least(floor));
}

/// Threads in use when every wait is so many times as long, but nobody runs slower than its floor.
pub(super) fn running(factor: f64, entries: &[Entry], floors: &[f64], shares: &[Share]) -> f64 {
    let run = |(s, &floor): (&Share, &f64)| s.waiting_times(factor).at_least(floor).run;
    entries.iter().zip(shares.iter().zip(floors)).map(|(e, s)| f64::from(e.vcpus) * run(s)).sum()
}
