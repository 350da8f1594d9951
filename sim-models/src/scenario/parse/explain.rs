//! What a parse error means to the one who wrote the text: where, what, and what to write instead.

use super::ParseError;
use super::brackets::{Brackets, Open, brackets};
use super::near::{nearest, unit};
use ron::error::{Error, Position, SpannedError};

/// Stands in for a value of which only the kind is asked: no enum has a variant of this name.
const PROBE: &str = "Zz";

/// Explains `e`. `again` parses another text as the same kind of document and gives its error: with the value
/// at fault replaced by a word that nothing knows, the parser says which words may stand there.
pub(super) fn explain(
    text: &str,
    e: &SpannedError,
    again: &dyn Fn(&str) -> Option<SpannedError>,
) -> ParseError {
    let at = first_sign(text, offset(text, e.span.start));
    let message = match &e.code {
        Error::ExpectedIdentifier | Error::SuggestRawIdentifier(_) | Error::InvalidIdentifier(_) => {
            value(text, at, again).unwrap_or_else(|| still_open(text, at, "a name is expected here"))
        }
        Error::NoSuchEnumVariant { expected, found, outer } => {
            variant(&e.code, expected, found, outer.as_deref())
        }
        Error::NoSuchStructField { expected, found, .. } => {
            let near = nearest(found, expected.iter().copied());
            let hint = if near.is_none() { "; write each field as `name: value`" } else { "" };
            format!("{}{hint}", guess(e.code.to_string(), near))
        }
        Error::MissingStructField { field, .. } => missing(text, &e.code, field),
        other => match remedy(text, at, other) {
            Some(remedy) => format!("{other}; {remedy}"),
            None => other.to_string(),
        },
    };
    let (line, column) = place(text, at);
    ParseError { line, column, message }
}

fn guess(message: String, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message,
    }
}

/// A constructor that does not exist.
fn variant(code: &Error, expected: &[&str], found: &str, outer: Option<&str>) -> String {
    let near = || unit(found, expected).or_else(|| nearest(found, expected.iter().copied()));
    let Some(kind) = outer.and_then(Kind::of) else { return guess(code.to_string(), near()) };
    let (units, laws): (Vec<&str>, Vec<&str>) = expected.iter().partition(|name| !LAWS.contains(name));
    let near = near().map_or(String::new(), |near| format!("did you mean `{near}`? "));
    format!(
        "there is no `{found}` for {}; {near}write {}, or a distribution over them: {}",
        kind.noun,
        either(&units),
        either(&laws)
    )
}

/// A value that is no constructor, such as `5ms` or `"ahv-99"`; `None` when no constructor belongs here.
fn value(text: &str, at: usize, again: &dyn Fn(&str) -> Option<SpannedError>) -> Option<String> {
    let token = token(&text[at..]);
    let probed = format!("{}{PROBE}{}", &text[..at], &text[at + token.len()..]);
    let Error::NoSuchEnumVariant { expected, found, outer } = again(&probed)?.code else { return None };
    if found != PROBE || token.is_empty() {
        return None;
    }
    let bare = token.trim_matches('"');
    let (number, suffix) = split(bare);
    let has = |name: &str| expected.contains(&name);
    if let Some(kind) = outer.as_deref().and_then(Kind::of) {
        return Some(kind.rewrite(number, suffix, expected));
    }
    let meant = match (number, unit(suffix, expected)) {
        (Some(number), Some(unit)) => Some(format!("{unit}({number})")),
        (Some(number), None) if has("Nth") && suffix.is_empty() => Some(format!("Nth({number})")),
        (None, _) if has("Named") => Some(format!("Named(\"{bare}\")")),
        (Some(number), _) if has("Always") => {
            let unit = unit(suffix, &["Ns", "Us", "Ms", "Secs", "Min", "Hours", "Days"]).unwrap_or("Secs");
            Some(format!("Always({unit}({number}))"))
        }
        _ => nearest(bare, expected.iter().copied()).map(str::to_string),
    };
    let meant = meant.map_or(String::new(), |meant| format!("`{meant}`, or "));
    Some(format!("{token} cannot stand here; write {meant}one of {}", expected.join(", ")))
}

/// Distributions that every unit has.
const LAWS: [&str; 5] = ["Uniform", "Normal", "LogNormal", "Exponential", "OneOf"];

/// What a unit enum is called, and a constructor for an example.
struct Kind {
    noun: &'static str,
    usual: &'static str,
}

impl Kind {
    fn of(name: &str) -> Option<Kind> {
        let (noun, usual) = match name {
            "Time" => ("a time", "Secs"),
            "Size" => ("a size", "GiB"),
            "Speed" => ("a rate", "Gbps"),
            "Frequency" => ("a frequency", "PerS"),
            "Fraction" => ("a part of a whole", "Percent"),
            "Number" => ("a number", "Num"),
            "Count" => ("a count", "N"),
            _ => return None,
        };
        Some(Kind { noun, usual })
    }

