//! The stored features of all samples: `f32` numbers, or bytes.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

/// The smallest number of bytes that a thread converts at a time.
const MIN_BYTES_PER_THREAD: usize = 1 << 16;

/// The features of all samples, row-major. Both kinds are read as `f32`; bytes take a quarter of
/// the memory.
#[derive(Debug)]
pub(super) enum Features {
    Numbers(Vec<f32>),
    /// A byte `b` is the number `b / 255`.
    Bytes(Vec<u8>),
}

impl Features {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Features::Numbers(numbers) => numbers.len(),
            Features::Bytes(bytes) => bytes.len(),
        }
    }

    /// Returns a range of elements; `None` past the end.
    pub fn get(&self, range: Range<usize>) -> Option<Cow<'_, [f32]>> {
        Some(match self {
            Features::Numbers(numbers) => Cow::Borrowed(numbers.get(range)?),
            Features::Bytes(bytes) => Cow::Owned(numbers(bytes.get(range)?).collect()),
        })
    }

    /// Appends a range of elements; returns whether it exists.
    pub fn append(&self, range: Range<usize>, out: &mut Vec<f32>) -> bool {
        match self {
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
        }
    }

    /// Returns all elements.
    pub fn all(&self) -> Cow<'_, [f32]> {
        match self {
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
