//! Stations against closed forms. The unit of time is the mean service unless said otherwise.
//!
//! Every figure must lie within four standard errors of theory, estimated from 40 batch means; the last
//! argument of `expect` bounds those four errors as a share of the value. The bias of starting empty is
//! about (relaxation time / run length), below 2e-4 everywhere here, well under one standard error.

use super::harness::{Law, Open, Place, mean, quantile};
use super::{Sharing, Station};
use crate::time::NS_PER_S;

const SEEDS: [u64; 2] = [1, 2];

fn servers(k: u32) -> Place {
    Place::Row(vec![Station::new(k, k)])
}

fn room(k: u32, places: usize) -> Place {
    let mut station = Station::new(k, k);
    station.room = Some(places);
    Place::Row(vec![station])
}

#[test]
fn mm1_at_half_load() {
    // T is exponential with rate mu - lambda = 0.5: mean 2, P99 = 2 ln 100, P99.9 = 2 ln 1000.
    // L = rho / (1 - rho) = 1; asymptotic variance of its time average 2 rho (1 + rho) / (1 - rho)^4 = 24
    // per unit of time (Whitt 1989), so over 5e6 time units one standard error is 0.0022.
    for seed in SEEDS {
        let (seen, sim) = Open::new(servers(1), Law::Exp(2.0), Law::Exp(1.0), 2_500_000, seed).run();
        mean(&seen.sojourns[0]).expect("D01 mean", 2.0, 0.01);
        quantile(&seen.sojourns[0], 0.99).expect("D01 P99", 9.2103, 0.02);
        quantile(&seen.sojourns[0], 0.999).expect("D01 P99.9", 13.8155, 0.04);
        let Place::Row(stations) = &sim.model.place else { unreachable!() };
        let integrals = stations[0].integrals(sim.now());
        let present = integrals.area() as f64 / sim.now().0 as f64;
        assert!((present - 1.0).abs() < 4.0 * 0.0022, "D01 L {present}");
        // Utilisation is rho = 0.5; its error comes from the sum of services: sqrt(2 rho / 5e6) = 0.00045.
        assert!((integrals.utilisation() - 0.5).abs() < 4.0 * 0.00045, "{}", integrals.utilisation());
    }
}

#[test]
fn mm1_at_high_load() {
    // T is exponential with rate 0.2: mean 5, P99 = 5 ln 100.
    for seed in SEEDS {
        let (seen, _) = Open::new(servers(1), Law::Exp(1.25), Law::Exp(1.0), 3_000_000, seed).run();
        mean(&seen.sojourns[0]).expect("D02 mean", 5.0, 0.03);
        quantile(&seen.sojourns[0], 0.99).expect("D02 P99", 23.0259, 0.06);
    }
}

#[test]
fn mm4() {
    // Erlang C with c = 4, a = 3: C = 0.509434; W = C / (c - a); P(W > t) = C exp(-(c - a) t), so
    // P99 W = ln(100 C) = 3.93072.
    for seed in SEEDS {
        let (seen, _) = Open::new(servers(4), Law::Exp(1.0 / 3.0), Law::Exp(1.0), 2_000_000, seed).run();
        let waited: Vec<u64> = seen.waits[0].iter().map(|&w| if w > 0 { NS_PER_S } else { 0 }).collect();
        mean(&waited).expect("D03 P(wait)", 0.509434, 0.025);
        mean(&seen.waits[0]).expect("D03 W", 0.509434, 0.05);
        quantile(&seen.waits[0], 0.99).expect("D03 P99 W", 3.93072, 0.06);
    }
}

#[test]
fn md1() {
    // Pollaczek-Khinchine: W = rho / (2 (1 - rho)) = 2; P99 of W from Erlang's series (1909) is 10.3559.
    for seed in SEEDS {
        let (seen, _) = Open::new(servers(1), Law::Exp(1.25), Law::Fixed(1.0), 2_000_000, seed).run();
        mean(&seen.waits[0]).expect("D04 W", 2.0, 0.03);
        quantile(&seen.waits[0], 0.99).expect("D04 P99 W", 10.3559, 0.06);
    }
}

#[test]
fn mg1_with_a_heavy_service_law() {
    // W = rho E[S] (1 + cv^2) / (2 (1 - rho)) = 0.7 x 5 / 0.6 = 5.83333.
    for seed in SEEDS {
        let law = Law::Lognormal(1.0, 2.0);
        let (seen, _) = Open::new(servers(1), Law::Exp(1.0 / 0.7), law, 3_000_000, seed).run();
        mean(&seen.waits[0]).expect("D05 W", 5.83333, 0.08);
    }
}

#[test]
fn mm1_with_finite_room() {
    // One in service and nine waiting: loss = (1 - rho) rho^10 / (1 - rho^11) = 0.0508137 for rho = 0.9.
    for seed in SEEDS {
        let (seen, _) = Open::new(room(1, 9), Law::Exp(1.0 / 0.9), Law::Exp(1.0), 2_000_000, seed).run();
        mean(&seen.refused).expect("D06 loss", 0.0508137, 0.04);
    }
}

