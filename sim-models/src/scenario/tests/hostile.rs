//! Hostile input: never a panic, never a hang.

use super::shipped;
use crate::scenario::library::Document;
use crate::scenario::parse::LONGEST;
use sim_core::{Seed, Streams};

/// Loads and checks; what comes out does not matter, that it comes out does.
fn survives(text: &str) {
    if let Ok(doc) = Document::load(text, &mut shipped) {
        let _ = doc.check();
    }
}

#[test]
fn truncations_never_panic() {
    let text = shipped("node-loss.ron").unwrap();
    let ends = (0..text.len()).filter(|&i| text.is_char_boundary(i));
    ends.for_each(|i| survives(&text[..i]));
    let base = shipped("parts/reference.ron").unwrap();
    let ends = (0..base.len()).step_by(7).filter(|&i| base.is_char_boundary(i));
    ends.for_each(|i| survives(&base[..i]));
}

#[test]
fn changed_bytes_never_panic() {
    let names = ["node-loss.ron", "parts/reference.ron", "metro-cutover.ron", "xray-node-failure.ron"];
    let texts = names.map(|name| shipped(name).unwrap());
    let mut luck = Streams::new(Seed(7), 0).stream("hostile", "bytes");
    for i in 0..1500 {
        let mut bytes = texts[i % texts.len()].clone().into_bytes();
        for _ in 0..=luck.below(3) {
            let at = luck.below(bytes.len() as u64) as usize;
            // Half of the changes are what numbers and nesting are made of, so that most of them parse.
            let any = b"0123456789-.e()[],:\"";
            bytes[at] = if luck.chance(0.5) {
                any[luck.below(any.len() as u64) as usize]
            } else {
                luck.below(128) as u8
            };
        }
        survives(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn huge_numbers_never_panic() {
    let texts = ["parts/reference.ron", "metro-cutover.ron", "xray-node-failure.ron"];
    for text in texts.map(|name| shipped(name).unwrap()) {
        for huge in ["18446744073709551615", "4294967295", "1e308", "1e-320", "inf", "NaN", "0", "-0.0"] {
            for (i, _) in text.match_indices('(').step_by(3) {
                let Some(end) = text[i..].find(')') else { continue };
                if text[i + 1..i + end].bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                    survives(&format!("{}({huge}{}", &text[..i], &text[i + end..]));
                }
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let n = 100_000;
    let deep = [
        "[".repeat(n),
        "(".repeat(n),
        format!("(groups: {}", "[".repeat(n)),
        format!("(faults: [(name: \"a\", when: Never, target: {}", "OneOf([(1, ".repeat(n)),
        format!("(target: (memory: {}", "Uniform(".repeat(n / 2)),
        "/*".repeat(n),
    ];
    for text in deep {
        assert!(Document::load(&text, &mut shipped).is_err());
    }
    let long = format!("({}", " ".repeat(LONGEST));
    let error = Document::load(&long, &mut shipped).unwrap_err().to_string();
    assert!(error.contains("at most 1048576 are read"), "{error}");
}
