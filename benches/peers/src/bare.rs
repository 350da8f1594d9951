//! Hold on the bare queues.

use crate::Measured;
use crate::common::Luck;
use crate::reference::Bare;
use crate::rows::{Row, Work};
use cpu_time::ProcessTime;
use std::hint::black_box;

pub fn run<Q: Bare>(row: &Row) -> Option<Measured> {
    let Work::Hold(law) = row.work else { return None };
    let (mut queue, mut luck, mut sequence) = (Q::default(), Luck::new(42), 0);
    for event in 0..row.pending {
        queue.push(law.increment(&mut luck), sequence, event);
        sequence += 1;
    }
    let mut hold = |events: u64| {
        for _ in 0..events {
            let (now, event) = queue.pop().expect("held at a constant size");
            queue.push(now + law.increment(&mut luck), sequence, event);
            sequence += 1;
        }
        sequence
    };
    black_box(hold(row.warm_up()));
    let begun = ProcessTime::now();
    black_box(hold(row.events));
    Some(Measured { events: row.events, seconds: begun.elapsed().as_secs_f64(), sojourn: 0.0 })
}
