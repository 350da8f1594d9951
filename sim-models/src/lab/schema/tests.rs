use super::*;
use crate::lab::Lab;
use crate::quantity::Law;
use crate::scenario::parse;
use crate::scenario::schema::{LAWS, UNITS};
use serde::de::DeserializeOwned;
use sim_core::Seed;
use std::fmt::Debug;

fn complaint<T: DeserializeOwned + Debug>(text: &str) -> String {
    parse::refused::<T>(text, true).to_string()
}

/// The names that the parser would have accepted in the place of `zz`.
fn accepted<T: DeserializeOwned + Debug>(text: &str) -> Vec<String> {
    parse::accepted::<T>(text, true)
}

/// A lab file in which `inner` stands at a path of the table.
fn at(path: &str, inner: &str) -> String {
    if path.is_empty() {
        return format!("Lab{inner}");
    }
    let (kind, rest) = path.split_once('.').unwrap_or((path, ""));
    let kind = Some(kind).filter(|k| k.starts_with(char::is_uppercase));
    let steps: Vec<&str> = if kind.is_some() { rest } else { path }.split('.').collect();
    let wrap = |inner: String, step: &&str| match step.strip_suffix("[]") {
        _ if step.is_empty() => inner,
        Some(list) => format!("({list}: [{inner}])"),
        None => format!("({step}: {inner})"),
    };
    let inner = steps.iter().rev().fold(inner.to_string(), wrap);
    match kind {
        Some(kind) => format!("Lab(parts: [(is: {kind}{inner})])"),
        None => format!("Lab{inner}"),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Places with fields of their own: the parents of all paths.
fn places() -> Vec<&'static str> {
    let mut places: Vec<&str> = FIELDS.iter().map(|f| parent(f.path)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn the_table_lists_what_the_parser_accepts() {
    for place in places() {
        let here = FIELDS.iter().filter(|f| parent(f.path) == place);
        let name = |path: &'static str| path.rsplit('.').next().unwrap_or_default();
        let mut listed: Vec<&str> = here.clone().map(|f| name(f.path)).collect();
        let mut accepted = accepted::<Lab>(&at(place, "(zz: 1)"));
        listed.sort_unstable();
        accepted.sort();
        assert_eq!(listed, accepted, "{place}");
        // The parser first misses the first field that must be written.
        let refused = complaint::<Lab>(&at(place, "(zz: 1)"));
        let whose = refused.split('`').nth(3).unwrap_or_default().to_string();
        let first = here.clone().find(|f| f.default.is_empty()).map(|f| name(f.path));
        let missed = match parse::document_of_parts::<Lab>(&at(place, "()")) {
            Err(e) if e.message.contains(&format!("in `{whose}`;")) => {
                e.message.split('`').nth(1).map(str::to_string)
            }
            _ => None,
        };
        assert_eq!(missed.as_deref(), first, "{place}");
    }
    let kinds = accepted::<Lab>(&at("parts[].is", "zz"));
    for kind in &kinds {
        assert!(places().contains(&kind.as_str()), "{kind}");
    }
}

/// Any field of any place is of the type that the table says, and every choice takes what it says.
#[test]
fn values_are_those_that_the_parser_accepts() {
    for f in FIELDS {
        check(f.value, &|typed| at(f.path, typed), f.path);
    }
}

/// A value of type `value`, written into a document by `place`.
fn check(value: &str, place: &dyn Fn(&str) -> String, path: &str) {
    let refused = |typed: &str| complaint::<Lab>(&place(typed));
    if value == "Law" || UNITS.iter().any(|(unit, _)| *unit == value) {
        let message = refused("zz");
        return assert!(message.contains(&format!("in enum `{value}`")), "{path}: {message}");
    }
    match value {
        "whole" => assert!(refused("-1").starts_with("Integer is out of bounds"), "{path}"),
        "number" | "bytes" | "x" | "mean" | "exponent" => {
            assert!(refused("zz").contains("Expected"), "{path}")
        }
        "text" | "link" | "flow" => {
            assert!(refused("zz").contains("Expected string"), "{path}: {}", refused("zz"))
        }
        "true | false" => assert!(refused("zz").contains("Expected boolean"), "{path}"),
        "(...)" | "[(...)]" => {
            let place = if value == "(...)" { path.to_string() } else { format!("{path}[]") };
            assert!(places().contains(&place.as_str()), "{path} has fields");
        }
        same if same.starts_with("as ") => {
            assert!(FIELDS.iter().any(|f| f.path == &same[3..]), "{path}");
            let of = |path: &str| complaint::<Lab>(&at(path, "(zz: zz)"));
            assert_eq!(of(path), of(&same[3..]));
        }
        list if list.starts_with('[') => {
            let inner = list.trim_start_matches('[').trim_end_matches(']');
            if inner.starts_with('(') {
                fields(inner, "", &|typed| place(&format!("[{typed}]")), path);
            } else {
                check(inner, &|typed| place(&format!("[{typed}]")), path);
            }
        }
        choices => {
            let choices: Vec<&str> = choices.split(" | ").collect();
            let name = |choice: &&str| choice.split('(').next().unwrap_or_default().to_string();
            assert_eq!(choices.iter().map(name).collect::<Vec<_>>(), accepted::<Lab>(&place("zz")), "{path}");
            for choice in choices {
                let name = name(&choice);
                if choice.len() > name.len() && !choice.ends_with("(...)") {
                    fields(&choice[name.len()..], &name, place, path);
                }
            }
        }
    }
}

/// `(a: Type, b: Type)`, `(Type)` or `(Type, Type)`, behind the name of a variant if there is one.
fn fields(typed: &str, name: &str, place: &dyn Fn(&str) -> String, path: &str) {
    let inner = typed.strip_prefix('(').and_then(|t| t.strip_suffix(')')).expect("in parentheses");
    if inner.starts_with('[') {
        return check(inner, &|typed| place(&format!("{name}({typed})")), path);
    }
    let parts: Vec<&str> = inner.split(", ").collect();
    if inner.contains(": ") {
        let (names, types): (Vec<&str>, Vec<&str>) =
            parts.iter().map(|p| p.split_once(": ").expect("all have names")).unzip();
        assert_eq!(names, accepted::<Lab>(&place(&format!("{name}(zz: 1)"))), "{path}: {name}");
        for (field, of) in names.iter().zip(types) {
            check(of, &|typed| place(&format!("{name}({field}: {typed})")), path);
        }
        return;
    }
    // Only the first of several is reached without a value for those before it.
    check(parts[0], &|typed| place(&format!("{name}({typed})")), path);
}

#[test]
fn laws_are_those_that_the_parser_accepts() {
    let names: Vec<&str> = LAWS.iter().map(|(law, _)| law.split('(').next().unwrap_or_default()).collect();
    assert_eq!(names, accepted::<Law>("zz"));
    for (law, _) in LAWS.iter().filter(|(law, _)| law.contains(": ")) {
        let (name, fields) = law.split_once('(').expect("all have parameters");
        let fields: Vec<&str> = fields.split(", ").filter_map(|f| Some(f.split_once(": ")?.0)).collect();
        assert_eq!(fields, accepted::<Law>(&format!("{name}(zz: 1)")));
    }
}

/// One or two parts of each kind that together show every figure; names stand for themselves.
const ALL: &str = r#"Lab(name: "all", runs: 2, parts: [
    (name: "Station", is: Station(
        classes: [
            (name: "CLASS", arrivals: Poisson(PerS(0.4))),
            (name: "other", arrivals: Poisson(PerS(0.4))),
        ],
        stages: [
            (name: "STAGE", service: Exp(Secs(1)), outage: (up: Exp(Secs(9)), down: Exp(Secs(1)), jobs: Wait)),
            (name: "next", service: Exp(Secs(1))),
        ],
        jobs: 100)),
    (name: "Station ", is: Station(arrivals: Poisson(PerS(0.5)), service: Exp(Secs(1)), jobs: 100,
        outage: (up: Exp(Secs(9)), down: Exp(Secs(1)), jobs: Wait))),
    (name: "Flows", is: Flows(links: [(name: "l", capacity: GBps(1))],
        flows: [(name: "FLOW", size: GB(1), path: ["l"])], looks: [Ms(1)])),
    (name: "Migration", is: Migration(memory: MiB(4), link: (rate: GBps(1)))),
    (name: "CpuPool", is: CpuPool(cores: 2, vcpus: [(name: "CLASS", count: 3, duty: Share(0.9))])),
    (name: "Reliability", is: Reliability(units: 2, needs: Units(1), life: Exp(Hours(9)), repair: Exp(Hours(1)),
        until: Cycles(100))),
    (name: "SmallMessages", is: SmallMessages(messages: 9, bytes: 100, port: Gbps(1), buffer: B(1e6))),
])"#;

#[test]
fn every_figure_that_is_printed_is_listed() {
    let lab = Lab::parse(ALL).expect("well formed");
    assert_eq!(lab.problems(), []);
    let mut printed: Vec<(String, String, bool)> = Vec::new();
    for (part, seen) in lab.parts.iter().zip(lab.play(Seed(1), 0).expect("plays")) {
        let kind = part.name.trim();
        printed.extend(seen.values.into_iter().map(|(name, ..)| (kind.into(), name, false)));
        printed.extend(seen.samples.into_iter().map(|(name, _)| (kind.into(), name, true)));
    }
    printed.retain(|(_, name, _)| !name.starts_with("other.") && !name.starts_with("next."));
    let number = |name: &str| name.replace(".1", ".N");
    let mut printed: Vec<_> = printed.into_iter().map(|(kind, name, s)| (kind, number(&name), s)).collect();
    let of = |f: &Figures| -> Vec<(String, String, bool)> {
        f.names.split(' ').map(|n| (f.kind.into(), n.into(), f.unit == "samples")).collect()
    };
    let mut listed: Vec<_> = FIGURES.iter().flat_map(of).collect();
    printed.sort();
    printed.dedup();
    listed.sort();
    assert_eq!(printed, listed);
}
