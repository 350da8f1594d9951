//! Open queues for the tests: an arrival law, a service law per class, one or more stations in a row.
//! One time unit of queueing theory is one simulated second.

use super::{Arrival, Departure, Epoch, Priority, Sharing, Station, Ticket};
use crate::rng::{Seed, Stream, Streams};
use crate::sim::{Budget, Class, Cx, EventKind, Model, Simulation};
use crate::time::{NS_PER_S, SimTime, Span};

/// The law of a gap or of a service, in seconds.
#[derive(Clone, Copy, Debug)]
pub enum Law {
    Fixed(f64),
    /// By its mean.
    Exp(f64),
    /// By its mean and coefficient of variation.
    Lognormal(f64, f64),
    /// Three sizes with their probabilities, which sum to 1.
    Sizes([(f64, f64); 3]),
}

impl Law {
    pub fn draw(self, s: &mut Stream) -> Span {
        Span::from_secs_f64(match self {
            Law::Fixed(x) => x,
            Law::Exp(mean) => -libm::log(s.uniform_open()) * mean,
            Law::Lognormal(mean, cv) => {
                // Box-Muller; ln X is normal with variance ln(1 + cv^2) and mean ln(mean) - variance / 2.
                let variance = libm::log(1.0 + cv * cv);
                let angle = 2.0 * std::f64::consts::PI * s.uniform();
                let normal = (-2.0 * libm::log(s.uniform_open())).sqrt() * libm::cos(angle);
                mean * libm::exp(variance.sqrt() * normal - variance / 2.0)
            }
            Law::Sizes(sizes) => {
                let u = s.uniform();
                if u < sizes[0].1 {
                    sizes[0].0
                } else if u < sizes[0].1 + sizes[1].1 {
                    sizes[1].0
                } else {
                    sizes[2].0
                }
            }
        })
    }
}

/// A job carries what the record needs to know at its end.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub born: SimTime,
    pub class: Priority,
    /// Work asked of all stations so far.
    pub work: Span,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Arrive,
    Depart { stage: u8, ticket: Ticket },
    Wake(Epoch),
}

impl EventKind for Event {
    fn class(&self) -> Class {
        if matches!(self, Event::Arrive) { Class::Arrival } else { Class::Completion }
    }
    fn kind(&self) -> u32 {
        match self {
            Event::Arrive => 0,
            Event::Depart { .. } => 1,
            Event::Wake(_) => 2,
        }
    }
    fn entity(&self) -> u64 {
        if let Event::Depart { stage, .. } = self { u64::from(*stage) } else { 0 }
    }
}

/// Where jobs go.
#[derive(Clone, Debug)]
pub enum Place {
    /// One after the other.
    Row(Vec<Station<Job>>),
    Shared(Box<Sharing<Job>>),
}

/// An open queue and what comes to it.
#[derive(Clone, Debug)]
pub struct Open {
    pub place: Place,
    pub gap: Law,
    /// Jobs per arrival.
    pub batch: u32,
    /// Indexed by class.
    pub service: [Law; 2],
    /// Probability that a job is background.
    pub background: f64,
    /// Arrivals still to come.
    pub left: u64,
    gaps: Stream,
    works: Stream,
    kinds: Stream,
}

/// What is seen of the jobs, in order of completion (refusals in order of arrival), in ns.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub sojourns: [Vec<u64>; 2],
    pub waits: [Vec<u64>; 2],
    /// Work of each completed foreground job, beside `sojourns`.
    pub works: Vec<u64>,
    /// One second for a refused arrival, 0 otherwise: the mean is the loss probability.
    pub refused: Vec<u64>,
}

impl Open {
    /// Single jobs of one class, `arrivals` of them.
    pub fn new(place: Place, gap: Law, service: Law, arrivals: u64, seed: u64) -> Open {
        let streams = Streams::new(Seed(seed), 0);
        Open {
            place,
            gap,
            batch: 1,
            service: [service; 2],
            background: 0.0,
            left: arrivals,
            gaps: streams.stream("queue", "gap"),
            works: streams.stream("queue", "work"),
            kinds: streams.stream("queue", "class"),
        }
    }

