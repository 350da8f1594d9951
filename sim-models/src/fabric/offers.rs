//! What guests send from host to host: one flow per pair, capped at what is offered.
//!
//! When the pair gets less than it offers, the rest waits in the senders' sockets, up to one window a
//! connection; beyond that the application is blocked and its requests wait there. Once the share is back,
//! the backlog leaves at what the path has to spare.

use super::flows::{Transfer, WINDOW};
use super::survey::Load;
use super::topology::Path;
use super::{Fabric, FlowId, Traffic};
use crate::event::Cx;
use crate::ids::HostId;
use sim_core::fluid::LinkId;
use sim_core::{Bytes, Rate, SimTime, Span};

/// What guests offer from one host to another, and what of it waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub flow: FlowId,
    pub offered: Rate,
    /// What it gets, since `since`.
    rate: Rate,
    /// What its path gives its connections beyond that, while there is a backlog.
    spare: Rate,
    /// Waiting at `since`.
    backlog: Bytes,
    /// Most that can wait: a window for each connection.
    most: Bytes,
    since: SimTime,
    /// Listed for the next settle.
    listed: bool,
}

impl Offer {
    /// Nothing waits and nothing will at this rate: time passes without a trace.
    fn is_quiet(&self) -> bool {
        self.backlog == Bytes::ZERO && self.rate >= self.offered
    }

    /// Bytes that wait at `now`, not before the last settle.
    pub fn backlog(&self, now: SimTime) -> Bytes {
        let span = now.since(self.since);
        if self.rate < self.offered {
            let grown = self.backlog + (self.offered - self.rate) * span;
            return grown.min(self.most);
        }
        self.backlog.saturating_sub(self.spare * span)
    }

    /// Time that a message of this size spends behind the backlog, and on its own bytes when it has to make
    /// do with a share.
    pub fn wait(&self, bytes: u32, now: SimTime) -> Span {
        let short = self.rate < self.offered;
        let (backlog, own) = (self.backlog(now), Bytes(if short { u64::from(bytes) } else { 0 }));
        let speed = if short { self.rate } else { self.rate + self.spare };
        if speed == Rate::ZERO {
            return Span::ZERO; // not settled yet, or cut off: the way itself is waited for
        }
        (backlog + own) / speed
    }
}

impl Fabric {
    /// Sets what guests offer from one host to another (replica writes, remote reads): one flow per pair,
    /// capped at what is offered. Within a host nothing crosses the fabric.
    pub fn offer(&mut self, from: HostId, to: HostId, offered: Rate, cx: &mut Cx<'_>) {
        if from == to {
            return;
        }
        match self.offers.get_mut(&(from, to)) {
            Some(offer) if offer.offered == offered => {}
            Some(offer) if offered > Rate::ZERO => {
                (offer.backlog, offer.since) = (offer.backlog(cx.now), cx.now);
                offer.offered = offered;
                let flow = offer.flow;
                self.list_offer(from, to);
                self.set_cap(flow, Some(offered), cx);
            }
            Some(offer) => {
                let flow = offer.flow;
                self.offers.remove(&(from, to));
                self.stop(flow, cx);
            }
            None if offered > Rate::ZERO => self.start_offer(from, to, offered, cx),
            None => {}
        }
    }

    fn start_offer(&mut self, from: HostId, to: HostId, offered: Rate, cx: &mut Cx<'_>) {
        let hash = self.pair_hash(from, to);
        let transfer = Transfer {
            from,
            to,
            hash,
            streams: self.guest_connections,
            traffic: Traffic::Guest,
            cap: Some(offered),
            also: Vec::new(),
            path: None,
            resumes_at: None,
            then: None,
            on_rate: None,
        };
        let flow = self.start(transfer, None, hash, cx);
        let (rate, spare) = (offered, Rate::ZERO);
        let (backlog, most) = (Bytes::ZERO, WINDOW * u64::from(self.guest_connections));
        let offer = Offer { flow, offered, rate, spare, backlog, most, since: cx.now, listed: false };
        self.offers.insert((from, to), offer);
        self.list_offer(from, to);
    }

    /// The next settle looks at this pair: what it offers or gets has changed.
    pub(super) fn list_offer(&mut self, from: HostId, to: HostId) {
        let Some(offer) = self.offers.get_mut(&(from, to)) else { return };
        if !offer.listed {
            offer.listed = true;
            self.listed_offers.push((from, to));
        }
    }

    /// Rates have changed: backlogs go on from here. A quiet pair whose rate is what it was needs no look.
    pub(super) fn reckon_offers(&mut self, now: SimTime) {
        let (fluid, loads, transfers) = (&self.fluid, &self.loads, &self.transfers);
        let (offers, connections) = (&mut self.offers, f64::from(self.guest_connections));
        self.listed_offers.retain(|pair| {
            let Some(offer) = offers.get_mut(pair) else { return false };
            let (backlog, rate) = (offer.backlog(now), fluid.rate(offer.flow));
            (offer.backlog, offer.since, offer.rate, offer.spare) = (backlog, now, rate, Rate::ZERO);
            if backlog > Bytes::ZERO && rate >= offer.offered {
                let path = transfers[offer.flow.index()].as_ref().and_then(|(_, t)| t.path);
                let room = |l: LinkId| room(fluid.capacity(l), connections, &loads[l.index()]);
                offer.spare = path.iter().flat_map(Path::links).map(room).min().unwrap_or(Rate::ZERO);
            }
            offer.listed = !offer.is_quiet();
            offer.listed
        });
    }
}

/// What a pair that sends a backlog gets of a link beyond what it offers: its connections' max-min share
/// among the bulk on the link, one connection for each flow that is held back elsewhere. The others' rates
/// stay as they are: a backlog lasts for milliseconds then.
fn room(capacity: Rate, connections: f64, load: &Load) -> Rate {
    let bulk = load.trains.len() as f64 + f64::from(load.elastic);
    let (mut room, mut rivals) = (capacity.as_f64() - load.guests.as_f64(), connections + bulk);
    let mut slow: Vec<f64> = load.trains.iter().map(|t| t.rate.as_f64()).collect();
    slow.sort_by(f64::total_cmp);
    for rate in slow {
        // The slowest keeps what it has if that is less than an equal share.
        if rate * rivals > room {
            break;
        }
        room -= rate;
        rivals -= 1.0;
    }
    Rate::from_f64((room * connections / rivals).max(0.0))
}
