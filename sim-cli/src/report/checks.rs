//! Figures held against what they must come to.

use super::style::Style;
use super::table::{Align, Table};
use serde_json::{Value, json};
use sim_models::validation::{Check, Expected, Findings, Suite};
use std::io::{self, Write};

/// A figure in at most seven significant digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&size) {
        let whole = if size >= 1.0 { libm::log10(size).floor() as usize + 1 } else { 1 };
        let text = format!("{value:.*}", 7usize.saturating_sub(whole));
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').into()
        } else {
            text
        };
    }
    format!("{value:.4e}")
}

/// One line per check, failures marked.
pub fn table(checks: &[Check], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if checks.is_empty() {
        return Ok(());
    }
    let mut table = Table::default();
    table.row(["", "check", "expected", "got", "tolerance", "z", "because"]);
    for check in checks {
        let (expected, tolerance) = match check.expected {
            Expected::Within { value, tolerance: t } if value != 0.0 && t > 0.0 => {
                (number(value), format!("{} %", number(100.0 * t / value.abs())))
            }
            Expected::Within { value, tolerance } => (number(value), number(tolerance)),
            Expected::Between { low, high } => {
                (format!("{} to {}", number(low), number(high)), String::new())
            }
        };
        let z = check.z_score().map_or_else(String::new, |z| format!("{z:+.1}"));
        let mark = if check.passes() { "ok" } else { "FAIL" };
        let got = if check.got.is_nan() { "no such figure".into() } else { number(check.got) };
        table.row([mark.into(), check.name.clone(), expected, got, tolerance, z, check.because.clone()]);
    }
    let mut text = Vec::new();
    let r = Align::Right;
    table.write(&[Align::Left, Align::Left, r, r, r, r, Align::Left], &mut text)?;
    for line in String::from_utf8_lossy(&text).lines() {
        let failed = line.starts_with("FAIL");
        writeln!(out, "  {}", if failed { style.bold(line) } else { line.to_string() })?;
    }
    Ok(())
}

/// The same for machines.
pub fn object(check: &Check) -> Value {
    let mut object = json!({
        "check": check.name,
        "got": check.got,
        "standard_error": check.error,
        "z": check.z_score(),
        "passes": check.passes(),
        "because": check.because,
    });
    match check.expected {
        Expected::Within { value, tolerance } => {
            object["expected"] = value.into();
            object["tolerance"] = tolerance.into();
        }
        Expected::Between { low, high } => object["between"] = json!([low, high]),
    }
    object
}

/// One row per model, for a document.
pub fn markdown<'a>(
    suites: impl Iterator<Item = (&'a Suite, &'a Result<Findings, String>)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "| suite | model | compared with | size | error found | known to be wrong |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for (suite, findings) in suites {
        let (size, error) = match findings {
            Ok(f) => (f.size.as_str(), f.error.as_str()),
            Err(why) => ("broken", why.as_str()),
        };
        let Suite { name, model, against, wrong, .. } = suite;
        writeln!(out, "| `{name}` | {model} | {against} | {size} | {error} | {wrong} |")?;
    }
    Ok(())
}
