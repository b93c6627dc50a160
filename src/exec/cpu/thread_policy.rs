//! Selects the number of threads for a short plan: all or one, whichever is measured to be faster.
//!
//! Two threads finish work of some tens of microseconds sooner than one, unless they wait for each
//! other longer than that. If cores are far apart, or shared with other programs, two threads can
//! take twice as long as one. No threshold predicts this, so both are measured repeatedly. The
//! results are the same.

use std::time::{Duration, Instant};

use crate::exec::timeline::median;
use crate::ops::on_one_thread;

use super::spin_wait;

/// The number of measured runs with each number of threads.
const MEASURED_RUNS: usize = 8;

/// The number of runs from one measurement to the next.
const RUNS_BETWEEN_MEASUREMENTS: usize = 1024;

/// Selects the number of threads for the runs of a plan.
#[derive(Default)]
pub(super) struct ThreadPolicy {
    /// The number of runs since the measurement began.
    runs: usize,
    /// The times of the measured runs: with all threads, and with one.
    took: [[Duration; MEASURED_RUNS]; 2],
    one_thread: bool,
}

impl ThreadPolicy {
    /// Runs `work` of `flops` operations.
    pub fn run(&mut self, flops: f64, work: impl FnOnce() + Send) {
        let measuring = self.runs < 2 * MEASURED_RUNS;
        let one_thread = match measuring {
            true => self.runs >= MEASURED_RUNS,
            false => self.one_thread,
        };
        let start = measuring.then(Instant::now);
        match one_thread {
            true => on_one_thread(work),
            false => spin_wait::in_pool(flops, work),
        }
        if let Some(start) = start {
            self.took[usize::from(one_thread)][self.runs % MEASURED_RUNS] = start.elapsed();
        }
        self.count();
    }

    fn count(&mut self) {
        self.runs += 1;
        if self.runs == 2 * MEASURED_RUNS {
            let [all, one] = self.took.map(|mut times| median(&mut times));
            self.one_thread = one < all;
        }
        self.runs %= RUNS_BETWEEN_MEASUREMENTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_measured_and_the_faster_one_is_chosen() {
        let mut thread_policy = ThreadPolicy::default();
        for _ in 0..2 {
            for i in 0..RUNS_BETWEEN_MEASUREMENTS {
                // All threads take longer here, independent of the machine.
                if i < MEASURED_RUNS {
                    thread_policy.took[0][i] = Duration::from_secs(3600);
                } else {
                    thread_policy.run(1.0, || ());
                    continue;
                }
                thread_policy.count();
            }
            assert!(thread_policy.one_thread);
            assert_eq!(thread_policy.runs, 0);
        }
        assert!(
            thread_policy.took[1]
                .iter()
                .all(|t| *t < Duration::from_secs(60))
        );
        assert!(
            thread_policy.took[0]
                .iter()
                .all(|t| *t == Duration::from_secs(3600))
        );
    }
}
