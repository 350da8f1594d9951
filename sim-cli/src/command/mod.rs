//! One file per subcommand.

pub mod batch;
mod bench;
pub mod check;
pub mod lab;
pub mod profiles;
pub mod replay;
pub mod run;
pub mod schema;
pub mod selfcheck;
pub mod sensitivity;
mod single;
mod trace;

/// Version of the program, as reports carry it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Threads: as asked, or one per core.
fn jobs(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}
