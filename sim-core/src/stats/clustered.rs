//! Quantiles over many runs, whose samples are alike within a run.
//!
//! A pooled binomial interval takes a million I/Os of 30 runs for a million facts. Here the run is the unit:
//! with ex_r of the n_r samples of run r above the pooled quantile and p = sum ex / sum n,
//!
//! ```text
//! d_r = ex_r - p n_r      Var = R / (R - 1) * sum d_r^2 / (sum n)^2      t on R - 1 degrees of freedom
//! ```
//!
//! is the ratio estimator's variance under cluster sampling (Cochran, Sampling Techniques, 3rd ed., 6.3 and
//! 9A), and the interval is where the pooled distribution function takes the values q -+ t sqrt(Var)
//! (Woodruff, "Confidence intervals for medians and other position measures", 1952). sum d_r^2 needs only
//! sum ex^2, sum ex n and sum n^2, kept as integers per cell: any number of runs in constant memory, and the
//! same bytes in any order.

use super::{Interval, WhyNot, binomial_interval, one_side};
use crate::hist::{Bounds, Histogram, Pages, Quantile, cell_of};
use crate::special::student_quantile;
use serde::{Deserialize, Serialize};

/// Clusters that an interval needs: below, neither t nor the variance can be trusted for a tail.
const MIN_CLUSTERS: u64 = 30;

/// Clusters of equal weight that those at hand must be worth (Kish, (sum n)^2 / sum n^2): where a few hold nearly
/// all weight, the others say nothing about how much these vary.
const MIN_WORTH: f64 = 10.0;

/// What is known about one quantile of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileInterval {
    /// The pooled quantile.
    pub estimate: Quantile,
    /// The lower end; 0 where the samples do not bound it.
    pub low: Quantile,
    /// The upper end; beyond the largest sample where the samples do not bound it.
    pub high: Quantile,
    /// The confidence level, such as 0.95.
    pub level: f64,
    /// The standard error of the share of samples above the estimate.
    pub standard_error: f64,
    /// The design effect: how many times larger the variance is than that of as many independent samples.
    pub deff: f64,
    /// How many independent samples beyond the quantile the batch is worth; an interval for the tail deserves
    /// trust from about 30 on.
    pub effective_exceedances: f64,
    /// Clusters that hold samples.
    pub clusters: u64,
}

/// What is kept of all clusters for one cell: how far the sums fall from the cell below to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Drop {
    squares: u128,
    products: u128,
}

/// The sums over clusters for one threshold: of ex, ex^2 and ex n.
struct Above {
    ex: u64,
    squares: u128,
    products: u128,
}

/// Folds one histogram per cluster. A cluster is one run, or all runs that share a past, merged before.
///
/// A cluster without samples is counted in [`clusters`](Self::clusters) and has no other effect: it says
/// nothing about where the quantile lies, so the R of the formula is the number of clusters *with* samples.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileAccumulator {
    pooled: Histogram,
    clusters: u64,
    filled: u64,
    /// Sum of n^2.
    squares: u128,
    /// Per cell.
    drops: Pages<Drop>,
}

impl QuantileAccumulator {
    /// An accumulator of histograms with these bounds.
    pub const fn new(bounds: Bounds) -> QuantileAccumulator {
        let pooled = Histogram::new(bounds);
        QuantileAccumulator { pooled, clusters: 0, filled: 0, squares: 0, drops: Pages::new() }
    }

    /// Folds one cluster in; the order does not matter.
    ///
    /// # Panics
    /// If the bounds differ.
    pub fn add(&mut self, cluster: &Histogram) {
        self.clusters += 1;
        self.pooled.merge(cluster);
        if cluster.is_empty() {
            return;
        }
        self.filled += 1;
        let n = u128::from(cluster.count());
        self.squares += n * n;
        let cells = self.pooled.bounds().cells();
        let mut ex = n;
        for cell in cluster.cells() {
            let here = u128::from(cell.count);
            let drop = self.drops.at(cell.index, cells);
            drop.squares += here * (2 * ex - here); // ex^2 - (ex - here)^2
            drop.products += here * n;
            ex -= here;
        }
    }

    /// Adds what another accumulator holds, of other runs of the same batch.
    ///
    /// # Panics
    /// If the bounds differ.
    pub fn merge(&mut self, other: &QuantileAccumulator) {
        self.pooled.merge(&other.pooled);
        self.clusters += other.clusters;
        self.filled += other.filled;
        self.squares += other.squares;
        self.drops.add(&other.drops, |mine, theirs| {
            mine.squares += theirs.squares;
            mine.products += theirs.products;
        });
    }

    /// All samples of all clusters.
    pub const fn pooled(&self) -> &Histogram {
        &self.pooled
    }

    /// Clusters folded, with or without samples.
    pub const fn clusters(&self) -> u64 {
        self.clusters
    }

    /// Clusters that hold samples.
    pub const fn clusters_with_samples(&self) -> u64 {
        self.filled
    }

