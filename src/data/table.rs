//! A table of text, and how it becomes a data set.

use csv::StringRecord;

use super::closest::closest;
use super::dataset::Dataset;
use super::labels::{self, Cell};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// How many column names an error lists before it only counts them.
const LISTED: usize = 12;

/// A table of text with named columns: choose the target to make a [`Dataset`] of it.
///
/// All other columns become features, in the table's order, and must hold numbers. A sample's shape
/// is `[features]`.
#[derive(Clone, Debug)]
pub struct CsvTable {
    pub(super) place: String,
    pub(super) columns: Vec<String>,
    /// Which columns take part, as indices into `columns`.
    pub(super) used: Vec<usize>,
    pub(super) records: Vec<StringRecord>,
    /// The line each record starts on, counted from 1.
    pub(super) lines: Vec<usize>,
}

impl CsvTable {
    /// How many rows of data, at least 1.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Always `false`: a table without data is refused when read.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The columns' names, in the table's order, without those left out.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.used
            .iter()
            .filter_map(|&c| self.columns.get(c))
            .map(String::as_str)
    }

    /// Leaves columns out, e.g. ones that number or describe the rows.
    ///
    /// # Errors
    ///
    /// Where there is no such column.
    pub fn without(mut self, columns: &[&str]) -> Result<Self> {
        for name in columns {
            let column = self.find(name)?;
            self.used.retain(|&c| c != column);
        }
        Ok(self)
    }

    /// These columns only, in this order: what a model was trained on, whatever else a file holds.
    ///
    /// # Errors
    ///
    /// Where there is no such column.
    pub fn select(mut self, columns: &[&str]) -> Result<Self> {
        let found = columns.iter().map(|name| self.find(name));
        self.used = found.collect::<Result<Vec<_>>>()?;
        Ok(self)
    }

    /// Whether a column's values look like classes (text, or few whole numbers) rather than a quantity.
    ///
    /// # Errors
    ///
    /// Where there is no such column, or a value is missing.
    pub fn looks_like_classes(&self, column: &str) -> Result<bool> {
        let column = self.find(column)?;
        match labels::discover(self.cells(column)) {
            Ok(_) => Ok(true),
            // Numbers that are no classes are a quantity; what is not even that is the error.
            Err(error) => self.numbers(&[column]).map(|_| false).map_err(|_| error),
        }
    }

    /// The column to predict as a class. Its values, text or whole numbers, are the classes' names, in
    /// the order of the numbers, or else of the text.
    ///
    /// # Errors
    ///
    /// Where there is no such column, a value is missing, or the values are quantities rather than
    /// classes; where a feature is missing or not a number.
    pub fn target(&self, column: &str) -> Result<Dataset> {
        let target = self.find(column)?;
        let targets = labels::discover(self.cells(target))?;
        self.dataset(&[target], targets)
    }

    /// As [`target`](CsvTable::target), with the classes of another data set in its order, for a test
    /// file in which a class may be missing.
    ///
    /// # Errors
    ///
    /// As [`target`](CsvTable::target); and where a value is none of the classes.
    pub fn target_in(&self, column: &str, classes: &[String]) -> Result<Dataset> {
        let target = self.find(column)?;
        let targets = labels::look_up(self.cells(target), classes)?;
        self.dataset(&[target], targets)
    }

    /// The column to predict as a number.
    ///
    /// # Errors
    ///
    /// Where there is no such column; where a value is missing or not a number.
    pub fn target_values(&self, column: &str) -> Result<Dataset> {
        self.target_columns(&[column])
    }

    /// Several columns to predict as numbers.
    ///
    /// # Errors
    ///
    /// As [`target_values`](CsvTable::target_values); and where no column is named.
    pub fn target_columns(&self, columns: &[&str]) -> Result<Dataset> {
        let targets = columns
            .iter()
            .map(|c| self.find(c))
            .collect::<Result<Vec<_>>>()?;
        let values = self.numbers(&targets)?;
        let width = targets.len();
        self.dataset(&targets, Targets::Values { values, width })
    }

    /// All columns as features, with nothing to predict.
    ///
    /// # Errors
    ///
    /// Where a value is missing or not a number.
    pub fn unlabelled(&self) -> Result<Dataset> {
        self.dataset(&[], Targets::Unlabelled)
    }

    fn dataset(&self, targets_in: &[usize], targets: Targets) -> Result<Dataset> {
        let is_feature = |c: &usize| !targets_in.contains(c);
        let columns: Vec<usize> = self.used.iter().copied().filter(is_feature).collect();
        if columns.is_empty() {
            return Err(Error::data(
                &self.place,
                "no column is left to be a feature",
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

    /// `[rows, columns]` numbers, row-major.
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

    /// The index of a column that takes part.
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
            // One column whose name holds the usual other delimiters was read with the wrong one.
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
