//! The sender at the head of a path: when pages are gone, and what it believes the path carries.

use super::stretch::Stretch;
use super::{Burst, Link, Window};
use crate::fabric::message::first_retry;
use sim_core::{Bytes, Rate, SimTime, Span};

/// Where the sender stands within its window, and what the path carries now.
#[derive(Clone, Debug)]
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
    /// The mean over what is sent now, and what the last 100 ms say.
    mean: Rate,
    seen: Window,
    /// Bytes that may still go at once: of the window's quantum, or into the path's queue; what that held
    /// when the guest stopped is still to arrive then.
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
            mean: Rate::ZERO,
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
        it
    }

    /// The cap, as long as the path and the scan would let more of `what` go.
    fn cap(&self, what: Stretch) -> Option<Burst> {
        let busy = |b: &Burst| b.quantum.as_f64() * self.pace(what) / what.wire;
        self.link.burst.filter(|b| what.wire > 0.0 && busy(b) < b.window.as_secs())
    }

    /// What it can send without a cap.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Bytes in the path's queue, still to arrive. A capped sender leaves none behind.
    pub(super) fn queued(&self) -> Bytes {
        if self.link.burst.is_some() {
            Bytes::ZERO
        } else {
            self.link.queue.saturating_sub(Bytes::from_f64(self.credit))
        }
    }

    /// What goes into the path goes through a queue there, which is carried on while the sender looks for zero
    /// pages.
    fn queues(&self) -> bool {
        self.link.burst.is_none() && self.link.queue > Bytes::ZERO
    }

    /// Seconds per page of `what`.
    fn pace(&self, what: Stretch) -> f64 {
        if self.queues() { what.pace_through_queue(self.rate) } else { what.pace(self.rate) }
    }

    /// It begins to send `what`: from now on the bandwidth moves towards what that takes of the path.
    pub(super) fn turn_to(&mut self, what: Stretch) {
        let pace = self.pace(what);
        let mean = match self.cap(what) {
            Some(b) => Rate::mean(b.quantum, b.window),
            None if pace == 0.0 => return,
            None => Rate::from_f64(what.wire / pace),
        };
        if mean != self.mean {
            self.mean = mean;
            self.seen.set(self.now, mean);
        }
    }

    /// Bytes per second of the last window; zero during the first.
    pub(super) fn seen(&self) -> Rate {
        self.seen.seen(self.now)
    }

    /// The most that the last window can say when what it sends now has been sent for a while.
    pub(super) fn believes(&self) -> Rate {
        self.mean.max(self.seen())
    }

    pub(super) fn first_window(&self) -> SimTime {
        self.started + Burst::WINDOW
    }

    /// When the sender next touches the path: it sleeps once its quantum is spent.
    pub(super) fn next_send(&self, at: SimTime) -> SimTime {
        if self.link.burst.is_some() && self.credit < 1.0 { at.max(self.window_end) } else { at }
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
        let Some(burst) = self.link.burst else { return };
        if was_stuck || self.now >= self.window_end {
            self.credit = burst.quantum.as_f64();
            self.window_end = self.now + burst.window;
        }
    }

    /// Sends all of `parts` without a cap, whatever the path does meanwhile; `None` if they never arrive.
    pub(super) fn deliver(&mut self, parts: &[Stretch]) -> Option<SimTime> {
        for part in parts {
            let mut left = part.pages;
            while left > 0.0 {
                let (pace, next) = (part.pace(self.rate), self.next_change());
                let done = if pace.is_finite() {
                    self.now + Span::from_secs_f64(left * pace)
                } else {
                    SimTime::NEVER
                };
                if done <= next && done < SimTime::NEVER {
                    self.now = done;
                    break;
                }
                if next == SimTime::NEVER {
                    return None;
                }
                left -= next.since(self.now).as_secs() / pace;
                self.now = next;
                self.change();
            }
        }
        Some(self.now)
    }

    /// When it looks whether the first `needed` pages of `plan` have been sent: when a burst is over, or one
    /// turn of sending late. On idle guests whose link was full QEMU looked 35 to 66 ms late, with turns of
    /// 50 ms.
    pub(super) fn look_after(&self, needed: f64, plan: &[Stretch; 2], every: Span) -> SimTime {
        let first = [plan[0].first(needed), plan[1].first(needed - plan[0].pages)];
        let mut then = self.clone();
        then.send_until(SimTime::NEVER, &first);
        let last = if needed < plan[0].pages { plan[0] } else { plan[1] };
        match then.cap(last) {
            _ if then.now == SimTime::NEVER => SimTime::NEVER,
            None => then.now + every,
            // A burst that is spent to the last byte has ended with its window.
            Some(b) if then.now > self.now && then.credit >= b.quantum.as_f64() => then.now,
            Some(_) => then.window_end,
        }
    }

    /// When all of `plan` has gone out, if the path does not change.
    pub(super) fn finish(&self, plan: &[Stretch]) -> SimTime {
        let mut then = self.clone();
        then.send_until(SimTime::NEVER, plan);
        then.now
    }

    /// Sends from `plan` what can have gone out by `until`, or all of it if that is earlier, and stands there;
    /// at `NEVER` if something never goes. The answer is the bytes sent and the pages left.
    pub(super) fn send_until(&mut self, until: SimTime, plan: &[Stretch]) -> (f64, f64) {
        let (mut bytes, mut left, mut goes_on) = (0.0, 0.0, true);
        for &part in plan.iter().filter(|p| p.pages > 0.0) {
            if !goes_on {
                left += part.pages;
                continue;
            }
            self.turn_to(part);
            let done = self.finish_of(part);
            goes_on = done <= until && done < SimTime::NEVER;
            let sent = if goes_on { part } else { part.first(self.sent_by(until, part)) };
            self.go(done.min(until), sent);
            bytes += sent.bytes();
            left += part.pages - sent.pages;
        }
        (bytes, left)
    }

    /// It stands still until then.
    pub(super) fn wait(&mut self, until: SimTime) {
        self.go(until.max(self.now), Stretch::of_bytes(Bytes::ZERO));
    }

    /// Bytes of `what` that the present window still takes.
    fn at_once(&self, what: Stretch) -> f64 {
        let within = self.window_end.since(self.now).as_secs() * what.wire / self.pace(what);
        self.credit.min(within)
    }

    /// When `what` has gone out.
    fn finish_of(&self, what: Stretch) -> SimTime {
        let pace = self.pace(what);
        if !pace.is_finite() {
            return SimTime::NEVER;
        }
        let bytes = what.bytes();
        let Some(burst) = self.cap(what) else {
            let through_queue = || (what.pages * what.scan).max((bytes - self.credit) / self.rate.as_f64());
            let takes = if self.queues() { through_queue() } else { what.pages * pace };
            return self.begins(what) + Span::from_secs_f64(takes);
        };
        let (per_byte, first) = (pace / what.wire, self.at_once(what));
        if bytes < first {
            return self.now + Span::from_secs_f64(bytes * per_byte);
        }
        // A burst that is spent to the last byte ends with its window: it sleeps before it looks.
        let (quantum, rest) = (burst.quantum.as_f64(), bytes - first);
        let whole = (rest / quantum + 1e-9).floor();
        let part = (rest - whole * quantum).max(0.0);
        self.window_end + burst.window * (whole as u64) + Span::from_secs_f64(part * per_byte)
    }

    /// When the first of `what` goes, if no cap holds it back: a sender that sleeps wakes up first.
    fn begins(&self, what: Stretch) -> SimTime {
        if what.wire > 0.0 { self.next_send(self.now) } else { self.now }
    }

    /// Pages of `what` that can have gone out by `until`.
    fn sent_by(&self, until: SimTime, what: Stretch) -> f64 {
        let pace = self.pace(what);
        if !pace.is_finite() {
            return 0.0;
        }
        let Some(burst) = self.cap(what) else {
            let time = until.since(self.begins(what)).as_secs();
            let carried = (self.rate.as_f64() * time + self.credit) / what.wire;
            return if self.queues() { carried.min(time / what.scan) } else { time / pace };
        };
        let speed = what.wire / pace;
        if until < self.window_end {
            return (until.since(self.now).as_secs() * speed).min(self.credit) / what.wire;
        }
        let over = until.since(self.window_end);
        let (whole, within) = (over.0 / burst.window.0, Span(over.0 % burst.window.0));
        let quantum = burst.quantum.as_f64();
        let bytes = self.at_once(what) + whole as f64 * quantum + (within.as_secs() * speed).min(quantum);
        bytes / what.wire
    }

    /// `sent` has gone out by `until`.
    fn go(&mut self, until: SimTime, sent: Stretch) {
        let bytes = sent.bytes();
        let window = self.link.burst.filter(|_| self.window_end <= until && until < SimTime::NEVER);
        let Some(burst) = window else {
            let carried = if self.link.burst.is_none() && until < SimTime::NEVER {
                self.rate.as_f64() * until.since(self.now).as_secs()
            } else {
                0.0
            };
            self.now = until;
            let most = self.link.burst.map_or(self.link.queue, |b| b.quantum).as_f64();
            self.credit = (self.credit + carried - bytes).clamp(0.0, most);
            return;
        };
        let whole = until.since(self.window_end).0 / burst.window.0;
        let begun = self.window_end + burst.window * whole;
        let quantum = burst.quantum.as_f64();
        let spent = match self.cap(sent) {
            Some(_) => bytes - self.at_once(sent) - whole as f64 * quantum,
            None => bytes.min(until.since(begun).as_secs() * sent.wire / self.pace(sent)),
        };
        self.now = until;
        self.credit = (quantum - spent.max(0.0)).max(0.0);
        self.window_end = begun + burst.window;
    }
}
