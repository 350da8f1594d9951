//! What holds for every sequence of calls: identities, outages, limits.

use super::Priority::{Background, Foreground};
use super::harness::assert_conserving;
use super::script::{play, stream, tasks};
use super::{Arrival, Departure, Sharing, Station, Ticket};
use crate::queue::Queue;
use crate::sim::Class;
use crate::time::{SimTime, Span};

#[test]
fn speed_and_servers_of_a_sharing_station_change_under_way() {
    // Two jobs of 6 s and 2 s on one server. At half each, the short one has 1 s left at t = 2; at double
    // speed (1 each) it ends at 3, when the long one has 6 - 1 - 1 = 4 left, served at 2: from 3 to 4 it
    // gets 2; standing still until 10 at speed 0; at speed 1 the last 2 s end at 12.
    let s = |n| SimTime::ZERO + Span::secs(n);
    let mut station = Sharing::new(1);
    assert!(station.arrive(s(0), 'a', Span::secs(6)));
    assert!(station.arrive(s(0), 'b', Span::secs(2)));
    let (at, stale) = station.next_departure().expect("busy");
    assert_eq!(at, s(4));
    station.set_speed(s(2), 2.0);
    let (at, epoch) = station.next_departure().expect("busy");
    assert_eq!(at, s(3));
    assert_eq!(station.depart(s(3), stale), None);
    assert_eq!(station.depart(s(3), epoch), Some('b'));
    station.set_speed(s(4), 0.0);
    assert_eq!(station.next_departure(), None);
    station.set_speed(s(10), 1.0);
    assert_eq!(station.next_departure().map(|d| d.0), Some(s(12)));
    // One job cannot use a second server; two can: a new job of 2 s ends at 12 too.
    station.set_servers(s(10), 2);
    assert!(station.arrive(s(10), 'c', Span::secs(2)));
    let (at, epoch) = station.next_departure().expect("busy");
    assert_eq!((at, station.depart(at, epoch)), (s(12), Some('a')), "ties end in order of arrival");
    let (at, epoch) = station.next_departure().expect("busy");
    assert_eq!((at, station.depart(at, epoch)), (s(12), Some('c')));
    // Jobs inside: 2 until 3, 1 until 10, 2 until 12 = 6 + 7 + 4.
    assert_eq!(station.integrals(s(12)).area(), u128::from(Span::secs(17).0));
}

#[test]
fn an_outage_drains_exactly_what_was_inside_and_makes_tickets_stale() {
    let t = SimTime;
    let mut s = Station::new(2, 1);
    let Arrival::Started(first) = s.arrive(t(0), 1, Foreground, Span::ns(10)) else { panic!("free") };
    let Arrival::Started(second) = s.arrive(t(1), 2, Background, Span::ns(99)) else { panic!("free") };
    assert_eq!(s.arrive(t(2), 3, Background, Span::ns(5)), Arrival::Queued);
    assert_eq!(s.arrive(t(3), 4, Foreground, Span::ns(5)), Arrival::Queued);
    assert_eq!(s.arrive(t(4), 5, Foreground, Span::ns(5)), Arrival::Queued);
    let Some((1, Some(third))) = s.depart(t(10), first.ticket) else { panic!("first ends, 4 begins") };
    assert_eq!((third.job, third.at), (4, t(15)));
    assert_eq!(s.fail(t(12)), [4, 2, 5, 3], "in service by server, then foreground, then background");
    assert!(s.is_empty() && !s.is_up());
    assert_eq!(s.depart(t(15), third.ticket), None);
    assert_eq!(s.arrive(t(20), 6, Foreground, Span::ns(5)), Arrival::Refused);
    s.repair(t(30));
    let Arrival::Started(again) = s.arrive(t(30), 7, Foreground, Span::ns(70)) else { panic!("up again") };
    assert_eq!(s.depart(t(99), second.ticket), None, "the same server, another epoch");
    assert_eq!(s.depart(t(100), again.ticket), Some((7, None)));
    assert_eq!(s.depart(t(100), again.ticket), None, "a ticket serves once");
    let i = s.integrals(t(100));
    let (fore, back) = (i.class[0], i.class[1]);
    assert_eq!((fore.arrivals, fore.refused, fore.completions, fore.drained), (5, 1, 2, 2));
    assert_eq!((back.arrivals, back.refused, back.completions, back.drained), (2, 0, 0, 2));
    // Foreground: job 1 in [0, 10], 4 in [3, 12], 5 in [4, 12], 7 in [30, 100]; in service 10 + 2 + 70.
    assert_eq!((fore.inside, fore.busy), (10 + 9 + 8 + 70, 82));
    // Background: 2 in [1, 12], 3 in [2, 12]; in service 11. Two servers up but for [12, 30].
    assert_eq!((back.inside, back.busy, i.capacity), (21, 11, 2 * 82));
}

