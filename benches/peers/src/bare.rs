//! Hold on the bare queues.

use crate::reference::{Bare, BareHold};
use crate::rows::{Row, Work};
use crate::{Contender, Kind, Measured};
use cpu_time::ProcessTime;
use std::hint::black_box;

pub const fn contender<Q: Bare>() -> Contender {
    Contender { name: Q::NAME, kind: Kind::Bare, run: run::<Q> }
}

fn run<Q: Bare>(row: &Row) -> Option<Measured> {
    let Work::Hold(law) = row.work else { return None };
    let mut hold = BareHold::<Q>::new(law, row.pending);
    black_box(hold.run(row.warm_up()));
    let begun = ProcessTime::now();
    black_box(hold.run(row.events));
    Some(Measured { events: row.events, seconds: begun.elapsed().as_secs_f64(), sojourn: 0.0 })
}
