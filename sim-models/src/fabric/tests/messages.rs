//! One message on a whole fabric: what it meets, and how long it waits when there is no way.

use super::*;

fn p99(b: &Bench, from: u16, to: u16) -> f64 {
    let mut luck = Streams::new(Seed(5), 0).stream("guest", "messages");
    let one = |_| match b.fabric.message(HostId(from), HostId(to), 8192, b.now, &mut luck) {
        Delivery::After(span) => span.as_secs() * 1e6,
        Delivery::Never => f64::INFINITY,
    };
    let mut all: Vec<f64> = (0..4_000).map(one).collect();
    all.sort_by(f64::total_cmp);
    all[3960]
}

/// Four hops of 2 us and 8246 B at 3.125 GB/s on each: 8 + 4 x 2.639 us, and nothing else on an idle fabric.
/// Within a rack half of that; within a host 10 us and 8192 B of memory copy.
#[test]
fn an_idle_fabric_adds_nothing() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    b.settle();
    assert!((p99(&b, 0, 4) - (8.0 + 4.0 * 2.63872)).abs() < 0.01);
    assert!((p99(&b, 0, 1) - (4.0 + 2.0 * 2.63872)).abs() < 0.01);
    assert!((p99(&b, 0, 0) - 10.82).abs() < 0.01);
}

/// The same fabric with hops of 5 us, 30 us within a host and copies at 1 GB/s: 20 us where it had 8, and 30 us
/// and 8192 B / 1 GB/s = 8.192 us where it had 10.82. A pair of two connections keeps two windows of 4 MiB in
/// its sockets when it is squeezed, whatever time passes.
#[test]
fn a_fabric_is_what_its_design_says() {
    let (hop_delay, local_delay) = (Span::us(5), Span::us(30));
    let copy_rate = Rate(1_000_000_000);
    let design = FabricDesign { hop_delay, local_delay, copy_rate, guest_connections: 2, ..design() };
    let mut b = Bench::new(&design, plugs(Side::Target, 8, 2, Bond::ActiveBackup), 1);
    b.settle();
    assert!((p99(&b, 0, 4) - (20.0 + 4.0 * 2.63872)).abs() < 0.01);
    assert!((p99(&b, 0, 0) - 38.192).abs() < 0.01);
    assert_eq!(b.fabric.rtt(HostId(0), HostId(4)), Span::us(40));
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 0.01, 0.0, cx));
    b.act(|f, cx| f.offer(HostId(0), HostId(2), Rate::gbps(1), cx));
    b.run(b.ms(1_000));
    assert_eq!(b.fabric.offers[&(HostId(0), HostId(2))].backlog(b.now), Bytes::mib(8));
}

/// What guests offer, however many pairs there are, does not make a port full: each has its cap.
#[test]
fn guests_alone_do_not_fill_a_port() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    for from in 0..8 {
        for to in (0..8).filter(|to| *to != from) {
            b.act(|f, cx| f.offer(HostId(from), HostId(to), Rate::mib_per_s(10), cx));
        }
    }
    b.settle();
    assert!(b.fabric.loads.iter().all(|l| l.elastic == 0));
    assert!(b.fabric.loads.iter().any(|l| l.guests > Rate::ZERO));
    assert!(p99(&b, 0, 4) < 2.0 * (8.0 + 4.0 * 2.63872));
}

