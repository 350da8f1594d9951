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

/// The sources of some rooms that ship, without their inline tests.
fn shipped(rooms: &[&str]) -> Vec<(String, String)> {
    let mut all = all_sources();
    all.retain(|(name, _)| rooms.iter().any(|room| name.contains(room)));
    let tests: Vec<String> = all.iter().flat_map(|(name, text)| only_for_tests(name, text)).collect();
    let is_test = |name: &str| {
        tests.iter().any(|t| if t.ends_with('/') { name.starts_with(t.as_str()) } else { name == t })
    };
    let (tests, models): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| is_test(name));
    assert!(!tests.is_empty() && !models.is_empty());
    models.into_iter().map(|(name, text)| (name, without_inline_tests(&text).to_string())).collect()
}

/// Models know no wall clock, no threads, no files and no environment: only so is a run a function of
/// scenario, seed and version. Tests may read measured data.
#[test]
fn kernel_and_models_know_no_clock_no_file_and_no_environment() {
    let forbidden =
        ["Instant::now", "SystemTime::now", "elapsed()", "std::env", "std::fs", "std::thread", "thread_rng"];
    for (name, code) in shipped(&["sim-core/src", "sim-models/src"]) {
        for word in forbidden {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}

/// Names of the numeric constants in `code` that have no comment directly above, attributes apart.
fn unexplained(code: &str) -> Vec<&str> {
    let numeric =
        ["f64", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "Span", "Bytes", "Rate", "SimTime"];
    let (mut found, mut explained) = (Vec::new(), false);
    for line in code.lines().map(str::trim).filter(|line| !line.starts_with("#[")) {
        let item = ["pub ", "pub(super) ", "pub(crate) "].iter().find_map(|p| line.strip_prefix(p));
        let constant = item.unwrap_or(line).strip_prefix("const ").and_then(|rest| rest.split_once(": "));
        if let Some((name, rest)) = constant.filter(|(name, _)| !explained && !name.starts_with("fn ")) {
            let kind = rest.split(" = ").next().unwrap_or_default();
            let mut words = kind.split(|c: char| !c.is_alphanumeric());
            found.extend(words.any(|w| numeric.contains(&w)).then_some(name));
        }
        explained = line.starts_with("//");
    }
    found
}

/// A number in the models says what it is, in which unit and on whose word.
#[test]
fn every_constant_of_the_models_is_explained() {
    let mut models = shipped(&["sim-models/src"]);
    models.retain(|(name, _)| !name.contains("sim-models/src/validation"));
    let bare: Vec<String> = models
        .iter()
        .flat_map(|(file, code)| unexplained(code).into_iter().map(move |c| format!("{file}: {c}")))
        .collect();
    assert!(bare.is_empty(), "constants without unit and source above them: {bare:#?}");
}

/// Two that need a word and have none, beside one that has it and two that are no numbers.
#[test]
fn bare_constants_are_found() {
    let code = "/// Bytes.\n#[allow(x)]\nconst A: u64 = 1;\nconst B: [f64; 2] = [0.0, 1.0];\nfn f() {\n    \
                pub(super) const C: Span = Span::ms(1);\n}\nconst D: &str = \"f64\";\nconst fn g(x: u8) {}\n";
    assert_eq!(unexplained(code), ["B", "C"]);
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
