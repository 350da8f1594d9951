//! The kernel against closed forms and laws of nature, through its public API only.
//!
//! Each file is a small system, drawn at its top, and what theory says of it. Single stations and flows are
//! tested beside their code; here are the systems that take several pieces, or one piece and an event loop.

mod check;
mod closed;
mod fork;
mod fork_join;
mod intervals;
mod little;
mod preemption;
mod queue;
mod scaling;
mod seen_by_arrivals;
