//! Breaking, noticing, moving, coming back.

use super::super::failover::{TOR_RELOAD, Watch};
use super::*;

fn link_capacity(b: &Bench, link: LinkId) -> f64 {
    b.fabric.fluid.capacity(link).as_f64()
}

/// 100,000 draws of each watch against its uniform law. KS x sqrt(n) above 1.63 has probability 0.01 if the
/// law is right; the seed is fixed, so a correct law passes for good.
#[test]
fn detection_delays_follow_their_uniform_laws() {
    let laws = [
        (Watch::HostCarrier, 0.0, 0.1),
        (Watch::SwitchCarrier, 0.01, 0.1),
        (Watch::Route(RouteDetection::Carrier), 0.01, 0.1),
        (Watch::Route(RouteDetection::Bfd), 0.6, 0.9),
        (Watch::Route(RouteDetection::BgpFast), 6.0, 9.0),
        (Watch::Route(RouteDetection::BgpDefault), 120.0, 180.0),
        (Watch::Route(RouteDetection::Ospf), 30.0, 40.0),
        (Watch::Lacp { fast: true }, 2.0, 3.0),
        (Watch::Lacp { fast: false }, 60.0, 90.0),
    ];
    for (watch, low, high) in laws {
        let mut luck = Streams::new(Seed(2), 0).stream("part", "detection");
        let draws = (0..100_000).map(|_| watch.draw(&mut luck).as_secs()).collect();
        let distance = ks_uniform(draws, low, high);
        assert!(distance < 1.63, "{watch:?}: {distance}");
    }
}

/// A flow over a cable that dies: rate 0 at once; at the host's detection, U(0, 100 ms) over runs, it moves to
/// the other leg and is back after a slow start of 8 hops x 2 us x log2(4 MiB / (10 x 8948 B)) = 16 us x 5.55.
#[test]
fn a_cut_cable_stalls_its_flow_for_the_detection_and_the_slow_start() {
    let slow_start = 16e-6 * libm::log2(4_194_304.0 / 89_480.0);
    let mut stalls = Vec::new();
    for seed in 0..2_000 {
        let mut b = Bench::rack_pair(Bond::ActiveBackup, seed);
        let flow = b.send(0, 4, Bytes::gib(1000), 1);
        b.run(b.ms(1_000));
        assert!(b.fabric.rate(flow) > Rate::ZERO);
        b.act(|f, cx| f.fail(Part::Cable(HostId(0), 0), cx));
        b.settle();
        assert_eq!(b.fabric.rate(flow), Rate::ZERO);
        assert!(b.fabric.connected(HostId(0), HostId(4)));
        let left = b.fabric.remaining(flow, b.now);
        b.run(b.ms(2_000));
        // Bytes lost to the stall, over the rate before and after, which is the same here.
        let moved = (left.0 - b.fabric.remaining(flow, b.now).0) as f64;
        stalls.push(1.0 - moved / b.fabric.rate(flow).as_f64() - slow_start);
        let up = b.cable(0, 1).up;
        assert!(b.path(flow).is_some_and(|p| p.links().next() == Some(up)));
    }
    let distance = ks_uniform(stalls, 0.0, 0.1);
    assert!(distance < 1.63, "{distance}");
}

/// A dead spine of four takes a quarter of every ToR's uplinks, and flows over it move within the detection.
#[test]
fn a_dead_spine_leaves_three_quarters() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let flows: Vec<FlowId> = (0..40).map(|k| b.send(0, 4, Bytes::gib(1000), k)).collect();
    let up = |b: &Bench, tor: usize| -> f64 {
        let uplinks = b.fabric.topology.tors[tor].uplinks.iter().flatten();
        uplinks.map(|u| link_capacity(b, u.up)).sum()
    };
    let whole: Vec<f64> = (0..4).map(|t| up(&b, t)).collect();
    b.settle();
    let before: Vec<_> = flows.iter().map(|f| b.path(*f)).collect();
    b.act(|f, cx| f.fail(Part::Spine(2), cx));
    b.run(b.ms(200));
    for (tor, whole) in whole.iter().enumerate() {
        assert_eq!(up(&b, tor), 0.75 * whole);
    }
    let dead: Vec<LinkId> =
        b.fabric.topology.tors.iter().filter_map(|t| t.uplinks[2]).map(|u| u.up).collect();
    let (mut moved, mut stayed) = (0, 0);
    for (flow, before) in flows.iter().zip(before) {
        let over_dead = |p: topology::Path| p.links().any(|l| dead.contains(&l));
        assert!(!over_dead(b.path(*flow).expect("three spines are left")));
        assert!(b.fabric.rate(*flow) > Rate::ZERO);
        match before.is_some_and(over_dead) {
            true => moved += 1,
            false => {
                assert_eq!(b.path(*flow), before, "who did not use it stays");
                stayed += 1;
            }
        }
    }
    assert!(moved > 0 && stayed > 0);
    b.act(|f, cx| f.repair(Part::Spine(2), cx));
    b.settle();
    assert_eq!(up(&b, 0), whole[0]);
}

