//! How much of a node rebuild copies may take: one budget per node that copies in both directions share.
//!
//! Per node and direction the rate is at most `min(share * cores / (2 work), share * disks / 2, nic)`: a
//! byte copied costs controller work and device time at both ends, so the two directions share them.

use crate::scenario::Throttle;
use sim_core::Rate;

/// What a node has for bulk work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Supply {
    /// What its controller's cores could copy, in bytes per second, if they did nothing else.
    pub controller: f64,
    /// What its devices could, likewise.
    pub devices: f64,
    /// What its ports could, one direction.
    pub network: f64,
    /// Share of the controller that guests take.
    pub guests: f64,
}

/// The rebuild budget of a node, both directions together. `pace` is the adaptive throttle's state.
pub(super) fn budget(throttle: Throttle, s: Supply, pace: f64) -> Rate {
    let both_ways = |share: f64| (share * s.controller).min(share * s.devices);
    let network = 2.0 * s.network;
    let rate = match throttle {
        Throttle::Cap(share) => both_ways(share).min(network),
        Throttle::MClock { reservation, weight, limit } => {
            let share = contended(reservation, weight, s.guests).max(1.0 - s.guests);
            both_ways(share.min(limit)).min(network)
        }
        Throttle::Adaptive { .. } => both_ways(pace).min(network),
        Throttle::Fixed(rate) => 2.0 * rate.as_f64(),
        Throttle::Unlimited => f64::INFINITY,
    };
    Rate::from_f64(rate.min(s.controller).min(s.devices))
}

/// Share of a device that clients of depth 64 keep against a recovery which has a reservation: 11,209, 11,017 and
/// 11,153 of 21,500 IOPS in Ceph's mClock study (NVMe), where 50, 40 and 30 % were reserved for them. Why they keep
/// more than is theirs the study does not say; assumed of other devices.
const CLIENTS_KEEP: f64 = 0.52;

/// Share of a node that recovery has while guests want this much: by weight, between its reservation and what the
/// guests keep. When the two come to more than there is, each has its part of it (Gulati 2010: of classes that are
/// all behind their reservations the tags go on in proportion to them).
fn contended(reservation: f64, weight: f64, guests: f64) -> f64 {
    let kept = guests.min(CLIENTS_KEEP);
    let over = (reservation + kept).max(1.0);
    (weight / (1.0 + weight)).clamp(reservation / over, 1.0 - kept / over)
}

/// Smallest pace of an adaptive throttle, as a share of the full one: six halvings (assumed).
const SLOWEST: f64 = 1.0 / 64.0;

/// The next pace after guests saw this write latency, in seconds: halved above the high mark, doubled below
/// the low one.
pub(super) fn next_pace(throttle: Throttle, pace: f64, latency: f64) -> f64 {
    let Throttle::Adaptive { high, low } = throttle else { return 1.0 };
    if latency > high.as_secs() {
        (pace / 2.0).max(SLOWEST)
    } else if latency < low.as_secs() {
        (pace * 2.0).min(1.0)
    } else {
        pace
    }
}

/// Mean wait at `servers` servers with this load, in units of the mean service (Sakasegawa 1977).
pub(super) fn queueing(load: f64, servers: f64) -> f64 {
    let load = load.min(0.99);
    libm::pow(load, (2.0 * (servers + 1.0)).sqrt() - 1.0) / (servers * (1.0 - load))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::Span;

    const NODE: Supply = Supply { controller: 28e9, devices: 7.2e9, network: 6.25e9, guests: 0.6 };

    #[test]
    fn a_cap_takes_its_share_of_the_scarcest_resource() {
        // Devices bind: 0.25 * 7.2e9 both ways.
        assert_eq!(budget(Throttle::Cap(0.25), NODE, 1.0), Rate(1_800_000_000));
        // The network binds at 2 * 1e8.
        let slow = Supply { network: 1e8, ..NODE };
        assert_eq!(budget(Throttle::Cap(0.25), slow, 1.0), Rate(200_000_000));
        assert_eq!(budget(Throttle::Unlimited, slow, 1.0), Rate(7_200_000_000));
        assert_eq!(budget(Throttle::Fixed(Rate(50)), NODE, 1.0), Rate(100));
    }

    #[test]
    fn mclock_holds_its_reservation_against_guests_and_its_limit_without() {
        let m = Throttle::MClock { reservation: 0.5, weight: 0.25, limit: 0.9 };
        let at = |guests| budget(m, Supply { guests, ..NODE }, 1.0).as_f64() / NODE.devices;
        // Guests keep 0.52 of what they want: 0.52 + 0.5 of 1.
        assert!((at(0.6) - 0.5 / 1.02).abs() < 1e-9);
        assert!((at(0.0) - 0.9).abs() < 1e-9);
        assert!((at(0.3) - 0.7).abs() < 1e-9);
    }

    #[test]
    fn weights_share_what_reservations_leave() {
        // 3 : 1 of a node where 0.1 is reserved and guests keep 0.52: a weight of 1/3 has 0.25, one of 3 would
        // have 0.75 and gets the rest, 0.48.
        assert!((contended(0.1, 1.0 / 3.0, 1.0) - 0.25).abs() < 1e-9);
        assert!((contended(0.1, 3.0, 1.0) - 0.48).abs() < 1e-9);
        assert!((contended(0.1, 0.0, 1.0) - 0.1).abs() < 1e-9);
        // More than there is: 60 of 112.
        assert!((contended(0.6, 0.0, 1.0) - 0.6 / 1.12).abs() < 1e-9);
    }

    #[test]
    fn an_adaptive_throttle_halves_and_doubles_between_its_marks() {
        let t = Throttle::Adaptive { high: Span::ms(10), low: Span::ms(5) };
        assert_eq!(next_pace(t, 0.5, 0.011), 0.25);
        assert_eq!(next_pace(t, 0.5, 0.007), 0.5);
        assert_eq!(next_pace(t, 0.5, 0.004), 1.0);
        assert_eq!(next_pace(t, SLOWEST, 1.0), SLOWEST);
    }

    #[test]
    fn the_queueing_estimate_is_exact_for_one_server() {
        // M/M/1: W = rho / (1 - rho).
        assert!((queueing(0.8, 1.0) - 4.0).abs() < 1e-9);
    }
}
