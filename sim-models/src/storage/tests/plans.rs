//! Plans as such: bytes, and what waiting for several copies costs.

use super::super::protocol::replicated::{MAX_COPIES, WriteRoute, write};
use super::super::protocol::{Place, Plan, Stage};
use super::rig::{self, AHV};
use crate::ids::HostId;
use sim_core::{Bytes, Dist, Seed, Span, Stream, Streams};

fn luck() -> Stream {
    Streams::new(Seed(7), 0).stream("plan", "test")
}

fn route(count: usize) -> WriteRoute {
    let mut copies = [(HostId(0), 0); MAX_COPIES];
    (0..count).for_each(|i| copies[i] = (HostId(i as u16), 1));
    WriteRoute { host: HostId(0), copies, count }
}

#[test]
fn bytes_of_a_write_are_exact() {
    // Device bytes: RF, and RF more when drained; network bytes: RF - 1, again when drained and shipped.
    let mut p = rig::profile(AHV).storage;
    let (mut plan, mut luck) = (Plan::default(), luck());
    for copies in [2, 3] {
        let rf = copies as u64;
        for (drained, ships) in [(0.0, true), (1.0, true), (1.0, false)] {
            (p.drain_share, p.drain_ships) = (drained, ships);
            plan.clear();
            write(&mut plan, 8192, &route(copies), &p, &mut luck);
            let again = drained as u64;
            assert_eq!(plan.device_bytes, 8192 * rf * (1 + again));
            assert_eq!(plan.network_bytes, 8192 * (rf - 1) * (1 + again * u64::from(ships)));
            assert_eq!((plan.acks(), plan.deferred.len()), (copies, copies * again as usize));
        }
    }
    // A write above the bypass limit is stored once, on data devices.
    p.drain_share = 1.0;
    plan.clear();
    write(&mut plan, p.bypass_above.0 as u32, &route(2), &p, &mut luck);
    assert_eq!(plan.device_bytes, 2 * p.bypass_above.0);
    assert!(plan.deferred.is_empty());
    assert!(matches!(plan.stage(1, plan.first(1)), Some(Stage::Serve(Place::Data(HostId(0), 1), _))));
}

#[test]
fn an_idle_write_waits_for_the_slowest_of_its_logs() {
    // Log-normals of mean 1 and cv 0.5: sigma^2 = ln 1.25. The mean of the largest of k is 1, 1.262, 1.422
    // and its P99 is F^-1(0.99^(1/k)): 2.68, 3.02, 3.22.
    let mut p = rig::profile(AHV).storage;
    p.log_write = Dist::log_normal_mean_cv(1e-3, 0.5).expect("a law");
    p.log_hiccup_chance = 0.0;
    p.data_write_rate = sim_core::Rate(1 << 50);
    let (mut plan, mut luck) = (Plan::default(), luck());
    for (copies, mean, p99) in [(1, 1.0, 2.68), (2, 1.262, 3.02), (3, 1.422, 3.22)] {
        let mut slowest: Vec<f64> = (0..200_000)
            .map(|_| {
                plan.clear();
                write(&mut plan, 8192, &route(copies), &p, &mut luck);
                let logs = (1..=copies).map(|leg| log_time(&plan, leg));
                logs.max().expect("at least one leg").as_secs() * 1e3
            })
            .collect();
        slowest.sort_by(f64::total_cmp);
        let (m, q) = (rig::mean(&slowest), rig::quantile(&slowest, 0.99));
        assert!((m / mean - 1.0).abs() < 0.01, "{copies} copies: mean {m}");
        assert!((q / p99 - 1.0).abs() < 0.02, "{copies} copies: P99 {q}");
    }
}

fn log_time(plan: &Plan, leg: usize) -> Span {
    let stages = (plan.first(leg)..).map_while(|i| plan.stage(leg, i));
    stages.filter_map(|s| if let Stage::Serve(Place::Log(_), work) = s { Some(work) } else { None }).sum()
}

#[test]
fn controller_work_sets_the_price_of_a_third_copy() {
    // 150 + 80 (RF - 1) + 30 us per write: 260 against 340, so RF3 carries 260 / 340 = 0.765 of RF2.
    let mut p = rig::profile(AHV).storage;
    for law in [&mut p.primary_work, &mut p.replica_work, &mut p.ack_work] {
        *law = Dist::constant(law.mean()).expect("a law");
    }
    let (mut plan, mut luck) = (Plan::default(), luck());
    let mut work = |copies: usize| {
        plan.clear();
        write(&mut plan, 8192, &route(copies), &p, &mut luck);
        let all = (0..plan.strands())
            .flat_map(|s| (plan.first(s)..).map_while(|i| plan.stage(s, i)).collect::<Vec<_>>());
        all.filter_map(|s| if let Stage::Serve(Place::Cvm(_), work) = s { Some(work) } else { None })
            .sum::<Span>()
    };
    assert_eq!((work(2), work(3)), (Span::us(260), Span::us(340)));
}

#[test]
fn every_shipped_profile_has_a_storage_section() {
    for text in [rig::AHV, rig::KVM, rig::ESXI, rig::HYBRID] {
        let profile = rig::profile(text);
        assert!(profile.storage.chunk > Bytes::ZERO, "{}", profile.name);
    }
}
