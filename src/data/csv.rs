//! Reads tables of comma-separated values.
//!
//! A table is read as text first; which column is the target decides how the text is understood, and
//! every mistake is reported with its line and column.

use std::collections::HashSet;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::closest::closest;
use super::dataset::Dataset;
use super::input::Input;
use super::labels::{self, Cell};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// How many column names an error lists before it only counts them.
const LISTED: usize = 12;

/// Reads a CSV file (it may be compressed with gzip) whose first line names the columns.
///
/// # Errors
///
/// Where the file cannot be read, the header is missing, a column has no name or the name of another, a
/// line has more or fewer fields than the header, the text is not UTF-8, or there is no data.
pub fn csv(path: impl AsRef<Path>) -> Result<CsvTable> {
    csv_delimited(path, ',')
}

/// As [`csv`], with another character between the fields, e.g. `';'` or `'\t'`.
///
/// # Errors
///
/// As [`csv`]; and where the character is not ASCII.
pub fn csv_delimited(path: impl AsRef<Path>, delimiter: char) -> Result<CsvTable> {
    let mut input = Input::open(path.as_ref())?;
    let bytes = input.rest()?;
    CsvTable::from_bytes(input.place(), &bytes, delimiter)
}

/// A table of text with named columns: choose the target to make a [`Dataset`] of it.
///
/// All other columns become features, in the table's order, and must hold numbers. A sample's shape
/// is `[features]`.
#[derive(Clone, Debug)]
pub struct CsvTable {
    place: String,
    columns: Vec<String>,
    /// Which columns take part, as indices into `columns`.
    used: Vec<usize>,
    records: Vec<StringRecord>,
    /// The line each record starts on, counted from 1.
    lines: Vec<usize>,
}

impl CsvTable {
    /// Reads a table that is already in memory; `place` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`csv`] and [`csv_delimited`].
    pub fn from_bytes(place: impl Into<String>, bytes: &[u8], delimiter: char) -> Result<Self> {
        let place = place.into();
        let delimiter = u8::try_from(delimiter)
            .ok()
            .filter(|d| d.is_ascii() && !b"\"\r\n".contains(d))
            .ok_or_else(|| {
                let expected = "an ASCII character other than a quote or a line's end";
                Error::argument("the delimiter", format!("{delimiter:?}"), expected)
            })?;
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut lines = LineCounter::new(bytes);
        let mut record = ByteRecord::new();
        let mut table = CsvTable {
            place,
            columns: Vec::new(),
            used: Vec::new(),
            records: Vec::new(),
            lines: Vec::new(),
        };
        loop {
            let more = reader
                .read_byte_record(&mut record)
                .map_err(|error| Error::data(&table.place, error.to_string()))?;
            if !more {
                break;
            }
            let start = record.position().map_or(0, |p| p.byte());
            let line = lines.record_at(usize::try_from(start).unwrap_or(usize::MAX));
            let text =
                StringRecord::from_byte_record(std::mem::take(&mut record)).map_err(|_| {
                    let place = format!("{} line {line}", table.place);
                    Error::data(
                        place,
                        "the text is not UTF-8; save the file in that encoding",
                    )
                })?;
            if table.columns.is_empty() {
                table.read_header(&text)?;
            } else {
                table.read_record(text, line)?;
            }
        }
        if table.columns.is_empty() {
            return Err(Error::data(
                table.place,
                "the file is empty; a header line is needed",
            ));
        }
        if table.records.is_empty() {
            return Err(Error::data(
                table.place,
                "there is no line of data after the header",
            ));
        }
        Ok(table)
    }

    fn read_header(&mut self, header: &StringRecord) -> Result<()> {
        let mut seen = HashSet::new();
        for (name, number) in header.iter().map(str::trim).zip(1..) {
            if name.is_empty() {
                return Err(Error::data(
                    format!("{} line 1, column {number}", self.place),
                    "the header gives the column no name; name it, or remove it if it only numbers the \
                     rows (pandas: to_csv(..., index=False))",
                ));
            }
            if !seen.insert(name) {
                return Err(Error::data(
                    format!("{} line 1, column {number}", self.place),
                    format!("the header names a second column {name:?}"),
                ));
            }
            self.columns.push(name.to_string());
        }
        self.used = (0..self.columns.len()).collect();
        Ok(())
    }

    fn read_record(&mut self, record: StringRecord, line: usize) -> Result<()> {
        if record.len() != self.columns.len() {
            return Err(Error::data(
                format!("{} line {line}", self.place),
                format!(
                    "the line has {} fields, but the header has {} columns",
                    record.len(),
                    self.columns.len()
                ),
            ));
        }
        self.records.push(record);
        self.lines.push(line);
        Ok(())
    }

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
        self.targets_values(&[column])
    }

    /// Several columns to predict as numbers.
    ///
    /// # Errors
    ///
    /// As [`target_values`](CsvTable::target_values); and where no column is named.
    pub fn targets_values(&self, columns: &[&str]) -> Result<Dataset> {
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
                format!("; are the fields separated by {d:?}? use csv_delimited")
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

/// Counts lines up to where each record begins.
///
/// Why not the reader's own count: it is taken before the line ends and blank lines in front of a
/// record are skipped, so it names an earlier line in files that have them.
struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        LineCounter {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// The line of the first record at or after this byte; the bytes must go up.
    fn record_at(&mut self, start: usize) -> usize {
        while let Some(byte) = self.bytes.get(self.at) {
            if self.at >= start && !b"\r\n".contains(byte) {
                break;
            }
            self.line += usize::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
