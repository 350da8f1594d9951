//! The command line in-process: what is printed where, and the exit code.

use super::*;
use std::path::Path;

struct Outcome {
    code: u8,
    out: String,
    err: String,
}

fn duress(args: &[&str]) -> Outcome {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("duress").chain(args.iter().copied()).map(OsString::from);
    let code = run(words, &mut out, &mut err, &Setting::default());
    Outcome { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// A file that is gone after the test.
struct Temporary(std::path::PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("duress-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Temporary(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn an_unknown_subcommand_is_a_usage_error() {
    let o = duress(&["bogus"]);
    assert_eq!((o.code, o.out.as_str()), (code::USAGE, ""));
    let expected = "error: unrecognized subcommand 'bogus'\n\nUsage: duress <COMMAND>\n\nFor more information, try '--help'.\n";
    assert_eq!(o.err, expected);
}

#[test]
fn help_is_data() {
    let o = duress(&["--help"]);
    assert_eq!((o.code, o.err.as_str()), (code::DONE, ""));
    for command in ["check", "run", "batch", "replay", "profiles", "schema"] {
        assert!(o.out.contains(&format!("\n  {command} ")), "{}", o.out);
    }
}

#[test]
fn a_missing_file_is_named() {
    let o = duress(&["check", "no/such.ron"]);
    assert_eq!((o.code, o.out.as_str()), (code::USAGE, ""));
    assert_eq!(o.err, "error: there is no file no/such.ron; write the path of an existing one\n");
}

#[test]
fn a_parse_error_shows_the_place() {
    let file = Temporary::new("typo.ron", "(\n\tname: \"x\",\n\tfautls: [],\n)\n");
    let o = duress(&["check", file.path()]);
    assert_eq!((o.code, o.out.as_str()), (code::USAGE, ""));
    let place = format!("error: {}:3:2: ", file.path());
    assert!(o.err.starts_with(&place), "{}", o.err);
    assert!(o.err.contains("did you mean `faults`?"), "{}", o.err);
    assert!(o.err.ends_with("  |\n3 | \tfautls: [],\n  | \t^\n"), "{}", o.err);
}

#[test]
fn numbers_on_the_command_line_are_checked() {
    for (args, complaint) in [
        (["batch", "x.ron", "--runs", "0"], "0 is not in 1..=10000000"),
        (["batch", "x.ron", "--runs", "-3"], "unexpected argument '-3' found"),
        (["batch", "x.ron", "--jobs", "0"], "0 is not in 1..=1024"),
        (["run", "x.ron", "--seed", "0xzz"], "write a whole number below 2^64, decimal or 0x hex"),
    ] {
        let o = duress(&args);
        assert_eq!((o.code, o.out.as_str()), (code::USAGE, ""));
        assert!(o.err.contains(complaint), "{}", o.err);
    }
}

#[test]
fn an_unknown_profile_lists_those_that_exist() {
    let o = duress(&["profiles", "hyperv"]);
    assert_eq!(o.code, code::USAGE);
    assert_eq!(
        o.err,
        "error: there is no profile `hyperv`; write one of ahv, esxi_san, kvm, nutanix_esxi_2015, or the path of a .ron file\n"
    );
}

#[test]
fn the_schema_documents_both_ends() {
    let o = duress(&["schema"]);
    assert_eq!(o.code, code::DONE);
    for key in ["objectives[].interval_open", "honesty.top_runs", "target.hosts", "Station.servers"] {
        assert!(o.out.contains(key), "{key}");
    }
    assert!(!duress(&["schema", "report"]).out.contains("target.hosts"));
    let lab = duress(&["schema", "lab"]).out;
    assert!(lab.contains("Migration.policy.like") && !lab.contains("target.hosts"));
}

#[test]
fn mistakes_around_lab_files_are_told() {
    let lab = |figure: &str| {
        let part =
            r#"(name: "f", is: Flows(links: [], flows: [(name: "a", cap: GBps(1), size: GB(1), path: [])]))"#;
        let because = r#"value: 1, within: Exactly, because: "size / cap""#;
        format!(r#"Lab(name: "x", parts: [{part}], expect: [(figure: "{figure}", {because})])"#)
    };
    let sound = Temporary::new("sound.ron", &lab("f.a.finish"));
    assert_eq!(duress(&["run", sound.path()]).code, code::DONE);
    for command in ["check", "batch", "sensitivity"] {
        let o = duress(&[command, sound.path()]);
        assert_eq!(o.code, code::USAGE);
        assert!(o.err.contains("is a lab file; play it with `duress run`"), "{}", o.err);
    }
    let o = duress(&["lab", "flows", sound.path()]);
    assert!(o.code == code::USAGE && o.err.contains("is a lab file"), "{}", o.err);
    let misspelt = Temporary::new("misspelt.ron", &lab("f.a.finsh"));
    let o = duress(&["run", misspelt.path()]);
    assert_eq!(o.code, code::USAGE);
    assert!(o.err.contains("expect[0].figure") && o.err.contains("did you mean `f.a.finish`?"), "{}", o.err);
    let elsewhere = Temporary::new("elsewhere.ron", &lab("g.a.finish"));
    assert!(duress(&["run", elsewhere.path()]).err.contains("begin with the name of a part and a dot: f"));
    let empty = Temporary::new("empty.ron", "\n");
    let o = duress(&["run", empty.path()]);
    assert!(o.code == code::USAGE && o.err.contains("is empty; write a scenario or a lab file"), "{}", o.err);
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let file = Temporary::new("whole.txt", "before");
    let path = Path::new(file.path());
    let broken = files::write(path, |out| {
        out.write_all(b"half")?;
        Err(std::io::Error::other("the disk is gone"))
    });
    assert_eq!(broken.unwrap_err().code, code::USAGE);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "before");
    files::write(path, |out| out.write_all(b"after")).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "after");
}

#[test]
fn the_second_interrupt_is_not_heeded() {
    let interrupt = Interrupt::default();
    assert!(!interrupt.ask(), "nobody heeds it yet");
    let interrupt = Interrupt::default();
    interrupt.heed();
    assert!(interrupt.ask());
    assert!(!interrupt.ask());
}
