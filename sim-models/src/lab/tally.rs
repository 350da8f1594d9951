//! Runs of a lab file, folded into figures with their errors.

use super::{Lab, Seen};
use sim_core::hist::Bounds;
use sim_core::stats::{QuantileAccumulator, mean_interval};

/// The confidence level of the intervals from which a standard error of a quantile is taken.
const LEVEL: f64 = 0.95;
/// Half-width of a 95 % interval in standard errors: the normal quantile of 0.975.
const HALF_WIDTH: f64 = 1.959_963_985;
/// The quantiles of whatever is sampled.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// One number that theory can be held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Component and figure, such as `queue.wait.p99`.
    pub name: String,
    /// In seconds, bytes, bytes per second, or as a plain ratio.
    pub value: f64,
    /// Its standard error, where runs differ and there are enough of them.
    pub error: Option<f64>,
}

/// One sampled duration over all runs.
#[derive(Clone, Debug)]
struct Sampled {
    name: String,
    means: Vec<f64>,
    longest: f64,
    quantiles: QuantileAccumulator,
}

/// One number per run: what it is of, and by what that is divided.
#[derive(Clone, Debug)]
struct Scalar {
    name: String,
    values: Vec<(f64, f64)>,
}

/// What was seen so far, component by component.
#[derive(Clone, Debug)]
pub struct Tally {
    parts: Vec<(String, Vec<Scalar>, Vec<Sampled>)>,
}

impl Tally {
    /// Nothing yet.
    pub fn new(lab: &Lab) -> Tally {
        Tally { parts: lab.parts.iter().map(|p| (p.name.clone(), Vec::new(), Vec::new())).collect() }
    }

    /// Folds one run in: what each component showed, in the order of the file.
    pub fn add(&mut self, run: &[Seen]) {
        for ((part, scalars, sampled), seen) in self.parts.iter_mut().zip(run) {
            for (name, of, by) in &seen.values {
                let name = format!("{part}.{name}");
                match scalars.iter_mut().find(|s| s.name == name) {
                    Some(scalar) => scalar.values.push((*of, *by)),
                    None => scalars.push(Scalar { name, values: vec![(*of, *by)] }),
                }
            }
            for (name, histogram) in &seen.samples {
                let name = format!("{part}.{name}");
                let at = sampled.iter().position(|s| s.name == name).unwrap_or_else(|| {
                    let quantiles = QuantileAccumulator::new(Bounds::Latency);
                    sampled.push(Sampled { name, means: Vec::new(), longest: 0.0, quantiles });
                    sampled.len() - 1
                });
                let one = &mut sampled[at];
                one.means.extend(histogram.mean().map(|ns| ns * 1e-9));
                one.longest = one.longest.max(histogram.max().unwrap_or(0) as f64 * 1e-9);
                one.quantiles.add(histogram);
            }
        }
    }

    /// Everything that was seen, as numbers with errors.
    pub fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for (_, scalars, sampled) in &self.parts {
            figures.extend(scalars.iter().map(|s| quotient(s.name.clone(), &s.values)));
            sampled.iter().for_each(|s| s.write(&mut figures));
        }
        figures
    }
}

/// The sum over runs of what is divided over the sum of what divides. Its error is that of the mean of what each
/// run has beyond its share, `of - value * by`, over the mean of `by` (Cochran, "Sampling Techniques", 1977, 6.4);
/// where `by` is 1 that is the error of a mean. Runs that all show the same have no error.
fn quotient(name: String, values: &[(f64, f64)]) -> Figure {
    let each: Vec<f64> = values.iter().map(|(of, by)| of / by).collect();
    if each.iter().all(|v| v.to_bits() == each[0].to_bits()) {
        return Figure { name, value: each[0], error: None };
    }
    let n = values.len() as f64;
    let by: f64 = values.iter().map(|v| v.1).sum();
    let value = values.iter().map(|v| v.0).sum::<f64>() / by;
    let squares: f64 = values.iter().map(|(of, by)| (of - value * by) * (of - value * by)).sum();
    let error = mean_interval(&each, LEVEL).is_ok().then(|| (squares / (n - 1.0) / n).sqrt() / (by / n));
    Figure { name, value, error }
}

impl Sampled {
    fn write(&self, figures: &mut Vec<Figure>) {
        let pooled = self.quantiles.pooled();
        if pooled.is_empty() {
            return;
        }
        let of = |what: &str| format!("{}.{what}", self.name);
        // The mean over all samples is the estimate; that of the runs' means has its error.
        let means: Vec<(f64, f64)> = self.means.iter().map(|mean| (*mean, 1.0)).collect();
        let spread = quotient(of("mean"), &means);
        figures.push(Figure { value: pooled.mean().unwrap_or(0.0) * 1e-9, ..spread });
        for (what, q) in QUANTILES {
            let value = pooled.quantile(q).map_or(0.0, |v| v.at_least() as f64 * 1e-9);
            let interval = self.quantiles.interval(q, LEVEL).ok();
            let error = interval
                .map(|i| (i.high.at_least() as f64 - i.low.at_least() as f64) * 1e-9 / (2.0 * HALF_WIDTH));
            figures.push(Figure { name: of(what), value, error: error.filter(|e| *e > 0.0) });
        }
        figures.push(Figure { name: of("max"), value: self.longest, error: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_of_sums_and_plain_numbers_have_a_mean() {
        // 2 / 1 and 1 / 3: 3 / 4, not (2 + 1/3) / 2. Beyond their share: 2 - 0.75 = 1.25 and 1 - 2.25 = -1.25, so
        // the error is sqrt(2 x 1.25^2 / 1 / 2) / 2 = 0.625.
        let two = quotient("x".into(), &[(2.0, 1.0), (1.0, 3.0)]);
        assert_eq!((two.value, two.error), (0.75, Some(0.625)));
        // 1, 2 and 6: mean 3, sum of squares 4 + 1 + 9, error sqrt(14 / 2 / 3).
        let plain = quotient("x".into(), &[(1.0, 1.0), (2.0, 1.0), (6.0, 1.0)]);
        assert_eq!((plain.value, plain.error), (3.0, Some((14.0_f64 / 2.0 / 3.0).sqrt())));
        assert_eq!(quotient("x".into(), &[(1.0, 2.0), (2.0, 4.0)]).error, None, "the same");
    }
}
