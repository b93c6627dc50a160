//! A data set: samples of one shape, and their targets.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::arrays::Arrays;
use super::features::Features;
use super::targets::{Targets, slice};
use crate::error::{Error, Result};
use crate::shape::Shape;

/// A data set: samples of one shape, and their targets.
///
/// The arrays are shared: clones, splits and reshaped sets copy at most row numbers. Samples are
/// counted from 0 in the order of this set, whichever rows of the shared arrays they are.
///
/// Invariant: there is at least one sample, no sample is empty, and every number is finite.
///
/// # Example
/// ```
/// use wgrad::data::{Dataset, Targets};
///
/// let features = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let set = Dataset::from_arrays(features, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// assert_eq!((set.len(), set.classes()), (3, Some(2)));
/// assert_eq!(set.row(1).as_deref(), Some(&[2.0, 3.0][..]));
/// assert_eq!(set.label(2), Some(1));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone)]
pub struct Dataset {
    /// `[stored, ...sample_shape]`, row-major.
    pub(super) features: Arc<Features>,
    pub(super) targets: Arc<Targets>,
    pub(super) feature_names: Arc<Vec<String>>,
    pub(super) arrays: Arc<Arrays>,
    pub(super) sample_shape: Shape,
    /// The rows of the arrays in this set; `None` for all of them, in order.
    pub(super) rows: Option<Arc<Vec<u32>>>,
    pub(super) len: usize,
}

impl Dataset {
    /// Creates a data set from arrays: `features` is `[n, ...sample_shape]`, row-major, and
    /// `targets` are those of the `n` samples.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no samples, samples are empty, lengths do not match, a number
    /// is NaN or infinite, a label has no class, or there are more than 2^32 - 1 samples.
    pub fn from_arrays(
        features: Vec<f32>,
        sample_shape: impl Into<Shape>,
        targets: Targets,
    ) -> Result<Self> {
        let none = Vec::new();
        Self::with_names(features, sample_shape.into(), targets, none)
    }

