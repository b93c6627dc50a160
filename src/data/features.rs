//! The stored features of all samples: `f32` numbers, bytes, or numbers in a file.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use rayon::prelude::*;

use super::disk::DiskRows;

/// The smallest number of bytes that a thread converts at a time.
const MIN_BYTES_PER_THREAD: usize = 1 << 16;

/// The features of all samples, row-major. All kinds are read as `f32`; bytes take a quarter of
/// the memory, and numbers in a file almost none.
#[derive(Debug)]
pub(super) enum Features {
    Numbers(Vec<f32>),
    /// A byte `b` is the number `b / 255`.
    Bytes(Vec<u8>),
    Disk(DiskRows),
}

impl Features {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Features::Numbers(numbers) => numbers.len(),
            Features::Bytes(bytes) => bytes.len(),
            Features::Disk(rows) => rows.len(),
        }
    }

    /// Returns a range of elements; `None` past the end, or if a file cannot be read.
    pub fn get(&self, range: Range<usize>) -> Option<Cow<'_, [f32]>> {
        Some(match self {
            Features::Numbers(numbers) => Cow::Borrowed(numbers.get(range)?),
            Features::Bytes(bytes) => Cow::Owned(numbers(bytes.get(range)?).collect()),
            Features::Disk(rows) => {
                let mut out = Vec::with_capacity(range.len());
                let found = rows.append(range, &mut out).unwrap_or(false);
                found.then_some(Cow::Owned(out))?
            }
        })
    }

    /// Appends a range of elements; returns whether it exists.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read.
    pub fn append(&self, range: Range<usize>, out: &mut Vec<f32>) -> io::Result<bool> {
        Ok(match self {
            Features::Numbers(numbers) => {
                let found = numbers.get(range);
                out.extend_from_slice(found.unwrap_or_default());
                found.is_some()
            }
            Features::Bytes(bytes) => {
                let found = bytes.get(range);
                // Every batch takes this path, so it uses the widest vectors available.
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || out.extend(numbers(found.unwrap_or_default())),
                );
                found.is_some()
            }
            Features::Disk(rows) => rows.append(range, out)?,
        })
    }

    /// Returns all elements; NaN for those of a file that cannot be read.
    pub fn all(&self) -> Cow<'_, [f32]> {
        match self {
            Features::Disk(rows) => {
                let mut out = Vec::new();
                if !matches!(rows.append(0..rows.len(), &mut out), Ok(true)) {
                    out = vec![f32::NAN; rows.len()];
                }
                Cow::Owned(out)
            }
            Features::Numbers(numbers) => Cow::Borrowed(numbers),
            Features::Bytes(bytes) => {
                let numbers = bytes.par_iter().with_min_len(MIN_BYTES_PER_THREAD);
                Cow::Owned(numbers.map(|&byte| number(byte)).collect())
            }
        }
    }
}

#[inline(always)]
fn number(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

#[inline(always)]
fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.iter().map(|&byte| number(byte))
}
