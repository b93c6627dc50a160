//! The executor: prepares a program and runs its plans.

use crate::exec::{Counters, Executor, Program, RunResult, Stepwise, Timeline, Timing};
use crate::kernel::Kernel;
use crate::plan::{Plan, Port, Step};
use crate::{Error, Result};

use crate::exec::gpu::compile::prepare::{PrepareContext, PreparedDispatch, prepare};
use crate::exec::gpu::compile::warmup::warm_up;
use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::Transfer;
use crate::exec::gpu::memory::buffers::{Buffers, Uniforms};
use crate::exec::gpu::memory::readback::{MAX_RUNS_PER_SUBMISSION, Readback};
use crate::exec::gpu::memory::upload::Ring;
use crate::exec::gpu::submit::budget::Budget;
use crate::exec::gpu::submit::{self, Copy};
use crate::exec::gpu::tune::horizontal::FusedSteps;
use crate::exec::gpu::tune::tuner::{Tuner, Tuning};
use crate::exec::gpu::tune::tuning_cache::cache_key;

/// The number of staging buffers for inputs. As many submissions can be in flight while one buffer
/// is filled.
const INPUT_STAGING_BUFFERS: usize = 4;

/// The bytes of a staging buffer for inputs, unless a single run has more.
const STAGING_BYTES: u64 = 256 << 10;

/// A plan with everything that a run uses.
pub(super) struct PreparedPlan {
    /// By step: the dispatches of the chosen variant; empty if the step has no elements.
    pub(super) steps: Vec<Vec<PreparedDispatch>>,
    /// The dispatches after horizontal fusion, if the plan was considered for it.
    pub(super) fused: Option<FusedSteps>,
    /// The number of runs of the plan.
    pub(super) runs: u64,
    /// By step: the index of the chosen variant.
    pub(super) variants: Vec<usize>,
    /// The buffer of the inputs and the number of bytes used, if there are inputs.
    pub(super) inputs: Option<(wgpu::Buffer, u64)>,
    pub(super) results: Vec<Copy>,
}

/// Runs the plans of a program on a GPU.
pub struct GpuExecutor {
    pub(super) device: GpuDevice,
    pub(super) program: Program,
    pub(super) buffers: Buffers,
    pub(super) uniforms: Uniforms,
    pub(super) plans: Vec<PreparedPlan>,
    pub(super) budgets: Vec<Budget>,
    pub(super) inputs: Ring,
    /// The bytes of a run in a staging buffer for inputs, and the number of runs that share a
    /// buffer.
    pub(super) staged: u64,
    pub(super) shared: usize,
    /// Runs that are not submitted yet.
    pub(super) recording: Option<wgpu::CommandEncoder>,
    pub(super) readback: Readback,
    pub(super) transfer: Transfer,
    pub(super) counters: Counters,
    /// The reason why the device's timestamps are not used, if they were found to be wrong.
    pub(super) distrusted: Option<String>,
    pub(super) tuner: Tuner,
}

impl GpuExecutor {
    /// Allocates all buffers, compiles all kernels and creates their bind groups.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Limit`] or [`Error::OutOfMemory`] if the program does not fit, and
    /// [`Error::Gpu`], with file and line, if a kernel does not compile.
    pub fn new(device: &GpuDevice, program: Program) -> Result<Self> {
        Self::with_tuning(device, program, Tuning::Off)
    }

    /// Creates an executor for training. It uses the kernels that were measured to be the fastest
    /// on this adapter, and benchmarks others as the device's [options](super::Options::tuning)
    /// allow. It gives the same bits.
    pub fn tuned(device: &GpuDevice, program: Program) -> Result<Self> {
        Self::with_tuning(device, program, device.tuning())
    }

    fn with_tuning(device: &GpuDevice, program: Program, tuning: Tuning) -> Result<Self> {
        // Frees the buffers of executors that were dropped while they were working.
        device.poll(None)?;
        let mut counters = Counters::default();
        let buffers = Buffers::new(device, &program, &mut counters)?;
        let uniforms = Uniforms::new(device, &program, &mut counters)?;
        let choose = |step: &Step| match tuning {
            Tuning::Off => 0,
            _ => known(device, step),
        };
        let mut cx = PrepareContext {
            device,
            buffers: &buffers,
            uniforms: &uniforms,
            counters: &mut counters,
        };
        let mut plans = Vec::with_capacity(program.plans.len());
        let mut places = Vec::with_capacity(program.plans.len());
        for (index, plan) in program.plans.iter().enumerate() {
            let steps = prepare(&mut cx, index, plan, choose)?;
            let inputs = inputs(&buffers, index, plan)?;
            let returns = submit::returns(&buffers, &uniforms, index, &plan.results)?;
            plans.push(PreparedPlan {
                steps,
                fused: None,
                runs: 0,
                variants: plan.steps.iter().map(choose).collect(),
                inputs,
                results: returns.copies,
            });
            places.push(returns.places);
        }
        if counters.pipelines > 0 {
            let steps = program.plans.iter().flat_map(|p| &p.steps);
            let chosen = steps.filter_map(|step| step.variants.get(choose(step)));
            let kernels: Vec<&Kernel> = chosen.flatten().map(|d| &d.kernel).collect();
            warm_up(device, &kernels);
        }
        let staged = plans
            .iter()
            .filter_map(|p| p.inputs.as_ref())
            .map(|(_, bytes)| *bytes);
        // Copies have offsets of multiples of 4 bytes, and mappings of multiples of 8.
        let staged = staged.max().unwrap_or(0).next_multiple_of(8);
        let shared = (STAGING_BYTES / staged.max(1)).clamp(1, MAX_RUNS_PER_SUBMISSION as u64);
        let largest = program
            .layout
            .placements
            .iter()
            .map(|p| p.slot.bytes)
            .max()
            .unwrap_or(0);
        let outputs = program
            .plans
            .iter()
            .flat_map(|p| &p.outputs)
            .map(|p| p.slot.bytes);
        let fetched = outputs.chain([largest]).max().unwrap_or(0);
        let budget = |p: &Plan| Budget::new(p.steps.iter().map(|s| (s.flops, s.bytes)));
        let c = &mut counters;
        Ok(GpuExecutor {
            inputs: Ring::new(
                device,
                c,
                "staging of inputs",
                staged * shared,
                INPUT_STAGING_BUFFERS,
            )?,
            recording: None,
            staged,
            shared: shared as usize,
            readback: Readback::new(device, c, places)?,
            transfer: Transfer::new(device, c, largest, fetched)?,
            budgets: program.plans.iter().map(|p| budget(p)).collect(),
            device: device.clone(),
            program,
            buffers,
            uniforms,
            plans,
            counters,
            distrusted: None,
            tuner: Tuner::new(tuning),
        })
    }

