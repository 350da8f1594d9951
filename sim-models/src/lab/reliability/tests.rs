//! The lab component against chains worked out here, and what users can get wrong.

use crate::lab::{Figure, Lab};
use sim_core::Seed;

fn lab(runs: u32, parts: &[(&str, String)]) -> Lab {
    let part = |(name, is): &(&str, String)| format!("(name: \"{name}\", is: Reliability({is})),");
    let parts: String = parts.iter().map(part).collect();
    Lab::parse(&format!("Lab(name: \"x\", runs: {runs}, parts: [{parts}])")).expect("well formed")
}

fn value(figures: &[Figure], name: &str) -> (f64, f64) {
    let figure = figures.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name} in {figures:?}"));
    (figure.value, figure.error.unwrap_or(0.0))
}

/// Mean hours to loss of the chain: from i failed to i + 1 at rate (n - i) / life, back at min(i, crews) / repair.
/// h_i = (1 + back_i h_{i-1}) / on_i, since every step back has to be climbed again; the sum is the answer.
fn chain(units: u32, tolerated: u32, crews: u32, life: f64, repair: f64) -> f64 {
    let mut climb = 0.0;
    let step = |i: u32| {
        let on = f64::from(units - i) / life;
        let back = f64::from(i.min(crews)) / repair;
        climb = (1.0 + back * climb) / on;
        climb
    };
    (0..=tolerated).map(step).sum()
}

#[test]
fn the_chain_gives_the_textbook_figures() {
    // lambda 1e-3, mu 0.1 per hour. Pair: (3 lambda + mu) / (2 lambda^2) = 51,500; three, serial; three, parallel;
    // declustered over four: (7 lambda + mu) / (12 lambda^2) = 8,916.67.
    for ((n, k, crews), hours) in
        [((2, 1, 1), 51_500.0), ((3, 2, 1), 1_735_166.67), ((3, 2, 3), 3_451_833.33), ((4, 1, 1), 8_916.67)]
    {
        let got = chain(n, k, crews, 1000.0, 10.0);
        assert!((got / hours - 1.0).abs() < 1e-6, "{got}");
    }
}

#[test]
fn weighed_and_waited_for_losses_agree_with_the_chain() {
    // Three of five with two crews, lives of 60 h and repairs of 5 h.
    let is = |until: &str| {
        format!(
            "units: 5, needs: Units(3), life: Exp(Hours(60)), repair: Exp(Hours(5)), crews: 2, until: {until}"
        )
    };
    let figures = lab(40, &[("wait", is("Losses(300)")), ("weigh", is("Cycles(3000)"))]).figures(Seed(5));
    let figures = figures.expect("plays");
    let hours = chain(5, 2, 2, 60.0, 5.0);
    for part in ["wait", "weigh"] {
        let (seconds, error) = value(&figures, &format!("{part}.time_to_loss"));
        assert!(error < 0.02 * seconds, "{part}: {error} of {seconds} s");
        assert!((seconds / 3600.0 - hours).abs() < 4.0 * error / 3600.0, "{part}: {seconds} s, {hours} h");
    }
}

#[test]
fn weighing_holds_for_repairs_of_any_law() {
    // A pair whose repair takes exactly r = 10 h, lives of 100 h: a loss is a second failure within 10 h, so
    // P(loss) = 1 - exp(-r / life) = 0.0951626; a cycle is 50 h and then min(r, Exp(life)), 100 P = 9.51626 h.
    let is = "units: 2, needs: Copies(copies: 2, groups: 1), life: Exp(Hours(100)), repair: Always(Hours(10)), \
              until: Cycles(4000)";
    let figures = lab(40, &[("pair", is.into())]).figures(Seed(6)).expect("plays");
    for (name, theory) in [("loss_per_cycle", 0.095_162_58), ("cycle", 59.516_258 * 3600.0)] {
        let (got, error) = value(&figures, &format!("pair.{name}"));
        assert!(error < 0.01 * theory && (got - theory).abs() < 4.0 * error, "{name}: {got} +- {error}");
    }
}

#[test]
fn a_system_that_is_never_repaired_is_lost_when_its_last_spare_fails() {
    // Constant lives: all four end at 5 h, one after the other at the same instant.
    let is = "units: 4, needs: Units(2), life: Always(Hours(5)), until: Losses(3)";
    let figures = lab(2, &[("x", is.into())]).figures(Seed(1)).expect("plays");
    assert_eq!(value(&figures, "x.time_to_loss"), (18_000.0, 0.0));
    assert_eq!(value(&figures, "x.first_failure"), (18_000.0, 0.0));
    assert_eq!(value(&figures, "x.losses"), (3.0, 0.0));
}

#[test]
fn mistakes_are_named_with_a_remedy() {
    let problems = |is: &str| {
        let problems = lab(2, &[("x", is.into())]).problems();
        problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
    };
    let aged =
        problems("units: 2, needs: Units(1), life: Weibull(scale: Hours(9), shape: 2), until: Cycles(9)");
    assert!(aged.contains("parts[0].until: cycles begin anew only where units do not age"), "{aged}");
    let few =
        problems("units: 2, needs: Copies(copies: 3, groups: 1), life: Exp(Hours(9)), until: Losses(1)");
    assert!(few.contains("parts[0].needs.copies: 3 is out of range; write a number from 1 to 2"), "{few}");
    let at_once = problems("units: 2, needs: Units(1), life: Always(Secs(0)), until: For(Hours(1))");
    assert!(at_once.contains("parts[0].life: units fail the moment they are up"), "{at_once}");
}
