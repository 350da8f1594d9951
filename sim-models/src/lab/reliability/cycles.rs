//! The probability that a cycle ends in loss, however small.
//!
//! ```text
//! failed:  1          2     1              2   3: lost
//! time     |----------|-----|--------------|---|
//!          first      forced: before all is up again, however short that is
//! ```
//!
//! A cycle begins as a unit of a system that is all up fails, and ends when all are up again or what is needed is
//! lost. Repairs are drawn as they are asked for, so it is known when all would be up if nothing else failed, and by
//! lives without memory how likely something does fail before: 1 - exp(-h), h being the number up over time until
//! then, over the mean life. Mostly the next failure is drawn given that it does, half of the time even given that it
//! comes before the next repair is done, and the cycle counts by how likely that truly is (a change of measure;
//! "failure biasing" with "forcing": Lewis and Boehm, Nuclear Engineering and Design 77, 1984; Shahabuddin,
//! Management Science 40, 1994). Every such factor is at most 1, whatever the law of repairs: weights are bounded,
//! and their spread is what runs show.
//!
//! Rare long repairs may carry most of the losses. The first repairs of a cycle are therefore drawn from their tail
//! more often, which counts at most twice, and the first of all evenly over the cycles of a run.

use super::needs::Needs;
use super::system::{PATIENCE, Plan, seconds, span};
use sim_core::station::{Arrival, Departure, Priority, Station};
use sim_core::{Dist, SimTime, Span, Stream, Streams};

/// Share of failures that are drawn as they come.
const NATURAL: f64 = 0.1;
/// Repairs of a cycle that are drawn from the tail more often.
const TAILED: u32 = 4;
/// The rarest repair of those: what a quantile still tells from 1.
const RAREST: f64 = 1e-15;

/// The probability that a cycle ends in loss, from `cycles` of them.
pub(super) fn loss_per_cycle(plan: &Plan, cycles: u32, name: &str, streams: &Streams) -> Result<f64, String> {
    let mut system = Forced::new(plan, name, streams);
    let mut sum = 0.0;
    for cycle in 0..cycles {
        let stratum = (f64::from(cycle), f64::from(cycles));
        sum += system.play(plan, stratum);
        if system.failures > PATIENCE {
            return Err(format!("not done after {PATIENCE} failures: write fewer cycles"));
        }
    }
    if sum == 0.0 {
        return Err(format!(
            "none of {cycles} cycles ended in loss, however forced: write more cycles, and see that repairs take time"
        ));
    }
    Ok(sum / f64::from(cycles))
}

/// A system in a cycle; times begin with the cycle.
#[derive(Clone, Debug)]
struct Forced {
    needs: Needs,
    crews: Station<u16>,
    /// Repairs under way.
    under_way: Vec<Departure<u16>>,
    failed: Vec<bool>,
    up: usize,
    now: SimTime,
    /// How likely the cycle so far truly is, over how likely it was made.
    weight: f64,
    /// Repairs of this cycle so far.
    drawn: u32,
    /// Failures of all cycles.
    failures: u64,
    luck: Stream,
    repairs: Stream,
}

/// A stretch of time in which nobody comes back.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: SimTime,
    to: SimTime,
    /// Failures per second.
    rate: f64,
    /// Failures expected before it.
    before: f64,
}

impl Stretch {
    fn through(&self) -> f64 {
        self.before + self.rate * seconds(self.to.since(self.from))
    }
}

impl Forced {
    fn new(plan: &Plan, name: &str, streams: &Streams) -> Forced {
        Forced {
            needs: plan.needs.clone(),
            crews: Station::new(plan.crews, 0),
            under_way: Vec::new(),
            failed: vec![false; usize::from(plan.units)],
            up: usize::from(plan.units),
            now: SimTime::ZERO,
            weight: 1.0,
            drawn: 0,
            failures: 0,
            luck: streams.stream(name, "failures"),
            repairs: streams.stream(name, "repairs"),
        }
    }

