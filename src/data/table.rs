//! A table of text, and its conversion to a data set.

use csv::StringRecord;

use super::closest::closest;
use super::dataset::Dataset;
use super::labels::{self, Cell};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The largest number of column names that an error lists.
const LISTED: usize = 12;

/// A table of text with named columns. Choose the target to convert it to a [`Dataset`].
///
/// All other columns become features, in the table's order, and must contain numbers. The shape of
/// a sample is `[features]`.
///
/// # Example
/// ```
/// use wgrad::data::CsvTable;
///
/// let text = b"id,size,price\n1,50,200\n2,80,320\n";
/// let table = CsvTable::from_bytes("homes.csv", text, ',')?;
/// let set = table.without(&["id"])?.target_values("price")?;
/// assert_eq!(set.feature_names(), ["size"]);
/// assert_eq!(set.values(1), Some(&[320.0][..]));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CsvTable {
    pub(super) place: String,
    pub(super) columns: Vec<String>,
    /// The selected columns, as indices into `columns`.
    pub(super) used: Vec<usize>,
    pub(super) records: Vec<StringRecord>,
    /// The line on which each record starts, counted from 1.
    pub(super) lines: Vec<usize>,
}

impl CsvTable {
    /// Returns the number of rows, at least 1.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns `false`: a table without rows is an error when it is read.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the names of the columns, in the table's order, without removed ones.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.used
            .iter()
            .filter_map(|&c| self.columns.get(c))
            .map(String::as_str)
    }

    /// Returns the cells of selected columns as texts: for each row, in the order given.
    ///
    /// # Errors
    ///
    /// Returns an error if a column does not exist.
    pub fn texts(&self, columns: &[&str]) -> Result<Vec<Vec<String>>> {
        let columns = columns.iter().map(|name| self.find(name));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let cells = |row| columns.iter().map(move |c| self.cell(row, *c).text);
        let texts = |row| cells(row).map(str::to_string).collect();
        Ok((0..self.len()).map(texts).collect())
    }

    /// Removes columns, e.g. ones that number or describe the rows.
    ///
    /// # Errors
    ///
    /// Returns an error if a column does not exist.
    pub fn without(mut self, columns: &[&str]) -> Result<Self> {
        for name in columns {
            let column = self.find(name)?;
            self.used.retain(|&c| c != column);
        }
        Ok(self)
    }

    /// Selects columns, in this order, for example those that a model was trained on.
    ///
    /// # Errors
    ///
    /// Returns an error if a column does not exist.
    pub fn select(mut self, columns: &[&str]) -> Result<Self> {
        let found = columns.iter().map(|name| self.find(name));
        self.used = found.collect::<Result<Vec<_>>>()?;
        Ok(self)
    }

    /// Returns whether a column looks like classes (text, or few distinct integers) rather than a
    /// quantity.
    ///
    /// # Errors
    ///
    /// Returns an error if the column does not exist, or a value is missing.
    pub fn looks_like_classes(&self, column: &str) -> Result<bool> {
        let column = self.find(column)?;
        match labels::discover(self.cells(column)) {
            Ok(_) => Ok(true),
            // Numbers that are not classes are a quantity; other text is an error.
            Err(error) => self.numbers(&[column]).map(|_| false).map_err(|_| error),
        }
    }

    /// Uses a column as the class to predict. Its values, text or integers, are the names of the
    /// classes, sorted by number or by text.
    ///
    /// # Errors
    ///
    /// Returns an error if the column does not exist, a value is missing, or the values are
    /// quantities rather than classes; if a feature is missing or not a number.
    pub fn target(&self, column: &str) -> Result<Dataset> {
        let target = self.find(column)?;
        let targets = labels::discover(self.cells(target))?;
        self.dataset(&[target], targets)
    }

    /// Uses a column as the class to predict, with the classes of another data set in their order.
    /// Use it for a test file in which a class may be missing.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`target`](CsvTable::target), and an error if a value is not one of
    /// the classes.
    pub fn target_in(&self, column: &str, classes: &[String]) -> Result<Dataset> {
        let target = self.find(column)?;
        let targets = labels::look_up(self.cells(target), classes)?;
        self.dataset(&[target], targets)
    }

    /// Uses a column as the number to predict.
    ///
    /// # Errors
    ///
    /// Returns an error if the column does not exist, or a value is missing or not a number.
    pub fn target_values(&self, column: &str) -> Result<Dataset> {
        self.target_columns(&[column])
    }

    /// Uses several columns as the numbers to predict.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`target_values`](CsvTable::target_values), and an error if `columns`
    /// is empty.
    pub fn target_columns(&self, columns: &[&str]) -> Result<Dataset> {
        let targets = columns
            .iter()
            .map(|c| self.find(c))
            .collect::<Result<Vec<_>>>()?;
        let values = self.numbers(&targets)?;
        let width = targets.len();
        self.dataset(&targets, Targets::Values { values, width })
    }

    /// Uses all columns as features, without targets.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is missing or not a number.
    pub fn unlabelled(&self) -> Result<Dataset> {
        self.dataset(&[], Targets::Unlabelled)
    }

    fn dataset(&self, targets_in: &[usize], targets: Targets) -> Result<Dataset> {
        let is_feature = |c: &usize| !targets_in.contains(c);
        let columns: Vec<usize> = self.used.iter().copied().filter(is_feature).collect();
        if columns.is_empty() {
            return Err(Error::data(
                &self.place,
                "expected at least one feature column, found none",
            ));
        }
        let features = self.numbers(&columns)?;
        let names = columns.iter().filter_map(|&c| self.columns.get(c).cloned());
        Dataset::with_names(
            features,
            Shape::from([columns.len()]),
            targets,
            names.collect(),
        )
    }

    /// Parses columns as numbers, `[rows, columns]`, row-major.
    fn numbers(&self, columns: &[usize]) -> Result<Vec<f32>> {
        let mut numbers = Vec::with_capacity(self.len().saturating_mul(columns.len()));
        for row in 0..self.len() {
            for &column in columns {
                numbers.push(self.cell(row, column).number()?);
            }
        }
        Ok(numbers)
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = Cell<'_>> + Clone {
        (0..self.len()).map(move |row| self.cell(row, column))
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        Cell {
            text: self
                .records
                .get(row)
                .and_then(|r| r.get(column))
                .unwrap_or("")
                .trim(),
            file: &self.place,
            line: self.lines.get(row).copied().unwrap_or(0),
            column: self.columns.get(column).map_or("", String::as_str),
        }
    }

    /// Returns the index of a selected column.
    fn find(&self, name: &str) -> Result<usize> {
        let found = self
            .used
            .iter()
            .find(|&&c| self.columns.get(c).is_some_and(|n| n == name));
        found.copied().ok_or_else(|| {
            let near = closest(name, self.columns());
            let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            let count = self.used.len();
            let listed: Vec<String> = self
                .columns()
                .take(LISTED)
                .map(|c| format!("{c:?}"))
                .collect();
            let more = if count > LISTED {
                format!(", ... ({count} in all)")
            } else {
                String::new()
            };
            // A single column whose name contains another usual delimiter was read with the wrong
            // one.
            let single = self.columns().next().filter(|_| count == 1);
            let delimiter = single.and_then(|name| {
                [';', '\t', '|', ',']
                    .into_iter()
                    .find(|&d| name.contains(d))
            });
            let wrong = delimiter.map_or(String::new(), |d| {
                format!("; are the fields separated by {d:?}? name that delimiter")
            });
            Error::data(
                &self.place,
                format!(
                    "there is no column {name:?}{near} (the columns are {}{more}){wrong}",
                    listed.join(", ")
                ),
            )
        })
    }
}
