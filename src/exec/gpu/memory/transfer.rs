//! Writes and reads of slots on demand, between the runs of the program.

use crate::exec::Counters;
use crate::exec::gpu::device::GpuDevice;
use crate::plan::Slot;
use crate::{DType, Result};

use super::buffers::Buffers;
use super::fetch::Fetch;
use super::half_precision;
use super::upload::Ring;

/// The bytes of the largest staging buffer for writes, and for reads.
pub(in crate::exec::gpu) const MAX_STAGING_BYTES: u64 = 4 << 20;

/// The staging buffers of writes and reads.
pub(in crate::exec::gpu) struct Transfer {
    writes: Ring,
    reads: Fetch,
}

impl Transfer {
    /// Creates the staging for the given largest write and read, in chunks of
    /// [`MAX_STAGING_BYTES`].
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        counters: &mut Counters,
        written: u64,
        read: u64,
    ) -> Result<Self> {
        let written = written.min(MAX_STAGING_BYTES);
        Ok(Transfer {
            writes: Ring::new(device, counters, "staging of variables", written, 2)?,
            reads: Fetch::new(device, counters, read.min(MAX_STAGING_BYTES))?,
        })
    }

    /// Reads the first `words` words of a slot of a plan, after all previous submissions.
    pub(in crate::exec::gpu) fn read(
        &self,
        (device, buffers): (&GpuDevice, &Buffers),
        (plan, slot): (usize, Slot),
        words: usize,
    ) -> Result<Vec<u32>> {
        device.check()?;
        let whole = Slot {
            bytes: (words as u64).saturating_mul(4),
            ..slot
        };
        let buffer = buffers.find(plan, whole)?;
        self.reads.read(device, buffer, slot.offset, words)
    }

    /// Overwrites the start of a slot of a plan, before all later submissions.
    pub(in crate::exec::gpu) fn write(
        &mut self,
        (device, buffers, counters): (&GpuDevice, &Buffers, &mut Counters),
        (plan, slot): (usize, Slot),
        words: &[u32],
    ) -> Result<()> {
        device.check()?;
        let whole = Slot {
            bytes: words.len() as u64 * 4,
            ..slot
        };
        let buffer = buffers.find(plan, whole)?;
        if self.writes.bytes() == 0 {
            // Happens only when a program without variables is debugged.
            self.writes = Ring::new(device, counters, "staging of words", MAX_STAGING_BYTES, 2)?;
        }
        let chunk = (self.writes.bytes() / 4) as usize;
        let mut at = slot.offset;
        for part in words.chunks(chunk.max(1)) {
            let bytes = part.len() as u64 * 4;
            self.writes.fill(device, 0, std::iter::once((0, part)))?;
            self.writes.seal(device)?;
            let stage = self.writes.buffer()?;
            let lock = device.submit_lock();
            let after = device.guarded("writing", 0, |d| {
                let mut encoder = d.create_command_encoder(&Default::default());
                encoder.copy_buffer_to_buffer(stage, 0, buffer, at, bytes);
                device.wgpu().1.submit([encoder.finish()])
            });
            drop(lock);
            self.writes
                .submitted(device, after.as_ref().ok().cloned())?;
            after?;
            at += bytes;
        }
        Ok(())
    }

    /// Reads the first `len` elements of a slot, as a word each.
    pub(in crate::exec::gpu) fn read_elements(
        &self,
        of: (&GpuDevice, &Buffers),
        at: (usize, Slot),
        dtype: DType,
        len: usize,
    ) -> Result<Vec<u32>> {
        let words = self.read(of, at, half_precision::words(dtype, len))?;
        Ok(half_precision::unpack(dtype, words, len))
    }

    /// Overwrites the first elements of a slot, given as a word each.
    pub(in crate::exec::gpu) fn write_elements(
        &mut self,
        of: (&GpuDevice, &Buffers, &mut Counters),
        at: (usize, Slot),
        dtype: DType,
        elements: &[u32],
    ) -> Result<()> {
        self.write(of, at, &half_precision::pack(dtype, elements))
    }
}
