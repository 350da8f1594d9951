//! Flow sets with finish times from another simulator (`tests/data/maxmin/README.md`).

use super::{FlowId, FlowSpec, Fluid, LinkId};
use crate::time::SimTime;
use crate::units::{Bytes, Rate};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Case {
    links: Vec<LinkRow>,
    flows: Vec<FlowRow>,
    events: Vec<EventRow>,
    finish: Vec<f64>,
}

#[derive(Deserialize)]
struct LinkRow {
    capacity: f64,
}

#[derive(Deserialize)]
struct FlowRow {
    start: f64,
    size: u64,
    weight: u32,
    cap: Option<f64>,
    links: Vec<u32>,
}

#[derive(Deserialize)]
struct EventRow {
    t: f64,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Change {
    Capacity { link: u32, capacity: f64 },
    Stall { flow: usize },
    Reroute { flow: usize, links: Vec<u32> },
}

fn instant(seconds: f64) -> SimTime {
    SimTime((seconds * 1e9).round() as u64)
}

fn ids(links: &[u32]) -> Vec<LinkId> {
    links.iter().map(|l| LinkId(*l)).collect()
}

/// Plays a case on a fluid network; `flows[i]` is unknown until flow i has started.
struct Player {
    fluid: Fluid<usize>,
    flows: Vec<Option<FlowId>>,
    finish: Vec<SimTime>,
    /// How often the rate of each flow changed.
    changes: Vec<u32>,
}

impl Player {
    fn new(case: &Case) -> Player {
        let mut fluid = Fluid::new();
        for link in &case.links {
            fluid.add_link(Rate::from_f64(link.capacity));
        }
        let n = case.flows.len();
        Player { fluid, flows: vec![None; n], finish: vec![SimTime::NEVER; n], changes: vec![0; n] }
    }

    /// At one instant: completions, then events, then starts, then one settle for all of them.
    fn play(mut self, case: &Case) -> (Vec<SimTime>, Vec<u32>) {
        let mut starts: Vec<usize> = (0..case.flows.len()).collect();
        starts.sort_by_key(|i| instant(case.flows[*i].start));
        let (mut events, mut starts) = (case.events.iter().peekable(), starts.into_iter().peekable());
        let mut out = Vec::new();
        loop {
            let event = events.peek().map(|e| instant(e.t));
            let start = starts.peek().map(|i| instant(case.flows[*i].start));
            let next = [event, start, self.fluid.next_completion()].into_iter().flatten().min();
            let Some(now) = next else { return (self.finish, self.changes) };
            self.fluid.take_finished(now, &mut out);
            out.drain(..).for_each(|(_, i)| self.finish[i] = now);
            while let Some(event) = events.next_if(|e| instant(e.t) == now) {
                self.apply(now, &event.change);
            }
            while let Some(i) = starts.next_if(|i| instant(case.flows[*i].start) == now) {
                self.start(now, i, &case.flows[i]);
            }
            self.fluid.settle(now).iter().for_each(|(_, i)| self.changes[*i] += 1);
        }
    }

    fn start(&mut self, now: SimTime, i: usize, row: &FlowRow) {
        let spec = FlowSpec {
            path: &ids(&row.links),
            bytes: Some(Bytes(row.size)),
            weight: row.weight,
            cap: row.cap.map(Rate::from_f64),
            key: i as u64,
            tag: i,
        };
        self.flows[i] = Some(self.fluid.start(now, spec));
    }

    fn apply(&mut self, now: SimTime, change: &Change) {
        match change {
            Change::Capacity { link, capacity } => {
                self.fluid.set_capacity(now, LinkId(*link), Rate::from_f64(*capacity));
            }
            Change::Stall { flow } => self.fluid.stall(now, self.flows[*flow].unwrap()),
            Change::Reroute { flow, links } => {
                let id = self.flows[*flow].unwrap();
                self.fluid.reroute(now, id, &ids(links));
                self.fluid.resume(now, id);
            }
        }
    }
}

/// Computed in floats there, to the nearest ns here: each completion is up to half a ns off, and so are the
/// changes of rate that it brings to others, and their completions. Hence 1 ns for every change of the flow's
/// rate. With events the other simulator restarts flows with whole bytes, hence the wider relative margin.
fn check(path: &Path) {
    let case: Case = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (finish, changes) = Player::new(&case).play(&case);
    for (i, want) in case.finish.iter().enumerate() {
        let error_s = (finish[i].as_secs() - want).abs();
        let relative = if case.events.is_empty() { 1e-9 } else { 1e-6 };
        let allowed_s = (want * relative).max(f64::from(changes[i]) * 1e-9);
        assert!(error_s <= allowed_s, "{path:?} flow {i}: {} for {want} s", finish[i]);
    }
}

#[test]
fn finish_times_agree_with_an_independent_simulator() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/maxmin");
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let cases: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    assert_eq!(cases.len(), 17, "reference cases are missing");
    cases.iter().for_each(|path| check(path));
}
