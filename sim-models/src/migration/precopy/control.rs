//! What is done to a guest that writes its memory faster than it can be sent.

use crate::profile::migration::Control;
use crate::vm::dirty::PAGE;
use sim_core::{Bytes, Rate, SimTime, Span};

/// A throttled QEMU syncs at least this often after the first round (`CPU_THROTTLE_DIRTY_SYNC_TIMESLICE_MS`).
const OWN_SYNC: Span = Span::secs(5);
/// Syncs closer than this count as one for the dirty rate (QEMU `migration_bitmap_sync`).
const PERIOD: Span = Span::secs(1);
/// Rounds at the strongest computed throttle that may fail to converge before it is given up (assumed).
const PATIENCE: u32 = 3;

/// The state of a throttle.
#[derive(Clone, Debug)]
pub struct ControlState {
    /// Share of the guest's speed taken away.
    pub throttle: f64,
    period: Period,
    /// Times the trigger was hit since the throttle last rose, or rounds at the strongest throttle.
    hits: u32,
    last_sync: SimTime,
    sent_at_sync: Bytes,
    next_tick: SimTime,
    syncs_at_tick: u32,
}

/// What was found and sent since the dirty rate was last computed.
#[derive(Clone, Debug)]
struct Period {
    began: SimTime,
    found: f64,
    sent_before: Bytes,
}

impl ControlState {
    /// No throttle.
    pub fn begin(now: SimTime) -> ControlState {
        ControlState {
            throttle: 0.0,
            period: Period { began: now, found: 0.0, sent_before: Bytes::ZERO },
            hits: 0,
            last_sync: now,
            sent_at_sync: Bytes::ZERO,
            next_tick: now + OWN_SYNC,
            syncs_at_tick: 1,
        }
    }

    /// When the throttle would look on its own.
    pub fn next_sync(&self, control: &Control) -> SimTime {
        match control {
            Control::AutoConverge { .. } => self.next_tick,
            _ => SimTime::NEVER,
        }
    }

    /// The time for a look of its own: true if no sync has happened since the last one. Never in the first
    /// round, which copies all of memory anyhow.
    pub fn tick(&mut self, control: &Control, now: SimTime, syncs: u32) -> bool {
        if !matches!(control, Control::AutoConverge { .. }) || now < self.next_tick {
            return false;
        }
        let idle = syncs > 1 && syncs == self.syncs_at_tick;
        self.next_tick = now + OWN_SYNC;
        self.syncs_at_tick = syncs + u32::from(idle);
        idle
    }

    /// A sync found so many pages: sets the throttle; false if there is no hope.
    pub fn after_sync(
        &mut self,
        control: &Control,
        now: SimTime,
        found: f64,
        sent: Bytes,
        seen: Rate,
    ) -> bool {
        let hope = match *control {
            Control::None => true,
            Control::AutoConverge { initial, increment, most, trigger } => {
                self.auto_converge([initial, increment, most, trigger], now, found, sent);
                true
            }
            Control::StunDuringSend { rho, most } => {
                self.throttle = self.needed(now, found, seen, rho).clamp(0.0, most);
                true
            }
            Control::Computed { rho, most } => {
                let needed = self.needed(now, found, seen, rho);
                self.throttle = needed.clamp(self.throttle, most.max(self.throttle));
                self.hits = if needed > most { self.hits + 1 } else { 0 };
                self.hits < PATIENCE
            }
        };
        self.last_sync = now;
        self.sent_at_sync = sent;
        hope
    }

    fn auto_converge(
        &mut self,
        [initial, increment, most, trigger]: [f64; 4],
        now: SimTime,
        found: f64,
        sent: Bytes,
    ) {
        self.period.found += found;
        if now.since(self.period.began) <= PERIOD {
            return;
        }
        let wrote = self.period.found * PAGE as f64;
        if wrote > (sent - self.period.sent_before).as_f64() * trigger {
            self.hits += 1;
        }
        self.period = Period { began: now, found: 0.0, sent_before: sent };
        if self.hits < 2 {
            return;
        }
        self.hits = 0;
        self.throttle = if self.throttle == 0.0 { initial } else { (self.throttle + increment).min(most) };
    }

    /// The throttle at which the guest would write `rho` times what is sent, from the last round.
    fn needed(&self, now: SimTime, found: f64, seen: Rate, rho: f64) -> f64 {
        let elapsed = now.since(self.last_sync).as_secs();
        let unhindered = found * PAGE as f64 / (elapsed * (1.0 - self.throttle));
        if unhindered > 0.0 && elapsed > 0.0 && seen > Rate::ZERO {
            1.0 - rho * seen.as_f64() / unhindered
        } else {
            0.0
        }
    }
}
