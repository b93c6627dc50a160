//! The result of preprocessing.

use std::ops::Range;

use crate::data::{Dataset, Targets};
use crate::error::Result;
use crate::shape::Shape;

/// The features of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// The name of each feature.
    pub names: Vec<String>,
    /// The number of features of a row.
    pub width: usize,
    /// The features, `[rows, width]` row-major: computed in f64, and rounded once.
    pub values: Vec<f32>,
    /// The number of rows.
    pub rows: usize,
    /// The columns of the table that were not there when the preprocessor was fitted. They are no
    /// features.
    pub ignored: Vec<String>,
}

impl Features {
    /// Returns the features of a row, `[width]`; `None` past the end.
    pub fn row(&self, row: usize) -> Option<&[f32]> {
        let start = row.checked_mul(self.width)?;
        self.values.get(start..start.checked_add(self.width)?)
    }

    /// Returns a data set of samples `[width]`, with the names of the features.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no rows, or `targets` do not fit them.
    pub fn into_dataset(self, targets: Targets) -> Result<Dataset> {
        Dataset::with_names(self.values, Shape::from([self.width]), targets, self.names)
    }
}

/// The features of one column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGroup {
    /// The column.
    pub column: String,
    /// The features, counted from 0.
    pub range: Range<usize>,
    /// The number of indices if the only feature is an index, for an embedding of as many rows.
    pub indices: Option<usize>,
}
