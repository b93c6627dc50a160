//! Compiled kernels, shared by all executors on a device.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kernel::{Binding, Kernel};
use crate::{Error, Result};

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::device::fault::guarded;
use crate::exec::workers;

/// A compiled kernel.
#[derive(Debug)]
pub(in crate::exec::gpu) struct Pipeline {
    pub(in crate::exec::gpu) pipeline: wgpu::ComputePipeline,
    pub(in crate::exec::gpu) layout: wgpu::BindGroupLayout,
}

/// The identity of a pipeline. It contains the whole text instead of a hash, because a collision
/// would silently compute something else.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    text: String,
    overrides: Vec<(&'static str, u32)>,
    bindings: Vec<wgpu::BufferBindingType>,
}

impl Key {
    fn new(kernel: &Kernel) -> Self {
        let bindings = kernel.bindings.iter().map(|b| match b {
            Binding::Read(_) => wgpu::BufferBindingType::Storage { read_only: true },
            Binding::Write(_) => wgpu::BufferBindingType::Storage { read_only: false },
            Binding::Uniform(_) => wgpu::BufferBindingType::Uniform,
        });
        Key {
            text: kernel.text(),
            overrides: kernel.overrides.clone(),
            bindings: bindings.collect(),
        }
    }
}

/// The pipelines of a device.
pub(in crate::exec::gpu) struct Pipelines {
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
    /// The driver's own cache, if it has one. It is only kept in memory; to keep it between
    /// programs, pass its data to `create_pipeline_cache` here.
    driver: Option<wgpu::PipelineCache>,
}

