//! A data set: samples of one shape, and what a model is trained to give for each.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::arrays::Arrays;
use super::features::Features;
use super::targets::{Targets, slice};
use crate::error::{Error, Result};
use crate::shape::Shape;

/// Samples of one shape, and what a model is trained to give for each.
///
/// The arrays are shared: a clone, a split or a new shape copies row numbers at most. Samples are
/// counted from 0 in the order of this set, whichever rows of the shared arrays they are.
///
/// Invariant: there is at least one sample, no sample is of size 0, and every number is finite.
#[derive(Clone)]
pub struct Dataset {
    /// `[stored, ...sample_shape]`, row-major.
    pub(super) features: Arc<Features>,
    pub(super) targets: Arc<Targets>,
    pub(super) feature_names: Arc<Vec<String>>,
    pub(super) arrays: Arc<Arrays>,
    pub(super) sample_shape: Shape,
    /// Which rows of the arrays this set is made of; `None` for all of them, in order.
    pub(super) rows: Option<Arc<Vec<u32>>>,
    pub(super) len: usize,
}

impl Dataset {
    /// A data set of a program's own arrays: `features` is `[n, ...sample_shape]`, row-major, and
    /// `targets` fits the `n` samples.
    ///
    /// # Errors
    ///
    /// Where there is no sample, a sample has no element, lengths do not match, a number is NaN or
    /// infinite, a label names no class, or there are more than 2^32 - 1 samples.
    pub fn from_arrays(
        features: Vec<f32>,
        sample_shape: impl Into<Shape>,
        targets: Targets,
    ) -> Result<Self> {
        let none = Vec::new();
        Self::with_names(features, sample_shape.into(), targets, none)
    }

    /// A data set of images, or other numbers of a byte each: 0 to 255 are 0 to 1. `pixels` is `[n, ...sample_shape]`,
    /// row-major, and stays as it is, in a quarter of the memory that `f32` would take.
    ///
    /// # Errors
    ///
    /// As [`from_arrays`](Dataset::from_arrays), but that every byte is a number.
    pub fn from_bytes(
        pixels: Vec<u8>,
        sample_shape: impl Into<Shape>,
        targets: Targets,
    ) -> Result<Self> {
        let features = Features::Bytes(pixels);
        Self::with_features(features, sample_shape.into(), targets, Vec::new())
    }

    /// As [`from_arrays`](Dataset::from_arrays), with a name for each element of a sample.
    pub(super) fn with_names(
        features: Vec<f32>,
        sample_shape: Shape,
        targets: Targets,
        feature_names: Vec<String>,
    ) -> Result<Self> {
        let features = Features::Numbers(features);
        Self::with_features(features, sample_shape, targets, feature_names)
    }

    fn with_features(
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

    /// How many samples, at least 1.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Always `false`: no data set is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The shape of one sample.
    pub fn sample_shape(&self) -> &Shape {
        &self.sample_shape
    }

    /// What each element of a sample is called, in row-major order; empty where nobody said.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// How many classes there are, `None` where the targets are no classes.
    pub fn classes(&self) -> Option<usize> {
        match self.targets.as_ref() {
            Targets::Classes { names, .. } => Some(names.len()),
            _ => None,
        }
    }

    /// What the classes are called, in the order of the labels; empty where the targets are no classes.
    pub fn class_names(&self) -> &[String] {
        match self.targets.as_ref() {
            Targets::Classes { names, .. } => names,
            _ => &[],
        }
    }

    /// How many target values a sample has, `None` where the targets are no values.
    pub fn target_width(&self) -> Option<usize> {
        match self.targets.as_ref() {
            Targets::Values { width, .. } => Some(*width),
            _ => None,
        }
    }

    /// How many labels a sample has and how many classes there are, `None` where the targets are not
    /// several labels a sample.
    pub fn label_sequences(&self) -> Option<(usize, usize)> {
        match self.targets.as_ref() {
            Targets::Sequences { width, classes, .. } => Some((*width, *classes)),
            _ => None,
        }
    }

    /// The features of sample `i`: `sample_shape` in row-major order. `None` past the end.
    pub fn row(&self, i: usize) -> Option<Cow<'_, [f32]>> {
        self.features.get(self.place(i)?)
    }

    /// Where sample `i` lies among the stored features.
    pub(super) fn place(&self, i: usize) -> Option<Range<usize>> {
        let (row, size) = (self.stored_row(i)?, self.sample_shape.len());
        Some(row * size..(row + 1) * size)
    }

    /// The label of sample `i`; `None` past the end, or where the targets are no classes.
    pub fn label(&self, i: usize) -> Option<u32> {
        match self.targets.as_ref() {
            Targets::Classes { labels, .. } => labels.get(self.stored_row(i)?).copied(),
            _ => None,
        }
    }

    /// The labels of sample `i`; `None` past the end, or where the targets are not several labels a
    /// sample.
    pub fn labels(&self, i: usize) -> Option<&[u32]> {
        match self.targets.as_ref() {
            Targets::Sequences { labels, width, .. } => slice(labels, self.stored_row(i)?, *width),
            _ => None,
        }
    }

    /// The target values of sample `i`; `None` past the end, or where the targets are no values.
    pub fn values(&self, i: usize) -> Option<&[f32]> {
        match self.targets.as_ref() {
            Targets::Values { values, width } => slice(values, self.stored_row(i)?, *width),
            _ => None,
        }
    }

    /// All features, `[n, ...sample_shape]`: borrowed where this set is the whole of its arrays, copied
    /// where it is a part or is made of bytes.
    pub fn features_all(&self) -> Cow<'_, [f32]> {
        if self.rows.is_none() {
            return self.features.all();
        }
        let mut all = Vec::with_capacity(self.len * self.sample_shape.len());
        for place in (0..self.len).filter_map(|i| self.place(i)) {
            self.features.append(place, &mut all);
        }
        Cow::Owned(all)
    }

    /// All targets, in the order of the samples; borrowed or copied like
    /// [`features_all`](Dataset::features_all).
    pub fn targets_all(&self) -> Cow<'_, Targets> {
        match &self.rows {
            None => Cow::Borrowed(&self.targets),
            Some(rows) => Cow::Owned(self.targets.select(rows)),
        }
    }

    /// This set made of the given samples of it, which must exist.
    pub(super) fn view(&self, samples: &[u32]) -> Dataset {
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

    pub(super) fn stored_row(&self, i: usize) -> Option<usize> {
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
    // Block by block, for a search that may stop at any number is no vector code.
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
