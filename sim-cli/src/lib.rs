//! The `duress` command: files, terminal and reports around the models.
//!
//! ```text
//! args -> load (the only file reads) -> command/* -> report/* -> stdout; everything else -> stderr
//! ```
//!
//! [`run`] is the whole program and touches no global state, so that tests call it in-process.

mod args;
mod command;
pub mod error;
mod files;
mod interrupt;
pub mod load;
mod report;

pub use error::code;
pub use interrupt::Interrupt;

use args::{Args, Command};
use clap::Parser;
use error::Stop;
use std::ffi::OsString;
use std::io::Write;

/// What the surroundings allow.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Data goes to a terminal that shows colours, and the user has not asked for none.
    pub colour: bool,
    /// Messages go to a terminal, where a progress bar can move.
    pub progress: bool,
    /// Set from outside to end a batch early.
    pub interrupt: Interrupt,
}

/// Where data and messages go.
pub(crate) struct Terminal<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    pub setting: &'a Setting,
}

/// Runs one command line, program name first, and returns the exit code of [`code`].
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    setting: &Setting,
) -> u8 {
    let mut terminal = Terminal { out, err, setting };
    let done = parsed(args, &mut terminal).and_then(|command| match command {
        None => Ok(code::DONE),
        Some(command) => dispatch(command, &mut terminal),
    });
    let stop = match done.and_then(|code| Ok(terminal.out.flush().map(|()| code)?)) {
        Ok(code) => return code,
        Err(stop) => stop,
    };
    // A message that cannot be written has nobody who could read it.
    let _ = write!(terminal.err, "{}", stop.message);
    stop.code
}

/// The command, or nothing when help or the version was asked for and printed.
fn parsed(
    args: impl IntoIterator<Item = OsString>,
    terminal: &mut Terminal<'_>,
) -> Result<Option<Command>, Stop> {
    match Args::try_parse_from(args) {
        Ok(args) => Ok(Some(args.command)),
        Err(e) if e.use_stderr() => Err(Stop::usage(e.render().to_string())),
        Err(e) => {
            write!(terminal.out, "{}", e.render())?;
            Ok(None)
        }
    }
}

fn dispatch(command: Command, terminal: &mut Terminal<'_>) -> Result<u8, Stop> {
    match command {
        Command::Check(args) => command::check::run(&args, terminal),
        Command::Run(args) => command::run::run(&args, terminal),
        Command::Batch(args) => command::batch::run(&args, terminal),
        Command::Replay(args) => command::replay::run(&args, terminal),
        Command::Profiles(args) => command::profiles::run(&args, terminal),
        Command::Schema(args) => command::schema::run(&args, terminal),
        Command::Lab(args) => command::lab::run(&args, terminal),
        Command::Sensitivity(args) => command::sensitivity::run(&args, terminal),
        Command::Selfcheck(args) => command::selfcheck::run(&args, terminal),
    }
}

#[cfg(test)]
mod tests;