    /// Plays one cycle, which is number `stratum.0` of `stratum.1`: its weight if it ends in loss, and else 0.
    fn play(&mut self, plan: &Plan, stratum: (f64, f64)) -> f64 {
        self.refresh(plan);
        loop {
            if self.fail(plan, stratum) {
                return self.weight;
            }
            let Some(at) = self.next_failure(plan) else { return 0.0 };
            self.settle(at);
        }
    }

    fn refresh(&mut self, plan: &Plan) {
        for unit in 0..plan.units {
            if std::mem::replace(&mut self.failed[usize::from(unit)], false) {
                self.needs.set(unit, true);
            }
        }
        self.crews = Station::new(plan.crews, 0);
        self.under_way.clear();
        (self.up, self.now, self.weight, self.drawn) = (usize::from(plan.units), SimTime::ZERO, 1.0, 0);
    }

    /// One of the units that are up fails, each as likely as the next; true if that is a loss.
    fn fail(&mut self, plan: &Plan, stratum: (f64, f64)) -> bool {
        self.failures += 1;
        let which = ((self.luck.uniform() * self.up as f64) as usize).min(self.up - 1);
        let up = (0..plan.units).filter(|&u| !self.failed[usize::from(u)]).nth(which);
        let unit = up.expect("as many are up as are counted");
        self.failed[usize::from(unit)] = true;
        self.up -= 1;
        self.needs.set(unit, false);
        if self.needs.lost(self.up) {
            return true;
        }
        if let Some(law) = &plan.repair {
            let work = span(self.repair(law, stratum));
            if let Arrival::Started(d) = self.crews.arrive(self.now, unit, Priority::Foreground, work) {
                self.under_way.push(d);
            }
        }
        false
    }

    /// How long a repair takes, in seconds. The probability v of a longer one is drawn uniformly half of the time
    /// and as the square of a uniform the other half: with density 1/2 + 1/(4 sqrt(v)).
    fn repair(&mut self, law: &Dist, (cycle, cycles): (f64, f64)) -> f64 {
        self.drawn += 1;
        if self.drawn > TAILED {
            return law.sample(&mut self.repairs);
        }
        let u = self.repairs.uniform();
        let u = if self.drawn == 1 { (cycle + u) / cycles } else { u };
        let root = 2.0 * u - 1.0;
        let longer = if root < 0.0 { 2.0 * u } else { root * root };
        let longer = longer.clamp(RAREST, 1.0);
        self.weight /= 0.5 + 0.25 / longer.sqrt();
        law.quantile(1.0 - longer)
    }

    /// When the next unit fails; nothing if all are up again before.
    fn next_failure(&mut self, plan: &Plan) -> Option<SimTime> {
        let stretches = self.stretches(plan);
        let first = stretches.first()?.through();
        let whole = stretches.last()?.through();
        let (expected, weight) = force(&mut self.luck, first, whole);
        self.weight *= weight;
        let in_it = stretches.iter().find(|s| expected < s.through())?;
        let after = span((expected - in_it.before) / in_it.rate);
        // Rounding must not take it past the unit that comes back.
        Some((in_it.from + after).min(in_it.to - Span::ns(1)))
    }

    /// The time until all are up again if nothing else fails; without end where nothing is repaired.
    fn stretches(&self, plan: &Plan) -> Vec<Stretch> {
        let mut foretold = Vec::new();
        if plan.repair.is_none() {
            foretold.push(SimTime::NEVER);
        }
        let mut crews = self.crews.clone();
        let mut under_way = self.under_way.clone();
        while let Some((at, _)) = next_return(&mut crews, &mut under_way, SimTime::NEVER) {
            foretold.push(at);
        }
        let (mut from, mut before, mut up) = (self.now, 0.0, self.up);
        let stretch = |to: SimTime| {
            let s = Stretch { from, to, rate: up as f64 / plan.life.mean(), before };
            (from, before, up) = (to, s.through(), up + 1);
            s
        };
        foretold.into_iter().map(stretch).collect()
    }

