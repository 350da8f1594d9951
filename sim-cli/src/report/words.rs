//! Metrics as people call them.

pub use sim_models::record::count;

use super::unit;
use sim_models::metric::Metric;
use sim_models::verdict::Statistic;

/// A metric and what is shown of it, in words.
pub fn label(metric: Metric, statistic: Statistic) -> String {
    let what = words(metric);
    match statistic {
        Statistic::P50 => format!("{what} P50"),
        Statistic::P95 => format!("{what} P95"),
        Statistic::P99 => format!("{what} P99"),
        Statistic::Mean => format!("{what} mean"),
        Statistic::Max => format!("{what} max"),
        Statistic::ShareAbove(limit) => {
            format!("{what} > {}", unit::value(metric.unit(), metric, limit))
        }
        Statistic::RunsMedian => format!("{what}, median"),
        Statistic::RunsP95 => format!("{what}, P95 of runs"),
    }
}

/// Short names where the table's are not what people say.
pub fn words(metric: Metric) -> String {
    match metric {
        Metric::CpuReady => "%RDY".into(),
        Metric::CoStop => "%CSTP".into(),
        Metric::ReadyCoStop => "%RDY + %CSTP".into(),
        Metric::WorstIo => "worst I/O".into(),
        Metric::IoCompleted => "I/O completed".into(),
        Metric::IoStalled => "I/O stalled".into(),
        Metric::Pause => "migration pause".into(),
        Metric::WriteLatencyTool => "write latency (tool)".into(),
        Metric::ReadLatencyTool => "read latency (tool)".into(),
        other => other.name().replace('_', " "),
    }
}
