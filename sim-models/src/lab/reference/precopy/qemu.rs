//! A measured run as the model sees it, and what it says.
//!
//! Constants marked *measured* are of the bench on which the reference rows were taken: QEMU 10.0.2 (TCG),
//! both ends on the loopback device of a machine with two cores.

use super::row::{Mode, Row, Stop};
use crate::lab::migration::hot_and_cold;
use crate::migration::precopy::{Alone, Burst, Change, Delta, Link, Outcome, Reason, Rules, alone};
use crate::profile::migration::Control;
use crate::scenario::Dirtying;
use crate::vm::dirty::{DirtyMemory, PAGE};
use sim_core::{Bytes, Rate, Span};

/// From the command to the first byte; measured 5 to 20 ms.
const SETUP: Span = Span::ms(12);
/// Stop and resume of a guest without devices; measured 2 to 7 ms.
const FIXED_STUN: Span = Span::ms(5);
/// What the loopback device carries while a burst or the rest is sent; measured.
const LOOPBACK: Rate = Rate(2_000_000_000);
/// What one sending thread keeps up without a cap; measured 583 MB/s on the idle machine.
const ONE_SENDER: Rate = Rate(600_000_000);
/// Share of a shaped link's rate that is payload: headers and acknowledgements take the rest; measured.
const PAYLOAD: f64 = 0.995;
/// Bytes under way on a full shaped link, which the stopped guest waits for: measured 2.4 to 2.6 MB at 400 to
/// 1000 Mbit/s, of them 2 MB in the token bucket.
const LINK_QUEUE: Bytes = Bytes(2_500_000);
/// Zero pages found per second; measured.
const ZERO_SCAN: f64 = 8e6;
/// QEMU gathers 64 vectors, 32 pages with their headers, before it writes and looks at its cap
/// (`MAX_IOV_SIZE`, 10.0.2 migration/qemu-file.c).
const FLUSH: Bytes = Bytes(32 * (PAGE + 8));
/// A packet of multifd: 128 pages, its header and their addresses (10.0.2 migration/multifd.h). Each channel
/// is handed one more before the cap is looked at.
const PACKET: Bytes = Bytes(128 * PAGE + 64 + 128 * 8);
/// Cache of xbzrle as it ships (10.0.2 migration/options.c).
const XBZRLE_CACHE: Bytes = Bytes::mib(64);
/// A page of which eight bytes changed: headers, two run lengths and the bytes (migration/xbzrle.c).
const XBZRLE_PAGE: u64 = 22;
/// The guest's timer ticks once a millisecond, and one tick is kept for it while its vCPU sleeps.
const TICK: Span = Span::ms(1);
/// Faults strike 3 s after the start, at the next poll of 20 ms; measured.
const FAULT_AT: Span = Span::ms(3020);
/// From a command, or from an error on a path that is in use, to the end of a migration as its polling
/// observer sees it; measured 21 to 25 ms.
const OBSERVED: Span = Span::ms(22);
/// Firmware and option ROMs that come on top of the guest's memory, all of them non-zero: 130 pages by
/// `query-migrate`.
const FIRMWARE: Bytes = Bytes(130 * PAGE);
/// A page that post-copy asks for: so long, and behind so many bytes. Fitted to 79 ms at 800 and 106 ms at
/// 400 Mbit/s when requests share the stream, and 16 to 18 ms when they have a channel of their own.
const FAULT: [(Span, Bytes); 2] = [(Span::ms(52), Bytes(2_700_000)), (Span::ms(15), Bytes(250_000))];
/// Linux `TCP_RTO_MIN`.
const LEAST_TIMEOUT: Span = Span::ms(200);

/// How a run ends, in the words of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The guest runs at the destination.
    Completed,
    /// It failed, and the guest runs on at the source.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// It was cancelled because it took too long.
    TimeoutCancelled,
}

impl End {
    /// As the column `status` says it.
    pub fn word(self) -> &'static str {
        match self {
            End::Completed => "completed",
            End::Failed => "failed",
            End::Cancelled => "cancelled",
            End::TimeoutCancelled => "timeout-cancelled",
        }
    }
}

/// What the model says of a run, in the units of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// How it ends.
    pub end: End,
    /// From start to end, ms.
    pub total_ms: f64,
    /// The guest stands still, ms; `None` when it never does.
    pub downtime_ms: Option<f64>,
    /// Syncs as QEMU counts them.
    pub syncs: u32,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Last throttle, per cent.
    pub throttle_percent: f64,
    /// Pages that post-copy asked for, one after the other.
    pub requests: u64,
}

