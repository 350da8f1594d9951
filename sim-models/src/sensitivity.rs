//! Which guess matters: how far each number of the matrix moves when an assumed value is another one.
//!
//! Runs of the varied scenario meet the same luck as those of the scenario itself, run by run, so the mean of
//! the paired differences shows in few runs what would need hundreds of independent ones.

use crate::ids::Side;
use crate::metric::Metric;
use crate::profile::ProfileSpec;
use crate::scenario::library::{Document, Library};
use crate::scenario::schema::FIELDS;
use crate::verdict::{Column, Group, RunRow, Statistic, columns};
use serde::Serialize;

/// A value that rests on a guess.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assumption {
    /// Path in the document; `[]` stands for every element of a list.
    pub path: String,
    /// As typed, or as it is when nothing is typed.
    pub value: String,
    /// What the guess rests on.
    pub reason: String,
}

/// Every quantity that a scenario takes on somebody's guess: values of its profiles that are marked so, and
/// defaults of the scenario itself.
pub fn assumptions(document: &Document) -> Vec<Assumption> {
    let spec = &document.spec;
    let sides = [("source", &spec.source), ("target", &spec.target)];
    let profiles = sides.iter().filter_map(|(side, cluster)| Some((side, cluster.as_ref()?)));
    let of_profiles =
        profiles.flat_map(|(side, cluster)| of_profile(side, &cluster.profile, &document.library));
    let defaults =
        FIELDS.iter().filter_map(|f| Some((f.path, f.default.strip_suffix(", assumed")?, f.meaning)));
    let all = defaults.chain(INSIDE_CHOICES.iter().copied());
    let of_scenario = all.map(|(path, value, reason)| Assumption {
        path: path.into(),
        value: value.into(),
        reason: reason.into(),
    });
    of_profiles.chain(of_scenario).collect()
}

/// Assumed defaults inside the constructors of a choice, which the table of fields does not list singly.
const INSIDE_CHOICES: &[(&str, &str, &str)] = &[
    ("source.storage.read_hit", "Share(0.6)", "reads that the array's cache answers"),
    ("target.storage.groups", "4096", "placement groups that stand for the data"),
    ("wave.method.final_round", "Secs(10)", "a warm move ends when a round is shorter"),
    ("wave.method.max_rounds", "10", "a warm move ends after so many rounds"),
    ("groups[].dirtying.a", "500 to 28,780 pages", "pages dirtied in the first second: presets Idle and Web"),
];

fn of_profile(side: &str, name: &str, library: &Library) -> Vec<Assumption> {
    let provenance = library.profile(name).map(ProfileSpec::provenance).unwrap_or_default();
    let assumed = provenance.into_iter().filter(|p| p.basis == "assumed");
    let named = |path: &str| format!("{side}.profile.{path}");
    assumed.map(|p| Assumption { path: named(&p.path), value: p.value, reason: p.source }).collect()
}

/// One cell of the matrix: a number of each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Row of the matrix.
    pub metric: Metric,
    /// Column of the matrix.
    pub group: Group,
    /// The number.
    pub column: Column,
}

/// The headline rows, each before, after and under duress.
pub fn cells() -> Vec<Cell> {
    let sampled = [
        (Metric::CpuReady, Statistic::P95),
        (Metric::WriteLatency, Statistic::P99),
        (Metric::RemoteMemory, Statistic::P95),
        (Metric::Pause, Statistic::P99),
        (Metric::CutoverOutage, Statistic::Max),
    ];
    let of = |(metric, statistic): (Metric, Statistic)| {
        Group::ALL.map(|group| Cell { metric, group, column: Column::Sampled(metric, statistic, group) })
    };
    let metric = Metric::WorstIo;
    let losses = Group::ALL.map(|group| Cell {
        metric,
        group,
        column: match group {
            Group::Duress => Column::PerRun(metric, Side::Target),
            steady => Column::SteadyWorst(steady),
        },
    });
    sampled.into_iter().flat_map(of).chain(losses).collect()
}

/// How far a cell moves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Move {
    /// Mean of the paired differences over the mean of the scenario itself: 0.1 is 10 % more.
    pub change: f64,
    /// Its standard error.
    pub error: f64,
}

impl Move {
    /// Too large to be luck, and at least one per cent.
    pub fn is_real(&self) -> bool {
        self.change.abs() >= 0.01 && self.change.abs() > 2.0 * self.error
    }
}

/// The moves of all [`cells`] between runs of the scenario itself and the same runs of a varied one; `None`
/// where no pair has both numbers, or the scenario's own are all zero.
pub fn moves(base: &[RunRow], varied: &[RunRow]) -> Vec<Option<Move>> {
    let columns = columns();
    let at = |cell: &Cell| columns.iter().position(|c| *c == cell.column);
    cells().iter().map(|cell| between(at(cell)?, base, varied)).collect()
}

fn between(column: usize, base: &[RunRow], varied: &[RunRow]) -> Option<Move> {
    let pair = |(b, v): (&RunRow, &RunRow)| Some((b.values[column]? as f64, v.values[column]? as f64));
    let pairs: Vec<(f64, f64)> = base.iter().zip(varied).filter_map(pair).collect();
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|(b, _)| b).sum::<f64>() / n;
    if pairs.is_empty() || mean == 0.0 {
        return None;
    }
    let difference = pairs.iter().map(|(b, v)| v - b).sum::<f64>() / n;
    let squares: f64 = pairs.iter().map(|(b, v)| (v - b - difference) * (v - b - difference)).sum();
    let error = if pairs.len() > 1 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 };
    Some(Move { change: difference / mean, error: error / mean })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::digest::Digest;

    fn row(p95: u64) -> RunRow {
        let mut values = vec![None; columns().len()];
        values[0] = Some(p95);
        let digest = Digest::default();
        RunRow { run: 0, digest, macro_digest: digest, events: 0, requests: 0, write_wait: 0, values }
    }

    #[test]
    fn a_move_is_the_mean_of_paired_differences() {
        // Differences 1, 2, 3 over a mean of 200: 2 / 200; their variance is 1, so the standard error of the
        // mean is sqrt(1 / 3), over 200.
        let (base, varied) = ([row(100), row(200), row(300)], [row(101), row(202), row(303)]);
        let first = moves(&base, &varied)[0].expect("pairs");
        assert!((first.change - 0.01).abs() < 1e-12);
        assert!((first.error - (1.0f64 / 3.0).sqrt() / 200.0).abs() < 1e-12);
        assert!(first.is_real());
        assert_eq!(moves(&base, &varied)[1], None);
    }

    #[test]
    fn every_cell_is_a_column_of_the_rows() {
        assert!(cells().iter().all(|cell| columns().contains(&cell.column)));
    }
}
