//! Pages of equal heat, and how many different ones of them are written in some time.

use crate::scenario::Dirtying;
use sim_core::mutant::Mutant;

/// Write rates of the power law's groups, as powers of four per page and second. A factor of four between
/// neighbours leaves a ripple of 1e-4; what counts is the range: slower pages than these are missed by 4 % in
/// a round of a minute (share `(t l)^(1-b)`), hotter ones by 1 % in 50 ms.
const HEATS: std::ops::RangeInclusive<i32> = -10..=5;

/// How the pages of a class are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// Each write goes to any page of the class.
    Random,
    /// One page after the other, over and over.
    Sweep,
}

/// Pages of equal heat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// How the next page is chosen.
    order: Order,
    /// Pages.
    pub(super) pages: f64,
    /// Writes per second and page.
    pub(super) heat: f64,
    /// Pages of it that are to be sent.
    pub(super) pending: f64,
    /// As many as were right after the last sync.
    pub(super) at_sync: f64,
}

impl Class {
    fn of(order: Order, pages: f64, heat: f64) -> Class {
        Class { order, pages, heat, pending: 0.0, at_sync: 0.0 }
    }

    /// Written in address order, over and over.
    pub(super) fn swept(pages: f64, heat: f64) -> Class {
        Class::of(Order::Sweep, pages, heat)
    }

    /// Share of pages written at least once when each gets `writes` of them, all of their time counted.
    fn written(&self, writes: f64) -> f64 {
        if Mutant::LinearDirtying.lives() {
            return writes.min(1.0);
        }
        match self.order {
            Order::Sweep => writes.min(1.0),
            Order::Random => -libm::expm1(-writes),
        }
    }

    /// The same when the clock of the *j*-th of `chunks` equal parts started after `1 - j / chunks` of that time:
    /// the mean over them all.
    fn written_lazily(&self, writes: f64, chunks: u32) -> f64 {
        if chunks == 1 {
            return self.written(writes);
        }
        let parts = f64::from(chunks);
        match self.order {
            Order::Sweep => {
                // The mean of min(writes j / parts, 1).
                let rising = (parts / writes).floor().min(parts);
                (writes / parts * rising * (rising + 1.0) / 2.0 + parts - rising) / parts
            }
            Order::Random => {
                // The mean of 1 - q^j, q = exp(-writes / parts).
                let (q, lost) = (libm::exp(-writes / parts), -libm::expm1(-writes / parts));
                if lost == 0.0 {
                    return 0.0;
                }
                1.0 - q * -libm::expm1(-writes) / (parts * lost)
            }
        }
    }

    /// Pages that are to be sent again after `work` seconds of writing since the last sync.
    pub(super) fn found(&self, work: f64, chunks: u32) -> f64 {
        let writes = self.heat * work;
        let (sent, clean) = ((self.at_sync - self.pending).max(0.0), self.pages - self.at_sync);
        match self.order {
            Order::Random => sent * self.written_lazily(writes, chunks) + clean * self.written(writes),
            Order::Sweep => {
                // What was written before the sync comes last.
                let swept = self.pages * self.written(writes);
                let fresh = swept.min(clean);
                if sent == 0.0 {
                    return fresh;
                }
                let again = if writes < 1.0 { ((swept - fresh) / sent).min(1.0) } else { writes };
                fresh + sent * self.written_lazily(again, chunks)
            }
        }
    }
}

/// The classes of a law, hottest first.
pub(super) fn classes_of(dirtying: &Dirtying) -> Vec<Class> {
    let random = |pages: f64, heat: f64| Class::of(Order::Random, pages, heat);
    match dirtying {
        Dirtying::None => Vec::new(),
        Dirtying::Classes(given) => {
            let mut classes: Vec<Class> = given
                .iter()
                .filter(|c| c.pages > 0)
                .map(|c| random(c.pages as f64, c.writes_per_s / c.pages as f64))
                .collect();
            classes.sort_by(|a, b| b.heat.total_cmp(&a.heat));
            classes
        }
        Dirtying::PowerLaw { a, b } => power_law(*a, *b),
        Dirtying::Sweep { pages, rate } => {
            let n = *pages as f64;
            vec![Class::swept(n, if n > 0.0 { rate / n } else { 0.0 })]
        }
    }
}

/// Groups of per-page heat `l = 4^5 .. 4^-10` with `n = c l^-b` pages each, `c` such that one second dirties
/// `a` pages: then about `a t^b` unique pages are dirtied in `t` seconds.
fn power_law(a: f64, b: f64) -> Vec<Class> {
    let heats = || HEATS.rev().map(|e| libm::exp2(f64::from(2 * e)));
    let after_one_second: f64 = heats().map(|l| libm::pow(l, -b) * -libm::expm1(-l)).sum();
    let c = a / after_one_second;
    heats().map(|heat| Class::of(Order::Random, c * libm::pow(heat, -b), heat)).collect()
}
