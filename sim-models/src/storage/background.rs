//! Bulk work as requests feel it: while a window is open, each node's copies and ingest reach its stations
//! as background jobs of one chunk, a Poisson process at the macroscopic rate. Macroscopic rates hold the
//! throttle already; nothing here changes them.

use super::Event;
use super::executor::{Executor, Ground};
use super::pool::Pool;
use crate::event::{self, Cx};
use crate::hosts::Hosts;
use crate::ids::HostId;
use sim_core::{Dist, Rate, Stream, Streams};

#[derive(Clone, Debug)]
struct Source {
    luck: Stream,
    /// Its next step is pending.
    running: bool,
    /// Bulk bytes per second, both directions.
    rate: Rate,
}

/// Bulk work of all nodes.
#[derive(Clone, Debug)]
pub(super) struct Background {
    open: bool,
    /// Counts windows, so that steps of an earlier one are stale.
    window: u32,
    sources: Vec<Source>,
}

impl Background {
    /// No window open.
    pub fn build(hosts: &Hosts, streams: &Streams) -> Background {
        let source = |name: &str| Source {
            luck: streams.stream(name, "bulk-steps"),
            running: false,
            rate: Rate::ZERO,
        };
        Background { open: false, window: 0, sources: hosts.iter().map(|(_, h)| source(&h.name)).collect() }
    }

    /// Moves all streams onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.sources.iter_mut().for_each(|s| s.luck.rekey(streams));
    }

    /// A window opens or closes; nodes of an open one are woken by [`Background::wake`].
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
        self.window += 1;
        self.sources.iter_mut().for_each(|s| s.running = false);
    }

    /// Takes a pool's rates over and sets nodes going that have something to do.
    pub fn wake(&mut self, pool: &Pool, cx: &mut Cx<'_>) {
        for node in &pool.nodes {
            let source = &mut self.sources[node.host.index()];
            source.rate = if node.serves() { node.copied + node.ingest } else { Rate::ZERO };
            if self.open && !source.running && source.rate > Rate::ZERO {
                self.next(node.host, pool, cx);
            }
        }
    }

    fn next(&mut self, host: HostId, pool: &Pool, cx: &mut Cx<'_>) {
        let source = &mut self.sources[host.index()];
        let mean = (pool.profile.chunk / source.rate).as_secs();
        let gap = Dist::exponential(mean.max(1e-9)).expect("a positive mean").sample_span(&mut source.luck);
        source.running = true;
        cx.after(gap, event::Event::Storage(Event::Chunk(host, self.window)));
    }

    /// A node's bulk work takes a step.
    pub fn step(
        &mut self,
        host: HostId,
        window: u32,
        executor: &mut Executor,
        ground: Ground<'_>,
        cx: &mut Cx<'_>,
    ) {
        if window != self.window {
            return;
        }
        let source = &mut self.sources[host.index()];
        source.running = false;
        let Some(pool) = ground.state.pool(ground.state.side(host)) else { return };
        if source.rate == Rate::ZERO {
            return;
        }
        let p = &pool.profile;
        let work = p.copy_work.scale(p.chunk.as_f64() / 1_048_576.0);
        let device = pool.node(host).device(source.luck.next_u64(), pool.design.devices as u16);
        executor.chunk(host, device, work, ground, cx);
        self.next(host, pool, cx);
    }
}
