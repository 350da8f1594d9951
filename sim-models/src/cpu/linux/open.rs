//! Work that arrives whether or not its worker is ready. Workers then have queues of their own, for which
//! no product form is known: the shared CPUs are played, event by event.

use super::{Mode, Spent, Worker};
use sim_core::{Seed, Stream, Streams};

/// Events played: the mean of a worker's ready time is then known to about a hundredth of its value.
const EVENTS: u32 = 1_000_000;

struct Queue {
    /// Bursts it has, the first of them with `left` seconds of work.
    backlog: u32,
    left: f64,
    /// When the next one comes, seconds; infinite when that waits for a completion.
    next: f64,
}

/// Every worker's time on CPUs that all runnable ones share equally. With exactly two runnable on two CPUs
/// they sit on the same one with probability `misplaced`.
pub fn predict(cpus: u32, misplaced: f64, workers: &[Worker]) -> Vec<Spent> {
    let mut play = Play::begin(cpus, misplaced, workers, "open arrivals");
    (0..EVENTS / 20).for_each(|_| play.step(f64::INFINITY));
    play.clear();
    (0..EVENTS - EVENTS / 20).for_each(|_| play.step(f64::INFINITY));
    play.spent()
}

/// The same for each of so many windows of `length` seconds, one after the other: what measurements of that
/// length scatter by, since demand is random.
pub fn windows(cpus: u32, misplaced: f64, workers: &[Worker], length: f64, count: usize) -> Vec<Vec<Spent>> {
    let mut play = Play::begin(cpus, misplaced, workers, "windows");
    let mut window = |end: f64| {
        while play.now < end {
            play.step(end);
        }
        let spent = play.spent();
        play.clear();
        spent
    };
    window(length);
    (0..count).map(|i| window(length * (i + 2) as f64)).collect()
}

/// Workers on their way.
struct Play<'a> {
    cpus: u32,
    misplaced: f64,
    workers: &'a [Worker],
    queues: Vec<Queue>,
    /// Seconds each has spent since `start`.
    spent: Vec<Spent>,
    start: f64,
    now: f64,
    luck: Stream,
}

impl<'a> Play<'a> {
    fn begin(cpus: u32, misplaced: f64, workers: &'a [Worker], purpose: &str) -> Play<'a> {
        let mut luck = Streams::new(Seed(0), 0).stream("bench", purpose);
        let queues = workers.iter().map(|w| begin(w, &mut luck)).collect();
        let spent = vec![Spent::default(); workers.len()];
        Play { cpus, misplaced, workers, queues, spent, start: 0.0, now: 0.0, luck }
    }

    /// On to the next event, or to `end` if that comes first.
    fn step(&mut self, end: f64) {
        let speed = speed(self.cpus, self.misplaced, self.queues.iter().filter(|q| q.backlog > 0).count());
        let (who, time, arrives) = next(&self.queues, self.now, speed);
        let span = time.min(end) - self.now;
        for (queue, spent) in self.queues.iter_mut().zip(&mut self.spent).filter(|(q, _)| q.backlog > 0) {
            queue.left -= span * speed;
            spent.run += span * speed;
            spent.ready += span * (1.0 - speed);
        }
        self.now = time.min(end);
        let (queue, worker) = (&mut self.queues[who], &self.workers[who]);
        match (time > end, arrives) {
            (true, _) => (),
            (false, true) => arrive(queue, worker, time, &mut self.luck),
            (false, false) => complete(queue, worker, time, &mut self.luck),
        }
    }

    fn clear(&mut self) {
        self.start = self.now;
        self.spent.fill(Spent::default());
    }

    /// Shares of the time since `start`.
    fn spent(&self) -> Vec<Spent> {
        let all = self.now - self.start;
        self.spent.iter().map(|s| Spent { run: s.run / all, ready: s.ready / all }).collect()
    }
}

fn begin(worker: &Worker, luck: &mut Stream) -> Queue {
    match worker.mode {
        Mode::Hog => Queue { backlog: 1, left: f64::INFINITY, next: f64::INFINITY },
        _ => Queue { backlog: 0, left: 0.0, next: gap(worker, luck) },
    }
}

/// Exponential.
fn draw(mean: f64, luck: &mut Stream) -> f64 {
    -mean * libm::log(luck.uniform_open())
}

fn gap(worker: &Worker, luck: &mut Stream) -> f64 {
    draw(if worker.mode == Mode::Open { worker.burst / worker.duty } else { worker.think() }, luck)
}

/// Share of a CPU that each of `active` workers has.
fn speed(cpus: u32, misplaced: f64, active: usize) -> f64 {
    match (cpus, active) {
        (2, 2) => 1.0 - 0.5 * misplaced,
        (_, 0) => 1.0,
        _ => (f64::from(cpus) / active as f64).min(1.0),
    }
}

/// Who does something next, when, and whether it is an arrival.
fn next(queues: &[Queue], now: f64, speed: f64) -> (usize, f64, bool) {
    let mut first = (0, f64::INFINITY, true);
    for (i, queue) in queues.iter().enumerate() {
        if queue.next < first.1 {
            first = (i, queue.next, true);
        }
        if queue.backlog > 0 && now + queue.left / speed < first.1 {
            first = (i, now + queue.left / speed, false);
        }
    }
    first
}

fn arrive(queue: &mut Queue, worker: &Worker, now: f64, luck: &mut Stream) {
    if queue.backlog == 0 {
        queue.left = draw(worker.work(), luck);
    }
    queue.backlog += 1;
    queue.next = if worker.mode == Mode::Open { now + gap(worker, luck) } else { f64::INFINITY };
}

fn complete(queue: &mut Queue, worker: &Worker, now: f64, luck: &mut Stream) {
    queue.backlog -= 1;
    if queue.backlog > 0 {
        queue.left = draw(worker.work(), luck);
    }
    if worker.mode == Mode::Closed {
        queue.next = now + gap(worker, luck);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(mode: Mode, duty: f64) -> Worker {
        let (group, shares) = (String::new(), 1024.0);
        Worker { mode, burst: 0.02, duty, nice: 0, group, shares, quota: f64::INFINITY, period: 0.1 }
    }

    /// One open worker alone never waits and runs as much as arrives, 15 us per burst of 20 ms more.
    #[test]
    fn alone_there_is_no_wait() {
        let spent = predict(1, 0.0, &[worker(Mode::Open, 0.3)])[0];
        assert!((spent.run - 0.3 * 1.00075).abs() < 0.003 && spent.ready == 0.0, "{spent:?}");
    }

    /// Closed workers are the product form: four of duty 0.2 on one CPU run 71/412 and are ready 57/412.
    #[test]
    fn closed_workers_are_the_closed_form() {
        let workers = vec![worker(Mode::Closed, 0.2); 4];
        let spent = predict(1, 0.0, &workers);
        let mean = |of: fn(&Spent) -> f64| spent.iter().map(of).sum::<f64>() / 4.0;
        assert!((mean(|s| s.run) - 71.0 / 412.0).abs() < 0.002, "{spent:?}");
        assert!((mean(|s| s.ready) - 57.0 / 412.0).abs() < 0.002, "{spent:?}");
    }
}