    /// Runs from empty to empty and checks the identities that hold for every queue.
    pub fn run(self) -> (Seen, Simulation<Open>) {
        let mut sim = Simulation::new(self, Seen::default(), Budget::default());
        sim.start(|m, cx| {
            let gap = m.gap.draw(&mut m.gaps);
            cx.after(gap, Event::Arrive)
        });
        sim.run_until(SimTime::NEVER).expect("within budget");
        let seen = std::mem::take(&mut sim.record);
        assert_little(&sim, &seen);
        (seen, sim)
    }

    fn arrive(&mut self, cx: &mut Cx<'_, Event, Seen>) {
        for _ in 0..self.batch {
            let background = self.background > 0.0 && self.kinds.chance(self.background);
            let class = if background { Priority::Background } else { Priority::Foreground };
            let job = Job { born: cx.now, class, work: Span::ZERO };
            match &self.place {
                Place::Row(_) => self.enter(0, job, cx),
                Place::Shared(_) => self.share(job, cx),
            }
        }
        self.left -= 1;
        if self.left > 0 {
            let gap = self.gap.draw(&mut self.gaps);
            cx.after(gap, Event::Arrive);
        }
    }

    fn enter(&mut self, stage: u8, mut job: Job, cx: &mut Cx<'_, Event, Seen>) {
        let Place::Row(stations) = &mut self.place else { return };
        let station = &mut stations[usize::from(stage)];
        let work = self.service[job.class as usize].draw(&mut self.works);
        job.work += work;
        let outcome = station.arrive(cx.now, job, job.class, work);
        assert_conserving(station);
        let refused = matches!(outcome, Arrival::Refused);
        cx.record.refused.push(if refused { NS_PER_S } else { 0 });
        if let Arrival::Started(d) = outcome {
            begin(stage, d, cx);
        }
    }

    fn leave(&mut self, stage: u8, ticket: Ticket, cx: &mut Cx<'_, Event, Seen>) {
        let Place::Row(stations) = &mut self.place else { return };
        let last = usize::from(stage) + 1 == stations.len();
        let station = &mut stations[usize::from(stage)];
        let (job, next) = station.depart(cx.now, ticket).expect("nothing fails here");
        assert_conserving(station);
        if let Some(d) = next {
            begin(stage, d, cx);
        }
        if last { note(job, cx) } else { self.enter(stage + 1, job, cx) }
    }

    fn share(&mut self, mut job: Job, cx: &mut Cx<'_, Event, Seen>) {
        let Place::Shared(station) = &mut self.place else { return };
        job.work = self.service[0].draw(&mut self.works);
        assert!(station.arrive(cx.now, job, job.work));
        wake(station, cx);
    }

    fn woken(&mut self, epoch: Epoch, cx: &mut Cx<'_, Event, Seen>) {
        let Place::Shared(station) = &mut self.place else { return };
        let Some(job) = station.depart(cx.now, epoch) else { return };
        wake(station, cx);
        note(job, cx);
    }
}

impl Model for Open {
    type Event = Event;
    type Record = Seen;
    fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, Seen>) {
        match event {
            Event::Arrive => self.arrive(cx),
            Event::Depart { stage, ticket } => self.leave(stage, ticket, cx),
            Event::Wake(epoch) => self.woken(epoch, cx),
        }
    }
}

fn begin(stage: u8, d: Departure<Job>, cx: &mut Cx<'_, Event, Seen>) {
    cx.at(d.at, Event::Depart { stage, ticket: d.ticket });
}

fn wake(station: &Sharing<Job>, cx: &mut Cx<'_, Event, Seen>) {
    if let Some((at, epoch)) = station.next_departure() {
        cx.at(at, Event::Wake(epoch));
    }
}

