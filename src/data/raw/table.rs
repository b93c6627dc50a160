//! A raw table on disk, which can be read several times.

use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::dialect::{self, Dialect, Given};
use super::encoding;
use super::kind::kind;
use super::records::{Record, Records, is_not_utf8};
use crate::error::{Error, Result};

/// The number of bytes of text that the dialect is found by.
const SAMPLE: usize = 1 << 16;

/// How a delimited text is read; what is `None` is found by the content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The delimiter, an ASCII character.
    pub delimiter: Option<char>,
    /// Whether the first record has the names of the columns.
    pub header: Option<bool>,
    /// The decimal mark: `'.'` or `','`.
    pub decimal: Option<char>,
    /// The name of the encoding, such as `"latin1"`.
    pub encoding: Option<String>,
}

/// A delimited text file: its columns, and how it is written.
///
/// The file may be compressed with gzip. The encoding, the delimiter, the header, comments and the
/// decimal mark are found by the content, and [`RawTable::notes`] says what is unusual.
#[derive(Clone, Debug)]
pub struct RawTable {
    path: PathBuf,
    encoding: &'static Encoding,
    dialect: Dialect,
    columns: Vec<String>,
    notes: Vec<String>,
}

impl RawTable {
    /// Opens a file and finds how it is written.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is no delimited text; the error names what it
    /// is, such as a spreadsheet, and how to export a table from it. Also if a header has the same
    /// name twice, or an option is not valid.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<RawTable> {
        let path = path.as_ref();
        let given = options.given()?;
        let named = options
            .encoding
            .as_deref()
            .map(encoding::named)
            .transpose()?;
        match Self::try_open(path, given, named) {
            Err(error) if named.is_none() && is_not_utf8(&error) => {
                Self::try_open(path, given, Some(encoding::OTHER))
            }
            other => other,
        }
    }

    fn try_open(
        path: &Path,
        given: Given,
        encoding: Option<&'static Encoding>,
    ) -> Result<RawTable> {
        let place = path.display().to_string();
        if path.is_dir() {
            let reason = "expected a file with a table, found a folder";
            return Err(Error::data(place, reason));
        }
        let (mut reader, encoding) = encoding::open(path, encoding)?;
        let mut sample = Vec::new();
        reader
            .by_ref()
            .take(SAMPLE as u64)
            .read_to_end(&mut sample)
            .map_err(|e| Error::data(&place, e.to_string()))?;
        if let Some(kind) = kind(&sample) {
            return Err(Error::data(place, kind.advice()));
        }
        let text = match std::str::from_utf8(&sample) {
            Ok(text) => text,
            // The sample may end within a character.
            Err(e) if e.error_len().is_none() => {
                let valid = sample.get(..e.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
            Err(_) => {
                return match encoding == encoding_rs::UTF_8 {
                    true => Self::try_open(path, given, Some(encoding::OTHER)),
                    false => Err(Error::data(place, "the text is no valid UTF-8")),
                };
            }
        };
        let dialect = dialect::detect(text, sample.len() == SAMPLE, given);
        let mut notes = Vec::new();
        if encoding != encoding_rs::UTF_8 {
            notes.push(format!("the encoding is {}", encoding.name()));
        }
        notes.extend(dialect.notes.iter().cloned());
        let mut table = RawTable {
            path: path.to_path_buf(),
            encoding,
            dialect,
            columns: Vec::new(),
            notes,
        };
        table.read_columns()?;
        Ok(table)
    }

    /// Sets the names of the columns by the header, or by their numbers.
    fn read_columns(&mut self) -> Result<()> {
        let mut rows = self.records()?;
        let mut first = Record::default();
        for _ in 0..=self.dialect.skip {
            if !rows.next(&mut first)? {
                let reason = "the file is empty: expected a header and at least one row";
                return Err(Error::data(self.place(), reason));
            }
        }
        let mut cells: Vec<&str> = first.cells().collect();
        // A delimiter at the end of each line makes no column.
        if cells.len() > 1 && cells.last().is_some_and(|c| c.is_empty()) && self.dialect.header {
            let mut second = Record::default();
            let ends = rows.next(&mut second)?
                && second.len() == cells.len()
                && second.cell(cells.len() - 1).is_empty();
            if ends {
                cells.pop();
            }
        }
        let mut names: Vec<String> = Vec::with_capacity(cells.len());
        for (i, name) in cells.iter().enumerate() {
            let name = match (self.dialect.header, *name) {
                (true, "") if i == 0 => "index".to_string(),
                (true, "") | (false, _) => format!("column_{}", i + 1),
                (true, name) => name.to_string(),
            };
            if names.contains(&name) {
                let place = format!("{} line {}, column {}", self.place(), first.line, i + 1);
                let reason = format!("the header has a second column {name:?}; rename one");
                return Err(Error::data(place, reason));
            }
            names.push(name);
        }
        if self.dialect.header && cells.first().is_some_and(|c| c.is_empty()) {
            let note = "the first column has no name: it is read as an index column, \"index\"";
            self.notes.push(note.to_string());
        }
        self.columns = names;
        Ok(())
    }

    fn records(&self) -> Result<Records<Box<dyn Read>>> {
        let (reader, _) = encoding::open(&self.path, Some(self.encoding))?;
        let Dialect {
            delimiter, comment, ..
        } = self.dialect;
        Ok(Records::new(reader, &self.place(), delimiter, comment))
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns how the file is written.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Returns the name of the encoding.
    pub fn encoding(&self) -> &'static str {
        self.encoding.name()
    }

    /// Returns observations for the user.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the file's name, as the place of an error.
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Calls `each` with every row, in order, and returns the number of rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of `each`, and an error if the file cannot be read, a quote is malformed,
    /// or a row has more or fewer cells than there are columns.
    pub fn for_each(&self, mut each: impl FnMut(&Record) -> Result<()>) -> Result<u64> {
        let mut records = self.records()?;
        let mut record = Record::default();
        let skip = self.dialect.skip + usize::from(self.dialect.header);
        for _ in 0..skip {
            if !records.next(&mut record)? {
                return Ok(0);
            }
        }
        let width = self.columns.len();
        let mut rows = 0;
        while records.next(&mut record)? {
            let fits = record.len() == width
                || (record.len() == width + 1 && record.cell(width).is_empty());
            if !fits {
                return Err(Error::data(
                    format!("{} line {}", self.place(), record.line),
                    format!(
                        "expected {width} cells, as in the header, found {}",
                        record.len()
                    ),
                ));
            }
            each(&record)?;
            rows += 1;
        }
        Ok(rows)
    }

    /// Returns the table in another encoding, if it was opened as UTF-8 and is not.
    pub fn in_other_encoding(&self, error: &Error) -> Option<Result<RawTable>> {
        let applies = is_not_utf8(error) && self.encoding == encoding_rs::UTF_8;
        applies.then(|| {
            let mut table = self.clone();
            table.encoding = encoding::OTHER;
            let note = format!("the encoding is {}", table.encoding.name());
            table.notes.insert(0, note);
            table.read_columns().map(|()| table)
        })
    }
}

impl ReadOptions {
    fn given(&self) -> Result<Given> {
        let delimiter = self.delimiter.map(|c| {
            let byte = u8::try_from(c)
                .ok()
                .filter(|d| d.is_ascii() && !b"\"\r\n".contains(d));
            byte.ok_or_else(|| {
                let expected = "an ASCII character other than a quote or a line's end";
                Error::argument("the delimiter", format!("{c:?}"), expected)
            })
        });
        let decimal = self.decimal.map(|c| match c {
            '.' => Ok(super::cell::Decimal::Point),
            ',' => Ok(super::cell::Decimal::Comma),
            _ => Err(Error::argument(
                "the decimal mark",
                format!("{c:?}"),
                "'.' or ','",
            )),
        });
        Ok(Given {
            delimiter: delimiter.transpose()?,
            header: self.header,
            decimal: decimal.transpose()?,
        })
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
