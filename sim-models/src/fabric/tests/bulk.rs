//! Bulk transfers: who shares what, who is told, and whose luck is whose.

use super::*;
use crate::fabric::topology::Path;

/// One flow has the goodput of one port, 0.95 x 8948/9038 x 3.125 GB/s = 2.939 GB/s, and takes its bytes
/// over that rate to the ns that rounding up allows.
#[test]
fn a_lone_flow_moves_at_the_goodput_of_a_port() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let flow = b.send(0, 4, Bytes(10_000_000_000), 1);
    b.settle();
    assert!((b.fabric.rate(flow).as_f64() / port_rate() - 1.0).abs() < 1e-6);
    b.run(b.ms(10_000));
    let [(end, 1)] = b.told[..] else { panic!("{:?}", b.told) };
    assert!((end.as_secs() / (10e9 / port_rate()) - 1.0).abs() < 1e-6);
}

/// Two flows of equal weight through one cable: each has half, and a pause that copies at the share of the
/// moment doubles. Weights differ by each flow's luck, so the shares are w1 and w2 over their sum.
#[test]
fn a_second_flow_halves_the_first() {
    let mut b = Bench::new(&design(), plugs(Side::Target, 8, 2, Bond::ActiveBackup), 1);
    let first = b.send(0, 4, Bytes::gib(10), 1);
    let second = b.send(0, 4, Bytes::gib(10), 2);
    b.settle();
    let (w1, w2) = (b.fabric.rate(first).as_f64(), b.fabric.rate(second).as_f64());
    assert!(((w1 + w2) / port_rate() - 1.0).abs() < 1e-6, "the cable is full");
    // The ratio of two log-normal factors: sigma sqrt(2) x 0.25, six of them either way.
    assert!((libm::log(w1 / w2)).abs() < 6.0 * 0.354);
    b.act(|f, cx| f.stop(first, cx));
    b.settle();
    assert!((b.fabric.rate(second).as_f64() / port_rate() - 1.0).abs() < 1e-6);
}

/// The factor on a flow's weight is log-normal with sigma 0.25: over 4,000 pairs through one cable, the log
/// ratio of their rates has mean 0 and sd sqrt(2) x 0.25 = 0.3536.
#[test]
fn unfairness_has_the_spread_it_should() {
    let mut b = Bench::new(&design(), plugs(Side::Target, 8, 2, Bond::ActiveBackup), 1);
    let mut logs = Vec::new();
    for pair in 0..4_000 {
        let flows = [b.send(0, 4, Bytes::gib(1), 2 * pair), b.send(0, 4, Bytes::gib(1), 2 * pair + 1)];
        b.settle();
        let [x, y] = flows.map(|f| b.fabric.rate(f).as_f64());
        logs.push(libm::log(x / y));
        for flow in flows {
            assert!(b.act(|f, cx| f.stop(flow, cx)).is_some());
        }
        b.settle();
    }
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let sd = (logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
    assert!(mean.abs() < 4.0 * 0.3536 / n.sqrt(), "{mean}");
    assert!((sd / 0.3536 - 1.0).abs() < 4.0 / (2.0 * n).sqrt(), "{sd}");
}

/// Every change of an instant is one settle; a flow is told when its rate has changed and only then.
#[test]
fn one_settle_per_instant_tells_those_whose_rate_changed() {
    let mut b = Bench::rack_pair(Bond::ActiveBackup, 1);
    let ask = |from, to, key: u64| Bulk {
        from: HostId(from),
        to: HostId(to),
        bytes: Bytes::gib(100),
        traffic: Traffic::Migration,
        streams: 1,
        cap: None,
        key,
        also: &[],
        then: tell(0),
        on_rate: Some(tell(key as u32)),
    };
    b.act(|f, cx| f.send(ask(0, 2, 1), cx));
    b.act(|f, cx| f.send(ask(4, 6, 2), cx));
    b.settle();
    assert_eq!(b.told.iter().map(|t| t.1).collect::<Vec<_>>(), [1, 2]);
    b.told.clear();
    b.run(b.ms(1));
    let third = b.act(|f, cx| f.send(ask(0, 2, 3), cx));
    b.settle();
    assert_eq!(b.told.iter().map(|t| t.1).collect::<Vec<_>>(), [1, 3]);
    b.told.clear();
    b.act(|f, cx| f.set_cap(third, Some(Rate::gbps(1)), cx));
    b.settle();
    assert_eq!(b.fabric.rate(third), Rate::gbps(1));
    assert_eq!(b.told.iter().map(|t| t.1).collect::<Vec<_>>(), [1, 3]);
}

/// 1 GB at 10 GB/s of memory copy; a cap or a budget of the owner's holds it back like any other.
#[test]
fn within_a_host_only_memory_and_the_owner_limit() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let flow = b.send(3, 3, Bytes(1_000_000_000), 5);
    b.settle();
    assert_eq!(b.fabric.rate(flow), Rate(10_000_000_000));
    b.act(|f, cx| f.set_cap(flow, Some(Rate::gbps(8)), cx));
    b.settle();
    assert_eq!(b.fabric.rate(flow), Rate(1_000_000_000));
    b.act(|f, cx| f.set_cap(flow, None, cx));
    b.run(b.ms(200));
    assert_eq!(b.told, [(b.ms(100), 5)]);
    assert!(b.fabric.connected(HostId(3), HostId(3)));
}

