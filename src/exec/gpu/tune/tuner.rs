//! The tuner: finds the fastest variant of each step on this adapter.
//!
//! All variants of a step give the same bits, and the first one is preferred by the cost model.
//! When a trainer has run for a while and its caller can wait, the tuner benchmarks the others. A
//! candidate computes the step from drawn inputs and must give the same bits as the variant in use.
//! It replaces that variant if it is faster by more than the noise of a measurement. Between runs
//! all activations are dead, so a step can then be computed any number of times, unless it writes
//! something else.
//!
//! This file decides what to benchmark and when; `benchmark.rs` measures it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::exec::Program;
use crate::plan::{BufferId, BufferRole, Plan, Slot, Step};

use crate::exec::gpu::compile::prepare::is_empty;
use crate::exec::gpu::tune::benchmark::Measured;
use crate::exec::gpu::tune::tuning_cache::{TuningCache, cache_key};

/// When an executor benchmarks kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// Never; earlier results are not used either.
    Off,
    /// While the caller waits for a training run, for a small share of the time.
    #[default]
    Idle,
    /// All at once after the first run.
    Eager,
}

/// The number of runs before tuning starts, because it does not pay for a plan with few runs.
const MIN_RUNS: u64 = 16;

/// The largest share of the time since the first run that tuning may take.
const MAX_TIME_SHARE: f64 = 0.03;

/// The number of runs of a plan before its concurrent steps are fused.
const MIN_RUNS_BEFORE_FUSION: u64 = 512;

/// The time since the first run before concurrent steps are fused. Compiling the fused kernels
/// takes a few tenths of a second, about what they save in this time if they halve a run.
const MIN_TIME_BEFORE_FUSION: Duration = Duration::from_secs(1);

/// A candidate must take less than this share of the time of the variant in use.
const MAX_RELATIVE_TIME: f64 = 0.95;

/// A variant to benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec::gpu) struct Candidate {
    pub plan: usize,
    pub step: usize,
    pub variant: usize,
}

/// A step whose fastest variant is not known.
struct Open {
    cache_key: u64,
    /// The plan of its first occurrence.
    plan: usize,
    step: usize,
    /// The variants to benchmark.
    left: VecDeque<usize>,
    best: usize,
}

/// Decides what to benchmark, and when.
pub(in crate::exec::gpu) struct Tuner {
    tuning: Tuning,
    runs: u64,
    /// The time of the first submission.
    since: Option<Instant>,
    spent: Duration,
    /// The steps to benchmark, the most expensive one first; `None` before the first benchmark.
    open: Option<VecDeque<Open>>,
    /// By cache key: all steps with that key.
    steps: HashMap<u64, Vec<(usize, usize)>>,
}

impl Tuner {
    pub fn new(tuning: Tuning) -> Self {
        Tuner {
            tuning,
            runs: 0,
            since: None,
            spent: Duration::ZERO,
            open: None,
            steps: HashMap::new(),
        }
    }

    /// Counts a submitted run.
    pub fn count(&mut self, now: Instant) {
        self.runs += 1;
        self.since.get_or_insert(now);
    }

    /// Returns whether the next benchmark may begin.
    pub fn is_due(&self, now: Instant) -> bool {
        let some = self.open.as_ref().is_none_or(|open| !open.is_empty());
        let since = self.since.map_or(Duration::ZERO, |since| now - since);
        some && match self.tuning {
            Tuning::Off => false,
            Tuning::Idle => {
                self.runs >= MIN_RUNS
                    && self.spent.as_secs_f64() < MAX_TIME_SHARE * since.as_secs_f64()
            }
            Tuning::Eager => self.runs > 0,
        }
    }

    /// Returns whether a plan with this number of runs justifies compiling further kernels, which
    /// save time in each run.
    pub fn is_settled(&self, runs: u64, now: Instant) -> bool {
        let since = self.since.map_or(Duration::ZERO, |since| now - since);
        match self.tuning {
            Tuning::Off => false,
            Tuning::Idle => runs >= MIN_RUNS_BEFORE_FUSION && since >= MIN_TIME_BEFORE_FUSION,
            Tuning::Eager => runs > 0,
        }
    }

    /// Returns whether to benchmark everything at once.
    pub fn is_eager(&self) -> bool {
        self.tuning == Tuning::Eager
    }

    /// Counts the time of a benchmark.
    pub fn spend(&mut self, time: Duration) {
        self.spent += time;
    }

    /// Returns the next candidate.
    pub fn next(&mut self, program: &Program, cache: &TuningCache) -> Option<Candidate> {
        if self.open.is_none() {
            self.look(program, cache);
        }
        let first = self.open.as_mut()?.front_mut()?;
        let variant = first.left.pop_front()?;
        Some(Candidate {
            plan: first.plan,
            step: first.step,
            variant,
        })
    }

    /// Records the result of the last candidate. Returns whether to use it from now on.
    pub fn note(&mut self, candidate: Candidate, outcome: Measured) -> bool {
        let faster = match outcome {
            Measured::Differs => false,
            Measured::Times { used, candidate } => {
                candidate.as_secs_f64() < MAX_RELATIVE_TIME * used.as_secs_f64()
            }
        };
        if let Some(first) = self.open.as_mut().and_then(VecDeque::front_mut)
            && faster
        {
            first.best = candidate.variant;
        }
        faster
    }