impl Pipelines {
    pub(in crate::exec::gpu) fn new(device: &wgpu::Device, name: &str) -> Result<Self> {
        let driver = if device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            let descriptor = wgpu::PipelineCacheDescriptor {
                label: Some("wgrad"),
                data: None,
                fallback: true,
            };
            // SAFETY: only `data` is unsafe, and there is none.
            let make = || unsafe { device.create_pipeline_cache(&descriptor) };
            Some(guarded(
                device,
                name,
                "the driver's pipeline cache",
                0,
                make,
            )?)
        } else {
            None
        };
        Ok(Pipelines {
            made: Mutex::default(),
            driver,
        })
    }

    fn made(&self) -> MutexGuard<'_, HashMap<Key, Arc<Pipeline>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the pipelines of `kernels`, in order, and the number of those that were compiled.
    pub(in crate::exec::gpu) fn get(
        &self,
        device: &GpuDevice,
        kernels: &[&Kernel],
    ) -> Result<(Vec<Arc<Pipeline>>, u64)> {
        let keys: Vec<Key> = kernels.iter().map(|k| Key::new(k)).collect();
        let mut missing: HashMap<&Key, &Kernel> = HashMap::new();
        {
            let made = self.made();
            for (key, kernel) in keys.iter().zip(kernels) {
                if !made.contains_key(key) {
                    missing.entry(key).or_insert(kernel);
                }
            }
        }
        let missing: Vec<(&Key, &Kernel)> = missing.into_iter().collect();
        for ((key, _), pipeline) in missing.iter().zip(self.compile_all(device, &missing)) {
            self.made()
                .entry((*key).clone())
                .or_insert(Arc::new(pipeline?));
        }
        let made = self.made();
        let found = keys.iter().map(|k| made.get(k).cloned());
        let found: Option<Vec<_>> = found.collect();
        let found = found.ok_or_else(|| Error::internal("pipelines", "a pipeline is missing"))?;
        Ok((found, missing.len() as u64))
    }

    /// Compiles on worker threads, because drivers compile in parallel.
    fn compile_all(
        &self,
        device: &GpuDevice,
        missing: &[(&Key, &Kernel)],
    ) -> Vec<Result<Pipeline>> {
        let threads = workers::count().min(missing.len());
        let compile = |(key, kernel): &(&Key, &Kernel)| self.compile(device, key, kernel);
        if threads < 2 {
            return missing.iter().map(compile).collect();
        }
        let share = missing.len().div_ceil(threads);
        let compile_part =
            |part: &[(&Key, &Kernel)]| -> Vec<_> { part.iter().map(compile).collect() };
        std::thread::scope(|scope| {
            let parts = missing
                .chunks(share)
                .map(|part| (part, workers::spawn(scope, || compile_part(part))));
            // Starts all threads before it waits for the first one.
            let parts: Vec<_> = parts.collect();
            let done = parts.into_iter().flat_map(|(part, thread)| match thread {
                Some(thread) => thread.join().unwrap_or_else(|_| {
                    let crashed = || Error::internal("pipelines", "a compiling thread panicked");
                    part.iter().map(|_| Err(crashed())).collect()
                }),
                None => compile_part(part),
            });
            done.collect()
        })
    }

    fn compile(&self, device: &GpuDevice, key: &Key, kernel: &Kernel) -> Result<Pipeline> {
        let what = format!("kernel {}", kernel.label);
        let start = std::time::Instant::now();
        let module = self.module(device, &what, key, kernel)?;
        let entries: Vec<_> = (0..).zip(&key.bindings).map(entry).collect();
        let constants: Vec<(&str, f64)> = key
            .overrides
            .iter()
            .map(|(name, value)| (*name, f64::from(*value)))
            .collect();
        let parsed = start.elapsed();
        let made = device.guarded(&what, 0, |d| {
            let layout = d.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(kernel.label),
                entries: &entries,
            });
            let pipeline_layout = d.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(kernel.label),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = d.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.label),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    // Kernels write workgroup memory before they read it. Clearing it first was
                    // measured at fifty times the cost of a small workgroup.
                    zero_initialize_workgroup_memory: false,
                },
                cache: self.driver.as_ref(),
            });
            Pipeline { pipeline, layout }
        });
        log::debug!(
            "{what}: {:.0} ms to parse, {:.0} ms to compile",
            parsed.as_secs_f64() * 1e3,
            (start.elapsed() - parsed).as_secs_f64() * 1e3,
        );
        made
    }

    fn module(
        &self,
        device: &GpuDevice,
        what: &str,
        key: &Key,
        kernel: &Kernel,
    ) -> Result<wgpu::ShaderModule> {
        let mut made = None;
        let result = device.guarded(what, 0, |d| {
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(kernel.label),
                source: wgpu::ShaderSource::Wgsl(key.text.as_str().into()),
            };
            made = Some(if device.checks() {
                d.create_shader_module(descriptor)
            } else {
                let checks = wgpu::ShaderRuntimeChecks::unchecked();
                // SAFETY: the kernels belong to this crate. The tests run each with checks on and
                // off to the same bits, so none relies on a check. A device without checks is
                // opened only on request.
                unsafe { d.create_shader_module_trusted(descriptor, checks) }
            });
        });
        match (made, result) {
            (Some(module), Ok(())) => Ok(module),
            (Some(module), Err(error)) => Err(locate(kernel, &module, error)),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Error::internal("pipelines", "no module was created")),
        }
    }
}

fn entry((binding, ty): (u32, &wgpu::BufferBindingType)) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: *ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

/// Replaces positions in the joined text by files and lines.
fn locate(kernel: &Kernel, module: &wgpu::ShaderModule, error: Error) -> Error {
    let info = pollster::block_on(module.get_compilation_info());
    let messages = info.messages.iter().filter_map(|message| {
        let offset = message.location?.offset as usize;
        let (file, line) = kernel.locate(offset);
        Some(format!("{file}:{line}: {}", message.message.trim()))
    });
    let messages: Vec<String> = messages.collect();
    match error {
        Error::Gpu { device, what, .. } if !messages.is_empty() => Error::Gpu {
            device,
            what,
            reason: messages.join("\n"),
        },
        other => other,
    }
}
