//! What a cluster's data went through in one run: how long at one copy, how much unreadable, how much lost.

use super::groups::Groups;
use crate::event::Cx;
use crate::ids::Side;
use crate::metric::Metric;
use sim_core::{Bytes, SimTime, Span};

/// Facts about the data of one cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    first_loss: Option<SimTime>,
    single_since: Option<SimTime>,
    exposed: Span,
}

impl Ledger {
    /// The groups have just changed.
    pub fn update(&mut self, groups: &Groups, side: Side, cx: &mut Cx<'_>) {
        if groups.data() == Bytes::ZERO {
            return;
        }
        let single = groups.copies() > 1 && groups.fewest_live() <= 1;
        match self.single_since {
            None if single => self.single_since = Some(cx.now),
            Some(since) if !single => {
                self.exposed += cx.now.since(since);
                self.single_since = None;
            }
            _ => {}
        }
        if groups.fewest_live() == 0 {
            cx.record.per_run_max(Metric::UnavailableBytes, side, groups.unreadable().0);
            cx.record.per_run_max(Metric::LostBytes, side, groups.lost().0);
        }
        match self.first_loss {
            None if !groups.whole() => self.first_loss = Some(cx.now),
            Some(since) if groups.whole() => {
                cx.record.per_run_max(Metric::RebuildTime, side, cx.now.since(since).0);
                self.first_loss = None;
            }
            _ => {}
        }
    }

    /// The run is over. A loss that is not made good counts up to now.
    pub fn close(&mut self, side: Side, cx: &mut Cx<'_>) {
        let open = |since: Option<SimTime>| since.map_or(Span::ZERO, |s| cx.now.since(s));
        let (rebuilding, exposed) = (open(self.first_loss), self.exposed + open(self.single_since));
        cx.record.per_run_max(Metric::RebuildTime, side, rebuilding.0);
        cx.record.per_run_max(Metric::Exposure, side, exposed.0);
        cx.record.per_run_max(Metric::UnavailableBytes, side, 0);
        cx.record.per_run_max(Metric::LostBytes, side, 0);
    }
}
