use super::*;
use crate::hist::{Bounds, Histogram, Quantile};
use crate::rng::{Seed, Stream, Streams};
use crate::special::student_quantile;

fn stream(run: u64) -> Stream {
    Streams::new(Seed(21), run).stream("stats-test", "values")
}

fn exponential(s: &mut Stream) -> f64 {
    -libm::log(s.uniform_open())
}

#[track_caller]
fn close(got: f64, want: f64, absolute: f64) {
    assert!((got - want).abs() <= absolute, "got {got}, want {want}");
}

/// "24 of 3000 futures": [0.513, 1.188] %; none of 3000: at most 0.123 % two-sided, 3 / n one-sided.
#[test]
fn clopper_pearson_gives_the_known_figures() {
    let i = binomial_interval(24, 3000, 0.95);
    close(i.estimate, 0.008, 1e-15);
    close(i.low, 0.00513, 5e-6);
    close(i.high, 0.01188, 5e-6);
    let none = binomial_interval(0, 3000, 0.95);
    assert_eq!((none.estimate, none.low), (0.0, 0.0));
    close(none.high, 0.00123, 5e-6);
    // Closed form of the zero case: 1 - (alpha / 2)^(1/n), and by symmetry that of "always".
    close(none.high, 1.0 - libm::pow(0.025, 1.0 / 3000.0), 1e-14);
    close(binomial_interval(3000, 3000, 0.95).low, 1.0 - none.high, 1e-14);
    close(no_event_bound(3000, 0.95), 1.0 - libm::pow(0.05, 1.0 / 3000.0), 1e-14);
    let nothing = binomial_interval(0, 0, 0.95);
    assert_eq!((nothing.low, nothing.high, no_event_bound(0, 0.95)), (0.0, 1.0, 1.0));
}

/// The defining property: at the lower end P(B >= k) = 2.5 %, at the upper P(B <= k) = 2.5 %, term by term.
#[test]
fn clopper_pearson_ends_leave_a_fortieth() {
    let (k, n) = (3u32, 20u32);
    let i = binomial_interval(k.into(), n.into(), 0.95);
    let at_most = |k: u32, p: f64| -> f64 {
        let mut term = (1.0 - p).powi(n as i32);
        let mut sum = 0.0;
        for j in 0..=k {
            sum += term;
            term *= f64::from(n - j) / f64::from(j + 1) * p / (1.0 - p);
        }
        sum
    };
    close(1.0 - at_most(k - 1, i.low), 0.025, 1e-12);
    close(at_most(k, i.high), 0.025, 1e-12);
}

/// Values 1 to 5: mean 3, variance 2.5, t(4) = 2.776445, half-width 2.776445 sqrt(2.5 / 5) = 1.963243.
#[test]
fn mean_interval_is_students() {
    let i = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
    close(i.estimate, 3.0, 1e-15);
    close(i.high - 3.0, 1.963_243_161_5, 1e-9);
    close(3.0 - i.low, 1.963_243_161_5, 1e-9);
    assert_eq!(mean_interval(&[1.0], 0.95), Err(WhyNot::TooFewRuns { have: 1, need: 2 }));
    assert_eq!(mean_interval(&[], 0.95), Err(WhyNot::NoSamples));
}

/// Ranks of the tables (Conover, Practical Nonparametric Statistics): the median of 10 values lies between
/// the 2nd and the 9th, of 20 between the 6th and the 15th, of 100 between the 40th and the 61st.
#[test]
fn order_statistics_take_the_ranks_of_the_tables() {
    for (n, low, high) in [(6u32, 1.0, 6.0), (10, 2.0, 9.0), (20, 6.0, 15.0), (100, 40.0, 61.0)] {
        let backwards: Vec<f64> = (1..=n).rev().map(f64::from).collect();
        let i = order_statistic_interval(&backwards, 0.5, 0.95).unwrap();
        assert_eq!((i.low, i.high, i.estimate), (low, high, f64::from(n.div_ceil(2))), "{n} values");
    }
    let five = order_statistic_interval(&[1.0; 5], 0.5, 0.95);
    assert_eq!(five, Err(WhyNot::TooFewRuns { have: 5, need: 6 }));
    // 0.99^367 is 0.02501 and 0.99^368 is 0.02476.
    let need = order_statistic_interval(&[1.0; 100], 0.99, 0.95);
    assert_eq!(need, Err(WhyNot::TooFewRuns { have: 100, need: 368 }));
    assert!(order_statistic_interval(&[1.0; 368], 0.99, 0.95).is_ok());
}

