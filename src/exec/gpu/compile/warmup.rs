//! Warmup for drivers that compile a kernel when it first runs.
//!
//! Mesa's lavapipe is such a driver. Creating a pipeline emits no machine code, and one thread
//! compiles the kernels of the first run one after the other. lavapipe caches the machine code on
//! disk. So warmup opens a device on each core, which dispatches some of the kernels with no
//! workgroups. The executor's device then finds them in the cache.
//!
//! A failure here only costs the time that warmup would have saved.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::exec::{Counters, workers};
use crate::kernel::{Binding, Kernel};

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::buffers::{Uniforms, allocate, uniform};

/// The number of programs from which warmup is used. Fewer are compiled in less time than it takes
/// to open a device.
const MIN_KERNELS: usize = 8;

/// The longest time of a dispatch from the driver's disk cache; compiling a kernel takes longer.
const MAX_CACHED_TIME: Duration = Duration::from_millis(5);

/// The bytes of the buffers that warmup binds: more than the fixed part of any binding.
const BINDING_BYTES: u64 = 4096;

/// Compiles the kernels that the driver would compile in the first run.
pub(in crate::exec::gpu) fn warm_up(device: &GpuDevice, kernels: &[&Kernel]) {
    if !device.info().driver.contains("llvmpipe") {
        return;
    }
    let programs = programs(kernels);
    if programs.len() < MIN_KERNELS {
        return;
    }
    let Some((shortest, others)) = programs.split_last() else {
        return;
    };
    let start = Instant::now();
    let first = compile(device, shortest);
    let cores = match start.elapsed() > MAX_CACHED_TIME {
        true => workers::count(),
        // The kernel is in the driver's cache, and the others probably too. Opening a device would
        // take longer.
        false => 1,
    };
    let threads = cores.min(programs.len() / (MIN_KERNELS / 2));
    // Each thread takes the next kernel when it is ready.
    let next = AtomicUsize::new(0);
    let work = |device: &GpuDevice| -> Result<()> {
        while let Some(program) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
            compile(device, program)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let helpers = (1..threads).map(|_| {
            workers::spawn(scope, || match device.open_again() {
                Some(again) => work(&again),
                None => Ok(()),
            })
        });
        // Collected, so that all threads start before the first is joined. If a thread cannot start
        // or panics, other threads compile its share, or the first run does.
        let helpers: Vec<_> = helpers.flatten().collect();
        let own = work(device);
        let helpers = helpers.into_iter().flat_map(|thread| thread.join());
        for error in helpers.chain([first, own]).filter_map(Result::err) {
            log::debug!("warmup: {error}");
        }
    });
}

/// Groups kernels by program, in the order of expected compile times, the longest first. Kernels of
/// a program differ in their parameters. A driver may turn parameters that control branches into
/// constants, and then compiles a program for each.
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

/// Dispatches each kernel with no workgroups, and waits.
fn compile(device: &GpuDevice, kernels: &[&Kernel]) -> Result<()> {
    let (pipelines, _) = device.pipelines().get(device, kernels)?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM;
    let counters = &mut Counters::default();
    let mut make = || allocate(device, counters, "warmup", BINDING_BYTES, usage, false);
    // A kernel must not write a buffer that it reads.
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
        let after = device.guarded("warmup", 0, |d| {
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
