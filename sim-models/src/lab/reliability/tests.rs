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

/// The mean of `f` over the repairs whose times are `longer(v)` hours, v being the probability of a longer one:
/// the integral over v = w^4, which is fine where repairs are long.
fn mean(longer: impl Fn(f64) -> f64, f: impl Fn(f64) -> f64) -> f64 {
    let n = 20_000;
    let at = |i: i32| (f64::from(i) + 0.5) / f64::from(n);
    (0..n).map(at).map(|w| 4.0 * w * w * w * f(longer(w * w * w * w)) / f64::from(n)).sum()
}

#[test]
fn weighing_holds_where_few_repairs_take_most_of_the_time() {
    // A pair with lives of 1 / l = 100,000 h: it is lost when the other one fails during the repair R, with
    // probability p = 1 - E[exp(-l R)], and a try takes 1 / 2l + E[min(R, 1 / l)] = 1 / 2l + p / l.
    let (l, e) = (1e-5, libm::exp as fn(f64) -> f64);
    let lognormal = sim_core::Dist::log_normal_mean_cv(10.0, 5.0).expect("a law");
    let lost = |longer: &dyn Fn(f64) -> f64| mean(longer, |r| 1.0 - e(-l * r));
    let rows = [
        ("OneOf([(Hours(1), 99), (Hours(1000), 1)])", 1.0 - 0.99 * e(-l) - 0.01 * e(-1000.0 * l)),
        ("Weibull(scale: Hours(1), shape: 0.3)", lost(&|v| libm::pow(-libm::log(v), 1.0 / 0.3))),
        ("LogNormalCv(mean: Hours(10), cv: 5)", lost(&|v| lognormal.quantile(1.0 - v))),
        ("Pareto(minimum: Hours(4), shape: 1.6667)", lost(&|v| 4.0 * libm::pow(v, -1.0 / 1.6667))),
        ("Exp(Hours(10))", 1.0 - 1.0 / (1.0 + 10.0 * l)),
    ];
    for (law, p) in rows {
        let is = format!(
            "units: 2, needs: Units(1), life: Exp(Hours(100000)), repair: {law}, until: Cycles(4000)"
        );
        let figures = lab(40, &[("pair", is)]).figures(Seed(11)).expect("plays");
        for (name, theory) in [("loss_per_cycle", p), ("time_to_loss", (0.5 + p) / (l * p) * 3600.0)] {
            let (got, error) = value(&figures, &format!("pair.{name}"));
            println!("{law} {name}: {got:e} +- {:.2} %, {theory:e}", 100.0 * error / theory);
            assert!(error < 0.006 * theory && (got - theory).abs() < 3.5 * error, "{law} {name}: {theory}");
        }
    }
}

#[test]
fn weighing_holds_where_several_long_repairs_must_meet() {
    // Three units with a crew each, one of them enough: with lives of 1 / l = 1e6 h and repairs far shorter, the
    // second fails at rate 2 l while the first is repaired for R, and the third at rate l while both are:
    // p = 2 l^2 E[integral over s from 0 to R of min(s, R')]. Of 1 h and 1000 h, 0.99 and 0.01: 0.9801 x 0.5
    // + 0.0099 x (0.5 + 999.5) + 0.0001 x 500,000 = 60.39005. Of exponentials of mean m: 2 l^2 m^2 / 2.
    // Ten of twelve, which fail and are repaired apart: unit by unit failed with q = m l / (1 + m l), so that the
    // third of them fails C(12, 2) q^2 (1 - q)^10 10 l times per hour, here with 1 / l = 1e7 h and m = 10.99 h.
    // Two repairs of 1 % meet in most of the losses, hence the wide errors.
    let (l, rarer): (f64, f64) = (1e-6, 1e-7);
    let law = "OneOf([(Hours(1), 99), (Hours(1000), 1)])";
    let q = 10.99 * rarer / (1.0 + 10.99 * rarer);
    let row = |units, needs, life: f64, law, hours, share: f64| (units, needs, life, law, hours, share);
    let rows = [
        row(3, 1, 1e6, law, 1.0 / (3.0 * l) / (2.0 * l * l * 60.39005), 0.12),
        row(3, 1, 1e6, "Exp(Hours(10))", 1.0 / (3.0 * l) / (l * l * 100.0), 0.02),
        row(12, 10, 1e7, law, 1.0 / (66.0 * q * q * 10.0 * rarer), 0.12),
    ];
    for (units, needs, life, law, hours, share) in rows {
        let is = format!(
            "units: {units}, needs: Units({needs}), life: Exp(Hours({life})), repair: {law}, until: Cycles(4000)"
        );
        let figures = lab(40, &[("x", is)]).figures(Seed(9)).expect("plays");
        let (got, error) = value(&figures, "x.time_to_loss");
        let theory = hours * 3600.0;
        println!("{units} {law}: {got:e} +- {:.2} %, {theory:e}", 100.0 * error / theory);
        assert!(error < share * theory, "{units} {law}: {error} of {got}");
        // Terms of the next order in l times 1000 h were left out: 0.5 %.
        assert!((got - theory).abs() < 3.5 * error + 0.005 * theory, "{units} {law}: {got}, {theory}");
    }
}

