//! Reads NumPy's `.npy` arrays.
//!
//! The format: `\x93NUMPY`, a version, the length of the header, the header as the text of a Python
//! dictionary (`{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`), then the elements.

use std::path::Path;

use super::dataset::Dataset;
use super::input::Input;
use super::npy_header::{Element, parse};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; those of NumPy are far shorter.
const LONGEST_HEADER: u64 = 1 << 20;

/// Reads features and targets from two `.npy` files. Each may be compressed with gzip.
///
/// `features` is `[n, ...sample_shape]`. Targets of an integer type, `[n]` or `[n, 1]`, are classes
/// from 0 to the largest; targets of a floating-point type, `[n]` or `[n, width]`, are values.
/// Elements may be `f4`, `f8`, `i4`, `i8` (little-endian) or `u1`, in C order. They are converted
/// to the nearest `f32`, without scaling.
///
/// # Errors
///
/// Returns an error if a file cannot be read, is not such an array, or is shorter or longer than
/// its header says; if the shapes do not match, or a number is NaN or infinite.
///
/// # Example
/// ```
/// use wgrad::data;
///
/// # let folder = tempfile::tempdir()?;
/// # let (x, y) = (folder.path().join("x.npy"), folder.path().join("y.npy"));
/// # let array = |descr: &str, shape: &str, data: &[u8]| {
/// #     let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
/// #     let length = (header.len() as u16).to_le_bytes();
/// #     [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
/// # };
/// # std::fs::write(&x, array("|u1", "2, 3", &[1, 2, 3, 4, 5, 6]))?;
/// # std::fs::write(&y, array("|u1", "2,", &[0, 1]))?;
/// let set = data::npy(&x, &y)?; // `x` is [2, 3], `y` is [2], of integers
/// assert_eq!(set.sample_shape().dims(), [3]);
/// assert_eq!((set.label(1), set.classes()), (Some(1), Some(2)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn npy(features: impl AsRef<Path>, targets: impl AsRef<Path>) -> Result<Dataset> {
    let samples = read(features.as_ref())?;
    let given = read(targets.as_ref())?;
    let targets = targets_of(given)?;
    dataset(samples, targets)
}

/// Reads features without targets, like [`npy()`].
///
/// # Errors
///
/// Returns the errors of [`npy()`].
pub fn npy_features(features: impl AsRef<Path>) -> Result<Dataset> {
    dataset(read(features.as_ref())?, Targets::Unlabelled)
}

