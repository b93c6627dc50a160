//! A delimited text, such as CSV.

use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::dialect::{self, Dialect, Given};
use super::encoding;
use super::records::{Record, Records};
use crate::error::{Error, Result};

/// A delimited text file: its columns, and how it is written.
#[derive(Clone, Debug)]
pub struct Delimited {
    path: PathBuf,
    encoding: &'static Encoding,
    dialect: Dialect,
    columns: Vec<String>,
    notes: Vec<String>,
}

impl Delimited {
    /// Finds how a file is written from its first bytes, `sample`. If `cut`, there are more.
    pub fn open(
        path: &Path,
        encoding: &'static Encoding,
        sample: &str,
        cut: bool,
        given: Given,
    ) -> Result<Delimited> {
        let mut table = Delimited {
            path: path.to_path_buf(),
            encoding,
            dialect: dialect::detect(sample, cut, given),
            columns: Vec::new(),
            notes: Vec::new(),
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
        self.notes.clear();
        if self.encoding != encoding_rs::UTF_8 {
            self.notes
                .push(format!("the encoding is {}", self.encoding.name()));
        }
        self.notes.extend(self.dialect.notes.iter().cloned());
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

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the file's name, as the place of an error.
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Calls `each` with every row. Rows with another number of cells are counted, and are an error
    /// at the end.
    pub fn for_each(&self, mut each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
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
        let mut ragged: Option<(u64, u64, usize)> = None;
        while records.next(&mut record)? {
            let fits = record.len() == width
                || (record.len() == width + 1 && record.cell(width).is_empty());
            if !fits {
                ragged.get_or_insert((0, record.line, record.len())).0 += 1;
                continue;
            }
            each(&mut record)?;
            rows += 1;
        }
        match ragged {
            None => Ok(rows),
            Some((count, line, found)) => {
                let more = match count {
                    1 => String::new(),
                    n => format!("; {n} rows have another number of cells than the header"),
                };
                Err(Error::data(
                    format!("{} line {line}", self.place()),
                    format!("expected {width} cells, as in the header, found {found}{more}"),
                ))
            }
        }
    }

    /// Returns whether an error is one of this file.
    pub fn is_place_of(&self, error: &Error) -> bool {
        let start = format!("{} line ", self.place());
        matches!(error, Error::Data { place, .. } if place.starts_with(&start))
    }

    /// Reads the text as windows-1252 from now on.
    pub fn set_other_encoding(&mut self) -> Result<()> {
        self.encoding = encoding::OTHER;
        self.read_columns()
    }
}
