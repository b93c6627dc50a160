//! Reads the IDX files of MNIST: images and labels.
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

/// The element type of MNIST and similar data sets.
const UNSIGNED_BYTE: u8 = 0x08;

/// Reads images and their labels from two IDX files. Each may be compressed with gzip.
///
/// Pixels from 0 to 255 become numbers from 0 to 1. The shape of a sample is that of the file, e.g.
/// `[28, 28]`; add a channel for a convolution: `.reshaped([1, 28, 28])`. The classes are the
/// numbers from 0 to the largest label; [`Dataset::with_class_names`] names them.
///
/// # Errors
///
/// Returns an error if a file cannot be read, is not an IDX file of unsigned bytes, or is shorter
/// or longer than its header says; if the numbers of labels and images differ, or there are none.
///
/// # Example
/// ```
/// use wgrad::data;
///
/// let folder = tempfile::tempdir()?;
/// let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
/// std::fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 255, 0])?;
/// std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 1, 0])?;
/// let set = data::idx(&images, &labels)?.reshaped([1, 1, 2])?;
/// assert_eq!(set.row(0).as_deref(), Some(&[0.0, 1.0][..]));
/// assert_eq!((set.label(0), set.classes()), (Some(1), Some(2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// Reads images without labels, like [`idx()`].
///
/// # Errors
///
/// Returns the errors of [`idx()`].
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
                "expected at least one image of at least one pixel, found {} images of shape {shape}",
                pixels.count()
            ),
        ));
    }
    Dataset::from_bytes(pixels.bytes, shape, targets)
}

/// An IDX file of unsigned bytes; the number of bytes is the product of its dimensions.
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

    let magic = input.block(4)?;
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

    let header = input.block(4 * u64::from(rank))?;
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

    let bytes = input.block(size)?;
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
