//! How much work a run will be, said before it starts.
//!
//! Requests in windows times events per request, plus the little that the world outside the windows costs.
//! An estimate from above, good to a factor of about two.

use super::{Cluster, DiskClient, Fault, Scenario, StorageDesign, When};
use crate::ids::Side;
use crate::metric::SAMPLE;
use sim_core::Span;

/// Work of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Guest requests simulated one by one.
    pub requests: f64,
    /// Events in all.
    pub events: f64,
}

/// Seconds in which a closed client is taken to complete a request with each of its slots: no controller
/// path is much faster (assumed).
const CLOSED_SERVICE_S: f64 = 0.5e-3;
/// Events of one move: some tens (assumed; what requests cost matters far more).
const EVENTS_PER_MOVE: f64 = 50.0;

impl Scenario {
    /// Guest requests per second of all VMs together.
    pub fn requests_per_s(&self) -> f64 {
        let of = |d: &DiskClient| {
            f64::from(d.count)
                * if d.rate_limited {
                    d.reads_per_s + d.writes_per_s
                } else {
                    f64::from(d.iodepth) / CLOSED_SERVICE_S
                }
        };
        self.groups.iter().map(|g| f64::from(g.count) * g.disks.iter().map(of).sum::<f64>()).sum()
    }

    /// What one run will cost.
    pub fn estimate(&self) -> Estimate {
        let rate = self.requests_per_s();
        let t = &self.timeline;
        let before = self.act(Side::Source, t.before, &[]) * rate;
        let after = self.act(Side::Target, t.after, &[]) * rate;
        let duress = self.act(Side::Target, t.duress, &self.faults) * rate;
        let micro = before * events_per_request(self.source.as_ref().unwrap_or(&self.target))
            + (after + duress) * events_per_request(&self.target);
        let seconds = t.before.as_secs() + t.after.as_secs() + t.duress.as_secs();
        let hosts =
            Side::BOTH.iter().filter_map(|&s| self.cluster(s)).map(|c| f64::from(c.hosts)).sum::<f64>();
        // Every host and VM is looked at once a sample.
        let samples = seconds / SAMPLE.as_secs() * (f64::from(self.vm_count()) + hosts);
        let macro_events = samples + self.moves() * EVENTS_PER_MOVE;
        Estimate { requests: before + after + duress, events: micro + macro_events }
    }

    /// Seconds of an act that lie in windows.
    fn act(&self, side: Side, length: Span, faults: &[Fault]) -> f64 {
        let w = &self.windows;
        let length = length.as_secs();
        if w.everything {
            return length;
        }
        let slices = length / w.stratum.as_secs().max(1e-9) * (w.slice + w.warm_in).as_secs();
        let cluster = self.cluster(side);
        let live = cluster.map_or(0.0, |c| c.live_migrations_per_hour) * length / 3600.0;
        let moves =
            if length > 0.0 && length == self.timeline.duress.as_secs() { self.wave_vms() } else { 0.0 };
        let strikes = faults.iter().filter(|f| !matches!(f.when, When::Never | When::FromTheStart)).count();
        let detection = cluster.map_or(0.0, |c| c.profile.storage.detection.quantile(0.99));
        let at_fault = (w.warm_in + w.before_fault + w.after_detection).as_secs() + detection;
        let each = if w.around > Span::ZERO { (w.around + w.warm_in).as_secs() } else { 0.0 };
        let around = (live + moves + strikes as f64) * each;
        (slices + around + strikes as f64 * at_fault).min(length)
    }

    fn wave_vms(&self) -> f64 {
        self.wave.as_ref().map_or(0.0, |w| w.vms_per_group.iter().map(|&n| f64::from(n)).sum())
    }

    fn moves(&self) -> f64 {
        let t = &self.timeline;
        let per_s = |side| self.cluster(side).map_or(0.0, |c| c.live_migrations_per_hour) / 3600.0;
        self.wave_vms()
            + per_s(Side::Source) * t.before.as_secs()
            + per_s(Side::Target) * (t.after.as_secs() + t.duress.as_secs())
    }
}

/// Arrival, completion, and per copy a dispatch, a device and a message: 8 to 9 at two copies, about 12 at
/// three (a prototype counted 8.6 and 11.5).
fn events_per_request(cluster: &Cluster) -> f64 {
    match &cluster.storage {
        StorageDesign::San(_) => 7.0,
        StorageDesign::Replicated(r) => 3.0 + 3.0 * f64::from(r.copies),
    }
}
