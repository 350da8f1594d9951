//! When single requests are simulated: slices that each run draws for itself, and windows around events.
//!
//! A stratum of length L is cut into L / l cells and one of them is drawn: every instant is seen with the
//! same probability l / L, so a sample inside it stands for L / l times its own time (an integer).

use super::Event;
use crate::event::{self, Cx};
use crate::scenario;
use sim_core::queue::Handle;
use sim_core::{SimTime, Span, Streams};

/// How long a window waits for a backlog before it looks again: a step of the method.
const LINGER: Span = Span::ms(100);

/// A request that has waited inside a guest since then is part of a stall. A busy disk always has some that
/// have just come: a window that waited for none at all would never close.
fn is_stall(waiting_since: Option<SimTime>, now: SimTime) -> bool {
    waiting_since.is_some_and(|since| now >= since + LINGER)
}

/// Open, planned and drawn windows of one act.
#[derive(Clone, Debug)]
pub struct Windows {
    design: scenario::Windows,
    length: Span,
    /// Starts of the drawn slices, ascending.
    slices: Vec<SimTime>,
    /// Pending edges of each slice, once scheduled.
    edges: Vec<[Handle; 3]>,
    /// Windows around events, as (recorded from, until); few, in no order.
    full: Vec<(SimTime, SimTime)>,
    open: bool,
    /// A window is kept open for a backlog: when it was to close, and when it is looked at again.
    overdue: Option<(SimTime, SimTime)>,
}

impl Windows {
    /// The slices of a run.
    pub fn build(design: scenario::Windows, length: Span, streams: &Streams) -> Windows {
        Windows {
            design,
            length,
            slices: draw(&design, length, streams).collect(),
            edges: Vec::new(),
            full: Vec::new(),
            open: false,
            overdue: None,
        }
    }

    /// Schedules every edge of the drawn slices.
    pub fn schedule(&mut self, cx: &mut Cx<'_>) {
        if self.design.everything {
            self.plan(cx.now + self.design.warm_in, cx.now + self.length, cx);
        }
        self.edges = self.slices.iter().map(|&start| edges(&self.design, start, cx)).collect();
    }

    /// Takes the slices of another run, but for strata that have begun, or whose first slice is warming in.
    pub fn redraw(&mut self, streams: &Streams, cx: &mut Cx<'_>) {
        for (i, start) in draw(&self.design, self.length, streams).enumerate() {
            let stratum = SimTime(i as u64 * self.design.stratum.0);
            if stratum < cx.now + self.design.warm_in || self.slices[i] == start {
                continue;
            }
            self.edges[i].into_iter().for_each(|edge| cx.cancel(edge));
            self.slices[i] = start;
            self.edges[i] = edges(&self.design, start, cx);
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
        // One that is planned for later does not cover what happens now.
        if !self.full.iter().any(|w| w.0 <= cx.now && w.1 >= until) {
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
            let late = self.open && is_stall(oldest, now) && oldest.is_some_and(|at| at < end);
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

/// One slice in each stratum.
fn draw(
    design: &scenario::Windows,
    length: Span,
    streams: &Streams,
) -> impl Iterator<Item = SimTime> + use<> {
    let mut luck = streams.stream("windows", "slices");
    let (stratum, slice) = (design.stratum.0, design.slice.0);
    let strata = if design.everything { 0 } else { length.0.div_ceil(stratum) };
    (0..strata).map(move |i| SimTime(i * stratum + luck.below((stratum / slice).max(1)) * slice))
}

/// Schedules the edges of a slice.
fn edges(design: &scenario::Windows, start: SimTime, cx: &mut Cx<'_>) -> [Handle; 3] {
    [start - design.warm_in, start, start + design.slice]
        .map(|edge| cx.at(edge, event::Event::Vm(Event::WindowEdge)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use sim_core::Seed;
    use sim_core::queue::Queue;

    /// A fault at 100 s is noticed at 105 s and looked at until then; another one is planned for 280 s. What
    /// happens now is seen although a window that ends later is known.
    #[test]
    fn a_window_planned_for_later_does_not_hide_what_happens_now() {
        let s = |secs: u64| SimTime(secs * 1_000_000_000);
        let design = scenario::Windows {
            stratum: Span::mins(5),
            slice: Span::ms(1),
            warm_in: Span::ms(20),
            before_fault: Span::ms(500),
            after_detection: Span::secs(2),
            around: Span::ms(30),
            everything: false,
        };
        let mut windows = Windows::build(design, Span::mins(5), &Streams::new(Seed(1), 0));
        windows.slices.clear();
        let (mut queue, mut record) = (Queue::default(), Record::default());
        let start = &mut Cx::new(s(0), &mut queue, &mut record);
        windows.plan(s(100) - Span::ms(500), s(100) + Span::ns(1), start);
        windows.plan(s(280) - Span::ms(500), s(280) + Span::ns(1), start);
        let strike = &mut Cx::new(s(100), &mut queue, &mut record);
        windows.update(None, strike);
        windows.open(s(105), strike);
        assert_eq!([s(101), s(104), s(105), s(200)].map(|t| windows.weight(t)), [1, 1, 0, 0]);
    }

    #[test]
    fn a_moment_in_a_queue_is_no_stall() {
        let ms = |n: u64| SimTime(n * 1_000_000);
        assert!(!is_stall(None, ms(500)));
        assert!(!is_stall(Some(ms(499)), ms(500)));
        assert!(is_stall(Some(ms(400)), ms(500)));
    }
}
