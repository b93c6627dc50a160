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
    let shape = Shape::from(pixels.dims.get(1..).unwrap_or(&[]));
    if pixels.bytes.is_empty() {
        return Err(Error::data(
            images.display().to_string(),
            format!(
                "there are {} images of shape {shape}, which is no data",
                pixels.count()
            ),
        ));
    }
    let features = pixels.bytes.iter().map(|&p| f32::from(p) / 255.0).collect();
    let labels: Vec<u32> = classes.bytes.iter().map(|&l| u32::from(l)).collect();
    let count = labels.iter().max().map_or(0, |&l| l as usize + 1);
    Dataset::from_arrays(features, shape, Targets::classes(labels, count))
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
mod tests {
    use super::*;
    use crate::data::input::tests::{file, gzip};

    fn bytes(magic: [u8; 4], dims: &[u32], data: &[u8]) -> Vec<u8> {
        let dims = dims.iter().flat_map(|d| d.to_be_bytes());
        magic
            .into_iter()
            .chain(dims)
            .chain(data.iter().copied())
            .collect()
    }

    const IMAGES: [u8; 4] = [0, 0, 8, 3];
    const LABELS: [u8; 4] = [0, 0, 8, 1];

    fn images() -> Vec<u8> {
        bytes(IMAGES, &[2, 1, 3], &[0, 51, 255, 102, 0, 1])
    }

    fn labels() -> Vec<u8> {
        bytes(LABELS, &[2], &[3, 0])
    }

    fn load(images: &[u8], labels: &[u8]) -> Result<Dataset> {
        let (_a, images) = file("images", images);
        let (_b, labels) = file("labels", labels);
        idx(images, labels)
    }

    /// The error's text from the file's name on, for the folder differs in every run.
    fn refused(images: &[u8], labels: &[u8]) -> String {
        let text = load(images, labels).unwrap_err().to_string();
        text.split_once(std::path::MAIN_SEPARATOR)
            .map_or(text.clone(), |_| {
                let start = text.find("images: ").or(text.find("labels: ")).unwrap();
                text[start..].to_string()
            })
    }

    #[test]
    fn pixels_are_scaled_and_labels_counted() {
        for (images, labels) in [(images(), labels()), (gzip(&images()), gzip(&labels()))] {
            let set = load(&images, &labels).unwrap();
            assert_eq!(set.sample_shape(), &Shape::from([1, 3]));
            let want = [0.0, 0.2, 1.0, 0.4, 0.0, 1.0 / 255.0];
            assert_eq!(set.features_all().as_ref(), want);
            assert_eq!(set.targets_all().as_ref(), &Targets::classes(vec![3, 0], 4));
        }
    }

    #[test]
    fn what_is_no_idx_file_is_refused() {
        assert_eq!(
            refused(&[0, 0], &labels()),
            "images: the file has 2 bytes, but an IDX header has at least 4"
        );
        assert_eq!(
            refused(b"%PDF-1.4", &labels()),
            "images: an IDX file starts with two zero bytes, but this one with 0x25 0x50"
        );
        assert_eq!(
            refused(&bytes([0, 0, 0x0d, 3], &[1, 1, 1], &[0; 4]), &labels()),
            "images: the element type is 0x0d, but only unsigned bytes (0x08) are read"
        );
        assert_eq!(
            refused(&labels(), &images()),
            "images: there are 1 dimensions, but images have 2 to 4; are the images and the labels \
             swapped?"
        );
        assert_eq!(
            refused(&images(), &images()),
            "labels: there are 3 dimensions, but labels have 1; are the images and the labels swapped?"
        );
    }

    #[test]
    fn byte_counts_must_match_the_header() {
        let whole = images();
        assert_eq!(
            refused(&whole[..10], &labels()),
            "images: the header ends after 10 bytes, but one of 3 dimensions has 16"
        );
        assert_eq!(
            refused(&whole[..whole.len() - 1], &labels()),
            "images: the header says [2, 1, 3], which is 6 bytes, but 5 follow"
        );
        assert_eq!(
            refused(&[&whole[..], &[0, 0]].concat(), &labels()),
            "images: the header says [2, 1, 3], which is 6 bytes, but 8 follow"
        );
        assert_eq!(
            refused(&whole, &bytes(LABELS, &[2], &[1])),
            "labels: the header says [2], which is 2 bytes, but 1 follow"
        );
    }

    /// A few bytes must not make the reader ask for terabytes.
    #[test]
    fn an_absurd_header_allocates_nothing() {
        let huge = bytes(IMAGES, &[u32::MAX, 1000, 1000], &[1, 2, 3]);
        assert_eq!(
            refused(&huge, &labels()),
            "images: the header says [4294967295, 1000, 1000], which is 4294967295000000 bytes, but 3 \
             follow"
        );
        let overflow = bytes(IMAGES, &[u32::MAX; 3], &[]);
        assert_eq!(
            refused(&overflow, &labels()),
            "images: the header says [4294967295, 4294967295, 4294967295], more bytes than any file can \
             have"
        );
    }

    #[test]
    fn counts_must_agree_and_not_be_zero() {
        let three = bytes(LABELS, &[3], &[0, 1, 2]);
        assert!(
            refused(&images(), &three)
                .starts_with("labels: there are 3 labels for the 2 images of ")
        );
        assert_eq!(
            refused(&bytes(IMAGES, &[0, 28, 28], &[]), &bytes(LABELS, &[0], &[])),
            "images: there are 0 images of shape [28, 28], which is no data"
        );
        assert_eq!(
            refused(&bytes(IMAGES, &[2, 0, 28], &[]), &labels()),
            "images: there are 2 images of shape [0, 28], which is no data"
        );
    }
}