/// With LACP every host of the rack is left with one of two ports: 16 flows out of one host, which hash to both,
/// have twice the goodput of a port before and once after.
#[test]
fn a_dead_tor_halves_every_host_under_lacp() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    // Within the rack nothing else is in the way; four hosts are the receivers of one.
    let flows: Vec<FlowId> = (0..16).map(|k| b.send(0, 1 + (k % 3) as u16, Bytes::gib(1000), k)).collect();
    b.settle();
    let total = |b: &Bench| flows.iter().map(|f| b.fabric.rate(*f).as_f64()).sum::<f64>() / port_rate();
    assert!((total(&b) - 2.0).abs() < 1e-6, "{}", total(&b));
    b.act(|f, cx| f.fail(Part::Tor(Side::Target, 0, 1), cx));
    b.run(b.ms(200));
    assert!((total(&b) - 1.0).abs() < 1e-6, "{}", total(&b));
    for host in 0..4 {
        assert_eq!(link_capacity(&b, b.cable(host, 1).up), 0.0);
        assert!((link_capacity(&b, b.cable(host, 0).up) / port_rate() - 1.0).abs() < 1e-6);
    }
}

/// Under active-backup only the hosts whose active leg was on the dead ToR stall; then all use the other one,
/// and stay there when the dead one is back.
#[test]
fn a_dead_tor_moves_the_active_legs_and_they_stay_moved() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    // Hosts 0 and 2 are active on ToR 0, hosts 1 and 3 on ToR 1.
    let (even, odd) = (b.send(0, 2, Bytes::gib(1000), 1), b.send(1, 3, Bytes::gib(1000), 2));
    b.settle();
    b.act(|f, cx| f.fail(Part::Tor(Side::Target, 0, 0), cx));
    b.settle();
    assert_eq!(b.fabric.rate(even), Rate::ZERO);
    assert!(b.fabric.rate(odd) > Rate::ZERO);
    b.run(b.ms(200));
    let legs = |b: &Bench| -> Vec<usize> { (0..4).map(|h| b.fabric.topology.stations[h].active).collect() };
    assert_eq!(legs(&b), [1; 4]);
    assert!(b.fabric.rate(even) > Rate::ZERO);
    b.act(|f, cx| f.repair(Part::Tor(Side::Target, 0, 0), cx));
    b.run(b.now + TOR_RELOAD);
    assert_eq!(legs(&b), [1; 4]);
    assert!(link_capacity(&b, b.cable(0, 0).up) > 0.0);
}

/// A repaired ToR keeps its ports down for 300 s, not a nanosecond less; breaking it again starts over.
#[test]
fn a_repaired_tor_reloads_for_300_s() {
    let tor = Part::Tor(Side::Target, 0, 0);
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let dead = |b: &Bench| link_capacity(b, b.cable(0, 0).up) == 0.0;
    b.act(|f, cx| f.fail(tor, cx));
    b.run(b.ms(60_000));
    b.act(|f, cx| f.repair(tor, cx));
    b.run(b.ms(360_000) - Span::ns(1));
    assert!(dead(&b));
    b.run(b.ms(360_000));
    assert!(!dead(&b));
    b.act(|f, cx| f.fail(tor, cx));
    b.act(|f, cx| f.repair(tor, cx));
    b.run(b.ms(400_000));
    b.act(|f, cx| f.fail(tor, cx));
    b.run(b.ms(700_000));
    assert!(dead(&b), "the reload that was under way is void");
    b.act(|f, cx| f.repair(tor, cx));
    b.run(b.ms(1_000_000));
    assert!(!dead(&b));
}

/// What is cut off for good keeps its bytes, and goes on when a way is back.
#[test]
fn a_host_without_cables_waits_for_one() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let flow = b.send(0, 4, Bytes::gib(1000), 1);
    b.settle();
    for port in 0..2 {
        b.act(|f, cx| f.fail(Part::Cable(HostId(0), port), cx));
    }
    assert!(!b.fabric.connected(HostId(0), HostId(4)));
    b.run(b.ms(1_000));
    assert_eq!((b.fabric.rate(flow), b.path(flow)), (Rate::ZERO, None));
    let left = b.fabric.remaining(flow, b.now);
    assert!(left > Bytes::gib(999));
    b.run(b.ms(5_000));
    let late = b.send(0, 4, Bytes::gib(1000), 2); // asked for while there is no way
    b.act(|f, cx| f.repair(Part::Cable(HostId(0), 1), cx));
    b.settle();
    assert!(b.fabric.connected(HostId(0), HostId(4)));
    assert_eq!(b.fabric.remaining(flow, b.now), left);
    b.run(b.ms(6_000));
    assert!(b.fabric.rate(flow) > Rate::ZERO && b.fabric.rate(late) > Rate::ZERO);
}

