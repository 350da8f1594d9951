//! Stations of odd combinations against closed forms, as a user would write them.

use crate::lab::{Figure, Lab};
use sim_core::Seed;

mod mistakes;
mod short;

/// Plays `station`, the inside of a `Station(...)`, over 40 runs.
fn play(station: &str) -> Vec<Figure> {
    play_runs(40, station)
}

fn play_runs(runs: u32, station: &str) -> Vec<Figure> {
    let text = format!("Lab(name: \"test\", runs: {runs}, parts: [(name: \"q\", is: Station({station}))])");
    let lab = Lab::parse(&text).expect("well formed");
    assert_eq!(lab.problems(), []);
    let figures = lab.figures(Seed(7)).expect("plays");
    for identity in ["q.little_gap", "q.work_gap"] {
        let gap = figures.iter().find(|f| f.name == identity);
        // A share that ends inside a nanosecond is reported at the next: at most 1 ns for each of 30,000 jobs.
        let least = if identity == "q.work_gap" && station.contains("Ps") { 3e-5 } else { 0.0 };
        assert!(gap.is_none_or(|g| g.value.abs() <= least), "{identity}: {gap:?}");
    }
    figures
}

fn figure<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    let name = format!("q.{name}");
    let names = || figures.iter().map(|f| f.name.as_str()).collect::<Vec<_>>();
    figures.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no {name} among {:?}", names()))
}

/// Within four standard errors of theory, where those four are at most `share` of it.
#[track_caller]
fn expect(figures: &[Figure], name: &str, theory: f64, share: f64) {
    let got = figure(figures, name);
    let error = got.error.unwrap_or(0.0);
    println!("{name}: {:.6} against {theory:.6}, 4 errors {:.2} %", got.value, 400.0 * error / theory);
    assert!(4.0 * error <= share * theory, "{name}: too noisy, {got:?}");
    let slack = (4.0 * error).max(1e-9 * theory);
    assert!((got.value - theory).abs() <= slack, "{name}: {got:?}, theory {theory}");
}

#[test]
fn breakdowns_of_an_exponential_server() {
    // Up with rate f = 0.1 of failing and r = 0.9 of repair, lambda = 0.5, mu = 1, A = r / (f + r) = 0.9. The
    // generating functions of the number present, down and up, are G0 = f G1 / (lambda (1 - z) + r) and
    // G1 = mu p / (mu - lambda z - f lambda z / (lambda (1 - z) + r)); their derivatives at 1 give
    // U = (lambda + A f lambda^2 / r^2) / (mu - lambda / A) = 1.1875, L = U / A + f lambda A / r^2 = 1.375.
    let outage = "outage: (up: Exp(Secs(10)), down: Exp(Secs(1.1111111111)), jobs: Wait), jobs: 25000";
    let f = play(&format!("arrivals: Poisson(PerS(0.5)), service: Exp(Secs(1)), {outage}"));
    expect(&f, "present", 1.375, 0.03);
    expect(&f, "sojourn.mean", 2.75, 0.03);
    expect(&f, "availability", 0.9, 0.01);
    // Interrupting priority does not see the class below, so the first class is the same with lambda = 0.2:
    // U = 0.262857, L = 0.314286, T = 1.571429. Over both classes the number present is that of above.
    let f = play(&format!(
        "classes: [(name: \"a\", arrivals: Poisson(PerS(0.2))), (name: \"b\", arrivals: Poisson(PerS(0.3)))],
         service: Exp(Secs(1)), discipline: PriorityPreemptive, {outage}"
    ));
    expect(&f, "a.sojourn.mean", 1.571429, 0.02);
    expect(&f, "a.present", 0.314286, 0.02);
    expect(&f, "present", 1.375, 0.03);
}