    /// Who is repaired until `now` is up again.
    fn settle(&mut self, now: SimTime) {
        while let Some((_, unit)) = next_return(&mut self.crews, &mut self.under_way, now) {
            self.failed[usize::from(unit)] = false;
            self.up += 1;
            self.needs.set(unit, true);
        }
        self.now = now;
    }
}

/// The next unit to come back, if that is by `until`, and when.
fn next_return(
    crews: &mut Station<u16>,
    under_way: &mut Vec<Departure<u16>>,
    until: SimTime,
) -> Option<(SimTime, u16)> {
    let next = (0..under_way.len()).min_by_key(|&i| (under_way[i].at, under_way[i].job))?;
    if under_way[next].at > until {
        return None;
    }
    let done = under_way.swap_remove(next);
    let (unit, begun) = crews.depart(done.at, done.ticket).expect("a repair under way ends once");
    under_way.extend(begun);
    Some((done.at, unit))
}

/// The failures expected until the next one, which is Exp(1), and how likely that truly is over how likely it was
/// made: `first` are expected until the next repair is done and `whole` until all are.
///
/// A mixture of x < first, x < whole and any x. Its density over exp(-x) is
///
/// ```text
/// [x < first] a / P(x < first) + b / P(x < whole) + NATURAL,  a = (1 - P(x < whole)) (1 - NATURAL) / 2
/// ```
///
/// which is at least 1 for x < whole, as b = 1 - NATURAL - a >= P(x < whole) (1 - NATURAL).
fn force(luck: &mut Stream, first: f64, whole: f64) -> (f64, f64) {
    let below = |x: f64| -libm::expm1(-x);
    let (soon, all) = (below(first), below(whole));
    if all <= 0.0 {
        return (f64::INFINITY, 1.0);
    }
    let a = if soon > 0.0 { 0.5 * (1.0 - all) * (1.0 - NATURAL) } else { 0.0 };
    let b = 1.0 - NATURAL - a;
    let u = luck.uniform();
    let limit = if u < a {
        soon
    } else if u < a + b {
        all
    } else {
        1.0
    };
    let x = -libm::log1p(-limit * luck.uniform());
    let hastened = if x < first && a > 0.0 { a / soon } else { 0.0 };
    (x, 1.0 / (hastened + b / all + NATURAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::Seed;

    #[test]
    fn forcing_is_a_change_of_measure_with_bounded_weights() {
        // For X of Exp(1): P(X < first), P(X < whole) and E[X; X < whole] = 1 - (1 + whole) exp(-whole), in rare and
        // in common cases.
        let mut luck = Streams::new(Seed(3), 0).stream("x", "failures");
        for (first, whole) in
            [(1e-7, 3e-7), (1e-7, 1e-7), (0.01, 2.0), (0.4, 0.5), (0.0, 0.3), (1.0, f64::INFINITY)]
        {
            let n = 100_000;
            let mut sums = [[0.0; 2]; 3];
            for _ in 0..n {
                let (x, weight) = force(&mut luck, first, whole);
                if x >= whole {
                    continue;
                }
                assert!(weight <= 1.0 + 1e-12, "{weight}");
                let seen = [if x < first { weight } else { 0.0 }, weight, weight * x];
                for (sum, value) in sums.iter_mut().zip(seen) {
                    *sum = [sum[0] + value, sum[1] + value * value];
                }
            }
            let below = |x: f64| -libm::expm1(-x);
            let moment = match whole {
                rare if rare < 1e-3 => rare * rare / 2.0,
                f64::INFINITY => 1.0,
                _ => 1.0 - (1.0 + whole) * libm::exp(-whole),
            };
            for (what, [sum, squares], theory) in
                [("soon", sums[0], below(first)), ("all", sums[1], below(whole)), ("mean", sums[2], moment)]
            {
                let n = f64::from(n);
                let (got, error) = (sum / n, ((squares / n - sum / n * sum / n) / n).sqrt());
                assert!(error <= 0.02 * theory, "{what} {first} {whole}: {error}");
                assert!((got - theory).abs() <= 4.0 * error, "{what} {first} {whole}: {got}, {theory}");
            }
        }
    }
}
