//! Properties of the solver on random networks, and closed forms.

use super::oracle::{self, Demand};
use super::*;
use crate::rng::{Seed, Stream, Streams};
use crate::time::Span;

const T0: SimTime = SimTime::ZERO;

fn stream(name: &str) -> Stream {
    Streams::new(Seed(0xF1), 0).stream("fluid", name)
}

/// A flow that outlives its spec, so that it can be started again elsewhere.
#[derive(Clone, Debug)]
struct Ask {
    path: Vec<LinkId>,
    bytes: Option<Bytes>,
    weight: u32,
    cap: Option<Rate>,
    key: u64,
}

impl Ask {
    fn start(&self, fluid: &mut Fluid<u64>, now: SimTime) -> FlowId {
        let Ask { bytes, weight, cap, key, .. } = *self;
        fluid.start(now, FlowSpec { path: &self.path, bytes, weight, cap, key, tag: key })
    }
}

fn plain(path: &[LinkId], bytes: u64, key: u64) -> Ask {
    Ask { path: path.to_vec(), bytes: Some(Bytes(bytes)), weight: 1, cap: None, key }
}

/// A few capacities only, so that equal levels are common; a link may be dead, and of a few bytes/s, where
/// rounding shows.
fn random_capacities(s: &mut Stream) -> Vec<Rate> {
    let pool = if s.chance(0.2) { [0, 1, 2, 3] } else { [0, 1_000, 1_250_000_000, 3_125_000_000] };
    (0..1 + s.below(12)).map(|_| Rate(pool[s.below(16).min(3) as usize])).collect()
}

fn random_path(s: &mut Stream, links: u64) -> Vec<LinkId> {
    let hops = 1 + s.below(4.min(links));
    let first = s.below(links);
    (0..hops).map(|h| LinkId(((first + h * (1 + links / 3)) % links) as u32)).collect()
}

fn random_ask(s: &mut Stream, links: u64, key: u64) -> Ask {
    let most = [5_000_000_000, 1_000_000, 4][s.below(3) as usize];
    let cap = s.chance(0.5).then(|| Rate(s.below(most)));
    let bytes = (s.below(5) > 0).then(|| Bytes(1 + s.below(2_000_000_000)));
    let mut path = random_path(s, links);
    if cap.is_some() && s.below(10) == 0 {
        path.clear();
    }
    Ask { path, bytes, weight: [1, 1, 3, 8, 1024, 700, 70_001, 123_457][s.below(8) as usize], cap, key }
}

fn network(capacities: &[Rate]) -> Fluid<u64> {
    let mut fluid = Fluid::new();
    for capacity in capacities {
        fluid.add_link(*capacity);
    }
    fluid
}

/// Exact rates by flow key, as the solver holds them.
fn units_by_key(fluid: &Fluid<u64>) -> Vec<(u64, u64)> {
    let mut rates: Vec<_> = fluid.flows().map(|(id, key)| (key, fluid.units(id))).collect();
    rates.sort_unstable();
    rates
}

fn bottlenecks(fluid: &Fluid<u64>) -> Vec<(Rate, u32)> {
    let links = (0..fluid.links() as u32).map(LinkId);
    links.map(|l| (fluid.link_rate(l), fluid.link_bottlenecked(l))).collect()
}

/// The conditions that hold at the weighted max-min point and nowhere else, in rate units: no link carries
/// more than its capacity, and a flow below its cap crosses a full link on which nobody has a higher level.
/// Rounding leaves less than one unit per flow, and a level is exact to 2^-8 units.
fn assert_max_min(fluid: &Fluid<u64>, asks: &[(FlowId, &Ask)]) {
    let load = |link: LinkId| {
        let crossings = asks.iter().flat_map(|(id, a)| a.path.iter().map(|l| (*l, fluid.units(*id))));
        crossings.filter(|(l, _)| *l == link).map(|(_, r)| r).sum::<u64>()
    };
    let weights: f64 = asks.iter().map(|(_, a)| f64::from(a.weight)).sum();
    let slack = 2.0 * asks.len() as f64 + weights / 100.0 + 1.0;
    let level = |id: FlowId, ask: &Ask| fluid.units(id) as f64 / f64::from(ask.weight);
    let full = |link: LinkId| load(link) as f64 + slack >= to_units(fluid.capacity(link)) as f64;
    for link in (0..fluid.links() as u32).map(LinkId) {
        assert!(load(link) <= to_units(fluid.capacity(link)));
        assert_eq!(Rate(load(link) >> RATE_BITS), fluid.link_rate(link));
    }
    for (id, ask) in asks {
        let cap = ask.cap.map_or(u64::MAX, to_units);
        assert!(fluid.units(*id) <= cap);
        let highest = |link: LinkId| {
            let others = asks.iter().filter(|(_, a)| a.path.contains(&link));
            others.map(|(i, a)| level(*i, a)).fold(0.0, f64::max)
        };
        let mine = level(*id, ask);
        let held_back = ask.path.iter().any(|l| full(*l) && mine + slack >= highest(*l));
        assert!(fluid.units(*id) == cap || held_back, "{ask:?} could have more");
    }
}

