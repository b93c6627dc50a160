//! Runs plans on a GPU through wgpu. Only this folder uses wgpu.
//!
//! A run consists of copying the inputs from a staging ring, all dispatches in one pass, and
//! copying the results to a readback ring. It is one submission, or several if one would take too
//! long. Nothing is read back in between, and nothing is allocated after the executor of a program
//! is created.
//!
//! Invariant: everything that can fail on the device runs in an error scope, so that no error
//! reaches a host application's handler. The loss of a device is detected as a failed mapping.

mod compile;
mod device;
mod executor;
mod inspect;
mod memory;
mod submit;
mod tune;

pub use device::adapter::{AdapterInfo, AdapterKind, Selector, adapters};
pub use device::{GpuDevice, Limits, Options};
pub use executor::GpuExecutor;
pub use tune::tuner::Tuning;
/// The version of wgpu that a host application must use for its device.
pub use wgpu;
/// A host application's device and queue.
pub use wgpu::{Device as HostDevice, Queue as HostQueue};