#[test]
fn weighing_holds_where_losses_are_common_and_where_there_are_deep_reserves() {
    // Common: nothing is gained by forcing, and nothing may be spoilt. Deep: six failures on top of each other.
    let rows = [
        (4, 1, 4, 20.0, 0.02),
        (6, 3, 2, 30.0, 0.02),
        (20, 4, 20, 500.0, 0.05),
        (8, 5, 1, 1e4, 0.1),
        (7, 5, 7, 1e4, 0.1),
    ];
    for (n, k, crews, life, share) in rows {
        let is = format!(
            "units: {n}, needs: Units({}), life: Exp(Hours({life})), repair: Exp(Hours(5)), crews: {crews}, until: Cycles(4000)",
            n - k
        );
        let figures = lab(40, &[("x", is)]).figures(Seed(10)).expect("plays");
        let (got, error) = value(&figures, "x.time_to_loss");
        let theory = chain(n, k, crews, life, 5.0) * 3600.0;
        println!("{n} {k} {crews}: {got:e} +- {:.2} %, {theory:e}", 100.0 * error / theory);
        assert!(
            error < share * theory && (got - theory).abs() < 3.5 * error,
            "{n} {k} {crews}: {got}, {theory}"
        );
    }
}

#[test]
fn what_never_ends_is_told_with_a_fitting_remedy() {
    // Thirty failures on top of each other in a single try.
    let is = "units: 30, needs: Units(1), life: Exp(Hours(100000)), repair: Exp(Hours(1)), until: Cycles(1)";
    let none = lab(2, &[("x", is.into())]).figures(Seed(1)).expect_err("no loss");
    assert!(none.starts_with("x: none of 1 cycles ended in loss"), "{none}");
    // A lab file has no budget of events.
    let spent = sim_core::RunError::EventBudget { limit: 9, at: sim_core::SimTime(1_000_000_000) };
    let told = crate::lab::unfinished(&spent, "write fewer");
    assert!(told.starts_with("not done after 9 events") && told.ends_with(": write fewer"), "{told}");
}

#[test]
fn repairs_without_a_mean_are_doubted() {
    let doubts = |shape: f64| {
        let repair = format!("Pareto(minimum: Hours(1), shape: {shape})");
        let is =
            format!("units: 2, needs: Units(1), life: Exp(Hours(9)), repair: {repair}, until: For(Hours(9))");
        lab(2, &[("x", is)]).doubts()
    };
    assert!(doubts(1.01).is_empty());
    let [doubt] = &doubts(1.0)[..] else { panic!("one doubt") };
    assert!(doubt.starts_with("x: the repair has no mean"), "{doubt}");
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
    for until in ["Losses(1)", "Cycles(9)"] {
        let vain = problems(&format!(
            "units: 2, needs: Units(1), life: Exp(Hours(9)), repair: Always(Secs(0)), until: {until}"
        ));
        assert!(vain.contains("parts[0].repair: repairs take no time, so nothing is ever lost"), "{vain}");
    }
    let few =
        problems("units: 2, needs: Copies(copies: 3, groups: 1), life: Exp(Hours(9)), until: Losses(1)");
    assert!(few.contains("parts[0].needs.copies: 3 is out of range; write a number from 1 to 2"), "{few}");
    let at_once = problems("units: 2, needs: Units(1), life: Always(Secs(0)), until: For(Hours(1))");
    assert!(at_once.contains("parts[0].life: units fail the moment they are up"), "{at_once}");
}
