//! What a user may get wrong, and what is said about it.

use crate::lab::Lab;
use sim_core::Seed;

fn parse(station: &str) -> Lab {
    let text = format!("Lab(name: \"test\", runs: 2, parts: [(name: \"q\", is: Station({station}))])");
    Lab::parse(&text).expect("well formed")
}

#[test]
fn combinations_without_a_meaning_are_named() {
    let rows = [
        (
            "arrivals: Phases([(Exp(Us(1)), PerS(1))]), service: Exp(Secs(1)), jobs: 10",
            "so few come in a round",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), jobs: 10, servers: 2000, discipline: LcfsPreemptive",
            "parts[0].servers: 2000 is out of range",
        ),
        (
            "arrivals: Poisson(PerS(1)), jobs: 10, stages: [(service: Exp(Secs(1)), fork: (legs: 1000, needed: 1)),
             (service: Exp(Secs(1)), fork: (legs: 1000, needed: 1)), (service: Exp(Secs(1)), fork: (legs: 1000, needed: 1))]",
            "parts[0]: 3000 copies",
        ),
        ("service: Exp(Secs(1)), jobs: 10", "parts[0]: nobody comes"),
        ("arrivals: Poisson(PerS(1)), jobs: 10", "no service for class `job`"),
        ("arrivals: Poisson(PerS(0)), service: Exp(Secs(1)), jobs: 10", "parts[0].arrivals: a rate of 0"),
        ("arrivals: Gaps(Always(Secs(0))), service: Exp(Secs(1)), jobs: 10", "gaps of 0"),
        (
            "arrivals: Phases([(Exp(Secs(1)), PerS(0))]), service: Exp(Secs(1)), jobs: 10",
            "nobody comes in any phase",
        ),
        ("arrivals: Phases([]), service: Exp(Secs(1)), jobs: 10", "nobody comes in any phase"),
        ("arrivals: Poisson(PerS(1)), service: Exp(Secs(1))", "for how long"),
        ("arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), jobs: 10, lasts: Secs(1)", "for how long"),
        ("arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), jobs: 0", "parts[0].jobs: 0 jobs"),
        ("arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), lasts: Secs(0)", "parts[0].lasts: no time"),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), discipline: Priority, jobs: 10",
            "a priority among",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), servers: 0, jobs: 10",
            "parts[0].servers: 0 is out",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), fork: (legs: 2, needed: 3), jobs: 10",
            "parts[0].fork: 3 is out of range",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), stages: [(service: Exp(Secs(1)))], jobs: 10",
            "beside a list of stages",
        ),
        (
            "arrivals: Poisson(PerS(1)), classes: [(name: \"a\", arrivals: Poisson(PerS(1)))], service: Exp(Secs(1)), jobs: 10",
            "arrivals stand beside classes",
        ),
        (
            "classes: [(name: \"a\", arrivals: Poisson(PerS(1)), service: Exp(Secs(1)))],
             stages: [(service: Exp(Secs(1))), (service: Exp(Secs(1)))], jobs: 10",
            "parts[0].classes[0].service: it is not clear at which stage",
        ),
        (
            "classes: [(name: \"a\", arrivals: Poisson(PerS(1)), services: [Exp(Secs(1))])],
             stages: [(), ()], jobs: 10",
            "1 services for 2 stages",
        ),
        (
            "classes: [(name: \"a\", arrivals: Poisson(PerS(1))), (name: \"a\", arrivals: Poisson(PerS(1)))],
             service: Exp(Secs(1)), jobs: 10",
            "the name `a`",
        ),
        (
            "arrivals: Closed(customers: 3, think: Exp(Secs(1))), batch: Fixed(2), service: Exp(Secs(1)), jobs: 10",
            "parts[0].batch: customers come one by one",
        ),
        (
            "arrivals: Closed(customers: 3, think: Always(Secs(0))), service: Always(Secs(0)), jobs: 10",
            "neither think nor are served",
        ),
        (
            "arrivals: Closed(customers: 5, think: Always(Secs(0))), service: Exp(Secs(1)), buffer: 2, jobs: 10",
            "customers of `job` who are refused come again at the same instant",
        ),
        (
            "arrivals: Closed(customers: 1, think: Always(Secs(0))), service: Exp(Secs(1)), jobs: 10,
             outage: (up: Exp(Secs(9)), down: Exp(Secs(1)), jobs: Lost)",
            "customers of `job` who are refused come again at the same instant",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Exp(Secs(1)), discipline: Ps, jobs: 10,
             outage: (up: Exp(Secs(1)), down: Exp(Secs(1)), jobs: Finish)",
            "under `Ps` everybody is in service",
        ),
        (
            "arrivals: Poisson(PerS(1)), service: Gamma(mean: Secs(1), shape: 0), jobs: 10",
            "parts[0].service: Gamma",
        ),
        ("arrivals: Poisson(PerS(1)), service: OneOf([]), jobs: 10", "parts[0].service: OneOf"),
        (
            "arrivals: Poisson(PerS(1)), batch: Geometric(0.5), service: Exp(Secs(1)), jobs: 10",
            "parts[0].batch: 0.5 is out of range",
        ),
    ];
    for (station, message) in rows {
        let problems: Vec<String> = parse(station).problems().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|p| p.contains(message)), "{station}: {problems:?}");
    }
}

