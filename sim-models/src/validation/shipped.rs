//! Lab files that come with the program.

use super::{Check, Expected, Findings};
use crate::lab::Lab;
use sim_core::Seed;

/// Plays a shipped lab file and holds it against what it expects. Errors are worst shares of tolerance.
pub fn lab(text: &str, seed: Seed) -> Result<Findings, String> {
    let lab = Lab::parse(text).map_err(|e| e.to_string())?;
    let figures = lab.figures(seed)?;
    let checks = lab.checks(&figures);
    Ok(Findings { size: format!("{} closed forms", checks.len()), error: worst(&checks), checks })
}

/// The largest relative error of what is expected to be a value other than 0.
fn worst(checks: &[Check]) -> String {
    let relative = |c: &Check| match c.expected {
        Expected::Within { value, .. } if value != 0.0 => Some(((c.got - value) / value).abs()),
        _ => None,
    };
    let worst = checks.iter().filter_map(relative).fold(0.0, f64::max);
    format!("worst {:.2} %", 100.0 * worst)
}
