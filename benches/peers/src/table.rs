//! The table, and the check that all did the same work.

use crate::rows::Row;
use crate::{CONTENDERS, Kind, Measured};

pub fn header() {
    print!("{:<18}", "work");
    CONTENDERS.iter().for_each(|contender| print!("{:>17}", contender.name));
    println!("{:>17}{:>17}{:>17}", "to best bare", "to best engine", "to nexosim");
}

/// Millions of events per second; `None` where the engine cannot do the work.
fn median(measured: &[Measured]) -> Option<f64> {
    let mut speeds: Vec<f64> = measured.iter().map(|m| m.events as f64 / m.seconds / 1e6).collect();
    speeds.sort_by(f64::total_cmp);
    speeds.get(speeds.len() / 2).copied()
}

pub fn line(row: &Row, all: &[Vec<Measured>]) {
    let medians: Vec<Option<f64>> = all.iter().map(|measured| median(measured)).collect();
    let best = |kind: Kind| {
        let of_kind = CONTENDERS.iter().zip(&medians).filter(|(contender, _)| contender.kind == kind);
        of_kind.filter_map(|(_, &median)| median).max_by(f64::total_cmp)
    };
    let named = |name: &str| medians[CONTENDERS.iter().position(|c| c.name.starts_with(name))?];
    let kernel = best(Kind::Kernel);
    let ratio = |to: Option<f64>| kernel.zip(to).map(|(kernel, to)| kernel / to);
    print!("{:<18}", row.name);
    for figure in medians.iter().copied().chain([
        ratio(best(Kind::Bare)),
        ratio(best(Kind::Engine)),
        ratio(named("nexosim")),
    ]) {
        match figure {
            Some(figure) => print!("{figure:>17.2}"),
            None => print!("{:>17}", "-"),
        }
    }
    println!();
}

/// The same seeds give the same customers: clocks of nanoseconds and of float seconds differ by rounding.
pub fn check_sojourns(all: &[Vec<Measured>]) {
    let expected = all[0][0].sojourn;
    for (contender, measured) in CONTENDERS.iter().zip(all) {
        for m in measured.iter().filter(|m| m.sojourn > 0.0) {
            let error = (m.sojourn / expected - 1.0).abs();
            assert!(error < 1e-6, "{}: mean sojourn {} s, not {expected} s", contender.name, m.sojourn);
        }
    }
}
