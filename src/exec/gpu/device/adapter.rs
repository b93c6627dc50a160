//! Lists the GPUs and selects one.

use std::fmt;

use crate::kernel::KernelLimits;
use crate::{Error, Result};

/// The kind of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU in the processor, which shares its memory.
    Integrated,
    /// A GPU that is passed through to a virtual machine.
    Virtual,
    /// A software implementation on the CPU, useful for tests.
    Software,
    /// The driver does not report the kind.
    Other,
}

impl AdapterKind {
    /// Returns the rank in automatic selection; the lowest rank is selected.
    fn rank(self) -> u32 {
        match self {
            AdapterKind::Discrete => 0,
            AdapterKind::Integrated => 1,
            AdapterKind::Virtual => 2,
            AdapterKind::Other => 3,
            AdapterKind::Software => 4,
        }
    }
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdapterKind::Discrete => "discrete",
            AdapterKind::Integrated => "integrated",
            AdapterKind::Virtual => "virtual",
            AdapterKind::Software => "software",
            AdapterKind::Other => "other",
        })
    }
}

/// The properties of an adapter before it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterInfo {
    /// The name that the driver reports.
    pub name: String,
    /// The vendor id, usually the PCI id.
    pub vendor: u32,
    /// The device id, usually the PCI id.
    pub device: u32,
    /// The graphics API: `"vulkan"`, `"metal"` or `"dx12"`.
    pub backend: String,
    /// The driver's name.
    pub driver: String,
    /// The driver's version.
    pub driver_info: String,
    /// The kind of the adapter.
    pub kind: AdapterKind,
    /// Whether shaders may compute in 16-bit floating point.
    pub f16: bool,
    /// The smallest and largest subgroup size, if there are subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// Whether the GPU has timestamps.
    pub timestamps: bool,
    /// The largest limits for kernels and buffers.
    pub limits: KernelLimits,
}

/// The number of iterations after which Mesa's llvmpipe ends all loops of an invocation
/// (`LP_MAX_TGSI_LOOP_ITERATIONS`).
const LLVMPIPE_MAX_LOOP_ITERATIONS: usize = 65_535;

impl AdapterInfo {
    pub(in crate::exec::gpu) fn new(
        info: &wgpu::AdapterInfo,
        features: wgpu::Features,
        limits: &wgpu::Limits,
    ) -> Self {
        let subgroups = features
            .contains(wgpu::Features::SUBGROUP)
            .then_some((info.subgroup_min_size, info.subgroup_max_size));
        AdapterInfo {
            name: info.name.clone(),
            vendor: info.vendor,
            device: info.device,
            backend: info.backend.to_string(),
            driver: info.driver.clone(),
            driver_info: info.driver_info.clone(),
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other => AdapterKind::Other,
            },
            f16: features.contains(wgpu::Features::SHADER_F16),
            subgroups,
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            limits: KernelLimits {
                packs_half: true,
                invocations: limits.max_compute_invocations_per_workgroup,
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                workgroups: limits.max_compute_workgroups_per_dimension,
                storage_buffers: limits.max_storage_buffers_per_shader_stage,
                binding_bytes: limits.max_storage_buffer_binding_size,
                buffer_bytes: limits.max_buffer_size,
                offset_alignment: limits
                    .min_storage_buffer_offset_alignment
                    .max(limits.min_uniform_buffer_offset_alignment),
                subgroups,
                software: info.device_type == wgpu::DeviceType::Cpu,
                max_loop_iterations: match info.driver.contains("llvmpipe") {
                    true => LLVMPIPE_MAX_LOOP_ITERATIONS,
                    false => usize::MAX,
                },
            },
        }
    }
}

impl fmt::Display for AdapterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.backend, self.kind)
    }
}

/// Selects an adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selector {
    /// The best hardware GPU, discrete before integrated; never a software adapter.
    #[default]
    Gpu,
    /// The best hardware GPU, or a software adapter if there is none.
    SoftwareAllowed,
    /// The adapter with this index in [`adapters`].
    Index(usize),
    /// The best adapter, including software adapters, whose name, driver or backend contains this
    /// text, ignoring case.
    Name(String),
}

impl Selector {
    /// Parses a user's selection: `"gpu"`, `"software"` (allowed, not required), an index, or a
    /// part of a name.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "" | "gpu" => Selector::Gpu,
            "software" => Selector::SoftwareAllowed,
            name => match name.parse() {
                Ok(index) => Selector::Index(index),
                Err(_) => Selector::Name(name.to_string()),
            },
        }
    }

    /// Returns why the adapter does not fit; `None` if it does.
    fn objection(&self, index: usize, info: &AdapterInfo) -> Option<&'static str> {
        match self {
            Selector::Gpu if info.kind == AdapterKind::Software => Some(
                "is a software adapter: choose the device \"software\" to use it, or \"cpu\", which is faster",
            ),
            Selector::Index(wanted) if *wanted != index => Some("has another index"),
            Selector::Name(wanted) => {
                let wanted = wanted.to_lowercase();
                let fields = [&info.name, &info.driver, &info.driver_info, &info.backend];
                let fits = fields.iter().any(|f| f.to_lowercase().contains(&wanted));
                (!fits).then_some("does not match")
            }
            _ => None,
        }
    }

    fn wanted(&self) -> String {
        match self {
            Selector::Gpu | Selector::SoftwareAllowed => "was found".to_string(),
            Selector::Index(index) => format!("has the index {index}"),
            Selector::Name(name) => format!("matches {name:?}"),
        }
    }
}

/// Returns all adapters, in the driver's order. The position is the index of [`Selector::Index`].
pub fn adapters() -> Result<Vec<AdapterInfo>> {
    Ok(all().into_iter().map(|(_, info)| info).collect())
}

/// Selects the adapter to open. Returns [`Error::NoAdapter`] with the adapters found if none fits.
pub(in crate::exec::gpu) fn select(selector: &Selector) -> Result<(wgpu::Adapter, AdapterInfo)> {
    let mut seen = Vec::new();
    let mut fitting = Vec::new();
    for (index, (adapter, info)) in all().into_iter().enumerate() {
        match selector.objection(index, &info) {
            Some(why) => seen.push(format!("[{index}] {info} {why}")),
            None => fitting.push((adapter, info)),
        }
    }
    // The first one of equal rank, in the driver's order.
    let best = fitting.into_iter().min_by_key(|(_, info)| info.kind.rank());
    best.ok_or_else(|| Error::NoAdapter {
        wanted: selector.wanted(),
        seen,
    })
}

fn all() -> Vec<(wgpu::Adapter, AdapterInfo)> {
    // wgpu panics if an instance is created without a backend.
    if wgpu::Instance::enabled_backend_features().is_empty() {
        return Vec::new();
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        // Set here and not by the build profile: wgpu's debug flags disable shader optimization on
        // DX12 and search for validation layers.
        flags: wgpu::InstanceFlags::empty(),
        // If the driver reports a memory budget, allocations fail before the system starts to swap.
        memory_budget_thresholds: wgpu::MemoryBudgetThresholds {
            for_resource_creation: Some(95),
            for_device_loss: None,
        },
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let described = found.into_iter().map(|adapter| {
        let info = AdapterInfo::new(&adapter.get_info(), adapter.features(), &adapter.limits());
        (adapter, info)
    });
    described.collect()
}
