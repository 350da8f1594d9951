//! Poisson arrivals see time averages (Wolff 1982); others do not.

use super::check::{constant, replicate};
use super::queue::{LEVELS, Queue};
use sim_core::{SimTime, Streams};

/// Per level: the share of arrivals that find it and the share of time that it holds.
fn shares(queue: Queue) -> [(f64, f64); LEVELS] {
    let mut sim = queue.simulation();
    sim.run_until(SimTime::NEVER).expect("within budget");
    let seen = &sim.record;
    let arrivals: u64 = seen.found.iter().sum();
    std::array::from_fn(|n| {
        let time = seen.held[n].as_secs() / sim.now().as_secs();
        (seen.found[n] as f64 / arrivals as f64, time)
    })
}

#[test]
fn poisson_arrivals_see_time_averages() {
    // M/M/1 at rho 0.7: both shares are 0.3 x 0.7^n, and 0.7^7 for the last level. Their difference has a far
    // smaller error than either, for both follow the same path.
    const RHO: f64 = 0.7;
    let run = |streams: Streams| shares(Queue::new(RHO, 25_000, &streams));
    let found = replicate(91, |s| run(s).map(|(found, _)| found));
    let held = replicate(91, |s| run(s).map(|(_, held)| held));
    let apart = replicate(91, |s| run(s).map(|(found, held)| found - held));
    for n in 0..LEVELS {
        let theory = if n == LEVELS - 1 { 1.0 } else { 1.0 - RHO } * RHO.powi(n as i32);
        found[n].expect(&format!("arrivals that find {n}"), theory, 0.12);
        held[n].expect(&format!("time with {n}"), theory, 0.12);
        let four = 4.0 * apart[n].error;
        assert!(four < 0.03 * theory, "level {n}: too noisy, {four}");
        assert!(apart[n].value.abs() < four, "level {n}: {:?}", apart[n]);
    }
}

#[test]
fn regular_arrivals_find_the_server_idle_more_often_than_it_is() {
    // D/M/1 with gaps of 1.25: an arrival finds it idle with probability 1 - sigma = 0.371370, sigma =
    // exp(-1.25 (1 - sigma)), while it idles 1 - rho = 0.2 of the time.
    let [found, held] = replicate(92, |streams| {
        let mut queue = Queue::new(0.8, 40_000, &streams);
        queue.gap = constant(1.25);
        let (found, held) = shares(queue)[0];
        [found, held]
    });
    found.expect("arrivals that find nobody", 0.371_370, 0.015);
    held.expect("time with nobody", 0.2, 0.025);
}