/// Runs of unequal length and level, with weights; every 11th is empty.
fn unequal_runs() -> Vec<Vec<(u64, u64)>> {
    (0..60)
        .map(|run| {
            let mut s = stream(run);
            let (level, length) =
                (1e5 * exponential(&mut s), if run % 11 == 5 { 0 } else { 20 + s.below(400) });
            (0..length).map(|_| (1_000 + (level * exponential(&mut s)) as u64, 1 + s.below(4))).collect()
        })
        .collect()
}

fn histogram(samples: &[(u64, u64)]) -> Histogram {
    let mut h = Histogram::new(Bounds::Latency);
    samples.iter().for_each(|&(v, w)| h.record(v, w));
    h
}

/// The integer sums give what the definition gives when every run is kept and looked through.
#[test]
fn the_accumulator_equals_its_definition() {
    let runs = unequal_runs();
    let mut all = QuantileAccumulator::new(Bounds::Latency);
    runs.iter().for_each(|r| all.add(&histogram(r)));
    let filled = runs.iter().filter(|r| !r.is_empty()).count() as f64;
    assert_eq!((all.clusters(), all.clusters_with_samples() as f64), (60, filled));
    for q in [0.05, 0.5, 0.9, 0.99] {
        let i = all.interval(q, 0.95).unwrap();
        let Quantile::At(limit) = i.estimate else { panic!("{i:?}") };
        let weight = |r: &[(u64, u64)]| r.iter().map(|s| s.1 as f64).sum::<f64>();
        let above = |r: &[(u64, u64)]| r.iter().filter(|s| s.0 > limit).map(|s| s.1 as f64).sum::<f64>();
        let total: f64 = runs.iter().map(|r| weight(r)).sum();
        let p = runs.iter().map(|r| above(r)).sum::<f64>() / total;
        let squares: f64 = runs.iter().map(|r| (above(r) - p * weight(r)).powi(2)).sum();
        let error = (filled / (filled - 1.0) * squares).sqrt() / total;
        close(i.standard_error / error, 1.0, 1e-9);
        let half = student_quantile(0.975, filled - 1.0) * error;
        assert_eq!((i.low, i.high), (pooled(&all, q - half), pooled(&all, q + half)), "quantile {q}");
        let share = all.share_above(limit, 0.95).unwrap();
        close(share.estimate, p, 1e-12);
        close(share.high - share.estimate, half, 1e-9);
    }
}

/// Where the pooled distribution function takes a value; past the samples it has no bound.
fn pooled(all: &QuantileAccumulator, p: f64) -> Quantile {
    match p {
        p if p <= 0.0 => Quantile::At(0),
        p if p >= 1.0 => Quantile::Beyond(all.pooled().max().unwrap()),
        p => all.pooled().quantile(p).unwrap(),
    }
}

#[test]
fn accumulators_merge_exactly_in_any_order() {
    let runs = unequal_runs();
    let fold = |part: &mut dyn Iterator<Item = &Vec<(u64, u64)>>| {
        let mut all = QuantileAccumulator::new(Bounds::Latency);
        part.for_each(|r| all.add(&histogram(r)));
        all
    };
    let whole = fold(&mut runs.iter());
    assert_eq!(fold(&mut runs.iter().rev()), whole);
    let shards: Vec<_> = runs.chunks(17).map(|c| fold(&mut c.iter())).collect();
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let mut sum = QuantileAccumulator::new(Bounds::Latency);
        order.iter().for_each(|&i| sum.merge(&shards[i]));
        assert_eq!(sum, whole);
    }
}

#[test]
fn no_interval_without_evidence() {
    let mut all = QuantileAccumulator::new(Bounds::Latency);
    (0..100).for_each(|_| all.add(&Histogram::new(Bounds::Latency)));
    assert_eq!(all.interval(0.99, 0.95), Err(WhyNot::NoSamples));
    let one = histogram(&[(5_000, 1)]);
    (0..29).for_each(|_| all.add(&one));
    assert_eq!(all.interval(0.99, 0.95), Err(WhyNot::TooFewRuns { have: 29, need: 30 }));
    all.add(&one);
    // 30 equal samples know nothing about P99: the upper end stays open.
    let i = all.interval(0.99, 0.95).unwrap();
    assert_eq!((i.estimate, i.high), (Quantile::At(5_003), Quantile::Beyond(5_000)));
    assert!(i.effective_exceedances < 1.0);
    // No run of 30 shows anything above: at most 1 - 0.025^(1/30) = 11.57 % of the runs do.
    close(all.share_above(10_000, 0.95).unwrap().high, 0.1157, 1e-4);
}

