//! One pre-copy over a link of its own: for tests, for quick estimates, and for comparison with measured
//! migrations. No events, no other traffic.

use super::{Precopy, Reason, Rules, Verdict};
use crate::vm::dirty::DirtyMemory;
use sim_core::{Bytes, Rate, SimTime, Span};

/// A migration without a cluster around it.
#[derive(Clone, Debug)]
pub struct Alone {
    /// What it obeys.
    pub rules: Rules,
    /// What it copies.
    pub memory: DirtyMemory,
    /// Before the first byte.
    pub setup: Span,
    /// Stop, device state and resume, apart from what is sent.
    pub fixed_stun: Span,
    /// Device state that is sent while the guest stands.
    pub device: Bytes,
    /// Zero pages found per second.
    pub scan_pages_per_s: f64,
}

/// What it is copied over.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What the path carries.
    pub rate: Rate,
    /// Bytes the path holds when the sender is faster than it; they are still to arrive when the guest is
    /// stopped.
    pub queue: Bytes,
    /// A limit below the path's rate, spent in bursts; off while the guest stands.
    pub burst: Option<Burst>,
}

/// A rate limit as QEMU applies it: so many bytes per window at the path's rate, then sleep to its end.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Bytes per window.
    pub quantum: Bytes,
    /// The window: 100 ms.
    pub window: Span,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The guest runs at the destination, or why not.
    pub end: Result<(), Reason>,
    /// Setup, rounds and pause.
    pub total: Span,
    /// The guest stood still for this long.
    pub pause: Span,
    /// Syncs, those of the start and of the end included.
    pub syncs: u32,
    /// Bytes on the wire.
    pub bytes: Bytes,
    /// Share of the guest's speed that was taken away last.
    pub throttle: f64,
}

/// Runs one pre-copy; a post-copy verdict counts as the end of it. More than a million syncs are an error of
/// ours.
///
/// # Panics
/// If the link's rate is zero.
pub fn alone(config: &Alone, link: &Link) -> Outcome {
    assert!(link.rate > Rate::ZERO, "a pre-copy alone needs a link that carries something");
    let rules = &config.rules;
    let mut memory = config.memory.clone();
    let start = SimTime::ZERO + config.setup;
    let mut copy = Precopy::begin(rules, &mut memory, start);
    let mut sender = Sender::begin(link, start);
    for _ in 0..1_000_000 {
        round(config, &mut copy, &mut memory, &mut sender);
        let now = sender.now;
        let speed = 1.0 - copy.throttle();
        match copy.look(rules, &mut memory, now, speed, sender.seen()) {
            Verdict::GoOn => {}
            Verdict::GiveUp(reason) => return failed(reason, &copy, now),
            Verdict::SwitchOver | Verdict::PostCopy => return switch_over(config, link, copy, &memory, now),
        }
    }
    unreachable!("pre-copy neither ends nor gives up: a round takes no time")
}

/// Sends until a sync is due or a deadline comes.
fn round(config: &Alone, copy: &mut Precopy, memory: &mut DirtyMemory, sender: &mut Sender<'_>) {
    let rules = &config.rules;
    let pages = memory.pending_pages();
    let due = copy.due_pages(rules, sender.now, sender.link_mean());
    let wire = rules.wire(memory);
    let scan = Scan::of(config, memory, wire);
    let needed = if pages > due { rules.wire_until(memory, due) } else { 0.0 };
    let to_send = sender.turns(needed, scan, rules.look_every).min(wire);
    let finish = sender.finish(to_send, scan).max(sender.first_window());
    let deadline = copy.deadline(rules).max(sender.now);
    let (until, bytes) = if deadline < finish {
        (deadline, sender.sent_by(deadline, scan).min(to_send))
    } else {
        (finish, to_send)
    };
    sender.go(until, bytes);
    let left = rules.left_after(memory, bytes);
    copy.progress(memory, Bytes::from_f64(bytes), left);
}

