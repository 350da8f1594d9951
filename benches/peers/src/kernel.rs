//! The work on the kernel's public interface, digest and budget on.

use crate::Measured;
use crate::rows::{Row, Work};
use crate::work;
use cpu_time::ProcessTime;
use sim_core::{Model, SimTime, Simulation};

pub fn run(row: &Row) -> Option<Measured> {
    Some(match row.work {
        Work::Hold(law) => steady(row, work::hold(law, row.pending)),
        Work::Phold => steady(row, work::phold()),
        Work::Cancel => steady(row, work::cancel(row.pending)),
        Work::Mm1 => mm1(row.events / 2),
    })
}

fn steady<M: Model>(row: &Row, mut sim: Simulation<M>) -> Measured {
    work::run(&mut sim, row.warm_up(), row.per_second());
    let before = sim.events();
    let begun = ProcessTime::now();
    work::run(&mut sim, row.events, row.per_second());
    let seconds = begun.elapsed().as_secs_f64();
    Measured { events: sim.events() - before, seconds, sojourn: 0.0 }
}

fn mm1(customers: u64) -> Measured {
    let begun = ProcessTime::now();
    let mut sim = work::mm1(customers);
    sim.run_until(SimTime::NEVER).expect("inside the budget");
    let seconds = begun.elapsed().as_secs_f64();
    let sojourn = sim.model.sojourn as f64 / 1e9 / customers as f64;
    Measured { events: sim.events(), seconds, sojourn }
}
