//! Synchronous replication to the other site: a write is complete when both sites have it.

use super::Population;
use crate::scenario::{Replication, Scenario};
use sim_core::{SimTime, Span};

/// While the link is down, a held write looks again after this long: a step of the method, short against
/// the seconds after which a mirror breaks.
const LOOK_AGAIN: Span = Span::ms(100);

/// The mirror of the VMs that are still on the source.
#[derive(Clone, Debug)]
pub struct Mirror {
    rtt: Span,
    break_after: Span,
    down_since: Option<SimTime>,
    broken: bool,
}

/// What a write that is complete at its own site has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: replication is broken and the write is local.
    Nothing,
    /// The answer of the other site, at this time.
    Answer(SimTime),
    /// The link: look again then.
    Link(SimTime),
}

impl Mirror {
    /// The mirror of a wave under synchronous replication between two sites.
    pub fn build(scenario: &Scenario, population: Population) -> Option<Mirror> {
        let replication = scenario.wave.as_ref()?.replication;
        let rtt = scenario.fabric.intersite.as_ref()?.rtt;
        match (population, replication) {
            (Population::LastWave, Replication::Sync { break_after }) => {
                Some(Mirror { rtt, break_after, down_since: None, broken: false })
            }
            _ => None,
        }
    }

    /// The link between the sites died or came back. What was broken off is not resumed within a run.
    pub fn link(&mut self, up: bool, now: SimTime) {
        match (up, self.down_since) {
            (false, None) => self.down_since = Some(now),
            (true, Some(since)) => {
                self.broken |= now >= since + self.break_after;
                self.down_since = None;
            }
            _ => {}
        }
    }

    /// A write is complete at its own site now. The other site takes as long as this one did, one round
    /// trip later: max(local, round trip + remote).
    pub fn hold(&self, now: SimTime) -> Hold {
        match self.down_since {
            _ if self.broken => Hold::Nothing,
            None => Hold::Answer(now + self.rtt),
            Some(since) if now >= since + self.break_after => Hold::Nothing,
            Some(since) => Hold::Link((now + LOOK_AGAIN).min(since + self.break_after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link that is down for longer than the time-out stalls writes for the time-out, then they are local
    /// for good; one that is down for less stalls them for the outage.
    #[test]
    fn a_dead_link_stalls_writes_until_it_is_back_or_given_up() {
        let ms = |n: u64| SimTime(n * 1_000_000);
        let mut mirror =
            Mirror { rtt: Span::ms(5), break_after: Span::secs(15), down_since: None, broken: false };
        assert_eq!(mirror.hold(ms(10)), Hold::Answer(ms(15)));
        mirror.link(false, ms(100));
        assert_eq!(mirror.hold(ms(150)), Hold::Link(ms(250)));
        mirror.link(true, ms(1000));
        assert_eq!(mirror.hold(ms(1000)), Hold::Answer(ms(1005)));
        mirror.link(false, ms(2000));
        assert_eq!(mirror.hold(ms(16_950)), Hold::Link(ms(17_000)));
        assert_eq!(mirror.hold(ms(17_000)), Hold::Nothing);
        mirror.link(true, ms(20_000));
        assert_eq!(mirror.hold(ms(20_001)), Hold::Nothing);
    }
}
