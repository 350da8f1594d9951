//! EEVDF on one CPU, event by event: what the laws of `cpu::linux` are compared with beyond the measured rows.
//!
//! As Linux 6.18 does it where slices end exactly (HRTICK): a task is eligible while its virtual time is
//! not ahead of the queue's, the earliest deadline of those runs and is protected until that deadline; lag is
//! kept over a sleep; a task that goes to sleep ahead of the queue stays in it until its turn comes, and
//! leaves or wakes up with no debt. Equal weights. One detail decides who goes first beside a lone task: the
//! time the running one has used since it was last looked at is not yet in the queue's virtual time when a
//! task that is still queued wakes (kernel/sched/fair.c, `requeue_delayed_entity`).

use sim_core::Stream;

/// Tasks that behave alike; bursts and thinks are exponential.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many.
    pub tasks: usize,
    /// Mean, seconds.
    pub burst: f64,
    /// Mean, seconds; 0 for tasks that never sleep.
    pub think: f64,
}

/// What one load met, per task.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Share of time on the CPU.
    pub run: f64,
    /// Share of time runnable but not running.
    pub ready: f64,
    /// Waits of its wake-ups in order, seconds.
    waits: Vec<f64>,
}

impl Seen {
    /// The wait that a share `rank` of wake-ups does not exceed, seconds.
    pub fn wait(&self, rank: f64) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get(((rank * self.waits.len() as f64) as usize).min(last)).copied().unwrap_or(0.0)
    }
}

/// Virtual times closer than this are equal, seconds.
const EQUAL: f64 = 1e-12;
/// A preempted task runs so much longer, seconds.
const SWITCH: f64 = 1e-6;
/// CONFIG_HZ=250, seconds.
const TICK: f64 = 4e-3;

#[derive(Clone, Debug, Default)]
struct Task {
    load: usize,
    burst: f64,
    think: f64,
    vruntime: f64,
    deadline: f64,
    lag: f64,
    queued: bool,
    runnable: bool,
    left: f64,
    wakes: f64,
    woke: Option<f64>,
}

struct Cpu<'a> {
    slice: f64,
    tasks: Vec<Task>,
    current: Option<usize>,
    /// The current one has run for so long since it was picked, and for so long unseen by the queue.
    ran: f64,
    unseen: f64,
    protected: f64,
    /// Virtual time of the queue when somebody was last in it.
    last: f64,
    now: f64,
    seen: Vec<Seen>,
    luck: &'a mut Stream,
}

#[derive(Clone, Copy)]
enum What {
    Wakes(usize),
    Completes(usize),
    SliceEnds,
    Tick,
}

/// What each load meets in so many seconds.
pub fn play(slice: f64, loads: &[Load], seconds: f64, luck: &mut Stream) -> Vec<Seen> {
    let mut cpu = Cpu::begin(slice, loads, luck);
    let mut tick = TICK;
    while cpu.now < seconds {
        let (what, time) = cpu.next(tick);
        cpu.advance(time - cpu.now);
        match what {
            What::Wakes(i) => cpu.wake(i),
            What::Completes(i) => cpu.sleep(i),
            What::SliceEnds => {
                cpu.account();
                cpu.schedule();
            }
            What::Tick => {
                tick += TICK;
                if cpu.current.is_some() && cpu.account() {
                    cpu.schedule();
                }
            }
        }
    }
    let now = cpu.now;
    let mut seen = std::mem::take(&mut cpu.seen);
    for (s, load) in seen.iter_mut().zip(loads) {
        s.run /= now * load.tasks as f64;
        s.ready /= now * load.tasks as f64;
        s.waits.sort_by(f64::total_cmp);
    }
    seen
}

