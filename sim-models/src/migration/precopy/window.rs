//! The bandwidth a migration believes in: the mean of the last 100 ms.

use sim_core::{Rate, SimTime, Span};

/// How far back a migration looks (QEMU `BUFFER_DELAY`).
const LOOK_BACK: Span = Span::ms(100);

/// Mean rate over the last 100 ms of a rate that changes in steps. After a step the mean moves from what it
/// was to the rate in a straight line; steps that follow each other within the window are mixed, not kept.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    began: SimTime,
    changed: SimTime,
    before: f64,
    rate: Rate,
}

impl Window {
    /// Nothing sent yet.
    pub fn begin(now: SimTime) -> Window {
        Window { began: now, changed: now, before: 0.0, rate: Rate::ZERO }
    }

    /// The rate is another from now on.
    pub fn set(&mut self, now: SimTime, rate: Rate) {
        // Until a whole window has been seen there is no mean: the first rate is taken as it is.
        self.before = if now < self.began + LOOK_BACK { rate.as_f64() } else { self.mean(now) };
        self.changed = now;
        self.rate = rate;
    }

    /// The mean at `now`, not before the last change; zero during the first 100 ms.
    pub fn seen(&self, now: SimTime) -> Rate {
        if now < self.began + LOOK_BACK {
            return Rate::ZERO;
        }
        Rate::from_f64(self.mean(now))
    }

    /// When there is a mean at all.
    pub fn first_mean(&self) -> SimTime {
        self.began + LOOK_BACK
    }

    fn mean(&self, now: SimTime) -> f64 {
        let part = (now.since(self.changed).as_secs() / LOOK_BACK.as_secs()).min(1.0);
        self.before + (self.rate.as_f64() - self.before) * part
    }

    /// When the pending bytes, now `pending` and sent at the present rate with `per_wire` pending bytes per
    /// byte on the wire, are first within `limit` of the mean; `None` if nothing moves.
    pub fn meets(&self, now: SimTime, pending: f64, per_wire: f64, limit: Span) -> Option<SimTime> {
        let first = now.max(self.began + LOOK_BACK);
        let fall = self.rate.as_f64() * per_wire;
        let gap = |t: SimTime| pending - fall * t.since(now).as_secs() - self.mean(t) * limit.as_secs();
        if gap(first) <= 0.0 {
            return Some(first);
        }
        // On [first, settled] both sides are straight lines, and from `settled` on the mean is the rate.
        let settled = first.max(self.changed + LOOK_BACK);
        let (high, low) = (gap(first), gap(settled));
        if low <= 0.0 {
            let share = high / (high - low);
            return Some(first + settled.since(first).scale(share));
        }
        (fall > 0.0).then(|| settled + Span::from_secs_f64(low / fall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> SimTime {
        SimTime(n * 1_000_000)
    }

    /// 1000 B/s, halved at 1 s: 50 ms later the mean is 750, after 100 ms it is 500.
    #[test]
    fn the_mean_follows_a_step_within_its_window() {
        let mut w = Window::begin(ms(0));
        w.set(ms(0), Rate(1000));
        assert_eq!((w.seen(ms(99)), w.seen(ms(100))), (Rate(0), Rate(1000)));
        w.set(ms(1000), Rate(500));
        assert_eq!([1000, 1050, 1100, 5000].map(|t| w.seen(ms(t)).0), [1000, 750, 500, 500]);
    }

    /// At 1000 B/s with a limit of 0.3 s, 1300 B meet the threshold of 300 B after 1 s. When the rate halves
    /// at 0.5 s (800 B left), the mean is 500 B/s from 0.6 s on: 150 B are left after 650 / 500 = 1.3 s more.
    #[test]
    fn the_threshold_is_met_where_the_lines_cross() {
        let mut w = Window::begin(ms(0));
        w.set(ms(0), Rate(1000));
        assert_eq!(w.meets(ms(0), 1300.0, 1.0, Span::ms(300)), Some(ms(1000)));
        w.set(ms(500), Rate(500));
        assert_eq!(w.meets(ms(500), 800.0, 1.0, Span::ms(300)), Some(ms(1800)));
        // 290 B left when it halves: below 300 at once. 320 B: the threshold falls by 1500 B/s (150 B in
        // 100 ms) faster than the bytes (500 B/s), so it is met only at 150 B, 340 ms later.
        assert_eq!(w.meets(ms(500), 290.0, 1.0, Span::ms(300)), Some(ms(500)));
        assert_eq!(w.meets(ms(500), 320.0, 1.0, Span::ms(300)), Some(ms(840)));
    }

    #[test]
    fn a_stalled_sender_never_meets_it() {
        let mut w = Window::begin(ms(0));
        w.set(ms(0), Rate(1000));
        w.set(ms(500), Rate::ZERO);
        assert_eq!(w.meets(ms(500), 1e6, 1.0, Span::ms(300)), None);
    }
}
