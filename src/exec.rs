//! Executors: what runs plans.
//!
//! [`mod@reference`] interprets a graph in f64, node by node, and [`interpreter`] trains with it. [`cpu`]
//! and [`gpu`] run plans in f32, behind the same trait, [`Executor`]. [`checked`] compares one of these
//! with the reference, step by step.

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
    /// Where the variables lie.
    pub layout: Arc<Layout>,
    /// The plans. Only one runs at a time, so they share the memory for their own buffers.
    pub plans: Vec<Arc<Plan>>,
}

impl Program {
    /// The plans' own buffers.
    pub fn shared(&self) -> Shared {
        let plans: Vec<&[BufferPlan]> = self.plans.iter().map(|p| &p.buffers[..]).collect();
        Shared::new(&plans)
    }

    /// Bytes of all buffers: the variables' and the plans' own.
    pub fn bytes(&self) -> u64 {
        self.layout.bytes().saturating_add(self.shared().bytes())
    }
}

/// The values that one run handed back.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// The run's number, counted from 0 over all plans of the executor.
    pub run: u64,
    /// Which plan ran.
    pub plan: usize,
    /// The words of [`Plan::results`], in order, those of each one after the other.
    pub words: Vec<u32>,
}

/// What an executor has made so far; the numbers must stand still after the second step. What tuning tries is not
/// among it: that comes to an end, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Buffers created.
    pub buffers: u64,
    /// Bytes of all buffers that are alive.
    pub bytes: u64,
    /// Pipelines compiled.
    pub pipelines: u64,
    /// Bind groups created.
    pub bind_groups: u64,
    /// Runs submitted.
    pub runs: u64,
}

/// Runs the plans of one [`Program`]. Everything it needs is made when it is created.
///
/// `run` returns once the work is handed to the device; results come back later, in order, by
/// `results`. An executor belongs to one thread at a time.
pub trait Executor: Send {
    /// The device's name, as errors and reports give it.
    fn device_name(&self) -> String;

    /// Overwrites a variable (by index) with words in row-major order.
    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()>;

    /// Reads a variable (by index), after all runs so far. Waits for the device.
    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>>;

    /// Starts a run of plan `plan`. `inputs` are the words of [`Plan::inputs`], in order. It may be kept back for the
    /// next ones while the device is busy, until [`Executor::send`] or whatever waits.
    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()>;

    /// Sends all runs on their way: the host turns to other things.
    fn send(&mut self) -> Result<()> {
        Ok(())
    }

    /// The results that have arrived since the last call, in the order of the runs. With `wait`, all
    /// runs so far are waited for; without, nothing blocks.
    fn results(&mut self, wait: bool) -> Result<Vec<RunResult>>;

    /// Reads a larger output of the last run of plan `plan`. Waits for the device.
    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>>;

    /// Whether the next run can be handed over without waiting for an earlier one. Does not block.
    fn is_ready(&mut self) -> Result<bool>;

    /// What has been made so far.
    fn counters(&self) -> Counters;

    /// A run like any other, to the same bits, that is waited for and whose parts are timed. Its results come
    /// by `results`, as those of others.
    ///
    /// Where the device's timestamps make no sense, the timeline has no steps, its clock says why, and the
    /// next runs are timed by the wall clock. Fails where there are no steps to time: the reference, and a
    /// device that is checked.
    fn run_timed(&mut self, plan: usize, inputs: &[&[u32]], timing: Timing) -> Result<Timeline>;

    /// Which of a step's variants is in use. Those of a CPU are one.
    fn variant(&self, _plan: usize, _step: usize) -> usize {
        0
    }

    /// A moment in which waiting is allowed: the device may look for faster kernels now, for as long as it thinks
    /// worth it. What runs give stays the same, to the bit.
    fn idle(&mut self) -> Result<()> {
        Ok(())
    }

    /// Frees what only runs need. From then on variables can be read and written, and nothing else: a run is an
    /// error.
    fn retire(&mut self);
}

/// What an executor without steps of its own says to being timed.
pub(crate) fn not_timed(device: &str) -> Error {
    let expected = "a GPU or the CPU, unchecked";
    Error::argument("the device to profile", device, expected)
}

/// An executor that can run a plan piece by piece, with a look at its memory in between.
pub trait Stepwise: Executor {
    /// Reads the first `len` elements of a slot of plan `plan`, after all work so far: a word each, also of half-precision values.
    fn read_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        len: usize,
    ) -> Result<Vec<u32>>;

    /// Overwrites the start of a slot of plan `plan` with these elements, before all work to come.
    fn write_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        elements: &[u32],
    ) -> Result<()>;

    /// Runs some steps of a plan, with what lies in its slots now.
    fn run_steps(&mut self, plan: usize, steps: Range<usize>) -> Result<()>;

    /// Computes a step by another of its variants from now on.
    fn choose(&mut self, plan: usize, step: usize, variant: usize) -> Result<()>;

    /// How many variants of a step this device has.
    fn variants(&self, plan: usize, step: usize) -> usize;

    /// The kernels of a variant, by label; none where there are no kernels.
    fn kernels(&self, plan: usize, step: usize, variant: usize) -> Vec<&'static str>;
}
