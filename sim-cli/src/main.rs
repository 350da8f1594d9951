//! The `duress` command: see the library for what it does.

use sim_cli::{Interrupt, Setting};
use std::io::{IsTerminal, stderr, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    // Without the handler Ctrl-C still ends the program, only without a partial report.
    let _ = ctrlc::set_handler(move || {
        if !asked.ask() {
            std::process::exit(130);
        }
        eprintln!("stopping: the runs under way are finished and reported; Ctrl-C again ends at once");
    });
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let setting =
        Setting { colour: stdout().is_terminal() && !no_colour, progress: stderr().is_terminal(), interrupt };
    ExitCode::from(sim_cli::run(std::env::args_os(), &mut stdout().lock(), &mut stderr(), &setting))
}