#[test]
fn an_outage_of_a_sharing_station_drains_in_order_of_arrival() {
    let mut s = Sharing::new(1);
    for (job, work) in [('a', 50), ('b', 10), ('c', 30)] {
        assert!(s.arrive(SimTime(0), job, Span::ns(work)));
    }
    let (at, epoch) = s.next_departure().expect("busy");
    assert_eq!(at, SimTime(30));
    assert_eq!(s.fail(SimTime(12)), ['a', 'b', 'c']);
    assert_eq!((s.depart(at, epoch), s.next_departure()), (None, None));
    assert!(!s.arrive(SimTime(40), 'd', Span::ns(1)));
    s.repair(SimTime(50));
    assert!(s.arrive(SimTime(50), 'e', Span::ns(7)));
    assert_eq!(s.next_departure().map(|d| d.0), Some(SimTime(57)));
    let t = s.integrals(SimTime(57)).class[0];
    assert_eq!((t.arrivals, t.refused, t.drained, t.inside), (5, 1, 3, 3 * 12 + 7));
}

#[test]
fn a_pause_keeps_jobs_and_a_full_room_refuses() {
    let mut s = Station::new(2, 2);
    s.room = Some(3);
    s.pause();
    for job in 0..3 {
        assert_eq!(s.arrive(SimTime(job), job, Foreground, Span::ns(10)), Arrival::Queued);
    }
    assert_eq!(s.arrive(SimTime(3), 3, Background, Span::ns(10)), Arrival::Refused);
    let begun = s.resume(SimTime(5));
    assert_eq!(begun.iter().map(|d| (d.job, d.at.0)).collect::<Vec<_>>(), [(0, 15), (1, 15)]);
    s.pause();
    assert_eq!(s.depart(SimTime(15), begun[0].ticket), Some((0, None)), "under way, so it ends as planned");
    assert_eq!(s.resume(SimTime(20)).len(), 1);
    assert_eq!(s.integrals(SimTime(20)).class[1].refused, 1);
}

#[test]
fn servers_come_and_go() {
    let mut s = Station::new(1, 0);
    let begin = |a: Arrival<u32>| if let Arrival::Started(d) = a { d } else { panic!("{a:?}") };
    let first = begin(s.arrive(SimTime(0), 0, Foreground, Span::ns(10)));
    for job in 1..5 {
        let class = if job % 2 == 0 { Background } else { Foreground };
        assert_eq!(s.arrive(SimTime(0), job, class, Span::ns(10)), Arrival::Queued);
    }
    // Foreground 1 and 3 first, then one background job on the last server, since the cap is 1.
    let more = s.set_servers(SimTime(2), 5, 1);
    assert_eq!(more.iter().map(|d| d.job).collect::<Vec<_>>(), [1, 3, 2]);
    assert_conserving(&s);
    // Down to one server: four jobs finish, and only the last of them makes room for the next.
    assert!(s.set_servers(SimTime(3), 1, 1).is_empty());
    assert_eq!(s.depart(SimTime(10), first.ticket), Some((0, None)));
    let ends: Vec<_> = more.iter().map(|d| s.depart(d.at, d.ticket).expect("not stale").1).collect();
    assert_eq!(
        ends.iter().map(|d| d.map(|d| (d.job, d.at.0))).collect::<Vec<_>>(),
        [None, None, Some((4, 22))]
    );
}

