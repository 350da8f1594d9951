//! What the benches of whole runs share: CPU time, and the shipped scenarios at another size.

use sim_core::Bytes;
use sim_models::scenario::{Scenario, StorageDesign};
use std::path::Path;
use std::time::Instant;

/// A shipped scenario with every distribution at its median.
pub fn shipped(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.ron"));
    sim_cli::load::scenario(&file).expect("a shipped scenario is sound").typical
}

/// With `--test` a bench only shows that it starts, as those on criterion do.
pub fn only_starts() -> bool {
    std::env::args().any(|word| word == "--test")
}

/// What `work` comes to, and how many seconds this thread computed for it: other programs do not count where the
/// system tells (Linux); elsewhere it is the wall clock.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let (wall, cpu) = (Instant::now(), on_cpu());
    let result = work();
    let spent = match (cpu, on_cpu()) {
        (Some(before), Some(after)) => (after - before) as f64 / 1e9,
        _ => wall.elapsed().as_secs_f64(),
    };
    (result, spent)
}

/// Nanoseconds that this thread has been on a CPU.
fn on_cpu() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// The middle one of an odd number.
#[allow(dead_code)] // not every bench has several
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Everything that there are several of, `by` times: hosts, racks with their ToRs, arrays, VMs, moves at once.
#[allow(dead_code)] // not every bench scales
pub fn grown(mut s: Scenario, by: u16) -> Scenario {
    let times = u32::from(by);
    for cluster in s.source.iter_mut().chain([&mut s.target]) {
        cluster.hosts *= by;
        cluster.racks *= by;
        cluster.live_migrations_per_hour *= f64::from(by);
        match &mut cluster.storage {
            StorageDesign::San(san) => {
                san.controllers *= by;
                san.capacity = Bytes(san.capacity.0 * u64::from(by));
                san.devices *= times;
                san.luns *= times;
            }
            StorageDesign::Replicated(pool) => pool.groups *= times,
        }
    }
    s.groups.iter_mut().for_each(|group| group.count *= times);
    if let Some(wave) = &mut s.wave {
        wave.vms_per_group.iter_mut().for_each(|vms| *vms *= times);
        wave.in_all *= times;
    }
    s
}
