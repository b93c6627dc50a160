//! Prepares plans: checks and compiles each dispatch and creates its bind group once, so that a run
//! only encodes.

use std::sync::Arc;

use crate::exec::Counters;
use crate::kernel::{Binding, Kernel};
use crate::plan::{Dispatch, Plan, Slot, Step};
use crate::{Error, Result};

use crate::exec::gpu::compile::pipelines::Pipeline;
use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::buffers::{Buffers, Uniforms};

/// A dispatch with its pipeline and bind group. Command buffers cannot be reused, so each run
/// encodes it again.
#[derive(Clone)]
pub(in crate::exec::gpu) struct PreparedDispatch {
    pub(in crate::exec::gpu) pipeline: Arc<Pipeline>,
    pub(in crate::exec::gpu) group: wgpu::BindGroup,
    pub(in crate::exec::gpu) grid: [u32; 3],
}

/// The context for preparing dispatches.
pub(in crate::exec::gpu) struct PrepareContext<'a> {
    pub(in crate::exec::gpu) device: &'a GpuDevice,
    pub(in crate::exec::gpu) buffers: &'a Buffers,
    pub(in crate::exec::gpu) uniforms: &'a Uniforms,
    pub(in crate::exec::gpu) counters: &'a mut Counters,
}

impl PrepareContext<'_> {
    /// Prepares dispatches of plan `plan`, in order.
    pub(in crate::exec::gpu) fn prepare(
        &mut self,
        plan: usize,
        dispatches: &[&Dispatch],
    ) -> Result<Vec<PreparedDispatch>> {
        for dispatch in dispatches {
            self.check(dispatch)?;
        }
        let kernels: Vec<&Kernel> = dispatches.iter().map(|d| &d.kernel).collect();
        let (pipelines, compiled) = self.device.pipelines().get(self.device, &kernels)?;
        self.counters.pipelines += compiled;
        let prepared = dispatches
            .iter()
            .zip(pipelines)
            .map(|(dispatch, pipeline)| {
                let group = self.bind(plan, dispatch, &pipeline)?;
                Ok(PreparedDispatch {
                    pipeline,
                    group,
                    grid: dispatch.kernel.workgroups,
                })
            });
        prepared.collect()
    }

    /// Checks a dispatch against the device's limits, for errors with numbers.
    fn check(&self, dispatch: &Dispatch) -> Result<()> {
        let limits = &self.device.info().limits;
        let Dispatch { kernel, slots } = dispatch;
        let fits = |what: &str, needed: u64, available: u64| {
            if needed <= available {
                return Ok(());
            }
            Err(Error::Limit {
                what: format!("{what} of kernel {}", kernel.label),
                needed,
                available,
                device: self.device.name().to_string(),
                hint: String::new(),
            })
        };
        let largest = slots.iter().map(|s| s.bytes).max().unwrap_or(0);
        fits("the largest binding", largest, limits.binding_bytes)?;
        let count = slots.len() as u64;
        fits(
            "the number of storage buffers",
            count,
            limits.storage_buffers.into(),
        )?;
        let side = kernel.workgroups.into_iter().max().unwrap_or(0);
        fits(
            "the longest side of the grid",
            side.into(),
            limits.workgroups.into(),
        )?;

        let wrong = |detail: String| {
            Err(Error::internal(
                "the plan",
                format!("kernel {}: {detail}", kernel.label),
            ))
        };
        let storage = kernel
            .bindings
            .iter()
            .filter(|b| !matches!(b, Binding::Uniform(_)));
        let written: Vec<bool> = storage.map(|b| matches!(b, Binding::Write(_))).collect();
        if written.len() != slots.len() {
            return wrong(format!(
                "expected {count} bound buffers, found {}",
                written.len()
            ));
        }
        for (slot, &w) in slots.iter().zip(&written) {
            let clash = slots
                .iter()
                .zip(&written)
                .find(|(s, v)| s.buffer == slot.buffer && **v != w);
            if let Some((other, _)) = clash {
                return wrong(format!(
                    "reads and writes the same buffer, {slot:?} and {other:?}"
                ));
            }
        }
        Ok(())
    }

    fn bind(
        &mut self,
        plan: usize,
        dispatch: &Dispatch,
        pipeline: &Pipeline,
    ) -> Result<wgpu::BindGroup> {
        let kernel = &dispatch.kernel;
        let mut slots = dispatch.slots.iter();
        let mut entries = Vec::with_capacity(kernel.bindings.len());
        for (binding, what) in (0..).zip(&kernel.bindings) {
            let resource = match what {
                Binding::Uniform(words) => self.uniforms.bind(words)?,
                Binding::Read(_) | Binding::Write(_) => {
                    let none = || Error::internal("the plan", "a binding without a slot");
                    let slot = slots.next().ok_or_else(none)?;
                    wgpu::BufferBinding {
                        buffer: self.buffers.find(plan, *slot)?,
                        offset: slot.offset,
                        size: std::num::NonZeroU64::new(slot.bytes),
                    }
                }
            };
            let resource = wgpu::BindingResource::Buffer(resource);
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
        let descriptor = wgpu::BindGroupDescriptor {
            label: Some(kernel.label),
            layout: &pipeline.layout,
            entries: &entries,
        };
        let what = format!("the bindings of kernel {}", kernel.label);
        let group = self
            .device
            .guarded(&what, 0, |d| d.create_bind_group(&descriptor))?;
        self.counters.bind_groups += 1;
        Ok(group)
    }
}

/// Returns whether a step computes nothing, because its results have no elements.
pub(in crate::exec::gpu) fn is_empty(plan: &Plan, step: &Step) -> bool {
    let empty = |(node, _): &(crate::graph::NodeId, Slot)| {
        plan.graph
            .nodes()
            .get(node.index())
            .is_some_and(|n| n.meta.shape.is_empty())
    };
    !step.writes.is_empty() && step.writes.iter().all(empty)
}

/// Prepares all steps of a plan, each with the variant that `choose` returns. The kernels are
/// compiled together.
pub(in crate::exec::gpu) fn prepare(
    cx: &mut PrepareContext,
    index: usize,
    plan: &Plan,
    choose: impl Fn(&Step) -> usize,
) -> Result<Vec<Vec<PreparedDispatch>>> {
    let mut dispatches = Vec::new();
    let mut counts = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let chosen = match step.variants.get(choose(step)) {
            _ if is_empty(plan, step) => &[][..],
            Some(chosen) => chosen,
            None => {
                let detail = format!("{} has no kernel", step.label);
                return Err(Error::internal("the plan", detail));
            }
        };
        dispatches.extend(chosen);
        counts.push(chosen.len());
    }
    let mut prepared = cx.prepare(index, &dispatches)?.into_iter();
    Ok(counts
        .into_iter()
        .map(|count| prepared.by_ref().take(count).collect())
        .collect())
}
