//! Colour, where the reader's terminal has it.

use sim_models::verdict::Verdict;

/// With colours or without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Escape codes may be written.
    pub colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// A headline.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A word of its own for each verdict, so that colour is never needed to tell them apart.
    pub fn verdict(self, verdict: Verdict) -> String {
        match verdict {
            Verdict::Pass => self.paint("32", "pass"),
            Verdict::Undecided => self.paint("33", "undecided"),
            Verdict::Fail => self.paint("1;31", "FAIL"),
        }
    }
}
