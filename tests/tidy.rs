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
fn no_source_file_is_longer_than_450_lines() {
    let long: Vec<String> = all_sources()
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > 450)
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// The modules that only tests compile, by the files and folders they may stand in: those declared as
/// `#[cfg(test)] mod name;` in `text`, the source at `file`.
fn only_for_tests(file: &str, text: &str) -> Vec<String> {
    let file = Path::new(file);
    let folder = file.parent().expect("a source stands in a folder");
    let stem = file.file_stem().expect("a source has a name");
    let room = if ["mod", "lib", "main"].iter().any(|root| stem == *root) {
        folder.into()
    } else {
        folder.join(stem)
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let declared =
        pairs.filter_map(|pair| pair[1].strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name));
    declared
        .flat_map(|name| [room.join(format!("{name}.rs")), room.join(name).join("")])
        .map(|place| place.display().to_string())
        .collect()
}

/// What stands before the inline test module, which comes last in a file.
fn without_inline_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Models know no wall clock, no threads, no files and no environment: only so is a run a function of
/// scenario, seed and version. Tests may read measured data.
#[test]
fn kernel_and_models_know_no_clock_no_file_and_no_environment() {
    let forbidden =
        ["Instant::now", "SystemTime::now", "elapsed()", "std::env", "std::fs", "std::thread", "thread_rng"];
    let mut all = all_sources();
    all.retain(|(name, _)| name.contains("sim-core/src") || name.contains("sim-models/src"));
    let tests: Vec<String> = all.iter().flat_map(|(name, text)| only_for_tests(name, text)).collect();
    let is_test = |name: &str| {
        tests.iter().any(|t| if t.ends_with('/') { name.starts_with(t.as_str()) } else { name == t })
    };
    let (tests, models): (Vec<_>, Vec<_>) = all.iter().partition(|(name, _)| is_test(name));
    assert!(!tests.is_empty() && !models.is_empty());
    for (name, text) in models {
        let code = without_inline_tests(text);
        for word in forbidden {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}

/// A module declared under `cfg(test)` is one, wherever it may stand; others are not.
#[test]
fn modules_of_tests_are_told_from_the_rest() {
    let text = "pub mod a;\n#[cfg(test)]\nmod b;\nmod c;\n#[cfg(test)]\npub(crate) mod d;\n#[cfg(test)]\nmod tests {\n";
    let in_folder = only_for_tests("src/x/mod.rs", text);
    assert_eq!(in_folder, ["src/x/b.rs", "src/x/b/", "src/x/d.rs", "src/x/d/"]);
    assert_eq!(only_for_tests("src/x.rs", text), in_folder);
    assert_eq!(only_for_tests("src/lib.rs", "#[cfg(test)]\nmod t;"), ["src/t.rs", "src/t/"]);
}
