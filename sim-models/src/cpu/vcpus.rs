//! The vCPUs of one VM: what they ask for and what they meet.

use super::account::Account;
use super::host::{self, Platform};
use super::settle::{Entry, Met};
use super::{Contention, Vcpus};
use crate::event::Cx;
use sim_core::Span;

impl Vcpus {
    /// Nowhere, asking for nothing.
    pub(super) fn absent() -> Vcpus {
        Vcpus {
            entry: Entry { vcpus: 0, duty: 0.0, burst: 1.0, weight: 1000.0, reserved: 0.0, cap: 1.0 },
            vcpus: 0,
            duty: None,
            slowdown: 1.0,
            burst: Span::ms(1),
            placed: None,
            met: Contention::default(),
            wait_mean: 0.0,
            account: Account::default(),
            luck: None,
        }
    }

    /// Longer bursts between the same thinks: r = d / (1 - d) grows by the slowdown.
    pub(super) fn ask(&mut self) {
        let duty = self.duty.unwrap_or(0.0);
        self.entry.vcpus = self.vcpus;
        self.entry.duty = duty * self.slowdown / (1.0 - duty + duty * self.slowdown);
        self.entry.burst = self.burst.as_secs() * self.slowdown;
    }

    /// Books what it met so far; from now on it meets this in that pool.
    pub(super) fn meets(&mut self, platform: &Platform, pool: usize, met: Met, offered: f64, cx: &Cx<'_>) {
        self.account.book(cx.now, self.met);
        let placed = self.placed.as_mut().expect("pools hold placed VMs");
        for part in placed.parts.iter_mut().filter(|part| part.0 == pool) {
            (part.2, part.3) = (met, offered);
        }
        let met = host::mean(placed.parts.iter().map(|&(_, n, met, _)| (met, n)));
        let offered: f64 = placed.parts.iter().map(|&(_, n, _, load)| f64::from(n) * load).sum();
        let (ready, co_stop) =
            host::split(&platform.profile, self.vcpus, met.ready, offered / f64::from(self.vcpus));
        self.met = Contention { ready, co_stop, wait_probability: met.wait };
        self.wait_mean = met.wait_mean;
    }
}