#[test]
fn an_outage_does_to_jobs_what_it_says() {
    // By hand: one job every 10 s from t = 10, services of 4 s, down in [22, 27] and [49, 54]. The job of 20 is
    // cut at 22 and that of 50 finds the servers down. Five jobs:
    // Finish: 4, 4, 4, 4 and 54 + 4 - 50 = 8, mean 4.8. Wait: the second has 2 s left at 27, so 9, mean 5.8.
    // Lost: both are gone, the others take 4.
    let rows = [("Finish", 4.8, 0.0), ("Wait", 5.8, 0.0), ("Lost", 4.0, 0.4)];
    for (fate, sojourn, loss) in rows {
        let f = play(&format!(
            "arrivals: Gaps(Always(Secs(10))), service: Always(Secs(4)), jobs: 5, warmup: Jobs(0),
             outage: (up: Always(Secs(22)), down: Always(Secs(5)), jobs: {fate})"
        ));
        let (mean, lost) = (figure(&f, "sojourn.mean").value, figure(&f, "loss").value);
        assert!((mean - sojourn).abs() < 1e-9 && lost == loss, "{fate}: {mean}, {lost}");
        assert_eq!(figure(&f, "sojourn.mean").error, None, "nothing is random");
    }
}

#[test]
fn copies_fail_on_their_own() {
    // Service takes next to no time, so a leg is lost when its copy is down: 1 - A = 0.1 each. Needed 1 of 2:
    // loss 0.01. Needed 2 of 2: 1 - 0.81 = 0.19.
    for (needed, loss, share) in [(1, 0.01, 0.06), (2, 0.19, 0.02)] {
        let f = play(&format!(
            "arrivals: Poisson(PerS(1)), service: Always(Us(1)), fork: (legs: 2, needed: {needed}), jobs: 20000,
             outage: (up: Exp(Ms(900)), down: Exp(Ms(100)), jobs: Lost)"
        ));
        expect(&f, "loss", loss, share);
        expect(&f, "stage1.loss", 0.1, 0.02);
    }
}

#[test]
fn shares_with_a_short_queue() {
    // M/G/1-PS/10 at rho 0.9 is insensitive: the number inside is that of M/M/1/10, so loss 0.0508137,
    // L = 3.969441, T = L / (0.9 (1 - loss)) = 4.646601.
    for law in ["Always(Secs(1))", "LogNormalCv(mean: Secs(1), cv: 1.5)"] {
        let f = play(&format!(
            "arrivals: Poisson(PerS(0.9)), service: {law}, discipline: Ps, buffer: 9, jobs: 20000"
        ));
        expect(&f, "loss", 0.0508137, 0.08);
        expect(&f, "present", 3.969441, 0.04);
        expect(&f, "sojourn.mean", 4.646601, 0.04);
    }
}

#[test]
fn several_servers_with_a_short_queue() {
    // M/M/3/7, lambda = 3: weights 1, 3, 4.5, then 4.5 each: loss 4.5 / 31 = 0.145161, T = 1.566038. Neither
    // the order nor interruptions change the number inside.
    for discipline in ["Fcfs", "Lcfs", "LcfsPreemptive"] {
        let f = play(&format!(
            "arrivals: Poisson(PerS(3)), service: Exp(Secs(1)), servers: 3, buffer: 4, jobs: 20000, discipline: {discipline}"
        ));
        expect(&f, "loss", 0.145161, 0.03);
        expect(&f, "sojourn.mean", 1.566038, 0.02);
        expect(&f, "empty", 1.0 / 31.0, 0.06);
    }
}

#[test]
fn a_finite_population_without_a_queue() {
    // Engset: of 10 customers an arrival sees the other 9: weights C(9, k) 0.2^k = 1, 1.8, 1.44, 0.672, so
    // loss = 0.672 / 4.912 = 0.136808, whatever the law of the service.
    for law in ["Exp(Secs(1))", "Always(Secs(1))", "Weibull(scale: Secs(1.1283791671), shape: 2)"] {
        let f = play(&format!(
            "arrivals: Closed(customers: 10, think: Exp(Secs(5))), service: {law}, servers: 3, buffer: 0, jobs: 20000"
        ));
        expect(&f, "loss", 0.136808, 0.03);
    }
}

