//! One piece of the kernel's standard work, of a given length: `instructions WORK EVENTS`. The gate on
//! instructions per event runs it under callgrind at two lengths (`benches/instructions.sh`).

use sim_core::{Model, SimTime, Simulation};
use std::hint::black_box;
use std::process::ExitCode;

mod common;
#[allow(dead_code)]
mod work;

/// After warming up for as many events as any length gets.
fn steady<M: Model>(mut sim: Simulation<M>, events: u64, per_second: f64) {
    work::run(&mut sim, 50_000, per_second);
    work::run(&mut sim, events, per_second);
    black_box(sim.digests());
}

fn mm1(events: u64) {
    let mut sim = work::mm1(events / 2);
    sim.run_until(SimTime::NEVER).expect("inside the budget");
    black_box(sim.digests());
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, events] = &args[..] else { return usage() };
    let Ok(events) = events.parse() else { return usage() };
    match name.as_str() {
        "hold" => steady(work::hold(work::Law::Exponential, 10_000), events, 10_000.0),
        "phold" => steady(work::phold(), events, f64::from(work::PROCESSES * work::MESSAGES_EACH)),
        "mm1" => mm1(events),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions hold|phold|mm1 EVENTS");
    ExitCode::from(2)
}
