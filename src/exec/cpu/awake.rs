//! Keeps the threads awake while a plan runs.
//!
//! A step of a plan is over in microseconds, and so is the pause before the next one that has work for all threads. A
//! thread that has gone to sleep needs tens of microseconds to wake, more than many steps take. Where the whole plan is
//! short, that is much of its time.
//!
//! Why not for every plan: threads that have looked for work all the time are the first that must wait when other
//! programs want the cores, and then the work that they have taken waits too.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rayon::{Scope, Yield};

/// How often a thread looks for work before it lets others onto its core: a few microseconds.
const LOOKS: usize = 32;

/// Operations of a plan up to which its threads are kept awake: some tenths of a millisecond.
const SHORT: f64 = 5e7;

/// Whether a plan of so many operations is short.
pub(super) fn is_short(flops: f64) -> bool {
    flops <= SHORT
}

/// Runs `work` of so many operations in the pool. From within, handing work to another thread is cheap.
pub(super) fn in_pool(flops: f64, work: impl FnOnce() + Send) {
    match is_short(flops) {
        true => with_all_awake(work),
        false => rayon::scope(|_| work()),
    }
}

/// Runs `work` in the pool, with the other threads looking for its parts all the time.
fn with_all_awake(work: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        // Set at a panic as well, or the scope would wait for ever.
        let _set = SetAtEnd(&done);
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|scope| look(scope, &done));
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

/// Does what there is to do, then passes the task on. It must end soon, and come back as a new one: the thread may have
/// begun it while it waited for a part of its own work.
fn look<'s>(scope: &Scope<'s>, done: &'s AtomicBool) {
    let mut idle = true;
    for _ in 0..LOOKS {
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
    scope.spawn(|scope| look(scope, done));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn work_within_work_comes_to_its_end() {
        for threads in [2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let sums = pool.unwrap().install(|| {
                let outer = (0..32u64).into_par_iter().map(|i| {
                    let mut sum = 0;
                    with_all_awake(|| {
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
    fn a_panic_comes_out() {
        let caught = std::panic::catch_unwind(|| with_all_awake(|| assert_eq!(1, 2)));
        assert!(caught.is_err());
    }
}
