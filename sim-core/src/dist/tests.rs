use super::*;
use crate::rng::{Seed, Streams};
use rand_distr::Distribution;
use std::convert::Infallible;

/// Lets the reference library draw from our streams.
struct Reference(Stream);

impl rand::TryRng for Reference {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0.next_u64() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

fn stream(purpose: &str) -> Stream {
    Streams::new(Seed(7), 3).stream("dist-test", purpose)
}

/// Every law once, with a name that keys its stream.
fn zoo() -> Vec<(&'static str, Dist)> {
    vec![
        ("uniform", Dist::uniform(-1.0, 3.0).unwrap()),
        ("exponential", Dist::exponential(0.004).unwrap()),
        ("normal", Dist::normal(5.0, 2.0).unwrap()),
        ("log-normal", Dist::log_normal(-1.0, 0.8).unwrap()),
        ("weibull", Dist::weibull(3.0, 1.7).unwrap()),
        ("weibull, infant", Dist::weibull(3.0, 0.6).unwrap()),
        ("pareto", Dist::pareto(2.0, 3.5).unwrap()),
        ("gamma", Dist::gamma(2.5, 0.4).unwrap()),
        ("gamma, shape below 1", Dist::gamma(0.3, 2.0).unwrap()),
        ("gamma, large shape", Dist::gamma(900.0, 2.0).unwrap()),
    ]
}

/// Two-sample Kolmogorov-Smirnov distance.
fn distance(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut worst) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        if a[i] <= b[j] {
            i += 1;
        } else {
            j += 1;
        }
        worst = worst.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    worst
}

const SAMPLES: usize = 40_000;

#[track_caller]
fn same_law(name: &str, ours: &Dist, reference: impl Distribution<f64>) {
    let mut s = stream(name);
    let mut theirs = Reference(stream(&format!("{name}, reference")));
    let mut a: Vec<f64> = (0..SAMPLES).map(|_| ours.sample(&mut s)).collect();
    let mut b: Vec<f64> = (0..SAMPLES).map(|_| reference.sample(&mut theirs)).collect();
    // P(D > 1.95 sqrt(2 / n)) is 0.001 when both laws are equal.
    let limit = 1.95 * (2.0 / SAMPLES as f64).sqrt();
    let d = distance(&mut a, &mut b);
    assert!(d < limit, "{name}: distance {d:.5}, limit {limit:.5}");
}

#[test]
fn samplers_agree_with_rand_distr() {
    let laws = zoo();
    let of = |name: &str| &laws.iter().find(|l| l.0 == name).unwrap().1;
    same_law("uniform", of("uniform"), rand_distr::Uniform::new(-1.0, 3.0).unwrap());
    same_law("exponential", of("exponential"), rand_distr::Exp::new(250.0).unwrap());
    same_law("normal", of("normal"), rand_distr::Normal::new(5.0, 2.0).unwrap());
    same_law("log-normal", of("log-normal"), rand_distr::LogNormal::new(-1.0, 0.8).unwrap());
    same_law("weibull", of("weibull"), rand_distr::Weibull::new(3.0, 1.7).unwrap());
    same_law("weibull, infant", of("weibull, infant"), rand_distr::Weibull::new(3.0, 0.6).unwrap());
    same_law("pareto", of("pareto"), rand_distr::Pareto::new(2.0, 3.5).unwrap());
    same_law("gamma", of("gamma"), rand_distr::Gamma::new(2.5, 0.4).unwrap());
    same_law("gamma, shape below 1", of("gamma, shape below 1"), rand_distr::Gamma::new(0.3, 2.0).unwrap());
    same_law("gamma, large shape", of("gamma, large shape"), rand_distr::Gamma::new(900.0, 2.0).unwrap());
}

/// The test above can fail: 8 % of scale is a distance of 0.08 / e = 0.029, twice the limit.
#[test]
#[should_panic(expected = "distance")]
fn a_wrong_scale_is_seen() {
    same_law("wrong", &Dist::exponential(1.08).unwrap(), rand_distr::Exp::new(1.0).unwrap());
}

