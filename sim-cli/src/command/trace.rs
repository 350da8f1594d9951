//! A run as a timeline that Perfetto and chrome://tracing open.

use serde_json::{Value, json};
use sim_core::{SimTime, Span};
use sim_models::record::{Note, Stretch};
use sim_models::run::{Act, RunResult};

/// One track per act: phases as spans, what happened as instants. Times in us.
pub fn of(acts: &[(Act, Span)], result: &RunResult) -> Value {
    let names = acts.iter().enumerate().map(|(number, (act, _))| name(number, act.name()));
    let phases = result.record.stretches().iter().map(phase);
    let events: Vec<Value> = names.chain(phases).chain(result.record.story().iter().map(instant)).collect();
    json!({ "traceEvents": events, "displayTimeUnit": "ms" })
}

fn name(act: usize, name: &str) -> Value {
    json!({ "ph": "M", "name": "thread_name", "pid": 1, "tid": act, "args": { "name": name } })
}

fn phase(s: &Stretch) -> Value {
    let (from, until) = (us(s.from), us(s.until));
    json!({ "ph": "X", "pid": 1, "tid": s.act, "name": s.phase.name(), "ts": from, "dur": until - from })
}

fn instant(note: &Note) -> Value {
    json!({ "ph": "i", "s": "t", "pid": 1, "tid": note.act, "name": note.what, "ts": us(note.at) })
}

fn us(at: SimTime) -> f64 {
    at.0 as f64 / 1e3
}