    /// Creates a data set of images, or of other numbers of one byte: 0 to 255 become 0 to 1.
    /// `pixels` is `[n, ...sample_shape]`, row-major. The bytes are stored as they are, in a
    /// quarter of the memory of `f32`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`from_arrays`](Dataset::from_arrays), except that every byte is a
    /// valid number.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_bytes(vec![0, 255, 51, 0], [1, 2, 2], Targets::Unlabelled)?;
    /// assert_eq!(set.row(0).as_deref(), Some(&[0.0, 1.0, 0.2, 0.0][..]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn from_bytes(
        pixels: Vec<u8>,
        sample_shape: impl Into<Shape>,
        targets: Targets,
    ) -> Result<Self> {
        let features = Features::Bytes(pixels);
        Self::with_features(features, sample_shape.into(), targets, Vec::new())
    }

    /// Creates a data set like [`from_arrays`](Dataset::from_arrays), with a name for each element
    /// of a sample.
    pub(crate) fn with_names(
        features: Vec<f32>,
        sample_shape: Shape,
        targets: Targets,
        feature_names: Vec<String>,
    ) -> Result<Self> {
        let features = Features::Numbers(features);
        Self::with_features(features, sample_shape, targets, feature_names)
    }

    pub(super) fn with_features(
        features: Features,
        sample_shape: Shape,
        targets: Targets,
        feature_names: Vec<String>,
    ) -> Result<Self> {
        let size = sample_shape.len();
        if size == 0 {
            return Err(Error::data(
                "features",
                format!("samples of shape {sample_shape} have no elements"),
            ));
        }
        if features.len() == 0 {
            return Err(Error::data("features", "there are no samples"));
        }
        if !features.len().is_multiple_of(size) {
            return Err(Error::data(
                "features",
                format!(
                    "{} numbers do not divide into samples of shape {sample_shape} ({size} each)",
                    features.len()
                ),
            ));
        }
        let len = features.len() / size;
        if u32::try_from(len).is_err() {
            return Err(Error::data(
                "features",
                format!("there are {len} samples, but at most {} fit", u32::MAX),
            ));
        }
        check_names(&feature_names, size)?;
        if let Features::Numbers(numbers) = &features {
            check_finite(numbers, size, &feature_names)?;
        }
        targets.check(len)?;
        Ok(Dataset {
            features: Arc::new(features),
            targets: Arc::new(targets),
            feature_names: Arc::new(feature_names),
            arrays: Arc::default(),
            sample_shape,
            rows: None,
            len,
        })
    }

    /// Returns the number of samples, at least 1.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns `false`: no data set is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the shape of a sample.
    pub fn sample_shape(&self) -> &Shape {
        &self.sample_shape
    }

    /// Returns whether the features are stored as bytes, of which 255 is 1.
    pub(crate) fn has_bytes(&self) -> bool {
        matches!(self.features.as_ref(), Features::Bytes(_))
    }

    /// Returns the names of the elements of a sample, in row-major order; empty if they have none.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Returns the number of classes, or `None` if the targets are not classes.
    pub fn classes(&self) -> Option<usize> {
        match self.targets.as_ref() {
            Targets::Classes { names, .. } => Some(names.len()),
            _ => None,
        }
    }

    /// Returns the names of the classes, in the order of the labels; empty if the targets are not
    /// classes.
    pub fn class_names(&self) -> &[String] {
        match self.targets.as_ref() {
            Targets::Classes { names, .. } => names,
            _ => &[],
        }
    }

    /// Returns the number of target values of a sample, or `None` if the targets are not values.
    pub fn target_width(&self) -> Option<usize> {
        match self.targets.as_ref() {
            Targets::Values { width, .. } => Some(*width),
            _ => None,
        }
    }

    /// Returns the number of labels of a sample and the number of classes, or `None` if the targets
    /// are not several labels per sample.
    pub fn label_sequences(&self) -> Option<(usize, usize)> {
        match self.targets.as_ref() {
            Targets::Sequences { width, classes, .. } => Some((*width, *classes)),
            _ => None,
        }
    }

    /// Returns the features of sample `i`: `sample_shape` in row-major order. `None` past the end.
    pub fn row(&self, i: usize) -> Option<Cow<'_, [f32]>> {
        self.features.get(self.place(i)?)
    }

    /// Returns the range of sample `i` in the stored features.
    pub(super) fn place(&self, i: usize) -> Option<Range<usize>> {
        let (row, size) = (self.stored_row(i)?, self.sample_shape.len());
        Some(row * size..(row + 1) * size)
    }

    /// Returns the label of sample `i`; `None` past the end, or if the targets are not classes.
    pub fn label(&self, i: usize) -> Option<u32> {
        match self.targets.as_ref() {
            Targets::Classes { labels, .. } => labels.get(self.stored_row(i)?).copied(),
            _ => None,
        }
    }

    /// Returns the labels of sample `i`; `None` past the end, or if the targets are not several
    /// labels per sample.
    pub fn labels(&self, i: usize) -> Option<&[u32]> {
        match self.targets.as_ref() {
            Targets::Sequences { labels, width, .. } => slice(labels, self.stored_row(i)?, *width),
            _ => None,
        }
    }

    /// Returns the target values of sample `i`; `None` past the end, or if the targets are not
    /// values.
    pub fn values(&self, i: usize) -> Option<&[f32]> {
        match self.targets.as_ref() {
            Targets::Values { values, width } => slice(values, self.stored_row(i)?, *width),
            _ => None,
        }
    }

    /// Returns all features, `[n, ...sample_shape]`: borrowed if this set is the whole of its
    /// arrays, copied if it is a part of them, is made of bytes or is on disk. Those that cannot be
    /// read from the disk are NaN.
    pub fn features_all(&self) -> Cow<'_, [f32]> {
        if self.rows.is_none() {
            return self.features.all();
        }
        let mut all = Vec::with_capacity(self.len * self.sample_shape.len());
        for place in (0..self.len).filter_map(|i| self.place(i)) {
            let want = all.len() + self.sample_shape.len();
            if !matches!(self.features.append(place, &mut all), Ok(true)) {
                all.resize(want, f32::NAN);
            }
        }
        Cow::Owned(all)
    }

    /// Returns all targets, in the order of the samples; borrowed or copied like
    /// [`features_all`](Dataset::features_all).
    pub fn targets_all(&self) -> Cow<'_, Targets> {
        match &self.rows {
            None => Cow::Borrowed(&self.targets),
            Some(rows) => Cow::Owned(self.targets.select(rows)),
        }
    }

    /// Returns the set of the given samples of this set, which must exist.
    pub(crate) fn view(&self, samples: &[u32]) -> Dataset {
        let rows: Vec<u32> = match &self.rows {
            None => samples.to_vec(),
            Some(rows) => samples
                .iter()
                .filter_map(|&i| rows.get(i as usize).copied())
                .collect(),
        };
        Dataset {
            len: rows.len(),
            rows: Some(Arc::new(rows)),
            ..self.clone()
        }
    }

    pub(super) fn wrong_targets(&self, needed: &str) -> Error {
        let have = match self.targets.as_ref() {
            Targets::Classes { .. } => "the targets of this set are classes",
            Targets::Sequences { .. } => "the targets of this set are several labels a sample",
            Targets::Values { .. } => "the targets of this set are values",
            Targets::Unlabelled => "this set has no targets",
        };
        Error::data("targets", format!("{needed}, but {have}"))
    }

    /// Returns whether the features are in a file; see [`DatasetWriter`](super::DatasetWriter).
    pub fn is_on_disk(&self) -> bool {
        matches!(*self.features, Features::Disk(_))
    }

    /// Returns the position of sample `i` among the samples that the set was created with.
    pub fn stored_row(&self, i: usize) -> Option<usize> {
        match &self.rows {
            None => (i < self.len).then_some(i),
            Some(rows) => rows.get(i).map(|&row| row as usize),
        }
    }
}

pub(super) fn check_names(names: &[String], size: usize) -> Result<()> {
    if names.is_empty() || names.len() == size {
        return Ok(());
    }
    Err(Error::data(
        "feature names",
        format!(
            "there are {} names for samples of {size} elements",
            names.len()
        ),
    ))
}

fn check_finite(features: &[f32], size: usize, names: &[String]) -> Result<()> {
    // In blocks, because a search that may stop at any number is not vectorized.
    const BLOCK: usize = 1 << 14;
    let finite = |block: &[f32]| block.iter().fold(true, |all, v| all & v.is_finite());
    let blocks = features.par_chunks(BLOCK);
    let Some(block) = blocks.position_first(|block| !finite(block)) else {
        return Ok(());
    };
    let mut rest = (0usize..).zip(features).skip(block * BLOCK);
    let Some((i, value)) = rest.find(|(_, v)| !v.is_finite()) else {
        return Ok(());
    };
    let column = match names.get(i % size) {
        Some(name) => format!("{name:?}"),
        None => (i % size).to_string(),
    };
    Err(Error::data(
        format!("features row {}, column {column}", i / size),
        format!("the value is {value}, which is not finite"),
    ))
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
