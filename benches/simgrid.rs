//! Our flow solver beside SimGrid's, on the same closed lists, in alternation: `cargo bench --bench simgrid`.
//!
//! Prints events per CPU second (an arrival and a completion are two events) and their ratio, as medians of
//! five runs each. SimGrid's side is `simgrid/closed.cpp`, built here if a C++ compiler and SimGrid are
//! installed (on Debian: `apt install g++ libsimgrid-dev`, 3.32); without them our side runs alone. Both sides
//! time their simulation loop only. The last finishes differ a little where the lists are long: in a closed
//! loop a nanosecond of difference grows from flow to flow.

#[path = "simgrid/list.rs"]
mod list;

use list::{List, Loop};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Concurrent flows, and flows in all.
const LISTS: [(usize, usize); 4] = [(100, 20_000), (300, 20_000), (1000, 12_000), (3000, 9_000)];
const RUNS: usize = 5;

/// CPU seconds, and the instant of the last completion in seconds.
type Run = (f64, f64);

fn main() {
    let args: Vec<String> = env::args().collect();
    if let [_, command, width, total] = &args[..]
        && command == "--ours"
    {
        return ours(width.parse().expect("a number"), total.parse().expect("a number"));
    }
    let driver = build_driver();
    if driver.is_none() {
        println!("SimGrid does not build here: our side alone");
    }
    println!("{:>5} {:>12} {:>14} {:>6}   last finish, s", "flows", "our ev/s", "SimGrid ev/s", "ratio");
    // As with criterion, `--test` only shows that it starts.
    let (lists, runs) = if args.iter().any(|word| word == "--test") { (1, 1) } else { (LISTS.len(), RUNS) };
    for &(width, total) in &LISTS[..lists] {
        let (width_arg, total_arg) = (width.to_string(), total.to_string());
        let file = scratch(&format!("closed-{width}.txt"));
        fs::write(&file, text(&List::new(total))).expect("the target folder can be written");
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            mine.push(run(Command::new(&args[0]).args(["--ours", &width_arg, &total_arg])));
            theirs.extend(driver.iter().map(|d| run(Command::new(d).arg(&file).arg(&width_arg))));
        }
        let rate = |run: Run| 2.0 * total as f64 / run.0;
        let mine = median(mine).expect("at least one run");
        print!("{width:>5} {:>12.0}", rate(mine));
        match median(theirs) {
            None => println!(" {:>14} {:>6}   {:.6}", "-", "-", mine.1),
            Some(its) => {
                println!(" {:>14.0} {:>6.1}   {:.6} {:.6}", rate(its), its.0 / mine.0, mine.1, its.1);
            }
        }
    }
}

/// Plays a list in this process, of its own so that its CPU time is that of the loop.
fn ours(width: usize, total: usize) {
    let list = List::new(total);
    let before = cpu_seconds();
    let mut run = Loop::new(&list, width);
    while run.step(total) > 0 {}
    println!("{} {}", cpu_seconds() - before, run.now.as_secs());
}

/// CPU time of this process so far, as Linux counts it in ns.
fn cpu_seconds() -> f64 {
    let line = fs::read_to_string("/proc/self/schedstat").expect("Linux with scheduler statistics");
    let ns = line.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok());
    ns.expect("a number of ns") * 1e-9
}

fn run(command: &mut Command) -> Run {
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
    let both = numbers.next().zip(numbers.next());
    both.unwrap_or_else(|| panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn median(mut runs: Vec<Run>) -> Option<Run> {
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    runs.get(runs.len() / 2).copied()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The path of SimGrid's side, if it can be built.
fn build_driver() -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/simgrid/closed.cpp");
    let driver = scratch("simgrid-closed");
    let mut compiler = Command::new("g++");
    compiler.args(["-O2", "-std=c++17", source, "-lsimgrid", "-o"]).arg(&driver);
    let built = compiler.output().is_ok_and(|output| output.status.success());
    built.then_some(driver)
}

/// A list in the format of `closed.cpp`.
fn text(list: &List) -> String {
    let mut text = format!("L {}\n", list.links.len());
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").expect("memory");
    list.links.iter().for_each(|capacity| line(format_args!("{}", capacity.0)));
    line(format_args!("P {}", list.paths.len()));
    for path in &list.paths {
        let links: Vec<String> = path.iter().map(u32::to_string).collect();
        line(format_args!("{} {}", path.len(), links.join(" ")));
    }
    line(format_args!("F {}", list.flows.len()));
    list.flows.iter().for_each(|(bytes, path)| line(format_args!("{} {path}", bytes.0)));
    text
}
