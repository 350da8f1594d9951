//! How a platform spreads running VMs over the hosts of a cluster.

use crate::quantity::Resolver;
use serde::Deserialize;
use sim_core::Span;

/// What makes a platform move a running VM to another host of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Balancer {
    /// Nothing does.
    None,
    /// A host, or its controller VM, that is asked for more than `above` of its CPU: as many VMs leave as
    /// bring it below, to hosts that stay below. Nothing moves for the sake of balance.
    HotSpot,
    /// A VM would get more of what it asks for elsewhere, net of the cost of moving it.
    Score,
}

crate::section! {
    /// Balancing of running VMs over the hosts of a cluster.
    pub struct BalancingProfile / BalancingProfileSpec {
        /// What makes it act.
        balancer: Choice<Balancer>,
        /// Time from check to check.
        every: Time,
        /// Time to the next check after one that moved something.
        again_after: Time,
        /// `HotSpot`: a host is hot when it is asked for more than this share of its cores, or its controller VM
        /// for more than this share of its vCPUs.
        above: Fraction,
        /// `Score`: least part of what it asks for that a VM must gain, after costs.
        least_gain: Fraction,
        /// `Score`: the cores that a migration takes at both ends are laid against what the VM asks for in so long.
        pays_back_in: Time,
    }
}

impl BalancingProfile {
    /// Notes what no platform can do; problems are under `path`.
    pub(super) fn check(&self, path: &str, r: &mut Resolver) {
        if self.balancer == Balancer::None {
            return;
        }
        for (field, time) in
            [("every", self.every), ("again_after", self.again_after), ("pays_back_in", self.pays_back_in)]
        {
            if time < Span::secs(1) {
                r.problem(
                    &format!("{path}.{field}"),
                    format!("{time} is too short"),
                    "write at least Secs(1)",
                );
            }
        }
        for (field, share) in [("above", self.above), ("least_gain", self.least_gain)] {
            if share < 0.001 {
                let what = format!("{share} is too small");
                r.problem(&format!("{path}.{field}"), what, "write at least Share(0.001)");
            }
        }
    }
}
