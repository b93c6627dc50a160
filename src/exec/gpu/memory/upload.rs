//! Rings of staging buffers for uploads.
//!
//! `queue.write_buffer` is not used, because it allocates a staging buffer for each call, and if
//! that fails, the whole device is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::exec::Counters;
use crate::{Error, Result};

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::buffers::allocate;

const PENDING: u8 = 0;
const MAPPED: u8 = 1;
const FAILED: u8 = 2;

/// The longest delay of a callback after the end of the work.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(10);

/// The state of a requested mapping, set by wgpu's callback.
#[derive(Clone, Debug)]
pub(in crate::exec::gpu) struct MapState(Arc<AtomicU8>);

impl MapState {
    pub(in crate::exec::gpu) fn mapped() -> Self {
        MapState(Arc::new(AtomicU8::new(MAPPED)))
    }

    pub(in crate::exec::gpu) fn is_mapped(&self) -> bool {
        self.0.load(Ordering::Acquire) == MAPPED
    }

    /// Returns whether the mapping has succeeded or failed.
    pub(in crate::exec::gpu) fn is_settled(&self) -> bool {
        self.0.load(Ordering::Acquire) != PENDING
    }

    /// Requests a mapping of the first `bytes` of `buffer`, after the submissions that use it have
    /// finished.
    pub(in crate::exec::gpu) fn ask(&self, buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) {
        self.0.store(PENDING, Ordering::Release);
        let state = self.0.clone();
        buffer.map_async(mode, ..bytes.min(buffer.size()), move |result| {
            let state_now = if result.is_ok() { MAPPED } else { FAILED };
            state.store(state_now, Ordering::Release);
        });
    }

    /// Waits until the buffer is mapped; `after` is the last submission that uses it. A failed
    /// mapping indicates the loss of the device.
    pub(in crate::exec::gpu) fn wait(
        &self,
        device: &GpuDevice,
        after: Option<&wgpu::SubmissionIndex>,
    ) -> Result<()> {
        if !self.is_settled() {
            device.poll(None)?;
        }
        if !self.is_settled() {
            device.poll(after)?;
        }
        // If another thread also polls the device, it may have taken the callback without having
        // called it yet.
        let start = Instant::now();
        while !self.is_settled() && start.elapsed() < CALLBACK_TIMEOUT {
            std::thread::yield_now();
            device.poll(None)?;
        }
        if self.is_mapped() {
            return Ok(());
        }
        Err(device.lost("a buffer could not be mapped"))
    }
}

struct Stage {
    buffer: wgpu::Buffer,
    state: MapState,
    after: Option<wgpu::SubmissionIndex>,
}

/// Staging buffers of one size, used in turn. Each is filled, sealed, and free again when the
/// submission that copies from it has finished.
pub(in crate::exec::gpu) struct Ring {
    stages: Vec<Stage>,
    bytes: u64,
    next: usize,
    /// The state of the next buffer since it was free.
    used: Use,
}

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Free,
    Filled,
    Sealed,
}

impl Ring {
    /// Creates `count` buffers of `bytes` each; none if `bytes` is 0.
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        counters: &mut Counters,
        what: &str,
        bytes: u64,
        count: usize,
    ) -> Result<Self> {
        let count = if bytes == 0 { 0 } else { count };
        let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
        let stages = (0..count).map(|_| {
            let buffer = allocate(device, counters, what, bytes, usage, true)?;
            Ok(Stage {
                buffer,
                state: MapState::mapped(),
                after: None,
            })
        });
        Ok(Ring {
            stages: stages.collect::<Result<_>>()?,
            bytes,
            next: 0,
            used: Use::Free,
        })
    }

    /// Returns the bytes of each buffer.
    pub(in crate::exec::gpu) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether the next buffer is free.
    pub(in crate::exec::gpu) fn is_free(&self) -> bool {
        self.stages
            .get(self.next)
            .is_none_or(|s| s.state.is_settled())
    }

    /// Fills the next buffer from byte `start` on, and waits for it if it is in use. Each part is
    /// copied to its byte offset relative to `start`.
    pub(in crate::exec::gpu) fn fill<'a>(
        &mut self,
        device: &GpuDevice,
        start: u64,
        parts: impl Iterator<Item = (u64, &'a [u32])>,
    ) -> Result<()> {
        let none = || Error::internal("the upload ring", "it has no buffers");
        let stage = self.stages.get(self.next).ok_or_else(none)?;
        stage.state.wait(device, stage.after.as_ref())?;
        let mut view = match stage.buffer.get_mapped_range_mut(start..) {
            Ok(view) => view,
            Err(error) => return Err(device.lost(&error.to_string())),
        };
        for (offset, words) in parts {
            let bytes: &[u8] = bytemuck::cast_slice(words);
            let end = (offset as usize).saturating_add(bytes.len());
            if end > view.len() {
                return Err(Error::internal(
                    "the upload ring",
                    format!("a part ends at {end}"),
                ));
            }
            view.slice(offset as usize..end).copy_from_slice(bytes);
        }
        self.used = Use::Filled;
        Ok(())
    }

    /// Returns the buffer that is being filled. It can be copied from once it is sealed.
    pub(in crate::exec::gpu) fn buffer(&self) -> Result<&wgpu::Buffer> {
        let none = || Error::internal("the upload ring", "it has no buffers");
        let stage = self.stages.get(self.next).ok_or_else(none)?;
        Ok(&stage.buffer)
    }

    /// Unmaps the filled buffer, so that a submission can copy from it.
    pub(in crate::exec::gpu) fn seal(&mut self, device: &GpuDevice) -> Result<()> {
        if self.used == Use::Filled {
            let buffer = self.buffer()?;
            device.guarded("upload", 0, |_| buffer.unmap())?;
            self.used = Use::Sealed;
        }
        Ok(())
    }

    /// Notes that the sealed buffer is in use until `after` has finished. If the submission failed,
    /// call it without one, because the buffer must be mapped again.
    pub(in crate::exec::gpu) fn submitted(
        &mut self,
        device: &GpuDevice,
        after: Option<wgpu::SubmissionIndex>,
    ) -> Result<()> {
        if self.used != Use::Sealed {
            return Ok(());
        }
        if let Some(stage) = self.stages.get_mut(self.next) {
            stage.after = after;
            device.guarded("upload", 0, |_| {
                stage
                    .state
                    .ask(&stage.buffer, wgpu::MapMode::Write, self.bytes);
            })?;
            self.next = (self.next + 1) % self.stages.len();
            self.used = Use::Free;
        }
        Ok(())
    }
}
