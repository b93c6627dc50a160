//! The memory of a program: arenas of variables, the plans' own buffers, and parameter words.

use std::collections::HashMap;

use crate::exec::{Counters, Program};
use crate::kernel::{Binding, Kernel};
use crate::plan::{BufferId, BufferRole, Slot};
use crate::{Error, Result};

use crate::exec::gpu::device::GpuDevice;

/// Creates a buffer, after a check of the device's limit.
pub(in crate::exec::gpu) fn allocate(
    device: &GpuDevice,
    counters: &mut Counters,
    what: &str,
    bytes: u64,
    usage: wgpu::BufferUsages,
    mapped: bool,
) -> Result<wgpu::Buffer> {
    let size = bytes
        .max(16)
        .checked_next_multiple_of(16)
        .unwrap_or(u64::MAX);
    let available = device.info().limits.buffer_bytes;
    if size > available {
        return Err(Error::Limit {
            what: format!("the buffer of {what}"),
            needed: size,
            available,
            device: device.name().to_string(),
            hint: String::new(),
        });
    }
    let descriptor = wgpu::BufferDescriptor {
        label: Some(what),
        size,
        usage,
        mapped_at_creation: mapped,
    };
    let buffer = device.guarded(what, size, |d| d.create_buffer(&descriptor))?;
    counters.buffers += 1;
    counters.bytes += size;
    Ok(buffer)
}

/// The buffers of the slots of a program.
pub(in crate::exec::gpu) struct Buffers {
    arenas: Vec<wgpu::Buffer>,
    shared: Vec<wgpu::Buffer>,
    /// By plan and local buffer: the index into `shared`.
    locals: Vec<Vec<usize>>,
}

impl Buffers {
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        program: &Program,
        counters: &mut Counters,
    ) -> Result<Self> {
        let usage = wgpu::BufferUsages::STORAGE
            | wgpu::BufferUsages::COPY_SRC
            | wgpu::BufferUsages::COPY_DST;
        let mut make = |what: &str, bytes| allocate(device, counters, what, bytes, usage, false);
        let arenas = program
            .layout
            .arenas
            .iter()
            .map(|a| make(&a.label, a.bytes));
        let arenas = arenas.collect::<Result<_>>()?;
        let plan = program.shared();
        let shared = plan.buffers.iter();
        let shared = shared.map(|(role, bytes)| make(name(*role), *bytes));
        let shared = shared.collect::<Result<_>>()?;
        Ok(Buffers {
            arenas,
            shared,
            locals: plan.indices,
        })
    }

    /// Frees the plans' own buffers.
    pub(in crate::exec::gpu) fn keep_variables(&mut self) {
        self.shared.clear();
    }

    /// Returns the buffer of a slot of plan `plan`, if the slot is inside.
    pub(in crate::exec::gpu) fn find(&self, plan: usize, slot: Slot) -> Result<&wgpu::Buffer> {
        let found = match slot.buffer {
            BufferId::Arena(at) => self.arenas.get(at),
            BufferId::Local(at) => {
                let shared = self.locals.get(plan).and_then(|l| l.get(at));
                shared.and_then(|&i| self.shared.get(i))
            }
        };
        let end = slot.offset.checked_add(slot.bytes);
        match (found, end) {
            (Some(buffer), Some(end)) if end <= buffer.size() => Ok(buffer),
            _ => Err(Error::internal(
                "the GPU executor",
                format!("{slot:?} of plan {plan} is not in a buffer"),
            )),
        }
    }
}

fn name(role: BufferRole) -> &'static str {
    match role {
        BufferRole::Inputs => "inputs",
        BufferRole::Activations => "activations",
        BufferRole::Gradients => "gradients",
        BufferRole::Results => "results",
    }
}

/// The parameter words of all kernels, in one buffer that is written once.
pub(in crate::exec::gpu) struct Uniforms {
    pub(in crate::exec::gpu) buffer: wgpu::Buffer,
    offsets: HashMap<Vec<u32>, u64>,
}

impl Uniforms {
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        program: &Program,
        counters: &mut Counters,
    ) -> Result<Self> {
        Self::of(device, kernels(program), counters)
    }

    /// Creates the buffer with the words of these kernels.
    pub(in crate::exec::gpu) fn of<'a>(
        device: &GpuDevice,
        kernels: impl Iterator<Item = &'a Kernel>,
        counters: &mut Counters,
    ) -> Result<Self> {
        let alignment = u64::from(device.info().limits.offset_alignment);
        let mut offsets: HashMap<Vec<u32>, u64> = HashMap::new();
        let mut end = 0u64;
        for words in kernels.flat_map(|k| &k.bindings).filter_map(uniform) {
            if !offsets.contains_key(words) {
                offsets.insert(words.to_vec(), end);
                end = (end + uniform_bytes(words)).next_multiple_of(alignment);
            }
        }
        // COPY_SRC: a run without results copies a word from here.
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_SRC;
        let what = "kernel parameters";
        let buffer = allocate(device, counters, what, end, usage, true)?;
        let mut view = buffer.get_mapped_range_mut(..).map_err(|e| Error::Gpu {
            device: device.name().to_string(),
            what: what.to_string(),
            reason: e.to_string(),
        })?;
        for (words, &offset) in &offsets {
            let bytes: &[u8] = bytemuck::cast_slice(words);
            let start = offset as usize;
            view.slice(start..start + bytes.len())
                .copy_from_slice(bytes);
        }
        drop(view);
        device.guarded(what, end, |_| buffer.unmap())?;
        Ok(Uniforms { buffer, offsets })
    }

    /// Returns the binding of `words`.
    pub(in crate::exec::gpu) fn bind(&self, words: &[u32]) -> Result<wgpu::BufferBinding<'_>> {
        let offset = self.offsets.get(words).copied();
        let offset = offset.ok_or_else(|| {
            Error::internal(
                "the GPU executor",
                "parameters of a kernel outside the program",
            )
        })?;
        let size = std::num::NonZeroU64::new(uniform_bytes(words));
        Ok(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset,
            size,
        })
    }
}

fn kernels(program: &Program) -> impl Iterator<Item = &Kernel> {
    let steps = program.plans.iter().flat_map(|p| &p.steps);
    steps
        .flat_map(|s| s.variants.iter().flatten())
        .map(|d| &d.kernel)
}

pub(in crate::exec::gpu) fn uniform(binding: &Binding) -> Option<&[u32]> {
    match binding {
        Binding::Uniform(words) => Some(words),
        _ => None,
    }
}

/// A struct in a uniform buffer is padded to 16 bytes.
fn uniform_bytes(words: &[u32]) -> u64 {
    (words.len() as u64 * 4).max(16).next_multiple_of(16)
}
