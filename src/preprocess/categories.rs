//! Encodes categories.

use serde::{Deserialize, Serialize};

use super::hash;
use crate::error::{Error, Result};

/// The names of fitted categories, sorted by code point, and whether cells were missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Names {
    names: Vec<String>,
    had_missing: bool,
}

impl Names {
    fn fit(cells: &[Option<&str>]) -> Self {
        let mut names: Vec<&str> = cells.iter().copied().flatten().collect();
        names.sort_unstable();
        names.dedup();
        Names {
            names: names.into_iter().map(str::to_string).collect(),
            had_missing: cells.contains(&None),
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|n| n.as_str().cmp(name)).ok()
    }
}

/// Encodes a category as one column for each name: 1 for the cell's name, 0 for the others.
///
/// The columns are sorted by name (by code point), as in [scikit-learn]. If cells were missing when
/// the encoder was fitted, the last column stands for missing. A name that was not fitted gives 0
/// in all columns, as with `handle_unknown="ignore"`; so does a missing cell if none was missing
/// then.
///
/// # Example
/// ```
/// use wgrad::preprocess::OneHotEncoder;
///
/// let encoder = OneHotEncoder::fit(&[Some("red"), Some("blue"), Some("red"), None]);
/// assert_eq!(encoder.names(), ["blue", "red"]);
/// let cells = [Some("red"), Some("green"), None];
/// assert_eq!(encoder.transform(&cells), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.OneHotEncoder.html
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OneHotEncoder(Names);

impl OneHotEncoder {
    /// Collects the names; a missing cell is `None`.
    pub fn fit(cells: &[Option<&str>]) -> Self {
        OneHotEncoder(Names::fit(cells))
    }

    /// Returns the fitted names, in the order of their columns.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Returns whether the last column stands for missing cells.
    pub fn had_missing(&self) -> bool {
        self.0.had_missing
    }

    /// Returns the number of columns.
    pub fn width(&self) -> usize {
        self.0.names.len() + usize::from(self.0.had_missing)
    }

    /// Returns the column that is 1 for this cell; `None` if all are 0.
    pub fn index(&self, cell: Option<&str>) -> Option<usize> {
        match cell {
            Some(name) => self.0.index(name),
            None => self.0.had_missing.then_some(self.0.names.len()),
        }
    }

    /// Returns the columns of the cells, `[cells, width]` row-major.
    pub fn transform(&self, cells: &[Option<&str>]) -> Vec<f64> {
        let columns = cells.iter().map(|cell| self.index(*cell));
        one_hot(columns, cells.len(), self.width())
    }
}

/// Encodes a category as an index, for an embedding.
///
/// The names have the indices from 0, sorted by code point as in [scikit-learn]'s
/// `OrdinalEncoder`. The next index stands for missing, and the last for names that were not
/// fitted: an embedding has [`size`](OrdinalEncoder::size) rows.
///
/// # Example
/// ```
/// use wgrad::preprocess::OrdinalEncoder;
///
/// let encoder = OrdinalEncoder::fit(&[Some("red"), Some("blue")]);
/// assert_eq!(encoder.transform(&[Some("red"), None, Some("green")]), [1, 2, 3]);
/// assert_eq!(encoder.size(), 4);
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.OrdinalEncoder.html
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrdinalEncoder(Names);

impl OrdinalEncoder {
    /// Collects the names; a missing cell is `None`.
    pub fn fit(cells: &[Option<&str>]) -> Self {
        OrdinalEncoder(Names::fit(cells))
    }

    /// Returns the fitted names, in the order of their indices.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Returns the number of indices: the names, missing, and unseen.
    pub fn size(&self) -> usize {
        self.0.names.len() + 2
    }

    /// Returns the index of a cell.
    pub fn index(&self, cell: Option<&str>) -> usize {
        let count = self.0.names.len();
        match cell {
            Some(name) => self.0.index(name).unwrap_or(count + 1),
            None => count,
        }
    }

    /// Returns the indices of cells.
    pub fn transform(&self, cells: &[Option<&str>]) -> Vec<usize> {
        cells.iter().map(|cell| self.index(*cell)).collect()
    }
}

/// Encodes a category with many names as one of `buckets` columns, by a hash of the name.
///
/// Names that share a bucket get the same columns. Names that do not occur in the training are
/// encoded like all others; a missing cell gives 0 in all columns. The bucket is the FNV-1a hash of
/// the name's UTF-8 bytes (64 bits), the upper half XOR the lower half, modulo `buckets`. It is the
/// same on all platforms and in all versions.
///
/// # Example
/// ```
/// use wgrad::preprocess::HashEncoder;
///
/// let encoder = HashEncoder::new(3)?;
/// assert_eq!(encoder.index("red"), 1);
/// assert_eq!(encoder.transform(&[Some("red"), None]), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HashEncoder {
    buckets: usize,
}

impl HashEncoder {
    /// Creates an encoder with this number of columns.
    ///
    /// # Errors
    ///
    /// Returns an error if `buckets` is 0.
    pub fn new(buckets: usize) -> Result<Self> {
        match buckets {
            0 => Err(Error::argument("buckets", 0, "at least 1")),
            _ => Ok(HashEncoder { buckets }),
        }
    }

    /// Returns the number of columns.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// Returns the column that is 1 for this name.
    pub fn index(&self, name: &str) -> usize {
        hash::bucket(hash::fnv1a(name), self.buckets)
    }

    /// Returns the columns of the cells, `[cells, buckets]` row-major.
    pub fn transform(&self, cells: &[Option<&str>]) -> Vec<f64> {
        let columns = cells.iter().map(|cell| cell.map(|name| self.index(name)));
        one_hot(columns, cells.len(), self.buckets)
    }
}

fn one_hot(columns: impl Iterator<Item = Option<usize>>, rows: usize, width: usize) -> Vec<f64> {
    let mut all = vec![0.0; rows * width];
    for (row, column) in all.chunks_mut(width.max(1)).zip(columns) {
        if let Some(one) = column.and_then(|column| row.get_mut(column)) {
            *one = 1.0;
        }
    }
    all
}
