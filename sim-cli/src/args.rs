//! What was typed.

use crate::report::Format;
use clap::{Args as Group, Parser, Subcommand, ValueEnum, value_parser};
use sim_core::Seed;
use std::path::PathBuf;

/// Will this migration survive the day something breaks?
#[derive(Debug, Parser)]
#[command(name = "duress", version, disable_help_subcommand = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One per file in `command/`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Parse, validate and print what a scenario means; nothing is simulated
    Check(Check),
    /// Play one future in full and tell its story
    Run(Run),
    /// Play many futures and judge them
    Batch(Batch),
    /// Play one run of a batch again, bit for bit
    Replay(Replay),
    /// List the hypervisor profiles, or every value of one with its source
    Profiles(Profiles),
    /// Document the scenario file and the JSON reports
    Schema(Schema),
    /// Predict every case of a file of measured or computed reference cases
    Lab(Lab),
    /// Show which assumed value moves which number of the matrix
    Sensitivity(Sensitivity),
    /// Hold every model against theory, other simulators and measurements, on this machine
    Selfcheck(Selfcheck),
}

/// Arguments of `check`.
#[derive(Debug, Group)]
pub struct Check {
    /// Scenario file (RON)
    pub scenario: PathBuf,
}

/// Arguments of `run`.
#[derive(Debug, Group)]
pub struct Run {
    /// Scenario file (RON), or a lab file of bare components
    pub scenario: PathBuf,
    /// Seed, decimal or 0x hex
    #[arg(long, default_value = "0x1", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Seed,
    /// Also print the digest of every entity, by name
    #[arg(long)]
    pub digests: bool,
    /// Write a timeline that Perfetto and chrome://tracing open
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = OneRun::Text)]
    pub format: OneRun,
}

/// Arguments of `batch`.
#[derive(Debug, Group)]
pub struct Batch {
    /// Scenario file (RON)
    pub scenario: PathBuf,
    /// Futures to play; with fewer than 72 the 95 % interval of a P95 over runs has no upper end
    #[arg(long, default_value_t = 72, value_parser = value_parser!(u64).range(1..=10_000_000))]
    pub runs: u64,
    /// Seed, decimal or 0x hex
    #[arg(long, default_value = "0x1", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Seed,
    /// Threads; the result is the same for any number [default: all cores]
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also write summary.json, runs.csv and one .hlog per metric into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Exit with 1 unless every objective passes
    #[arg(long)]
    pub gate: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Group)]
pub struct Replay {
    /// Scenario file (RON)
    pub scenario: PathBuf,
    /// Seed of the batch, decimal or 0x hex
    #[arg(long, default_value = "0x1", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Seed,
    /// Number of the run in the batch
    #[arg(long, allow_negative_numbers = true)]
    pub run: u64,
    /// Output format
    #[arg(long, value_enum, default_value_t = OneRun::Text)]
    pub format: OneRun,
}

/// Arguments of `profiles`.
#[derive(Debug, Group)]
pub struct Profiles {
    /// A built-in profile, or the path of a profile file
    pub name: Option<String>,
}

/// Arguments of `lab`.
#[derive(Debug, Group)]
pub struct Lab {
    /// What the file holds
    #[arg(value_enum)]
    pub kind: LabKind,
    /// The file
    pub file: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = OneRun::Text)]
    pub format: OneRun,
}

/// What a file of reference cases holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LabKind {
    /// Bulk flows that share links: one JSON case with links, flows and events
    Flows,
    /// Live migrations under QEMU: CSV, one migration a row
    Precopy,
    /// Workers that share the CPUs of a Linux host: CSV, one class of workers a row
    Cpu,
    /// Small messages beside bulk flows at one port: JSON, one port a line
    Messages,
}

/// Arguments of `sensitivity`.
#[derive(Debug, Group)]
pub struct Sensitivity {
    /// Scenario file (RON)
    pub scenario: PathBuf,
    /// Futures per variation; all variations meet the same luck
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u64).range(2..=100_000))]
    pub runs: u64,
    /// How far each value is moved, down and up, in per cent
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u8).range(1..=100))]
    pub by: u8,
    /// Only values whose path contains this text
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Seed, decimal or 0x hex
    #[arg(long, default_value = "0x1", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Seed,
    /// Threads; the result is the same for any number [default: all cores]
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Output format
    #[arg(long, value_enum, default_value_t = OneRun::Text)]
    pub format: OneRun,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `selfcheck`.
#[derive(Debug, Group)]
pub struct Selfcheck {
    /// Only the suites of these names
    pub suites: Vec<String>,
    /// Seed, decimal or 0x hex
    #[arg(long, default_value = "0x1", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Seed,
    /// Threads; the result is the same for any number [default: all cores]
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Print every check, not only those that fail
    #[arg(long)]
    pub all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = Validation::Text)]
    pub format: Validation,
}

/// How the suite is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Validation {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// The table of models for a document
    Markdown,
}

/// Arguments of `schema`.
#[derive(Debug, Group)]
pub struct Schema {
    /// Which of them [default: all]
    #[arg(value_enum)]
    pub what: Option<Document>,
}

/// What can be documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// The scenario file
    Scenario,
    /// The lab file, and the figures of each kind of part
    Lab,
    /// The JSON that `batch`, `run` and `replay` print
    Report,
}

/// How one run is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OneRun {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// A seed in decimal or 0x hex.
fn seed(typed: &str) -> Result<Seed, String> {
    let hex = typed.strip_prefix("0x").or_else(|| typed.strip_prefix("0X"));
    let parsed = hex.map_or_else(|| typed.parse(), |digits| u64::from_str_radix(digits, 16));
    parsed.map(Seed).map_err(|_| "write a whole number below 2^64, decimal or 0x hex".to_string())
}
