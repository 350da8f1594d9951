//! Hold with exponential increments on SimPy, where `python3` can import it. It draws from Python's own
//! generator: an interpreter is not compared by the nanosecond.

use crate::Measured;
use crate::rows::{Row, Work};
use crate::work::Law;
use std::process::Command;

const PROGRAM: &str = include_str!("simpy.py");

pub fn run(row: &Row) -> Option<Measured> {
    if row.work != Work::Hold(Law::Exponential) {
        return None;
    }
    let numbers = [u64::from(row.pending), row.warm_up() / 5, row.events / 5].map(|n| n.to_string());
    let python = Command::new("python3").args(["-c", PROGRAM]).args(numbers).output().ok()?;
    let text = String::from_utf8(python.stdout).ok()?;
    let mut words = text.split_whitespace();
    let events = words.next()?.parse().ok()?;
    let seconds = words.next()?.parse().ok()?;
    Some(Measured { events, seconds, sojourn: 0.0 })
}
