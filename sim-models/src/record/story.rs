//! What happened in a run, for people: one line per happening, and the phases that the lines lie in.

use crate::metric::Phase;
use sim_core::SimTime;

/// Lines and stretches that one run keeps: more than anybody reads, and little to hold for thousands of runs.
const MOST: usize = 500;

/// One line of what happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Number of the act, from 0.
    pub act: usize,
    /// When, in the act.
    pub at: SimTime,
    /// The phase that this instant leaves the act in: a fault that strikes is a line of `detecting`.
    pub phase: Phase,
    /// What, in words.
    pub what: String,
}

/// A time of one phase within an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Number of the act, from 0.
    pub act: usize,
    /// The phase.
    pub phase: Phase,
    /// When it began, in the act.
    pub from: SimTime,
    /// When it ended; where it began while it lasts.
    pub until: SimTime,
}

/// So many of something, with the plural that English forms by an s.
pub fn count(n: impl Into<u64>, what: &str) -> String {
    let n = n.into();
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Lines and stretches of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Story {
    acts: usize,
    notes: Vec<Note>,
    stretches: Vec<Stretch>,
}

impl Story {
    pub fn begin_act(&mut self, phase: Phase) {
        self.acts += 1;
        self.stretch(SimTime::ZERO, phase);
    }

    pub fn end_act(&mut self, now: SimTime) {
        if let Some(last) = self.open() {
            last.until = now;
        }
    }

    /// The phase may have changed. What is told of this instant belongs to the phase that it leads to.
    pub fn turn(&mut self, now: SimTime, phase: Phase) {
        let act = self.act();
        let of_now = self.notes.iter_mut().rev().take_while(|n| n.act == act && n.at == now);
        of_now.for_each(|note| note.phase = phase);
        let Some(last) = self.open() else { return };
        if last.phase == phase {
            return;
        }
        last.until = now;
        let fleeting = last.from == now;
        if fleeting {
            self.stretches.pop();
        }
        if self.open().is_none_or(|last| last.phase != phase) {
            self.stretch(now, phase);
        }
    }

    pub fn note(&mut self, at: SimTime, phase: Phase, what: impl FnOnce() -> String) {
        if self.notes.len() < MOST {
            self.notes.push(Note { act: self.act(), at, phase, what: what() });
        }
    }

    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    fn act(&self) -> usize {
        self.acts.saturating_sub(1)
    }

    /// The last stretch of this act.
    fn open(&mut self) -> Option<&mut Stretch> {
        let act = self.act();
        self.stretches.last_mut().filter(|s| s.act == act)
    }

    fn stretch(&mut self, from: SimTime, phase: Phase) {
        if self.stretches.len() < MOST {
            self.stretches.push(Stretch { act: self.act(), phase, from, until: from });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Phase::{Degraded, Detecting, Migrating, SourceSteady, TargetSteady};

    fn s(secs: u64) -> SimTime {
        SimTime(secs * 1_000_000_000)
    }

    /// Two acts; in the second a fault strikes at 5 s (two conditions begin at that instant), is noticed at 8 s,
    /// heals at 9 s and strikes again at once: no stretch without length, no seam inside a phase, no gap.
    #[test]
    fn stretches_join_and_lines_lie_in_the_phase_they_lead_to() {
        let mut story = Story::default();
        story.begin_act(SourceSteady);
        story.end_act(s(60));
        story.begin_act(TargetSteady);
        story.turn(s(2), Migrating);
        story.note(s(5), Migrating, || "it fails".into());
        story.turn(s(5), Degraded);
        story.turn(s(5), Detecting);
        story.turn(s(8), Degraded);
        story.note(s(8), Degraded, || "noticed".into());
        story.turn(s(9), Migrating);
        story.turn(s(9), Degraded);
        story.end_act(s(20));
        let of = |act, phase, from, until| Stretch { act, phase, from: s(from), until: s(until) };
        let want = [
            of(0, SourceSteady, 0, 60),
            of(1, TargetSteady, 0, 2),
            of(1, Migrating, 2, 5),
            of(1, Detecting, 5, 8),
            of(1, Degraded, 8, 20),
        ];
        assert_eq!(story.stretches(), want);
        let lines: Vec<_> = story.notes().iter().map(|n| (n.act, n.phase, n.what.as_str())).collect();
        assert_eq!(lines, [(1, Detecting, "it fails"), (1, Degraded, "noticed")]);
    }
}
