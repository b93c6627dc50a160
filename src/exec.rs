//! Executors, which run plans.
//!
//! [`mod@reference`] interprets a graph in f64, node by node, and [`interpreter`] trains with it.
//! [`cpu`] and [`gpu`] run plans in f32, with the same trait, [`Executor`]. [`checked`] compares
//! one of these with the reference, step by step.

pub mod checked;
pub mod cpu;
pub mod expected;
pub mod gpu;
pub mod inspect;
pub mod interpreter;
pub mod reference;
mod roofline;
pub(crate) mod timeline;
pub(crate) mod workers;

use std::ops::Range;
use std::sync::Arc;

use crate::plan::{BufferPlan, Layout, Plan, Port, Shared, Slot};
use crate::{DType, Error, Result};

pub(crate) use roofline::measure as measure_roofline;
pub use roofline::{Roofline, kernels as roofline_kernels};
pub use timeline::{Clock, HostPhase, Span, Timeline, Timing};

/// Plans that share their variables: a training step, one for the ragged last batch, evaluation.
#[derive(Clone, Debug)]
pub struct Program {
    /// The slots of the variables.
    pub layout: Arc<Layout>,
    /// The plans. Only one runs at a time, so they share the memory of their own buffers.
    pub plans: Vec<Arc<Plan>>,
}

impl Program {
    /// Returns the plans' own buffers.
    pub fn shared(&self) -> Shared {
        let plans: Vec<&[BufferPlan]> = self.plans.iter().map(|p| &p.buffers[..]).collect();
        Shared::new(&plans)
    }

    /// Returns the bytes of all buffers: those of the variables and the plans' own.
    pub fn bytes(&self) -> u64 {
        self.layout.bytes().saturating_add(self.shared().bytes())
    }
}

/// The results of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The number of the run, counted from 0 over all plans of the executor.
    pub run: u64,
    /// The index of the plan.
    pub plan: usize,
    /// The words of [`Plan::results`], concatenated in order.
    pub words: Vec<u32>,
}

/// The resources that an executor has created. The numbers must not change after the second step.
/// They exclude benchmarks of the tuner, which end too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of buffers created.
    pub buffers: u64,
    /// The bytes of all existing buffers.
    pub bytes: u64,
    /// The number of pipelines compiled.
    pub pipelines: u64,
    /// The number of bind groups created.
    pub bind_groups: u64,
    /// The number of runs submitted.
    pub runs: u64,
}

/// Runs the plans of a [`Program`]. It allocates and compiles everything when it is created.
///
/// `run` returns as soon as the work is passed to the device. `results` returns the results later,
/// in order. An executor is used by one thread at a time.
pub trait Executor: Send {
    /// Returns the device's name, as in errors and reports.
    fn device_name(&self) -> String;

    /// Overwrites a variable (by index) with words in row-major order.
    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()>;

    /// Reads a variable (by index) after all previous runs. Waits for the device.
    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>>;

    /// Starts a run of plan `plan`. `inputs` are the words of [`Plan::inputs`], in order. While the
    /// device is busy, the run may be held back and submitted with the next ones, at the latest by
    /// [`Executor::send`] or a call that waits.
    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()>;

    /// Submits all runs that are held back. Call it before the host does other work.
    fn send(&mut self) -> Result<()> {
        Ok(())
    }

    /// Returns the results that have arrived since the last call, in the order of the runs. With
    /// `wait`, it waits for all previous runs; otherwise it does not block.
    fn results(&mut self, wait: bool) -> Result<Vec<RunResult>>;

    /// Reads a larger output of the last run of plan `plan`. Waits for the device.
    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>>;

    /// Returns whether the next run can start without waiting for an earlier one. Does not block.
    fn is_ready(&mut self) -> Result<bool>;

    /// Returns the resources created so far.
    fn counters(&self) -> Counters;

    /// Runs a plan with the same bits as `run`, waits for it and times its parts. `results` returns
    /// its results as usual.
    ///
    /// If the device's timestamps are not plausible, the timeline has no steps, its clock has the
    /// reason, and the next runs are timed by the wall clock.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no steps to time: for the reference, and for a checked device.
    fn run_timed(&mut self, plan: usize, inputs: &[&[u32]], timing: Timing) -> Result<Timeline>;

    /// Returns the variant of a step that is in use. On a CPU there is only one.
    fn variant(&self, _plan: usize, _step: usize) -> usize {
        0
    }

    /// Called when the caller can wait. The device may benchmark kernels now, for as long as it
    /// decides. The results of runs stay the same, to the bit.
    fn idle(&mut self) -> Result<()> {
        Ok(())
    }

    /// Frees everything that only runs use. Afterwards variables can be read and written, but a run
    /// is an error.
    fn retire(&mut self);
}

/// Returns the error of timing an executor without steps.
pub(crate) fn not_timed(device: &str) -> Error {
    let expected = "a GPU or the CPU, unchecked";
    Error::argument("the device to profile", device, expected)
}

/// An executor that can run a plan step by step and access its memory in between.
pub trait Stepwise: Executor {
    /// Reads the first `len` elements of a slot of plan `plan` after all previous work, as one word
    /// each, also for half precision.
    fn read_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        len: usize,
    ) -> Result<Vec<u32>>;

    /// Overwrites the first elements of a slot of plan `plan`, before all later work.
    fn write_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        elements: &[u32],
    ) -> Result<()>;

    /// Runs some steps of a plan with the current contents of its slots.
    fn run_steps(&mut self, plan: usize, steps: Range<usize>) -> Result<()>;

    /// Uses another variant for a step from now on.
    fn choose(&mut self, plan: usize, step: usize, variant: usize) -> Result<()>;

    /// Returns the number of variants of a step on this device.
    fn variants(&self, plan: usize, step: usize) -> usize;

    /// Returns the labels of a variant's kernels; empty if the device has no kernels.
    fn kernels(&self, plan: usize, step: usize, variant: usize) -> Vec<&'static str>;
}