/// Everything that can happen to a station, in a random order; returns its history.
fn shake(seed: u64) -> Vec<Departure<u64>> {
    let mut draw = stream(seed);
    let mut s: Station<u64> = Station::new(3, 1);
    s.room = Some(20);
    let (mut pending, mut history) = (Queue::default(), Vec::new());
    let (mut now, mut inside, mut area) = (SimTime::ZERO, std::collections::BTreeMap::new(), 0_u128);
    for job in 0..20_000_u64 {
        now += Span::ns(draw.below(400));
        while let Some((at, ticket)) = pending.pop_until(now) {
            let Some((done, next)) = s.depart(at, ticket) else { continue };
            area += u128::from(at.since(inside.remove(&done).expect("inside")).0);
            history.extend(next);
            next.map(|d| pending.push(d.at, Class::Completion, d.ticket));
        }
        let class = if draw.below(2) == 0 { Background } else { Foreground };
        let begun: Vec<Departure<u64>> = match draw.below(400) {
            0 => {
                let drained = s.fail(now);
                assert_eq!(drained.len(), inside.len(), "all that was inside, and no more");
                let cut = drained.iter().map(|j| inside.remove(j).expect("inside"));
                area += cut.map(|born: SimTime| u128::from(now.since(born).0)).sum::<u128>();
                Vec::new()
            }
            1..=4 => {
                s.repair(now);
                Vec::new()
            }
            5 => {
                s.pause();
                Vec::new()
            }
            6..=9 => s.resume(now),
            10..=12 => s.set_servers(now, 1 + draw.below(6) as u32, draw.below(3) as u32),
            _ => match s.arrive(now, job, class, Span::ns(draw.below(1_200))) {
                Arrival::Refused => Vec::new(),
                outcome => {
                    inside.insert(job, now);
                    if let Arrival::Started(d) = outcome { vec![d] } else { Vec::new() }
                }
            },
        };
        for d in begun {
            history.push(d);
            pending.push(d.at, Class::Completion, d.ticket);
        }
        assert_eq!(s.len(), inside.len());
        assert!(s.waiting() <= 20);
        let so_far: u128 = inside.values().map(|born: &SimTime| u128::from(now.since(*born).0)).sum();
        assert_eq!(s.integrals(now).area(), area + so_far, "the area is the sum of all times inside");
        for t in s.integrals(now).class {
            assert!(t.arrivals >= t.refused + t.completions + t.drained && t.busy <= t.inside);
        }
    }
    history
}

#[test]
fn identities_hold_through_outages_pauses_and_resizing() {
    for seed in 0..5 {
        let history = shake(seed);
        assert!(history.len() > 5_000, "{} services", history.len());
        assert_eq!(history, shake(seed), "the same calls give the same history");
    }
}

#[test]
fn background_work_never_passes_its_cap() {
    // Four servers, cap 2: of four background jobs two begin though all servers are idle, and foreground
    // jobs take the rest.
    let mut s = Station::new(4, 2);
    let started = |a: Arrival<u32>| matches!(a, Arrival::Started(_));
    let begun = [Background, Background, Background, Background, Foreground, Foreground, Foreground]
        .map(|class| started(s.arrive(SimTime(0), 0, class, Span::ns(10))));
    assert_eq!(begun, [true, true, false, false, true, true, false]);
    // And under overload, where `play` asserts the cap and work conservation after every step. Foreground
    // alone asks for (2/3) / 0.16 = 4.2 servers of 4, so the background left over at the end comes last.
    let jobs = tasks(3_000, 0.16, 9);
    let ends = play(Station::new(4, 2), &jobs);
    let last = |class| jobs.iter().zip(&ends).filter(|(t, _)| t.class == class).map(|(_, e)| *e).max();
    assert!(last(Background) > last(Foreground));
}

#[test]
fn tickets_fit_an_event_and_a_clone_is_independent() {
    assert_eq!(size_of::<Ticket>(), 8);
    assert_eq!(size_of::<super::Epoch>(), 4);
    let mut a = Station::new(1, 1);
    let _ = a.arrive(SimTime(0), 0, Foreground, Span::ns(5));
    let before = a.integrals(SimTime(3));
    let mut b = a.clone();
    let _ = b.arrive(SimTime(3), 1, Foreground, Span::ns(5));
    assert_eq!((a.integrals(SimTime(3)), a.len(), b.len()), (before, 1, 2));
}

#[test]
fn who_is_refused_moves_no_plan() {
    // 257 jobs share 256 servers, so work of 256 m + 1 ns takes 257 / 256 of it: 257 m + 1 ns and 1 / 256 ns, which
    // is all that may be missing at a whole nanosecond. Served up to the instant of a refusal and rounded there,
    // down by 100 / 257 of a tick every 871 ns, the end would move past it, and the wake-up at 257 m + 1 would come for a job that is not done.
    for m in 1_000..1_050 {
        let mut s = Sharing::new(256);
        s.room = Some(1);
        assert!((0..257).all(|job| s.arrive(SimTime(0), job, Span::ns(256 * m + 1))));
        let (at, epoch) = s.next_departure().expect("busy");
        assert_eq!(at, SimTime(257 * m + 1));
        for knock in (0..at.0).step_by(871) {
            assert!(!s.arrive(SimTime(knock), 999, Span::ns(1)), "full");
            assert_eq!(s.next_departure(), Some((at, epoch)));
        }
        assert_eq!(s.depart(at, epoch), Some(0));
        assert_eq!(s.integrals(at).class[0].refused, at.0.div_ceil(871));
    }
}
