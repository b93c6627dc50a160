//! Compiling ahead, for a driver that compiles a kernel when it first runs.
//!
//! Mesa's lavapipe does: whatever is compiled before is not machine code yet, and the kernels of a first run are
//! finished one after the other, by one thread. What it has finished it keeps on disk. So each core gets a device of
//! its own that runs some of the kernels, in no workgroup, and the device that was asked for finds them there.
//!
//! Whatever goes wrong here only costs the time that it would have saved.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::exec::Counters;
use crate::kernel::{Binding, Kernel};

use super::buffers::{Uniforms, allocate, uniform};
use super::device::GpuDevice;
use super::pipelines::STACK;

/// Fewer kernels are compiled sooner than a device is opened.
const FEW: usize = 8;

/// What a driver has on disk is there sooner than this, and what it compiles is not.
const CACHED: Duration = Duration::from_millis(5);

/// Bytes of what a kernel is bound to: more than any fixed part of a binding.
const BYTES: u64 = 4096;

/// Has a driver compile what it would compile at the first run.
pub(super) fn compile_ahead(device: &GpuDevice, kernels: &[&Kernel]) {
    if !device.info().driver.contains("llvmpipe") {
        return;
    }
    let programs = programs(kernels);
    if programs.len() < FEW {
        return;
    }
    let Some((shortest, others)) = programs.split_last() else {
        return;
    };
    let start = Instant::now();
    let first = compile(device, shortest);
    let cores = match start.elapsed() > CACHED {
        true => std::thread::available_parallelism().map_or(1, |n| n.get()),
        // The driver has it on disk, and the others probably too: opening a device would take longer.
        false => 1,
    };
    let threads = cores.min(4).min(programs.len() / (FEW / 2));
    // Each thread takes the next one as it can.
    let next = AtomicUsize::new(0);
    let work = |device: &GpuDevice| -> Result<()> {
        while let Some(program) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
            compile(device, program)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let helpers = (1..threads).map(|_| {
            let builder = std::thread::Builder::new().stack_size(STACK);
            builder.spawn_scoped(scope, || match device.open_again() {
                Some(again) => work(&again),
                None => Ok(()),
            })
        });
        // All are started before the first is waited for. Where there is no thread to be had, or one panics, what it
        // would have compiled is compiled by others, or later.
        let helpers: Vec<_> = helpers.flatten().collect();
        let own = work(device);
        let helpers = helpers.into_iter().flat_map(|thread| thread.join());
        for error in helpers.chain([first, own]).filter_map(Result::err) {
            log::debug!("compiling ahead: {error}");
        }
    });
}

/// Kernels by their program, those that take longest to compile first, as far as their text tells. Those of one program
/// differ in their parameters: a driver may make steering ones constants, and then compiles a program for each.
fn programs<'a>(kernels: &[&'a Kernel]) -> Vec<Vec<&'a Kernel>> {
    let mut seen = HashSet::new();
    let mut programs: Vec<(_, Vec<&Kernel>)> = Vec::new();
    for &kernel in kernels {
        let words = kernel.bindings.iter().filter_map(uniform);
        let parameters: Vec<&[u32]> = words.collect();
        let program = (kernel.text(), &kernel.overrides);
        if !seen.insert((program.clone(), parameters)) {
            continue;
        }
        match programs.iter_mut().find(|(other, _)| *other == program) {
            Some((_, of_program)) => of_program.push(kernel),
            None => programs.push((program, vec![kernel])),
        }
    }
    programs.sort_by_key(|((text, _), _)| std::cmp::Reverse(text.len()));
    programs.into_iter().map(|(_, kernels)| kernels).collect()
}

/// Runs each kernel in no workgroup, and waits.
fn compile(device: &GpuDevice, kernels: &[&Kernel]) -> Result<()> {
    let (pipelines, _) = device.pipelines().get(device, kernels)?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM;
    let counters = &mut Counters::default();
    let mut make = || allocate(device, counters, "compiling ahead", BYTES, usage, false);
    // A kernel must not write what it reads.
    let (read, written) = (make()?, make()?);
    let all = kernels.iter().copied();
    let uniforms = Uniforms::of(device, all, &mut Counters::default())?;
    for (kernel, pipeline) in kernels.iter().zip(&pipelines) {
        let start = Instant::now();
        let entries = (0..).zip(&kernel.bindings).map(|(binding, what)| {
            let resource = match what {
                Binding::Write(_) => written.as_entire_binding(),
                Binding::Read(_) => read.as_entire_binding(),
                Binding::Uniform(words) => wgpu::BindingResource::Buffer(uniforms.bind(words)?),
            };
            Ok(wgpu::BindGroupEntry { binding, resource })
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let after = device.guarded("compiling ahead", 0, |d| {
            let group = d.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.label),
                layout: &pipeline.layout,
                entries: &entries,
            });
            let mut encoder = d.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(0, 0, 0);
            drop(pass);
            device.wgpu().1.submit([encoder.finish()])
        })?;
        device.poll(Some(&after))?;
        log::debug!(
            "kernel {}: ready after {:.0?}",
            kernel.label,
            start.elapsed()
        );
    }
    Ok(())
}
