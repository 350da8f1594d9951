//! The model against a real Linux scheduler: `tests/data/linux-sched`.

use super::pool::Capacity;
use super::settle::{Cache, Entry, solve};
use super::tests::cpu_profile;
use super::weighted::{self, Class};

struct Worker<'a> {
    run: &'a str,
    cpus: u32,
    class: &'a str,
    mode: &'a str,
    burst: f64,
    nice: u32,
    group: &'a str,
    shares: f64,
    quota: f64,
    /// Share of a CPU that it would have used alone, from its own work and sleep: over 5.6 s the demand of
    /// a worker scatters around its nominal value, and that scatter is not the scheduler's.
    duty: f64,
    ready: f64,
}

fn workers() -> Vec<Worker<'static>> {
    let rows = include_str!("../../../tests/data/linux-sched/workers.csv").lines().skip(1);
    rows.map(|row| {
        let c: Vec<&str> = row.split(',').collect();
        let number = |i: usize| c[i].parse::<f64>().unwrap_or(0.0);
        let (cpu, ready) = (number(14), number(15));
        Worker {
            run: c[0],
            cpus: number(1) as u32,
            class: c[4],
            mode: c[5],
            burst: number(7) * 1e-6,
            nice: number(9) as u32,
            group: c[10],
            shares: number(11),
            quota: number(12) / number(13),
            duty: if c[5] == "hog" { 1.0 } else { cpu / (100.0 - ready) },
            ready,
        }
    })
    .collect()
}

/// Ready time in per cent of every worker of one configuration.
fn predicted(workers: &[&Worker]) -> Vec<f64> {
    let capacity = Capacity::cpus(workers[0].cpus);
    if workers.iter().any(|w| w.shares > 0.0 && w.quota.is_nan()) {
        return grouped(capacity, workers);
    }
    let entry = |w: &&Worker| Entry {
        vcpus: 1,
        duty: w.duty,
        burst: w.burst,
        // Weights of nice 0 and 5 in the kernel's table.
        weight: if w.nice == 0 { 1024.0 } else { 335.0 },
        reserved: 0.0,
        cap: if w.quota > 0.0 { w.quota } else { 1.0 },
    };
    let entries: Vec<Entry> = workers.iter().map(entry).collect();
    let met = solve(&cpu_profile("kvm"), capacity, &entries, &mut Cache::new());
    met.iter().map(|m| 100.0 * m.ready).collect()
}

/// Configurations with cgroups: the members of a group share its weight.
fn grouped(capacity: Capacity, workers: &[&Worker]) -> Vec<f64> {
    let mut groups: Vec<&str> = workers.iter().map(|w| w.group).collect();
    groups.dedup();
    let class = |group: &&str| {
        let of: Vec<&&Worker> = workers.iter().filter(|w| w.group == *group).collect();
        let duty = of.iter().map(|w| w.duty).sum::<f64>() / of.len() as f64;
        let (vcpus, burst, weight) = (of.len() as u32, of[0].burst, of[0].shares);
        Class { vcpus, duty, burst, weight, reserved: 0.0, grouped: true }
    };
    let shares = weighted::solve(capacity, &groups.iter().map(class).collect::<Vec<_>>());
    let of = |w: &&Worker| groups.iter().position(|g| *g == w.group).expect("collected above");
    workers.iter().map(|w| 100.0 * shares[of(w)].ready).collect()
}

/// Mean ready time (predicted, measured) of every class of every configuration.
fn class_means() -> Vec<(String, u32, f64, f64)> {
    let all = workers();
    let mut means = Vec::new();
    let mut runs: Vec<&str> = all.iter().map(|w| w.run).collect();
    runs.dedup();
    for run in runs {
        let of: Vec<&Worker> = all.iter().filter(|w| w.run == run).collect();
        let predicted = predicted(&of);
        let mut classes: Vec<&str> = of.iter().map(|w| w.class).collect();
        classes.sort_unstable();
        classes.dedup();
        for class in classes {
            let members = of.iter().zip(&predicted).filter(|(w, _)| w.class == class);
            let n = members.clone().count() as f64;
            let model = members.clone().map(|(_, p)| p).sum::<f64>() / n;
            let real = members.clone().map(|(w, _)| w.ready).sum::<f64>() / n;
            means.push((format!("{run} {class}"), of[0].cpus, model, real));
        }
    }
    means
}

fn close(model: f64, real: f64) -> bool {
    (model - real).abs() <= (0.1 * real).max(1.0)
}

/// At least 85 % of the class means lie within 10 % or one point of the kernel's own accounting.
#[test]
fn class_means_of_a_real_scheduler() {
    let means = class_means();
    let misses: Vec<_> = means.iter().filter(|m| !close(m.2, m.3)).collect();
    let met = means.len() - misses.len();
    assert!(means.len() >= 34, "{} classes", means.len());
    assert!(met * 100 >= means.len() * 85, "{met} of {}: {misses:.2?}", means.len());
}

/// Without late balancing two CPUs would be predicted far too well: the law earns its place.
#[test]
fn late_balancing_is_needed_with_two_cpus() {
    let two: Vec<_> = class_means().into_iter().filter(|m| m.1 == 2 && !m.0.contains("probe")).collect();
    assert_eq!(two.len(), 6);
    let error = two.iter().map(|m| (m.2 / m.3 - 1.0).abs()).sum::<f64>() / 6.0;
    assert!(error < 0.12, "mean error {error:.3}: {two:.2?}");
    let workers = workers();
    let p09: Vec<&Worker> = workers.iter().filter(|w| w.run == "P09").collect();
    let members: Vec<_> = p09.iter().map(|w| super::pool::Member { vcpus: 1, duty: w.duty }).collect();
    let pooled = super::pool::solve(Capacity::cpus(2), &members)[0].ready * 100.0;
    assert!(p09[0].ready > 1.5 * pooled, "{pooled}");
}

/// Endless workers have exact answers, limits and nice levels included: within one point.
#[test]
fn hogs_and_quotas() {
    let all = workers();
    let hogs: Vec<&str> = all.iter().filter(|w| w.mode == "hog" || w.quota > 0.0).map(|w| w.run).collect();
    let exact = class_means().into_iter().filter(|m| hogs.contains(&&m.0[..3]) && !m.0.contains("probe"));
    let exact: Vec<_> = exact.collect();
    assert!(exact.len() >= 7);
    for m in &exact {
        assert!((m.2 - m.3).abs() < 1.0, "{m:.2?}");
    }
}