#[test]
fn a_budget_holds_flows_back_and_can_change() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let disk = b.fabric.add_budget(Rate::gbps(4));
    let bulk = Bulk {
        from: HostId(0),
        to: HostId(5),
        bytes: Bytes::gib(4),
        traffic: Traffic::Rebuild,
        streams: 1,
        cap: None,
        key: 9,
        also: &[disk],
        then: tell(1),
        on_rate: None,
    };
    let flow = b.act(|f, cx| f.send(bulk, cx));
    b.settle();
    // The solver rounds a share down by less than a byte per second.
    let full = Rate::gbps(4).0 - 1..=Rate::gbps(4).0;
    assert!(full.contains(&b.fabric.rate(flow).0) && full.contains(&b.fabric.budget_used(disk).0));
    b.act(|f, cx| f.set_budget(disk, Rate::gbps(2), cx));
    b.settle();
    assert!((Rate::gbps(2).0 - 1..=Rate::gbps(2).0).contains(&b.fabric.rate(flow).0));
    let before = b.fabric.remaining(flow, b.now);
    b.act(|f, cx| f.extend(flow, Bytes::gib(1), cx));
    assert_eq!(b.fabric.remaining(flow, b.now), before + Bytes::gib(1));
    let left = b.act(|f, cx| f.stop(flow, cx));
    assert_eq!(left, Some(Bytes::gib(5)));
    assert_eq!(b.act(|f, cx| f.stop(flow, cx)), None);
}

/// What guests offer takes its cap and no more; changing nothing changes nothing.
#[test]
fn offers_take_what_they_ask_for() {
    let mut b = Bench::rack_pair(Bond::Lacp, 1);
    let (from, to) = (HostId(0), HostId(4));
    b.act(|f, cx| f.offer(from, to, Rate::gbps(1), cx));
    b.settle();
    let offer = b.fabric.offers[&(from, to)];
    assert_eq!(b.fabric.rate(offer.flow), Rate::gbps(1));
    b.act(|f, cx| f.offer(from, to, Rate::gbps(1), cx));
    assert!(!b.fabric.settling, "nothing to settle");
    b.act(|f, cx| f.offer(from, to, Rate::gbps(2), cx));
    b.settle();
    assert_eq!(b.fabric.rate(offer.flow), Rate::gbps(2));
    b.act(|f, cx| f.offer(from, to, Rate::ZERO, cx));
    b.settle();
    assert!(b.fabric.offers.is_empty());
}

/// A stream over the inter-site link has at most one window per round trip: 4 MiB / 10 ms.
#[test]
fn a_long_round_trip_limits_a_stream_to_its_window() {
    let mut b = two_sites(Span::ms(10));
    let flow = b.send(0, 4, Bytes::gib(1), 1);
    b.settle();
    // 5 ms across and 4 hops of 2 us, each way.
    let expected = f64::from(4 << 20) / 10.016e-3;
    assert!((b.fabric.rate(flow).as_f64() / expected - 1.0).abs() < 1e-6);
    assert_eq!(b.fabric.rtt(HostId(0), HostId(4)), Span::us(10_016));
    assert_eq!(b.fabric.rtt(HostId(4), HostId(7)), Span::us(8));
}

