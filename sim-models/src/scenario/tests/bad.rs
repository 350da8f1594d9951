//! Bad input: what the user reads. Each case changes one thing in a small sound scenario.

use crate::scenario::library::Document;

/// Sound, small, and with one of everything that the cases below spoil.
const SOUND: &str = r#"(
    name: "small",
    question: "Does it hold?",
    source: (
        name: "old", profile: "esxi_san", hosts: 3, cores_per_socket: 8, memory: GiB(256),
        storage: San(devices: 12, luns: 4, capacity: TB(20)),
    ),
    target: (
        name: "new", profile: "ahv", hosts: 4, racks: 2, cores_per_socket: 8, memory: GiB(256),
        storage: Replicated(copies: 2, cvm_vcpus: 8, cvm_memory: GiB(32), devices: 2, device_capacity: TB(2)),
        live_migrations: PerHour(4),
    ),
    groups: [
        (
            name: "web", count: 20, vcpus: 2, memory: GiB(8), disk: GiB(50),
            cpu: (duty: Constant(Share(0.2))),
            disks: [(iops: PerS(50), read_share: Share(0.7))],
        ),
        (name: "db", count: 4, vcpus: 8, memory: GiB(32), disk: GiB(300), cpu: (duty: Constant(Share(0.4)))),
    ],
    wave: (vms: [("web", 2)]),
    faults: [
        (name: "node", target: Host(host: Named("new-01")), when: At(Min(20))),
        (name: "cable", target: HostLink(side: Source, host: Nth(2)), when: After("node", Secs(30))),
    ],
    objectives: [
        (name: "pause", claim: Quantile(metric: pause, q: 0.99, at_most: Secs(1), phase: target_steady)),
    ],
)
"#;

/// Everything a user would read about `text`.
fn complaints(text: &str) -> String {
    let mut none = |path: &str| Err(format!("no file {path}"));
    match Document::load(text, &mut none) {
        Err(e) => e.to_string(),
        Ok(doc) => match doc.check() {
            Ok(_) => String::new(),
            Err(problems) => problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n"),
        },
    }
}

#[test]
fn the_sound_scenario_is_sound() {
    assert_eq!(complaints(SOUND), "");
}

