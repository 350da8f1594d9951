//! Pre-copy: rounds of copying what the guest keeps writing, until what is left is small enough to stop it.
//!
//! ```text
//!   begin: all pages pending
//!     |
//!     v          pending < rate of the last 100 ms x limit
//!   send  ------------------------------------------------->  sync  --->  small enough: switch over
//!     ^                                                         |
//!     +--------------- go on, throttled if it must be ----------+--->  post-copy, or give up
//! ```
//!
//! QEMU and vMotion stop the guest by one rule: what is left would take less than a limit at the bandwidth
//! last seen. A sync happens *before* the round is over, so up to that many pages are carried into the next
//! round. Rounds, carried pages and the state of the throttle are all there is; time, bandwidth and memory
//! are the caller's: a link of its own ([`alone()`]) or flows among others (`migration::live`).
//!
//! Sources: QEMU 10.0.2 `migration/{migration,ram,options}.c`, `system/cpu-throttle.c`; VMware knowledge base
//! 436882; libxenguest `xg_sr_save.c`; US patents 10,552,199, 10,552,200 and 10,552,209 (AHV).

mod alone;
mod control;
mod path;
mod sender;
mod stretch;
#[cfg(test)]
mod theory;
mod window;

pub use alone::{Alone, Delta, FAULTS_TO_PROGRESS, Outcome, alone};
pub use path::{Burst, Change, Link};
pub use window::Window;

use crate::profile::migration::{Control, StopRule};
use crate::vm::dirty::{DirtyMemory, PAGE};
use control::ControlState;
use sim_core::mutant::Mutant;
use sim_core::{Bytes, Rate, SimTime, Span};

/// A downtime limit that grows while a migration goes on (OpenStack Nova).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ladder {
    /// Steps from a tenth of the limit to all of it.
    pub steps: u32,
    /// Time from step to step per GiB of memory, of which at least 2 are counted.
    pub step_per_gib: Span,
}

/// What a platform's pre-copy obeys.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// When pre-copy is over.
    pub stop: StopRule,
    /// The rest must fit into this.
    pub downtime_limit: Span,
    /// Steps up to that limit, if it is not granted at once.
    pub ladder: Option<Ladder>,
    /// Time between two looks at what is pending, unless all has been sent (QEMU: one turn of sending lasts
    /// at most 50 ms).
    pub look_every: Span,
    /// Bytes on the wire of a page with data.
    pub page_wire: u64,
    /// Bytes on the wire of a zero page.
    pub zero_wire: u64,
    /// The dirty log is cleared in parts of this size as they are sent; `None`: all at each sync.
    pub clear_chunk: Option<Bytes>,
    /// What is done to a guest that writes too fast.
    pub control: Control,
    /// Give up after this long per GiB of memory.
    pub completion_per_gib: Option<Span>,
    /// Give up when the rest has not reached a new low for this long.
    pub progress: Option<Span>,
    /// Stop the guest and fetch pages on demand after this long.
    pub postcopy_after: Option<Span>,
}

impl Rules {
    /// QEMU 10.0.2 as it ships: no throttle, no give-up.
    pub const QEMU: Rules = Rules {
        stop: StopRule::Limit,
        downtime_limit: Span::ms(300),
        ladder: None,
        look_every: Span::ms(50),
        page_wire: PAGE + 8, // address and flags
        zero_wire: 9,        // the same and one byte
        clear_chunk: Some(Bytes::gib(1)),
        control: Control::None,
        completion_per_gib: None,
        progress: None,
        postcopy_after: None,
    };

    /// Bytes on the wire that all pending pages take.
    pub fn wire(&self, memory: &DirtyMemory) -> f64 {
        self.cost(memory.data_pending(), memory.zero_pending())
    }

    /// Bytes on the wire until only `left` pages are pending.
    pub fn wire_until(&self, memory: &DirtyMemory, left: f64) -> f64 {
        let (data, zero) = memory.split(left);
        self.cost(memory.data_pending() - data, memory.zero_pending() - zero).max(0.0)
    }

