//! Plans on a GPU, through wgpu. Only this folder names it.
//!
//! A run is: the inputs from a staging ring, all dispatches in one pass, the results into a readback
//! ring; one submission, or several where one would take too long. Nothing is read back in between,
//! and after a program's executor has been made, nothing more is allocated.
//!
//! Invariant: everything that can fail on the device runs under an error scope, so that no error
//! reaches a host application's handler; and the loss of a device shows as a failed mapping.

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
/// The version of wgpu that a host application's device must come from.
pub use wgpu;
/// A host application's device and queue, by names that say whose they are.
pub use wgpu::{Device as HostDevice, Queue as HostQueue};
