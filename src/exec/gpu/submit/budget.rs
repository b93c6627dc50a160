//! Estimates the time of runs, so that no submission comes near the timeout of a driver's watchdog.

use std::time::Duration;

/// The longest time of a submission in seconds. Windows ends one at about 2 s, and a display on the
/// same GPU does not update meanwhile.
const MAX_SUBMISSION_SECONDS: f64 = 0.1;

/// The longest total time in seconds of runs that share a submission. Other work on the same GPU
/// runs between submissions.
const SHARED: f64 = 0.01;

/// The number of measurements to keep.
const WINDOW: usize = 8;

/// The time of a run of a plan.
pub(in crate::exec::gpu) struct Budget {
    /// The cumulative cost of the steps, in assumed seconds.
    cumulated: Vec<f64>,
    recent: [f64; WINDOW],
    seen: usize,
}

impl Budget {
    /// Creates a budget from the floating-point operations and bytes of each step.
    pub(in crate::exec::gpu) fn new(steps: impl Iterator<Item = (f64, u64)>) -> Self {
        let mut total = 0.0;
        let cumulated = steps.map(|(flops, bytes)| {
            // Assumes a slow laptop GPU, so that a first run is split too much rather than too
            // little.
            total += flops / 50e9 + bytes as f64 / 5e9 + 5e-6;
            total
        });
        Budget {
            cumulated: cumulated.collect(),
            recent: [f64::INFINITY; WINDOW],
            seen: 0,
        }
    }

    /// Records a measured time of a run.
    pub(in crate::exec::gpu) fn observe(&mut self, time: Duration) {
        let at = self.seen % WINDOW;
        if let Some(place) = self.recent.get_mut(at) {
            *place = time.as_secs_f64();
        }
        self.seen += 1;
    }

    /// Returns the seconds of a run: the minimum of the last measurements, because each includes a
    /// delay before it was observed.
    pub(in crate::exec::gpu) fn seconds(&self) -> f64 {
        if self.seen == 0 {
            return self.cumulated.last().copied().unwrap_or(0.0);
        }
        self.recent.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Returns the number of consecutive runs that may share a submission.
    pub(in crate::exec::gpu) fn runs(&self, most: usize) -> usize {
        let runs = SHARED / self.seconds().max(1e-9);
        (runs as usize).clamp(1, most)
    }

    /// Returns the ends of the parts into which a run is split, so that each takes at most a
    /// submission's time.
    pub(in crate::exec::gpu) fn cuts(&self) -> Vec<usize> {
        let steps = self.cumulated.len();
        let parts = (self.seconds() / MAX_SUBMISSION_SECONDS).ceil().max(1.0);
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        if parts <= 1.0 || steps < 2 {
            return vec![steps];
        }
        let mut cuts = Vec::new();
        let share = total / parts;
        let mut end = share;
        for (i, &cost) in self.cumulated.iter().enumerate() {
            if cost >= end && i + 1 < steps {
                cuts.push(i + 1);
                end = cost + share;
            }
        }
        cuts.push(steps);
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_cut_in_proportion() {
        let mut budget = Budget::new([(1e9, 0), (1e9, 0), (2e9, 0), (4e9, 0)].into_iter());
        budget.observe(Duration::from_millis(390));
        assert_eq!(budget.cuts(), [2, 3, 4]);
        assert_eq!(budget.runs(16), 1);
    }

    #[test]
    fn a_short_run_is_whole() {
        let mut budget = Budget::new([(1e3, 64); 5].into_iter());
        assert_eq!(budget.cuts(), [5]);
        budget.observe(Duration::from_millis(1));
        assert_eq!(budget.runs(16), 10);
        assert_eq!(Budget::new(std::iter::empty()).cuts(), [0]);
    }

    #[test]
    fn a_first_run_is_cut_by_its_cost_alone() {
        let budget = Budget::new([(50e9, 0); 3].into_iter());
        assert_eq!(budget.cuts(), [1, 2, 3]);
    }
}
