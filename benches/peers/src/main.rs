//! The same work on the kernel, on four other discrete-event engines of the Rust registry, and on bare
//! queues: one table of medians and ratios.
//!
//! ```text
//! benches/peers/run           every row, 5 rounds
//! benches/peers/run 7 hold    7 rounds of the rows named so
//! ```
//!
//! Every measurement is a process of its own, and the contenders take turns, so that neither the state of the
//! heap nor a busy spell of the machine favours one. What counts is the processor time of the process after
//! building and warming up. All draw the same increments from the same generator, seeded alike; where an
//! engine keeps time as seconds in a float, the nanoseconds are divided by 1e9. M/M/1 shows that the work is
//! the same: the mean sojourn agrees to the sixth digit.
//!
//! What the contenders do beside the work differs. The kernel keeps its digest and its budget, cancels by
//! handle and orders ties by class and sequence. nexosim (on one thread) isolates its models by mailboxes and
//! async tasks. simcore and odem-rs order ties by insertion; simrs does not order them. The bare queues order
//! (time, sequence) and do nothing else: no event is stored, none can be cancelled.

use std::process::{Command, ExitCode};

#[path = "../../common.rs"]
mod common;
#[path = "../../reference.rs"]
mod reference;
#[path = "../../work.rs"]
#[allow(dead_code)]
mod work;

mod bare;
mod kernel;
mod nexosim_peer;
mod odem_peer;
mod rows;
mod simcore_peer;
mod simpy;
mod simrs_peer;
mod table;

use rows::{Row, Work};

/// What one process reports.
#[derive(Clone, Copy, Debug)]
struct Measured {
    events: u64,
    seconds: f64,
    /// Mean sojourn of M/M/1 in seconds; zero elsewhere.
    sojourn: f64,
}

/// Something that can do the work: by name, and how.
struct Contender {
    name: &'static str,
    kind: Kind,
    run: fn(&Row) -> Option<Measured>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kernel,
    Engine,
    Bare,
}

const CONTENDERS: [Contender; 11] = [
    Contender { name: "kernel", kind: Kind::Kernel, run: kernel::run },
    Contender { name: "simcore 0.1.0", kind: Kind::Engine, run: simcore_peer::run },
    Contender { name: "simrs 0.2.0", kind: Kind::Engine, run: simrs_peer::run },
    Contender { name: "odem-rs 0.4.0", kind: Kind::Engine, run: odem_peer::run },
    Contender { name: "nexosim 1.0.0", kind: Kind::Engine, run: nexosim_peer::run },
    Contender { name: "SimPy", kind: Kind::Engine, run: simpy::run },
    bare::contender::<reference::RadixLadder>(),
    bare::contender::<reference::Wheel>(),
    bare::contender::<reference::OpenHeap>(),
    bare::contender::<reference::PackedHeap>(),
    bare::contender::<reference::TupleHeap>(),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["one", row, contender] => measure_here(row, contender),
        [] => compare(5, ""),
        [rounds] => compare(rounds.parse().unwrap_or(5), ""),
        [rounds, rows] => compare(rounds.parse().unwrap_or(5), rows),
        _ => {
            eprintln!("usage: peers [ROUNDS [ROWS]]");
            ExitCode::from(2)
        }
    }
}

/// The child's part: does the work and prints three numbers, or nothing where the engine cannot do it.
fn measure_here(row: &str, contender: &str) -> ExitCode {
    let rows = rows::all();
    let row = rows.iter().find(|r| r.name == row);
    let contender = CONTENDERS.iter().find(|c| c.name == contender);
    let (Some(row), Some(contender)) = (row, contender) else { return ExitCode::from(2) };
    if let Some(m) = (contender.run)(row) {
        println!("{} {} {}", m.events, m.seconds, m.sojourn);
    }
    ExitCode::SUCCESS
}

/// One measurement in a process of its own.
fn measure(row: &Row, contender: &Contender) -> Option<Measured> {
    let program = std::env::current_exe().expect("a running program has a path");
    let child = Command::new(program).args(["one", row.name, contender.name]).output().expect("it ran once");
    assert!(
        child.status.success(),
        "{} on {}: {}",
        contender.name,
        row.name,
        String::from_utf8_lossy(&child.stderr)
    );
    let text = String::from_utf8_lossy(&child.stdout);
    let numbers: Vec<f64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [events, seconds, sojourn] = numbers[..] else { return None };
    Some(Measured { events: events as u64, seconds, sojourn })
}

fn compare(rounds: usize, named: &str) -> ExitCode {
    println!("Million events per second of one core, median of {rounds} alternating rounds.\n");
    table::header();
    for row in rows::all().iter().filter(|row| row.name.contains(named)) {
        let mut all: Vec<Vec<Measured>> = CONTENDERS.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (contender, measured) in CONTENDERS.iter().zip(&mut all) {
                measured.extend(measure(row, contender));
            }
        }
        if row.work == Work::Mm1 {
            table::check_sojourns(&all);
        }
        table::line(row, &all);
    }
    ExitCode::SUCCESS
}
