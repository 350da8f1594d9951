//! What can be simulated and is probably not what was meant.

use crate::quantity::Problem;
use crate::scenario::{Fault, Replication, Scenario, Wave, When};
use sim_core::{Bytes, Span};

/// A move copies at this share of a host's port at least (assumed: the reference cluster comes to a third).
const SLOW_COPY: f64 = 0.25;
/// From shut-down to boot, and the hand-over between the managers (assumed: the reference cluster's P95 is 90 s).
const SLOW_CUT_OVER: Span = Span::mins(2);

/// Everything doubtful about a sound scenario.
pub(in crate::scenario) fn doubts(s: &Scenario) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut doubt = |path: String, what: String, remedy: &str| {
        found.push(Problem { path, what, remedy: remedy.into() });
    };
    if let Some(what) = s.wave.as_ref().and_then(|wave| apart(s, wave)) {
        let remedy = "move `faults[].when` or `wave.start`, if both are to happen at once";
        doubt("faults".into(), what, remedy);
    }
    for (i, fault) in s.faults.iter().enumerate() {
        if fault.heals_after.as_ref().is_some_and(|law| law.quantile(0.5) <= 0.0) {
            let what = "heals the moment it strikes".to_string();
            doubt(format!("faults[{i}].heals_after"), what, "write a time above zero");
        }
    }
    found
}

/// Why no fault meets the wave, if none can.
fn apart(s: &Scenario, wave: &Wave) -> Option<String> {
    let times: Vec<(Span, Span)> = s.faults.iter().filter_map(|f| broken(s, f)).collect();
    let over = Span(wave.start.0.saturating_add(slow(s, wave).0));
    if times.is_empty() || times.iter().any(|(from, until)| *from < over && *until > wave.start) {
        return None;
    }
    let first = times.iter().map(|(from, _)| *from).min()?;
    let start = wave.start;
    Some(if first >= over {
        format!("nothing breaks before {first}; by then the wave, which begins at {start}, is probably over")
    } else if times.iter().all(|(_, until)| *until <= start) {
        format!("whatever breaks has healed before the wave begins at {start}")
    } else {
        format!("nothing is broken while the wave, which begins at {start}, is probably under way")
    })
}

/// The earliest time at which a fault may strike and the latest at which it is healed; `None` if it never does.
fn broken(s: &Scenario, fault: &Fault) -> Option<(Span, Span)> {
    let (first, last) = strikes(s, fault)?;
    let heals = fault.heals_after.as_ref().map(|law| Span::from_secs_f64(law.quantile(1.0 - 1e-6)));
    Some((first, heals.map_or(Span::MAX, |h| Span(last.0.saturating_add(h.0)))))
}

fn strikes(s: &Scenario, fault: &Fault) -> Option<(Span, Span)> {
    match fault.when {
        When::FromTheStart => Some((Span::ZERO, Span::ZERO)),
        When::At(at) => Some((at, at)),
        When::Within(from, to) => Some((from, to)),
        When::After(other, delay) => {
            let (first, last) = strikes(s, s.faults.get(other)?)?;
            Some((Span(first.0.saturating_add(delay.0)), Span(last.0.saturating_add(delay.0))))
        }
        When::Never => None,
    }
}

/// How long the wave takes if it is slow. What waits for replication has no such bound.
fn slow(s: &Scenario, wave: &Wave) -> Span {
    if wave.replication != Replication::None {
        return Span::MAX;
    }
    let moves = s.groups.iter().zip(&wave.vms_per_group);
    let bytes: Bytes = moves.map(|(g, &vms)| g.disk * u64::from(vms)).sum();
    let vms: u32 = wave.vms_per_group.iter().sum();
    let at_once = f64::from(wave.in_all.min(vms).max(1));
    let port = s.target.nics.rate.as_f64() * SLOW_COPY;
    let shared = s.fabric.intersite.as_ref().map_or(port, |link| port.min(link.rate.as_f64() / at_once));
    let copying = bytes.as_f64() * (1.0 - wave.seeded) / shared.max(1.0);
    let standing = SLOW_CUT_OVER.as_secs() * f64::from(vms);
    Span::from_secs_f64(((copying + standing) / at_once).min(1e9))
}
