//! What interrupted services may and may not do.

use super::Priority::{Background, Foreground};
use super::script::{Task, play, tasks};
use super::{Arrival, Departure, Order, Station};
use crate::time::{SimTime, Span};

fn begun<J: std::fmt::Debug>(arrival: Arrival<J>) -> Departure<J> {
    if let Arrival::Started(d) = arrival { d } else { panic!("{arrival:?}") }
}

#[test]
fn a_higher_class_interrupts_and_the_lower_one_goes_on() {
    // Job 0 of class 2 runs [0, 4] and [9, 15] of its 10; job 1 of class 1 runs [4, 6] and [8, 9] of its 3;
    // job 2 of class 0 runs [6, 8]; job 3 of class 2 waits until 15.
    let mut s: Station<u32, 3> = Station::with_classes(1);
    s.preempts = true;
    let at = SimTime;
    let first = begun(s.arrive(at(0), 0, 2_usize, Span::ns(10)));
    let second = begun(s.arrive(at(4), 1, 1_usize, Span::ns(3)));
    assert_eq!(s.arrive(at(5), 3, 2_usize, Span::ns(5)), Arrival::Queued);
    let third = begun(s.arrive(at(6), 2, 0_usize, Span::ns(2)));
    assert_eq!((second.at, third.at), (at(7), at(8)));
    assert_eq!(s.depart(at(7), second.ticket), None, "interrupted, so its ticket is stale");
    let (job, next) = s.depart(at(8), third.ticket).expect("current");
    let next = next.expect("job 1 goes on");
    assert_eq!((job, next.job, next.at), (2, 1, at(9)));
    let next = s.depart(at(9), next.ticket).expect("current").1.expect("job 0 goes on");
    assert_eq!((next.job, next.at), (0, at(15)));
    assert_eq!(s.depart(at(10), first.ticket), None);
    let next = s.depart(at(15), next.ticket).expect("current").1.expect("job 3 begins");
    assert_eq!((next.job, next.at), (3, at(20)));
    // Busy 15 ns without a gap: 2 of class 0, 3 of class 1, 10 of class 2.
    assert_eq!(s.integrals(at(15)).class.map(|t| t.busy), [2, 3, 10]);
}

#[test]
fn among_several_servers_the_lowest_class_that_began_last_gives_way() {
    let mut s: Station<u32, 2> = Station::with_classes(2);
    s.preempts = true;
    let _ = s.arrive(SimTime(0), 0, Background, Span::ns(100));
    let _ = s.arrive(SimTime(1), 1, Background, Span::ns(100));
    let _ = s.arrive(SimTime(2), 2, Foreground, Span::ns(10));
    let last = begun(s.arrive(SimTime(3), 3, Foreground, Span::ns(10)));
    assert_eq!(s.arrive(SimTime(4), 4, Foreground, Span::ns(10)), Arrival::Queued, "nobody lower is left");
    assert_eq!((s.serving(Background), s.waiting_of(Background)), (0, 2));
    // Job 1 was the first to give way, so job 0 stands before it again.
    let begins = |s: &mut Station<u32, 2>, d: Departure<u32>| s.depart(d.at, d.ticket).expect("current").1;
    let foreground = begins(&mut s, last).expect("foreground waits");
    assert_eq!(foreground.job, 4);
    let background = begins(&mut s, foreground).expect("background waits");
    // 100 ns of which it had 3.
    assert_eq!((background.job, background.at), (0, SimTime(23 + 97)));
}

#[test]
fn last_come_first_served_interrupts_its_own_class() {
    // Nested like brackets: 0 has [0, 2] and [8, 10], 1 has [2, 3] and [7, 8], 2 has [3, 7].
    let mut s: Station<u32> = Station::new(1, 1);
    (s.order, s.preempts) = (Order::Lcfs, true);
    let works = [4, 2, 4];
    let mut last = None;
    for (job, at) in [(0, 0), (1, 2), (2, 3)] {
        last = Some(begun(s.arrive(SimTime(at), job, Foreground, Span::ns(works[job as usize]))));
    }
    let mut ends = Vec::new();
    while let Some(d) = last {
        ends.push((d.job, d.at.0));
        last = s.depart(d.at, d.ticket).expect("current").1;
    }
    assert_eq!(ends, [(2, 7), (1, 8), (0, 10)]);
}