/// What the model says of one row.
pub fn predict_row(row: &Row) -> Prediction {
    let (config, link) = meant(row);
    let o = alone(&config, &link);
    let end = match o.end {
        Ok(()) => End::Completed,
        Err(Reason::Cancelled) if row.fault == Stop::Cancel && config.cancelled == Some(FAULT_AT) => {
            End::Cancelled
        }
        Err(Reason::Cancelled | Reason::Endless) => End::TimeoutCancelled,
        Err(_) => End::Failed,
    };
    let total = o.total + observed(&o, &link);
    let fetched = link.rate;
    let requests =
        if o.fetching > Span::ZERO { o.fetching.0 / config.fault_wait(fetched).0.max(1) } else { 0 };
    Prediction {
        end,
        total_ms: millis(total),
        downtime_ms: o.end.is_ok().then(|| millis(o.pause)),
        syncs: o.syncs,
        bytes: o.bytes.0,
        throttle_percent: (o.throttle * 1000.0).round() / 10.0,
        requests,
    }
}

/// Whole milliseconds, as QEMU counts.
fn millis(span: Span) -> f64 {
    (span.as_secs() * 1e3).round()
}

/// What an observer who polls adds to the time of a run that was ended for it. A sender that sleeps until its
/// next window sees at once that its peer has gone.
fn observed(o: &Outcome, link: &Link) -> Span {
    match o.end {
        Err(Reason::Cancelled) => OBSERVED,
        Err(Reason::PeerLost) if link.burst.is_none() => OBSERVED,
        _ => Span::ZERO,
    }
}

/// The configuration in the model's terms.
fn meant(row: &Row) -> (Alone, Link) {
    let link = link(row);
    let asked = (row.fault == Stop::Cancel).then_some(FAULT_AT);
    let config = Alone {
        setup: SETUP,
        fixed_stun: FIXED_STUN,
        scan_pages_per_s: ZERO_SCAN,
        catch_up: match row.mode {
            Mode::Paced => Span::secs(3600),
            Mode::Ticked => TICK,
            Mode::Cpu => Span::ZERO,
        },
        delta: row.xbzrle.then_some(Delta { pages: XBZRLE_CACHE.as_f64() / PAGE as f64, wire: XBZRLE_PAGE }),
        fault: FAULT[usize::from(row.preempt)],
        cancelled: [asked, row.timeout].into_iter().flatten().min(),
        peer_dies: (row.fault == Stop::KillDestination).then_some(FAULT_AT),
        ..Alone::bare(rules(row), memory(row))
    };
    (config, link)
}

fn rules(row: &Row) -> Rules {
    let control = row.throttle.map_or(Control::None, |[initial, increment, most]| Control::AutoConverge {
        initial,
        increment,
        most,
        trigger: 0.5,
    });
    Rules {
        downtime_limit: row.limit,
        control,
        // Under TCG the log is cleared as a whole at each sync.
        clear_chunk: None,
        // A page in a packet costs its address and its part of the packet's header.
        page_wire: if row.channels > 0 { PAGE + 10 } else { Rules::QEMU.page_wire },
        postcopy_after: row.postcopy_after,
        ..Rules::QEMU
    }
}

/// The guest fills its memory from 16 MiB up; what lies above stays zero, and its working set lies at the
/// beginning of what it fills.
fn memory(row: &Row) -> DirtyMemory {
    let (pages, rate) = (row.ws_pages, row.rate_target);
    let law = if row.sweeps { Dirtying::Sweep { pages, rate } } else { hot_and_cold((pages, rate), row.hot) };
    let mib = |n: f64| Bytes::from_f64(n * 1_048_576.0);
    let (size, filled) = (mib(row.ram_mib) + FIRMWARE, mib(row.fill_mib) + FIRMWARE);
    let memory = DirtyMemory::new(&law, size, filled.as_f64() / size.as_f64()).with_written_first();
    if row.fill_mib + 32.0 < row.ram_mib { memory.with_zeros_last() } else { memory }
}

fn link(row: &Row) -> Link {
    let shaped = row.link_bits_per_s.map(|bits| Rate::from_f64((bits / 8.0 * PAYLOAD).max(1.0)));
    let rate = match (shaped, row.cap) {
        (Some(rate), _) => rate,
        (None, Some(_)) => LOOPBACK,
        (None, None) => ONE_SENDER,
    };
    let piece = if row.channels > 0 { PACKET } else { FLUSH };
    let cap = row.cap.map(|cap| Burst::of_qemu(cap, piece, u64::from(row.channels)));
    // A cap above what the path carries is none.
    let burst = cap.filter(|b| rate * b.window > b.quantum);
    let changes = match row.fault {
        Stop::LinkDown(down) => {
            vec![Change { at: FAULT_AT, rate: Rate::ZERO }, Change { at: FAULT_AT + down, rate }]
        }
        _ => Vec::new(),
    };
    let queue = if shaped.is_some() { LINK_QUEUE } else { Bytes::ZERO };
    Link { rate, queue, burst, changes, least_timeout: LEAST_TIMEOUT }
}