fn assert_oracle_agrees(capacities: &[Rate], fluid: &Fluid<u64>, asks: &[(FlowId, &Ask)]) {
    let capacity: Vec<f64> = capacities.iter().map(|c| c.as_f64()).collect();
    let demand = |a: &Ask| Demand {
        path: a.path.iter().map(|l| l.index()).collect(),
        weight: f64::from(a.weight),
        cap: a.cap.map_or(f64::INFINITY, Rate::as_f64),
    };
    let weights: f64 = asks.iter().map(|(_, a)| f64::from(a.weight)).sum();
    let demands: Vec<Demand> = asks.iter().map(|(_, a)| demand(a)).collect();
    for ((id, ask), want) in asks.iter().zip(oracle::rates(&capacity, &demands)) {
        let got = fluid.units(*id) as f64 / f64::from(1 << RATE_BITS);
        // What integers may lose, a few times over.
        let loss = (asks.len() as f64 + weights / 256.0) / f64::from(1 << (RATE_BITS - 2));
        assert!((got - want).abs() <= 1e-9 * want + loss, "{ask:?}: {got} for {want}");
    }
}

#[test]
fn random_networks_are_max_min_fair_and_agree_with_the_oracle() {
    let mut s = stream("fair");
    for round in 0..10_000 {
        let capacities = random_capacities(&mut s);
        let n = 1 + s.below(20);
        let asks: Vec<Ask> = (0..n).map(|k| random_ask(&mut s, capacities.len() as u64, k)).collect();
        let mut fluid = network(&capacities);
        let started: Vec<_> = asks.iter().map(|a| (a.start(&mut fluid, T0), a)).collect();
        let changed = fluid.settle(T0).len();
        assert_eq!(changed, asks.iter().zip(&started).filter(|(_, (id, _))| fluid.units(*id) > 0).count());
        assert_max_min(&fluid, &started);
        if round % 5 == 0 {
            assert_oracle_agrees(&capacities, &fluid, &started);
        }
    }
}

/// A network that is changed at random, and what should be in it.
struct Churn {
    fluid: Fluid<u64>,
    capacities: Vec<Rate>,
    present: Vec<(FlowId, Ask)>,
    next_key: u64,
}

impl Churn {
    fn new(s: &mut Stream) -> Churn {
        let capacities = random_capacities(s);
        Churn { fluid: network(&capacities), capacities, present: Vec::new(), next_key: 0 }
    }

    fn change(&mut self, s: &mut Stream, now: SimTime) {
        let links = self.capacities.len() as u64;
        let pick = s.below(self.present.len().max(1) as u64) as usize;
        let Some((id, ask)) = self.present.get_mut(pick).filter(|_| s.below(3) > 0) else {
            let ask = random_ask(s, links, self.next_key);
            self.next_key += 1;
            self.present.push((ask.start(&mut self.fluid, now), ask));
            return;
        };
        match s.below(8) {
            0 => self.fluid.stall(now, *id),
            1 => self.fluid.resume(now, *id),
            2 => {
                ask.path = random_path(s, links);
                self.fluid.reroute(now, *id, &ask.path);
            }
            3 => {
                ask.cap = Some(Rate(s.below(2_000_000_000)));
                self.fluid.set_cap(now, *id, ask.cap);
            }
            4 => {
                ask.weight = 1 + s.below(8) as u32;
                self.fluid.set_weight(now, *id, ask.weight);
            }
            5 => {
                let link = s.below(links) as usize;
                self.capacities[link] = random_capacities(s)[0];
                self.fluid.set_capacity(now, LinkId(link as u32), self.capacities[link]);
            }
            _ => {
                self.fluid.stop(now, *id).expect("a present flow can be stopped");
                self.present.swap_remove(pick);
            }
        }
    }

