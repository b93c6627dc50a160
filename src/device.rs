//! Devices: what a model is trained on.

use crate::Result;
use crate::exec::checked::CheckedExecutor;
use crate::exec::cpu::{self, CpuExecutor};
use crate::exec::gpu::{GpuDevice, GpuExecutor, HostDevice, HostQueue};
use crate::exec::{self, Executor, Program, Roofline, Stepwise};
use crate::kernel::KernelLimits;

pub use crate::exec::gpu::{AdapterInfo, Selector};
use crate::exec::interpreter::ReferenceExecutor;

/// A GPU, or the CPU.
#[derive(Clone)]
pub struct Device {
    kind: Kind,
    why: String,
    checked: bool,
}

#[derive(Clone)]
enum Kind {
    Cpu,
    Reference,
    Gpu(GpuDevice),
}

impl Device {
    /// A real GPU where there is one that works, else the CPU. A GPU in software is never chosen: the
    /// CPU is faster. [`Device::why`] says what was chosen for which reason.
    pub fn auto() -> Result<Self> {
        Ok(match GpuDevice::open(&Selector::Gpu) {
            Ok(gpu) => {
                let why = format!("{} is a GPU", gpu.name());
                Device {
                    kind: Kind::Gpu(gpu),
                    why,
                    checked: false,
                }
            }
            Err(error) => Device {
                kind: Kind::Cpu,
                why: error.to_string(),
                checked: false,
            },
        })
    }

    /// The CPU: f32, with threads.
    pub fn cpu() -> Self {
        Device {
            kind: Kind::Cpu,
            why: "asked for".to_string(),
            checked: false,
        }
    }

    /// The reference: f64, naive and slow. What it computes is what the mathematics says.
    pub fn reference() -> Self {
        Device {
            kind: Kind::Reference,
            why: "asked for".to_string(),
            checked: false,
        }
    }

    /// A GPU by choice, a software one included.
    pub fn gpu(selector: &Selector) -> Result<Self> {
        Ok(Device {
            kind: Kind::Gpu(GpuDevice::open(selector)?),
            why: "asked for".to_string(),
            checked: false,
        })
    }

    /// A GPU that is open already.
    pub fn from_gpu(gpu: GpuDevice) -> Self {
        Device {
            kind: Kind::Gpu(gpu),
            why: "handed over".to_string(),
            checked: false,
        }
    }

    /// The GPU of a host application, which shares its device and queue. Nothing is installed or
    /// changed on them, and [`Trainer::tick`](crate::Trainer::tick) trains on them between two frames.
    pub fn from_wgpu(device: HostDevice, queue: HostQueue) -> Result<Self> {
        Ok(Self::from_gpu(GpuDevice::from_wgpu(device, queue)?))
    }

    /// All adapters of this machine, with what they offer.
    pub fn adapters() -> Result<Vec<AdapterInfo>> {
        crate::exec::gpu::adapters()
    }

    /// The same device, with every step of every run compared with the reference in f64. The first
    /// one that differs is [`Error::Diverged`](crate::Error::Diverged), with its kernel, op and the line
    /// of the user's program. Training gives the same bits as without, many times slower.
    ///
    /// The reference itself has nothing to be compared with and stays as it is.
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// The device's name.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Cpu => format!("CPU ({} threads)", rayon::current_num_threads()),
            Kind::Reference => "reference (f64)".to_string(),
            Kind::Gpu(gpu) => gpu.name().to_string(),
        }
    }

    /// Why it was chosen.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        matches!(self.kind, Kind::Gpu(_))
    }

    /// Whether what lies on it lies in the host's memory, for certain: the CPU, or a GPU in software.
    pub(crate) fn shares_memory(&self) -> bool {
        !self.is_gpu() || self.kernel_limits().software
    }

    /// The GPU, where it is one.
    pub fn as_gpu(&self) -> Option<&GpuDevice> {
        match &self.kind {
            Kind::Gpu(gpu) => Some(gpu),
            _ => None,
        }
    }

    /// What kernels may use. On the CPU a chain may touch as many tensors as its executor can open.
    pub fn kernel_limits(&self) -> KernelLimits {
        match &self.kind {
            Kind::Cpu | Kind::Reference => KernelLimits {
                binding_bytes: u64::MAX,
                buffer_bytes: u64::MAX,
                storage_buffers: cpu::MAX_TENSORS,
                packs_half: false,
                ..KernelLimits::WEBGPU
            },
            Kind::Gpu(gpu) => gpu.kernel_limits(),
        }
    }

    /// An executor for a program: everything is allocated and compiled here.
    pub fn executor(&self, program: Program) -> Result<Box<dyn Executor>> {
        let checked = match self.checked {
            true => self.stepwise(program.clone())?,
            false => None,
        };
        if let Some(inner) = checked {
            return Ok(Box::new(CheckedExecutor::new(inner, program)));
        }
        Ok(match &self.kind {
            Kind::Cpu => Box::new(CpuExecutor::new(program)?),
            Kind::Reference => Box::new(ReferenceExecutor::new(program)),
            Kind::Gpu(gpu) => Box::new(GpuExecutor::tuned(gpu, program)?),
        })
    }

    /// What the device can do at most, measured anew. Takes up to a second, and 128 MiB for that time. Fails for
    /// the reference, which is not made to be fast.
    pub fn roofline(&self) -> Result<Roofline> {
        match &self.kind {
            Kind::Cpu => cpu::measure_roofline(),
            Kind::Reference => Err(exec::not_timed(&self.name())),
            Kind::Gpu(gpu) => exec::measure_roofline(&gpu.kernel_limits(), |program| {
                Ok(Box::new(GpuExecutor::new(gpu, program)?))
            }),
        }
    }

    /// An executor that runs plans piece by piece; `None` for the reference, which has no steps.
    pub fn stepwise(&self, program: Program) -> Result<Option<Box<dyn Stepwise>>> {
        Ok(match &self.kind {
            Kind::Cpu => Some(Box::new(CpuExecutor::new(program)?)),
            Kind::Reference => None,
            Kind::Gpu(gpu) => Some(Box::new(GpuExecutor::new(gpu, program)?)),
        })
    }
}