#[test]
fn erlang_loss_is_insensitive_to_the_service_law() {
    // B(10, 7) = 0.0787409 whatever the law of mean 1.
    for seed in SEEDS {
        for law in [Law::Exp(1.0), Law::Fixed(1.0)] {
            let (seen, _) = Open::new(room(10, 0), Law::Exp(1.0 / 7.0), law, 1_500_000, seed).run();
            mean(&seen.refused).expect("D07 loss", 0.0787409, 0.03);
        }
    }
}

#[test]
fn two_priority_classes() {
    // Cobham 1954, lambda 0.3 each: W0 = sum lambda E[S^2] / 2 = 0.6; W1 = W0 / (1 - 0.3) = 0.857143;
    // W2 = W0 / ((1 - 0.3) (1 - 0.6)) = 2.142857. Conservation: 0.3 W1 + 0.3 W2 = 0.9 = rho W0 / (1 - rho).
    for seed in SEEDS {
        let mut open = Open::new(servers(1), Law::Exp(1.0 / 0.6), Law::Exp(1.0), 2_000_000, seed);
        open.background = 0.5;
        let (seen, _) = open.run();
        let (w1, w2) = (mean(&seen.waits[0]), mean(&seen.waits[1]));
        w1.expect("D08 W1", 0.857143, 0.015);
        w2.expect("D08 W2", 2.142857, 0.03);
        // The two estimates are positively correlated: their errors add at worst.
        let (kept, slack) = (0.3 * (w1.value + w2.value), 4.0 * 0.3 * (w1.error + w2.error));
        assert!((kept - 0.9).abs() <= slack && slack < 0.03 * 0.9, "conservation {kept} +- {slack}");
    }
}

#[test]
fn processor_sharing_slows_all_sizes_alike() {
    // M/G/1-PS: E[T | x] = x / (1 - rho), so a slowdown of 2 for each size at rho = 0.5; E[N] = 1.
    let sizes = [(0.25, 0.64), (1.0, 0.2), (4.0, 0.16)];
    for seed in SEEDS {
        let place = Place::Shared(Box::new(Sharing::new(1)));
        let (seen, _) = Open::new(place, Law::Exp(2.0), Law::Sizes(sizes), 1_500_000, seed).run();
        for (size, _) in sizes {
            let work = (size * NS_PER_S as f64) as u64;
            let of_size = seen.works.iter().zip(&seen.sojourns[0]).filter(|(w, _)| **w == work);
            let sojourns: Vec<u64> = of_size.map(|(_, t)| *t).collect();
            mean(&sojourns).expect("D10 sojourn", 2.0 * size, 0.03);
        }
        // E[N] = lambda E[T] by Little: E[T] = 2.
        mean(&seen.sojourns[0]).expect("D10 mean", 2.0, 0.02);
    }
}

#[test]
fn shared_servers_are_insensitive_to_the_service_law() {
    // Equal shares of c servers form a symmetric queue (Kelly 1979): the number inside is distributed as in
    // M/M/c whatever the law of mean 1, so T = 1 + C(4, 3) = 1.509434.
    for (seed, law) in [(1, Law::Fixed(1.0)), (2, Law::Exp(1.0))] {
        let place = Place::Shared(Box::new(Sharing::new(4)));
        let (seen, _) = Open::new(place, Law::Exp(1.0 / 3.0), law, 1_000_000, seed).run();
        mean(&seen.sojourns[0]).expect("M/G/4-PS mean", 1.509434, 0.03);
    }
}

#[test]
fn tandem_of_two_mm1() {
    // Burke 1956: the second queue sees Poisson arrivals, and the sojourns of one job are independent, so T
    // is Erlang-2 with rate 0.5: mean 4; P99 solves exp(-t/2) (1 + t/2) = 0.01: 13.2767.
    for seed in SEEDS {
        let row = Place::Row(vec![Station::new(1, 1), Station::new(1, 1)]);
        let (seen, _) = Open::new(row, Law::Exp(2.0), Law::Exp(1.0), 2_000_000, seed).run();
        mean(&seen.sojourns[0]).expect("D11 mean", 4.0, 0.01);
        quantile(&seen.sojourns[0], 0.99).expect("D11 P99", 13.2767, 0.02);
        quantile(&seen.sojourns[0], 0.999).expect("D11 P99.9", 18.4668, 0.05);
    }
}

#[test]
fn batch_arrivals() {
    // Batches of K = 4 at lambda = 0.1, rho = 0.4: L = rho (1 + K) / (2 (1 - rho)) = 1.66667;
    // T = L / 0.4 = 4.16667.
    for seed in SEEDS {
        let mut open = Open::new(servers(1), Law::Exp(10.0), Law::Exp(1.0), 500_000, seed);
        open.batch = 4;
        let (seen, _) = open.run();
        mean(&seen.sojourns[0]).expect("D14 mean", 4.16667, 0.015);
    }
}

#[test]
fn dm1() {
    // GI/M/1: sigma = exp(-(1 - sigma) x 1.25) = 0.628630; W = sigma / (1 - sigma) = 1.69273.
    for seed in SEEDS {
        let (seen, _) = Open::new(servers(1), Law::Fixed(1.25), Law::Exp(1.0), 2_000_000, seed).run();
        mean(&seen.waits[0]).expect("D15 W", 1.69273, 0.03);
    }
}