/// A rebuild that is held back by disks leaves trains; one that is held back by a cable leaves a full queue.
/// Three senders into one 25 GbE port queue what their windows allow, 3 x 4 MiB less 50,000 B on the wire,
/// below the 16 MiB that a 32 MiB switch gives to one full port: at most 12.53 MB / 3.125 GB/s = 4.0 ms.
#[test]
fn bulk_flows_lift_p99_by_regime() {
    let incast = |cap: Option<Rate>, queueing: Queueing| {
        let design = FabricDesign { queueing, ..design() };
        let mut b = Bench::new(&design, plugs(Side::Target, 8, 2, Bond::ActiveBackup), 1);
        for from in [2, 4, 6] {
            let flow = b.send(from, 0, Bytes::gib(100), u64::from(from));
            b.act(|f, cx| f.set_cap(flow, cap, cx));
        }
        b.settle();
        p99(&b, 4, 0)
    };
    let idle = incast(Some(Rate(1)), Queueing::Fifo);
    let held = incast(Some(Rate::mib_per_s(500)), Queueing::Fifo);
    let full = incast(None, Queueing::Fifo);
    assert!(1.2 * idle < held && held < 5.0 * idle, "{idle} us idle, {held} us beside paced flows");
    assert!((3_500.0..4_060.0).contains(&full), "{full} us");
    let priority = incast(None, Queueing::Priority);
    assert!(idle < priority && priority < 60.0, "{priority} us with priority");
    let marked = incast(None, Queueing::Ecn(Bytes(250_000)));
    assert!(priority < marked && marked < 500.0, "{marked} us with marks");
}

/// One migration leaves its own host's port full, not the receiver's: its messages queue behind what TCP keeps
/// in the host, 1 MiB less 50,000 B at 3.125 GB/s = 320 us, and other hosts' messages to the receiver do not.
#[test]
fn a_migration_queues_at_its_sender() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    b.send(0, 4, Bytes::gib(100), 1);
    b.settle();
    let (own, others) = (p99(&b, 0, 4), p99(&b, 2, 4));
    assert!((300.0..370.0).contains(&own), "{own} us");
    assert!(others < 60.0, "{others} us");
}

/// Offered 125 MB/s over a cable at 1 % (goodput g = 29.39 MB/s), the sockets of four connections fill at
/// 125 - g = 95.6 MB/s to 16 MiB in 175 ms; a message then waits 16 MiB / g = 571 ms. Whole again, the cable
/// empties them at 2.939 GB/s - 125 MB/s, in 6.0 ms.
#[test]
fn a_squeezed_pair_waits_in_its_sockets() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 0.01, 0.0, cx));
    b.act(|f, cx| f.offer(HostId(0), HostId(2), Rate::gbps(1), cx));
    b.settle();
    let mut luck = Streams::new(Seed(5), 0).stream("guest", "messages");
    let mut wait = |b: &Bench| match b.fabric.message(HostId(0), HostId(2), 8192, b.now, &mut luck) {
        Delivery::After(span) => span.as_secs(),
        Delivery::Never => f64::INFINITY,
    };
    let share = 0.01 * port_rate();
    // Besides the backlog: the port itself, full of what four connections may keep in the host, 4 MiB.
    let port = 4_194_304.0 / 31.25e6;
    b.run(b.ms(100));
    let expected = ((125e6 - share) * 0.1 + 8192.0) / share;
    let waited = wait(&b);
    assert!(
        (expected..expected + port + 1e-3).contains(&waited),
        "{waited} s, {expected} s behind the backlog"
    );
    b.run(b.ms(1_000));
    let expected = (16_777_216.0 + 8192.0) / share;
    let waited = wait(&b);
    assert!(
        (expected..expected + port + 1e-3).contains(&waited),
        "{waited} s, {expected} s behind the backlog"
    );
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 1.0, 0.0, cx));
    b.settle();
    let drains = 16_777_216.0 / port_rate();
    let waited = wait(&b);
    assert!((drains..drains + 2e-5).contains(&waited), "{waited} s");
    b.run(b.ms(1_006));
    assert!(wait(&b) < 3e-5);
}

/// The same pair beside a bulk flow that fills the cable once it is whole: nothing is left over, yet the four
/// connections get 4/5 of what the pair and the flow have together. 16 MiB leave at 0.8 (g - 125 MB/s) =
/// 2.25 GB/s within 7.5 ms, and the pair then waits behind the port alone: its own 5 MiB at most, 1.8 ms.
#[test]
fn a_backlog_drains_beside_a_bulk_flow() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 0.01, 0.0, cx));
    b.act(|f, cx| f.offer(HostId(0), HostId(2), Rate::gbps(1), cx));
    b.run(b.ms(1_000));
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 1.0, 0.0, cx));
    b.send(0, 2, Bytes::gib(100), 1);
    b.settle();
    let behind = |b: &Bench| b.fabric.offers[&(HostId(0), HostId(2))].wait(0, b.now).as_secs();
    assert!((7.0e-3..7.5e-3).contains(&behind(&b)), "{} s", behind(&b));
    b.run(b.ms(1_008));
    assert_eq!(behind(&b), 0.0);
}

