//! placeholder
/// b
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Bounds {
    Latency,
    Ratio,
    Count,
}
/// h
#[derive(Clone, Debug, Default)]
pub struct Histogram;
#[allow(missing_docs)]
impl Histogram {
    pub fn new(_: Bounds) -> Self {
        Histogram
    }
    pub fn record(&mut self, _: u64, _: u64) {}
}
