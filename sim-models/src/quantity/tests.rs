use super::*;
use sim_core::{Seed, Span};

fn problem_of<U: Unit + serde::de::DeserializeOwned>(typed: &str) -> String {
    let unit: U = ron::from_str(typed).expect("well formed");
    let mut r = Resolver::typical();
    unit.resolve("here", &mut r);
    r.problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_problem_names_the_value_and_the_range() {
    let bad = [
        problem_of::<Time>("Ms(-3)"),
        problem_of::<Time>("Secs(NaN)"),
        problem_of::<Size>("TiB(1e9)"),
        problem_of::<Fraction>("Percent(120)"),
        problem_of::<Time>("Uniform(Secs(7), Secs(3))"),
        problem_of::<Time>("Uniform(Secs(7), Exponential(Secs(3)))"),
        problem_of::<Time>("Normal(mean: Secs(5), sd: Secs(2))"),
        problem_of::<Time>("OneOf([])"),
    ];
    let wanted = [
        "here: Ms(-3.0): -0.003 s, below 0; write a time from 0 to 1e9 s",
        "here: Secs(NaN): not a number; write a time from 0 to 1e9 s",
        "here: TiB(1000000000.0): 1099511627776000000000 bytes, above 1000000000000000000; write a size from 0 \
         to 1e18 bytes",
        "here: Percent(120.0): 1.2 of a whole, above 1; write a part from Share(0) to Share(1), or Percent(0) \
         to Percent(100)",
        "here: Uniform(Secs(7.0), Secs(3.0)): high - low is -4: must be finite and at least 0; write a time \
         from 0 to 1e9 s",
        "here: Uniform(Secs(7.0), Exponential(Secs(3.0))): a distribution inside a distribution; write a time \
         from 0 to 1e9 s",
        // The quantile at one millionth of a standard normal is -4.753424, and 5 - 2 * 4.753424 = -4.506849.
        "here: Normal { mean: Secs(5.0), sd: Secs(2.0) }: one draw in a million gives -4.50684",
    ];
    for (got, want) in bad.iter().zip(wanted) {
        assert!(got.starts_with(want), "\n{got}\n{want}");
    }
    assert!(bad[7].contains("OneOf([])"), "{}", bad[7]);
}

#[test]
fn a_draw_follows_the_name_and_not_the_place_in_a_list() {
    let memory: Time = ron::from_str("Uniform(Secs(3), Secs(7))").unwrap();
    let draw = |path: &str, entity: &str| {
        let mut r = Resolver::drawn(Streams::new(Seed(1), 0));
        r.enter(path, entity);
        memory.resolve(&format!("{path}.memory"), &mut r)
    };
    let web = draw("groups[0]", "group web");
    assert_eq!(web, draw("groups[7]", "group web"));
    assert_ne!(web, draw("groups[0]", "group app"));
    assert!(web >= Span::secs(3) && web < Span::secs(7));
}