#[test]
fn each_mistake_is_named_with_its_place_and_its_remedy() {
    let cases = include_str!("bad.txt");
    let (mut seen, mut wrong) = (0, Vec::new());
    for case in cases.split("\n\n").filter(|c| !c.trim().is_empty()) {
        let mut lines = case.lines().skip_while(|l| l.starts_with('#'));
        let (from, to) = lines.next().and_then(|l| l.split_once(" => ")).expect("`from => to`");
        let want: Vec<&str> = lines.collect();
        assert_eq!(SOUND.matches(from).count(), 1, "`{from}` must occur once");
        let got = complaints(&SOUND.replace(from, to));
        if got != want.join("\n") {
            wrong.push(format!("{from} => {to}\n{got}"));
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(seen >= 20, "{seen}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = SOUND
        .replace("Share(0.7)", "Share(1.7)")
        .replace("\"ahv\"", "\"avh\"")
        .replace("(\"web\", 2)", "(\"wep\", 2)")
        .replace("At(Min(20))", "At(Hours(2))")
        .replace("q: 0.99", "q: 99");
    let got = complaints(&text);
    let places =
        ["target.profile", "groups[0].disks[0].read_share", "wave.vms[0]", "faults[0].when", "claim.q"];
    for place in places {
        assert!(got.contains(place), "{place} is missing in\n{got}");
    }
}

#[test]
fn problems_of_a_base_say_so() {
    let mut files = |path: &str| match path {
        "base.ron" => Ok(SOUND.replace("Share(0.7)", "Share(1.7)")),
        "twice.ron" => Ok("(extends: \"base.ron\")".to_string()),
        _ => Err("no such file".to_string()),
    };
    let problems = |text: &str, files: &mut dyn FnMut(&str) -> Result<String, String>| {
        Document::load(text, files)
            .map(|d| d.check().unwrap_err().iter().map(|p| p.path.clone()).collect::<Vec<_>>())
    };
    let got = problems("(extends: \"base.ron\", name: \"n o\")", &mut files);
    assert_eq!(got.unwrap(), ["name", "base.ron: groups[0].disks[0].read_share"]);
    let twice = problems("(\n  extends: \"twice.ron\")", &mut files).unwrap_err().to_string();
    assert_eq!(twice, "2:13: twice.ron itself extends base.ron; only one level is read");
    let absent = problems("(extends: \"nowhere.ron\")", &mut files).unwrap_err().to_string();
    assert_eq!(absent, "1:12: cannot read nowhere.ron: no such file");
}

/// Half of a section beside `extends`: the other half is not taken from the base, and the user is told.
#[test]
fn what_is_missing_beside_a_base_says_that_sections_are_whole() {
    let text = "(extends: \"base.ron\", target: (profile: \"ahvv\"))";
    let error = Document::load(text, &mut |_| Ok(SOUND.to_string())).unwrap_err().to_string();
    let want = "1:47: Unexpected missing field named `name` in `ClusterSpec`; write `name: ...`; what stands here \
        takes nothing from the document that is extended: write all of it, or none";
    assert_eq!(error, want);
}

/// A profile that does not exist, in a section that replaces the base's.
#[test]
fn a_wrong_profile_beside_a_base_is_named_with_its_place() {
    let section = SOUND.split("target: ").nth(1).and_then(|s| s.split("groups:").next()).expect("a target");
    let text = format!("(extends: \"base.ron\", target: {})", section.replace("ahv", "ahvv"));
    let document = Document::load(&text, &mut |_| Ok(SOUND.to_string())).expect("well formed");
    let problems: Vec<String> = document.check().unwrap_err().iter().map(|p| p.to_string()).collect();
    let want = "target.profile: there is no profile `ahvv` (did you mean `ahv`?); write one of ahv, esxi_san, kvm, \
        nutanix_esxi_2015, or the path of a .ron file";
    assert_eq!(problems, [want]);
}

/// The end of the text comes before the brackets are closed.
#[test]
fn a_bracket_that_is_never_closed_is_named() {
    let text = SOUND.trim_end().strip_suffix(')').expect("the last one");
    assert_eq!(complaints(text), "28:7: Unexpected end of RON; the `(` of 1:1 is still open");
}

#[test]
fn a_profile_that_no_platform_can_have_is_refused() {
    let spoiled = [
        ("guests_least: Assumed(Share(0.05)", "guests_least: Assumed(Share(0)"),
        ("imbalance_most: Assumed(Num(3)", "imbalance_most: Assumed(Num(0.5)"),
        ("short_below: Assumed(Num(0.25)", "short_below: Assumed(Num(0)"),
        ("move_retry: Assumed(Secs(10)", "move_retry: Assumed(Secs(0)"),
        ("every: Verified(Min(15)", "every: Verified(Secs(0)"),
        ("above: Verified(Share(0.85)", "above: Verified(Share(0)"),
    ];
    let ahv = crate::profile::builtin("ahv").expect("it is built in");
    let profile = spoiled.iter().fold(ahv.to_string(), |text, (from, to)| text.replace(from, to));
    let text = SOUND.replace("\"ahv\"", "\"odd.ron\"");
    let document = Document::load(&text, &mut |_| Ok(profile.clone())).expect("well formed");
    let problems = document.check().expect_err("nonsense");
    let got: Vec<String> = problems.iter().map(|p| p.to_string()).collect();
    let want = [
        "cpu.guests_least: 0 is too small; write at least Share(0.001)",
        "cpu.imbalance_most: 0.5 is too small; write at least Num(1)",
        "cpu.short_below: 0 is too small; write at least Num(0.001)",
        "migration.move_retry: 0 s between two attempts; write at least Ms(1)",
        "balancing.every: 0 s is too short; write at least Secs(1)",
        "balancing.above: 0 is too small; write at least Share(0.001)",
    ];
    assert_eq!(got, want.map(|w| format!("target.profile.{w}")));
}

/// What nobody knows is varied: a document that types none of it still rests on each of these guesses.
#[test]
fn guesses_of_fabric_and_profiles_are_found() {
    let document = Document::load(SOUND, &mut |path| Err(format!("no file {path}"))).expect("sound");
    let found = crate::sensitivity::assumptions(&document);
    let fabric = ["hop_delay", "local_delay", "copy_rate", "guest_connections", "guest_message"];
    let profile = ["cpu.guests_least", "cpu.imbalance_most", "cpu.short_below", "migration.move_retry"];
    let fabric = fabric.into_iter().chain(["guest_message_cv2", "longest_burst"]);
    let paths = fabric.map(|f| format!("fabric.{f}"));
    let all = paths.chain(profile.map(|p| format!("target.profile.{p}")));
    for path in all {
        assert!(found.iter().any(|a| a.path == path), "{path}");
    }
}

/// What can be simulated and is probably not meant: the sound scenario with one thing changed.
#[test]
fn a_wave_that_no_fault_meets_is_doubted() {
    let doubts = |changes: &[(&str, &str)]| {
        let text = changes.iter().fold(SOUND.to_string(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        });
        let document = Document::load(&text, &mut |_| Err("no file".into())).expect("well formed");
        let scenario = document.check().unwrap_or_else(|e| panic!("{e:?}"));
        scenario.doubts().iter().map(|p| p.to_string()).collect::<Vec<_>>()
    };
    let remedy = "move `faults[].when` or `wave.start`, if both are to happen at once";
    let late = ("(vms: [(\"web\", 2)])", "(vms: [(\"web\", 2)], start: Min(30))");
    let healed = ("At(Min(20))),", "At(Min(20)), heals_after: Always(Min(5))),");
    let cable = ("Secs(30))),", "Secs(30)), heals_after: Always(Min(5))),");
    // 2 x 50 GiB, a twentieth to copy at a quarter of 25 Gbit/s, is 7 s; with 2 x 2 minutes, both at once: two
    // minutes. The fault comes at 20.
    let over =
        "faults: nothing breaks before 20.0 min; by then the wave, which begins at 0 s, is probably over";
    assert_eq!(doubts(&[]), [format!("{over}; {remedy}")]);
    // A host that is gone for good is missing during a wave that begins later; one that is back is not.
    assert!(doubts(&[late]).is_empty());
    assert!(doubts(&[late, healed]).is_empty(), "the cable stays broken");
    let before = "faults: whatever breaks has healed before the wave begins at 30.0 min";
    assert_eq!(doubts(&[late, healed, cable]), [format!("{before}; {remedy}")]);
    // All of it to copy over 0.1 Gbit/s: 107 GB take 2.4 hours.
    let nics = (
        "(vms: [(\"web\", 2)])",
        "(vms: [(\"web\", 2)], seeded: Share(0)), fabric: (intersite: (rate: Mbps(100), rtt: Ms(1)))",
    );
    assert!(doubts(&[nics]).is_empty());
    let never = [("At(Min(20))", "Never"), ("After(\"node\", Secs(30))", "Never")];
    assert!(doubts(&never).is_empty(), "there is no fault");
}
