//! Names and shapes a data set, and describes it in a line; the samples stay as they are.

use std::fmt;
use std::sync::Arc;

use super::dataset::{Dataset, check_names};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

impl Dataset {
    /// The same samples with a name for each of their elements, for errors and reports.
    ///
    /// # Errors
    ///
    /// Where there is not one name for each element of a sample.
    pub fn with_feature_names(mut self, names: Vec<String>) -> Result<Self> {
        check_names(&names, self.sample_shape.len())?;
        self.feature_names = Arc::new(names);
        Ok(self)
    }

    /// The same samples with these names for the classes: label 0 is the first.
    ///
    /// More names than labels occur are allowed, so that a test set without one of the classes still
    /// counts the same classes as the training set.
    ///
    /// # Errors
    ///
    /// Where the targets are no classes, a label is left without a name, or a name occurs twice.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self> {
        let Targets::Classes { labels, .. } = self.targets.as_ref() else {
            return Err(self.wrong_targets("class names need classes"));
        };
        let targets = Targets::Classes {
            labels: labels.clone(),
            names,
        };
        targets.check(labels.len())?;
        self.targets = Arc::new(targets);
        Ok(self)
    }

    /// The same samples seen in another shape of the same size, e.g. `[64]` as an image
    /// `[1, 8, 8]`.
    ///
    /// # Errors
    ///
    /// Where the sizes differ.
    pub fn reshaped(mut self, sample_shape: impl Into<Shape>) -> Result<Self> {
        let sample_shape = sample_shape.into();
        if sample_shape.len() != self.sample_shape.len() {
            return Err(Error::argument(
                "the new sample shape",
                format!("{sample_shape} ({} elements)", sample_shape.len()),
                format!(
                    "of the same size as {} ({} elements)",
                    self.sample_shape,
                    self.sample_shape.len()
                ),
            ));
        }
        self.sample_shape = sample_shape;
        Ok(self)
    }
}

/// One line: how many samples of which shape, and what the targets are.
impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples of shape {}, ", self.len, self.sample_shape)?;
        match self.targets.as_ref() {
            Targets::Classes { names, .. } => write!(f, "{} classes", names.len()),
            Targets::Sequences { width, classes, .. } => {
                write!(f, "{width} labels of {classes} classes each")
            }
            Targets::Values { width: 1, .. } => f.write_str("1 target value each"),
            Targets::Values { width, .. } => write!(f, "{width} target values each"),
            Targets::Unlabelled => f.write_str("no targets"),
        }
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset({self})")
    }
}
