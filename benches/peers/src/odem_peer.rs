//! The work on odem-rs, whose processes are async jobs: one job for every pending event. Time is seconds in a
//! float. PHOLD and cancel have no natural form as jobs that wait.

use crate::Measured;
use crate::common::Luck;
use crate::rows::{Row, Work};
use crate::work::Law;
use cpu_time::ProcessTime;
use odem_rs::{core::ops::waker, prelude::*};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::task::Waker;

pub fn run(row: &Row) -> Option<Measured> {
    let result = Cell::new(None);
    match row.work {
        Work::Hold(law) => drop(hold(row, law, &result)),
        Work::Mm1 => drop(mm1(row.events / 2, &result)),
        Work::Phold | Work::Cancel => {}
    }
    result.get()
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

async fn ticks(sim: &Sim, law: Law, luck: &RefCell<Luck>, events: &Cell<u64>) {
    loop {
        let delay = seconds(law.increment(&mut luck.borrow_mut()));
        sim.advance(delay).await;
        events.set(events.get() + 1);
    }
}

#[odem_rs::main]
async fn hold(sim: &Sim, row: &Row, law: Law, result: &Cell<Option<Measured>>) {
    let (luck, events) = (RefCell::new(Luck::new(42)), Cell::new(0));
    let pool = pin!(Pool::with_capacity(row.pending as usize).with(Job::new));
    for _ in 0..row.pending {
        sim.activate(pool.alloc(ticks(sim, law, &luck, &events)));
    }
    sim.advance(row.warm_up() as f64 / row.per_second()).await;
    let before = events.get();
    let begun = ProcessTime::now();
    sim.advance(row.events as f64 / row.per_second()).await;
    let seconds = begun.elapsed().as_secs_f64();
    result.set(Some(Measured { events: events.get() - before, seconds, sojourn: 0.0 }));
}

#[derive(Default)]
struct Server {
    waiting: RefCell<VecDeque<f64>>,
    asleep: Cell<Option<Waker>>,
    sojourn: Cell<f64>,
}

async fn serve(sim: &Sim, server: &Server, customers: u64) {
    let mut services = Luck::new(2);
    for _ in 0..customers {
        if server.waiting.borrow().is_empty() {
            server.asleep.set(Some(waker().await));
            sleep().await;
        }
        sim.advance(seconds(services.exponential(1e9))).await;
        let since = server.waiting.borrow_mut().pop_front().expect("a departure has a customer");
        server.sojourn.set(server.sojourn.get() + sim.now() - since);
    }
}

async fn arrive(sim: &Sim, server: &Server, customers: u64) {
    let mut gaps = Luck::new(1);
    for _ in 0..customers {
        sim.advance(seconds(gaps.exponential(1.25e9))).await;
        server.waiting.borrow_mut().push_back(sim.now());
        if let Some(waker) = server.asleep.take() {
            waker.wake();
        }
    }
}

#[odem_rs::main]
async fn mm1(sim: &Sim, customers: u64, result: &Cell<Option<Measured>>) {
    let begun = ProcessTime::now();
    let server = Server::default();
    let serving = pin!(Job::new(serve(sim, &server, customers)));
    let arriving = pin!(Job::new(arrive(sim, &server, customers)));
    let served = sim.activate(serving);
    sim.activate(arriving);
    served.await;
    let sojourn = server.sojourn.get() / customers as f64;
    let seconds = begun.elapsed().as_secs_f64();
    result.set(Some(Measured { events: 2 * customers, seconds, sojourn }));
}
