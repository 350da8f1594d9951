//! How a VM writes its memory, as a migration sees it: unique pages since the last sync.
//!
//! ```text
//!             guest writes                    sync                       send
//!   clean  ----------------->  logged  ----------------->  pending  ----------------->  clean
//!                        U = n (1 - exp(-l t / n))   x += U (1 - x / n)      x *= 1 - sent / X
//! ```
//!
//! The log of what a sync found pending may be cleared only when the stream comes to it, part by part: a page
//! that is written before that is sent once, as it is by then (QEMU with `KVM_CLEAR_DIRTY_LOG`,
//! `ramblock_sync_dirty_bitmap` in 10.0.2 migration/ram.c). What was clean at the sync is logged all the while.
//!
//! What matters is not how often a guest writes but how many *different* pages it writes between two syncs.
//! Pages of equal heat form a class; expected numbers of pages are floats. Pages that are still pending at a
//! sync are not counted twice. Every batch that is sent takes the same share of all pending pages. Zero pages
//! lie between the others, and a stream in address order meets them all along; or they lie behind all others,
//! as in a guest that has just filled a part of its memory ([`DirtyMemory::with_zeros_last`]).
//!
//! No events and no clock of its own: who migrates says when it is.

mod class;

use crate::scenario::Dirtying;
use class::{Class, classes_of};
use sim_core::{Bytes, SimTime};

/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// Dirty state of one VM's memory during a migration.
#[derive(Clone, Debug)]
pub struct DirtyMemory {
    classes: Vec<Class>,
    /// Resident pages that nothing writes.
    still_pages: f64,
    /// Pages that hold only zeros.
    zero_pages: f64,
    still_pending: f64,
    zero_pending: f64,
    /// Seconds of unhindered writing since the last sync.
    work: f64,
    /// Time up to which `work` is counted.
    counted_to: SimTime,
    /// Parts of memory whose log is cleared one by one as they are sent.
    chunks: u32,
    /// Zero pages are sent after all others rather than between them.
    zeros_last: bool,
    /// The first round sends what is ever written before what is not.
    written_first: bool,
}

impl DirtyMemory {
    /// A memory of `memory` bytes of which the share `resident` is not zero pages, nothing pending. What
    /// `dirtying` writes is cut to the resident set, hottest pages first.
    pub fn new(dirtying: &Dirtying, memory: Bytes, resident: f64) -> DirtyMemory {
        DirtyMemory::of_classes(classes_of(dirtying), memory, resident)
    }

    /// A memory whose resident part is written in address order, over and over, at `bytes_per_s`: the linear
    /// dirty rate of the textbook.
    pub fn linear(bytes_per_s: f64, memory: Bytes, resident: f64) -> DirtyMemory {
        let pages = memory.as_f64() / PAGE as f64 * resident;
        let heat = if pages > 0.0 { bytes_per_s / PAGE as f64 / pages } else { 0.0 };
        DirtyMemory::of_classes(vec![Class::swept(pages, heat)], memory, resident)
    }

    fn of_classes(mut classes: Vec<Class>, memory: Bytes, resident: f64) -> DirtyMemory {
        let pages = memory.as_f64() / PAGE as f64;
        let resident_pages = (pages * resident).min(pages);
        let mut still = resident_pages;
        for class in &mut classes {
            class.pages = class.pages.min(still);
            still -= class.pages;
        }
        classes.retain(|c| c.pages > 0.0 && c.heat > 0.0);
        DirtyMemory {
            classes,
            still_pages: still,
            zero_pages: pages - resident_pages,
            still_pending: 0.0,
            zero_pending: 0.0,
            work: 0.0,
            counted_to: SimTime::ZERO,
            chunks: 1,
            zeros_last: false,
            written_first: false,
        }
    }

    /// The same memory with its zero pages behind all others: a copy then ends with pages that cost next to
    /// nothing.
    pub fn with_zeros_last(mut self) -> DirtyMemory {
        self.zeros_last = true;
        self
    }

