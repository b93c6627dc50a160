//! Names, shapes and the one-line description of a data set; the samples do not change.

use std::fmt;
use std::sync::Arc;

use super::dataset::{Dataset, check_names};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

impl Dataset {
    /// Sets a name for each element of a sample, for errors and reports.
    ///
    /// # Errors
    ///
    /// Returns an error if there is not one name for each element.
    pub fn with_feature_names(mut self, names: Vec<String>) -> Result<Self> {
        check_names(&names, self.sample_shape.len())?;
        self.feature_names = Arc::new(names);
        Ok(self)
    }

    /// Sets the names of the classes; the first is that of label 0.
    ///
    /// There may be more names than labels occur, so a test set without one of the classes has the
    /// same classes as the training set.
    ///
    /// # Errors
    ///
    /// Returns an error if the targets are not classes, a label has no name, or a name occurs
    /// twice.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::classes(vec![1, 0], 2))?;
    /// let set = set.with_class_names(vec!["cat".into(), "dog".into(), "bird".into()])?;
    /// assert_eq!(set.classes(), Some(3));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self> {
        let Targets::Classes { labels, .. } = self.targets.as_ref() else {
            return Err(self.wrong_targets("class names need class targets"));
        };
        let targets = Targets::Classes {
            labels: labels.clone(),
            names,
        };
        targets.check(labels.len())?;
        self.targets = Arc::new(targets);
        Ok(self)
    }

    /// Changes the shape of a sample to another of the same size, e.g. `[64]` to an image `[1, 8,
    /// 8]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the sizes differ.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![0.0; 128], [64], Targets::Unlabelled)?;
    /// assert_eq!(set.reshaped([1, 8, 8])?.sample_shape().dims(), [1, 8, 8]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
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

/// One line: the number and shape of the samples, and the kind of the targets.
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