impl<'a> Cpu<'a> {
    fn begin(slice: f64, loads: &[Load], luck: &'a mut Stream) -> Cpu<'a> {
        let task = |(load, l): (usize, &Load)| {
            vec![Task { load, burst: l.burst, think: l.think, ..Task::default() }; l.tasks]
        };
        let mut tasks: Vec<Task> = loads.iter().enumerate().flat_map(task).collect();
        for task in &mut tasks {
            task.wakes = draw(task.think.max(1e-6), luck);
        }
        let seen = vec![Seen::default(); loads.len()];
        let (ran, unseen, protected, last, now) = (0.0, 0.0, 0.0, 0.0, 0.0);
        Cpu { slice, tasks, current: None, ran, unseen, protected, last, now, seen, luck }
    }

    fn next(&self, tick: f64) -> (What, f64) {
        let mut first = (What::Tick, tick);
        let mut consider = |what: What, time: f64| {
            if time < first.1 {
                first = (what, time)
            }
        };
        for (i, task) in self.tasks.iter().enumerate().filter(|(_, t)| !t.runnable) {
            consider(What::Wakes(i), task.wakes);
        }
        if let Some(i) = self.current {
            consider(What::Completes(i), self.now + self.tasks[i].left);
            if self.queued() > 1 {
                let rest = self.slice - self.ran % self.slice;
                consider(What::SliceEnds, self.now + rest + SWITCH);
            }
        }
        first
    }

    fn queued(&self) -> usize {
        self.tasks.iter().filter(|t| t.queued).count()
    }

    fn virtual_time(&self) -> f64 {
        let queued = self.tasks.iter().filter(|t| t.queued);
        let (n, sum) = queued.fold((0.0, 0.0), |(n, sum), t| (n + 1.0, sum + t.vruntime));
        if n > 0.0 { sum / n } else { self.last }
    }

    fn eligible(&self, i: usize) -> bool {
        self.tasks[i].vruntime <= self.virtual_time() + EQUAL
    }

    fn advance(&mut self, span: f64) {
        for (i, task) in self.tasks.iter().enumerate().filter(|(_, t)| t.runnable) {
            let seen = &mut self.seen[task.load];
            *(if self.current == Some(i) { &mut seen.run } else { &mut seen.ready }) += span;
        }
        if let Some(i) = self.current {
            self.tasks[i].left -= span;
            self.unseen += span;
            self.ran += span;
        }
        self.now += span;
    }

    /// Books what the current one has run; whether somebody else may be due.
    fn account(&mut self) -> bool {
        let Some(i) = self.current else { return false };
        let task = &mut self.tasks[i];
        task.vruntime += self.unseen;
        self.unseen = 0.0;
        let over = task.vruntime >= task.deadline - EQUAL;
        if over {
            task.deadline = task.vruntime + self.slice;
        }
        let protected = self.protected > task.vruntime + EQUAL;
        self.queued() > 1 && (over || !protected)
    }

    fn place(&mut self, i: usize) {
        let n = self.queued() as f64;
        // Its own weight moves the mean: its lag is still what it was once it is in.
        let lag = if n > 0.0 { self.tasks[i].lag * (n + 1.0) / n } else { 0.0 };
        let vruntime = self.virtual_time() - lag;
        let deadline = vruntime + self.slice;
        self.tasks[i] = Task { vruntime, deadline, queued: true, ..self.tasks[i].clone() };
    }

    fn pick(&self) -> Option<usize> {
        let queued = || (0..self.tasks.len()).filter(|&i| self.tasks[i].queued);
        if self.queued() == 1 {
            return queued().next();
        }
        let current = self.current.filter(|&i| self.tasks[i].queued && self.eligible(i));
        if let Some(i) = current.filter(|&i| self.protected > self.tasks[i].vruntime + EQUAL) {
            return Some(i);
        }
        let deadline = |i: usize| self.tasks[i].deadline;
        let others = queued().filter(|&i| self.current != Some(i) && self.eligible(i));
        let best = others.min_by(|&a, &b| deadline(a).total_cmp(&deadline(b)));
        match (current, best) {
            (Some(i), Some(best)) if deadline(i) >= deadline(best) - EQUAL => Some(best),
            (Some(i), _) => Some(i),
            (None, best) => best.or_else(|| {
                queued().min_by(|&a, &b| self.tasks[a].vruntime.total_cmp(&self.tasks[b].vruntime))
            }),
        }
    }

    /// Lag is bounded by two slices or a tick.
    fn lag(&self, i: usize) -> f64 {
        let most = (2.0 * self.slice).max(TICK);
        (self.virtual_time() - self.tasks[i].vruntime).clamp(-most, most)
    }

    fn schedule(&mut self) {
        while let Some(i) = self.pick() {
            self.last = self.virtual_time();
            if !self.tasks[i].runnable {
                // It went to sleep ahead of the queue, which has caught up.
                self.tasks[i].lag = self.lag(i).min(0.0);
                self.tasks[i].queued = false;
                self.current = self.current.filter(|&c| c != i);
                continue;
            }
            if self.current != Some(i) {
                (self.current, self.ran, self.unseen) = (Some(i), 0.0, 0.0);
                self.protected = self.tasks[i].deadline;
            }
            if let Some(woke) = self.tasks[i].woke.take() {
                let waited = self.now - woke;
                self.seen[self.tasks[i].load].waits.push(waited);
            }
            return;
        }
        self.current = None;
    }

    fn sleep(&mut self, i: usize) {
        self.account();
        self.tasks[i].runnable = false;
        self.tasks[i].wakes = self.now + draw(self.tasks[i].think, self.luck);
        if self.eligible(i) || self.queued() == 1 {
            self.tasks[i].lag = self.lag(i);
            self.last = self.virtual_time();
            self.tasks[i].queued = false;
            self.current = None;
        }
        self.schedule();
    }

    fn wake(&mut self, i: usize) {
        let work =
            if self.tasks[i].think > 0.0 { draw(self.tasks[i].burst, self.luck) } else { f64::INFINITY };
        let task = &mut self.tasks[i];
        (task.runnable, task.woke, task.left) = (true, Some(self.now), work);
        let mut due = if task.queued {
            if self.virtual_time() > self.tasks[i].vruntime {
                (self.tasks[i].lag, self.tasks[i].queued) = (0.0, false);
                self.place(i);
            }
            self.account()
        } else {
            let due = self.account();
            self.place(i);
            due || (self.current.is_some() && self.ran >= self.slice)
        };
        if self.current == Some(i) {
            self.tasks[i].woke = None;
            self.seen[self.tasks[i].load].waits.push(0.0);
            return;
        }
        due |= self.pick() == Some(i);
        if self.current.is_none() {
            self.schedule();
        } else if due {
            self.advance(SWITCH);
            self.account();
            self.schedule();
        }
    }
}

fn draw(mean: f64, luck: &mut Stream) -> f64 {
    -mean * libm::log(luck.uniform_open())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::{Seed, Streams};

    fn seen(loads: &[Load]) -> Vec<Seen> {
        let mut luck = Streams::new(Seed(1), 0).stream("eevdf", "test");
        play(1.4e-3, loads, 400.0, &mut luck)
    }

    /// Equal tasks meet the closed form whatever the discipline: four of duty 0.2, 71/412 and 57/412.
    #[test]
    fn equals_share_equally() {
        let seen = &seen(&[Load { tasks: 4, burst: 0.005, think: 0.02 }])[0];
        assert!((seen.run - 71.0 / 412.0).abs() < 0.004, "{}", seen.run);
        assert!((seen.ready - 57.0 / 412.0).abs() < 0.008, "{}", seen.ready);
    }

    /// Three tasks that never sleep take turns; a light fourth one is owed three times its work.
    #[test]
    fn who_never_sleeps_takes_turns() {
        let hogs = Load { tasks: 3, burst: 1.0, think: 0.0 };
        let seen = seen(&[Load { tasks: 1, burst: 65e-6, think: 4.95e-3 }, hogs]);
        assert!((seen[1].run - (1.0 - seen[0].run) / 3.0).abs() < 1e-6);
        assert!((seen[0].ready / seen[0].run - 3.0).abs() < 0.15, "{}", seen[0].ready / seen[0].run);
        assert!(seen[0].wait(0.5) < 1e-5 && seen[0].wait(0.99) > 1.2e-3, "{}", seen[0].wait(0.99));
    }
}