    /// The same memory with its working set at its beginning: the first round sends that first.
    pub fn with_written_first(mut self) -> DirtyMemory {
        self.written_first = true;
        self
    }

    /// Starts to log: every page is pending. With `clear_chunk` the log of a part of that size is cleared
    /// when the stream reaches it (QEMU: 1 GiB), in each round anew.
    pub fn begin(&mut self, now: SimTime, clear_chunk: Option<Bytes>) {
        for class in &mut self.classes {
            (class.pending, class.at_sync) = (class.pages, class.pages);
        }
        self.still_pending = self.still_pages;
        self.zero_pending = self.zero_pages;
        self.work = 0.0;
        self.counted_to = now;
        self.chunks = clear_chunk.map_or(1, |chunk| {
            let bytes = Bytes(((self.pending_pages()) as u64).saturating_mul(PAGE));
            u32::try_from(bytes.0.div_ceil(chunk.0.max(PAGE))).unwrap_or(u32::MAX).max(1)
        });
    }

    /// Counts the time to `now` as writing at `speed` (1: unhindered). Call it before the speed changes.
    pub fn advance(&mut self, now: SimTime, speed: f64) {
        self.work += now.since(self.counted_to).as_secs() * speed;
        self.counted_to = now;
    }

    /// Makes pending what was written since the last sync, the last stretch at `speed`; the answer is how
    /// many pages that added.
    pub fn sync(&mut self, now: SimTime, speed: f64) -> f64 {
        self.advance(now, speed);
        let mut found = 0.0;
        for class in &mut self.classes {
            let fresh = class.found(self.work, self.chunks);
            class.pending += fresh;
            class.at_sync = class.pending;
            found += fresh;
        }
        self.work = 0.0;
        self.written_first = false;
        found
    }

    /// Pages that a sync at `now` would add, without doing it.
    pub fn would_find(&self, now: SimTime, speed: f64) -> f64 {
        let work = self.work + now.since(self.counted_to).as_secs() * speed;
        self.classes.iter().map(|c| c.found(work, self.chunks)).sum()
    }

    /// Pages to be sent, zero pages included.
    pub fn pending_pages(&self) -> f64 {
        self.data_pending() + self.zero_pending
    }

    /// Pages to be sent that are not zero pages.
    pub fn data_pending(&self) -> f64 {
        self.still_pending + self.classes.iter().map(|c| c.pending).sum::<f64>()
    }

    /// Zero pages to be sent.
    pub fn zero_pending(&self) -> f64 {
        self.zero_pending
    }

    /// Data and zero pages among the pending ones that remain when `left` pages do.
    pub fn split(&self, left: f64) -> (f64, f64) {
        let (data, zero) = (self.data_pending(), self.zero_pending);
        if self.zeros_last {
            return ((left - zero).max(0.0), zero.min(left));
        }
        let share = if left < data + zero { left / (data + zero) } else { 1.0 };
        (data * share, zero * share)
    }

    /// All but `left` of the pending pages have been sent.
    pub fn keep(&mut self, left: f64) {
        let (data, zero) = self.split(left);
        self.zero_pending = zero;
        if self.written_first {
            let still = self.still_pending.min(data);
            self.keep_written(data - still);
            self.still_pending = still;
            return;
        }
        let before = self.data_pending();
        let share = if before > 0.0 { (data / before).min(1.0) } else { 0.0 };
        for class in &mut self.classes {
            class.pending *= share;
        }
        self.still_pending *= share;
    }

    /// All but `left` of the pending pages that are ever written have been sent.
    fn keep_written(&mut self, left: f64) {
        let before: f64 = self.classes.iter().map(|c| c.pending).sum();
        let share = if before > 0.0 { (left / before).min(1.0) } else { 0.0 };
        for class in &mut self.classes {
            class.pending *= share;
        }
    }

    /// Zero pages are sent after all others.
    pub fn zeros_last(&self) -> bool {
        self.zeros_last
    }

