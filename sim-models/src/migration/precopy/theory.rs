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
/// left fits. The look comes 50 ms late, so the copy takes limit - 50 ms; what the path still holds, 50 ms as
/// measured, comes on top. Half the bandwidth after the decision doubles the copy.
#[test]
fn an_idle_guest_is_stunned_for_the_limit_and_half_the_bandwidth_doubles_it() {
    let memory = DirtyMemory::new(&uniform(256, 10.0), Bytes::gib(1), 1.0);
    for limit in [300u64, 500, 1000] {
        let rules = Rules { downtime_limit: Span::ms(limit), ..Rules::QEMU };
        let copy = alone(&plain(rules, memory.clone()), &link(50_000_000)).pause;
        // Stop and resume take 5 ms.
        let stun = copy + Span::ms(5) + Span::ms(50);
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

/// The link is down from 1 s to 3 s. What goes into it at 1 s is sent again after 0.2, 0.6, 1.4 and 3 s, so
/// from 4 s on; 4 GB at 1 GB/s end at 7 s. Without a timer the link is used from 3 s on.
#[test]
fn a_dead_link_costs_the_retransmission_ladder() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes(4_000_002_048), 1.0);
    let total = |least_timeout: Span| {
        let changes = [(1, Rate::ZERO), (3, Rate(1_000_000_000))]
            .map(|(s, rate)| Change { at: Span::secs(s), rate })
            .to_vec();
        let link = Link { changes, least_timeout, ..link(1_000_000_000) };
        alone(&plain(textbook(1_000_000), memory.clone()), &link).total.as_secs()
    };
    assert!((total(Span::ZERO) - 6.0).abs() < 1e-5);
    assert!((total(Span::ms(200)) - 7.0).abs() < 1e-5);
}

/// A link that never comes back ends nothing by itself; who cancels ends it.
#[test]
fn a_link_that_stays_down_is_endless_until_somebody_cancels() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(4), 1.0);
    let changes = vec![Change { at: Span::secs(1), rate: Rate::ZERO }];
    let link = Link { changes, ..link(1_000_000_000) };
    let mut config = plain(Rules::QEMU, memory);
    assert_eq!(alone(&config, &link).end, Err(Reason::Endless));
    config.cancelled = Some(Span::secs(15));
    let o = alone(&config, &link);
    assert_eq!((o.end, o.total), (Err(Reason::Cancelled), Span::secs(15)));
    assert_eq!(o.bytes, Bytes(1_000_000_000));
}

/// A capped sender of 10 MB per 100 ms at 1 GB/s sleeps from 10 ms of each window on: it notices a peer that
/// died at 1.02 s at 1.1 s, and one that died at 1.005 s at once.
#[test]
fn a_sleeping_sender_notices_a_dead_peer_at_its_next_window() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(4), 1.0);
    let burst = Some(Burst::of_qemu(Rate(100_000_000), Bytes(1), 0));
    let link = Link { burst, ..link(1_000_000_000) };
    let noticed = |ms: u64| {
        let mut config = plain(Rules::QEMU, memory.clone());
        config.peer_dies = Some(Span::ms(ms));
        let o = alone(&config, &link);
        assert_eq!(o.end, Err(Reason::PeerLost));
        o.total
    };
    assert_eq!((noticed(1020), noticed(1005)), (Span::ms(1100), Span::ms(1005)));
}

/// QEMU looks at its cap between writes of 32 pages: 64 MiB/s are 51.1 of them in 100 ms, so 52 go.
#[test]
fn a_cap_is_rounded_up_to_whole_writes() {
    let burst = Burst::of_qemu(Rate::mib_per_s(64), Bytes(32 * 4104), 0);
    assert_eq!(burst.quantum, Bytes(52 * 32 * 4104)); // 546.326 Mbit/s, as `query-migrate` says
}

/// Post-copy at once: what was never sent is fetched at the link's rate, whatever the guest writes.
#[test]
fn post_copy_takes_as_long_whatever_the_guest_writes() {
    let rules = Rules { postcopy_after: Some(Span::ZERO), ..Rules::QEMU };
    let total = |writes: f64| {
        let memory = DirtyMemory::new(&uniform(65_536, writes), Bytes::gib(1), 1.0);
        alone(&plain(rules, memory), &link(100_000_000))
    };
    let (slow, fast) = (total(10.0), total(1e6));
    assert_eq!(slow.total, fast.total);
    // 262,144 pages of 4104 B at 100 MB/s.
    assert!((slow.fetching.as_secs() - 10.75839).abs() < 1e-4);
}

