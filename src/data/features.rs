//! The features of all samples, as they are kept: numbers, or pixels of a byte each.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

/// Bytes that a thread turns into numbers at a time, at least.
const LEAST: usize = 1 << 16;

/// What samples are made of, row-major. Both kinds are numbers to who asks; bytes take a quarter of the memory.
#[derive(Debug)]
pub(super) enum Features {
    Numbers(Vec<f32>),
    /// A byte `b` is the number `b / 255`.
    Bytes(Vec<u8>),
}

impl Features {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Features::Numbers(numbers) => numbers.len(),
            Features::Bytes(bytes) => bytes.len(),
        }
    }

    /// Numbers in a row; `None` past the end.
    pub fn get(&self, range: Range<usize>) -> Option<Cow<'_, [f32]>> {
        Some(match self {
            Features::Numbers(numbers) => Cow::Borrowed(numbers.get(range)?),
            Features::Bytes(bytes) => Cow::Owned(numbers(bytes.get(range)?).collect()),
        })
    }

    /// Appends numbers in a row; whether they are there.
    pub fn append(&self, range: Range<usize>, out: &mut Vec<f32>) -> bool {
        match self {
            Features::Numbers(numbers) => {
                let found = numbers.get(range);
                out.extend_from_slice(found.unwrap_or_default());
                found.is_some()
            }
            Features::Bytes(bytes) => {
                let found = bytes.get(range);
                // Batch after batch comes this way: in the widest vectors that there are.
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || out.extend(numbers(found.unwrap_or_default())),
                );
                found.is_some()
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> Cow<'_, [f32]> {
        match self {
            Features::Numbers(numbers) => Cow::Borrowed(numbers),
            Features::Bytes(bytes) => {
                let numbers = bytes.par_iter().with_min_len(LEAST);
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
