//! A raw table on disk, which can be read several times.

use std::collections::HashSet;

use encoding_rs::Encoding;

use super::cell::{self, Decimal};
use super::dialect::{Dialect, Given};
use super::encoding;
use super::files::FileList;
use super::records::{Record, RowPlace, is_not_utf8};
use super::source::Source;
use crate::data::frame::ColumnType;
use crate::error::{Error, Result};

/// How a table is read; what is `None` is found by the content.
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
    /// Words that mean that a cell is missing, besides the usual ones.
    pub missing: Vec<String>,
}

/// A table as it is stored: its columns, and its rows as text cells.
///
/// It has one or several files, whose formats are found by their content; [`RawTable::notes`] says
/// what is unusual. A delimited text may be compressed with gzip; its encoding, delimiter, header,
/// comments and decimal mark are found by the content as well. JSON is an object per line, or an
/// array of objects. A folder with a subfolder of texts per class has the columns `file`, `text` and
/// `class`. Parquet files need the feature `parquet`.
#[derive(Clone, Debug)]
pub struct RawTable {
    parts: Vec<Part>,
    columns: Vec<String>,
    decimal: Decimal,
    missing: Vec<String>,
    notes: Vec<String>,
}

/// A file of a table.
#[derive(Clone, Debug)]
struct Part {
    source: Source,
    /// For each column of the table, its index in the file. `None` if they are the same.
    order: Option<Vec<Option<usize>>>,
}

impl RawTable {
    /// Opens a file or several ones, and finds how they are written. All files have the same
    /// columns, in any order; those of JSON may lack some.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read or is no table; the error names what it is, such
    /// as a spreadsheet, and how to export a table from it. Also if a header has the same name
    /// twice, the columns of two files differ, or an option is not valid.
    pub fn open(files: impl Into<FileList>, options: &ReadOptions) -> Result<RawTable> {
        let given = options.given()?;
        let named = options
            .encoding
            .as_deref()
            .map(encoding::named)
            .transpose()?;
        let mut sources = Vec::new();
        for file in files.into().expand()? {
            sources.push(Source::open(&file, given, named)?);
        }
        let marks: Vec<Decimal> = sources.iter().filter_map(Source::decimal).collect();
        // A file without decimal places fits both marks.
        let found = match marks.contains(&Decimal::Comma) {
            true => Decimal::Comma,
            false => Decimal::Point,
        };
        let mut table = RawTable {
            columns: columns(&sources),
            decimal: given.decimal.unwrap_or(found),
            missing: options
                .missing
                .iter()
                .map(|w| w.trim().to_lowercase())
                .collect(),
            notes: Vec::new(),
            parts: Vec::new(),
        };
        for source in sources {
            let part = table.part(source)?;
            table.parts.push(part);
        }
        table.collect_notes();
        Ok(table)
    }

    /// Finds the columns of the table in a file.
    fn part(&self, source: Source) -> Result<Part> {
        if source.columns() == self.columns {
            return Ok(Part {
                source,
                order: None,
            });
        }
        let (all, own) = (&self.columns, source.columns());
        let order: Vec<Option<usize>> = all
            .iter()
            .map(|name| own.iter().position(|own| own == name))
            .collect();
        if !matches!(source, Source::Json(_)) || own.iter().any(|name| !all.contains(name)) {
            let without = |names: &[String], others: &[String]| -> Vec<String> {
                let names = names.iter().filter(|name| !others.contains(name));
                names.map(|name| format!("{name:?}")).collect()
            };
            let (missing, more) = (without(all, own), without(own, all));
            let first = self.parts.first().map(|p| p.source.place());
            let first = first.unwrap_or_default();
            let column = |n: usize| if n == 1 { "column" } else { "columns" };
            let reason = match (missing.as_slice(), more.as_slice()) {
                ([], []) => None,
                (missing, []) => Some(format!(
                    "no {} {}",
                    column(missing.len()),
                    missing.join(", ")
                )),
                ([], more) => Some(format!(
                    "also the {} {}",
                    column(more.len()),
                    more.join(", ")
                )),
                (missing, more) => Some(format!(
                    "no {} {}, but {}",
                    column(missing.len()),
                    missing.join(", "),
                    more.join(", ")
                )),
            };
            if let Some(found) = reason {
                let header = match &source {
                    Source::Delimited(text) if !text.dialect().header => "; it has no header",
                    _ => "",
                };
                let reason = format!("expected the columns of {first}, found {found}{header}");
                return Err(Error::data(source.place(), reason));
            }
        }
        Ok(Part {
            source,
            order: Some(order),
        })
    }