fn failed(reason: Reason, copy: &Precopy, now: SimTime) -> Outcome {
    Outcome {
        end: Err(reason),
        total: now.since(SimTime::ZERO),
        pause: Span::ZERO,
        syncs: copy.syncs,
        bytes: copy.sent,
        throttle: copy.throttle(),
    }
}

fn switch_over(config: &Alone, link: &Link, copy: Precopy, memory: &DirtyMemory, now: SimTime) -> Outcome {
    let rest = Bytes::from_f64(config.rules.wire(memory)) + config.device;
    let queued = if link.burst.is_some() { Bytes::ZERO } else { link.queue };
    let pause = config.fixed_stun + (rest + queued) / link.rate;
    Outcome {
        end: Ok(()),
        total: now.since(SimTime::ZERO) + pause,
        pause,
        syncs: copy.syncs + 1,
        bytes: copy.sent + rest,
        throttle: copy.throttle(),
    }
}

/// Time spent on finding that pages are zero.
#[derive(Clone, Copy, Debug)]
struct Scan {
    /// In all, seconds.
    total: f64,
    /// Seconds per byte sent, on average.
    per_byte: f64,
    /// Seconds per byte at the end of the round.
    per_last_byte: f64,
}

impl Scan {
    fn of(config: &Alone, memory: &DirtyMemory, wire: f64) -> Scan {
        let total = memory.zero_pending() / config.scan_pages_per_s;
        let per_byte = total / wire.max(1.0);
        let zero_wire = config.rules.zero_wire.max(1) as f64;
        let per_last_byte =
            if memory.zeros_last() { 1.0 / (zero_wire * config.scan_pages_per_s) } else { per_byte };
        Scan { total, per_byte, per_last_byte }
    }

    fn at_the_end(&self, bytes: f64) -> f64 {
        (self.per_last_byte * bytes).min(self.total)
    }
}

/// Where the sender stands within its window.
#[derive(Debug)]
struct Sender<'a> {
    link: &'a Link,
    now: SimTime,
    started: SimTime,
    /// Bytes that may still go at once: of the window's quantum, or into the path's queue.
    credit: f64,
    window_end: SimTime,
}

impl<'a> Sender<'a> {
    fn begin(link: &'a Link, now: SimTime) -> Sender<'a> {
        let (credit, window) = match link.burst {
            Some(b) => (b.quantum.as_f64(), b.window),
            None => (link.queue.as_f64(), Span::ZERO),
        };
        Sender { link, now, started: now, credit, window_end: now + window }
    }

    /// Mean rate of a full window.
    fn link_mean(&self) -> Rate {
        self.link.burst.map_or(self.link.rate, |b| Rate::mean(b.quantum, b.window))
    }

    /// The same, as the sender knows it: nothing in the first window.
    fn seen(&self) -> Rate {
        if self.now < self.first_window() { Rate::ZERO } else { self.link_mean() }
    }

    fn first_window(&self) -> SimTime {
        self.started + Span::ms(100)
    }

    /// Bytes after as many whole turns as it takes to send `needed`: bursts, or looks at the clock.
    fn turns(&self, needed: f64, scan: Scan, every: Span) -> f64 {
        if let Some(burst) = self.link.burst {
            let quantum = burst.quantum.as_f64();
            let over = needed - self.credit;
            let whole =
                if over <= 0.0 && self.credit >= 1.0 { 0.0 } else { (over / quantum).ceil().max(1.0) };
            return self.credit + whole * quantum;
        }
        let took = self.finish(needed, scan).since(self.now);
        let turns = took.0.div_ceil(every.0.max(1)).max(1);
        self.sent_by(self.now + every * turns, scan)
    }

    /// When `bytes` have gone out; a rate limit hides the scan of all bursts but the last.
    fn finish(&self, bytes: f64, scan: Scan) -> SimTime {
        let wire = self.link.rate.as_f64();
        let Some(burst) = self.link.burst else {
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
    fn sent_by(&self, until: SimTime, scan: Scan) -> f64 {
        let wire = self.link.rate.as_f64();
        let Some(burst) = self.link.burst else {
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
    fn go(&mut self, until: SimTime, bytes: f64) {
        self.now = until;
        let Some(burst) = self.link.burst else {
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
