//! What goes in comes out, or is inside: requests, bytes, phases of time.

use crate::support::{play_all, small};
use sim_models::ids::Side;
use sim_models::metric::Phase;
use sim_models::record::Tally;

/// Every recorded request either completed or was still open at the end.
#[test]
fn requests_are_never_lost() {
    for name in ["steady", "node-loss", "cvm-crash"] {
        for run in play_all(&small(name), 2) {
            for side in Side::BOTH {
                for phase in Phase::ALL {
                    let total = |t| run.record.total(t, side, phase);
                    let (offered, completed) = (total(Tally::IoOffered), total(Tally::IoCompleted));
                    assert!(completed <= offered, "{name} {side} {phase}: {completed} of {offered}");
                    let open = offered - completed;
                    assert!(
                        open as f64 <= 0.02 * offered as f64 + 20.0,
                        "{name} {side} {phase}: {open} never ended"
                    );
                }
            }
        }
    }
}

/// Every nanosecond of the acts is in exactly one phase, and no more of it is seen than there is.
#[test]
fn phases_cover_the_acts() {
    let s = small("node-loss");
    let all = (s.timeline.before + s.timeline.after + s.timeline.duress).0;
    for run in play_all(&s, 2) {
        let sum = |t| -> u64 {
            Side::BOTH.iter().flat_map(|&s| Phase::ALL.map(|p| run.record.total(t, s, p))).sum()
        };
        assert_eq!(sum(Tally::Time), all);
        assert!(sum(Tally::TimeSeen) < all && sum(Tally::TimeSeen) > 0);
    }
}

/// Bytes that reach devices and the network for guests' writes follow from the number of copies: at least
/// one byte per copy, and at most what draining everything once more would make.
#[test]
fn written_bytes_follow_from_the_copies() {
    for run in play_all(&small("steady"), 2) {
        let total = |t| run.record.total(t, Side::Target, Phase::TargetSteady) as f64;
        let (guest, device, network) =
            (total(Tally::GuestWritten), total(Tally::DeviceWritten), total(Tally::NetworkSent));
        assert!(guest > 0.0);
        assert!((2.0..=4.0).contains(&(device / guest)), "device {}", device / guest);
        assert!((1.0..=2.5).contains(&(network / guest)), "network {}", network / guest);
    }
}
