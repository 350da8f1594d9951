//! When single requests are simulated: slices that each run draws for itself, and windows around events.
//!
//! A stratum of length L is cut into L / l cells and one of them is drawn: every instant is seen with the
//! same probability l / L, so a sample inside it stands for L / l times its own time (an integer).

use super::Event;
use crate::event::{self, Cx};
use crate::scenario;
use sim_core::{SimTime, Span, Streams};

/// Open, planned and drawn windows of one act.
#[derive(Clone, Debug)]
pub struct Windows {
    design: scenario::Windows,
    length: Span,
    /// Starts of the drawn slices, ascending.
    slices: Vec<SimTime>,
    /// Windows around events, as (recorded from, until); few, in no order.
    full: Vec<(SimTime, SimTime)>,
    open: bool,
    /// A window is kept open for a backlog: when it was to close, and when it is looked at again.
    overdue: Option<(SimTime, SimTime)>,
}

impl Windows {
    /// The slices of a run.
    pub fn build(design: scenario::Windows, length: Span, streams: &Streams) -> Windows {
        let mut luck = streams.stream("windows", "slices");
        let cells = (design.stratum.0 / design.slice.0).max(1);
        let strata = if design.everything { 0 } else { length.0.div_ceil(design.stratum.0) };
        let slices = (0..strata).map(|i| SimTime(i * design.stratum.0 + luck.below(cells) * design.slice.0));
        Windows { design, length, slices: slices.collect(), full: Vec::new(), open: false, overdue: None }
    }

    /// Schedules every edge of the drawn slices.
    pub fn schedule(&mut self, cx: &mut Cx<'_>) {
        if self.design.everything {
            self.plan(cx.now + self.design.warm_in, cx.now + self.length, cx);
        }
        for &start in &self.slices {
            for edge in [start - self.design.warm_in, start, start + self.design.slice] {
                cx.at(edge, event::Event::Vm(Event::WindowEdge));
            }
        }
    }

    /// A window around something that will happen: recorded from `from` on, after a warm-in.
    pub fn plan(&mut self, from: SimTime, until: SimTime, cx: &mut Cx<'_>) {
        self.full.push((from, until));
        for edge in [from - self.design.warm_in, from, until] {
            cx.at(edge.max(cx.now), event::Event::Vm(Event::WindowEdge));
        }
    }

    /// A window around something that happens now: recorded at once if requests are being simulated,
    /// after a warm-in if not.
    pub fn open(&mut self, until: SimTime, cx: &mut Cx<'_>) {
        let from = if self.open { cx.now } else { cx.now + self.design.warm_in };
        if self.weight(cx.now) != 1 || !self.full.iter().any(|w| w.1 >= until) {
            self.full.push((from, until));
            for edge in [from, until] {
                cx.at(edge.max(cx.now), event::Event::Vm(Event::WindowEdge));
            }
        }
    }

    /// Requests are being simulated.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Opens or closes as this instant demands. `oldest` is the earliest intended arrival in any backlog that
    /// a window is kept open for: only what arrived before the window was to close is waited for, since a
    /// client that is always late would hold it open for ever.
    pub fn update(&mut self, oldest: Option<SimTime>, cx: &mut Cx<'_>) {
        /// How long a window waits for a backlog before it looks again.
        const LINGER: Span = Span::ms(100);
        let now = cx.now;
        self.full.retain(|w| w.1 > now);
        let warm = self.design.warm_in;
        let full = self.full.iter().any(|w| now >= w.0 - warm);
        let slice = self.slices.iter().any(|&s| now >= s - warm && now < s + self.design.slice);
        let end = self.overdue.map_or(now, |(end, _)| end);
        if full || slice {
            self.open = true;
            self.overdue = None;
        } else if self.overdue.is_none_or(|(_, look)| now >= look) {
            // The backlog belongs to the window it arose in; what arrives meanwhile is recorded with it.
            let late = self.open && oldest.is_some_and(|at| at < end);
            self.open = late;
            self.overdue = late.then_some((end, now + LINGER));
            if late {
                cx.after(LINGER, event::Event::Vm(Event::WindowEdge));
            }
        }
        cx.record.set_seen(now, self.weight(now) > 0);
    }

    /// What a request that arrives now stands for: 1 around events, the inverse of the seen share in a
    /// slice, 0 while warming in.
    pub fn weight(&self, now: SimTime) -> u32 {
        if self.overdue.is_some() || self.full.iter().any(|w| now >= w.0 && now < w.1) {
            return 1;
        }
        let in_slice = self.slices.iter().any(|&s| now >= s && now < s + self.design.slice);
        if in_slice { (self.design.stratum.0 / self.design.slice.0).max(1) as u32 } else { 0 }
    }
}