    /// The same flows in a fresh network, started in another order, and solved from zero.
    fn rebuilt(&self, s: &mut Stream, now: SimTime) -> Fluid<u64> {
        let mut fresh = network(&self.capacities);
        let mut order: Vec<_> = self.present.iter().collect();
        (1..order.len()).rev().for_each(|i| order.swap(i, s.below(i as u64 + 1) as usize));
        for (id, ask) in order {
            let new = ask.start(&mut fresh, now);
            if self.fluid.is_stalled(*id) {
                fresh.stall(now, new);
            }
        }
        fresh.settle(now);
        fresh
    }
}

/// The rippling solve against filling from zero, here and in a fresh network: bit for bit, after any history
/// of changes.
#[test]
fn rates_depend_on_the_flow_set_alone() {
    let mut s = stream("history");
    for _ in 0..400 {
        let mut churn = Churn::new(&mut s);
        for step in 0..60 {
            let now = SimTime(step * 20_000_000);
            (0..1 + s.below(3)).for_each(|_| churn.change(&mut s, now));
            let mut done = Vec::new();
            churn.fluid.take_finished(now, &mut done);
            churn.present.retain(|(id, _)| done.iter().all(|(gone, _)| gone != id));
            churn.fluid.settle(now);
            let mut filled = churn.fluid.clone();
            filled.net.fill_all();
            for twin in [filled, churn.rebuilt(&mut s, now)] {
                assert_eq!(units_by_key(&churn.fluid), units_by_key(&twin));
                assert_eq!(bottlenecks(&churn.fluid), bottlenecks(&twin));
            }
        }
    }
}

/// Starts each flow at its instant, in list order, and lets everything finish: (key, finish).
fn play(fluid: &mut Fluid<u64>, asks: &[(SimTime, Ask)]) -> Vec<(u64, SimTime)> {
    let (mut now, mut out, mut finished) = (T0, Vec::new(), Vec::new());
    loop {
        fluid.take_finished(now, &mut out);
        finished.extend(out.drain(..).map(|(_, key)| (key, now)));
        for (_, ask) in asks.iter().filter(|(start, _)| *start == now) {
            ask.start(fluid, now);
        }
        fluid.settle(now);
        let starts = asks.iter().map(|(start, _)| *start).filter(|start| *start > now);
        let Some(next) = starts.chain(fluid.next_completion()).min() else { return finished };
        now = next;
    }
}

#[test]
fn finish_times_do_not_depend_on_the_order_of_insertion() {
    let mut s = stream("order");
    for _ in 0..300 {
        let capacities: Vec<Rate> = (0..8).map(|_| Rate(1 + s.below(3_000_000_000))).collect();
        let mut asks: Vec<(SimTime, Ask)> = (0..24)
            .map(|key| {
                let ask = Ask { cap: None, path: random_path(&mut s, 8), ..random_ask(&mut s, 8, key) };
                let bytes = Some(Bytes(1 + s.below(1_000_000_000)));
                (SimTime(s.below(3) * 50_000_000), Ask { bytes, ..ask })
            })
            .collect();
        let first = play(&mut network(&capacities), &asks);
        assert_eq!(first.len(), asks.len());
        (1..asks.len()).rev().for_each(|i| asks.swap(i, s.below(i as u64 + 1) as usize));
        assert_eq!(play(&mut network(&capacities), &asks), first);
    }
}

