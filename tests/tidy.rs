//! Rules of the house that the compiler does not check.

use crate::support::path;
use std::fs;
use std::path::Path;

fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> =
        fs::read_dir(dir).expect("a folder of the repository").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push((entry.display().to_string(), fs::read_to_string(&entry).expect("text")));
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for room in ["sim-core/src", "sim-models/src", "sim-cli/src", "tests", "benches"] {
        sources(&path(room), &mut found);
    }
    found
}

/// A room too large to know is two rooms.
#[test]
fn no_source_file_is_longer_than_500_lines() {
    let long: Vec<String> = all_sources()
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > 500)
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// Models know no wall clock, no threads, no files and no environment: only so is a run a function of
/// scenario, seed and version.
#[test]
fn kernel_and_models_know_no_clock_no_file_and_no_environment() {
    let forbidden = ["Instant::now", "SystemTime", "std::env", "std::fs", "thread_rng", "std::time::"];
    for (name, text) in all_sources() {
        let model = name.contains("sim-core/src") || name.contains("sim-models/src");
        let test_code =
            name.ends_with("tests.rs") || name.contains("/tests/") || text.contains("#![cfg(test)]");
        if !model || test_code {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in forbidden {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}
