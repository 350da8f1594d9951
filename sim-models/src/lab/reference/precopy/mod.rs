//! Live migrations that were measured with QEMU, one run a row: files like `tests/data/qemu/results.csv`.
//!
//! A prediction sees the configuration columns only. Columns may come in any order and most may be missing:
//! what is not there is as QEMU 10.0.2 ships, and a guest without a working set is idle.

mod compare;
mod qemu;
mod row;

pub use compare::{Errors, Measured, Spread};
pub use qemu::{End, Prediction, predict_row};
pub use row::{Mode, Row, Stop, read};

use super::Answer;
use serde_json::{Value, json};

/// What the model says of each case of the file.
///
/// # Errors
/// What is wrong with the file, with line and remedy.
pub fn predict(text: &str) -> Result<Answer, String> {
    let rows = read(text)?;
    let said: Vec<Prediction> = rows.iter().map(predict_row).collect();
    let objects = rows.iter().zip(&said).map(|(row, p)| object(row, p)).collect();
    let measured = rows.iter().any(|r| r.measured.is_some());
    let table = rows.iter().zip(&said).map(|(row, p)| compare::cells(row, p, measured)).collect();
    Ok(Answer {
        json: Value::Array(objects),
        heads: compare::heads(measured),
        rows: table,
        summary: if measured { compare::summary(&rows, &said) } else { Vec::new() },
    })
}

/// In the words and units of the file's own columns.
fn object(row: &Row, p: &Prediction) -> Value {
    json!({
        "run_id": row.run_id,
        "outcome": p.end.word(),
        "total_time_ms": p.total_ms,
        "downtime_ms": p.downtime_ms,
        "sync_count": p.syncs,
        "transferred_bytes": p.bytes,
        "throttle_last": p.throttle_percent,
        "postcopy_requests": p.requests,
    })
}

#[cfg(test)]
mod tests;