/// Every byte asked for is either sent or remaining, at any instant, and what a link has carried is what
/// its flows have sent: at a constant rate r for t, r t.
#[test]
fn bytes_are_conserved() {
    let mut s = stream("bytes");
    for _ in 0..300 {
        let capacities = [Rate(1 + s.below(3_000_000_000)), Rate(1 + s.below(3_000_000_000))];
        let mut fluid = network(&capacities);
        let asks: Vec<Ask> = (0..6).map(|k| random_ask(&mut s, 2, k)).collect();
        let ids: Vec<FlowId> = asks.iter().map(|a| a.start(&mut fluid, T0)).collect();
        fluid.settle(T0);
        let now = SimTime(1 + s.below(2_000_000_000));
        for (id, ask) in ids.iter().zip(&asks) {
            let by_rate = (u128::from(fluid.units(*id)) * u128::from(now.0)
                / (1u128 << RATE_BITS)
                / 1_000_000_000) as u64;
            let sent = fluid.sent(now, *id);
            assert_eq!(sent.0, ask.bytes.map_or(by_rate, |b| b.0.min(by_rate)));
            if let Some(bytes) = ask.bytes {
                assert_eq!(sent + fluid.remaining(now, *id), bytes);
            }
        }
        for (id, ask) in ids.iter().zip(&asks) {
            let (sent, remaining) = (fluid.sent(now, *id), fluid.remaining(now, *id));
            assert_eq!(fluid.stop(now, *id), Some(Stopped { tag: ask.key, sent, remaining }));
        }
    }
}

/// A long flow over three links of 10 Gbit/s, one short flow on each: half a link for everybody.
#[test]
fn parking_lot() {
    let mut fluid = Fluid::new();
    let links: Vec<LinkId> = (0..3).map(|_| fluid.add_link(Rate::gbps(10))).collect();
    let long = plain(&links, 1 << 30, 0).start(&mut fluid, T0);
    let short: Vec<FlowId> =
        (0..3).map(|i| plain(&links[i..=i], 1 << 30, 1 + i as u64).start(&mut fluid, T0)).collect();
    fluid.settle(T0);
    for id in short.into_iter().chain([long]) {
        assert_eq!(fluid.rate(id), Rate::gbps(5));
    }
    assert!(links.iter().all(|l| fluid.link_rate(*l) == Rate::gbps(10)));
    // All three fill at one level: the first fixes the long flow, the others hold their own.
    assert_eq!(links.iter().map(|l| fluid.link_bottlenecked(*l)).collect::<Vec<_>>(), [2, 1, 1]);
}

/// Two flows of 100 Gbit on 10 Gbit/s, the second 5 s later. Until 5 s the first moves 50 Gbit; its other 50
/// take 10 s at half rate: 15 s. By then the second has 50 Gbit left, at full rate: 20 s.
fn two_copies() -> (Fluid<u64>, LinkId, Vec<(SimTime, Ask)>) {
    let mut fluid = Fluid::new();
    let link = fluid.add_link(Rate::gbps(10));
    let asks = (0..2).map(|k| (T0 + Span::secs(5 * k), plain(&[link], 12_500_000_000, k))).collect();
    (fluid, link, asks)
}

#[test]
fn a_second_copy_halves_the_rate() {
    let (mut fluid, _, asks) = two_copies();
    assert_eq!(play(&mut fluid, &asks), [(0, T0 + Span::secs(15)), (1, T0 + Span::secs(20))]);
}

/// The same with an outage from 5 s to 9 s: nothing moves for 4 s, and everything is 4 s later.
fn assert_shifted_by(outage: impl Fn(&mut Fluid<u64>, SimTime, LinkId, [FlowId; 2], bool)) {
    let (mut fluid, link, asks) = two_copies();
    let at = |s| T0 + Span::secs(s);
    let first = asks[0].1.start(&mut fluid, at(0));
    fluid.settle(at(0));
    let second = asks[1].1.start(&mut fluid, at(5));
    outage(&mut fluid, at(5), link, [first, second], true);
    fluid.settle(at(5));
    assert_eq!(fluid.next_completion(), None);
    assert_eq!(fluid.remaining(at(9), first), Bytes(6_250_000_000));
    outage(&mut fluid, at(9), link, [first, second], false);
    fluid.settle(at(9));
    assert_eq!(play(&mut fluid, &[]), [(0, at(19)), (1, at(24))]);
}

#[test]
fn a_dead_link_shifts_everything_behind_it() {
    assert_shifted_by(|fluid, now, link, _, dead| {
        fluid.set_capacity(now, link, if dead { Rate::ZERO } else { Rate::gbps(10) });
    });
}

#[test]
fn a_stall_shifts_everything_behind_it() {
    assert_shifted_by(|fluid, now, _, flows, dead| {
        for id in flows {
            if dead { fluid.stall(now, id) } else { fluid.resume(now, id) }
        }
        assert!(flows.iter().all(|id| fluid.is_stalled(*id) == dead));
    });
}