    /// Pages pending after `bytes` on the wire.
    pub fn left_after(&self, memory: &DirtyMemory, bytes: f64) -> f64 {
        let (pages, wire) = (memory.pending_pages(), self.wire(memory));
        if bytes >= wire {
            return 0.0;
        }
        // Costs are linear from here to where only zero pages are left, and from there on; when zero pages
        // lie between the others it is one straight line.
        let (_, zero) = memory.split(memory.zero_pending());
        let bend = if zero == memory.zero_pending() { zero } else { 0.0 };
        let to_bend = self.wire_until(memory, bend);
        if bytes <= to_bend {
            return pages - (pages - bend) * bytes / to_bend.max(f64::MIN_POSITIVE);
        }
        bend - bend * (bytes - to_bend) / (wire - to_bend)
    }

    /// Bytes on the wire of a zero page.
    fn zero_bytes(&self) -> u64 {
        if Mutant::ZeroPagesSent.lives() { self.page_wire } else { self.zero_wire }
    }

    fn cost(&self, data: f64, zero: f64) -> f64 {
        data * self.page_wire as f64 + zero * self.zero_bytes() as f64
    }
}

/// Bytes are whole, expected numbers of pages are not: a hundredth of a page is as good as sent.
const ALL_SENT: f64 = 0.01;

/// Why a migration was given up before the guest was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It took longer than its size allows.
    Completion,
    /// What is left had no new low for too long.
    NoProgress,
    /// Even the strongest throttle does not make it converge.
    Throttle,
    /// Somebody wanted it to end.
    Cancelled,
    /// The destination is gone.
    PeerLost,
    /// Nothing would ever end it: the path stays down, or rounds go on and on.
    Endless,
}

/// What a sync decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another round.
    GoOn,
    /// Stop the guest and send the rest.
    SwitchOver,
    /// Stop the guest, start it over there and send the rest afterwards.
    PostCopy,
    /// The guest goes on where it is.
    GiveUp(Reason),
}

/// The state of one pre-copy.
#[derive(Clone, Debug)]
pub struct Precopy {
    /// Syncs, that of the start included.
    pub syncs: u32,
    /// Bytes on the wire so far.
    pub sent: Bytes,
    started: SimTime,
    control: ControlState,
    /// Fewest pages that a sync has left, and when that was.
    low: (f64, SimTime),
    size_gib: f64,
}

impl Precopy {
    /// Starts: all of `memory` is pending.
    pub fn begin(rules: &Rules, memory: &mut DirtyMemory, now: SimTime) -> Precopy {
        memory.begin(now, rules.clear_chunk);
        Precopy {
            syncs: 1,
            sent: Bytes::ZERO,
            started: now,
            control: ControlState::begin(now),
            low: (memory.pending_pages(), now),
            size_gib: memory.size().as_f64() / Bytes::gib(1).as_f64(),
        }
    }

    /// Share of the guest's speed that is taken away now.
    pub fn throttle(&self) -> f64 {
        self.control.throttle
    }

    /// A sync is due when no more than this many pages are pending. `seen` is the bandwidth of the last
    /// window; zero while there is none yet.
    pub fn due_pages(&self, rules: &Rules, now: SimTime, seen: Rate) -> f64 {
        match rules.stop {
            StopRule::Limit => seen.as_f64() * self.limit(rules, now).as_secs() / PAGE as f64,
            StopRule::Iterations { .. } | StopRule::Below(_) => 0.0,
        }
    }

    /// The limit that what is left is held against at the bandwidth seen, if the platform looks at that.
    pub fn looks_at_bandwidth(&self, rules: &Rules, now: SimTime) -> Option<Span> {
        matches!(rules.stop, StopRule::Limit).then(|| self.limit(rules, now))
    }

