//! vCPUs of which none ever sleeps: no chance is involved, they share by weight, reservation and limit.

use super::fill::{Claim, fill};
use super::pool::{self, Capacity, Member, Share};
use super::settle::Entry;

/// Shares of a pool in which everybody that runs at all would always run, in so far as they differ or are
/// limited; `None` where somebody sleeps, and for equals without a limit, whom the closed form tells the same.
///
/// A limit holds whoever has had its share for a period back until the next; the others go on in proportion to
/// their weights. Over a period that is sharing by weight between floors and ceilings, for any number of weights.
pub fn shares(capacity: Capacity, entries: &[Entry]) -> Option<Vec<Share>> {
    let runs = |e: &&Entry| e.duty > 0.0 && e.vcpus > 0;
    let first = entries.iter().find(runs)?;
    let alike = |e: &Entry| e.cap >= 1.0 && (e.weight, e.reserved) == (first.weight, first.reserved);
    if entries.iter().filter(runs).any(|e| e.duty < 1.0) || entries.iter().filter(runs).all(alike) {
        return None;
    }
    let active: f64 = entries.iter().filter(runs).map(|e| f64::from(e.vcpus)).sum();
    let claim = |e: &Entry| {
        let count = if runs(&e) { f64::from(e.vcpus) } else { 0.0 };
        let ceiling = e.cap.min(1.0);
        Claim { count, weight: e.weight, floor: e.reserved.min(ceiling), ceiling }
    };
    let claims: Vec<Claim> = entries.iter().map(claim).collect();
    let held = fill(capacity.running(active), &claims);
    // Who is held back is away as far as a wake-up is concerned.
    let present = |(e, &run): (&Entry, &f64)| {
        let duty = if !runs(&e) || run < e.cap { e.duty } else { e.cap.min(1.0) };
        Member { vcpus: e.vcpus, duty }
    };
    let members: Vec<Member> = entries.iter().zip(&held).map(present).collect();
    let share = |((e, run), seen): ((&Entry, f64), Share)| {
        if runs(&e) { Share { run, ready: 1.0 - run, wait: seen.wait } } else { seen }
    };
    Some(entries.iter().zip(held).zip(pool::solve(capacity, &members)).map(share).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::settle::{Cache, solve};
    use crate::cpu::tests::cpu_profile;

    fn hog(vcpus: u32, weight: f64) -> Entry {
        Entry { vcpus, duty: 1.0, burst: 0.005, weight, reserved: 0.0, cap: 1.0 }
    }

    fn runs(capacity: Capacity, entries: &[Entry], want: &[f64]) {
        let met = solve(&cpu_profile("kvm"), capacity, entries, &mut Cache::new());
        for (m, want) in met.iter().zip(want) {
            assert!((m.run - want).abs() < 1e-12 && (m.run + m.ready - 1.0).abs() < 1e-12, "{met:?}");
        }
    }

    /// Four weights on one CPU: tenths. Five of two each on two CPUs: w / 15,000.
    #[test]
    fn any_number_of_weights() {
        let one = [1e3, 2e3, 3e3, 4e3].map(|weight| hog(1, weight));
        runs(Capacity::cpus(1), &one, &[0.1, 0.2, 0.3, 0.4]);
        let two = [1e3, 2e3, 3e3, 4e3, 5e3].map(|weight| hog(2, weight));
        runs(Capacity::cpus(2), &two, &[1.0, 2.0, 3.0, 4.0, 5.0].map(|w| w / 15.0));
    }

    /// One vCPU of weight 1000 with 0.9 reserved, and twelve of 1100, 4000 and 16,000 on four CPUs. By weight
    /// alone it would get 0.047; it gets 0.9, and 3.1 is shared by 4 x 21,100: 0.0404, 0.1469 and 0.5877 each.
    #[test]
    fn a_reservation_among_four_weights() {
        let vip = Entry { reserved: 0.9, ..hog(1, 1000.0) };
        let entries = [vip, hog(4, 1100.0), hog(4, 4000.0), hog(4, 16_000.0)];
        let each = 3.1 / 4.0 / 21_100.0;
        runs(Capacity::cpus(4), &entries, &[0.9, 1100.0 * each, 4000.0 * each, 16_000.0 * each]);
    }

    /// Two vCPUs limited to 0.3 on the two threads of one core run 0.3 each, however slow the threads are; one of
    /// weight 3 limited to a quarter of one CPU leaves three quarters to the other.
    #[test]
    fn limits() {
        let limited = |vcpus, weight, cap| Entry { cap, ..hog(vcpus, weight) };
        let core = Capacity { cores: 1.0, threads: 2.0, ht_gain: 1.25 };
        runs(core, &[limited(2, 1000.0, 0.3)], &[0.3]);
        runs(Capacity::cpus(1), &[limited(1, 3000.0, 0.25), hog(1, 1000.0)], &[0.25, 0.75]);
    }
}
