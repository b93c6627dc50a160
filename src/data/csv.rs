//! Reads tables of comma-separated values.
//!
//! A table is read as text first. Its interpretation depends on the target column. Errors name line
//! and column.

use std::collections::HashSet;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::input::Input;
use super::table::CsvTable;
use crate::error::{Error, Result};

/// Reads a CSV file with a header line of column names. The file may be compressed with gzip.
///
/// # Errors
///
/// Returns an error if the file cannot be read, the header is missing, a column has no name or a
/// duplicate name, a line has more or fewer fields than the header, the text is not UTF-8, or there
/// are no rows.
///
/// # Example
/// ```
/// use wgrad::data;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("points.csv");
/// std::fs::write(&path, "x,y,label\n1.0,2.0,red\n3.0,4.0,blue\n")?;
/// let set = data::csv(&path)?.target("label")?;
/// assert_eq!((set.len(), set.feature_names()), (2, &["x".to_string(), "y".to_string()][..]));
/// assert_eq!(set.class_names(), ["blue", "red"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn csv(path: impl AsRef<Path>) -> Result<CsvTable> {
    csv_delimited(path, ',')
}

/// Reads a CSV file like [`csv()`], with another delimiter, e.g. `';'` or `'\t'`.
///
/// # Errors
///
/// Returns the errors of [`csv()`], and an error if the delimiter is not ASCII.
pub fn csv_delimited(path: impl AsRef<Path>, delimiter: char) -> Result<CsvTable> {
    let mut input = Input::open(path.as_ref())?;
    let bytes = input.rest()?;
    CsvTable::from_bytes(input.place(), &bytes, delimiter)
}

impl CsvTable {
    /// Reads a table that is already in memory. Errors name it `place`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`csv()`] and [`csv_delimited`].
    ///
    /// # Example
    /// ```
    /// use wgrad::data::CsvTable;
    ///
    /// let table = CsvTable::from_bytes("table", b"x;y\n1;2\n3;4\n", ';')?;
    /// let set = table.target_values("y")?;
    /// assert_eq!(set.values(1), Some(&[4.0][..]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
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
                table.read_header(&text, line)?;
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

    fn read_header(&mut self, header: &StringRecord, line: usize) -> Result<()> {
        let mut seen = HashSet::new();
        for (name, number) in header.iter().map(str::trim).zip(1..) {
            if name.is_empty() {
                return Err(Error::data(
                    format!("{} line {line}, column {number}", self.place),
                    "the header gives the column no name; name it, or remove it if it only numbers the \
                     rows (pandas: to_csv(..., index=False))",
                ));
            }
            if !seen.insert(name) {
                return Err(Error::data(
                    format!("{} line {line}, column {number}", self.place),
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
}

/// Counts the lines up to the start of each record.
///
/// The reader's own count is taken before it skips line ends and blank lines in front of a record,
/// so it is too low in files with blank lines.
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

    /// Returns the line of the first record at or after this byte. The bytes must increase from
    /// call to call.
    fn record_at(&mut self, start: usize) -> usize {
        while let Some(byte) = self.bytes.get(self.at) {
            if self.at >= start && !b"\r\n".contains(byte) {
                break;
            }
            // A carriage return is a line end, alone or with the line feed after it.
            let joined = *byte == b'\r' && self.bytes.get(self.at + 1) == Some(&b'\n');
            self.line += usize::from(b"\r\n".contains(byte) && !joined);
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
