//! The checks can fail: each deliberate mistake is noticed by the suite that stands guard over it.
//!
//! Built only with `--features mutants`; the switch is one for the whole process, so there is one test.

use sim_core::Seed;
use sim_core::mutant::{Mutant, set};
use sim_core::queue::Queue;
use sim_core::{Class, SimTime};
use sim_models::validation::{Check, suites};
use std::panic::catch_unwind;

/// Who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// A suite of `duress selfcheck`.
    Suite(&'static str),
    /// Ties come in the order of scheduling, which the suites take for granted.
    Ties,
}

fn guard(mutant: Mutant) -> Guard {
    match mutant {
        Mutant::TieOrder => Guard::Ties,
        Mutant::SharedStream => Guard::Suite("queueing"),
        Mutant::PriorityUpsideDown => Guard::Suite("queueing-classes"),
        Mutant::EqualWeights => Guard::Suite("flows-simgrid"),
        Mutant::AckEarly | Mutant::DroppedByte | Mutant::DrainForFree => Guard::Suite("storage-forms"),
        Mutant::CopiesTogether => Guard::Suite("reliability"),
        Mutant::InstantDetection => Guard::Suite("storage-facts"),
        Mutant::LinearDirtying | Mutant::ZeroPagesSent => Guard::Suite("migration-qemu"),
        Mutant::NoTimeout => Guard::Suite("messages-ns3"),
        Mutant::NoSteal => Guard::Suite("controllers"),
        Mutant::ThreadTooMany | Mutant::NoCoStop => Guard::Suite("cpu-pools"),
        Mutant::LagForgotten => Guard::Suite("crosssite"),
    }
}

impl Guard {
    /// A failed check, a broken run and a panic are all noticed.
    fn is_content(&self) -> bool {
        match self {
            Guard::Ties => ties_come_in_order_of_scheduling(),
            Guard::Suite(name) => {
                let suite = suites().find(|s| s.name == *name).unwrap_or_else(|| panic!("no suite {name}"));
                let findings = catch_unwind(|| (suite.run)(Seed(1)));
                matches!(findings, Ok(Ok(found)) if found.checks.iter().all(Check::passes))
            }
        }
    }
}

fn ties_come_in_order_of_scheduling() -> bool {
    let mut queue = Queue::default();
    for i in 0..9 {
        queue.push(SimTime(5), Class::Arrival, i);
    }
    (0..9).all(|i| queue.pop_until(SimTime::NEVER) == Some((SimTime(5), i)))
}

#[test]
fn every_mistake_is_noticed() {
    let (mut content, mut blind) = (Vec::new(), Vec::new());
    for mutant in Mutant::ALL {
        let guard = guard(mutant);
        if !content.contains(&guard) {
            assert!(guard.is_content(), "the guard against {mutant:?} fails without it: {guard:?}");
            content.push(guard);
        }
        set(Some(mutant));
        if guard.is_content() {
            blind.push(mutant);
        }
        set(None);
    }
    assert!(blind.is_empty(), "nobody notices {blind:?}");
}