    /// Returns the device on which it runs.
    pub fn device(&self) -> &GpuDevice {
        &self.device
    }
}

impl PreparedPlan {
    /// Uses these dispatches for a step from now on.
    pub(super) fn replace(
        &mut self,
        step: usize,
        dispatches: Vec<PreparedDispatch>,
        variant: usize,
    ) {
        if let (Some(place), Some(chosen)) = (self.steps.get_mut(step), self.variants.get_mut(step))
        {
            if *chosen != variant {
                // A fused kernel would still run the old variant.
                self.fused = None;
            }
            (*place, *chosen) = (dispatches, variant);
        }
    }
}

impl Executor for GpuExecutor {
    fn device_name(&self) -> String {
        self.device.name().to_string()
    }

    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()> {
        let place = get(&self.program.layout.placements, index, "variable")?;
        let len = place.variable.meta.shape.len();
        if words.len() != len {
            let what = format!("the number of elements of {}", place.variable.name);
            return Err(Error::argument(what, words.len(), len.to_string()));
        }
        // Variables are in arenas, which all plans share.
        self.write_slot(0, place.slot, words)
    }

    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>> {
        let place = get(&self.program.layout.placements, index, "variable")?;
        let len = place.variable.meta.shape.len();
        self.read_slot(0, place.slot, len)
    }

    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        check_inputs(&planned, inputs)?;
        self.record(plan, &planned, inputs)
    }

    fn is_ready(&mut self) -> Result<bool> {
        self.device.poll(None)?;
        Ok(self.inputs.is_free() && self.readback.has_room())
    }

    fn send(&mut self) -> Result<()> {
        self.submit_runs()
    }

    fn results(&mut self, wait: bool) -> Result<Vec<RunResult>> {
        self.device.poll(None)?;
        self.collect(wait)?;
        Ok(self.readback.take())
    }

    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>> {
        self.read_elements(plan, port.slot, port.meta.dtype, port.meta.shape.len())
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn run_timed(&mut self, plan: usize, inputs: &[&[u32]], timing: Timing) -> Result<Timeline> {
        self.timed(plan, inputs, timing)
    }

    fn variant(&self, plan: usize, step: usize) -> usize {
        let variants = self.plans.get(plan).map(|p| &p.variants);
        variants.and_then(|v| v.get(step)).copied().unwrap_or(0)
    }

    fn idle(&mut self) -> Result<()> {
        self.fuse_concurrent_steps();
        self.tune()
    }

    fn retire(&mut self) {
        self.plans.clear();
        self.buffers.keep_variables();
    }
}

/// Returns the fastest known variant of a step, or else the first one.
fn known(device: &GpuDevice, step: &Step) -> usize {
    let cache = device.tuning_cache();
    if step.variants.len() < 2 || cache.is_empty() {
        return 0;
    }
    let variant = cache.get(cache_key(step));
    variant.filter(|v| *v < step.variants.len()).unwrap_or(0)
}

pub(super) fn get<'a, T>(all: &'a [T], index: usize, what: &str) -> Result<&'a T> {
    let expected = || format!("below {}", all.len());
    all.get(index)
        .ok_or_else(|| Error::argument(what, index, expected()))
}

/// Returns the buffer of a plan's inputs and the number of bytes used.
fn inputs(buffers: &Buffers, index: usize, plan: &Plan) -> Result<Option<(wgpu::Buffer, u64)>> {
    let Some(first) = plan.inputs.first() else {
        return Ok(None);
    };
    if plan
        .inputs
        .iter()
        .any(|p| p.slot.buffer != first.slot.buffer)
    {
        return Err(Error::internal(
            "the plan",
            "inputs are in more than one buffer",
        ));
    }
    let mut end = 0;
    for port in &plan.inputs {
        buffers.find(index, port.slot)?;
        end = end.max(port.slot.offset + port.slot.bytes);
    }
    Ok(Some((buffers.find(index, first.slot)?.clone(), end)))
}

pub(super) fn check_inputs(plan: &Plan, inputs: &[&[u32]]) -> Result<()> {
    if inputs.len() != plan.inputs.len() {
        let expected = plan.inputs.len().to_string();
        return Err(Error::argument(
            "the number of inputs",
            inputs.len(),
            expected,
        ));
    }
    for (port, words) in plan.inputs.iter().zip(inputs) {
        let len = port.meta.shape.len();
        if words.len() != len {
            let what = format!("the number of elements of {}", port.name);
            return Err(Error::argument(what, words.len(), len.to_string()));
        }
    }
    Ok(())
}