/// The share of samples at or below the p quantile is p within 4.5 standard errors, at every p.
#[test]
fn samples_fall_below_the_quantiles_as_often_as_they_should() {
    for (name, law) in zoo() {
        let mut s = stream(&format!("{name}, quantiles"));
        let values: Vec<f64> = (0..SAMPLES).map(|_| law.sample(&mut s)).collect();
        for p in [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
            let x = law.quantile(p);
            let below = values.iter().filter(|&&v| v <= x).count() as f64 / SAMPLES as f64;
            let error = (p * (1.0 - p) / SAMPLES as f64).sqrt();
            assert!((below - p).abs() < 4.5 * error, "{name}: {below} of the samples below quantile {p}");
        }
        let (low, high) = law.bounds();
        assert!(values.iter().all(|&v| low <= v && v <= high), "{name}: outside its bounds");
    }
}

/// Mean = integral of the quantile over (0, 1): a midpoint sum of 200 000 cells, and closed forms.
#[test]
fn means_are_the_integral_of_the_quantiles() {
    for (name, law) in zoo().into_iter().filter(|l| !l.0.starts_with("gamma")) {
        let cells = 200_000;
        let sum: f64 = (0..cells).map(|i| law.quantile((f64::from(i) + 0.5) / f64::from(cells))).sum();
        let mean = sum / f64::from(cells);
        assert!((mean / law.mean() - 1.0).abs() < 1e-3, "{name}: {mean}, not {}", law.mean());
    }
    assert_eq!(Dist::gamma(2.5, 0.4).unwrap().mean(), 1.0);
    assert_eq!(Dist::pareto(1.0, 0.9).unwrap().mean(), f64::INFINITY);
}

#[test]
fn log_normal_is_found_from_what_people_know() {
    // mean 2, cv 1.5: sigma^2 = ln 3.25; sd / mean follows from E[X^2] = exp(2 mu + 2 sigma^2).
    let law = Dist::log_normal_mean_cv(2.0, 1.5).unwrap();
    assert!((law.mean() - 2.0).abs() < 1e-12);
    let sigma = libm::log(3.25).sqrt();
    let p84 = libm::exp(libm::log(law.median()) + sigma);
    assert!((law.quantile(1.0 - crate::special::normal_tail(1.0)) / p84 - 1.0).abs() < 1e-12);

    let law = Dist::log_normal_median_sigma(0.3, 0.5).unwrap();
    assert!((law.median() - 0.3).abs() < 1e-15);
    // cv 0 and sigma 0 are constants.
    let mut s = stream("constant");
    assert!((Dist::log_normal_mean_cv(2.0, 0.0).unwrap().sample(&mut s) - 2.0).abs() < 1e-15);
}

#[test]
fn empirical_values_come_by_weight() {
    let law = Dist::empirical_weighted(&[(5.0, 1.0), (1.0, 3.0), (9.0, 0.0)]).unwrap();
    assert_eq!((law.mean(), law.bounds()), (2.0, (1.0, 5.0)));
    assert_eq!([0.0, 0.75, 0.76, 1.0].map(|p| law.quantile(p)), [1.0, 1.0, 5.0, 5.0]);
    let mut s = stream("empirical");
    let ones = (0..SAMPLES).filter(|_| law.sample(&mut s) == 1.0).count() as f64 / SAMPLES as f64;
    // Standard error sqrt(.75 x .25 / 40 000) = 0.0022.
    assert!((ones - 0.75).abs() < 4.5 * 0.0022, "{ones}");
    assert_eq!(Dist::empirical(&[4.0, 2.0]).unwrap().median(), 2.0);
}

#[test]
fn spans_are_seconds_to_the_nearest_nanosecond() {
    let mut s = stream("span");
    assert_eq!(Dist::constant(0.25).unwrap().sample_span(&mut s), Span::ms(250));
    assert_eq!(Dist::constant(-1.0).unwrap().sample_span(&mut s), Span::ZERO);
    assert_eq!(Dist::constant(1e12).unwrap().sample_span(&mut s), Span::MAX);
}

