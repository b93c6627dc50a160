//! Plans made ready to be encoded, and their encoding.

use std::ops::Range;
use std::sync::Arc;

use crate::exec::Counters;
use crate::kernel::{Binding, Kernel};
use crate::plan::{Dispatch, Plan, Port, Slot, Step};
use crate::{Error, Result};

use super::buffers::{Buffers, Uniforms};
use super::device::GpuDevice;
use super::pipelines::Pipeline;

/// A dispatch with everything it needs. Command buffers cannot be used twice, so this is what is
/// kept, and encoded anew for each run.
pub(super) struct Prepared {
    pipeline: Arc<Pipeline>,
    group: wgpu::BindGroup,
    grid: [u32; 3],
}

/// Where things are made ready.
pub(super) struct Workshop<'a> {
    pub(super) device: &'a GpuDevice,
    pub(super) buffers: &'a Buffers,
    pub(super) uniforms: &'a Uniforms,
    pub(super) counters: &'a mut Counters,
}

impl Workshop<'_> {
    /// Makes dispatches of plan `plan` ready, in order.
    pub(super) fn prepare(
        &mut self,
        plan: usize,
        dispatches: &[&Dispatch],
    ) -> Result<Vec<Prepared>> {
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
                Ok(Prepared {
                    pipeline,
                    group,
                    grid: dispatch.kernel.workgroups,
                })
            });
        prepared.collect()
    }

    /// What would fail on the device, said with numbers before it gets there.
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
                "{} buffers are bound, {count} planned",
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
                    "reads and writes one buffer, {slot:?} and {other:?}"
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

/// Whether a step computes nothing: all it writes has no element.
pub(super) fn is_empty(plan: &Plan, step: &Step) -> bool {
    let empty = |(node, _): &(crate::graph::NodeId, Slot)| {
        plan.graph
            .nodes()
            .get(node.index())
            .is_some_and(|n| n.meta.shape.is_empty())
    };
    !step.writes.is_empty() && step.writes.iter().all(empty)
}

/// A copy from one buffer to another.
pub(super) struct Copy {
    pub(super) source: wgpu::Buffer,
    pub(super) offset: u64,
    /// Where it goes, behind a start that differs from run to run.
    pub(super) behind: u64,
    pub(super) bytes: u64,
}

impl Copy {
    pub(super) fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        target: &wgpu::Buffer,
        at: u64,
    ) {
        let Copy {
            source,
            offset,
            behind,
            bytes,
        } = self;
        encoder.copy_buffer_to_buffer(source, *offset, target, at + behind, *bytes);
    }
}

/// Results that lie no further apart than this are copied with what lies between: a copy command
/// costs more than the bytes.
const GAP: u64 = 4096;

/// How the results of a run come back.
pub(super) struct Returns {
    pub(super) copies: Vec<Copy>,
    /// Where the words of each result then lie, and how many.
    pub(super) places: Vec<(u64, usize)>,
}

/// Plans the way back of `results`.
pub(super) fn returns(
    buffers: &Buffers,
    uniforms: &Uniforms,
    plan: usize,
    results: &[Port],
) -> Result<Returns> {
    let mut copies: Vec<Copy> = Vec::new();
    let mut places = Vec::with_capacity(results.len());
    for port in results {
        let source = buffers.find(plan, port.slot)?;
        let bytes = port.meta.bytes().min(port.slot.bytes);
        let offset = port.slot.offset;
        let at = match copies.last_mut() {
            Some(last)
                if last.source == *source
                    && offset >= last.offset
                    && offset <= last.offset.saturating_add(last.bytes + GAP) =>
            {
                last.bytes = last.bytes.max(offset + bytes - last.offset);
                last.behind + (offset - last.offset)
            }
            last => {
                let behind = last.map_or(0, |l| l.behind + l.bytes);
                copies.push(Copy {
                    source: source.clone(),
                    offset,
                    behind,
                    bytes,
                });
                behind
            }
        };
        places.push((at, (bytes / 4) as usize));
    }
    copies.retain(|c| c.bytes > 0);
    if copies.is_empty() {
        // The sentinel.
        let source = uniforms.buffer.clone();
        copies.push(Copy {
            source,
            offset: 0,
            behind: 0,
            bytes: 4,
        });
    }
    Ok(Returns { copies, places })
}

/// Encodes steps as one pass: wgpu puts barriers where buffers ask for them.
pub(super) fn encode(
    encoder: &mut wgpu::CommandEncoder,
    steps: &[Vec<Prepared>],
    range: Range<usize>,
) {
    let mut dispatches = steps.get(range).unwrap_or(&[]).iter().flatten().peekable();
    if dispatches.peek().is_none() {
        return;
    }
    let mut pass = encoder.begin_compute_pass(&Default::default());
    let mut current: Option<&Arc<Pipeline>> = None;
    for Prepared {
        pipeline,
        group,
        grid: [x, y, z],
    } in dispatches
    {
        if !current.is_some_and(|c| Arc::ptr_eq(c, pipeline)) {
            pass.set_pipeline(&pipeline.pipeline);
            current = Some(pipeline);
        }
        pass.set_bind_group(0, group, &[]);
        pass.dispatch_workgroups(*x, *y, *z);
    }
}
