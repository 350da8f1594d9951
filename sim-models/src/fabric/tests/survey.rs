//! What is counted as it changes against what is counted from zero.

use super::*;

/// The fabric as a survey of everything leaves it: all flows counted from zero and every pair looked at.
fn from_zero(b: &Bench) -> Fabric {
    let mut fabric = b.fabric.clone();
    let pairs: Vec<_> = fabric.offers.keys().copied().collect();
    pairs.into_iter().for_each(|(from, to)| fabric.list_offer(from, to));
    fabric.survey.start_over();
    fabric.survey();
    fabric.reckon_offers(b.now);
    fabric
}

/// One step of a random life: bulk flows come and go, pairs offer more or less or nothing, cables
/// and spines break, slow down and come back.
fn step(b: &mut Bench, luck: &mut Stream, flows: &mut Vec<FlowId>, key: u64) {
    let mut below = |n: u64| luck.next_u64() % n;
    let (what, from, to) = (below(12), below(8) as u16, below(8) as u16);
    let (a, z) = (HostId(from), HostId(to));
    match what {
        0..=2 => flows.push(b.send(from, to, Bytes::mib(1 + below(2_000)), key)),
        3 if !flows.is_empty() => {
            let flow = flows.swap_remove(below(flows.len() as u64) as usize);
            b.act(|f, cx| f.stop(flow, cx));
        }
        4 if !flows.is_empty() => {
            let (flow, cap) = (flows[below(flows.len() as u64) as usize], Rate::mib_per_s(1 + below(3_000)));
            b.act(|f, cx| f.set_cap(flow, Some(cap), cx));
        }
        5 => b.act(|f, cx| f.offer(a, z, Rate::ZERO, cx)),
        6 => b.act(|f, cx| f.slow_cable(a, 0, 0.01, 0.0, cx)),
        7 => b.act(|f, cx| f.slow_cable(a, 0, 1.0, 0.0, cx)),
        8 => b.act(|f, cx| f.fail(Part::Spine(from % 4), cx)),
        9 => b.act(|f, cx| f.repair(Part::Spine(from % 4), cx)),
        _ => {
            let rate = Rate::mib_per_s(1 + below(1_500));
            b.act(|f, cx| f.offer(a, z, rate, cx));
        }
    }
}

/// The result of a survey is a function of the flows and ports alone, so that counting from zero right after a
/// settle, when no time has passed, must change nothing: neither a port's load, nor the full ports of a
/// switch, nor what waits for a pair of hosts.
#[test]
fn counting_what_changed_is_counting_everything() {
    let (mut trains, mut full, mut waits) = (0, 0, 0);
    for seed in 0..6 {
        let mut b = Bench::rack_pair(if seed % 2 == 0 { Bond::Lacp } else { Bond::ActiveBackup }, seed);
        let mut luck = Streams::new(Seed(seed), 0).stream("test", "life");
        let mut flows = Vec::new();
        for round in 0..250 {
            for nth in 0..=luck.next_u64() % 3 {
                step(&mut b, &mut luck, &mut flows, 4 * round + nth);
            }
            b.settle();
            let all = from_zero(&b);
            assert_eq!(b.fabric.loads, all.loads, "seed {seed}, step {round}");
            assert_eq!(b.fabric.congested, all.congested, "seed {seed}, step {round}");
            for (pair, offer) in &b.fabric.offers {
                let other = &all.offers[pair];
                let seen = |o: &super::offers::Offer| (o.offered, o.backlog(b.now), o.wait(4096, b.now));
                assert_eq!(seen(offer), seen(other), "seed {seed}, step {round}, {pair:?}");
                waits += u32::from(offer.backlog(b.now) > Bytes::ZERO);
            }
            trains += b.fabric.loads.iter().map(|l| l.trains.len()).sum::<usize>();
            full += b.fabric.congested.iter().sum::<u32>();
            b.run(b.now + Span::ms(luck.next_u64() % 200));
        }
    }
    assert!(trains > 1_000 && full > 1_000 && waits > 1_000, "{trains} trains, {full} full, {waits} waits");
}