/// In the black hole: sent at the instant of the failure, a message goes out again after 200, 600, 1400, ... ms
/// and arrives by the first of these after detection, which is U(0, 100 ms) at the host (BFD: 600 to 900 ms
/// at the ToR for a dead spine).
#[test]
fn a_message_waits_for_detection_and_its_timer() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    let mut luck = Streams::new(Seed(5), 0).stream("guest", "messages");
    b.act(|f, cx| f.fail(Part::Cable(HostId(0), 0), cx));
    b.settle();
    let wait =
        |b: &Bench, to: u16, luck: &mut Stream| b.fabric.message(HostId(0), HostId(to), 4096, b.now, luck);
    let Delivery::After(first) = wait(&b, 4, &mut luck) else { panic!("the other leg is whole") };
    assert!((Span::ms(200)..Span::us(200_100)).contains(&first), "{first}");
    b.run(b.ms(150));
    let Delivery::After(later) = wait(&b, 4, &mut luck) else { panic!("the other leg is in use") };
    assert!(later < Span::us(100), "{later}");

    let design = FabricDesign { spines: 2, detection: RouteDetection::Bfd, ..design() };
    let mut b = Bench::new(&design, plugs(Side::Target, 8, 2, Bond::ActiveBackup), 1);
    b.act(|f, cx| f.fail(Part::Spine(0), cx));
    b.settle();
    let waits: Vec<Delivery> = [4, 5, 6, 7].map(|to| wait(&b, to, &mut luck)).to_vec();
    let slow =
        |d: &&Delivery| matches!(d, Delivery::After(s) if (Span::ms(1_400)..Span::us(1_400_100)).contains(s));
    let quick = |d: &&Delivery| matches!(d, Delivery::After(s) if *s < Span::us(100));
    assert_eq!(waits.iter().filter(slow).count() + waits.iter().filter(quick).count(), 4, "{waits:?}");
    assert!(waits.iter().any(|d| slow(&d)), "one of four pairs uses spine 0 under this seed: {waits:?}");
}

/// No way and none to come: never. A ToR in its reload is a way to come, after 300 s and the timer.
#[test]
fn a_message_without_a_way_never_arrives_unless_one_returns() {
    let design = FabricDesign { spines: 1, uplinks_per_tor: 1, ..design() };
    let mut luck = Streams::new(Seed(5), 0).stream("guest", "messages");
    let mut one_port = plugs(Side::Target, 8, 2, Bond::ActiveBackup);
    one_port.iter_mut().for_each(|p| p.nics.ports = 1);
    let mut b = Bench::new(&design, one_port, 1);
    let tor = Part::Tor(Side::Target, 0, 0);
    b.act(|f, cx| f.fail(tor, cx));
    b.run(b.ms(1_000));
    let message = |b: &Bench, luck: &mut Stream| b.fabric.message(HostId(0), HostId(1), 4096, b.now, luck);
    assert_eq!(message(&b, &mut luck), Delivery::Never);
    b.act(|f, cx| f.repair(tor, cx));
    // Timers: 0.2 x (2^j - 1) s up to 102.2 s, then 204.6 - 102.2 > 120 s, so + 102.4 and + 120: 324.6 s.
    let Delivery::After(wait) = message(&b, &mut luck) else { panic!("it will be back") };
    assert!((Span::ms(324_600)..Span::us(324_600_100)).contains(&wait), "{wait}");
    b.run(b.ms(301_000));
    let Delivery::After(wait) = message(&b, &mut luck) else { panic!("it is back") };
    assert!(wait < Span::us(100), "{wait}");
}