/// A flow that ran dry waits for more: 1 GB/s moves 1 GB in 1 s; 1 GB more, given at 3 s, is over at 4 s.
#[test]
fn bytes_added_to_a_dry_flow_start_when_they_are_added() {
    let mut fluid = Fluid::new();
    let link = fluid.add_link(Rate(1_000_000_000));
    let id = plain(&[link], 1_000_000_000, 0).start(&mut fluid, T0);
    fluid.settle(T0);
    let at = |s| T0 + Span::secs(s);
    assert_eq!((fluid.next_completion(), fluid.remaining(at(3), id)), (Some(at(1)), Bytes::ZERO));
    fluid.add_bytes(at(3), id, Bytes(1_000_000_000));
    fluid.settle(at(3));
    assert_eq!((fluid.next_completion(), fluid.sent(at(3), id)), (Some(at(4)), Bytes(1_000_000_000)));
}

/// Three flows over at 1 s, taken at 2 s: in key order; the one over at 0.5 s comes first.
#[test]
fn finished_flows_come_in_order_of_finish_then_key() {
    let mut fluid = Fluid::new();
    let mut out = Vec::new();
    for (key, bytes) in [(7, 1_000), (5, 1_000), (9, 500), (6, 1_000)] {
        let link = fluid.add_link(Rate(1_000));
        plain(&[link], bytes, key).start(&mut fluid, T0);
    }
    let changed: Vec<u64> = fluid.settle(T0).iter().map(|(_, key)| *key).collect();
    assert_eq!(changed, [5, 6, 7, 9]);
    assert!(!fluid.is_dirty());
    fluid.take_finished(T0 + Span::secs(2), &mut out);
    assert_eq!(out.iter().map(|(_, key)| *key).collect::<Vec<_>>(), [9, 5, 6, 7]);
    assert!(fluid.is_dirty());
}

#[test]
fn a_flow_that_has_gone_answers_nothing() {
    let mut fluid = Fluid::new();
    let link = fluid.add_link(Rate(1_000));
    let id = plain(&[link], 1_000, 3).start(&mut fluid, T0);
    assert_eq!(fluid.stop(T0, id), Some(Stopped { tag: 3, sent: Bytes::ZERO, remaining: Bytes(1_000) }));
    fluid.settle(T0);
    let next = plain(&[link], 1_000, 4).start(&mut fluid, T0);
    assert_eq!(next.index(), id.index());
    fluid.settle(T0);
    fluid.stall(T0, id);
    fluid.reroute(T0, id, &[]);
    fluid.set_cap(T0, id, None);
    fluid.add_bytes(T0, id, Bytes(1));
    assert!(!fluid.is_dirty());
    assert_eq!((fluid.stop(T0, id), fluid.tag(id), fluid.rate(id)), (None, None, Rate::ZERO));
    assert_eq!((fluid.path(id), fluid.is_stalled(id), fluid.sent(T0, id)), (&[][..], false, Bytes::ZERO));
    assert_eq!((fluid.rate(next), fluid.tag(next)), (Rate(1_000), Some(4)));
}

/// The largest numbers fit: a lone flow fills the largest link whatever its weight, and a rate is exact to
/// 2^-16 + weight x 2^-24 byte/s: below 257 byte/s for the largest weight.
#[test]
fn the_largest_link_is_filled_at_any_weight() {
    let mut fluid = Fluid::new();
    for (weight, loss) in [(1, 0), (1024, 1), (u32::MAX, 257)] {
        for cap in [None, Some(MAX_RATE)] {
            let link = fluid.add_link(Rate(u64::MAX));
            let id = Ask { weight, cap, ..plain(&[link], u64::MAX, 0) }.start(&mut fluid, T0);
            fluid.settle(T0);
            assert!(fluid.rate(id) + Rate(loss) >= MAX_RATE, "{} at weight {weight}", fluid.rate(id));
        }
    }
}

#[test]
#[should_panic(expected = "a flow needs a link or a cap")]
fn nothing_would_limit_a_flow_without_links_and_cap() {
    plain(&[], 1, 0).start(&mut Fluid::new(), T0);
}

#[test]
#[should_panic(expected = "were not settled before")]
fn a_forgotten_settle_is_noticed() {
    let mut fluid = Fluid::new();
    let link = fluid.add_link(Rate(1_000));
    plain(&[link], 1, 0).start(&mut fluid, T0);
    fluid.settle(SimTime(1));
}
