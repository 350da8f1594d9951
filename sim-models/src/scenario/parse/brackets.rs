//! Which bracket is open at a place of a RON text, and which is never closed.

/// An opening bracket and where it stands, as a byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// The bracket.
    pub sign: char,
    /// Where.
    pub at: usize,
}

/// What the brackets of a text come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Brackets {
    /// Those open at the place that was asked for, outermost first.
    pub open: Vec<Open>,
    /// The first closing bracket that does not fit, and the one that is open there.
    pub misfit: Option<(Open, Open)>,
}

/// Reads `text`, with its strings and comments left out, and says what is open before byte `at`.
pub(super) fn brackets(text: &str, at: usize) -> Brackets {
    let mut found = Brackets::default();
    let mut open: Vec<Open> = Vec::new();
    let mut pos = 0;
    let mut asked = true;
    while let Some(sign) = text[pos..].chars().next() {
        if asked && pos >= at {
            found.open.clone_from(&open);
            asked = false;
        }
        let here = Open { sign, at: pos };
        match sign {
            '(' | '[' | '{' => open.push(here),
            ')' | ']' | '}' => match open.pop() {
                Some(opened) if closes(opened.sign, sign) => {}
                opened => {
                    found.misfit = found.misfit.or(opened.map(|opened| (here, opened)));
                }
            },
            _ => {}
        }
        pos += length(&text[pos..], sign);
    }
    if asked {
        found.open = open;
    }
    found
}

fn closes(open: char, close: char) -> bool {
    matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}'))
}

/// Bytes of the string or comment that begins here, or of the one character.
fn length(rest: &str, sign: char) -> usize {
    let upto = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |i| from + i + end.len());
    if rest.starts_with("//") {
        return upto("\n", 2);
    }
    if rest.starts_with("/*") {
        return upto("*/", 2);
    }
    if sign == '"' {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        return end.map_or(rest.len(), |(i, _)| i + 1);
    }
    sign.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(sign: char, at: usize) -> Open {
        Open { sign, at }
    }

    #[test]
    fn strings_and_comments_hold_no_brackets() {
        let text = "(a: \"](\\\"(\", // ((\n /* [ */ b: [1";
        let of = brackets(text, text.len());
        assert_eq!(of, Brackets { open: vec![open('(', 0), open('[', 31)], misfit: None });
        assert_eq!(brackets(text, 4).open, [open('(', 0)]);
    }

    /// `]` meets the `(` at 4, which nobody has closed.
    #[test]
    fn a_bracket_that_does_not_fit_is_found() {
        assert_eq!(brackets("[1, (2, 3], 4", 0).misfit, Some((open(']', 9), open('(', 4))));
        assert_eq!(brackets("[1, (2, 3)]", 0).misfit, None);
    }
}
