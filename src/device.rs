//! Devices: what a model is trained on.

use crate::Result;
use crate::exec::cpu::CpuExecutor;
use crate::exec::{Executor, Program};
use crate::kernel::KernelLimits;

/// A GPU, or the CPU.
#[derive(Clone)]
pub struct Device {
    kind: Kind,
    why: String,
}

#[derive(Clone)]
enum Kind {
    Cpu,
}

impl Device {
    /// The CPU: f32, with threads.
    pub fn cpu() -> Self {
        Device {
            kind: Kind::Cpu,
            why: "asked for".to_string(),
        }
    }

    /// The device's name.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Cpu => format!("CPU ({} threads)", rayon::current_num_threads()),
        }
    }

    /// Why it was chosen.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        false
    }

    /// What kernels may use. On the CPU there is no limit but those that keep plans alike.
    pub fn kernel_limits(&self) -> KernelLimits {
        match &self.kind {
            Kind::Cpu => KernelLimits {
                binding_bytes: u64::MAX,
                buffer_bytes: u64::MAX,
                ..KernelLimits::WEBGPU
            },
        }
    }

    /// An executor for a program: everything is allocated and compiled here.
    pub fn executor(&self, program: Program) -> Result<Box<dyn Executor>> {
        Ok(match &self.kind {
            Kind::Cpu => Box::new(CpuExecutor::new(program)?),
        })
    }
}