    /// Pages that are ever written.
    pub fn written_pages(&self) -> f64 {
        self.classes.iter().map(|c| c.pages).sum()
    }

    /// Resident bytes: what a copy must move at least.
    pub fn resident(&self) -> Bytes {
        let pages = self.still_pages + self.classes.iter().map(|c| c.pages).sum::<f64>();
        Bytes::from_f64(pages * PAGE as f64)
    }

    /// All of the memory.
    pub fn size(&self) -> Bytes {
        self.resident() + Bytes::from_f64(self.zero_pages * PAGE as f64)
    }

    /// Nothing ever writes to it.
    pub fn is_still(&self) -> bool {
        self.classes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::DirtyClass;

    fn at(seconds: f64) -> SimTime {
        SimTime((seconds * 1e9) as u64)
    }

    fn uniform(pages: u64, writes_per_s: f64) -> Dirtying {
        Dirtying::Classes(vec![DirtyClass { pages, writes_per_s }])
    }

    /// n = 1000 pages, 500 writes/s, 2 s: U = 1000 (1 - e^-1) = 632.1206. A tenth of them still pending at
    /// the next sync: x = 63.2 + U (1 - 63.2 / 1000).
    #[test]
    fn unique_pages_follow_the_exponential_and_left_over_pages_are_not_counted_twice() {
        let mut m = DirtyMemory::new(&uniform(1000, 500.0), Bytes::mib(64), 1.0);
        m.begin(at(0.0), None);
        m.keep(0.0);
        let unique = 1000.0 * (1.0 - libm::exp(-1.0));
        assert!((m.sync(at(2.0), 1.0) - unique).abs() < 1e-9);
        m.keep(0.1 * unique);
        m.sync(at(4.0), 1.0);
        let expected = 0.1 * unique + unique * (1.0 - 0.1 * unique / 1000.0);
        assert!((m.pending_pages() - expected).abs() < 1e-9);
    }

    /// Half the speed for 4 s is the full speed for 2 s, whatever the order.
    #[test]
    fn only_the_work_done_counts() {
        let mut a = DirtyMemory::new(&uniform(1000, 500.0), Bytes::mib(64), 1.0);
        a.begin(at(0.0), None);
        a.keep(0.0);
        let mut b = a.clone();
        a.advance(at(1.0), 0.5);
        let found = a.sync(at(3.0), 0.25);
        assert!((found - b.sync(at(1.0), 1.0)).abs() < 1e-9);
    }

    /// a t^b to 5 % between 0.05 and 60 s: the figures of a PostgreSQL guest (28,780 t^0.717 pages, fitted to
    /// 0.3-12 s of published migrations).
    #[test]
    fn groups_reproduce_the_power_law() {
        for seconds in [0.05, 0.3, 1.0, 3.0, 12.0, 60.0] {
            // So large that no group is cut to the resident set.
            let law = Dirtying::PowerLaw { a: 28_780.0, b: 0.717 };
            let mut m = DirtyMemory::new(&law, Bytes::gib(1 << 14), 1.0);
            m.begin(at(0.0), None);
            m.keep(0.0);
            let law = 28_780.0 * libm::pow(seconds, 0.717);
            let found = m.sync(at(seconds), 1.0);
            assert!((found / law - 1.0).abs() < 0.05, "{seconds} s: {found} against {law}");
        }
    }

    /// No more than the resident set is ever dirty, hottest pages kept: 1,000 resident pages are of
    /// the hottest groups, and practically all dirty after a second.
    #[test]
    fn writing_is_cut_to_the_resident_set() {
        let memory = Bytes(PAGE * 4000);
        let mut m = DirtyMemory::new(&Dirtying::PowerLaw { a: 28_780.0, b: 0.717 }, memory, 0.25);
        m.begin(at(0.0), None);
        assert_eq!(m.data_pending(), 1000.0);
        assert_eq!(m.zero_pending(), 3000.0);
        m.keep(0.0);
        m.sync(at(1.0), 1.0);
        assert!(m.pending_pages() > 999.0 && m.pending_pages() <= 1000.0);
    }

    /// A sweep of 100 pages at 10 pages/s: 50 after 5 s, all 100 after 10 s and ever after.
    #[test]
    fn a_sweep_is_linear_until_it_has_come_round() {
        for (seconds, pages) in [(5.0, 50.0), (10.0, 100.0), (25.0, 100.0)] {
            let mut m = DirtyMemory::new(&Dirtying::Sweep { pages: 100, rate: 10.0 }, Bytes::mib(64), 1.0);
            m.begin(at(0.0), None);
            m.keep(0.0);
            assert!((m.sync(at(seconds), 1.0) - pages).abs() < 1e-9);
        }
    }

    /// 64 chunks: the mean window is (64 + 1) / 128 of the round for what is sent again, and all of it for
    /// what was clean. With few writes the first sync finds 65/128 of what it would find otherwise; the second
    /// nearly all, since nearly all was clean.
    #[test]
    fn a_lazily_cleared_log_sees_about_half_of_the_first_round() {
        let mut lazy = DirtyMemory::new(&uniform(10_000_000, 100.0), Bytes::gib(64), 1.0);
        let mut eager = lazy.clone();
        lazy.begin(at(0.0), Some(Bytes::gib(1)));
        eager.begin(at(0.0), None);
        for (seconds, expected) in [(60.0, 65.0 / 128.0), (120.0, 1.0)] {
            for m in [&mut lazy, &mut eager] {
                m.keep(0.0);
            }
            let ratio = lazy.sync(at(seconds), 1.0) / eager.sync(at(seconds), 1.0);
            assert!((ratio - expected).abs() < 1e-3, "{ratio}");
        }
    }

    /// 100 pages in two chunks, cleared at the beginning and in the middle of a round, swept once in it: all of
    /// the one and half of the other are found, 75. In the next round 25 clean pages are swept first, and 75 of
    /// the 100 that were sent again would be: 25 + 0.75 x 75.
    #[test]
    fn every_round_clears_its_log_lazily() {
        let mut m = DirtyMemory::new(&Dirtying::Sweep { pages: 100, rate: 100.0 }, Bytes(100 * PAGE), 1.0);
        m.begin(at(0.0), Some(Bytes(50 * PAGE)));
        for (seconds, found) in [(1.0, 75.0), (2.0, 81.25)] {
            m.keep(0.0);
            assert!((m.sync(at(seconds), 1.0) - found).abs() < 1e-9, "{seconds}");
        }
    }

    /// A sweep of 100 pages at 10/s: 50 pages in 5 s, of which 10 are left; in 3 s more it writes 30 others, and
    /// in 9 s the 60 that are clean and 30 of the 30 that were sent.
    #[test]
    fn a_sweep_comes_back_to_pages_that_are_left_last() {
        let mut m = DirtyMemory::new(&Dirtying::Sweep { pages: 100, rate: 10.0 }, Bytes::mib(64), 1.0);
        m.begin(at(0.0), None);
        m.keep(0.0);
        m.sync(at(5.0), 1.0);
        m.keep(10.0);
        assert!((m.sync(at(8.0), 1.0) - 30.0).abs() < 1e-9);
        m.keep(10.0);
        assert!((m.sync(at(17.0), 1.0) - 90.0).abs() < 1e-9);
    }

    /// Many sweeps in a round: chunk *j* of 4 is missed only while it has not come round, `min(1.6 j / 4, 1)` is
    /// 0.4, 0.8, 1, 1.
    #[test]
    fn a_fast_sweep_finds_all_but_what_was_cleared_late() {
        let mut m = DirtyMemory::new(&Dirtying::Sweep { pages: 100, rate: 160.0 }, Bytes(100 * PAGE), 1.0);
        m.begin(at(0.0), Some(Bytes(25 * PAGE)));
        m.keep(0.0);
        assert!((m.sync(at(1.0), 1.0) - 80.0).abs() < 1e-9);
    }
}
