//! Estimates from independent runs, and how they are compared with theory.
//!
//! The unit of time of a theory, be it a service or an hour, is one simulated second.

use sim_core::{Dist, Seed, Streams};

/// Runs of one estimate.
pub const RUNS: u64 = 40;

/// A figure with its standard error.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
}

/// Runs [`RUNS`] independent futures under `seed`: the mean of each of the figures that a run yields.
pub fn replicate<const K: usize>(seed: u64, run: impl Fn(Streams) -> [f64; K]) -> [Estimate; K] {
    let figures: Vec<[f64; K]> = (0..RUNS).map(|k| run(Streams::new(Seed(seed), k))).collect();
    std::array::from_fn(|i| Estimate::of(&figures.iter().map(|f| f[i]).collect::<Vec<_>>()))
}

impl Estimate {
    /// The mean of independent values.
    pub fn of(values: &[f64]) -> Estimate {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - value) * (v - value)).sum();
        Estimate { value, error: (squares / (n - 1.0) / n).sqrt() }
    }

    /// Within four standard errors of theory (with 39 degrees of freedom a right model fails once in 3,650
    /// seeds), where those four are at most `share` of the value: the check has teeth.
    #[track_caller]
    pub fn expect(self, what: &str, theory: f64, share: f64) {
        let Estimate { value, error } = self;
        println!("{what}: {value:.6} against {theory:.6}, 4 standard errors {:.2} %", 400.0 * error / theory);
        assert!(4.0 * error <= share * theory, "{what}: too noisy, 4 x {error} for {theory}");
        assert!((value - theory).abs() <= 4.0 * error, "{what}: {value} +- {error}, theory {theory}");
    }
}

/// The exponential law, in seconds.
pub fn exponential(mean: f64) -> Dist {
    Dist::exponential(mean).expect("a positive mean")
}

/// Always the same, in seconds.
pub fn constant(value: f64) -> Dist {
    Dist::constant(value).expect("a finite value")
}
