//! One migration over a link of its own: for the laboratory, for tests, and for comparison with measured
//! migrations. No events, no other traffic.

use super::sender::Sender;
use super::stretch::Stretch;
use super::{Link, Precopy, Reason, Rules, Verdict};
use crate::vm::dirty::DirtyMemory;
use sim_core::{Bytes, Rate, SimTime, Span};

/// Looks, changes of the path included, after which a migration that nobody stops is called endless.
const MOST_LOOKS: u32 = 100_000;
/// A throttled vCPU of QEMU runs this long between two sleeps (`CPU_THROTTLE_TIMESLICE_NS`).
const RUN_SLICE: Span = Span::ms(10);
/// Page faults until a guest in post-copy makes progress: 9-11 requests measured with a small hot set
/// (own runs of QEMU 10.0.2).
pub const FAULTS_TO_PROGRESS: u64 = 10;

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
    /// Work that a throttled guest makes up after each sleep, such as a timer tick that was kept for it.
    pub catch_up: Span,
    /// Changes of pages are sent instead of pages that were sent before.
    pub delta: Option<Delta>,
    /// A page fault in post-copy waits this long, and behind so many bytes.
    pub fault: (Span, Bytes),
    /// Somebody cancels it, so long after the start.
    pub cancelled: Option<Span>,
    /// The destination dies, so long after the start.
    pub peer_dies: Option<Span>,
}

impl Alone {
    /// Without any overhead, fault or help.
    pub fn bare(rules: Rules, memory: DirtyMemory) -> Alone {
        Alone {
            rules,
            memory,
            setup: Span::ZERO,
            fixed_stun: Span::ZERO,
            device: Bytes::ZERO,
            scan_pages_per_s: f64::INFINITY,
            catch_up: Span::ZERO,
            delta: None,
            fault: (Span::ZERO, Bytes::ZERO),
            cancelled: None,
            peer_dies: None,
        }
    }

    /// What is to be sent now.
    fn pending(&self, rules: &Rules, memory: &DirtyMemory) -> [Stretch; 2] {
        Stretch::pending(rules, memory, self.scan_pages_per_s)
    }

    /// The guest's speed at a throttle.
    fn speed(&self, throttle: f64) -> f64 {
        if throttle == 0.0 {
            return 1.0;
        }
        ((1.0 - throttle) * (1.0 + self.catch_up.as_secs() / RUN_SLICE.as_secs())).min(1.0)
    }
}

/// Compression against a cache of pages that were sent before (QEMU xbzrle).
#[derive(Clone, Copy, Debug)]
pub struct Delta {
    /// Pages that it holds.
    pub pages: f64,
    /// Bytes on the wire of a page that it holds.
    pub wire: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The guest runs at the destination, or why not.
    pub end: Result<(), Reason>,
    /// From start to end.
    pub total: Span,
    /// The guest stood still for this long.
    pub pause: Span,
    /// The part of the pause in which memory was sent.
    pub copy: Span,
    /// Syncs, those of the start and of the end included.
    pub syncs: u32,
    /// Bytes on the wire.
    pub bytes: Bytes,
    /// Share of the guest's speed that was taken away last.
    pub throttle: f64,
    /// Post-copy: from the guest's first instruction at the destination to the last page.
    pub fetching: Span,
    /// Longest time without progress of the guest.
    pub freeze: Span,
}

impl Outcome {
    /// Rounds of copying that were begun while the guest ran at the source.
    pub fn rounds(&self) -> u32 {
        match self.end {
            Err(_) => self.syncs,
            Ok(()) if self.fetching > Span::ZERO => self.syncs - 1,
            Ok(()) => self.syncs - 2,
        }
    }
}

/// Why a round ended.
enum Next {
    /// Something may be due.
    Look,
    /// The path has changed.
    Changed,
    /// It is stopped from outside.
    Stopped(Reason),
}

/// Runs one migration.
pub fn alone(config: &Alone, link: &Link) -> Outcome {
    let mut rules = config.rules;
    let mut memory = config.memory.clone();
    let start = SimTime::ZERO + config.setup;
    let mut copy = Precopy::begin(&rules, &mut memory, start);
    let mut sender = Sender::begin(link, start);
    let (mut cached, mut to_send) = (0.0, memory.data_pending());
    for _ in 0..MOST_LOOKS {
        rules.page_wire = page_wire(config, cached);
        match round(config, &rules, &mut copy, &mut memory, &mut sender) {
            Next::Stopped(reason) => return failed(reason, &copy, sender.now),
            Next::Changed => continue,
            Next::Look => {}
        }
        if config.delta.is_some() && copy.syncs > 1 {
            let written = memory.written_pages().max(1.0);
            cached += (1.0 - cached) * ((to_send - memory.data_pending()) / written).clamp(0.0, 1.0);
        }
        let speed = config.speed(copy.throttle());
        let verdict = copy.look(&rules, &mut memory, sender.now, speed, sender.seen());
        to_send = memory.data_pending();
        let rest = || config.pending(&rules, &memory);
        match verdict {
            Verdict::GoOn => {}
            Verdict::GiveUp(reason) => return failed(reason, &copy, sender.now),
            Verdict::SwitchOver => return switch_over(config, copy, rest(), sender),
            Verdict::PostCopy => return postcopy(config, copy, rest(), sender),
        }
    }
    failed(Reason::Endless, &copy, sender.now)
}

/// Bytes of a page when the share `cached` of what is written has been sent before and would be found again.
fn page_wire(config: &Alone, cached: f64) -> u64 {
    let full = config.rules.page_wire;
    let Some(delta) = config.delta else { return full };
    let found = cached * (delta.pages / config.memory.written_pages().max(1.0)).min(1.0);
    (full as f64 * (1.0 - found) + delta.wire as f64 * found) as u64
}

