//! A raw table on disk, which can be read several times.

use std::path::Path;

use super::cell::Decimal;
use super::dialect::{Dialect, Given};
use super::encoding;
use super::records::{Record, RowPlace, is_not_utf8};
use super::source::Source;
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
}

/// A table as it is stored: its columns, and its rows as text cells.
///
/// The format of the file is found by its content, and [`RawTable::notes`] says what is unusual. A
/// delimited text may be compressed with gzip; its encoding, delimiter, header, comments and decimal
/// mark are found by the content as well. JSON is an object per line, or an array of objects.
#[derive(Clone, Debug)]
pub struct RawTable {
    source: Source,
    decimal: Decimal,
}

impl RawTable {
    /// Opens a file and finds how it is written.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is no table; the error names what it is, such
    /// as a spreadsheet, and how to export a table from it. Also if a header has the same name
    /// twice, or an option is not valid.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<RawTable> {
        let given = options.given()?;
        let named = options
            .encoding
            .as_deref()
            .map(encoding::named)
            .transpose()?;
        let source = Source::open(path.as_ref(), given, named)?;
        let decimal = given.decimal.or(source.decimal());
        Ok(RawTable {
            decimal: decimal.unwrap_or(Decimal::Point),
            source,
        })
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        self.source.columns()
    }

    /// Returns how a delimited text is written; `None` for other formats.
    pub fn dialect(&self) -> Option<&Dialect> {
        match &self.source {
            Source::Delimited(text) => Some(text.dialect()),
            Source::Json(_) => None,
        }
    }

    /// Returns the decimal mark of numbers.
    pub fn decimal(&self) -> Decimal {
        self.decimal
    }

    /// Returns the name of the encoding of a text.
    pub fn encoding(&self) -> Option<&'static str> {
        match &self.source {
            Source::Delimited(text) => Some(text.encoding().name()),
            Source::Json(json) => Some(json.encoding().name()),
        }
    }

    /// Returns observations for the user.
    pub fn notes(&self) -> &[String] {
        self.source.notes()
    }

    /// Returns the file's name, as the place of an error.
    pub fn place(&self) -> String {
        self.source.place()
    }

    /// Returns the place of a row with its file, such as `people.csv line 5`.
    pub fn place_of(&self, row: RowPlace) -> String {
        format!("{} {}", self.source.place(), self.source.row_name(row.line))
    }

    /// Returns the place of a row in the table, such as `line 5`.
    pub fn row_name(&self, row: RowPlace) -> String {
        self.source.row_name(row.line)
    }

    /// Calls `each` with every row, in order, and returns the number of rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of `each`, and an error if the file cannot be read, a quote is malformed,
    /// or a row has more or fewer cells than there are columns.
    pub fn for_each(&self, mut each: impl FnMut(&Record) -> Result<()>) -> Result<u64> {
        self.source.for_each(|row| each(row))
    }

    /// Returns the table in another encoding, if it was opened as UTF-8 and is not.
    pub fn in_other_encoding(&self, error: &Error) -> Option<Result<RawTable>> {
        if !is_not_utf8(error) {
            return None;
        }
        let mut table = self.clone();
        match &mut table.source {
            Source::Delimited(text) if text.encoding() == encoding_rs::UTF_8 => {
                Some(text.set_other_encoding().map(|()| table))
            }
            Source::Delimited(_) | Source::Json(_) => None,
        }
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