    /// Collects the notes of the files. Those of the first file hold for all, unless others differ.
    fn collect_notes(&mut self) {
        self.notes.clear();
        let Some((first, others)) = self.parts.split_first() else {
            return;
        };
        if let Some(last) = others.last() {
            self.notes.push(format!(
                "the table has {} files, {} to {}",
                self.parts.len(),
                first.source.place(),
                last.source.place()
            ));
        }
        let shared = first.source.notes();
        self.notes.extend(shared.iter().cloned());
        for part in others {
            let place = part.source.place();
            let new = part.source.notes().iter().filter(|n| !shared.contains(n));
            self.notes
                .extend(new.map(|note| format!("{place}: {note}")));
        }
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    fn first(&self) -> Option<&Source> {
        self.parts.first().map(|part| &part.source)
    }

    /// Returns how a delimited text is written, the first one of several; `None` for other formats.
    pub fn dialect(&self) -> Option<&Dialect> {
        match self.first()? {
            Source::Delimited(text) => Some(text.dialect()),
            _ => None,
        }
    }

    /// Returns the decimal mark of numbers.
    pub fn decimal(&self) -> Decimal {
        self.decimal
    }

    /// Returns whether a cell is missing: it is empty, a usual word for a missing cell, or one of the
    /// options, in upper or lower case.
    pub fn is_missing(&self, cell: &str) -> bool {
        let named = || {
            let cell = cell.to_lowercase();
            self.missing.contains(&cell)
        };
        cell::is_missing(cell) || (!self.missing.is_empty() && named())
    }

    /// Returns the type of a column with the reason, if the format determines it, as that of a folder
    /// of texts does.
    pub fn column_type(&self, column: &str) -> Option<(ColumnType, &'static str)> {
        self.first()?.column_type(column)
    }

    /// Returns the name of the encoding of a text, the first one of several; `None` for other
    /// formats.
    pub fn encoding(&self) -> Option<&'static str> {
        self.first()?.encoding().map(Encoding::name)
    }

    /// Returns observations for the user.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the name of the file, or of the first one and the number of others, as the place of
    /// an error.
    pub fn place(&self) -> String {
        let paths = self.parts.iter().map(|part| part.source.place().into());
        paths.collect::<FileList>().to_string()
    }

    /// Returns the place of a row with its file, such as `people.csv line 5`.
    pub fn place_of(&self, row: RowPlace) -> String {
        match self.parts.get(row.file) {
            Some(part) => part.source.place_of(row.line),
            None => self.place(),
        }
    }

    /// Returns the place of a row in the table, such as `line 5`, or with its file if there are
    /// several.
    pub fn row_name(&self, row: RowPlace) -> String {
        match self.parts.as_slice() {
            [part] => part.source.row_name(row.line),
            _ => self.place_of(row),
        }
    }

    /// Calls `each` with every row, in order, and returns the number of rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of `each`, and an error if a file cannot be read, a quote is malformed,
    /// or a row has more or fewer cells than there are columns.
    pub fn for_each(&self, mut each: impl FnMut(&Record) -> Result<()>) -> Result<u64> {
        let mut rows = 0;
        let mut ordered = Record::default();
        for (file, part) in self.parts.iter().enumerate() {
            rows += part.source.for_each(|row| {
                row.file = file;
                let Some(order) = &part.order else {
                    return each(row);
                };
                ordered.clear();
                (ordered.file, ordered.line) = (file, row.line);
                for index in order {
                    ordered.push(index.map_or("", |i| row.cell(i)));
                }
                each(&ordered)
            })?;
        }
        Ok(rows)
    }

    /// Returns the table with a file in another encoding, if it was opened as UTF-8 and is not.
    pub fn in_other_encoding(&self, error: &Error) -> Option<Result<RawTable>> {
        if !is_not_utf8(error) {
            return None;
        }
        let mut table = self.clone();
        for part in &mut table.parts {
            match &mut part.source {
                Source::Delimited(text)
                    if text.encoding() == encoding_rs::UTF_8 && text.is_place_of(error) =>
                {
                    if let Err(error) = text.set_other_encoding() {
                        return Some(Err(error));
                    }
                }
                _ => continue,
            }
            table.collect_notes();
            return Some(Ok(table));
        }
        None
    }
}

/// Returns the columns of several files: those of the first one. Files of JSON may lack columns, so
/// it is all of theirs.
fn columns(sources: &[Source]) -> Vec<String> {
    let first = sources.first().map(Source::columns).unwrap_or_default();
    let mut columns = first.to_vec();
    if sources.iter().all(|s| matches!(s, Source::Json(_))) {
        let mut seen: HashSet<&String> = first.iter().collect();
        for source in sources {
            let new = source.columns().iter().filter(|name| seen.insert(name));
            columns.extend(new.cloned());
        }
    }
    columns
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
            '.' => Ok(Decimal::Point),
            ',' => Ok(Decimal::Comma),
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
