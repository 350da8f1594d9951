//! The path of a pre-copy of its own, and the sender at its head.

use super::{Rules, Window};
use crate::fabric::message::first_retry;
use crate::vm::dirty::DirtyMemory;
use sim_core::{Bytes, Rate, SimTime, Span};

/// What it is copied over.
#[derive(Clone, Debug)]
pub struct Link {
    /// What the path carries at first.
    pub rate: Rate,
    /// Bytes the path holds when the sender is faster than it; they are still to arrive when the guest is
    /// stopped.
    pub queue: Bytes,
    /// A limit below the path's rate, spent in bursts; off while the guest stands.
    pub burst: Option<Burst>,
    /// What the path carries later, in order of time.
    pub changes: Vec<Change>,
    /// Least retransmission timeout: what is sent into a dead path is sent again only when a timer says so,
    /// after twice as long each time. Zero: the sender goes on as soon as the path does.
    pub least_timeout: Span,
}

/// The path carries more, less, or nothing from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// After the start of the migration.
    pub at: Span,
    /// What it carries from then on; zero: it is down.
    pub rate: Rate,
}

/// A rate limit as QEMU applies it: so many bytes per window at the path's rate, then sleep to its end.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Bytes per window.
    pub quantum: Bytes,
    /// The window: 100 ms.
    pub window: Span,
}

impl Burst {
    /// Window of QEMU's limit (`BUFFER_DELAY`, 10.0.2 `migration/options.h`).
    const WINDOW: Span = Span::ms(100);

    /// QEMU's own limit of `cap`: whether a tenth of it has been spent is looked at between two writes of
    /// `piece` bytes, and `ahead` more pieces are handed to sender threads before the look counts them.
    pub fn of_qemu(cap: Rate, piece: Bytes, ahead: u64) -> Burst {
        let pieces = (cap * Burst::WINDOW).0.div_ceil(piece.0.max(1)) + ahead;
        Burst { quantum: piece * pieces, window: Burst::WINDOW }
    }
}

impl Link {
    /// A path without queue, cap or change.
    pub fn plain(rate: Rate) -> Link {
        Link { rate, queue: Bytes::ZERO, burst: None, changes: Vec::new(), least_timeout: Span::ZERO }
    }
}

/// Time spent on finding that pages are zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    /// In all, seconds.
    total: f64,
    /// Seconds per byte sent, on average.
    per_byte: f64,
    /// Seconds per byte at the end of the round.
    per_last_byte: f64,
}

impl Scan {
    /// Of the pages pending now, `wire` bytes of them, when `pages_per_s` are looked at.
    pub(super) fn of(pages_per_s: f64, rules: &Rules, memory: &DirtyMemory, wire: f64) -> Scan {
        let total = memory.zero_pending() / pages_per_s;
        let per_byte = total / wire.max(1.0);
        let zero_wire = rules.zero_wire.max(1) as f64;
        let per_last_byte = if memory.zeros_last() { 1.0 / (zero_wire * pages_per_s) } else { per_byte };
        Scan { total, per_byte, per_last_byte }
    }

    fn at_the_end(&self, bytes: f64) -> f64 {
        (self.per_last_byte * bytes).min(self.total)
    }
}

/// Where the sender stands within its window, and what the path carries now.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    link: &'a Link,
    pub(super) now: SimTime,
    started: SimTime,
    /// What the path carries, and what of it the sender can use: nothing before its timer has fired.
    carries: Rate,
    rate: Rate,
    /// Changes of the path that have been seen.
    changed: usize,
    /// When the first bytes went into a dead path, and when they are sent again.
    lost: Option<SimTime>,
    resumes: SimTime,
    seen: Window,
    /// Bytes that may still go at once: of the window's quantum, or into the path's queue.
    credit: f64,
    window_end: SimTime,
}