#[test]
fn last_come_first_served_in_batches() {
    // Geometric batches of mean 3, E[X^2] = 3 x 5, rho = 0.45: L = rho (1 + E[X^2] / E[X]) / (2 (1 - rho))
    // = 0.45 x 6 / 1.1 = 2.454545 under any order that does not look at exponential services; T = L / 0.45.
    for discipline in ["Lcfs", "LcfsPreemptive"] {
        let f = play(&format!(
            "arrivals: Poisson(PerS(0.15)), batch: Geometric(3), service: Exp(Secs(1)), jobs: 30000, discipline: {discipline}"
        ));
        expect(&f, "present", 2.454545, 0.04);
        expect(&f, "sojourn.mean", 5.454545, 0.04);
        expect(&f, "found", 2.454545, 0.04);
    }
}

#[test]
fn interruptions_among_equals_are_insensitive() {
    // M/G/1-LCFS with preemptive resume: T = E[S] / (1 - rho) = 2.5 for any law at rho 0.6.
    let values = "OneOf([(Ms(250), 0.64), (Secs(1), 0.2), (Secs(4), 0.16)])"; // mean 0.16 + 0.2 + 0.64 = 1
    for law in ["Gamma(mean: Secs(1), shape: 4)", "Between(Ms(500), Ms(1500))", values] {
        let f = play(&format!(
            "arrivals: Poisson(PerS(0.6)), service: {law}, discipline: LcfsPreemptive, jobs: 30000"
        ));
        expect(&f, "sojourn.mean", 2.5, 0.03);
    }
}

#[test]
fn waits_depend_on_the_second_moment_of_the_service() {
    // W = lambda E[S^2] / (2 (1 - rho)) at rho 0.6. Erlang of 4: 0.6 x 1.25 / 0.8 = 0.9375. Uniform: E[S^2] =
    // 1 + 1/12, 0.8125. Weibull of shape 2: E[S^2] = scale^2 = 4 / pi, 0.954930. Pareto of shape 6 and minimum
    // 5/6: E[S^2] = (25/36) 6/4 = 1.041667, 0.78125. Three values: 0.04 + 0.2 + 2.56 = 2.8, 2.1.
    let rows = [
        ("Gamma(mean: Secs(1), shape: 4)", 0.9375),
        ("Between(Ms(500), Ms(1500))", 0.8125),
        ("Weibull(scale: Secs(1.1283791671), shape: 2)", 0.954930),
        ("Pareto(minimum: Secs(0.8333333333), shape: 6)", 0.78125),
        ("OneOf([(Ms(250), 0.64), (Secs(1), 0.2), (Secs(4), 0.16)])", 2.1),
    ];
    for (law, wait) in rows {
        let f = play(&format!("arrivals: Poisson(PerS(0.6)), service: {law}, jobs: 25000"));
        expect(&f, "wait.mean", wait, 0.04);
        expect(&f, "waited", 0.6, 0.01);
    }
}

#[test]
fn five_classes_in_order() {
    // Cobham, lambda 0.15 each, W0 = 0.75: W1 = 0.75 / 0.85, W3 = 0.75 / (0.7 x 0.55), W5 = 0.75 / (0.4 x 0.25).
    let classes: String =
        (1..=5).map(|i| format!("(name: \"c{i}\", arrivals: Poisson(PerS(0.15))),")).collect();
    let f = play(&format!("classes: [{classes}], service: Exp(Secs(1)), discipline: Priority, jobs: 60000"));
    expect(&f, "c1.wait.mean", 0.882353, 0.02);
    expect(&f, "c3.wait.mean", 1.948052, 0.03);
    expect(&f, "c5.wait.mean", 7.5, 0.08);
}

