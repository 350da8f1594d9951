//! Small messages beside bulk flows.

use super::{Check, Expected, Findings, Suite, shipped};
use crate::lab::reference::messages::{Case, read};
use sim_core::Seed;

/// See the module.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "messages-theory",
        model: "delay of small messages",
        against: "serialisation, M/G/1, uniform queue, retransmission timer",
        wrong: "waits at several ports are drawn independently",
        run: |seed| shipped::lab(include_str!("../../../scenarios/lab/messages.ron"), seed),
    },
    Suite {
        name: "messages-ns3",
        model: "delay of small messages beside bulk flows",
        against: "own runs of ns-3 3.37, 10 and 25 GbE, MTU 9000",
        wrong: "its constants were fitted to these very rows; free ports were run with two flows only, whose trains \
                met each other less than chance would have it: many flows pile up more than is said here; MTU 1500, \
                100 GbE, priority flow control and shared buffers were never compared",
        run: ns3,
    },
];

const ROWS: &str = include_str!("../../../tests/data/ns3/rows.jsonl");

/// P99 from here on is a retransmission timeout, us.
const TIMEOUT: f64 = 200_000.0;

fn at_most(name: &str, got: f64, high: f64, because: &str) -> Check {
    let expected = Expected::Between { low: 0.0, high };
    Check { name: name.into(), expected, got, error: None, because: because.into() }
}

fn ns3(_: Seed) -> Result<Findings, String> {
    let cases: Vec<Case> = read(ROWS)?.into_iter().filter(|c| !c.noted).collect();
    let errors = |capped: bool| cases.iter().filter(move |c| c.capped == capped).filter_map(Case::errors);
    let most = |of: fn(f64, f64) -> f64, of_which: &mut dyn Iterator<Item = f64>| of_which.fold(0.0, of);
    let (full, free) = (errors(false).count(), errors(true).count());
    let p99 = most(f64::max, &mut errors(false).map(|e| e.1));
    let p50 = most(f64::max, &mut errors(false).map(|e| e.0));
    let mean = errors(false).map(|e| e.1).sum::<f64>() / full.max(1) as f64;
    let free_p99 = most(f64::max, &mut errors(true).map(|e| e.1));
    let free_p50 = most(f64::max, &mut errors(true).map(|e| e.0));
    let fit = "three constants were fitted to these rows, as laws of the regime";
    let mut checks = vec![
        at_most("full, idle and priority ports: P99, largest error", p99, 0.10, fit),
        at_most("full, idle and priority ports: P99, mean error", mean, 0.05, fit),
        at_most("full, idle and priority ports: P50, largest error", p50, 0.20, fit),
        at_most("free ports: P99, largest error", free_p99, 0.20, "load 0.3 to 0.9, no cliff"),
        at_most("free ports: P50, largest error", free_p50, 0.20, "a port is busy for its load"),
    ];
    checks.extend(timeouts()?);
    checks.extend(order()?);
    Ok(Findings {
        checks,
        size: format!("{full} full, idle or priority ports, {free} free ones"),
        error: format!("P99: mean {:.1} %, worst {:.1} %", 100.0 * mean, 100.0 * p99),
    })
}

/// P99 in us of a 16 KiB message.
fn p99(gbps: u32, flows: u32, buffer_kb: u32, more: &str) -> Result<f64, String> {
    let row = format!(
        r#"{{"gbps": {gbps}, "bulk_flows": {flows}, "buffer_kb": {buffer_kb}, "msg_bytes": 16384, "mtu": 9000{more}}}"#
    );
    read(&row)?.first().map(|c| c.said.1).ok_or_else(|| "no row".to_string())
}

/// Only four flows in 256 KB at 10 GbE have windows so small that one message in a hundred is lost.
fn timeouts() -> Result<Vec<Check>, String> {
    let crowded = p99(10, 4, 256, "")?;
    let neighbours = [p99(10, 1, 256, "")?, p99(10, 4, 1024, "")?, p99(25, 4, 256, "")?];
    let worst = neighbours.into_iter().fold(0.0, f64::max);
    let because = "200,416 us in ns-3: the least timeout is 200 ms";
    let expected = Expected::Between { low: TIMEOUT, high: 2.0 * TIMEOUT };
    let name = "4 flows in 256 KB at 10 GbE: P99, us";
    Ok(vec![
        Check { name: name.into(), expected, got: crowded, error: None, because: because.into() },
        at_most("its neighbours: largest P99, us", worst, 1500.0, "809 us and less in ns-3"),
    ])
}

/// Each regime over the one before it: ratios above 1.
fn order() -> Result<Vec<Check>, String> {
    let idle = p99(25, 0, 1024, "")?;
    let rising = [
        ("priority over idle", p99(25, 4, 1024, r#", "sched": "prio""#)?),
        ("ECN over priority", p99(25, 4, 4096, r#", "ecn_k_kb": 250"#)?),
        ("FIFO of 1 MB over ECN", p99(25, 4, 1024, "")?),
        ("FIFO of 4 MB over FIFO of 1 MB", p99(25, 4, 4096, "")?),
    ];
    let mut below = idle;
    let mut checks = Vec::new();
    for (name, p99) in rising {
        let expected = Expected::Between { low: 1.000_001, high: 100.0 };
        let because = "the regime of a port decides P99".into();
        checks.push(Check { name: format!("P99, {name}"), expected, got: p99 / below, error: None, because });
        below = p99;
    }
    let busy = p99(25, 2, 1024, r#", "bulk_cap_gbps_each": 11.25, "access_gbps": 25"#)?;
    checks.push(at_most(
        "P99 at load 0.9 on a free port over idle",
        busy / idle,
        5.0,
        "no cliff before saturation",
    ));
    Ok(checks)
}
