//! Live migrations inside a cluster in steady state: when, and of which VM.
//!
//! They come as a Poisson process. Which VM moves is decided by weighted rendezvous hashing: every VM scores
//! an exponential with its offered CPU as the rate, from a hash of its name and the number of the migration,
//! and the lowest score wins. VM *i* is picked with probability `w_i / sum w`, and a VM that asks for no CPU
//! is never picked nor shifts who is.

use crate::ids::{Side, VmId};
use crate::vm::{State, Vms, offered_cores};
use crate::world::Infra;
use sim_core::digest::{hash_name, hash_words};
use sim_core::{Span, Stream, Streams};

/// The balancing of one cluster.
#[derive(Clone, Debug)]
pub struct Balance {
    side: Side,
    per_hour: f64,
    luck: Stream,
}

impl Balance {
    /// That many migrations per hour; `None` if it is zero.
    pub fn build(side: Side, cluster: &str, per_hour: f64, streams: &Streams) -> Option<Balance> {
        (per_hour > 0.0).then(|| Balance { side, per_hour, luck: streams.stream(cluster, "balance") })
    }

    /// Moves its stream onto another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.luck.rekey(streams);
    }

    /// Until the next one.
    pub fn gap(&mut self) -> Span {
        Span::from_secs_f64(-libm::log(self.luck.uniform_open()) * 3600.0 / self.per_hour)
    }

    /// Who moves now, if anyone can: running, on this side, and not `busy`.
    pub fn pick(&mut self, vms: &Vms, infra: &Infra, busy: impl Fn(VmId) -> bool) -> Option<VmId> {
        let number = self.luck.next_u64();
        let able = |vm: &VmId| {
            vms.get(*vm).state == State::Running && vms.side(*vm, infra) == self.side && !busy(*vm)
        };
        let scored = vms.ids().filter(able).filter_map(|vm| {
            let weight = offered_cores(vms.group(vm));
            (weight > 0.0).then(|| (score(&vms.get(vm).name, number, weight), vm))
        });
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, vm)| vm)
    }
}

/// An exponential with rate `weight`.
fn score(name: &str, number: u64, weight: f64) -> f64 {
    let hash = hash_words(&[hash_name(&[name, "balance"]), number]);
    let uniform = ((hash >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64);
    -libm::log(uniform) / weight
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three VMs with weights 1, 2 and 5 win in proportion; 20,000 draws, standard deviation of a share below
    /// 0.0035. Taking one away leaves every other winner a winner.
    #[test]
    fn picks_follow_the_weights_and_absent_vms_shift_nobody() {
        let vms = [("a", 1.0), ("b", 2.0), ("c", 5.0)];
        let winner = |of: &[(&'static str, f64)], n: u64| {
            let scored = of.iter().map(|&(name, w)| (score(name, n, w), name));
            scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
        };
        let mut wins = [0.0; 3];
        for n in 0..20_000 {
            let all = winner(&vms, n);
            for (i, (name, _)) in vms.iter().enumerate() {
                wins[i] += f64::from(u8::from(all == Some(name)));
            }
            if all != Some("c") {
                assert_eq!(winner(&vms[..2], n), all);
            }
        }
        for (won, (_, weight)) in wins.iter().zip(vms) {
            assert!((won / 20_000.0 - weight / 8.0).abs() < 0.015, "{wins:?}");
        }
    }
}
