//! The physics of a cluster: what a host, a disk, a link, a VM and a migration do, and how they break.
//!
//! One [`world::World`] holds a source cluster, a target cluster and the fabric between them. Layers, top
//! to bottom: `fault > migration > vm > storage > cpu, memory, fabric`. Calls go down, events go up: a
//! lower layer that finishes later takes its continuation as an [`event::Event`] and never names an upper
//! one.
//!
//! Modules in reading order: [`ids`], [`quantity`], [`scenario`], [`profile`], [`hosts`], [`event`],
//! [`world`], [`run`], [`fault`], [`migration`], [`vm`], [`storage`], [`cpu`], [`memory`], [`fabric`],
//! [`metric`], [`record`], [`verdict`]. Beside them, [`lab`] plays components alone and [`validation`] holds
//! them against theory and measurements; [`sensitivity`] shows which guess matters.

pub mod cpu;
pub mod event;
pub mod fabric;
pub mod fault;
pub mod hosts;
pub mod ids;
pub mod lab;
pub mod memory;
pub mod metric;
pub mod migration;
pub mod profile;
pub mod quantity;
pub mod record;
pub mod run;
pub mod scenario;
pub mod sensitivity;
pub mod storage;
pub mod validation;
pub mod verdict;
pub mod vm;
pub mod watch;
pub mod world;
