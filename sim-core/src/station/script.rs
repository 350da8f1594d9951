//! A list of tasks, drawn beforehand and played through any station: what a test needs to compare
//! disciplines, or a station with its slow twin, job by job.

use super::Priority::{Background, Foreground};
use super::harness::{Law, assert_conserving};
use super::{Arrival, Priority, Sharing, Station, Ticket};
use crate::queue::Queue;
use crate::rng::{Seed, Stream, Streams};
use crate::sim::Class;
use crate::time::{SimTime, Span};

/// One job: when it comes, what it asks.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    pub at: SimTime,
    pub work: Span,
    pub class: Priority,
}

pub fn stream(seed: u64) -> Stream {
    Streams::new(Seed(seed), 0).stream("tasks", "all")
}

/// `n` tasks with exponential gaps and works, in seconds; one in three is background work.
pub fn tasks(n: usize, gap: f64, seed: u64) -> Vec<Task> {
    let mut s = stream(seed);
    let mut at = SimTime::ZERO;
    (0..n)
        .map(|_| {
            at += Law::Exp(gap).draw(&mut s);
            let class = if s.below(3) == 0 { Background } else { Foreground };
            Task { at, work: Law::Exp(1.0).draw(&mut s), class }
        })
        .collect()
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Arrive(usize),
    Depart(Ticket),
}

/// Plays tasks through a station; when each of them departs. Completions precede arrivals.
pub fn play(mut station: Station<usize>, tasks: &[Task]) -> Vec<SimTime> {
    let mut queue = Queue::default();
    for (i, task) in tasks.iter().enumerate() {
        queue.push(task.at, Class::Arrival, Event::Arrive(i));
    }
    let mut ends = vec![SimTime::NEVER; tasks.len()];
    while let Some((now, event)) = queue.pop_until(SimTime::NEVER) {
        let begun = match event {
            Event::Arrive(i) => match station.arrive(now, i, tasks[i].class, tasks[i].work) {
                Arrival::Started(d) => Some(d),
                Arrival::Queued => None,
                Arrival::Refused => panic!("unbounded room"),
            },
            Event::Depart(ticket) => {
                let Some((job, next)) = station.depart(now, ticket) else { continue }; // interrupted
                ends[job] = now;
                next
            }
        };
        assert_conserving(&station);
        if let Some(d) = begun {
            queue.push(d.at, Class::Completion, Event::Depart(d.ticket));
        }
    }
    ends
}

/// The same for processor sharing.
pub fn play_shared(mut station: Sharing<usize>, tasks: &[Task]) -> Vec<SimTime> {
    let mut ends = vec![SimTime::NEVER; tasks.len()];
    let mut come = 0;
    loop {
        let arrival = tasks.get(come).map_or(SimTime::NEVER, |t| t.at);
        match station.next_departure().filter(|(at, _)| *at <= arrival) {
            Some((at, epoch)) => ends[station.depart(at, epoch).expect("not stale")] = at,
            None if come == tasks.len() => return ends,
            None => {
                assert!(station.arrive(arrival, come, tasks[come].work));
                come += 1;
            }
        }
    }
}
