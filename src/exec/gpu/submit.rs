//! The parts of a submission: copies and passes.

pub(super) mod budget;
pub(super) mod profile;
pub(super) mod record;

use std::ops::Range;
use std::sync::Arc;

use crate::Result;
use crate::plan::Port;

use crate::exec::gpu::compile::pipelines::Pipeline;
use crate::exec::gpu::compile::prepare::PreparedDispatch;
use crate::exec::gpu::memory::buffers::{Buffers, Uniforms};

/// A copy from one buffer to another.
pub(super) struct Copy {
    pub(super) source: wgpu::Buffer,
    pub(super) offset: u64,
    /// The target offset, relative to a start that differs from run to run.
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

/// The largest gap between results that are copied together with the bytes in between, because a
/// copy command costs more than these bytes.
const MAX_COPIED_GAP: u64 = 4096;

/// The copies that return the results of a run.
pub(super) struct Returns {
    pub(super) copies: Vec<Copy>,
    /// The offset and the number of the words of each result in the readback buffer.
    pub(super) places: Vec<(u64, usize)>,
}

/// Plans the copies of `results`.
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
                    && offset <= last.offset.saturating_add(last.bytes + MAX_COPIED_GAP) =>
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
        // A word that is copied if there are no results.
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

/// Encodes steps as one pass; wgpu adds barriers between dependent buffers. Steps without a
/// dispatch create no pass, unless it is timed.
pub(super) fn encode(
    encoder: &mut wgpu::CommandEncoder,
    steps: &[Vec<PreparedDispatch>],
    range: Range<usize>,
    times: Option<wgpu::ComputePassTimestampWrites<'_>>,
) {
    let dispatches = steps.get(range).unwrap_or(&[]).iter().flatten();
    encode_dispatches(encoder, dispatches, times);
}

/// Encodes dispatches as one pass, in order.
pub(super) fn encode_dispatches<'a>(
    encoder: &mut wgpu::CommandEncoder,
    dispatches: impl IntoIterator<Item = &'a PreparedDispatch>,
    times: Option<wgpu::ComputePassTimestampWrites<'_>>,
) {
    let mut dispatches = dispatches.into_iter().peekable();
    if dispatches.peek().is_none() && times.is_none() {
        return;
    }
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: None,
        timestamp_writes: times,
    });
    let mut current: Option<&Arc<Pipeline>> = None;
    for PreparedDispatch {
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