/// An array in bytes; their number follows from the shape and the element type.
struct Array {
    place: String,
    element: Element,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Array {
    fn floats(&self) -> Vec<f32> {
        let bytes = &self.bytes;
        match self.element {
            Element::F4 => four(bytes).map(f32::from_le_bytes).collect(),
            Element::F8 => eight(bytes).map(|b| f64::from_le_bytes(b) as f32).collect(),
            Element::I4 => four(bytes).map(|b| i32::from_le_bytes(b) as f32).collect(),
            Element::I8 => eight(bytes).map(|b| i64::from_le_bytes(b) as f32).collect(),
            Element::U1 => bytes.iter().map(|&b| f32::from(b)).collect(),
        }
    }

    /// Returns the elements as integers, or `None` if their type is floating-point.
    fn integers(&self) -> Option<Vec<i64>> {
        let bytes = &self.bytes;
        match self.element {
            Element::F4 | Element::F8 => None,
            Element::I4 => Some(
                four(bytes)
                    .map(|b| i64::from(i32::from_le_bytes(b)))
                    .collect(),
            ),
            Element::I8 => Some(eight(bytes).map(i64::from_le_bytes).collect()),
            Element::U1 => Some(bytes.iter().map(|&b| i64::from(b)).collect()),
        }
    }
}

fn four(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.as_chunks().0.iter().copied()
}

fn eight(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    bytes.as_chunks().0.iter().copied()
}

fn dataset(samples: Array, targets: Targets) -> Result<Dataset> {
    let Some((_, sample)) = samples.dims.split_first() else {
        return Err(Error::data(
            samples.place,
            "expected an array of samples, found a single number",
        ));
    };
    let set = Dataset::from_arrays(samples.floats(), sample, targets);
    set.map_err(|error| in_file(&samples.place, error))
}

/// Prefixes an error's place with the file's name.
fn in_file(file: &str, error: Error) -> Error {
    match error {
        Error::Data { place, reason } => Error::data(format!("{file}: {place}"), reason),
        other => other,
    }
}

fn targets_of(array: Array) -> Result<Targets> {
    let wrong = |reason: String| Err(Error::data(&array.place, reason));
    let (&[_] | &[_, _]) = array.dims.as_slice() else {
        let shape = Shape::from(array.dims.as_slice());
        return wrong(format!(
            "targets are [n] or [n, width], but this array is {shape}"
        ));
    };
    let width = array.dims.get(1).copied().unwrap_or(1);
    let Some(labels) = array.integers() else {
        let targets = Targets::Values {
            values: array.floats(),
            width,
        };
        let n = array.dims.first().copied().unwrap_or(0);
        targets
            .check(n)
            .map_err(|error| in_file(&array.place, error))?;
        return Ok(targets);
    };
    if width != 1 {
        return wrong(format!(
            "there are {width} whole numbers for each sample, but a class is one; store values as \
             floating-point numbers"
        ));
    }
    // A larger label would make a list of class names that no model could use.
    const MOST: i64 = 1 << 20;
    if let Some((row, label)) = (0usize..)
        .zip(&labels)
        .find(|(_, l)| !(0..MOST).contains(*l))
    {
        return wrong(format!(
            "row {row}: the label {label} is not between 0 and {}",
            MOST - 1
        ));
    }
    let classes = labels.iter().max().map_or(0, |&l| l as usize + 1);
    Ok(Targets::classes(
        labels.iter().map(|&l| l as u32).collect(),
        classes,
    ))
}

fn read(path: &Path) -> Result<Array> {
    let mut input = Input::open(path)?;
    let place = input.place();
    let wrong = |reason: String| Error::data(&place, reason);

    let start = input.block(8)?;
    if start.len() < 8 || !start.starts_with(MAGIC) {
        return Err(wrong(
            "expected a .npy file, which starts with \\x93NUMPY, found another format".into(),
        ));
    }
    let version = start.get(6).copied().unwrap_or(0);
    let length = match version {
        1 => input.block(2)?,
        2 | 3 => input.block(4)?,
        _ => {
            return Err(wrong(format!(
                "version {version} of the format is not known"
            )));
        }
    };
    let length = length
        .iter()
        .rev()
        .fold(0u64, |n, &b| (n << 8) | u64::from(b));
    if length > LONGEST_HEADER {
        return Err(wrong(format!(
            "the header is said to have {length} bytes, but at most {LONGEST_HEADER} are read"
        )));
    }
    let header = input.block(length)?;
    if header.len() as u64 != length {
        return Err(wrong(format!(
            "the header is said to have {length} bytes, but {} follow",
            header.len()
        )));
    }
    let (element, dims) = parse(&String::from_utf8_lossy(&header)).map_err(wrong)?;

    let shape = Shape::from(dims.as_slice());
    let size = dims
        .iter()
        .try_fold(element.size(), |size, &d| size.checked_mul(d as u64))
        .ok_or_else(|| {
            wrong(format!(
                "the header says {shape}, more bytes than any file can have"
            ))
        })?;
    let bytes = input.block(size)?;
    let have = (bytes.len() as u64).saturating_add(input.count_rest()?);
    if have != size {
        return Err(wrong(format!(
            "the header says {shape}, which is {size} bytes, but {have} follow"
        )));
    }
    Ok(Array {
        place,
        element,
        dims,
        bytes,
    })
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
