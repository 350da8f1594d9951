//! Few jobs that are measured, and many that are interrupted.

use super::super::network::{Event, Flight};
use super::super::place::{Context, Leg, Place};
use super::super::plan::{OutagePlan, StagePlan};
use super::super::spec::{Discipline, Fate, Fork};
use super::super::watch::Watch;
use super::{expect, play_runs};
use sim_core::queue::Queue;
use sim_core::{Dist, Seed, SimTime, Span, Streams, Table};

#[test]
fn few_jobs_are_as_good_as_many() {
    // M/M/1 at rho 0.7, in equilibrium when 20 jobs are measured: T = 1 / 0.3 under any order that does not look
    // at services, L = 0.7 / 0.3, and 0.7 leave per second. Did nobody come after the 20, those that are
    // interrupted or share would leave too soon; and the mean over runs of 20 / time is not 20 / mean time.
    for discipline in ["LcfsPreemptive", "Ps"] {
        let f = play_runs(
            1500,
            &format!(
                "arrivals: Poisson(PerS(0.7)), service: Exp(Secs(1)), discipline: {discipline},
                 jobs: 20, warmup: Jobs(300)"
            ),
        );
        expect(&f, "sojourn.mean", 10.0 / 3.0, 0.12);
        expect(&f, "present", 7.0 / 3.0, 0.12);
        expect(&f, "throughput", 0.7, 0.03);
        expect(&f, "utilisation", 0.7, 0.03);
    }
}

/// The most events that are ever pending where a service of 11 days is held up every millisecond, a thousand times:
/// by a job of the first class that takes half of it, or by an outage as long.
fn most_pending(discipline: Discipline, outages: bool) -> usize {
    let always = |s| Dist::constant(s).expect("a constant");
    let plan = StagePlan {
        name: "x".into(),
        servers: 1,
        discipline,
        buffer: None,
        outage: outages.then(|| OutagePlan { up: always(1.0), down: always(1.0), jobs: Fate::Wait }),
        fork: Fork { legs: 1, needed: 1 },
    };
    let mut place: Place<2> = Place::new(0, &plan, Streams::new(Seed(1), 0).stream("x", "outage"));
    let (mut queue, mut watch) = (Queue::default(), Watch::new(2, 1));
    let flight = Table::new().insert(Flight::default());
    let leg = |now, class, work| Leg { flight, entered: now, work, class, measured: false };
    let start = SimTime::ZERO;
    assert!(place.arrive(
        0,
        leg(start, 1, Span::from_secs_f64(1e6)),
        &mut Context::new(start, &mut queue, &mut watch)
    ));
    let (mut most, mut done) = (0, 0);
    for ms in 1..=1000 {
        let now = SimTime(ms * 1_000_000);
        let half = now + Span::us(500);
        let mut cx = Context::new(now, &mut queue, &mut watch);
        if outages {
            place.down(0, &mut cx);
            cx.now = half;
            place.up(0, &mut cx);
        } else {
            assert!(place.arrive(0, leg(now, 0, Span::us(500)), &mut cx));
        }
        // Sharing with another one, half a millisecond of work takes a whole one.
        while let Some((now, event)) = queue.pop_until(now + Span::us(999)) {
            let mut cx = Context::new(now, &mut queue, &mut watch);
            let left = match event {
                Event::Depart { ticket, .. } => place.depart(0, ticket, &mut cx),
                Event::Wake { epoch, .. } => place.woken(0, epoch, &mut cx),
                _ => None,
            };
            done += u64::from(left.is_some());
        }
        most = most.max(queue.len());
    }
    assert!(outages || done >= 999, "{done} of the first class");
    most
}

#[test]
fn who_is_interrupted_leaves_nothing_behind() {
    // One server has one end to come, however often its service was taken from it.
    for discipline in [Discipline::PriorityPreemptive, Discipline::Ps] {
        assert_eq!(most_pending(discipline, false), 1, "{discipline:?}");
    }
    for discipline in [Discipline::Fcfs, Discipline::Ps] {
        assert_eq!(most_pending(discipline, true), 1, "{discipline:?} with outages");
    }
}
