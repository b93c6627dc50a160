//! The faults of a device: errors caught in scopes, and losses reported by callbacks.
//!
//! wgpu reports an error to the innermost error scope of the thread, or else to the device's only
//! uncaptured-error handler, which belongs to the host application if the device does. So
//! everything that can fail runs in a scope. The loss of a device is not reported this way. It is
//! detected by a callback that only the owner of the device may set, and by buffers that can no
//! longer be mapped.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Result};

/// The faults, shared with the callbacks of a device that this crate opened.
#[derive(Debug, Default)]
pub(in crate::exec::gpu) struct Faults(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    lost: Option<String>,
    error: Option<String>,
}

impl Faults {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the device is lost. The first reason is kept, because it causes the others.
    pub(in crate::exec::gpu) fn lose(&self, reason: impl Into<String>) {
        self.seen().lost.get_or_insert(reason.into());
    }

    /// Records an error that no scope caught.
    fn record(&self, error: &wgpu::Error) {
        self.seen().error.get_or_insert(error.to_string());
    }

    /// Returns the first fault since the last call. A loss is returned by every call.
    pub(in crate::exec::gpu) fn check(&self, device: &str) -> Result<()> {
        let mut seen = self.seen();
        if let Some(reason) = &seen.lost {
            let reason = reason.clone();
            return Err(Error::DeviceLost {
                device: device.to_string(),
                reason,
            });
        }
        match seen.error.take() {
            Some(reason) => Err(Error::Gpu {
                device: device.to_string(),
                what: "an earlier call".to_string(),
                reason,
            }),
            None => Ok(()),
        }
    }

    /// Sets both callbacks, on a device that this crate opened.
    pub(in crate::exec::gpu) fn install(self: std::sync::Arc<Self>, device: &wgpu::Device) {
        let faults = self.clone();
        device.on_uncaptured_error(std::sync::Arc::new(move |e: wgpu::Error| faults.record(&e)));
        device.set_device_lost_callback(move |reason, message| {
            let message = message.trim();
            self.lose(match (reason, message.is_empty()) {
                (wgpu::DeviceLostReason::Destroyed, _) => "it was destroyed".to_string(),
                (_, true) => "the driver gave no reason".to_string(),
                _ => message.to_string(),
            });
        });
    }
}

/// Runs `f` and catches all errors of this thread. `bytes` is the number of bytes that it
/// allocates, if any.
pub(in crate::exec::gpu) fn guarded<T>(
    device: &wgpu::Device,
    name: &str,
    what: &str,
    bytes: u64,
    f: impl FnOnce() -> T,
) -> Result<T> {
    let scopes = Scopes::open(device);
    let value = f();
    scopes.close(name, what, bytes).map(|()| value)
}

/// The error scopes of a guarded call.
struct Scopes {
    memory: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
    validation: wgpu::ErrorScopeGuard,
}

impl Scopes {
    fn open(device: &wgpu::Device) -> Scopes {
        Scopes {
            memory: device.push_error_scope(wgpu::ErrorFilter::OutOfMemory),
            internal: device.push_error_scope(wgpu::ErrorFilter::Internal),
            validation: device.push_error_scope(wgpu::ErrorFilter::Validation),
        }
    }

    /// Returns the first error, if there is one.
    fn close(self, name: &str, what: &str, bytes: u64) -> Result<()> {
        // On native backends, the futures are ready when they are created.
        let validation = pollster::block_on(self.validation.pop());
        let internal = pollster::block_on(self.internal.pop());
        let memory = pollster::block_on(self.memory.pop());
        match memory.or(validation).or(internal) {
            None => Ok(()),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(Error::OutOfMemory {
                what: what.to_string(),
                bytes,
                device: name.to_string(),
            }),
            Some(error) => Err(Error::Gpu {
                device: name.to_string(),
                what: what.to_string(),
                reason: brief(&error.to_string()),
            }),
        }
    }
}

/// Removes the two lines with which every message of wgpu starts.
fn brief(message: &str) -> String {
    let rest = message
        .trim()
        .strip_prefix("Validation Error")
        .unwrap_or(message)
        .trim();
    rest.strip_prefix("Caused by:")
        .unwrap_or(rest)
        .trim()
        .to_string()
}