#[test]
fn what_only_shows_while_playing_is_told_in_words() {
    // More than a million inside: 2 a second come and nobody is served for a year.
    let lab = parse("arrivals: Poisson(PerS(2)), service: Always(Days(365)), jobs: 3000000");
    assert_eq!(lab.problems(), []);
    let told = lab.figures(Seed(1)).expect_err("too many");
    assert!(
        told.contains("1000000 jobs are at one place")
            && told.contains("or write fewer `jobs`")
            && told.starts_with("q: "),
        "{told}"
    );
}

#[test]
fn runs_differ_only_where_something_is_drawn() {
    let fixed = "arrivals: Gaps(Always(Secs(2))), service: Always(Secs(1)), jobs: 10";
    assert_eq!(parse(fixed).runs_needed(), 1);
    for random in [
        "arrivals: Poisson(PerS(1)), service: Always(Secs(1)), jobs: 10",
        "arrivals: Gaps(Always(Secs(2))), service: Exp(Secs(1)), jobs: 10",
        "arrivals: Gaps(Always(Uniform(Secs(2), Secs(3)))), service: Always(Secs(1)), jobs: 10",
        "arrivals: Gaps(Always(Secs(2))), batch: Geometric(2), stages: [(service: Always(Secs(1)))], jobs: 10",
        "arrivals: Gaps(Always(Secs(2))), stages: [(service: Exp(Secs(1)))], jobs: 10",
    ] {
        assert_eq!(parse(random).runs_needed(), 2, "{random}");
    }
}

/// Asked for 1.2 times what it can serve, a queue without a bound grows; one with a buffer, or one that customers
/// come back to, does not. With servers up 3/4 of the time, 0.9 is 1.2 too.
#[test]
fn a_queue_that_grows_for_ever_is_doubted() {
    let doubts = |station: &str| {
        let text = format!(
            "Lab(name: \"x\", parts: [(name: \"q\", is: Station({station}, service: Exp(Secs(1)), jobs: 9))])"
        );
        let lab = Lab::parse(&text).expect("well formed");
        assert_eq!(lab.problems(), []);
        lab.doubts()
    };
    let outage = |jobs: &str| {
        format!("arrivals: Poisson(PerS(0.9)), outage: (up: Exp(Secs(3)), down: Exp(Secs(1)), jobs: {jobs})")
    };
    for grows in ["arrivals: Poisson(PerS(1.2))".to_string(), outage("Wait")] {
        let found = doubts(&grows);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("q: is asked for 1.20 times what it can serve"), "{found:?}");
    }
    let settles = [
        "arrivals: Poisson(PerS(0.9))".to_string(),
        "arrivals: Poisson(PerS(1.2)), servers: 2".to_string(),
        "arrivals: Poisson(PerS(1.2)), buffer: 5".to_string(),
        "arrivals: Closed(customers: 9, think: Exp(Ms(1)))".to_string(),
        outage("Lost"),
    ];
    for settles in settles {
        assert!(doubts(&settles).is_empty(), "{settles}");
    }
}

#[test]
fn room_for_all_customers_refuses_nobody() {
    // Five customers and five places, none of which is ever left for longer than an instant: no loss.
    let lab = parse(
        "arrivals: Closed(customers: 5, think: Always(Secs(0))), service: Exp(Secs(1)), buffer: 4, jobs: 100",
    );
    assert_eq!(lab.problems(), []);
    let figures = lab.figures(Seed(1)).expect("plays");
    assert_eq!(figures.iter().find(|f| f.name == "q.loss").map(|f| f.value), Some(0.0));
}

#[test]
fn times_without_a_mean_are_doubted() {
    let doubts = |shape: f64, rest: &str| {
        let law = format!("Pareto(minimum: Ms(1), shape: {shape})");
        let lab = parse(&format!("{}, jobs: 9", rest.replace("LAW", &law)));
        assert_eq!(lab.problems(), []);
        lab.doubts()
    };
    let rows = [
        ("arrivals: Poisson(PerS(0.5)), service: LAW", "q: the service of `job` has no mean"),
        ("arrivals: Gaps(LAW), service: Exp(Us(9))", "q: the time between arrivals of `job` has no mean"),
        (
            "arrivals: Poisson(PerS(0.5)), service: Exp(Secs(1)), outage: (up: Exp(Secs(9)), down: LAW, jobs: Lost)",
            "q: the outage of `stage1` has no mean",
        ),
    ];
    for (station, told) in rows {
        let found = doubts(1.0, station);
        assert!(found.len() == 1 && found[0].starts_with(told), "{station}: {found:?}");
        assert!(doubts(1.5, station).is_empty(), "{station}");
    }
}
