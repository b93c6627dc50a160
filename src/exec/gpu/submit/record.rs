//! Records runs, several per submission.
//!
//! A submission costs tens of microseconds on the host and on the device, about as long as a step
//! of a small network. So runs are recorded one after the other while the device is busy. They are
//! submitted when the device becomes idle or when there is enough work for a while. An idle device
//! gets each run at once.

use std::time::Instant;

use crate::Result;
use crate::plan::Plan;

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::executor::{GpuExecutor, get};
use crate::exec::gpu::memory::readback::MAX_RUNS_PER_SUBMISSION;
use crate::exec::gpu::submit;

impl GpuExecutor {
    /// Records a run, and submits it unless it is better to wait for others.
    pub(in crate::exec::gpu) fn record(
        &mut self,
        plan: usize,
        planned: &Plan,
        inputs: &[&[u32]],
    ) -> Result<()> {
        // Runs callbacks and frees the memory of finished work.
        self.device.poll(None)?;
        self.collect(false)?;
        let (mut most, cuts) = match self.budgets.get(plan) {
            Some(budget) => (budget.runs(MAX_RUNS_PER_SUBMISSION), budget.cuts()),
            None => (1, vec![planned.steps.len()]),
        };
        let takes_inputs = get(&self.plans, plan, "plan")?.inputs.is_some();
        if takes_inputs && self.readback.recorded_runs() >= self.shared {
            // The staging buffer is full, though some runs have not used their places.
            self.submit_runs()?;
        }
        let before = self.readback.room(&self.device, &mut self.budgets)?;
        if let Some((target, bytes)) = get(&self.plans, plan, "plan")?.inputs.clone() {
            most = most.min(self.shared);
            let start = before as u64 * self.staged;
            let parts = planned.inputs.iter().zip(inputs);
            let parts = parts.map(|(port, words)| (port.slot.offset, *words));
            self.inputs.fill(&self.device, start, parts)?;
            let _lock = self.device.submit_lock();
            let encoder = encoder(&mut self.recording, &self.device);
            encoder.copy_buffer_to_buffer(self.inputs.buffer()?, start, &target, 0, bytes);
        }
        let mut start = 0;
        for end in cuts {
            if start > 0 {
                self.submit_recording()?;
            }
            let _lock = self.device.submit_lock();
            let prepared = get(&self.plans, plan, "plan")?;
            let steps = prepared.fused.as_ref().unwrap_or(&prepared.steps);
            let encoder = encoder(&mut self.recording, &self.device);
            submit::encode(encoder, steps, start..end, None);
            start = end;
        }
        let prepared = get(&self.plans, plan, "plan")?;
        let (back, at) = self.readback.place()?;
        let lock = self.device.submit_lock();
        let encoder = encoder(&mut self.recording, &self.device);
        for copy in &prepared.results {
            copy.encode(encoder, back, at);
        }
        drop(lock);
        let recorded = self.readback.recorded((self.counters.runs, plan));
        self.counters.runs += 1;
        self.tuner.count(Instant::now());
        if let Some(prepared) = self.plans.get_mut(plan) {
            prepared.runs += 1;
        }
        match recorded >= most || self.readback.is_idle() {
            true => self.submit_runs(),
            false => Ok(()),
        }
    }

    /// Submits the recorded runs.
    pub(in crate::exec::gpu) fn submit_runs(&mut self) -> Result<()> {
        if self.recording.is_none() {
            return Ok(());
        }
        let after = self.submit_recording();
        let index = after.as_ref().ok().cloned();
        self.inputs.submitted(&self.device, index.clone())?;
        self.readback.submitted(&self.device, index)?;
        after.map(drop)
    }

    /// Submits the recorded commands, which may be a part of a run.
    fn submit_recording(&mut self) -> Result<wgpu::SubmissionIndex> {
        let encoder = self.recording.take();
        self.inputs.seal(&self.device)?;
        let _lock = self.device.submit_lock();
        self.device.guarded("a run", 0, |_| {
            let commands = encoder.map(wgpu::CommandEncoder::finish);
            self.device.wgpu().1.submit(commands)
        })
    }

    /// Collects the results that have arrived; with `wait`, those of all previous runs.
    pub(in crate::exec::gpu) fn collect(&mut self, wait: bool) -> Result<()> {
        if wait {
            self.submit_runs()?;
        }
        self.readback
            .collect(&self.device, &mut self.budgets, wait)?;
        match self.readback.is_idle() {
            true => self.submit_runs(),
            false => Ok(()),
        }
    }
}

/// Returns the encoder into which runs are recorded.
fn encoder<'a>(
    recording: &'a mut Option<wgpu::CommandEncoder>,
    device: &GpuDevice,
) -> &'a mut wgpu::CommandEncoder {
    recording.get_or_insert_with(|| device.wgpu().0.create_command_encoder(&Default::default()))
}