/// One run in four stalls past the end of the histogram in a tenth of its samples: 2.5 % of all.
#[test]
fn overflow_reaches_the_interval() {
    let mut all = QuantileAccumulator::new(Bounds::Latency);
    for run in 0..80 {
        let slow = if run % 4 == 0 { 5_000_000_000_000 } else { 1_000_000 };
        let samples: Vec<_> = (0..100).map(|i| (if i % 10 == 0 { slow } else { 200_000 }, 1)).collect();
        all.add(&histogram(&samples));
    }
    let i = all.interval(0.99, 0.95).unwrap();
    assert_eq!(i.estimate, Quantile::Beyond(Bounds::Latency.high()));
    // Shares 0.1 in 20 and 0 in 60 of 80 runs: sd 0.04357, error 0.00487, so the clean P90 is sure.
    close(i.standard_error, 0.004_871_5, 1e-6);
    close(all.share_above(Bounds::Latency.high(), 0.95).unwrap().estimate, 0.025, 1e-15);
}

/// M/M/1 in equilibrium: the sojourn time is exponential with rate 1 - rho, whose P99 is ln 100 / (1 - rho).
/// Successive requests see the same queue, so each run is one cluster.
#[test]
fn intervals_of_queues_cover_the_truth() {
    const RHO: f64 = 0.6;
    const MS: f64 = 1e6;
    let (batches, runs, requests) = (300u64, 40u64, 600);
    let truth = MS * libm::log(100.0) / (1.0 - RHO);
    let (mut clustered, mut naive) = (0, 0);
    for batch in 0..batches {
        let mut all = QuantileAccumulator::new(Bounds::Latency);
        for run in 0..runs {
            let mut s = stream(1_000 + batch * runs + run);
            let mut wait = if s.chance(RHO) { exponential(&mut s) / (1.0 - RHO) } else { 0.0 };
            let mut h = Histogram::new(Bounds::Latency);
            for _ in 0..requests {
                let sojourn = wait + exponential(&mut s);
                h.record((sojourn * MS) as u64, 1);
                wait = (sojourn - exponential(&mut s) / RHO).max(0.0);
            }
            all.add(&h);
        }
        let i = all.interval(0.99, 0.95).unwrap();
        let holds = |low: Quantile, high: Quantile| {
            low.at_least() as f64 <= truth * 1.001 && truth <= high.at_least() as f64
        };
        clustered += u64::from(holds(i.low, i.high));
        let half = 1.96 * (0.99 * 0.01 / all.pooled().count() as f64).sqrt();
        naive += u64::from(holds(pooled(&all, 0.99 - half), pooled(&all, 0.99 + half)));
    }
    let share = |n: u64| n as f64 / batches as f64;
    assert!((0.90..=0.985).contains(&share(clustered)), "clustered intervals cover {}", share(clustered));
    assert!(share(naive) < 0.75, "pooled binomial intervals cover {}", share(naive));
}

/// Independent samples have no design effect: sqrt of the variance of deff over 200 runs is about 0.1.
#[test]
fn independent_samples_have_no_design_effect() {
    let mut all = QuantileAccumulator::new(Bounds::Latency);
    for run in 0..200 {
        let mut s = stream(run);
        let samples: Vec<_> = (0..500).map(|_| ((1e6 * exponential(&mut s)) as u64, 1)).collect();
        all.add(&histogram(&samples));
    }
    let i = all.interval(0.9, 0.95).unwrap();
    assert!((0.6..1.5).contains(&i.deff), "{i:?}");
    // 100 000 samples, a tenth beyond.
    assert!((6_500.0..=10_000.0).contains(&i.effective_exceedances), "{i:?}");
}

/// Forty runs, two of which hold all but a per cent of the weight: (sum n)^2 / sum n^2 is near 2, and how those two
/// came out says nothing about others.
#[test]
fn a_few_heavy_runs_have_no_interval() {
    let mut all = QuantileAccumulator::new(Bounds::Latency);
    for run in 0..40u64 {
        let weight = if run < 2 { 100_000 } else { 50 };
        all.add(&histogram(&[(1000 + run, weight), (2000 + run, weight)]));
    }
    assert_eq!(all.interval(0.5, 0.95), Err(WhyNot::Lopsided { worth: 2, need: 10 }));
    assert_eq!(all.share_above(1500, 0.95), Err(WhyNot::Lopsided { worth: 2, need: 10 }));
}
