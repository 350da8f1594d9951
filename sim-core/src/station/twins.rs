//! Stations against slow twins and recursions: every departure of every job, to the nanosecond.

use super::Priority::Foreground;
use super::script::{Task, play, play_shared, stream, tasks};
use super::{Sharing, Station};
use crate::time::{SimTime, Span};

/// When the system turned empty, each time.
fn idle_from(tasks: &[Task], ends: &[SimTime]) -> Vec<SimTime> {
    let mut latest = SimTime::ZERO;
    let mut idle = Vec::new();
    for (task, &end) in tasks.iter().zip(ends) {
        if task.at > latest && latest > SimTime::ZERO {
            idle.push(latest);
        }
        latest = latest.max(end);
    }
    idle.push(latest);
    idle
}

#[test]
fn every_departure_matches_the_recursion_of_kiefer_and_wolfowitz() {
    // k servers, FCFS: a job begins at max(arrival, earliest server free); that server is free again when
    // it ends. Exact, so every departure must agree to the nanosecond, with stretch 1.5 and latch 1 ms too.
    for (k, gap) in [(1, 1.2), (3, 0.4), (16, 0.07)] {
        let mut jobs = tasks(20_000, gap, k.into());
        jobs.iter_mut().for_each(|t| t.class = Foreground);
        for (stretch, latch) in [(1.0, Span::ZERO), (1.5, Span::ms(1))] {
            let mut station = Station::new(k, k);
            (station.stretch, station.latch) = (stretch, latch);
            let ends = play(station, &jobs);
            let mut free = vec![SimTime::ZERO; k as usize];
            for (task, end) in jobs.iter().zip(ends) {
                let earliest = free.iter_mut().min().expect("k > 0");
                *earliest = task.at.max(*earliest) + task.work.scale(stretch) + latch;
                assert_eq!(end, *earliest);
            }
        }
    }
}

#[test]
fn the_workload_path_does_not_depend_on_the_discipline() {
    // One server that never idles with work present: unfinished work falls at rate 1 and jumps by each
    // arrival's work, so it reaches zero at the same instants under FCFS, priority and processor sharing,
    // and Lindley's recursion gives them: V' = max(V - gap, 0) + work.
    for seed in 0..4 {
        let jobs = tasks(20_000, 1.1, seed);
        let fcfs: Vec<Task> = jobs.iter().map(|t| Task { class: Foreground, ..*t }).collect();
        let ends = [
            play(Station::new(1, 1), &fcfs),
            play(Station::new(1, 1), &jobs),
            play_shared(Sharing::new(1), &jobs),
        ];
        let mut until = SimTime::ZERO;
        let lindley: Vec<SimTime> = jobs
            .iter()
            .map(|t| {
                until = until.max(t.at) + t.work;
                until
            })
            .collect();
        let expected = idle_from(&jobs, &lindley);
        assert!(expected.len() > 500, "{} busy periods", expected.len());
        for ends in &ends {
            assert_eq!(idle_from(&jobs, ends), expected);
        }
        assert_ne!(ends[0], ends[1]);
        assert_ne!(ends[0], ends[2]);
    }
}

#[test]
fn sharing_matches_its_slow_twin() {
    // The twin keeps the work left of every job as a float and serves all of them step by step. A float
    // of 1e13 ns has a step of 0.002 ns, and a departure is reported on the next whole ns: 1.1 ns covers both.
    for (servers, gap) in [(1, 1.3), (3, 0.4), (8, 0.1)] {
        let jobs = tasks(2_000, gap, u64::from(servers));
        let ends = play_shared(Sharing::new(servers), &jobs);
        let (mut now, mut come, mut left) = (0.0_f64, 0, Vec::<(usize, f64)>::new());
        while come < jobs.len() || !left.is_empty() {
            let share = (f64::from(servers) / left.len() as f64).min(1.0);
            let first = left.iter().map(|l| l.1).fold(f64::INFINITY, f64::min);
            let arrival = jobs.get(come).map_or(f64::INFINITY, |t| t.at.0 as f64);
            let until = (now + first / share).min(arrival);
            left.iter_mut().for_each(|l| l.1 -= (until - now) * share);
            now = until;
            if until == arrival {
                left.push((come, jobs[come].work.as_ns_f64()));
                come += 1;
            }
            left.retain(|&(i, work)| {
                let inside = work > 1e-3;
                assert!(inside || (ends[i].0 as f64 - now).abs() < 1.1, "job {i}: {} and {now}", ends[i].0);
                inside
            });
        }
    }
}

#[test]
fn a_busy_period_leaves_no_trace() {
    // The same three jobs after any idle gap take the same times: shares, not history, decide.
    let jobs = |at: u64| [(0, 1_000), (300, 777), (301, 333)].map(|(d, w)| (SimTime(at + d), Span::ns(w)));
    let run = |station: &mut Sharing<usize>, at: u64| {
        let tasks = jobs(at).map(|(at, work)| Task { at, work, class: Foreground });
        let ends = play_shared(station.clone(), &tasks);
        ends.iter().map(|e| e.0 - at).collect::<Vec<u64>>()
    };
    let mut station = Sharing::new(1);
    let first = run(&mut station, 0);
    for i in 0..1_000 {
        let at = SimTime(i * 10_000_001);
        assert!(station.arrive(at, 0, Span::ns(i * 7_919 % 1_000 + 1)));
        assert!(station.arrive(at, 1, Span::ns(i * 104_729 % 1_000 + 1)));
        while let Some((at, epoch)) = station.next_departure() {
            station.depart(at, epoch).expect("not stale");
        }
    }
    assert_eq!(run(&mut station, 77_777_777_777), first);
    // 1,000 + 777 + 333 ns of work without a gap end together at 2,110 ns.
    assert_eq!(first.iter().max(), Some(&2_110));
}

#[test]
fn a_shared_server_works_off_exactly_what_its_speed_allows() {
    // The speed changes at random between 1/2, 1 and 2, with arrivals and departures in between. Unfinished
    // work, counted in half ns, falls by 2 x speed per ns whatever the number of jobs: the server must turn
    // empty on the first whole ns at which that count has come to zero.
    let mut draw = stream(5);
    let mut station = Sharing::new(1);
    let (mut now, mut speed, mut halves, mut emptied) = (SimTime::ZERO, 2_u64, 0_u64, 0);
    for step in 0..100_000 {
        let next = now + Span::ns(1 + draw.below(400));
        while let Some((at, epoch)) = station.next_departure().filter(|(at, _)| *at <= next) {
            station.depart(at, epoch).expect("not stale");
            if station.is_empty() {
                assert_eq!(at.since(now).0, halves.div_ceil(speed), "at step {step}");
                emptied += 1;
            }
        }
        halves = halves.saturating_sub(next.since(now).0 * speed);
        assert_eq!(station.is_empty(), halves == 0, "at step {step}");
        now = next;
        if draw.below(3) == 0 {
            speed = 1 << draw.below(3);
            station.set_speed(now, speed as f64 / 2.0);
        } else {
            let work = draw.below(500);
            assert!(station.arrive(now, (), Span::ns(work)));
            halves += 2 * work;
        }
    }
    assert!(emptied > 1_000, "emptied {emptied} times");
}
