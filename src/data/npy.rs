//! Reads NumPy's `.npy` arrays.
//!
//! The format: `\x93NUMPY`, a version, the length of the header, the header as the text of a Python
//! dictionary (`{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`), then the elements.

#[cfg(feature = "npz")]
mod npz;
#[cfg(not(feature = "npz"))]
#[path = "npy/no_npz.rs"]
mod npz;

use std::io::{self, Read};
use std::path::Path;

use super::dataset::Dataset;
use super::input::Input;
use super::npy_header::{Element, Header};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; those of NumPy are far shorter.
const LONGEST_HEADER: u64 = 1 << 20;

/// Reads features and targets from two `.npy` files. Each may be compressed with gzip. With the
/// feature `npz`, each may be an array of an `.npz` archive: `d.npz:x` is the array `x` of `d.npz`.
///
/// `features` is `[n, ...sample_shape]`. Targets of an integer type, `[n]` or `[n, 1]`, are classes
/// from 0 to the largest; targets of a floating-point type, `[n]` or `[n, width]`, are values, and
/// so are booleans `[n, width]`. Elements may be `f2`, `f4`, `f8`, `i1` to `i8`, `u1` to `u8` or
/// `b1`, in either byte order, and in C or Fortran order. They are converted to the nearest `f32`,
/// without scaling. Only features of type `u1` with two or more axes in a sample are images: 0 to
/// 255 become 0 to 1, as in [`idx()`](super::idx()).
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

/// An array in C order and little-endian bytes; their number follows from the shape and the element
/// type.
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
            Element::F2 => each(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
            Element::F4 => each(bytes, f32::from_le_bytes),
            Element::F8 => each(bytes, |b| f64::from_le_bytes(b) as f32),
            Element::I1 => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
            Element::I2 => each(bytes, |b| f32::from(i16::from_le_bytes(b))),
            Element::I4 => each(bytes, |b| i32::from_le_bytes(b) as f32),
            Element::I8 => each(bytes, |b| i64::from_le_bytes(b) as f32),
            Element::U1 => each(bytes, |[b]| f32::from(b)),
            Element::U2 => each(bytes, |b| f32::from(u16::from_le_bytes(b))),
            Element::U4 => each(bytes, |b| u32::from_le_bytes(b) as f32),
            Element::U8 => each(bytes, |b| u64::from_le_bytes(b) as f32),
            Element::B1 => each(bytes, |[b]| f32::from(u8::from(b != 0))),
        }
    }

    /// Returns the elements as integers, or `None` if their type is floating-point.
    fn integers(&self) -> Option<Vec<i128>> {
        let bytes = &self.bytes;
        Some(match self.element {
            Element::F2 | Element::F4 | Element::F8 => return None,
            Element::I1 => each(bytes, |b| i8::from_le_bytes(b).into()),
            Element::I2 => each(bytes, |b| i16::from_le_bytes(b).into()),
            Element::I4 => each(bytes, |b| i32::from_le_bytes(b).into()),
            Element::I8 => each(bytes, |b| i64::from_le_bytes(b).into()),
            Element::U1 => each(bytes, |[b]| b.into()),
            Element::U2 => each(bytes, |b| u16::from_le_bytes(b).into()),
            Element::U4 => each(bytes, |b| u32::from_le_bytes(b).into()),
            Element::U8 => each(bytes, |b| u64::from_le_bytes(b).into()),
            Element::B1 => each(bytes, |[b]| i128::from(b != 0)),
        })
    }
}

fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
    let elements = bytes.as_chunks().0.iter();
    elements.map(|&element| convert(element)).collect()
}

fn dataset(samples: Array, targets: Targets) -> Result<Dataset> {
    let Some((_, sample)) = samples.dims.split_first() else {
        return Err(Error::data(
            samples.place,
            "expected an array of samples, found a single number",
        ));
    };
    let set = match samples.element {
        Element::U1 if sample.len() >= 2 => Dataset::from_bytes(samples.bytes, sample, targets),
        _ => Dataset::from_arrays(samples.floats(), sample, targets),
    };
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
    let labels = match array.element {
        // Several booleans of a sample are labels, each present or absent.
        Element::B1 if width > 1 => None,
        _ => array.integers(),
    };
    let Some(labels) = labels else {
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
    const MOST: i128 = 1 << 20;
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
    if let Some((archive, name)) = npz::split(path) {
        return npz::read(&archive, &name);
    }
    let mut input = Input::open(path)?;
    let place = input.place();
    let failed = |error: io::Error| match error.get_ref() {
        // The compressed data is damaged.
        Some(_) => Error::data(&place, error.to_string()),
        None => Error::io(path, "read")(error),
    };
    parse(&mut input, &place, &failed)
}

/// Reads an array from the bytes of a `.npy` file. `failed` converts an error of reading them.
fn parse(input: &mut dyn Read, place: &str, failed: &dyn Fn(io::Error) -> Error) -> Result<Array> {
    let wrong = |reason: String| Error::data(place, reason);
    let mut block = |limit: u64| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut *input, limit).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(failed)
    };

    let start = block(8)?;
    if start.len() < 8 || !start.starts_with(MAGIC) {
        let found = match start.starts_with(b"PK\x03\x04") {
            true => "an .npz archive; name an array in it, such as \"d.npz:x\"",
            false => "another format",
        };
        return Err(wrong(format!(
            "expected a .npy file, which starts with \\x93NUMPY, found {found}"
        )));
    }
    let version = start.get(6).copied().unwrap_or(0);
    let length = match version {
        1 => block(2)?,
        2 | 3 => block(4)?,
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
    let header = block(length)?;
    if header.len() as u64 != length {
        return Err(wrong(format!(
            "the header is said to have {length} bytes, but {} follow",
            header.len()
        )));
    }
    let header = Header::parse(&String::from_utf8_lossy(&header)).map_err(wrong)?;

    let shape = Shape::from(header.dims.as_slice());
    let size = header
        .dims
        .iter()
        .try_fold(header.element.size() as u64, |size, &d| {
            size.checked_mul(d as u64)
        })
        .ok_or_else(|| {
            wrong(format!(
                "the header says {shape}, more bytes than any file can have"
            ))
        })?;
    let bytes = block(size)?;
    let rest = io::copy(input, &mut io::sink()).map_err(failed)?;
    let have = (bytes.len() as u64).saturating_add(rest);
    if have != size {
        return Err(wrong(format!(
            "the header says {shape}, which is {size} bytes, but {have} follow"
        )));
    }
    Ok(Array {
        place: place.to_string(),
        element: header.element,
        bytes: header.in_c_order(bytes),
        dims: header.dims,
    })
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
