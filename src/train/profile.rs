//! Profiling of a training step: by step of the plan, op, layer, and line of the user's program.
//!
//! [`Trainer::profile`] runs real training steps on real batches, times each step of the plan, and
//! also measures the device's roofline.

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

/// The settings of [`Trainer::profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiling {
    runs: usize,
    batch_size: usize,
    timing: Timing,
}

impl Profiling {
    /// Creates settings for this number of training steps, of batches of 32.
    pub fn runs(runs: usize) -> Self {
        Profiling {
            runs,
            batch_size: 32,
            timing: Timing::Best,
        }
    }

    /// Sets the number of samples of a batch; if the data has fewer, a batch is all of it.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Profiling { batch_size, ..self }
    }

    /// Uses the host's clock even if the device has its own. On a GPU each step is then a separate
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
    /// The op with its own kernels that it computes; `None` for a chain of functions or a copy.
    pub op: Option<&'static str>,
    /// The op and the functions computed with it, joined by `+`.
    pub label: String,
    /// The GPU kernels in the order in which they are dispatched; empty on the CPU.
    pub kernels: Vec<&'static str>,
    /// The layer, as in `state_dict` names; empty outside of layers.
    pub scope: String,
    /// The kind of that layer, such as `Linear(64, 10)`; empty if the table of layers does not
    /// contain it.
    pub layer: String,
    /// The line of the user's program that created it.
    pub source: Source,
    /// The phase of the training step.
    pub phase: Phase,
    /// The median time.
    pub time: Duration,
    /// Floating-point operations, as counted by the definitions of the ops.
    pub flops: f64,
    /// The bytes of all tensors that it reads and writes. It is too high where a step reads few
    /// rows of a tensor: gathering a batch counts the whole data set.
    pub bytes: u64,
}

/// The profile of a training step.
///
/// Times are medians over the runs. `steps` and `outside` together, [`Profile::total`], are a
/// typical run whose steps are timed. A normal step is faster: see `plain`.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The device's name.
    pub device: String,
    /// The clock of the steps' times.
    pub clock: Clock,
    /// The peak rates of the device, measured just before.
    pub roofline: Roofline,
    /// The number of samples of a batch.
    pub batch: usize,
    /// The time of a normal training step, without timing, and with the next one submitted before
    /// it ends.
    pub plain: Duration,
    /// The steps, in the order of the plan.
    pub steps: Vec<StepProfile>,
    /// The times on the host besides the steps, in order.
    pub outside: Vec<(HostPhase, Duration)>,
    /// Each timed run, with its start relative to the first one's.
    pub runs: Vec<(Duration, Timeline)>,
}

impl StepProfile {
    /// Returns the phase of the training step as a word.
    pub fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
        }
    }
}

impl Profile {
    /// Returns the time of all steps and of the host besides them.
    pub fn total(&self) -> Duration {
        self.in_steps() + self.outside.iter().map(|(_, time)| *time).sum::<Duration>()
    }

    /// Returns the time of all steps.
    pub fn in_steps(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }
}