/// Sends until a sync is due, a deadline comes, the path changes or pages begin to cost something else.
fn round(
    config: &Alone,
    rules: &Rules,
    copy: &mut Precopy,
    memory: &mut DirtyMemory,
    sender: &mut Sender<'_>,
) -> Next {
    let plan = config.pending(rules, memory);
    let (look, crossing) = due(rules, copy, sender, &plan);
    let due_at = look.min(sender.finish(&plan)).min(copy.deadline(rules)).max(sender.now);
    let other = outside(config, sender).0.min(sender.next_change()).min(crossing).max(sender.now);
    let until = due_at.min(other);
    if until == SimTime::NEVER {
        return Next::Stopped(Reason::Endless);
    }
    let (bytes, left) = sender.send_until(until, &plan);
    sender.wait(until);
    copy.progress(memory, Bytes::from_f64(bytes), left);
    if due_at <= other {
        return Next::Look;
    }
    match outside(config, sender) {
        (at, reason) if at <= until => return Next::Stopped(reason),
        _ if sender.next_change() <= until => sender.change(),
        _ => {}
    }
    Next::Changed
}

/// When so little is left that a sync may be due, and when what is sent next costs something else, which says
/// anew how little that is. Nothing is due before a bandwidth has been seen.
fn due(rules: &Rules, copy: &Precopy, sender: &mut Sender<'_>, plan: &[Stretch; 2]) -> (SimTime, SimTime) {
    let present = if plan[0].pages > 0.0 { plan[0] } else { plan[1] };
    sender.turn_to(present);
    let first_window = sender.first_window();
    if copy.looks_at_bandwidth(rules, sender.now).is_some() && sender.now < first_window {
        return (first_window, SimTime::NEVER);
    }
    let few = copy.due_pages(rules, sender.now, sender.believes());
    let needed = (plan[0].pages + plan[1].pages - few).max(0.0);
    if needed > present.pages {
        return (SimTime::NEVER, sender.finish(&[present]));
    }
    (sender.look_after(needed, plan, rules.look_every), SimTime::NEVER)
}

/// When and why it is stopped from outside. A dead peer is noticed when the sender next touches the path.
fn outside(config: &Alone, sender: &Sender<'_>) -> (SimTime, Reason) {
    let at = |span: Option<Span>| span.map_or(SimTime::NEVER, |s| SimTime::ZERO + s);
    let (cancelled, dead) = (at(config.cancelled), at(config.peer_dies));
    let noticed = if dead <= sender.now { sender.next_send(sender.now) } else { dead };
    if cancelled <= noticed { (cancelled, Reason::Cancelled) } else { (noticed, Reason::PeerLost) }
}

fn failed(reason: Reason, copy: &Precopy, now: SimTime) -> Outcome {
    Outcome {
        end: Err(reason),
        total: now.since(SimTime::ZERO),
        pause: Span::ZERO,
        copy: Span::ZERO,
        syncs: copy.syncs,
        bytes: copy.sent,
        throttle: copy.throttle(),
        fetching: Span::ZERO,
        freeze: Span::ZERO,
    }
}

fn switch_over(config: &Alone, copy: Precopy, rest: [Stretch; 2], mut sender: Sender<'_>) -> Outcome {
    let stopped = sender.now;
    let [first, second] = rest;
    let device = Stretch::of_bytes(config.device);
    let Some(arrived) = sender.deliver(&[Stretch::of_bytes(sender.queued()), first, second, device]) else {
        return failed(Reason::Endless, &copy, stopped);
    };
    let pause = arrived.since(stopped) + config.fixed_stun;
    Outcome {
        end: Ok(()),
        total: stopped.since(SimTime::ZERO) + pause,
        pause,
        copy: arrived.since(stopped),
        syncs: copy.syncs + 1,
        bytes: copy.sent + Bytes::from_f64(first.bytes() + second.bytes()) + config.device,
        throttle: copy.throttle(),
        fetching: Span::ZERO,
        freeze: pause,
    }
}

/// The guest goes on over there after its device state has arrived, and fetches what it misses.
fn postcopy(config: &Alone, copy: Precopy, rest: [Stretch; 2], mut sender: Sender<'_>) -> Outcome {
    let stopped = sender.now;
    let resumed = sender.deliver(&[Stretch::of_bytes(config.device)]).map(|at| at + config.fixed_stun);
    let Some((resumed, rate)) = resumed.map(|at| (at, sender.rate())) else {
        return failed(Reason::Endless, &copy, stopped);
    };
    sender.now = resumed;
    let [first, second] = rest;
    let Some(done) = sender.deliver(&[Stretch::of_bytes(sender.queued()), first, second]) else {
        return failed(Reason::Endless, &copy, resumed);
    };
    let (pause, fetching) = (resumed.since(stopped), done.since(resumed));
    let fault = config.fault_wait(rate);
    Outcome {
        end: Ok(()),
        total: done.since(SimTime::ZERO),
        pause,
        copy: pause.saturating_sub(config.fixed_stun),
        syncs: copy.syncs + 1,
        bytes: copy.sent + Bytes::from_f64(first.bytes() + second.bytes()) + config.device,
        throttle: copy.throttle(),
        fetching,
        freeze: (pause + fault * FAULTS_TO_PROGRESS).min(pause + fetching),
    }
}

impl Alone {
    /// How long a page fault in post-copy waits on a path of that rate.
    pub fn fault_wait(&self, rate: Rate) -> Span {
        let (fixed, behind) = self.fault;
        if rate == Rate::ZERO { fixed } else { fixed + behind / rate }
    }
}
