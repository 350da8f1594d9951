//! A deterministic discrete-event kernel. It knows no host, disk or file.
//!
//! A simulation is a [`Model`] that handles plain `Copy` events, one at a time, in one total order
//! `(time, class, sequence)`, and draws all its luck from streams keyed by (seed, run, entity, purpose).
//! The same model, seed and version give the same bytes on any machine and for any number of threads.
//!
//! Modules in reading order: [`time`], [`units`], [`table`], [`queue`], [`sim`], [`digest`], [`rng`],
//! [`dist`], [`station`], [`fluid`], [`hist`], [`stats`], [`batch`].
//!
//! A queue with Poisson arrivals and exponential services, whole:
//!
//! ```
//! use sim_core::station::{Arrival, Priority, Station, Ticket};
//! use sim_core::{Budget, Class, Cx, EventKind, Model, Seed, SimTime, Simulation, Span, Stream, Streams};
//!
//! #[derive(Clone, Copy, Debug)]
//! enum Event { Arrive, Depart(Ticket) }
//!
//! impl EventKind for Event {
//!     fn class(&self) -> Class { if let Event::Arrive = self { Class::Arrival } else { Class::Completion } }
//!     fn kind(&self) -> u32 { if let Event::Arrive = self { 0 } else { 1 } }
//!     fn entity(&self) -> u64 { 0 }
//! }
//!
//! /// Jobs per second that come, that one server can do; what a job carries is its time of arrival.
//! struct Queue { lambda: f64, mu: f64, gaps: Stream, works: Stream, station: Station<SimTime> }
//!
//! fn exponential(rate: f64, s: &mut Stream) -> Span {
//!     Span::from_secs_f64(-libm::log(s.uniform_open()) / rate)
//! }
//!
//! impl Model for Queue {
//!     type Event = Event;
//!     type Record = Vec<Span>; // sojourns
//!     fn handle(&mut self, event: Event, cx: &mut Cx<'_, Event, Vec<Span>>) {
//!         let begun = match event {
//!             Event::Arrive => {
//!                 cx.after(exponential(self.lambda, &mut self.gaps), Event::Arrive);
//!                 let work = exponential(self.mu, &mut self.works);
//!                 let arrival = self.station.arrive(cx.now, cx.now, Priority::Foreground, work);
//!                 if let Arrival::Started(departure) = arrival { Some(departure) } else { None }
//!             }
//!             Event::Depart(ticket) => {
//!                 let Some((born, next)) = self.station.depart(cx.now, ticket) else { return }; // stale
//!                 cx.record.push(cx.now.since(born));
//!                 next
//!             }
//!         };
//!         if let Some(departure) = begun { cx.at(departure.at, Event::Depart(departure.ticket)); }
//!     }
//! }
//!
//! let streams = Streams::new(Seed(1), 0);
//! let (gaps, works) = (streams.stream("queue", "gaps"), streams.stream("queue", "works"));
//! let queue = Queue { lambda: 0.5, mu: 1.0, gaps, works, station: Station::new(1, 1) };
//! let mut sim = Simulation::new(queue, Vec::new(), Budget::default());
//! sim.start(|_, cx| cx.soon(Event::Arrive));
//! sim.run_until(SimTime::ZERO + Span::secs(1_000_000))?;
//!
//! // Theory: T is 1 / (mu - lambda) = 2 s. T' = max(T - gap, 0) + work has the Poisson equation
//! // g(x) - E g(x') = x - 2, solved by g = x^2 / 2 + x, so the mean over n jobs has variance
//! // (2 E[g (T - 2)] - Var T) / n = (40 - 4) / n: one standard error is 0.0085 s for n = 500,000.
//! let mean = sim.record.iter().map(|s| s.as_secs()).sum::<f64>() / sim.record.len() as f64;
//! assert!((mean - 2.0).abs() < 4.0 * 0.0085, "{mean}");
//! # Ok::<(), sim_core::RunError>(())
//! ```

pub mod batch;
pub mod digest;
pub mod dist;
pub mod fluid;
pub mod hist;
pub mod mutant;
pub mod queue;
pub mod rng;
pub mod sim;
pub mod special;
pub mod station;
pub mod stats;
pub mod table;
pub mod time;
pub mod units;

pub use dist::Dist;
pub use rng::{Seed, Stream, Streams};
pub use sim::{Budget, Class, Cx, EventKind, Model, RunError, Simulation};
pub use table::{Id, Table};
pub use time::{SimTime, Span};
pub use units::{Bytes, Rate};
