//! From many runs to a judgement: fold, estimate, judge, report.
//!
//! ```text
//! RunResult -> Cluster (the runs of one past), in order -> BatchStats (bounded memory) -> Report (plain data) -> text, JSON, CSV
//! ```
//!
//! The run is the sampling unit of every interval; where runs share a past, the past is. A number without one says why; a row without an
//! objective has no verdict; what was not sampled is never a pass.

mod cluster;
mod clustered;
mod curve;
mod estimate;
mod fold;
mod honesty;
mod matrix;
mod objective;
mod report;
mod row;
mod statistic;

pub use cluster::Cluster;
pub use curve::{Curve, Point};
pub use estimate::{Estimate, Range};
pub use fold::{About, BatchStats, Failure};
pub use honesty::{Evidence, Honesty, Seen, TopRuns};
pub use matrix::{Beside, Dimension, MatrixRow};
pub use objective::{Judged, Verdict};
pub use report::{Header, MetricLine, Report, Worst, metric_lines_of};
pub use row::{Column, Group, RunRow, columns};
pub use statistic::Statistic;

#[cfg(test)]
mod tests;
