//! Reads of any size, on demand.

use crate::exec::Counters;
use crate::{Error, Result};

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::buffers::allocate;
use crate::exec::gpu::memory::upload::MapState;

/// A buffer through which words are read in chunks.
pub(in crate::exec::gpu) struct Fetch {
    buffer: wgpu::Buffer,
}

impl Fetch {
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        counters: &mut Counters,
        bytes: u64,
    ) -> Result<Self> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let buffer = allocate(device, counters, "reads", bytes, usage, false)?;
        Ok(Fetch { buffer })
    }

    /// Reads `count` words of `source` from byte `offset` on, after all previous submissions.
    pub(in crate::exec::gpu) fn read(
        &self,
        device: &GpuDevice,
        source: &wgpu::Buffer,
        offset: u64,
        count: usize,
    ) -> Result<Vec<u32>> {
        let total = count as u64 * 4;
        let mut words = Vec::new();
        words
            .try_reserve_exact(count)
            .map_err(|_| Error::OutOfMemory {
                what: "a copy in the host's memory".to_string(),
                bytes: total,
                device: "the computer".to_string(),
            })?;
        let mut done = 0;
        while done < total {
            let bytes = (total - done).min(self.buffer.size());
            self.chunk(device, source, offset + done, bytes, &mut words)?;
            done += bytes;
        }
        Ok(words)
    }

    fn chunk(
        &self,
        device: &GpuDevice,
        source: &wgpu::Buffer,
        offset: u64,
        bytes: u64,
        words: &mut Vec<u32>,
    ) -> Result<()> {
        let state = MapState::mapped();
        let lock = device.submit_lock();
        let after = device.guarded("reading", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(source, offset, &self.buffer, 0, bytes);
            let after = device.wgpu().1.submit([encoder.finish()]);
            state.ask(&self.buffer, wgpu::MapMode::Read, bytes);
            after
        });
        drop(lock);
        let arrived = after.and_then(|after| state.wait(device, Some(&after)));
        if let Err(error) = arrived {
            // Unmapped even after a failure, so that the next read can start over.
            self.buffer.unmap();
            return Err(error);
        }
        let view = match self.buffer.get_mapped_range(..bytes) {
            Ok(view) => view,
            Err(error) => return Err(device.lost(&error.to_string())),
        };
        words.extend(view.chunks_exact(4).map(word));
        drop(view);
        device.guarded("reading", 0, |_| self.buffer.unmap())
    }
}

/// Returns a word of the device's memory, which is always little-endian.
pub(in crate::exec::gpu) fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u32::from(byte))
}