/// n equal elephants on S uplinks: the fullest has about n/S + sqrt(2 (n/S) ln S) of them; for 8 on 4 that
/// bound is 4.4, and the mean of the largest multinomial(8; 4 x 1/4) cell, by enumeration, is 3.6.
#[test]
fn equal_elephants_collide_on_uplinks() {
    let mut sum = 0;
    let runs = 2_000;
    for seed in 0..runs {
        let mut b = Bench::new(&design(), plugs(Side::Target, 16, 2, Bond::ActiveBackup), seed);
        let mut uplinks = [0; 4];
        for pair in 0..8u16 {
            // Even hosts have their active leg on ToR 0: all eight go up through it.
            let flow = b.send(2 * (pair % 4), 8 + 2 * (pair / 4), Bytes::gib(1), u64::from(pair));
            let path = b.path(flow).expect("nothing is broken");
            let up = path.links().nth(1).expect("a path between racks climbs");
            let spine = b.fabric.topology.tors[0].uplinks.iter().flatten().position(|u| u.up == up);
            uplinks[spine.expect("it climbs from ToR 0")] += 1;
        }
        sum += uplinks.iter().max().copied().unwrap_or(0);
    }
    let mean = f64::from(sum) / runs as f64;
    let expected = mean_of_largest_cell(8, 4);
    assert!((3.5..3.7).contains(&expected), "{expected}");
    // The largest cell is between 2 and 8 with an sd below 1.
    assert!((mean - expected).abs() < 4.0 / (runs as f64).sqrt(), "{mean}, {expected} expected");
}

/// By going through all ways to put `balls` into `cells`.
fn mean_of_largest_cell(balls: u32, cells: u32) -> f64 {
    let ways = cells.pow(balls);
    let largest = |way: u32| {
        let mut counts = vec![0u32; cells as usize];
        (0..balls).for_each(|ball| counts[(way / cells.pow(ball) % cells) as usize] += 1);
        counts.into_iter().max().unwrap_or(0)
    };
    f64::from((0..ways).map(largest).sum::<u32>()) / f64::from(ways)
}

fn paths(b: &mut Bench, keys: impl Iterator<Item = u64>) -> Vec<(Option<Path>, u64)> {
    let flows: Vec<FlowId> =
        keys.map(|k| b.send((k % 4) as u16, 4 + (k % 3) as u16, Bytes::gib(1), k)).collect();
    let hash = |f: &FlowId| b.fabric.transfers[f.index()].as_ref().map_or(0, |(_, t)| t.hash);
    flows.iter().map(|f| (b.path(*f), hash(f))).collect()
}

/// A flow's path and weight come from its key and the run, not from who else is there or came before.
#[test]
fn another_flow_or_order_moves_nobody() {
    let forth = paths(&mut Bench::rack_pair(Bond::Lacp, 3), 0..40);
    let mut back = paths(&mut Bench::rack_pair(Bond::Lacp, 3), (0..40).rev());
    back.reverse();
    assert_eq!(forth, back);
    let other = paths(&mut Bench::rack_pair(Bond::Lacp, 4), 0..40);
    assert_ne!(forth, other, "another seed is other luck");
}

/// A rack more, and so hosts, cables and switches more: the hashes of the others stay, and so do the legs and
/// spines they choose.
#[test]
fn another_rack_moves_nobody() {
    let spines = |b: &Bench, flows: &[(Option<Path>, u64)]| -> Vec<(Option<usize>, u64)> {
        let spine = |path: &Option<Path>| {
            let up = path.as_ref()?.links().nth(1)?;
            b.fabric.topology.tors.iter().find_map(|t| t.uplinks.iter().flatten().position(|u| u.up == up))
        };
        flows.iter().map(|(path, hash)| (spine(path), *hash)).collect()
    };
    let (mut two, mut three) =
        (Bench::rack_pair(Bond::Lacp, 3), Bench::new(&design(), plugs(Side::Target, 12, 3, Bond::Lacp), 3));
    let (a, b) = (paths(&mut two, 0..40), paths(&mut three, 0..40));
    assert_eq!(spines(&two, &a), spines(&three, &b));
}

/// A fork keeps what is under way and draws what starts from the run it was re-keyed to.
#[test]
fn a_fork_keeps_paths_and_draws_its_own_future() {
    let mut b = Bench::rack_pair(Bond::Lacp, 3);
    let flow = b.send(0, 4, Bytes::gib(1), 77);
    let (path, pair) = (b.path(flow), b.fabric.pair_hash(HostId(0), HostId(4)));
    let salt = b.fabric.salt;
    b.fabric.rekey(&Streams::new(Seed(3), 9));
    assert_eq!((b.path(flow), b.fabric.pair_hash(HostId(0), HostId(4))), (path, pair));
    assert_ne!(b.fabric.salt, salt);
    assert_eq!(b.fabric.salt, Fabric::plugged(&design(), vec![], &Streams::new(Seed(3), 9)).salt);
}
