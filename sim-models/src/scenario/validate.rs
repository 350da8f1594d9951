//! What only shows when the parts are put together: does it fit, can it happen, can it be simulated?

mod doubts;
mod fit;
mod objectives;

pub(super) use doubts::doubts;

use super::Scenario;
use crate::quantity::Resolver;

/// Notes everything that is wrong with a scenario as a whole. Where a part is already known to be wrong,
/// what depends on it is left out: stand-in values would only produce nonsense.
pub(super) fn whole(scenario: &Scenario, r: &mut Resolver) {
    if let Some(source) = &scenario.source
        && source.name == scenario.target.name
    {
        let what = format!("`{}` is the name of the source too", source.name);
        r.problem("target.name", what, "give each cluster a name of its own");
    }
    if scenario.wave.is_some() && scenario.source.is_none() {
        r.problem("wave", "there is no source to move from", "write `source: (...)`, or leave out the wave");
    }
    if scenario.futures_per_past > 1 && scenario.timeline.duress == sim_core::Span::ZERO {
        let what = "nothing moves or breaks, so all futures of one past would be the same";
        r.problem("futures_per_past", what, "write 1, or leave it out");
    }
    if sound(r, &["groups", "source", "target"]) {
        fit::clusters(scenario, r);
    }
    objectives::possible(scenario, r);
    if r.problems.is_empty() {
        within_budget(scenario, r);
    }
}

/// Nothing is known to be wrong with these top-level fields.
fn sound(r: &Resolver, fields: &[&str]) -> bool {
    let top = |path: &str| path.split(['.', '[']).next().unwrap_or_default().to_string();
    !r.problems.iter().any(|p| fields.contains(&top(&p.path).as_str()))
}

fn within_budget(scenario: &Scenario, r: &mut Resolver) {
    let estimate = scenario.estimate();
    if estimate.events <= scenario.event_budget as f64 {
        return;
    }
    r.problem(
        "event_budget",
        format!(
            "a run would need about {:.0} million events ({:.1} million requests); {} million are allowed",
            estimate.events / 1e6,
            estimate.requests / 1e6,
            scenario.event_budget / 1_000_000
        ),
        "write smaller windows, fewer VMs or lower rates, or a larger budget",
    );
}