#[test]
fn a_row_that_loses_at_its_door() {
    // M/M/1/4 at lambda 0.8 lets 0.702523 through and holds 1.563065; the second stage works 0.6 of a second
    // for each, so its utilisation is 0.421514.
    let f = play(
        "arrivals: Poisson(PerS(0.8)), jobs: 30000,
         stages: [(name: \"door\", service: Exp(Secs(1)), buffer: 3), (name: \"hall\", service: Exp(Ms(600)))]",
    );
    expect(&f, "throughput", 0.702523, 0.01);
    expect(&f, "door.present", 1.563065, 0.01);
    expect(&f, "hall.utilisation", 0.421514, 0.01);
    expect(&f, "loss", 0.121847, 0.03);
}

#[test]
fn closed_circles() {
    // Ten machines, mean life 4, two repairers: birth and death weights give 3.165870 down, 1.708532 repairs a
    // second, 1.852976 down each time.
    let f = play(
        "arrivals: Closed(customers: 10, think: Exp(Secs(4))), service: Exp(Secs(1)), servers: 2, jobs: 25000",
    );
    expect(&f, "present", 3.165870, 0.01);
    expect(&f, "throughput", 1.708532, 0.01);
    expect(&f, "sojourn.mean", 1.852976, 0.01);
    // An arrival of five sees the other four in equilibrium (arrival theorem): weights of 4! / (4 - k)! 0.1^k
    // are 1, 0.4, 0.12, 0.024, 0.0024: it finds 0.7216 / 1.5464 = 0.466632.
    let f = play("arrivals: Closed(customers: 5, think: Exp(Secs(10))), service: Exp(Secs(1)), jobs: 25000");
    expect(&f, "found", 0.466632, 0.02);
    // One customer, two legs of mean 1, both needed: 1.5 s a turn, so X = 1 / (5 + 1.5).
    let f = play(
        "arrivals: Closed(customers: 1, think: Exp(Secs(5))), service: Exp(Secs(1)), fork: (legs: 2, needed: 2), jobs: 20000",
    );
    expect(&f, "throughput", 1.0 / 6.5, 0.01);
    expect(&f, "sojourn.mean", 1.5, 0.01);
    // Two classes of one customer each at a shared server, Z = 10, D = 1 and 2 (mean value analysis): each sees
    // the other alone, R_a = 1 (1 + 2/12) = 1.166667, R_b = 2 (1 + 1/11) = 2.181818.
    let f = play(
        "classes: [(name: \"a\", arrivals: Closed(customers: 1, think: Exp(Secs(10))), service: Exp(Secs(1))),
                   (name: \"b\", arrivals: Closed(customers: 1, think: Exp(Secs(10))), service: Always(Secs(2)))],
         discipline: Ps, jobs: 25000",
    );
    expect(&f, "a.sojourn.mean", 1.166667, 0.015);
    expect(&f, "b.sojourn.mean", 2.181818, 0.015);
}

#[test]
fn arrivals_that_come_in_spells() {
    // On for 1 s at rate 2, off for 1 s, both exponential: a renewal process whose gaps have the transform
    // A(s) = 2 (s + 1) / (s^2 + 4 s + 2) (Kuczura 1973). At a server of rate 2, sigma = A(2 (1 - sigma))
    // = 0.633975 wait, W = sigma / (2 (1 - sigma)) = 0.866025. It idles half of the time.
    let f = play(
        "arrivals: Phases([(Exp(Secs(1)), PerS(2)), (Exp(Secs(1)), PerS(0))]), service: Exp(Ms(500)), jobs: 40000",
    );
    expect(&f, "waited", 0.633975, 0.015);
    expect(&f, "wait.mean", 0.866025, 0.05);
    expect(&f, "empty", 0.5, 0.03);
}

#[test]
fn the_order_of_service_moves_no_work() {
    // The same arrivals and works at one server that idles only when nobody is there: it is empty at the same
    // instants under any order.
    let of = |discipline: &str| {
        let f = play(&format!(
            "classes: [(name: \"a\", arrivals: Poisson(PerS(0.4))), (name: \"b\", arrivals: Poisson(PerS(0.4)))],
             service: Exp(Secs(1)), discipline: {discipline}, jobs: 5000, warmup: Jobs(0)"
        ));
        (
            figure(&f, "empty").value.to_bits(),
            figure(&f, "utilisation").value.to_bits(),
            figure(&f, "wait.p99").value,
        )
    };
    let fcfs = of("Fcfs");
    for discipline in ["Lcfs", "LcfsPreemptive", "Priority", "PriorityPreemptive"] {
        let other = of(discipline);
        assert_eq!((other.0, other.1), (fcfs.0, fcfs.1), "{discipline}");
        assert_ne!(other.2, fcfs.2, "{discipline} serves in another order");
    }
}
