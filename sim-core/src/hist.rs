//! H
/// h
#[derive(Clone, Debug, Default)]
pub struct Histogram;