/// All of 4 GiB are zero pages: 1,048,576 of them, found at 100,000/s and sent as 9 B each over 1 GB/s, take
/// 10.48576 s and 9.437184 ms whether the guest runs or stands; with nothing on the wire only the former.
#[test]
fn every_zero_page_is_looked_at() {
    let pages = 1_048_576.0;
    for stop in [StopRule::Limit, StopRule::Below(0), StopRule::Iterations { rounds: 1, pages: 0 }] {
        for zero_wire in [9, 0] {
            let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(4), 0.0);
            let mut config = plain(Rules { stop, zero_wire, ..Rules::QEMU }, memory);
            config.scan_pages_per_s = 1e5;
            let o = alone(&config, &link(1_000_000_000));
            let expected = pages * (1e-5 + zero_wire as f64 * 1e-9);
            assert!((o.total.as_secs() - expected).abs() < 1e-8, "{stop:?} {zero_wire}: {:?}", o.total);
        }
    }
}

/// Half of 4 GiB are zero pages between the others. A page takes 0.5 x 4104 B and 0.5 x 9 B over 1 GB/s and
/// 0.5 / 10,000 s of looking, 52.0565 us on average. The bandwidth seen is 2056.5 B in that time, so 0.3 s of
/// it are 2,893 pages of 4096 B, and a look 50 ms late leaves 2,893 x 52.0565 us - 50 ms.
#[test]
fn the_bandwidth_seen_is_what_the_scan_leaves_of_it() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(4), 0.5);
    let mut config = plain(Rules::QEMU, memory);
    config.scan_pages_per_s = 1e4;
    let o = alone(&config, &link(1_000_000_000));
    let wire: f64 = 0.5 * (4104.0 + 9.0);
    let page = wire * 1e-9 + 0.5 * 1e-4;
    let left = (wire / page).floor() * 0.3 / PAGE as f64;
    assert!((o.total.as_secs() - 1_048_576.0 * page).abs() < 1e-6, "{:?}", o.total);
    assert!((o.pause.as_secs() - (left * page - 0.05)).abs() < 1e-6, "{:?}", o.pause);
}

/// 10 MB per 100 ms, then 524,288 zero pages behind the others at 100,000/s: these are slower than the cap
/// and hold nobody up but themselves. 524,288 x 4104 B are 215 windows and 1.678 MB.
#[test]
fn a_cap_does_not_hide_the_scan_of_zero_pages_behind_the_others() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes::gib(4), 0.5).with_zeros_last();
    let mut config = plain(Rules::QEMU, memory);
    config.scan_pages_per_s = 1e5;
    let burst = Some(Burst::of_qemu(Rate(100_000_000), Bytes(1), 0));
    let o = alone(&config, &Link { burst, ..link(1_000_000_000) });
    let part = (524_288.0 * 4104.0 - 215.0 * 1e7) / 1e9;
    let expected = 21.5 + part + 524_288.0 * (1e-5 + 9e-9);
    assert!((o.total.as_secs() - expected).abs() < 1e-6, "{:?} {expected}", o.total);
}

/// A cap above what the path carries is none: 1 GB over 0.1 GB/s.
#[test]
fn a_cap_above_the_path_is_none() {
    let memory = DirtyMemory::new(&Dirtying::None, Bytes(250_000 * PAGE), 1.0);
    let burst = Some(Burst::of_qemu(Rate(1_000_000_000), Bytes(1), 0));
    let o = alone(&plain(textbook(0), memory), &Link { burst, ..link(102_400_000) });
    assert_eq!(o.total, Span::secs(10));
}

/// A bandwidth is known after 100 ms. What is small enough then is what 300 MB have left, 200 MB; 40.96 MB
/// are gone before that, and what was written meanwhile goes while the guest stands.
#[test]
fn a_small_guest_waits_for_no_bandwidth() {
    let rules = Rules { page_wire: PAGE, downtime_limit: Span::ms(500), clear_chunk: None, ..Rules::QEMU };
    let rate = 1_024_000_000; // 250,000 pages/s
    let memory = DirtyMemory::new(&Dirtying::None, Bytes(75_000 * PAGE), 1.0);
    let o = alone(&plain(rules, memory), &link(rate));
    assert_eq!((o.total, o.pause, o.syncs), (Span::ms(300), Span::ms(200), 3));
    let memory = DirtyMemory::linear(512_000_000.0, Bytes(10_000 * PAGE), 1.0);
    let o = alone(&plain(rules, memory), &link(rate));
    assert_eq!((o.total, o.pause, o.syncs), (Span::ms(60), Span::ms(20), 2));
}
