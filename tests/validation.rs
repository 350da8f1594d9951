//! What `VALIDATION.md` claims is what the program finds.

use crate::support::path;
use sim_cli::{Setting, run};
use std::ffi::OsString;
use std::fs;

fn selfcheck(args: &[&str]) -> (u8, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = ["duress", "selfcheck"].iter().chain(args).map(OsString::from);
    let code = run(line, &mut out, &mut err, &Setting::default());
    (code, String::from_utf8([out, err].concat()).expect("UTF-8"))
}

/// Every suite passes, and sizes and errors are those of the table word for word. After a change of a model:
/// `duress selfcheck --format markdown`.
#[test]
fn every_suite_passes_and_the_table_is_what_they_found() {
    let (code, table) = selfcheck(&["--format", "markdown"]);
    let page = fs::read_to_string(path("tests/VALIDATION.md")).expect("the page");
    let claimed: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    for (claimed, found) in claimed.iter().zip(table.lines()) {
        assert_eq!(*claimed, found, "the page does not say what was found");
    }
    assert_eq!(claimed.len(), table.lines().count(), "the page has rows of its own, or misses some");
    assert_eq!(code, 0, "a suite fails:\n{}", selfcheck(&[]).1);
}