impl<'a> Sender<'a> {
    pub(super) fn begin(link: &'a Link, now: SimTime) -> Sender<'a> {
        let mut it = Sender {
            link,
            now,
            started: now,
            carries: link.rate,
            rate: link.rate,
            changed: 0,
            lost: None,
            resumes: SimTime::NEVER,
            seen: Window::begin(now),
            credit: link.queue.as_f64(),
            window_end: now,
        };
        while it.next_change() <= now {
            it.carries = link.changes[it.changed].rate;
            it.rate = it.carries;
            it.changed += 1;
        }
        if let Some(burst) = it.link.burst {
            it.credit = burst.quantum.as_f64();
            it.window_end = now + burst.window;
        }
        if it.rate == Rate::ZERO {
            it.lost = Some(now);
        }
        it.seen.set(now, it.rate);
        it
    }

    /// The cap, as long as the path would carry more.
    fn burst(&self) -> Option<Burst> {
        self.link.burst.filter(|b| self.rate * b.window > b.quantum)
    }

    /// What it can send without a cap.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Bytes that are still to arrive when the guest is stopped. A capped sender leaves none behind.
    pub(super) fn queued(&self) -> Bytes {
        if self.link.burst.is_some() { Bytes::ZERO } else { self.link.queue }
    }

    /// Mean rate of a full window.
    pub(super) fn mean(&self) -> Rate {
        self.burst().map_or(self.rate, |b| Rate::mean(b.quantum, b.window))
    }

    /// The same, as the sender knows it: nothing in the first window.
    pub(super) fn seen(&self) -> Rate {
        if self.now < self.first_window() {
            return Rate::ZERO;
        }
        self.burst().map_or_else(|| self.seen.seen(self.now), |b| Rate::mean(b.quantum, b.window))
    }

    pub(super) fn first_window(&self) -> SimTime {
        self.started + Burst::WINDOW
    }

    /// When the sender next touches the path: it sleeps once its quantum is spent.
    pub(super) fn next_send(&self, at: SimTime) -> SimTime {
        if self.burst().is_some() && self.credit < 1.0 { at.max(self.window_end) } else { at }
    }

    /// When the path, or what the sender can use of it, next changes.
    pub(super) fn next_change(&self) -> SimTime {
        let change = self.link.changes.get(self.changed);
        change.map_or(SimTime::NEVER, |c| SimTime::ZERO + c.at).min(self.resumes)
    }

    /// It changes now.
    pub(super) fn change(&mut self) {
        if self.now >= self.resumes {
            self.flow(true);
            return;
        }
        self.carries = self.link.changes[self.changed].rate;
        self.changed += 1;
        self.resumes = SimTime::NEVER;
        match (self.carries, self.lost) {
            (Rate::ZERO, _) => {
                let first = self.next_send(self.now);
                self.lost.get_or_insert(first);
                self.rate = Rate::ZERO;
                self.seen.set(self.now, self.rate);
            }
            (_, Some(lost)) if lost < self.now && self.link.least_timeout > Span::ZERO => {
                self.resumes = first_retry(lost, self.now, self.link.least_timeout);
            }
            (_, Some(lost)) => self.flow(lost < self.now),
            (_, None) => self.flow(false),
        }
    }

    /// Sends at what the path carries; in a window of its own after it was stuck.
    fn flow(&mut self, was_stuck: bool) {
        self.lost = None;
        self.resumes = SimTime::NEVER;
        self.rate = self.carries;
        self.seen.set(self.now, self.rate);
        let Some(burst) = self.link.burst else { return };
        if was_stuck || self.now >= self.window_end {
            self.credit = burst.quantum.as_f64();
            self.window_end = self.now + burst.window;
        }
    }

    /// Sends `bytes` without a cap, whatever the path does meanwhile; `None` if they never arrive.
    pub(super) fn deliver(&mut self, bytes: Bytes) -> Option<SimTime> {
        let mut left = bytes;
        loop {
            let next = self.next_change();
            if self.rate > Rate::ZERO {
                let done = self.now + left / self.rate;
                if done <= next {
                    self.now = done;
                    return Some(done);
                }
                left = left.saturating_sub(self.rate * next.since(self.now));
            } else if left == Bytes::ZERO {
                return Some(self.now);
            }
            if next == SimTime::NEVER {
                return None;
            }
            self.now = next;
            self.change();
        }
    }

    /// Bytes sent when somebody looks whether `needed` have been: after a whole number of bursts, or one turn
    /// late. On idle guests whose link was full QEMU looked 35 to 66 ms late, with turns of 50 ms.
    pub(super) fn turns(&self, needed: f64, scan: Scan, every: Span) -> f64 {
        if let Some(burst) = self.burst() {
            let quantum = burst.quantum.as_f64();
            let over = needed - self.credit;
            let whole =
                if over <= 0.0 && self.credit >= 1.0 { 0.0 } else { (over / quantum).ceil().max(1.0) };
            return self.credit + whole * quantum;
        }
        if self.rate == Rate::ZERO {
            return needed;
        }
        self.sent_by(self.finish(needed, scan) + every, scan)
    }

    /// When `bytes` have gone out; a rate limit hides the scan of all bursts but the last.
    pub(super) fn finish(&self, bytes: f64, scan: Scan) -> SimTime {
        if self.rate == Rate::ZERO {
            return SimTime::NEVER;
        }
        let wire = self.rate.as_f64();
        let Some(burst) = self.burst() else {
            return self.now
                + Span::from_secs_f64((bytes - self.credit).max(0.0) * (1.0 / wire + scan.per_byte));
        };
        if bytes < self.credit {
            return self.now + Span::from_secs_f64(bytes / wire + scan.at_the_end(bytes));
        }
        let quantum = burst.quantum.as_f64();
        let rest = bytes - self.credit;
        // A burst that is spent to the last byte ends with its window: it sleeps before it looks.
        let whole = (rest / quantum + 1e-9).floor();
        let part = (rest - whole * quantum).max(0.0);
        self.window_end
            + burst.window * (whole as u64)
            + Span::from_secs_f64(part / wire + scan.at_the_end(part))
    }

    /// Bytes that can have gone out by `until`.
    pub(super) fn sent_by(&self, until: SimTime, scan: Scan) -> f64 {
        if self.rate == Rate::ZERO {
            return 0.0;
        }
        let wire = self.rate.as_f64();
        let Some(burst) = self.burst() else {
            return until.since(self.now).as_secs() / (1.0 / wire + scan.per_byte) + self.credit;
        };
        if until < self.window_end {
            return (until.since(self.now).as_secs() * wire).min(self.credit);
        }
        let over = until.since(self.window_end);
        let whole = over.0 / burst.window.0;
        let quantum = burst.quantum.as_f64();
        let within = Span(over.0 % burst.window.0).as_secs() * wire;
        self.credit + whole as f64 * quantum + within.min(quantum)
    }

    /// `bytes` have gone out by `until`.
    pub(super) fn go(&mut self, until: SimTime, bytes: f64) {
        self.now = until;
        let Some(burst) = self.burst() else {
            self.credit = (self.credit - bytes).max(0.0);
            return;
        };
        if until < self.window_end {
            self.credit = (self.credit - bytes).max(0.0);
            return;
        }
        let quantum = burst.quantum.as_f64();
        let whole = until.since(self.window_end).0 / burst.window.0;
        let rest = bytes - self.credit - whole as f64 * quantum;
        self.credit = (quantum - rest.max(0.0)).max(0.0);
        self.window_end += burst.window * (whole + 1);
    }
}
