//! Spin-waiting: while a short plan runs, idle threads look for work instead of sleeping.
//!
//! A step of a plan ends within microseconds, and so does the pause before the next step with work
//! for all threads. A sleeping thread takes tens of microseconds to wake, longer than many steps.
//! In a short plan, this is a large part of the time.
//!
//! Threads do not spin during long plans. The system preempts spinning threads first when other
//! programs use the cores, and the work that these threads have taken waits with them.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rayon::{Scope, Yield};

/// The number of times a thread looks for work before it yields its core: a few microseconds.
const SPINS_BEFORE_YIELD: usize = 32;

/// The largest number of operations of a plan for which threads spin: a few tenths of a
/// millisecond.
const MAX_SPINNING_FLOPS: f64 = 5e7;

/// Returns whether a plan of `flops` operations is short.
pub(super) fn is_short(flops: f64) -> bool {
    flops <= MAX_SPINNING_FLOPS
}

/// Runs `work` of `flops` operations in the pool, from where passing work to another thread is
/// cheap.
pub(super) fn in_pool(flops: f64, work: impl FnOnce() + Send) {
    match is_short(flops) {
        true => with_spinning_threads(work),
        false => rayon::scope(|_| work()),
    }
}

/// Runs `work` in the pool while the other threads spin.
fn with_spinning_threads(work: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        // Also set if `work` panics, because the scope would otherwise never end.
        let _set = SetAtEnd(&done);
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|scope| spin(scope, &done));
        }
        work();
    });
}

struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Executes pending work, then spawns itself again. Each call must end soon, because the thread may
/// have started it while waiting for a part of its own work.
fn spin<'s>(scope: &Scope<'s>, done: &'s AtomicBool) {
    let mut idle = true;
    for _ in 0..SPINS_BEFORE_YIELD {
        if done.load(Ordering::Relaxed) {
            return;
        }
        match rayon::yield_now() {
            Some(Yield::Executed) => idle = false,
            _ => hint::spin_loop(),
        }
    }
    if idle {
        thread::yield_now();
    }
    scope.spawn(|scope| spin(scope, done));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn nested_work_ends() {
        for threads in [2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let sums = pool.unwrap().install(|| {
                let outer = (0..32u64).into_par_iter().map(|i| {
                    let mut sum = 0;
                    with_spinning_threads(|| {
                        let all = (0..1000u64).into_par_iter().map(|j| i + j);
                        sum = all.sum();
                    });
                    sum
                });
                outer.collect::<Vec<u64>>()
            });
            let want: Vec<u64> = (0..32).map(|i| 1000 * i + 499_500).collect();
            assert_eq!(sums, want);
        }
    }

    #[test]
    fn a_panic_propagates() {
        let caught = std::panic::catch_unwind(|| with_spinning_threads(|| assert_eq!(1, 2)));
        assert!(caught.is_err());
    }
}
