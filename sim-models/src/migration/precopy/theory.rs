//! Pre-copy against algebra.

use super::*;
use crate::scenario::{DirtyClass, Dirtying};

fn plain(rules: Rules, memory: DirtyMemory) -> Alone {
    Alone::bare(rules, memory)
}

fn link(rate: u64) -> Link {
    Link::plain(Rate(rate))
}

fn uniform(pages: u64, writes_per_s: f64) -> Dirtying {
    Dirtying::Classes(vec![DirtyClass { pages, writes_per_s }])
}

fn textbook(stop_at: u64) -> Rules {
    Rules { stop: StopRule::Below(stop_at), page_wire: PAGE, zero_wire: 0, clear_chunk: None, ..Rules::QEMU }
}

/// V0 = 64 GB at B = 1.25 GB/s, dirtied at D = 0.5 GB/s: V(i+1) = 0.4 V(i), stop below 0.375 GB.
/// V = 64, 25.6, 10.24, 4.096, 1.6384, 0.65536 | 0.262144: six rounds.
/// Rounds: (64 (1 - 0.4^6) / 0.6) / 1.25 = 84.983808 s; pause 0.262144 / 1.25 = 0.2097152 s; bytes 106.491904 GB.
#[test]
fn the_textbook_series_is_exact() {
    let pages = 64_000_000_000 / PAGE;
    let memory =
        DirtyMemory::new(&Dirtying::Sweep { pages, rate: 0.5e9 / PAGE as f64 }, Bytes(pages * PAGE), 1.0);
    let o = alone(&plain(textbook(375_000_000), memory), &link(1_250_000_000));
    assert_eq!(o.end, Ok(()));
    assert_eq!(o.syncs, 1 + 6 + 1); // the start, six rounds, the stop
    assert_eq!(o.pause, Span(209_715_200));
    assert_eq!(o.total - o.pause, Span(84_983_808_000));
    assert_eq!(o.bytes, Bytes(106_491_904_000));
}

/// An idle resident guest on a saturated link is stunned for about the limit: QEMU stops as soon as what is
/// left fits. The look comes up to 50 ms late, so the copy is between limit - 50 ms and the limit; half the
/// bandwidth after the decision doubles it.
#[test]
fn an_idle_guest_is_stunned_for_the_limit_and_half_the_bandwidth_doubles_it() {
    let memory = DirtyMemory::new(&uniform(256, 10.0), Bytes::gib(1), 1.0);
    for limit in [300u64, 500, 1000] {
        let rules = Rules { downtime_limit: Span::ms(limit), ..Rules::QEMU };
        let copy = alone(&plain(rules, memory.clone()), &link(50_000_000)).pause;
        // Stop, resume and the queue of the path come on top, as measured: 5 ms and half a look.
        let stun = copy + Span::ms(5) + Span::ms(25);
        let ratio = stun.as_secs() * 1e3 / limit as f64;
        assert!((0.9..=1.1).contains(&ratio), "{limit}: {ratio}");
    }
    let mut memory = memory;
    let rules = Rules::QEMU;
    let now = SimTime(0);
    let mut copy = Precopy::begin(&rules, &mut memory, now);
    let seen = Rate(50_000_000);
    let due = copy.due_pages(&rules, now, seen);
    copy.progress(&mut memory, Bytes::ZERO, due);
    assert_eq!(copy.look(&rules, &mut memory, now, 1.0, seen), Verdict::SwitchOver);
    let rest = Bytes::from_f64(rules.wire(&memory));
    let (whole, half) = ((rest / seen).as_secs(), (rest / Rate(25_000_000)).as_secs());
    assert!((half / whole - 2.0).abs() < 1e-6, "{whole} {half}");
}

/// Bytes on the wire are pages times their cost. One round of an idle guest: 65,536 resident and 196,608
/// zero pages, whatever is carried over.
#[test]
fn bytes_on_the_wire_are_pages_times_their_cost() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(1), 0.25);
    let o = alone(&plain(Rules::QEMU, memory), &link(100_000_000));
    assert_eq!(o.bytes, Bytes(65_536 * (PAGE + 8) + 196_608 * 9));
}

