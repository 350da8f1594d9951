//! A percentile plot in characters: value over percentile, both axes logarithmic, so that tails can be seen.

use super::unit;
use super::words::words;
use sim_models::metric::Metric;
use sim_models::verdict::{Curve, Group, Report};
use std::io::{self, Write};

const WIDTH: usize = 80;
const HEIGHT: usize = 11;
/// Width of the labels left of the plot.
const MARGIN: usize = 10;

/// Draws the before, after and duress curves of one metric; nothing without samples.
pub fn draw(report: &Report, metric: Metric, out: &mut dyn Write) -> io::Result<()> {
    let curves: Vec<&Curve> = report.curves.iter().filter(|c| c.metric == metric).collect();
    let Some(frame) = Frame::around(&curves) else { return Ok(()) };
    writeln!(out)?;
    let keys: Vec<String> = curves.iter().map(|c| format!("{} {}", mark(c.group), c.phase)).collect();
    writeln!(out, "{} by percentile: {}, * several", words(metric), keys.join(", "))?;
    let grid = frame.fill(&curves);
    for (from_top, line) in grid.iter().enumerate() {
        let level = HEIGHT - 1 - from_top;
        let tick = level.is_multiple_of(2);
        let value = frame.value_at(level);
        let name = if tick { unit::value(metric.unit(), metric, value) } else { String::new() };
        let line: String = line.iter().collect();
        writeln!(out, "{name:>MARGIN$} |{}", line.trim_end())?;
    }
    writeln!(out, "{:MARGIN$} +{}", "", "-".repeat(WIDTH))?;
    writeln!(out, "{:MARGIN$}  {}", "", frame.percentiles().trim_end())
}

fn mark(group: Group) -> char {
    match group {
        Group::Before => 'b',
        Group::After => 'a',
        Group::Duress => 'd',
    }
}

/// What the axes span: logarithms to base 10 of values, and decades of the tail.
#[derive(Debug)]
struct Frame {
    low: f64,
    high: f64,
    first: f64,
    last: f64,
}

impl Frame {
    fn around(curves: &[&Curve]) -> Option<Frame> {
        let points = || curves.iter().flat_map(|c| &c.points);
        let least = points().map(|p| p.value.max(1)).min()?;
        let most = points().map(|p| p.value.max(1)).max()?;
        let last = points().map(|p| decades(p.at)).fold(0.0, f64::max);
        let first = points().map(|p| decades(p.at)).fold(f64::INFINITY, f64::min);
        let (low, high) = (libm::log10(least as f64), libm::log10(most as f64));
        // Equal values still need an axis; so does a curve of one point.
        let (high, last) = (high.max(low + 0.05), last.max(first + 0.5));
        Some(Frame { low, high, first, last })
    }

    fn fill(&self, curves: &[&Curve]) -> Vec<Vec<char>> {
        let mut grid = vec![vec![' '; WIDTH]; HEIGHT];
        for (curve, x) in curves.iter().flat_map(|c| (0..WIDTH).map(move |x| (c, x))) {
            let tail = self.first + (self.last - self.first) * x as f64 / (WIDTH - 1) as f64;
            let Some(value) = between(curve, tail) else { continue };
            let share = (value - self.low) / (self.high - self.low);
            let level = (share.clamp(0.0, 1.0) * (HEIGHT - 1) as f64 + 0.5) as usize;
            let cell = &mut grid[HEIGHT - 1 - level][x];
            *cell = if *cell == ' ' { mark(curve.group) } else { '*' };
        }
        grid
    }

    fn value_at(&self, level: usize) -> u64 {
        let exponent = self.low + (self.high - self.low) * level as f64 / (HEIGHT - 1) as f64;
        (libm::exp10(exponent) + 0.5) as u64
    }

    /// The labels under the axis.
    fn percentiles(&self) -> String {
        let mut line = vec![' '; WIDTH + 8];
        for (at, name) in [
            (500_000, "50"),
            (900_000, "90"),
            (990_000, "99"),
            (999_000, "99.9"),
            (999_900, "99.99"),
            (999_990, "99.999"),
        ] {
            let share = (decades(at) - self.first) / (self.last - self.first);
            if !(-1e-9..=1.0 + 1e-9).contains(&share) {
                continue;
            }
            let x = (share * (WIDTH - 1) as f64 + 0.5) as usize;
            for (cell, letter) in line[x..].iter_mut().zip(name.chars()) {
                *cell = letter;
            }
        }
        line.into_iter().collect()
    }
}

/// How many tenths of the tail lie before a percentile: 0 at the start, 2 at P99.
fn decades(at_ppm: u32) -> f64 {
    -libm::log10(f64::from(1_000_000 - at_ppm.min(999_999)) / 1e6)
}

/// The logarithm of a curve's value at a place of the tail; `None` beyond its ends.
fn between(curve: &Curve, tail: f64) -> Option<f64> {
    let at = |i: usize| {
        let p = curve.points.get(i)?;
        Some((decades(p.at), libm::log10(p.value.max(1) as f64)))
    };
    let next = curve.points.iter().position(|p| decades(p.at) >= tail - 1e-9)?;
    let (x1, y1) = at(next)?;
    if next == 0 {
        return (x1 - tail < 1e-6).then_some(y1);
    }
    let (x0, y0) = at(next - 1)?;
    Some(y0 + (y1 - y0) * (tail - x0) / (x1 - x0))
}