    /// How a number that was written without a constructor is written.
    fn rewrite(&self, number: Option<&str>, suffix: &str, expected: &[&str]) -> String {
        let what = format!("{} is written with its unit in front", self.noun);
        if let (Some(number), Some(unit)) = (number, unit(suffix, expected)) {
            return format!("{what}; write `{unit}({number})`");
        }
        let units: Vec<&str> = expected.iter().copied().filter(|name| !LAWS.contains(name)).collect();
        let share = number.and_then(|n| n.parse::<f64>().ok()).is_some_and(|n| n <= 1.0);
        let usual = if self.usual == "Percent" && share { "Share" } else { self.usual };
        format!("{what}; write {}, such as `{usual}({})`", either(&units), number.unwrap_or("5"))
    }
}

/// The number at the front and what follows it.
fn split(token: &str) -> (Option<&str>, &str) {
    let end = token.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(token.len());
    let (number, suffix) = token.split_at(end);
    (Some(number).filter(|n| n.parse::<f64>().is_ok()), suffix.trim())
}

/// The text in quotes or the word that begins here; a number together with the unit after it.
fn token(rest: &str) -> &str {
    if let Some(inside) = rest.strip_prefix('"') {
        let end = inside.find('"').map_or(rest.len(), |i| i + 2);
        return &rest[..end];
    }
    let word = |s: &str| s.find(|c: char| c.is_whitespace() || ",()[]{}:\"".contains(c)).unwrap_or(s.len());
    let first = word(rest);
    let after = rest[first..].trim_start_matches([' ', '\t']);
    let number = rest[..first].parse::<f64>().is_ok();
    if number && after.starts_with(|c: char| c.is_alphabetic() || c == '%') {
        let start = rest.len() - after.len();
        return &rest[..start + word(after)];
    }
    &rest[..first]
}

fn missing(text: &str, code: &Error, field: &str) -> String {
    let whole = if text.contains("extends:") {
        "; what stands here takes nothing from the document that is extended: write all of it, or none"
    } else {
        ""
    };
    format!("{code}; write `{field}: ...`{whole}")
}

/// What to do about an error that needs no more than the place.
fn remedy(text: &str, at: usize, code: &Error) -> Option<String> {
    let rest = &text[at..];
    let before = text[..at].chars().next_back();
    Some(match code {
        Error::IntegerOutOfBounds => "write a whole number that is neither negative nor huge".into(),
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => "write a whole number in digits".into(),
        Error::ExpectedArray => "write a list in square brackets".into(),
        Error::ExpectedFloat => "write a number in digits".into(),
        Error::ExpectedString => "write it in quotes".into(),
        Error::ExpectedStringEnd => "close the text that begins here with a quote".into(),
        Error::ExpectedBoolean => "write true or false".into(),
        Error::ExpectedMapColon => "write `name: value`".into(),
        Error::ExpectedComma if rest.starts_with('.') && before.is_some_and(|c| c.is_ascii_digit()) => {
            "write a whole number, without a point".into()
        }
        Error::ExpectedComma => still_open(text, at, "write a comma before this"),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => match word_before(text, at) {
            Some(word) => match split(token(rest)) {
                (Some(number), "") => format!("write `{word}({number})`"),
                _ => format!("write `{word}(...)`, or `{word}()` where it needs nothing"),
            },
            None => "write its fields in parentheses".into(),
        },
        Error::ExpectedStructLikeEnd | Error::ExpectedArrayEnd | Error::Eof => still_open(text, at, ""),
        Error::TrailingCharacters => "the document has ended before this; look for a bracket too many".into(),
        Error::ExceededRecursionLimit => "write fewer levels".into(),
        _ => return None,
    })
}

/// The constructor that stands right before a place.
fn word_before(text: &str, at: usize) -> Option<&str> {
    let before = text[..at].trim_end();
    let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |i| i + 1);
    Some(&before[start..]).filter(|word| word.starts_with(char::is_uppercase))
}

/// `what`, with the bracket that is open at a place or does not fit there.
fn still_open(text: &str, at: usize, what: &str) -> String {
    let Brackets { open, misfit } = brackets(text, at);
    let told = |open: Open| {
        let (line, column) = place(text, open.at);
        format!("the `{}` of {line}:{column} is still open", open.sign)
    };
    let bracket = match misfit {
        Some((close, open)) if close.at <= at => Some(told(open)),
        _ => open.last().copied().map(told),
    };
    let parts = [Some(what.to_string()).filter(|w| !w.is_empty()), bracket];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// `a, b or c`.
fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The byte of a line and column.
fn offset(text: &str, position: Position) -> usize {
    let start = match position.line {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1),
    };
    let line = &text[start..];
    start + line.char_indices().nth(position.col.saturating_sub(1)).map_or(line.len(), |(i, _)| i)
}

/// Past blanks, to what is at fault, if it stands on the same line.
fn first_sign(text: &str, at: usize) -> usize {
    let rest = text[at..].trim_start_matches([' ', '\t']);
    if rest.is_empty() || rest.starts_with(['\n', '\r']) { at } else { text.len() - rest.len() }
}

/// Line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}
