//! Reads MNIST's IDX files of images and labels.
//!
//! The format: two zero bytes, the element type, the number of dimensions, each dimension as a
//! big-endian 32-bit number, then the elements in row-major order.

use std::ops::RangeInclusive;
use std::path::Path;

use super::dataset::Dataset;
use super::input::Input;
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The element type that MNIST and its successors use.
const UNSIGNED_BYTE: u8 = 0x08;

/// Reads images and their labels from two IDX files, each perhaps compressed with gzip.
///
/// A pixel of 0 to 255 becomes 0 to 1. A sample's shape is what the file says, e.g. `[28, 28]`; a
/// convolution wants a channel too: `.reshaped([1, 28, 28])`. The classes are the numbers from 0 to
/// the greatest label; [`Dataset::with_class_names`] names them.
///
/// # Errors
///
/// Where a file cannot be read, is no IDX file of unsigned bytes, or is shorter or longer than its
/// header says; where there are not as many labels as images, or none.
pub fn idx(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Dataset> {
    let (images, labels) = (images.as_ref(), labels.as_ref());
    let pixels = read(images, "images", 2..=4)?;
    let classes = read(labels, "labels", 1..=1)?;
    if pixels.count() != classes.count() {
        return Err(Error::data(
            labels.display().to_string(),
            format!(
                "there are {} labels for the {} images of {}",
                classes.count(),
                pixels.count(),
                images.display()
            ),
        ));
    }
    let labels: Vec<u32> = classes.bytes.iter().map(|&l| u32::from(l)).collect();
    let count = labels.iter().max().map_or(0, |&l| l as usize + 1);
    dataset(images, pixels, Targets::classes(labels, count))
}

/// Reads images alone, as [`idx()`] does, with nothing to predict.
///
/// # Errors
///
/// As [`idx()`].
pub fn idx_images(images: impl AsRef<Path>) -> Result<Dataset> {
    let images = images.as_ref();
    dataset(images, read(images, "images", 2..=4)?, Targets::Unlabelled)
}

fn dataset(path: &Path, pixels: Idx, targets: Targets) -> Result<Dataset> {
    let shape = Shape::from(pixels.dims.get(1..).unwrap_or(&[]));
    if pixels.bytes.is_empty() {
        return Err(Error::data(
            path.display().to_string(),
            format!(
                "there are {} images of shape {shape}, which is no data",
                pixels.count()
            ),
        ));
    }
    Dataset::from_bytes(pixels.bytes, shape, targets)
}

/// An IDX file of unsigned bytes; as many bytes as its dimensions say.
#[derive(Debug)]
struct Idx {
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Idx {
    fn count(&self) -> usize {
        self.dims.first().copied().unwrap_or(0)
    }
}

fn read(path: &Path, what: &str, ranks: RangeInclusive<u8>) -> Result<Idx> {
    let mut input = Input::open(path)?;
    let place = input.place();
    let wrong = |reason: String| Err(Error::data(&place, reason));

    let magic = input.take(4)?;
    let &[zero, zero_too, element, rank] = magic.as_slice() else {
        return wrong(format!(
            "the file has {} bytes, but an IDX header has at least 4",
            magic.len()
        ));
    };
    if (zero, zero_too) != (0, 0) {
        return wrong(format!(
            "an IDX file starts with two zero bytes, but this one with {zero:#04x} {zero_too:#04x}"
        ));
    }
    if element != UNSIGNED_BYTE {
        return wrong(format!(
            "the element type is {element:#04x}, but only unsigned bytes ({UNSIGNED_BYTE:#04x}) are read"
        ));
    }
    if !ranks.contains(&rank) {
        let (low, high) = ranks.into_inner();
        let range = if low == high {
            format!("{low}")
        } else {
            format!("{low} to {high}")
        };
        return wrong(format!(
            "there are {rank} dimensions, but {what} have {range}; are the images and the labels swapped?"
        ));
    }

    let header = input.take(4 * u64::from(rank))?;
    let dims: Vec<usize> = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&bytes| u32::from_be_bytes(bytes) as usize)
        .collect();
    if dims.len() != usize::from(rank) {
        return wrong(format!(
            "the header ends after {} bytes, but one of {rank} dimensions has {}",
            magic.len() + header.len(),
            4 + 4 * usize::from(rank)
        ));
    }
    let shape = Shape::from(dims.as_slice());
    let size = dims
        .iter()
        .try_fold(1u64, |size, &d| size.checked_mul(d as u64));
    let Some(size) = size else {
        return wrong(format!(
            "the header says {shape}, more bytes than any file can have"
        ));
    };

    let bytes = input.take(size)?;
    if bytes.len() as u64 != size {
        return wrong(format!(
            "the header says {shape}, which is {size} bytes, but {} follow",
            bytes.len()
        ));
    }
    match input.count_rest()? {
        0 => Ok(Idx { dims, bytes }),
        more => wrong(format!(
            "the header says {shape}, which is {size} bytes, but {} follow",
            size.saturating_add(more)
        )),
    }
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;