    /// Returns the cache key whose variants have all been measured, its fastest variant, and all
    /// steps with that key.
    pub fn finished(&mut self) -> Option<(u64, usize, Vec<(usize, usize)>)> {
        let open = self.open.as_mut()?;
        if open.front().is_some_and(|first| !first.left.is_empty()) {
            return None;
        }
        let done = open.pop_front()?;
        let steps = self.steps.remove(&done.cache_key).unwrap_or_default();
        Some((done.cache_key, done.best, steps))
    }

    /// Finds the steps that can be benchmarked and are not in the cache.
    fn look(&mut self, program: &Program, cache: &TuningCache) {
        let mut open: Vec<(f64, Open)> = Vec::new();
        for (at, plan) in program.plans.iter().enumerate() {
            for (i, step) in plan.steps.iter().enumerate() {
                if !can_be_benchmarked(plan, step) {
                    continue;
                }
                let cache_key = cache_key(step);
                if cache.get(cache_key).is_some() {
                    continue;
                }
                // A key that several steps share counts once for each of them.
                let cost = step.flops + step.bytes as f64;
                let steps = self.steps.entry(cache_key).or_default();
                steps.push((at, i));
                match open.iter_mut().find(|(_, o)| o.cache_key == cache_key) {
                    Some((sum, _)) => *sum += cost,
                    None => open.push((
                        cost,
                        Open {
                            cache_key,
                            plan: at,
                            step: i,
                            left: (1..step.variants.len()).collect(),
                            best: 0,
                        },
                    )),
                }
            }
        }
        open.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.open = Some(open.into_iter().map(|(_, open)| open).collect());
    }
}

/// Returns whether a step can be benchmarked: it has variants and can be computed between runs.
fn can_be_benchmarked(plan: &Plan, step: &Step) -> bool {
    step.variants.len() > 1
        && !is_empty(plan, step)
        && !step.writes.is_empty()
        && is_dead_between_runs(plan, step)
}

/// Returns whether a step can be computed between runs without side effects: all the slots that it
/// writes are dead then. Results are dead too, because they have been copied. The outputs of a plan
/// can be read until its next run, so steps that write them are excluded.
pub(in crate::exec::gpu) fn is_dead_between_runs(plan: &Plan, step: &Step) -> bool {
    let is_dead = |slot: &Slot| match slot.buffer {
        BufferId::Local(i) => plan
            .buffers
            .get(i)
            .is_some_and(|b| b.role != BufferRole::Inputs),
        BufferId::Arena(_) => false,
    };
    plan.outputs.is_empty() && step.writes.iter().all(|(_, slot)| is_dead(slot))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn open(cache_key: u64, variants: usize) -> Open {
        Open {
            cache_key,
            plan: 0,
            step: cache_key as usize,
            left: (1..variants).collect(),
            best: 0,
        }
    }

    fn program() -> Program {
        Program {
            layout: Default::default(),
            plans: Vec::new(),
        }
    }

    fn cache() -> TuningCache {
        TuningCache::default()
    }

    #[test]
    fn it_waits_for_some_runs_and_takes_a_small_share_of_the_time() {
        let mut tuner = Tuner::new(Tuning::Idle);
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert!(!tuner.is_due(at(100.0)));
        for _ in 0..MIN_RUNS {
            assert!(!tuner.is_due(at(100.0)));
            tuner.count(start);
        }
        assert!(tuner.is_due(at(1.0)));
        tuner.spend(Duration::from_millis(29));
        assert!(tuner.is_due(at(1.0)));
        tuner.spend(Duration::from_millis(2));
        assert!(!tuner.is_due(at(1.0)));
        assert!(tuner.is_due(at(1.1)));
        // Nothing is left to try.
        tuner.open = Some(VecDeque::new());
        assert!(!tuner.is_due(at(1000.0)));
        let mut never = Tuner::new(Tuning::Off);
        (0..100).for_each(|_| never.count(start));
        assert!(!never.is_due(at(1000.0)));
        let mut eager = Tuner::new(Tuning::Eager);
        assert!(!eager.is_due(start));
        eager.count(start);
        assert!(eager.is_due(start));
    }

    #[test]
    fn the_fastest_variant_with_the_same_bits_is_chosen() {
        let mut tuner = Tuner::new(Tuning::Eager);
        tuner.open = Some([open(5, 5), open(6, 2)].into());
        tuner.steps = [(5, vec![(0, 5), (1, 2)]), (6, vec![(0, 6)])].into();
        let times = |used, candidate| Measured::Times {
            used: Duration::from_micros(used),
            candidate: Duration::from_micros(candidate),
        };
        // A small difference is noise; a candidate with different bits is never used, however fast.
        let outcomes = [
            (times(100, 97), false),
            (Measured::Differs, false),
            (times(100, 90), true),
            (times(90, 89), false),
        ];
        for (variant, (outcome, better)) in (1..).zip(outcomes) {
            assert_eq!(tuner.finished(), None);
            let candidate = tuner.next(&program(), &cache()).unwrap();
            let (plan, step) = (0, 5);
            assert_eq!(
                candidate,
                Candidate {
                    plan,
                    step,
                    variant
                }
            );
            assert_eq!(tuner.note(candidate, outcome), better, "{variant}");
        }
        assert_eq!(tuner.finished(), Some((5, 3, vec![(0, 5), (1, 2)])));
        let candidate = tuner.next(&program(), &cache()).unwrap();
        assert_eq!((candidate.step, candidate.variant), (6, 1));
        tuner.note(candidate, times(10, 20));
        assert_eq!(tuner.finished(), Some((6, 0, vec![(0, 6)])));
        assert_eq!(tuner.finished(), None);
        assert_eq!(tuner.next(&program(), &cache()), None);
    }
}
