//! Why a command ends, and with which exit code.

use std::fmt::Display;
use std::io;

/// Exit codes.
pub mod code {
    /// Done; with `--gate`, every objective passed.
    pub const DONE: u8 = 0;
    /// With `--gate`: an objective failed or is undecided.
    pub const GATE: u8 = 1;
    /// The scenario or the command line is wrong, or a file cannot be read or written.
    pub const USAGE: u8 = 2;
    /// A run broke.
    pub const BROKEN: u8 = 3;
    /// Interrupted; what is printed covers the runs that were finished.
    pub const INTERRUPTED: u8 = 130;
}

/// The end of a command that did not get through.
#[derive(Debug)]
pub struct Stop {
    /// Exit code.
    pub code: u8,
    /// What to print, with its last line break.
    pub message: String,
}

impl Stop {
    /// The user can mend it; `message` is complete.
    pub fn usage(message: String) -> Stop {
        Stop { code: code::USAGE, message }
    }

    /// The user can mend it: one line.
    pub fn error(what: impl Display) -> Stop {
        Stop::usage(format!("error: {what}\n"))
    }

    /// A run broke.
    pub fn broken(message: String) -> Stop {
        Stop { code: code::BROKEN, message }
    }
}

impl From<io::Error> for Stop {
    /// Failing to write the data. A reader that has gone away, such as `head`, is no error.
    fn from(e: io::Error) -> Stop {
        if e.kind() == io::ErrorKind::BrokenPipe {
            return Stop { code: code::DONE, message: String::new() };
        }
        Stop::error(format_args!("cannot write the output: {e}"))
    }
}