    /// The downtime limit in force.
    pub fn limit(&self, rules: &Rules, now: SimTime) -> Span {
        let Some(ladder) = rules.ladder else { return rules.downtime_limit };
        let step = ladder.step_per_gib.scale(self.size_gib.max(2.0));
        let climbed = now.since(self.started).0 / step.0.max(1);
        let base = 1.0 / f64::from(ladder.steps.max(1));
        let share = base + climbed as f64 * (1.0 - base) / f64::from(ladder.steps.max(1));
        rules.downtime_limit.scale(share.min(1.0))
    }

    /// Bytes have gone out and `left` pages remain pending.
    pub fn progress(&mut self, memory: &mut DirtyMemory, sent: Bytes, left: f64) {
        memory.keep(left);
        self.sent += sent;
    }

    /// When something happens however little is sent: a sync of its own by the throttle, or giving up.
    pub fn deadline(&self, rules: &Rules) -> SimTime {
        let mut first = self.control.next_sync(&rules.control);
        if let Some(per_gib) = rules.completion_per_gib {
            first = first.min(self.started + per_gib.scale(self.size_gib.max(1.0)));
        }
        if let Some(progress) = rules.progress {
            first = first.min(self.low.1 + progress);
        }
        if let Some(after) = rules.postcopy_after {
            first = first.min(self.started + after);
        }
        first
    }

    /// The deadline has come, or a sync is due: looks at what was written and decides. `speed` is the guest's
    /// speed since it was last told, `seen` the bandwidth of the last window.
    pub fn look(
        &mut self,
        rules: &Rules,
        memory: &mut DirtyMemory,
        now: SimTime,
        speed: f64,
        seen: Rate,
    ) -> Verdict {
        if let Some(reason) = self.overdue(rules, now) {
            return Verdict::GiveUp(reason);
        }
        let due = self.due_pages(rules, now, seen);
        let known = memory.pending_pages();
        let wants_sync = known <= due * (1.0 + 1e-9) + ALL_SENT;
        if !wants_sync && !self.control.tick(&rules.control, now, self.syncs) {
            return self.postcopy_or_on(rules, memory, now, speed);
        }
        if known <= ALL_SENT && matches!(rules.stop, StopRule::Limit) && due <= ALL_SENT {
            // Before a bandwidth is known nothing is few enough but nothing: the sync is the one of the stop.
            memory.sync(now, speed);
            return Verdict::SwitchOver;
        }
        let found = memory.sync(now, speed);
        self.syncs += 1;
        let pending = memory.pending_pages();
        if pending < self.low.0 {
            self.low = (pending, now);
        }
        if wants_sync && self.small_enough(rules, pending, found, due) {
            return Verdict::SwitchOver;
        }
        let converges = self.control.after_sync(&rules.control, now, found, self.sent, seen);
        if !converges {
            return Verdict::GiveUp(Reason::Throttle);
        }
        self.postcopy_or_on(rules, memory, now, speed)
    }

    fn small_enough(&self, rules: &Rules, pending: f64, found: f64, due: f64) -> bool {
        match rules.stop {
            StopRule::Limit => pending <= due * (1.0 + 1e-9),
            StopRule::Iterations { rounds, pages } => self.syncs > rounds || found < f64::from(pages),
            StopRule::Below(bytes) => pending * PAGE as f64 <= bytes as f64,
        }
    }

    /// The guest is stopped for post-copy with a last sync: what it wrote since is fetched again.
    fn postcopy_or_on(&self, rules: &Rules, memory: &mut DirtyMemory, now: SimTime, speed: f64) -> Verdict {
        match rules.postcopy_after {
            Some(after) if now >= self.started + after => {
                memory.sync(now, speed);
                Verdict::PostCopy
            }
            _ => Verdict::GoOn,
        }
    }

    fn overdue(&self, rules: &Rules, now: SimTime) -> Option<Reason> {
        let late = |since: SimTime, most: Span| now >= since + most;
        if rules
            .completion_per_gib
            .is_some_and(|per_gib| late(self.started, per_gib.scale(self.size_gib.max(1.0))))
        {
            return Some(Reason::Completion);
        }
        rules.progress.filter(|&most| late(self.low.1, most)).map(|_| Reason::NoProgress)
    }
}