/// Inversion in step: run k of two plans that differ in a mean draws the same luck.
#[test]
fn a_sample_uses_one_draw_and_grows_with_the_scale() {
    for (name, law) in zoo().into_iter().filter(|l| !l.0.starts_with("gamma")) {
        let (mut a, mut b) = (stream(name), stream(name));
        law.sample(&mut a);
        b.next_u64();
        assert_eq!(a.next_u64(), b.next_u64(), "{name}");
    }
}

#[test]
fn impossible_parameters_are_named() {
    let text = |law: Result<Dist, DistError>| law.unwrap_err().to_string();
    assert_eq!(text(Dist::exponential(-1.0)), "mean is -1: must be finite and above 0");
    assert_eq!(text(Dist::normal(0.0, f64::NAN)), "sd is NaN: must be finite and at least 0");
    assert_eq!(text(Dist::uniform(2.0, 1.0)), "high - low is -1: must be finite and at least 0");
    assert_eq!(text(Dist::weibull(1.0, 0.0)), "shape is 0: must be finite and above 0");
    assert_eq!(text(Dist::empirical(&[])), "number of values with a weight is 0: must be at least 1");
    assert_eq!(text(Dist::log_normal_mean_cv(f64::INFINITY, 1.0)), "mean is inf: must be finite and above 0");
    for overflowing in [
        Dist::log_normal(800.0, 1.0),
        Dist::pareto(1.0, 0.001),
        Dist::weibull(1.0, 0.005),
        Dist::gamma(1e300, 1e300),
        Dist::uniform(-1e308, 1e308),
        Dist::empirical_weighted(&[(1.0, 1e308), (2.0, 1e308)]),
    ] {
        assert!(overflowing.is_err(), "{overflowing:?}");
    }
    assert!(Dist::gamma(1e-300, 1.0).is_ok() && Dist::gamma(1e100, 1.0).is_ok());
}

/// Known answers: a change of any bit here changes every run ever recorded. The first four laws, Weibull and
/// Pareto are also what Python's `math` and `statistics.NormalDist` give from the same 64-bit words.
#[test]
fn samplers_keep_their_bits() {
    let answers: Vec<(&str, [u64; 3])> = zoo()
        .into_iter()
        .map(|(name, law)| {
            let mut s = Streams::new(Seed(1), 0).stream("known", "answer");
            (name, std::array::from_fn(|_| law.sample(&mut s).to_bits()))
        })
        .collect();
    assert_eq!(answers, KNOWN, "{answers:#x?}");
}

#[rustfmt::skip]
const KNOWN: &[(&str, [u64; 3])] = &[
    ("uniform", [0x3fdce0923eaa4768, 0x3fd8119d931383c8, 0xbfb414fea91a1fa0]),
    ("exponential", [0x3f709c99ab808cdd, 0x3f717b91df83b7b2, 0x3f780d2fa51fb6d2]),
    ("normal", [0x40113131691fc1c3, 0x4010c9b01285e305, 0x400c32ec70f5fd7c]),
    ("log-normal", [0x3fd1c7cb1023b5d7, 0x3fd1136d5ae8a0a0, 0x3fca19dfabeb4964]),
    ("weibull", [0x40083216e9ad0f4c, 0x4008ef1d525c35d0, 0x400e14935f9cd6fc]),
    ("weibull, infant", [0x40088efbb6dfac82, 0x400abdebf36bab62, 0x4016c0f1f44deb54]),
    ("pareto", [0x4005604900618f8c, 0x4005b40930deebc9, 0x4008565f03e16832]),
    ("gamma", [0x3fe5a1d547a49c58, 0x3fe00753c36977dc, 0x40019974146fc722]),
    ("gamma, shape below 1", [0x3fa5bc1d144078c2, 0x3ff26c54eb0e4ca1, 0x3f6728ee85ea3aa0]),
    ("gamma, large shape", [0x409bc9711a89e082, 0x409b6dcbf09d8ace, 0x409da61823e72666]),
];
