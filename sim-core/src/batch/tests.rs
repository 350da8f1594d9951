use super::*;
use crate::rng::{Seed, Streams};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

/// A little work whose length depends on the run, so that threads overtake each other.
fn busy(run: u64) -> u64 {
    let mut s = Streams::new(Seed(3), run).stream("batch-test", "work");
    let draws = 1_000 + s.below(20_000);
    (0..draws).fold(run, |sum, _| sum.rotate_left(1) ^ s.next_u64())
}

fn folded(jobs: usize, runs: Range<u64>) -> Vec<(u64, u64)> {
    let mut seen = Vec::new();
    let never = AtomicBool::new(false);
    let fold = |id, r: Result<u64, Panic>| {
        seen.push((id, r.unwrap()));
        GO_ON
    };
    let done = run_batch(runs.clone(), jobs, &never, busy, fold).unwrap();
    assert_eq!(done, runs);
    seen
}

#[test]
fn any_number_of_threads_folds_the_same() {
    let plain: Vec<(u64, u64)> = (17..217).map(|run| (run, busy(run))).collect();
    for jobs in [0, 1, 2, 3, 8] {
        assert_eq!(folded(jobs, 17..217), plain, "{jobs} jobs");
    }
    assert_eq!(folded(4, 5..5), []);
}

#[test]
fn a_panic_is_the_result_of_its_run_alone() {
    let run = |id: u64| {
        assert!(id != 3, "run {id} lost a byte");
        if id == 5 {
            panic!("plain text");
        }
        id
    };
    let mut seen = Vec::new();
    let fold = |_, r: Result<u64, Panic>| {
        seen.push(r.map_err(|p| p.message));
        GO_ON
    };
    run_batch(0..8, 3, &AtomicBool::new(false), run, fold).unwrap();
    let broke = |text: &str| Err(text.to_owned());
    let want = [Ok(0), Ok(1), Ok(2), broke("run 3 lost a byte"), Ok(4), broke("plain text"), Ok(6), Ok(7)];
    assert_eq!(seen, want);
}

/// Run 0 is the slowest: without the bound, all other results would wait for it.
#[test]
fn results_that_wait_are_bounded() {
    let (started, folded) = (AtomicU64::new(0), AtomicU64::new(0));
    let worst = AtomicU64::new(0);
    let run = |id: u64| {
        let ahead = started.fetch_add(1, Ordering::SeqCst) + 1 - folded.load(Ordering::SeqCst);
        worst.fetch_max(ahead, Ordering::SeqCst);
        if id == 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let fold = |_, _| {
        folded.fetch_add(1, Ordering::SeqCst);
        GO_ON
    };
    run_batch(0..500, 2, &AtomicBool::new(false), run, fold).unwrap();
    let worst = worst.into_inner();
    assert!((2..=8).contains(&worst), "{worst} runs were started and not folded");
}

#[test]
fn a_stop_leaves_a_prefix_without_gaps() {
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    let fold = |id, r: Result<u64, Panic>| {
        seen.push((id, r.unwrap()));
        if id == 40 {
            stop.store(true, Ordering::Relaxed);
        }
        GO_ON
    };
    let done = run_batch(0..10_000, 3, &stop, busy, fold).unwrap();
    assert!(done.start == 0 && (41..=41 + 12).contains(&done.end), "{done:?}");
    assert_eq!(seen, (0..done.end).map(|id| (id, busy(id))).collect::<Vec<_>>());

    // Set before the start, nothing runs.
    let done =
        run_batch(7..9, 3, &stop, |_| panic!("must not run"), |_, _: Result<(), Panic>| GO_ON).unwrap();
    assert_eq!(done, 7..7);
}

#[test]
#[should_panic(expected = "the fold gives up")]
fn a_panic_of_the_fold_is_the_callers() {
    let fold = |id, _: Result<u64, Panic>| {
        assert!(id < 3, "the fold gives up");
        GO_ON
    };
    let _ = run_batch(0..100, 2, &AtomicBool::new(false), busy, fold);
}

/// A stopping rule sees the same runs for any number of threads, and nothing after its decision.
#[test]
fn a_fold_that_breaks_ends_the_batch_exactly_there() {
    for jobs in [1, 2, 5] {
        let mut calls = 0;
        let fold = |id, _: Result<u64, Panic>| {
            calls += 1;
            if id == 40 { ControlFlow::Break(()) } else { GO_ON }
        };
        let done = run_batch(0..10_000, jobs, &AtomicBool::new(false), busy, fold).unwrap();
        assert_eq!((done, calls), (0..41, 41), "{jobs} jobs");
    }
}
