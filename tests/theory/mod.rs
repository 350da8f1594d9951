//! The kernel against closed forms and laws of nature, through its public API only.
//!
//! Each file is a small system, drawn at its top, and what theory says of it. Stations and flows have closed
//! forms beside their code and in the lab files under `scenarios/lab`; here are properties, and the systems
//! that take several pieces.

mod check;
mod fork;
mod intervals;
mod little;
mod queue;
mod scaling;
mod seen_by_arrivals;