fn note(job: Job, cx: &mut Cx<'_, Event, Seen>) {
    let sojourn = cx.now.since(job.born);
    let class = job.class as usize;
    cx.record.sojourns[class].push(sojourn.0);
    cx.record.waits[class].push(sojourn.saturating_sub(job.work).0);
    if class == 0 {
        cx.record.works.push(job.work.0);
    }
}

/// No server idles while a job could begin, and background work stays under its cap.
pub fn assert_conserving<J: Copy>(s: &Station<J>) {
    let busy = s.serving(Priority::Foreground) + s.serving(Priority::Background);
    let (cap, held) = (s.background_cap() as usize, s.serving(Priority::Background));
    assert!(held <= cap, "background holds {held} servers of {cap}");
    if busy < s.servers() as usize {
        assert_eq!(s.waiting_of(Priority::Foreground), 0, "a foreground job waits beside an idle server");
        assert!(
            s.waiting_of(Priority::Background) == 0 || held == cap,
            "a background job waits without need"
        );
    }
}

/// From empty to empty the area under the number of jobs is the sum of their sojourns, to the nanosecond,
/// and every job is accounted for.
fn assert_little(sim: &Simulation<Open>, seen: &Seen) {
    let sum: u128 = seen.sojourns.iter().flatten().map(|&ns| u128::from(ns)).sum();
    let integrals = match &sim.model.place {
        Place::Row(stations) => stations.iter().map(|s| s.integrals(sim.now())).collect::<Vec<_>>(),
        Place::Shared(s) => vec![s.integrals(sim.now())],
    };
    assert_eq!(integrals.iter().map(|i| i.area()).sum::<u128>(), sum, "Little's law");
    for t in integrals.iter().flat_map(|i| i.class) {
        assert_eq!(t.arrivals, t.refused + t.completions + t.drained);
    }
    for (class, tally) in integrals.last().expect("a station").class.iter().enumerate() {
        assert_eq!(tally.completions, seen.sojourns[class].len() as u64);
    }
}

/// A figure with its standard error, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub value: f64,
    pub error: f64,
}

const BATCHES: usize = 40;

/// Mean of a correlated series; the error from 40 batch means, each far longer than the memory of the
/// queue, so that they are nearly independent.
pub fn mean(series: &[u64]) -> Estimate {
    estimate(series, |part| part.iter().map(|&ns| ns as f64).sum::<f64>() / part.len() as f64)
}

/// A quantile of a correlated series; the error from the same quantile of 40 batches.
pub fn quantile(series: &[u64], q: f64) -> Estimate {
    estimate(series, |part| {
        let mut part = part.to_vec();
        let rank = (q * part.len() as f64) as usize;
        *part.select_nth_unstable(rank).1 as f64
    })
}

fn estimate(series: &[u64], of: impl Fn(&[u64]) -> f64) -> Estimate {
    let unit = NS_PER_S as f64;
    let parts: Vec<f64> = series.chunks_exact(series.len() / BATCHES).map(|p| of(p) / unit).collect();
    let n = parts.len() as f64;
    let centre = parts.iter().sum::<f64>() / n;
    let variance = parts.iter().map(|p| (p - centre) * (p - centre)).sum::<f64>() / (n - 1.0);
    Estimate { value: of(series) / unit, error: (variance / n).sqrt() }
}

impl Estimate {
    /// Within four standard errors of theory (with 39 degrees of freedom a right model fails once in 3,650
    /// seeds), where those four are at most `share` of the value: the check has teeth.
    pub fn expect(self, what: &str, theory: f64, share: f64) {
        let Estimate { value, error } = self;
        println!("{what}: {value:.6} against {theory:.6}, 4 standard errors {:.6}", 4.0 * error);
        assert!(4.0 * error <= share * theory, "{what}: too noisy, 4 x {error} for {theory}");
        assert!((value - theory).abs() <= 4.0 * error, "{what}: {value} +- {error}, theory {theory}");
    }
}
