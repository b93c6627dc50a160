//! Where the time of a training step goes: by step of the plan, by op, by layer, by line of the user's program.
//!
//! [`Trainer::profile`] runs real training steps on real batches, with each step of the plan timed, and measures
//! the device's roofline beside them.

mod measure;
mod rows;
mod table;
mod trace;

use std::time::Duration;

use crate::Source;
use crate::exec::{Clock, HostPhase, Roofline, Timeline, Timing};
use crate::graph::Phase;

pub use rows::Row;

#[cfg(doc)]
use super::trainer::Trainer;

/// What is profiled, for [`Trainer::profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiling {
    runs: usize,
    batch_size: usize,
    timing: Timing,
}

impl Profiling {
    /// So many training steps, of batches of 32.
    pub fn runs(runs: usize) -> Self {
        Profiling {
            runs,
            batch_size: 32,
            timing: Timing::Best,
        }
    }

    /// Samples of a batch; all of the data where that has fewer.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Profiling { batch_size, ..self }
    }

    /// Times by the computer's clock also where the device has one of its own: on a GPU each step is then a
    /// submission that is waited for.
    pub fn wall_clock(self) -> Self {
        Profiling {
            timing: Timing::WallClock,
            ..self
        }
    }
}

/// A step of the plan of a training step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepProfile {
    /// The op with kernels of its own that it computes; none for a chain of functions or a copy.
    pub op: Option<&'static str>,
    /// The op and the functions that are computed with it, joined by `+`.
    pub label: String,
    /// The kernels of a GPU, in the order they are dispatched; none on the CPU.
    pub kernels: Vec<&'static str>,
    /// The layer, as in `state_dict` names; empty outside any.
    pub scope: String,
    /// What that layer is, such as `Linear(64, 10)`; empty where the table of layers has none of that name.
    pub layer: String,
    /// The line of the user's program that asked for it.
    pub source: Source,
    /// Which part of the training step it belongs to.
    pub phase: Phase,
    /// The median of its times.
    pub time: Duration,
    /// Floating-point operations, as the ops' definitions count them.
    pub flops: f64,
    /// Bytes of all tensors that it reads and writes. Too many where it reads few rows of one: a batch that is
    /// gathered from the whole data set counts all of that.
    pub bytes: u64,
}

/// Where the time of a training step goes.
///
/// Times are medians over the runs, so `steps` and `outside` together, [`Profile::total`], are a typical run
/// whose steps are timed. An ordinary step is quicker: see `plain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The device's name.
    pub device: String,
    /// What the steps were timed by.
    pub clock: Clock,
    /// What the device does at most, measured right before.
    pub roofline: Roofline,
    /// Samples of a batch.
    pub batch: usize,
    /// What an ordinary training step takes, untimed, with the next one handed over before it has ended.
    pub plain: Duration,
    /// The steps, in the order of the plan.
    pub steps: Vec<StepProfile>,
    /// What the computer takes besides, in the order in which it comes.
    pub outside: Vec<(HostPhase, Duration)>,
    /// Each timed run, with when it began, counted from the first one's start.
    pub runs: Vec<(Duration, Timeline)>,
}

impl StepProfile {
    /// Which part of the training step it belongs to, in a word.
    pub fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
        }
    }
}

impl Profile {
    /// All steps and what is outside of them.
    pub fn total(&self) -> Duration {
        self.in_steps() + self.outside.iter().map(|(_, time)| *time).sum::<Duration>()
    }

    /// All steps.
    pub fn in_steps(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }
}
