//! The sources of a table's rows: each gives records of text cells.

use std::io::Read;
use std::path::Path;

use encoding_rs::Encoding;

use super::cell::Decimal;
use super::delimited::Delimited;
use super::dialect::Given;
use super::encoding;
use super::folder::TextFolder;
use super::json::JsonTable;
use super::kind::{Kind, is_json, kind};
#[cfg(feature = "parquet")]
use super::parquet::ParquetTable;
use super::records::{Record, is_not_utf8};
use crate::data::frame::ColumnType;
use crate::data::input::Input;
use crate::error::{Error, Result};

/// The number of bytes of text that the format is found by.
const SAMPLE: usize = 1 << 16;

/// A file or a folder of a table, which can be read several times.
#[derive(Clone, Debug)]
pub enum Source {
    /// A delimited text.
    Delimited(Delimited),
    /// JSON.
    Json(JsonTable),
    /// A folder of texts.
    Folder(TextFolder),
    /// A Parquet file.
    #[cfg(feature = "parquet")]
    Parquet(ParquetTable),
}

/// Calls a method of any source.
macro_rules! each {
    ($source:expr, $it:ident => $value:expr) => {
        match $source {
            Source::Delimited($it) => $value,
            Source::Json($it) => $value,
            Source::Folder($it) => $value,
            #[cfg(feature = "parquet")]
            Source::Parquet($it) => $value,
        }
    };
}

impl Source {
    /// Opens a file or a folder, whose format is found by its content.
    pub fn open(path: &Path, given: Given, encoding: Option<&'static Encoding>) -> Result<Source> {
        let place = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(Error::io(path, "open"))?;
        if metadata.is_dir() {
            return TextFolder::open(path, encoding).map(Source::Folder);
        }
        // A table is read several times.
        if !metadata.is_file() {
            let reason = "expected a file or a folder, found a pipe or a device; write the table to \
                          a file first";
            return Err(Error::data(place, reason));
        }
        let start = Input::open(path)?.block(4)?;
        if kind(&start) == Some(Kind::Parquet) {
            return parquet(path);
        }
        match Self::text(path, given, encoding) {
            Err(error) if encoding.is_none() && is_not_utf8(&error) => {
                Self::text(path, given, Some(encoding::OTHER))
            }
            other => other,
        }
    }

    /// Opens a text.
    fn text(path: &Path, given: Given, encoding: Option<&'static Encoding>) -> Result<Source> {
        let place = path.display().to_string();
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
        if is_json(&sample) {
            return JsonTable::open(path, encoding).map(Source::Json);
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
                    true => Self::text(path, given, Some(encoding::OTHER)),
                    false => Err(Error::data(place, "the text is no valid UTF-8")),
                };
            }
        };
        let cut = sample.len() == SAMPLE;
        Delimited::open(path, encoding, text, cut, given).map(Source::Delimited)
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        each!(self, source => source.columns())
    }

    /// Returns observations for the user.
    pub fn notes(&self) -> &[String] {
        each!(self, source => source.notes())
    }

    /// Returns the file's name, as the place of an error.
    pub fn place(&self) -> String {
        each!(self, source => source.place())
    }

    /// Returns the decimal mark of numbers, if the format has one of its own.
    pub fn decimal(&self) -> Option<Decimal> {
        match self {
            Source::Delimited(text) => Some(text.dialect().decimal),
            _ => None,
        }
    }

    /// Returns the encoding of a text.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match self {
            Source::Delimited(text) => Some(text.encoding()),
            Source::Json(json) => Some(json.encoding()),
            _ => None,
        }
    }

    /// Returns the type of a column with the reason, if the format determines it.
    pub fn column_type(&self, column: &str) -> Option<(ColumnType, &'static str)> {
        match self {
            Source::Folder(folder) => folder.column_type(column),
            _ => None,
        }
    }

    /// Returns the name of a row: its line, for example.
    pub fn row_name(&self, line: u64) -> String {
        match self {
            Source::Delimited(_) => format!("line {line}"),
            Source::Json(json) => json.row_name(line),
            Source::Folder(folder) => folder.row_name(line),
            #[cfg(feature = "parquet")]
            Source::Parquet(_) => format!("row {line}"),
        }
    }

    /// Returns the place of a row, with the file.
    pub fn place_of(&self, line: u64) -> String {
        format!("{} {}", self.place(), self.row_name(line))
    }

    /// Calls `each` with every row, in order, and returns the number of rows.
    pub fn for_each(&self, each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        each!(self, source => source.for_each(each))
    }
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path) -> Result<Source> {
    ParquetTable::open(path).map(Source::Parquet)
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path) -> Result<Source> {
    let place = path.display().to_string();
    Err(Error::data(place, Kind::Parquet.advice()))
}
