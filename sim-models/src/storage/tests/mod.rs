//! Storage driven by a small model of its own: hosts, fabric and clients, no VM layer above.

mod failures;
mod healthy;
mod plans;
mod rebuilds;
mod rig;
mod windows;
