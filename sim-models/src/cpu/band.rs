//! Balance of a Markov chain whose states reach only their neighbours in a list.
//!
//! States are eliminated one after the other, from the last to the second, and their flow is handed to
//! those left (Grassmann, Taksar, Heyman 1985). Nothing is ever subtracted: every probability is right to
//! a few units in the last place, however small it is. `N b^2` operations for N states and a band of b.

/// Rates of a chain whose transitions reach at most `band` states up or down the list.
#[derive(Clone, Debug)]
pub struct Banded {
    band: usize,
    states: usize,
    /// Row by row: from each state to those from `band` below it to `band` above it.
    rates: Vec<f64>,
}

impl Banded {
    /// No transitions yet.
    pub fn new(states: usize, band: usize) -> Banded {
        Banded { band, states, rates: vec![0.0; states * (2 * band + 1)] }
    }

    /// Adds a transition.
    pub fn add(&mut self, from: usize, to: usize, rate: f64) {
        let at = self.at(from, to);
        self.rates[at] += rate;
    }

    /// Probability of each state in the long run. Every state must be able to reach one before it.
    pub fn balance(mut self) -> Vec<f64> {
        let mut outs = vec![1.0; self.states];
        for gone in (1..self.states).rev() {
            outs[gone] = self.eliminate(gone);
        }
        let mut p = vec![1.0; self.states];
        for state in 1..self.states {
            let from = state.saturating_sub(self.band);
            let inflow: f64 = (from..state).map(|i| p[i] * self.rates[self.at(i, state)]).sum();
            p[state] = inflow / outs[state];
            if p[state] > 1e200 {
                p[..=state].iter_mut().for_each(|x| *x *= 1e-200);
            }
        }
        let total: f64 = p.iter().sum();
        p.iter_mut().for_each(|x| *x /= total);
        p
    }

    fn at(&self, from: usize, to: usize) -> usize {
        from * (2 * self.band + 1) + to + self.band - from
    }

    /// Hands what flows through a state to the states before it; the answer is what flowed there.
    fn eliminate(&mut self, gone: usize) -> f64 {
        let first = gone.saturating_sub(self.band);
        let (row, width) = (self.at(gone, first), gone - first);
        let (before, its) = self.rates.split_at_mut(row);
        let its = &its[..width];
        let out: f64 = its.iter().sum();
        assert!(out > 0.0, "a state that is never left");
        for from in first..gone {
            let start = from * (2 * self.band + 1) + self.band - from;
            let through = before[start + gone] / out;
            if through > 0.0 {
                let to = &mut before[start + first..][..width];
                to.iter_mut().zip(its).for_each(|(to, rate)| *to += through * rate);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M/M/1 with room for four, load 1/2: probabilities 16 : 8 : 4 : 2 : 1 of 31.
    #[test]
    fn a_birth_death_chain() {
        let mut chain = Banded::new(5, 1);
        for n in 0..4 {
            chain.add(n, n + 1, 1.0);
            chain.add(n + 1, n, 2.0);
        }
        for (p, want) in chain.balance().iter().zip([16.0, 8.0, 4.0, 2.0, 1.0]) {
            assert!((p * 31.0 - want).abs() < 1e-13, "{p}");
        }
    }

    /// A ring of four that turns one way, with sojourns 1, 2, 3 and 4: time shares in those proportions.
    /// A ring is no birth-death chain and has no detailed balance.
    #[test]
    fn a_ring() {
        let mut chain = Banded::new(4, 3);
        for n in 0..4 {
            chain.add(n, (n + 1) % 4, 1.0 / (n + 1) as f64);
        }
        for (n, p) in chain.balance().iter().enumerate() {
            assert!((p - 0.1 * (n + 1) as f64).abs() < 1e-15, "{n}: {p}");
        }
    }
}