/// Two causes over one cable: it is back when both have gone.
#[test]
fn a_link_is_back_when_its_last_cause_has_gone() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let dead = |b: &Bench| link_capacity(b, b.cable(0, 0).up) == 0.0;
    for part in [Part::Host(HostId(0)), Part::Cable(HostId(0), 0)] {
        b.act(|f, cx| f.fail(part, cx));
    }
    b.run(b.ms(1_000));
    b.act(|f, cx| f.repair(Part::Host(HostId(0)), cx));
    b.settle();
    assert!(dead(&b));
    b.act(|f, cx| f.repair(Part::Cable(HostId(0), 0), cx));
    b.settle();
    assert!(!dead(&b));
    b.run(b.ms(2_000));
    assert!(b.fabric.outages.is_empty());
}

/// The sites are joined by one link: without it, they are not connected, and each is fine by itself.
#[test]
fn the_site_link_is_the_only_way_between_sites() {
    let mut b = two_sites(Span::ms(1));
    let (far, near) = (b.send(0, 4, Bytes::gib(1000), 1), b.send(0, 1, Bytes::gib(1000), 2));
    b.settle();
    b.act(|f, cx| f.fail(Part::Site, cx));
    b.run(b.ms(500));
    assert_eq!(b.fabric.rate(far), Rate::ZERO);
    assert!(b.fabric.rate(near) > Rate::ZERO);
    assert!(!b.fabric.connected(HostId(0), HostId(4)) && b.fabric.connected(HostId(4), HostId(5)));
    // Spines 0..4 are the target's, 4..8 the source's: a dead one of the source leaves the target whole.
    b.act(|f, cx| f.repair(Part::Site, cx));
    b.act(|f, cx| f.fail(Part::Spine(5), cx));
    let of =
        |b: &Bench, tor: usize| b.fabric.topology.tors[tor].uplinks[1].map(|u| link_capacity(b, u.up) > 0.0);
    assert_eq!((of(&b, 0), of(&b, 2)), (Some(false), Some(true)));
    b.run(b.ms(2_000));
    assert!(b.fabric.rate(far) > Rate::ZERO);
}

/// A cable at a tenth of its rate carries a tenth; one that passes nothing is noticed by LACP's timers within
/// 60 to 90 s (2 to 3 s fast), and never by the carrier that an active-backup bond looks at.
#[test]
fn a_sick_cable_slows_and_a_hung_one_waits_for_lacp() {
    for (fast, low, high) in [(true, 2_000, 3_100), (false, 60_000, 90_100)] {
        let design = FabricDesign { lacp_fast: fast, ..design() };
        let mut b = Bench::new(&design, plugs(Side::Target, 8, 2, Bond::Lacp), 1);
        let flow = b.send(0, 1, Bytes::gib(100_000), 1);
        b.settle();
        let port = u16::from(b.path(flow).and_then(|p| p.links().next()) == Some(b.cable(0, 1).up));
        let slow = |b: &mut Bench, left, loss| b.act(|f, cx| f.slow_cable(HostId(0), port, left, loss, cx));
        slow(&mut b, 0.1, 0.0);
        b.settle();
        assert!((b.fabric.rate(flow).as_f64() / port_rate() - 0.1).abs() < 1e-6);
        slow(&mut b, 1.0, 0.01);
        b.settle();
        let lossy = b.fabric.rate(flow).as_f64();
        // Padhye et al. at p = 0.01, RTT 8 us, RTO 200 ms: 8948 / (8e-6 x 0.1155 + 0.2 x 0.2598 x 0.01 x 1.0032).
        assert!((lossy / (8948.0 / 5.2219e-4) - 1.0).abs() < 1e-3, "{lossy}");
        slow(&mut b, 0.0, 0.0);
        b.run(b.ms(low));
        assert_eq!(b.fabric.rate(flow), Rate::ZERO);
        b.run(b.ms(high));
        assert!((b.fabric.rate(flow).as_f64() / port_rate() - 1.0).abs() < 1e-6, "on the other leg");
        slow(&mut b, 1.0, 0.0);
        b.settle();
        assert!(b.fabric.outages.is_empty());
    }
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    let flow = b.send(0, 2, Bytes::gib(1), 1);
    b.act(|f, cx| f.slow_cable(HostId(0), 0, 0.0, 0.0, cx));
    b.run(b.ms(3_600_000));
    assert_eq!(b.fabric.rate(flow), Rate::ZERO);
    assert!(!b.fabric.connected(HostId(0), HostId(2)));
}

/// A part draws from its own stream: its delay is the same whatever else has failed before.
#[test]
fn failures_do_not_move_each_others_luck() {
    let noticed = |others: bool| {
        let mut b = Bench::rack_pair(Bond::Lacp, 1);
        if others {
            b.act(|f, cx| f.fail(Part::Tor(Side::Target, 1, 0), cx));
            b.act(|f, cx| f.fail(Part::Host(HostId(6)), cx));
        }
        b.act(|f, cx| f.fail(Part::Cable(HostId(0), 0), cx));
        b.fabric.topology.port(b.cable(0, 0).up).down
    };
    assert_eq!(noticed(false), noticed(true));
    assert!(noticed(false).is_some());
}