#[test]
fn a_halt_stops_the_clock_of_every_service() {
    // Halted from 10 to 1000: whatever the order, every departure of a station that holds all its jobs by then
    // comes exactly 990 later than without.
    for (order, servers) in [(Order::Fcfs, 1), (Order::Fcfs, 3), (Order::Lcfs, 2)] {
        let run = |halt: bool| {
            let mut s: Station<u64> = Station::new(servers, servers);
            s.order = order;
            let mut pending = Vec::new();
            for job in 0..8 {
                if let Arrival::Started(d) = s.arrive(SimTime(job), job, Foreground, Span::ns(20 + 7 * job)) {
                    pending.push(d);
                }
            }
            if halt {
                s.halt(SimTime(10));
                assert_eq!((s.waiting(), s.integrals(SimTime(900)).capacity), (8, 10 * u128::from(servers)));
                assert!(pending.iter().all(|d| s.depart(d.at, d.ticket).is_none()));
                pending = s.resume(SimTime(1_000));
            }
            let mut ends = Vec::new();
            while let Some(i) = (0..pending.len()).min_by_key(|&i| (pending[i].at, pending[i].job)) {
                let d = pending.swap_remove(i);
                ends.push((d.job, d.at.0 - if halt { 990 } else { 0 }));
                pending.extend(s.depart(d.at, d.ticket).expect("current").1);
            }
            ends
        };
        assert_eq!(run(true), run(false), "{order:?} on {servers}");
        assert_eq!(run(true).len(), 8);
    }
}

#[test]
fn a_full_station_refuses_before_it_interrupts_and_a_halted_one_keeps_places() {
    let mut s: Station<u32> = Station::new(1, 1);
    (s.preempts, s.room) = (true, Some(1));
    let _ = s.arrive(SimTime(0), 0, Background, Span::ns(10));
    let _ = s.arrive(SimTime(1), 1, Foreground, Span::ns(10));
    assert_eq!(s.arrive(SimTime(2), 2, Foreground, Span::ns(10)), Arrival::Refused, "two inside is full");
    s.halt(SimTime(3));
    assert_eq!(s.arrive(SimTime(3), 3, Foreground, Span::ns(10)), Arrival::Refused);
    assert_eq!(s.fail(SimTime(4)).len(), 2);
    s.repair(SimTime(5));
    assert_eq!(s.arrive(SimTime(5), 4, Foreground, Span::ns(10)), Arrival::Queued, "still halted");
    assert_eq!(s.arrive(SimTime(5), 5, Foreground, Span::ns(10)), Arrival::Queued);
    assert_eq!(s.arrive(SimTime(5), 6, Foreground, Span::ns(10)), Arrival::Refused, "two places in all");
}

#[test]
fn interruptions_neither_lose_nor_make_work() {
    // One server works without a pause while anybody is inside, so its busy periods are those of Lindley's
    // recursion, whoever is interrupted: V' = max(V - gap, 0) + work.
    let jobs: Vec<Task> = tasks(20_000, 1.1, 8);
    let ends = |order, preempts| {
        let mut s: Station<usize> = Station::new(1, 1);
        (s.order, s.preempts) = (order, preempts);
        play(s, &jobs)
    };
    let mut until = SimTime::ZERO;
    let mut busy = Vec::new();
    for job in &jobs {
        if job.at > until && until > SimTime::ZERO {
            busy.push(until);
        }
        until = until.max(job.at) + job.work;
    }
    busy.push(until);
    let plain = ends(Order::Fcfs, false);
    for (order, preempts) in [(Order::Fcfs, true), (Order::Lcfs, false), (Order::Lcfs, true)] {
        let these = ends(order, preempts);
        assert_ne!(these, plain);
        let mut latest = SimTime::ZERO;
        let mut idle = Vec::new();
        for (job, &end) in jobs.iter().zip(&these) {
            if job.at > latest && latest > SimTime::ZERO {
                idle.push(latest);
            }
            latest = latest.max(end);
        }
        idle.push(latest);
        assert_eq!(idle, busy, "{order:?}, preempts: {preempts}");
    }
}
