//! The command line as a user meets it, in-process: output, errors and exit codes.

use crate::support::path;
use serde_json::Value;
use sim_cli::{Setting, code, run};
use std::ffi::OsString;
use std::fs;

struct Said {
    code: u8,
    out: String,
    err: String,
}

fn duress(args: &[&str]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = std::iter::once("duress").chain(args.iter().copied()).map(OsString::from);
    let code = run(line, &mut out, &mut err, &Setting::default());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code, out: text(out), err: text(err) }
}

fn shipped(name: &str) -> String {
    path(&format!("scenarios/{name}.ron")).display().to_string()
}

/// A scenario of the user's own beside the shipped ones' parts, removed again when dropped.
struct Own(std::path::PathBuf);

impl Own {
    fn new(name: &str, text: &str) -> Own {
        let folder = std::env::temp_dir().join(format!("duress-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("parts")).expect("a temporary folder");
        fs::create_dir_all(folder.join("traces")).expect("a temporary folder");
        for file in ["parts/reference.ron", "traces/bitbrains-12.csv"] {
            fs::copy(path(&format!("scenarios/{file}")), folder.join(file)).expect("a shipped file");
        }
        fs::write(folder.join("own.ron"), text).expect("a temporary file");
        Own(folder)
    }

    fn file(&self) -> String {
        self.0.join("own.ron").display().to_string()
    }

    /// What `check` says of it, without the folder's name.
    fn check(&self) -> Said {
        let said = duress(&["check", &self.file()]);
        let folder = format!("{}/", self.0.display());
        Said { err: said.err.replace(&folder, ""), ..said }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A slim scenario: the reference cluster, short acts, thin slices.
const SLIM: &str = r#"(
    name: "slim", extends: "parts/reference.ron",
    wave: (vms: [("web", 4)]),
    faults: [(name: "host dies", target: Host(host: Any), when: At(Secs(60)))],
    timeline: (before: Min(5), after: Min(5), duress: Min(5)),
    windows: (stratum: Secs(100), slice: Ms(50), warm_in: Ms(20), before_fault: Ms(50), after_detection: Ms(100)),
    objectives: [(name: "writes", claim: Quantile(metric: write_latency, q: 0.99, at_most: Ms(5), phase: target_steady))],
)"#;

#[test]
fn a_batch_is_the_same_bytes_for_any_number_of_threads_and_replays() {
    let own = Own::new("batch", SLIM);
    let batch = |jobs: &str| {
        let file = own.file();
        let said = duress(&[
            "batch", &file, "--runs", "6", "--seed", "7", "--format", "json", "--jobs", jobs, "--quiet",
        ]);
        assert_eq!(said.code, code::DONE, "{}", said.err);
        said.out
    };
    let one = batch("1");
    assert_eq!(one, batch("2"));
    assert_eq!(one, batch("8"));

    let json: Value = serde_json::from_str(&one).expect("one JSON object");
    for key in [
        "scenario",
        "version",
        "seed",
        "runs",
        "failed_runs",
        "digest",
        "metrics",
        "matrix",
        "objectives",
        "replay",
    ] {
        assert!(json.get(key).is_some(), "no `{key}`");
    }
    assert_eq!(json["matrix"].as_array().map(Vec::len), Some(5));
    assert_eq!(json["objectives"][0]["verdict"], "undecided", "six runs are too few for an interval");

    let csv = duress(&["batch", &own.file(), "--runs", "6", "--seed", "7", "--format", "csv", "--quiet"]).out;
    let row = csv.lines().find(|l| l.starts_with("3,")).expect("run 3 has a row");
    let replay = duress(&["replay", &own.file(), "--seed", "7", "--run", "3", "--format", "json"]);
    let replay: Value = serde_json::from_str(&replay.out).expect("one JSON object");
    let digest = replay["digest"].as_str().expect("a digest");
    assert!(row.contains(digest), "{row} has not the digest {digest}");
}

#[test]
fn every_shipped_scenario_checks() {
    for file in fs::read_dir(path("scenarios")).expect("the folder of scenarios") {
        let file = file.expect("an entry").path();
        if file.extension().is_some_and(|e| e == "ron") {
            let said = duress(&["check", &file.display().to_string()]);
            assert_eq!((said.code, said.err.as_str()), (code::DONE, ""), "{}", file.display());
            assert!(said.out.contains("a run"), "{}", said.out);
        }
    }
}

#[test]
fn a_gate_fails_when_the_evidence_does_not_suffice() {
    let own = Own::new("gate", SLIM);
    assert_eq!(duress(&["batch", &own.file(), "--runs", "2", "--quiet", "--gate"]).code, code::GATE);
}

#[test]
fn a_batch_leaves_its_files() {
    let own = Own::new("out", SLIM);
    let out = own.0.join("result");
    let said = duress(&["batch", &own.file(), "--runs", "2", "--quiet", "--out", &out.display().to_string()]);
    assert_eq!(said.code, code::DONE, "{}", said.err);
    let names: Vec<String> = fs::read_dir(&out)
        .expect("the folder was made")
        .map(|f| f.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for file in ["summary.json", "runs.csv"] {
        assert!(names.iter().any(|n| n == file), "{names:?}");
    }
    assert!(names.iter().any(|n| n.ends_with(".hlog")), "{names:?}");
    let csv = fs::read_to_string(out.join("runs.csv")).expect("text");
    assert!(csv.starts_with("run,digest"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
}

#[test]
fn what_is_wrong_is_said_all_at_once_with_place_and_remedy() {
    let own = Own::new(
        "wrong",
        r#"(
    name: "wrong", extends: "parts/reference.ron",
    wave: (vms: [("web", 500), ("nothing", 1)]),
    faults: [(name: "later", target: Host(host: Nth(99)), when: At(Hours(9)))],
    windows: (stratum: Secs(0), slice: Ms(NaN)),
)"#,
    );
    let said = own.check();
    assert_eq!(said.code, code::USAGE);
    for place in ["wave.vms", "nothing", "faults[0]", "windows.stratum", "windows.slice"] {
        assert!(said.err.contains(place), "nothing about {place} in\n{}", said.err);
    }
}

#[test]
fn a_misspelt_field_is_shown_where_it_stands() {
    let own = Own::new("typo", "(\n    name: \"typo\",\n    fautls: [],\n)");
    let said = own.check();
    assert_eq!(said.code, code::USAGE);
    assert!(said.err.contains("own.ron:3"), "{}", said.err);
    assert!(said.err.contains("fautls") && said.err.contains("faults"), "{}", said.err);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = duress(&["run", "nowhere/at-all.ron"]);
    assert_eq!(said.code, code::USAGE);
    assert!(said.err.contains("nowhere/at-all.ron"), "{}", said.err);
}

#[test]
fn profiles_show_where_each_value_comes_from() {
    let said = duress(&["profiles", "ahv"]);
    assert_eq!(said.code, code::DONE);
    assert!(said.out.contains("migration.downtime_limit") && said.out.contains("assumed"), "{}", said.out);
    assert_eq!(duress(&["check", &shipped("steady")]).code, code::DONE);
}

/// Four VMs with 60 GiB each, a twentieth to copy at a quarter of 25 Gbit/s: 16 s; cut-overs of two minutes, all
/// at once. A fault after one minute may meet them, one after 200 s hardly.
#[test]
fn check_doubts_a_wave_that_no_fault_meets() {
    let meets = Own::new("meets", SLIM).check();
    assert!(meets.code == code::DONE && !meets.out.contains("beware"), "{}{}", meets.out, meets.err);
    let apart = Own::new("apart", &SLIM.replace("At(Secs(60))", "At(Secs(200))")).check();
    let told = "beware  faults: nothing breaks before 3.33 min; by then the wave, which begins at 0 s, is probably over";
    assert!(apart.code == code::DONE && apart.out.contains(told), "{}{}", apart.out, apart.err);
}