/// More writing or less bandwidth never makes a migration shorter, up to the look every 50 ms.
#[test]
fn total_time_is_monotone_in_write_rate_and_bandwidth() {
    let total = |writes: f64, rate: u64| {
        let memory = DirtyMemory::new(&uniform(65_536, writes), Bytes::gib(1), 0.5);
        alone(&plain(Rules::QEMU, memory), &link(rate)).total.as_secs()
    };
    let slack = 0.05;
    for pair in [0.0, 10.0, 1000.0, 5000.0, 10_000.0, 20_000.0].windows(2) {
        assert!(total(pair[0], 200_000_000) <= total(pair[1], 200_000_000) + slack, "{pair:?}");
    }
    for pair in [400_000_000, 200_000_000, 150_000_000, 100_000_000].windows(2) {
        assert!(total(5000.0, pair[0]) <= total(5000.0, pair[1]) + slack, "{pair:?}");
    }
}

/// A guest that writes 65,536 pages at 20,000/s into 67 MB/s never converges alone (20,000 pages are 82 MB).
/// Stun during page send and the computed throttle hold writing below sending, and it does.
#[test]
fn throttles_make_a_fast_writer_converge() {
    let memory = DirtyMemory::new(&uniform(1 << 20, 20_000.0), Bytes::gib(8), 1.0);
    let with = |control: Control| {
        let rules = Rules { control, completion_per_gib: Some(Span::secs(800)), ..Rules::QEMU };
        alone(&plain(rules, memory.clone()), &link(67_000_000))
    };
    assert_eq!(with(Control::None).end, Err(Reason::Completion));
    let held = with(Control::StunDuringSend { rho: 0.9, most: 0.9 });
    assert!(held.end.is_ok() && held.throttle > 0.1 && held.throttle <= 0.9, "{held:?}");
    let computed = with(Control::Computed { rho: 0.5, most: 0.8 });
    assert!(computed.end.is_ok() && computed.throttle > 0.3, "{computed:?}");
    // Half the writing needs a throttle of 0.8 and more when the link carries a fifth of that.
    let memory = DirtyMemory::new(&uniform(1 << 20, 200_000.0), Bytes::gib(8), 1.0);
    let rules = Rules { control: Control::Computed { rho: 0.5, most: 0.8 }, ..Rules::QEMU };
    assert_eq!(alone(&plain(rules, memory), &link(67_000_000)).end, Err(Reason::Throttle));
}

/// Xen stops after five rounds whatever is left: half of the working set is rewritten each round, and the
/// pause grows with it.
#[test]
fn a_fixed_number_of_rounds_lets_the_pause_grow_with_the_writing() {
    let rules = Rules { stop: StopRule::Iterations { rounds: 5, pages: 50 }, ..Rules::QEMU };
    let run = |writes: f64| {
        let memory = DirtyMemory::new(&uniform(65_536, writes), Bytes::gib(1), 1.0);
        alone(&plain(rules, memory), &link(100_000_000))
    };
    let (slow, fast) = (run(1000.0), run(20_000.0));
    assert!(slow.pause < Span::ms(300) && fast.pause > Span::ms(300), "{slow:?} {fast:?}");
    assert!(fast.syncs <= 1 + 5 + 1);
}

/// The ladder grants a tenth of the limit first: 30 ms per step of 75 s x 2 GiB, the whole after ten.
#[test]
fn the_downtime_ladder_climbs_to_the_whole_limit() {
    let rules = Rules {
        ladder: Some(Ladder { steps: 10, step_per_gib: Span::secs(75) }),
        downtime_limit: Span::ms(500),
        ..Rules::QEMU
    };
    let mut memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(1), 1.0);
    let copy = Precopy::begin(&rules, &mut memory, SimTime::ZERO);
    let at = |s: u64| copy.limit(&rules, SimTime::ZERO + Span::secs(s));
    assert_eq!([at(0), at(149), at(150), at(1500), at(9000)], [50, 50, 95, 500, 500].map(Span::ms));
}
