//! What the command line tells: the story of a run and its timeline, doubts, and what a file lacks.

use crate::support::path;
use serde_json::Value;
use sim_cli::{Setting, code, run};
use std::ffi::OsString;
use std::fs;

fn duress(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = std::iter::once("duress").chain(args.iter().copied()).map(OsString::from);
    let code = run(line, &mut out, &mut err, &Setting::default());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (code, text(out), text(err))
}

/// A file of this test process, removed again when dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Scratch {
        let file = std::env::temp_dir().join(format!("duress-told-{}-{name}", std::process::id()));
        fs::write(&file, text).expect("a temporary file");
        Scratch(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a plain name")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn shipped(name: &str) -> String {
    path(&format!("scenarios/{name}.ron")).display().to_string()
}

/// Everything an operator follows is one line, in the phase that it leads to: as many VMs run again as went down,
/// and what is rebuilt was begun before.
#[test]
fn the_story_tells_what_an_operator_follows() {
    let trace = Scratch::new("trace.json", "");
    let file = shipped("node-loss");
    let (code, out, err) =
        duress(&["run", &file, "--seed", "1", "--format", "json", "--trace", trace.path()]);
    assert_eq!(code, code::DONE, "{err}");
    let story: Value = serde_json::from_str(&out).expect("JSON");
    let story = story["story"].as_array().expect("a list");
    let line = |part: &str| {
        let found: Vec<&Value> = story
            .iter()
            .filter(|n| n["act"] == "duress" && n["what"].as_str().unwrap().contains(part))
            .collect();
        assert_eq!(found.len(), 1, "`{part}` in {story:#?}");
        (
            found[0]["at"].as_u64().unwrap(),
            found[0]["phase"].as_str().unwrap(),
            found[0]["what"].as_str().unwrap(),
        )
    };
    let parts = [
        ("the wave begins: 48 VMs, 4 at a time", "migrating"),
        ("host loses power: host ", "detecting"),
        (" are down", "detecting"),
        ("host loses power: noticed after ", "degraded"),
        (" is declared dead", ""),
        ("the rebuild of the target begins with ", "rebuild_migrating"),
        (" run again, the last after ", ""),
        ("the rebuild of the target is over: ", "degraded"),
        ("the wave is over after ", "degraded"),
        ("the end: 480 of 480 VMs are up; ", "degraded"),
    ];
    for (part, phase) in parts {
        assert!(phase.is_empty() || line(part).1 == phase, "{part}: {}", line(part).1);
    }
    let vms = |what: &str| what.split(' ').find_map(|word| word.parse::<u32>().ok()).expect("a number");
    assert_eq!(vms(line(" are down").2), vms(line(" run again, ").2));
    assert!(line("rebuild of the target begins").0 < line("rebuild of the target is over").0);
    assert_eq!(line("the end: ").0, 3_600_000_000_000);
    timeline(&fs::read_to_string(&trace.0).expect("written"), line("host loses power: host ").0);
}

/// The phases of each act lie end to end and fill it, the fault opens `detecting`, and no phase is empty.
fn timeline(text: &str, strike: u64) {
    let trace: Value = serde_json::from_str(text).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let spans: Vec<&Value> = events.iter().filter(|e| e["ph"] == "X").collect();
    for (act, seconds) in [(0, 1200.0), (1, 1200.0), (2, 3600.0)] {
        let mut end = 0.0;
        for span in spans.iter().filter(|e| e["tid"] == act) {
            let (from, lasts) = (span["ts"].as_f64().unwrap(), span["dur"].as_f64().unwrap());
            assert!((from - end).abs() < 1e-3 && lasts > 0.0, "{span}");
            end = from + lasts;
        }
        assert!((end - seconds * 1e6).abs() < 1e-3, "act {act} ends at {end}");
    }
    let detecting = spans.iter().find(|e| e["name"] == "detecting").expect("a phase");
    assert_eq!(detecting["ts"].as_f64().unwrap(), strike as f64 / 1e3);
    assert!(events.iter().any(|e| e["ph"] == "M" && e["args"]["name"] == "duress"));
}

/// 0.9 of a server that is up half of the time is 1.8 times what it can do.
#[test]
fn a_queue_that_never_settles_is_told_with_its_figures() {
    let lab = |arrivals: &str| {
        let part = format!(
            "Station(arrivals: Poisson(PerS({arrivals})), service: Exp(Secs(1)), jobs: 100,
            outage: (up: Exp(Secs(5)), down: Exp(Secs(5)), jobs: Wait))"
        );
        let text = format!("Lab(name: \"x\", runs: 2, parts: [(name: \"q\", is: {part})])");
        let file = Scratch::new("queue.ron", &text);
        let (code, text, err) = duress(&["run", file.path()]);
        assert_eq!(code, code::DONE, "{err}");
        let json: Value =
            serde_json::from_str(&duress(&["run", file.path(), "--format", "json"]).1).expect("JSON");
        (text, json["doubts"].as_array().expect("a list").len())
    };
    let (text, doubts) = lab("0.9");
    assert!(text.contains("beware  q: is asked for 1.80 times what it can serve"), "{text}");
    assert_eq!(doubts, 1);
    let (text, doubts) = lab("0.4");
    assert!(!text.contains("beware") && doubts == 0, "{text}");
}

/// No shipped scenario keeps its faults and its wave apart.
#[test]
fn shipped_scenarios_are_not_doubted() {
    for shipped_one in ["node-loss", "degraded-n-minus-1", "metro-cutover", "steady"] {
        let (code, out, err) = duress(&["check", &shipped(shipped_one)]);
        assert!(code == code::DONE && !out.contains("beware"), "{out}{err}");
    }
}

#[test]
fn rows_without_the_columns_that_are_needed_say_which() {
    let file = path("tests/data/qemu/kvm_postgres.csv").display().to_string();
    let (code, _, err) = duress(&["lab", "precopy", &file]);
    assert_eq!(code, code::USAGE);
    let renames = "rename `run` to `run_id` and rename `guest_ram_mib` to `ram_mib`";
    assert!(err.contains(renames) && err.contains("ws_pages") && err.contains("bw_cap_bytes_s"), "{err}");
    let other = Scratch::new("other.csv", "name,size\na,1\n");
    let (_, _, err) = duress(&["lab", "precopy", other.path()]);
    assert!(
        err.contains("`run_id` (a name of the run) and `ram_mib` (guest memory in MiB); add them"),
        "{err}"
    );
}

#[test]
fn the_schema_says_what_faults_take_and_metrics_mean() {
    let (_, out, _) = duress(&["schema", "scenario"]);
    for part in
        ["SlowLink(side: Side, host: Pick, rate_left: Fraction, loss: Fraction)", "Nth(n) counted from 0"]
    {
        assert!(out.contains(part), "{part}");
    }
    assert!(
        out.contains("worst_io               ns, one per run: Worst request of the surviving VMs"),
        "{out}"
    );
}
