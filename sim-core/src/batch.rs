//! Many runs on many threads, one result: folded in run order, whoever finishes first.
//!
//! The folding thread is the caller's; the workers only compute. What is folded is always the runs
//! `first, first + 1, ...` without a gap, so an interrupted batch is an honest, shorter batch.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// A run that broke one of our own invariants; the other runs are not touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What the assertion said.
    pub message: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)
    }
}

impl std::error::Error for Panic {}

/// The batch could not start its threads.
#[derive(Debug)]
pub struct NoThreads(rayon::ThreadPoolBuildError);

impl fmt::Display for NoThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start the worker threads: {}", self.0)
    }
}

impl std::error::Error for NoThreads {}

/// Runs ahead of the fold, per thread: enough that a slow run does not starve the other threads.
const AHEAD: u64 = 4;

/// Calls `run` for every number in `runs` on `jobs` threads (at least 1) and `fold` for every result, in run
/// order, on this thread. Returns the runs that were folded: all of them, or a prefix.
///
/// The fold sees the same calls in the same order for any `jobs`. It may end the batch with
/// [`ControlFlow::Break`]: nothing is folded after that run, so a stopping rule does not depend on timing.
/// `stop` ends it from outside: no further run begins, those under way are finished, and what lies before the
/// first gap is folded. At most `4 * jobs` runs are under way or wait to be folded, which bounds memory.
///
/// A panic inside `run` is that run's result and reaches nobody else. The process's panic hook still prints
/// it, since silencing the hook would be global state. A panic inside `fold` is the caller's and propagates.
///
/// # Errors
/// [`NoThreads`] when the system refuses the threads.
pub fn run_batch<T: Send>(
    runs: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    run: impl Fn(u64) -> T + Sync,
    fold: impl FnMut(u64, Result<T, Panic>) -> ControlFlow<()>,
) -> Result<Range<u64>, NoThreads> {
    let jobs = jobs.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(NoThreads)?;
    let (done, results) = channel();
    let ended = AtomicBool::new(false);
    let mut started = runs.start;
    let mut folder = Folder { next: runs.start, results, waiting: BTreeMap::new(), ended: &ended, fold };
    pool.in_place_scope_fifo(|scope| {
        while started < runs.end && !folder.ended() && !stop.load(Ordering::Relaxed) {
            let (id, done, run, ended) = (started, done.clone(), &run, &ended);
            scope.spawn_fifo(move |_| {
                let skip = stop.load(Ordering::Relaxed) || ended.load(Ordering::Relaxed);
                let result = (!skip).then(|| isolated(|| run(id)));
                // The receiver is gone only if the fold panicked; that panic is already on its way up.
                let _ = done.send((id, result));
            });
            started += 1;
            while started - folder.next >= AHEAD * jobs as u64 && !folder.ended() {
                folder.take();
            }
        }
        while folder.next < started && !folder.ended() {
            folder.take();
        }
    });
    Ok(runs.start..folder.next)
}

/// One run, whose panic becomes its result. What it leaves half done must be its own state, dropped here.
///
/// # Errors
/// [`Panic`] with what the panic said.
pub fn isolated<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| Panic { message: text(&*payload) })
}

fn text(payload: &(dyn Any + Send)) -> String {
    let known = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    known.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "not a text".to_owned())
}

/// The number of a run and its result; none when the run was skipped.
type Finished<T> = (u64, Option<Result<T, Panic>>);

/// Puts the results back into run order.
struct Folder<'a, T, F> {
    /// The next run to fold.
    next: u64,
    results: Receiver<Finished<T>>,
    waiting: BTreeMap<u64, Option<Result<T, Panic>>>,
    /// Set once nothing more is to be folded; workers then skip what they have not begun.
    ended: &'a AtomicBool,
    fold: F,
}

impl<T, F: FnMut(u64, Result<T, Panic>) -> ControlFlow<()>> Folder<'_, T, F> {
    fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits for one result and folds all that are now in order.
    fn take(&mut self) {
        let (id, result) = self.results.recv().expect("every started run sends something");
        self.waiting.insert(id, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            let Some(result) = result else {
                return self.ended.store(true, Ordering::Relaxed);
            };
            let flow = (self.fold)(self.next, result);
            self.next += 1;
            if flow.is_break() {
                return self.ended.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
