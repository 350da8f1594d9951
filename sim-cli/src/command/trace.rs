//! A run as a timeline that Perfetto and chrome://tracing open.

use serde_json::{Value, json};
use sim_models::record::Note;
use sim_models::run::RunResult;

/// One track per act: phases as spans between the notes that show them, notes as instants. Times in us.
pub fn of(result: &RunResult) -> Value {
    let mut events = Vec::new();
    for (act, notes) in acts(result.record.story()).into_iter().enumerate() {
        events.extend(spans(notes).map(|(from, to, name)| {
            json!({ "ph": "X", "pid": 1, "tid": act, "name": name, "ts": from, "dur": to - from })
        }));
        events.extend(
            notes
                .iter()
                .map(|n| json!({ "ph": "i", "s": "t", "pid": 1, "tid": act, "name": n.what, "ts": us(n) })),
        );
    }
    json!({ "traceEvents": events, "displayTimeUnit": "ms" })
}

fn us(note: &Note) -> f64 {
    note.at.0 as f64 / 1e3
}

/// Each act has a clock of its own: where time falls back, the next one begins.
fn acts(story: &[Note]) -> Vec<&[Note]> {
    story.chunk_by(|a, b| a.at <= b.at).collect()
}

/// Stretches of one phase.
fn spans(notes: &[Note]) -> impl Iterator<Item = (f64, f64, &'static str)> {
    let stretches: Vec<&[Note]> = notes.chunk_by(|a, b| a.phase == b.phase).collect();
    let starts: Vec<f64> = stretches.iter().map(|s| us(&s[0])).collect();
    let last = notes.last().map_or(0.0, us);
    let ends: Vec<f64> = starts.iter().skip(1).copied().chain([last]).collect();
    let names: Vec<&'static str> = stretches.iter().map(|s| s[0].phase.name()).collect();
    starts.into_iter().zip(ends).zip(names).map(|((from, to), name)| (from, to, name))
}
