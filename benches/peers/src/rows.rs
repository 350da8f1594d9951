//! What is measured: the rows of the table.

use crate::work::Law;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Every event schedules itself again.
    Hold(Law),
    /// 1024 processes with 16 messages each.
    Phold,
    /// Arrival rate 0.8, service rate 1.
    Mm1,
    /// Hold, and every event moves another pending event too.
    Cancel,
}

#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub work: Work,
    /// Events pending; for M/M/1 what it takes.
    pub pending: u32,
    /// Events to measure.
    pub events: u64,
}

impl Row {
    /// Events before the measurement begins, to the steady state.
    pub fn warm_up(&self) -> u64 {
        (2 * u64::from(self.pending)).clamp(20_000, 1_000_000)
    }

    /// Events per second of simulated time.
    pub fn per_second(&self) -> f64 {
        let mean = if let Work::Hold(law) = self.work { law.mean() } else { 1e9 };
        f64::from(self.pending) / mean * 1e9
    }
}

pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    let names = [
        (Law::Exponential, ["hold exp 100", "hold exp 10k", "hold exp 1M"]),
        (Law::Bimodal, ["hold bimodal 100", "hold bimodal 10k", "hold bimodal 1M"]),
        (Law::Tied, ["hold tied 100", "hold tied 10k", "hold tied 1M"]),
        (Law::Mixed, ["hold mixed 100", "hold mixed 10k", "hold mixed 1M"]),
    ];
    for (law, names) in names {
        for (name, pending) in names.into_iter().zip([100, 10_000, 1_000_000]) {
            rows.push(Row { name, work: Work::Hold(law), pending, events: 1_000_000 });
        }
    }
    let pending = crate::work::PROCESSES * crate::work::MESSAGES_EACH;
    rows.push(Row { name: "phold", work: Work::Phold, pending, events: 1_000_000 });
    rows.push(Row { name: "mm1", work: Work::Mm1, pending: 2, events: 2_000_000 });
    rows.push(Row { name: "cancel 10k", work: Work::Cancel, pending: 10_000, events: 500_000 });
    rows
}
