//! The shipped scenarios, bad input, and hostile input.

mod bad;
mod hostile;

use super::library::Document;
use super::{Duty, Scenario};
use sim_core::{Seed, Streams};

/// The files that ship, from the folder of the scenarios.
fn shipped(path: &str) -> Result<String, String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    std::fs::read_to_string(folder.join(path)).map_err(|e| e.to_string())
}

const ALL: [&str; 11] = [
    "steady",
    "node-loss",
    "degraded-n-minus-1",
    "rebuild-storm",
    "tor-failure",
    "spine-failure",
    "cvm-crash",
    "cvm-contention",
    "metro-cutover",
    "kvm-target",
    "xray-node-failure",
];

fn document(name: &str) -> Document {
    let text = shipped(&format!("{name}.ron")).expect("it ships");
    Document::load(&text, &mut shipped).unwrap_or_else(|e| panic!("{name}:{e}"))
}

fn checked(name: &str) -> Scenario {
    document(name).check().unwrap_or_else(|problems| {
        panic!("{name}:\n{}", problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n"))
    })
}

#[test]
fn every_shipped_scenario_means_what_its_table_says() {
    for name in ALL {
        let s = checked(name);
        assert_eq!(s.name, name);
        assert!(!s.question.is_empty() && !s.objectives.is_empty());
        if name == "xray-node-failure" {
            // 4 x (4 disks x 1000 + 2 x 100) + 300 desktops x 20 requests per second.
            assert_eq!((s.vm_count(), s.requests_per_s()), (304, 22_800.0));
            continue;
        }
        let sum = |of: &dyn Fn(&super::VmGroup) -> u32| s.groups.iter().map(|g| g.count * of(g)).sum::<u32>();
        assert_eq!(s.vm_count(), 480);
        assert_eq!(sum(&|g| g.vcpus), 1792);
        assert!((s.requests_per_s() - 23_840.0).abs() < 1e-6);
        // 320 x 0.12 + 640 x 0.20 + 192 x 0.15 + 384 x 0.30 + 256 x 0.35 = 400 cores.
        let duty = |g: &super::VmGroup| match &g.cpu.duty {
            Duty::Traced { mean, columns } if columns.len() == 12 => *mean,
            other => panic!("{other:?}"),
        };
        let cores: f64 = s.groups.iter().map(|g| f64::from(g.count * g.vcpus) * duty(g)).sum();
        assert!((cores - 400.0).abs() < 1e-6, "{cores}");
        match &s.wave {
            Some(wave) => assert_eq!(wave.vms_per_group, [16, 16, 10, 5, 1]),
            None => assert_eq!(name, "steady"),
        }
    }
}

#[test]
fn a_draw_changes_inputs_and_nothing_else() {
    let doc = document("node-loss");
    let draw = |run| format!("{:?}", doc.draw(Streams::new(Seed(1), run)).expect("valid"));
    assert_eq!(draw(0), draw(0));
    let start = std::time::Instant::now();
    for run in 0..100 {
        doc.draw(Streams::new(Seed(1), run)).expect("valid");
    }
    // Every run resolves once: it must stay below what a run costs by far.
    assert!(start.elapsed().as_millis() < 1000, "{:?} for 100", start.elapsed());
}
