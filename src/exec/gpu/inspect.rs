//! Runs plans step by step, for comparison, tuning and inspection.

use std::ops::Range;

use crate::exec::Stepwise;
use crate::plan::Slot;
use crate::{DType, Error, Result};

use crate::exec::gpu::compile::prepare::{PrepareContext, is_empty};
use crate::exec::gpu::executor::{GpuExecutor, get};
use crate::exec::gpu::submit;

impl GpuExecutor {
    /// Uses another variant for a step from now on. If it cannot be prepared, the step stays as it
    /// is.
    pub fn choose(&mut self, plan: usize, step: usize, variant: usize) -> Result<()> {
        let planned = get(&self.program.plans, plan, "plan")?;
        let of_step = get(&planned.steps, step, "step")?;
        let dispatches = get(&of_step.variants, variant, "variant")?;
        if is_empty(planned, of_step) {
            return Ok(());
        }
        let mut cx = PrepareContext {
            device: &self.device,
            buffers: &self.buffers,
            uniforms: &self.uniforms,
            counters: &mut self.counters,
        };
        let dispatches = cx.prepare(plan, &dispatches.iter().collect::<Vec<_>>())?;
        if let Some(prepared) = self.plans.get_mut(plan) {
            prepared.replace(step, dispatches, variant);
        }
        Ok(())
    }

    /// Runs some steps of a plan with the current contents of its buffers. It neither writes inputs
    /// nor returns results: see [`GpuExecutor::write_slot`] and [`GpuExecutor::read_slot`].
    pub fn run_steps(&mut self, plan: usize, steps: Range<usize>) -> Result<()> {
        self.submit_steps(plan, steps).map(drop)
    }

    pub(super) fn submit_steps(
        &mut self,
        plan: usize,
        steps: Range<usize>,
    ) -> Result<wgpu::SubmissionIndex> {
        self.device.check()?;
        self.submit_runs()?;
        let prepared = get(&self.plans, plan, "plan")?;
        if steps.end > prepared.steps.len() || steps.start > steps.end {
            let expected = format!("within 0..{}", prepared.steps.len());
            return Err(Error::argument("steps", format!("{steps:?}"), expected));
        }
        let _lock = self.device.submit_lock();
        self.device.guarded("running steps", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            submit::encode(&mut encoder, &prepared.steps, steps, None);
            self.device.wgpu().1.submit([encoder.finish()])
        })
    }

    /// Reads the first `words` words of a slot of plan `plan`, after all previous runs.
    pub fn read_slot(&mut self, plan: usize, slot: Slot, words: usize) -> Result<Vec<u32>> {
        self.device.check()?;
        self.submit_runs()?;
        self.transfer
            .read((&self.device, &self.buffers), (plan, slot), words)
    }

    /// Overwrites the start of a slot of plan `plan`, before all later runs.
    pub fn write_slot(&mut self, plan: usize, slot: Slot, words: &[u32]) -> Result<()> {
        self.device.check()?;
        self.submit_runs()?;
        let of = (&self.device, &self.buffers, &mut self.counters);
        self.transfer.write(of, (plan, slot), words)
    }
}

impl Stepwise for GpuExecutor {
    fn read_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        len: usize,
    ) -> Result<Vec<u32>> {
        self.device.check()?;
        self.submit_runs()?;
        self.transfer
            .read_elements((&self.device, &self.buffers), (plan, slot), dtype, len)
    }

    fn write_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        dtype: DType,
        elements: &[u32],
    ) -> Result<()> {
        self.device.check()?;
        self.submit_runs()?;
        let of = (&self.device, &self.buffers, &mut self.counters);
        self.transfer
            .write_elements(of, (plan, slot), dtype, elements)
    }

    fn run_steps(&mut self, plan: usize, steps: Range<usize>) -> Result<()> {
        GpuExecutor::run_steps(self, plan, steps)
    }

    fn choose(&mut self, plan: usize, step: usize, variant: usize) -> Result<()> {
        GpuExecutor::choose(self, plan, step, variant)
    }

    fn variants(&self, plan: usize, step: usize) -> usize {
        let plan = self.program.plans.get(plan);
        let step = plan.and_then(|p| p.steps.get(step));
        step.map_or(0, |s| s.variants.len())
    }

    fn kernels(&self, plan: usize, step: usize, variant: usize) -> Vec<&'static str> {
        let plan = self.program.plans.get(plan);
        let step = plan.and_then(|p| p.steps.get(step));
        let dispatches = step.and_then(|s| s.variants.get(variant));
        dispatches
            .into_iter()
            .flatten()
            .map(|d| d.kernel.label)
            .collect()
    }
}
