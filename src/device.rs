//! Devices: a GPU, the CPU, or the reference.

use crate::Result;
use crate::exec::checked::CheckedExecutor;
use crate::exec::cpu::{self, CpuExecutor};
use crate::exec::gpu::{GpuDevice, GpuExecutor, HostDevice, HostQueue};
use crate::exec::{self, Executor, Program, Roofline, Stepwise};
use crate::kernel::KernelLimits;

pub use crate::exec::gpu::{AdapterInfo, Selector};
use crate::exec::interpreter::ReferenceExecutor;

/// A device that trains and evaluates models: a GPU, the CPU, or the reference. Cloning is cheap.
///
/// # Example
/// ```
/// use wgrad::Device;
///
/// let device = Device::cpu();
/// assert!(!device.is_gpu());
/// assert!(device.name().starts_with("CPU"));
/// let y = wgrad::eval(&device, |g| g.tensor([2], [1.0, 2.0]).exp())?;
/// assert!((y.data[1] - 2f64.exp()).abs() < 1e-5);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Opens a hardware GPU if one works, and otherwise the CPU. A software GPU is never selected,
    /// because the CPU is faster. [`Device::why`] returns the reason.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let device = Device::auto()?;
    /// assert!(!device.why().is_empty());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
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

    /// Returns the CPU: f32, multithreaded.
    pub fn cpu() -> Self {
        Device {
            kind: Kind::Cpu,
            why: "asked for".to_string(),
            checked: false,
        }
    }

    /// Returns the reference: f64, naive and slow. It defines the correct results.
    pub fn reference() -> Self {
        Device {
            kind: Kind::Reference,
            why: "asked for".to_string(),
            checked: false,
        }
    }

    /// Opens a GPU by a selector, which may select a software GPU.
    pub fn gpu(selector: &Selector) -> Result<Self> {
        Ok(Device {
            kind: Kind::Gpu(GpuDevice::open(selector)?),
            why: "asked for".to_string(),
            checked: false,
        })
    }

    /// Wraps an open GPU.
    pub fn from_gpu(gpu: GpuDevice) -> Self {
        Device {
            kind: Kind::Gpu(gpu),
            why: "handed over".to_string(),
            checked: false,
        }
    }

    /// Wraps the GPU of a host application, and shares its device and queue. Nothing is installed
    /// or changed on them. [`Trainer::tick`](crate::Trainer::tick) trains on them between two
    /// frames.
    pub fn from_wgpu(device: HostDevice, queue: HostQueue) -> Result<Self> {
        Ok(Self::from_gpu(GpuDevice::from_wgpu(device, queue)?))
    }

    /// Returns all adapters of this machine, with their properties.
    pub fn adapters() -> Result<Vec<AdapterInfo>> {
        crate::exec::gpu::adapters()
    }

    /// Compares every step of every run with the reference in f64. The first step that differs is
    /// an [`Error::Diverged`](crate::Error::Diverged) with its kernel, its op and the user's line.
    /// Training gives the same bits as without, many times slower.
    ///
    /// It has no effect on the reference.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let y = wgrad::eval(&Device::cpu().checked(), |g| g.tensor([1], [2.0]).square())?;
    /// assert_eq!(y.data, [4.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Returns the device's name.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Cpu => format!("CPU ({} threads)", rayon::current_num_threads()),
            Kind::Reference => "reference (f64)".to_string(),
            Kind::Gpu(gpu) => gpu.name().to_string(),
        }
    }

    /// Returns why the device was selected.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Returns whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        matches!(self.kind, Kind::Gpu(_))
    }

    /// Returns whether its memory is certainly the host's memory: the CPU, or a software GPU.
    pub(crate) fn shares_memory(&self) -> bool {
        !self.is_gpu() || self.kernel_limits().software
    }

    /// Returns the GPU, if it is one.
    pub fn as_gpu(&self) -> Option<&GpuDevice> {
        match &self.kind {
            Kind::Gpu(gpu) => Some(gpu),
            _ => None,
        }
    }

    /// Returns the limits of kernels. On the CPU a chain may access as many tensors as its executor
    /// can open.
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

    /// Creates an executor for a program. Everything is allocated and compiled here.
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

    /// Measures the peak rates of the device. It takes up to a second, and 128 MiB during that
    /// time. Fails for the reference, which is not optimized.
    pub fn roofline(&self) -> Result<Roofline> {
        match &self.kind {
            Kind::Cpu => cpu::measure_roofline(),
            Kind::Reference => Err(exec::not_timed(&self.name())),
            Kind::Gpu(gpu) => exec::measure_roofline(&gpu.kernel_limits(), |program| {
                Ok(Box::new(GpuExecutor::new(gpu, program)?))
            }),
        }
    }

    /// Creates an executor that runs plans step by step; `None` for the reference, which has no
    /// steps.
    pub fn stepwise(&self, program: Program) -> Result<Option<Box<dyn Stepwise>>> {
        Ok(match &self.kind {
            Kind::Cpu => Some(Box::new(CpuExecutor::new(program)?)),
            Kind::Reference => None,
            Kind::Gpu(gpu) => Some(Box::new(GpuExecutor::new(gpu, program)?)),
        })
    }
}
