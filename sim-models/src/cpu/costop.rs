//! Co-stop: the part of waiting that relaxed co-scheduling books apart from ready time.
//!
//! A vCPU that runs too far ahead of its slowest sibling is stopped until that one has caught up. What a
//! VM waits in all stays what the pool makes it wait; co-stop only renames a share of it, the larger the
//! wider the VM. The shares are those of a quantum-level simulation of eight CPUs (50 ms slice, skew limit
//! 3 ms): 6, 14 and 25 % for VMs of 2, 4 and 8 vCPUs at an offered load of 1.0, and 4.5, 10 and 19 % at
//! 0.8. No hypervisor was measured.

use sim_core::mutant::Mutant;

/// Share of the wait that is co-stop, of VMs of 1, 2, 4 and 8 vCPUs at an offered load of 1.0: the
/// simulation above.
const AT_LOAD_1: [f64; 4] = [0.0, 0.06, 0.14, 0.25];
/// By how much of its value at 1.0 that share grows per unit of offered load: fitted to 0.8 and 1.0.
const PER_LOAD: f64 = 1.25;
/// At most this share of the wait (assumed: nothing wider or busier was simulated).
const MOST: f64 = 0.5;

/// Share of the total wait of a VM of `vcpus` that is co-stop, at `offered` load (demand over cores).
///
/// Linear in log2 of the width between the simulated ones and beyond; linear in load, which fits the two
/// simulated loads exactly and a third (1.1: 7, 15, 27 %) within a point. Held to half of the wait.
pub fn share(vcpus: u32, offered: f64) -> f64 {
    if Mutant::NoCoStop.lives() {
        return 0.0;
    }
    let doublings = libm::log2(f64::from(vcpus.max(1)));
    let i = (doublings as usize).min(2);
    let width = AT_LOAD_1[i] + (doublings - i as f64) * (AT_LOAD_1[i + 1] - AT_LOAD_1[i]);
    let load = (1.0 + PER_LOAD * (offered - 1.0)).max(0.0);
    (width * load).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_shares() {
        for (offered, shares, within) in [
            (1.0, [0.06, 0.14, 0.25], 1e-12),
            (0.8, [0.045, 0.10, 0.19], 0.006),
            (1.1, [0.07, 0.15, 0.27], 0.012),
            (0.95, [0.052, 0.13, 0.22], 0.015),
        ] {
            for (vcpus, want) in [2, 4, 8].into_iter().zip(shares) {
                assert!((share(vcpus, offered) - want).abs() <= within, "{vcpus} at {offered}");
            }
        }
    }

    #[test]
    fn wider_vms_stop_more_and_single_vcpus_never() {
        assert_eq!(share(1, 1.2), 0.0);
        let shares: Vec<f64> = (1..64).map(|v| share(v, 0.9)).collect();
        assert!(shares.is_sorted() && shares.iter().all(|s| (0.0..=0.5).contains(s)));
    }
}