    /// The interval for quantile `q` over all samples, at confidence `level`.
    ///
    /// # Errors
    /// [`WhyNot`] without samples, below 30 clusters that hold any, or where a few hold nearly all weight.
    ///
    /// # Panics
    /// If `q` is not inside (0, 1), or `level` is not.
    pub fn interval(&self, q: f64, level: f64) -> Result<QuantileInterval, WhyNot> {
        assert!(q > 0.0 && q < 1.0, "a quantile between the extremes, not {q}");
        let side = one_side(level);
        self.enough()?;
        let estimate = self.pooled.quantile(q).expect("there are samples");
        let variance = self.variance_of(q, estimate);
        let standard_error = variance.sqrt();
        let half = student_quantile(1.0 - side, self.filled as f64 - 1.0) * standard_error;

        let samples = self.pooled.raw_count() as f64;
        // As many samples, each for the same weight, at random from everywhere.
        let independent = q * (1.0 - q) / samples;
        let deff = variance / independent;
        Ok(QuantileInterval {
            estimate,
            low: self.inverse(q - half),
            high: self.inverse(q + half),
            level,
            standard_error,
            deff,
            effective_exceedances: samples * (1.0 - q) / deff.max(1.0),
            clusters: self.filled,
        })
    }

    /// The share of samples above the cell of `value`, with its interval at confidence `level`.
    ///
    /// Where no sample is above, or all are, clusters count as the events of a binomial.
    ///
    /// # Errors
    /// [`WhyNot`] without samples or below 30 clusters that hold any.
    pub fn share_above(&self, value: u64, level: f64) -> Result<Interval, WhyNot> {
        let side = one_side(level);
        self.enough()?;
        let above = self.above(cell_of(value.min(self.pooled.bounds().high())));
        let n = self.pooled.count();
        if above.ex == 0 || above.ex == n {
            let events = if above.ex == 0 { 0 } else { self.filled };
            return Ok(binomial_interval(events, self.filled, level));
        }
        let estimate = above.ex as f64 / n as f64;
        let half = student_quantile(1.0 - side, self.filled as f64 - 1.0) * self.variance(&above).sqrt();
        Ok(Interval { estimate, low: (estimate - half).max(0.0), high: (estimate + half).min(1.0), level })
    }

    fn enough(&self) -> Result<(), WhyNot> {
        match self.filled {
            0 => Err(WhyNot::NoSamples),
            have if have < MIN_CLUSTERS => Err(WhyNot::TooFewRuns { have, need: MIN_CLUSTERS }),
            _ if self.worth() < MIN_WORTH => {
                Err(WhyNot::Lopsided { worth: self.worth() as u64, need: MIN_WORTH as u64 })
            }
            _ => Ok(()),
        }
    }

    /// How many clusters of equal weight would vary as much.
    fn worth(&self) -> f64 {
        let n = self.pooled.count() as f64;
        n * n / self.squares as f64
    }

    /// The variance of the share above the estimate of quantile `q`.
    fn variance_of(&self, q: f64, estimate: Quantile) -> f64 {
        let cell = match estimate {
            Quantile::At(value) => cell_of(value.min(self.pooled.bounds().high())),
            // Overflow is one cell past the last: what is above the last one is what fell into it.
            Quantile::Beyond(_) => return self.variance(&self.above(self.pooled.bounds().cells() - 1)),
        };
        let above = self.above(cell);
        if above.ex > 0 {
            return self.variance(&above);
        }
        // The estimate is the largest sample: nothing above it can vary, so its own cell must, and the error
        // is at least that of independent samples. Otherwise few samples would look certain.
        let least = q * (1.0 - q) / self.pooled.raw_count() as f64;
        if cell == 0 { least } else { self.variance(&self.above(cell - 1)).max(least) }
    }

    /// The sums for the samples above `cell`.
    fn above(&self, cell: usize) -> Above {
        let (mut squares, mut products) = (self.squares, self.squares);
        for (_, drop) in self.drops.iter().take_while(|&(index, _)| index <= cell) {
            squares -= drop.squares;
            products -= drop.products;
        }
        let under: u64 = self.pooled.cells().take_while(|c| c.index <= cell).map(|c| c.count).sum();
        Above { ex: self.pooled.count() - under, squares, products }
    }

    /// R / (R - 1) * sum (ex - p n)^2 / N^2.
    fn variance(&self, above: &Above) -> f64 {
        let n = self.pooled.count() as f64;
        let r = self.filled as f64;
        let p = above.ex as f64 / n;
        let sum = above.squares as f64 - 2.0 * p * above.products as f64 + p * p * self.squares as f64;
        // Equal clusters cancel to a rounding error, which may be negative.
        r / (r - 1.0) * sum.max(0.0) / (n * n)
    }

    /// Where the pooled distribution function reaches `p`; outside (0, 1) the samples set no bound.
    fn inverse(&self, p: f64) -> Quantile {
        if p <= 0.0 {
            return Quantile::At(0);
        }
        if p >= 1.0 {
            return Quantile::Beyond(self.pooled.max().expect("there are samples"));
        }
        self.pooled.quantile(p).expect("there are samples")
    }
}
