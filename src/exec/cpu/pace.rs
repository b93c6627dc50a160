//! How many threads a short plan runs on: all, or one alone, whichever is faster here and now.
//!
//! Work that takes a core some tens of microseconds is finished sooner by two, unless they wait for each other longer
//! than that: where cores are far apart, or shared with other programs, two have been seen to take twice as long as one.
//! No threshold knows, so both are tried again and again. What is computed is the same.

use std::time::{Duration, Instant};

use crate::ops::alone;

use super::awake;

/// Runs of each kind in a trial.
const TRIED: usize = 8;

/// Runs from one trial to the next.
const PERIOD: usize = 1024;

/// Decides for the runs of one plan.
#[derive(Default)]
pub(super) struct Pace {
    /// Runs since the trial began.
    runs: usize,
    /// What the trial's runs took: with all threads, and alone.
    took: [[Duration; TRIED]; 2],
    alone: bool,
}

impl Pace {
    /// Runs `work`, of so many operations.
    pub fn run(&mut self, flops: f64, work: impl FnOnce() + Send) {
        let on_trial = self.runs < 2 * TRIED;
        let alone_now = match on_trial {
            true => self.runs >= TRIED,
            false => self.alone,
        };
        let start = on_trial.then(Instant::now);
        match alone_now {
            true => alone(work),
            false => awake::in_pool(flops, work),
        }
        if let Some(start) = start {
            self.took[usize::from(alone_now)][self.runs % TRIED] = start.elapsed();
        }
        self.count();
    }

    fn count(&mut self) {
        self.runs += 1;
        if self.runs == 2 * TRIED {
            let [all, one] = self.took.map(median);
            self.alone = one < all;
        }
        self.runs %= PERIOD;
    }
}

fn median(mut times: [Duration; TRIED]) -> Duration {
    times.sort();
    times[TRIED / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_tried_and_the_faster_one_chosen() {
        let mut pace = Pace::default();
        for _ in 0..2 {
            for i in 0..PERIOD {
                // Whatever the machine does: all threads take long.
                if i < TRIED {
                    pace.took[0][i] = Duration::from_secs(3600);
                } else {
                    pace.run(1.0, || ());
                    continue;
                }
                pace.count();
            }
            assert!(pace.alone);
            assert_eq!(pace.runs, 0);
        }
        assert!(pace.took[1].iter().all(|t| *t < Duration::from_secs(60)));
        assert!(pace.took[0].iter().all(|t| *t == Duration::from_secs(3600)));
    }
}
