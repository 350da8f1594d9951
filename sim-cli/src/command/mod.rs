//! One file per subcommand.

pub mod batch;
pub mod check;
pub mod profiles;
pub mod replay;
pub mod run;
pub mod schema;
mod single;
mod trace;

/// Version of the program, as reports carry it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
