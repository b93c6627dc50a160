//! Compiling ahead, for a driver that compiles a kernel when it first runs.
//!
//! Mesa's lavapipe does: whatever is compiled before is not machine code yet, and the kernels of a first run are
//! finished one after the other, by one thread. What it has finished it keeps on disk. So each core gets a device of
//! its own that runs a share of the kernels, in no workgroup, and the device that was asked for finds them there.
//!
//! Whatever goes wrong here only costs the time that it would have saved.

use std::collections::HashSet;

use crate::Result;
use crate::exec::Counters;
use crate::kernel::{Binding, Kernel};

use super::buffers::allocate;
use super::device::GpuDevice;
use super::pipelines::STACK;

/// Fewer kernels are compiled sooner than a device is opened.
const FEW: usize = 16;

/// Bytes of what a kernel is bound to: more than any fixed part of a binding.
const BYTES: u64 = 4096;

/// Has a driver compile what it would compile at the first run.
pub(super) fn compile_ahead(device: &GpuDevice, kernels: &[&Kernel]) {
    if !device.info().driver.contains("llvmpipe") {
        return;
    }
    let mut seen = HashSet::new();
    let mut kernels: Vec<&Kernel> = kernels.to_vec();
    kernels.retain(|kernel| seen.insert((kernel.text(), kernel.overrides.clone())));
    if kernels.len() < FEW {
        return;
    }
    // The longest first, dealt out in turns.
    kernels.sort_by_key(|kernel| std::cmp::Reverse(kernel.text().len()));
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let shares = cores.min(4).min(kernels.len() / (FEW / 2));
    let share = |of: usize| -> Vec<&Kernel> {
        kernels
            .iter()
            .copied()
            .skip(of)
            .step_by(shares.max(1))
            .collect()
    };
    std::thread::scope(|scope| {
        let others = (1..shares).map(|of| {
            let share = share(of);
            let builder = std::thread::Builder::new().stack_size(STACK);
            builder.spawn_scoped(scope, move || match device.open_again() {
                Some(again) => compile(&again, &share),
                None => Ok(()),
            })
        });
        // All are started before the first is waited for. Where there is no thread to be had, or one panics, its
        // share is compiled later.
        let others: Vec<_> = others.flatten().collect();
        let own = compile(device, &share(0));
        let others = others.into_iter().flat_map(|thread| thread.join());
        for error in others.chain([own]).filter_map(Result::err) {
            log::debug!("compiling ahead: {error}");
        }
    });
}

/// Runs each kernel in no workgroup, and waits.
fn compile(device: &GpuDevice, kernels: &[&Kernel]) -> Result<()> {
    let (pipelines, _) = device.pipelines().get(device, kernels)?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM;
    let counters = &mut Counters::default();
    let mut make = || allocate(device, counters, "compiling ahead", BYTES, usage, false);
    // A kernel must not write what it reads.
    let (read, written) = (make()?, make()?);
    let after = device.guarded("compiling ahead", 0, |d| {
        let mut encoder = d.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        for (kernel, pipeline) in kernels.iter().zip(&pipelines) {
            let entries = (0..).zip(&kernel.bindings).map(|(binding, what)| {
                let buffer = match what {
                    Binding::Write(_) => &written,
                    Binding::Read(_) | Binding::Uniform(_) => &read,
                };
                wgpu::BindGroupEntry {
                    binding,
                    resource: buffer.as_entire_binding(),
                }
            });
            let entries: Vec<_> = entries.collect();
            let group = d.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.label),
                layout: &pipeline.layout,
                entries: &entries,
            });
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(0, 0, 0);
        }
        drop(pass);
        device.wgpu().1.submit([encoder.finish()])
    })?;
    device.poll(Some(&after))
}
