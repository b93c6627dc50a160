//! The sources of a table's rows: each gives records of text cells.

use std::io::Read;
use std::path::Path;

use super::cell::Decimal;
use super::delimited::Delimited;
use super::dialect::Given;
use super::encoding;
use super::json::JsonTable;
use super::kind::{is_json, kind};
use super::records::{Record, is_not_utf8};
use crate::error::{Error, Result};
use encoding_rs::Encoding;

/// The number of bytes of text that the format is found by.
const SAMPLE: usize = 1 << 16;

/// A file of a table, which can be read several times.
#[derive(Clone, Debug)]
pub enum Source {
    /// A delimited text.
    Delimited(Delimited),
    /// JSON.
    Json(JsonTable),
}

impl Source {
    /// Opens a file, whose format is found by its content.
    pub fn open(path: &Path, given: Given, encoding: Option<&'static Encoding>) -> Result<Source> {
        match Self::try_open(path, given, encoding) {
            Err(error) if encoding.is_none() && is_not_utf8(&error) => {
                Self::try_open(path, given, Some(encoding::OTHER))
            }
            other => other,
        }
    }

    fn try_open(path: &Path, given: Given, encoding: Option<&'static Encoding>) -> Result<Source> {
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
                    true => Self::try_open(path, given, Some(encoding::OTHER)),
                    false => Err(Error::data(place, "the text is no valid UTF-8")),
                };
            }
        };
        let cut = sample.len() == SAMPLE;
        Delimited::open(path, encoding, text, cut, given).map(Source::Delimited)
    }

    /// Returns the names of the columns.
    pub fn columns(&self) -> &[String] {
        match self {
            Source::Delimited(text) => text.columns(),
            Source::Json(json) => json.columns(),
        }
    }

    /// Returns observations for the user.
    pub fn notes(&self) -> &[String] {
        match self {
            Source::Delimited(text) => text.notes(),
            Source::Json(json) => json.notes(),
        }
    }

    /// Returns the file's name, as the place of an error.
    pub fn place(&self) -> String {
        match self {
            Source::Delimited(text) => text.place(),
            Source::Json(json) => json.place(),
        }
    }

    /// Returns the decimal mark of numbers, if the format has one of its own.
    pub fn decimal(&self) -> Option<Decimal> {
        match self {
            Source::Delimited(text) => Some(text.dialect().decimal),
            Source::Json(_) => None,
        }
    }

    /// Returns the name of a row: its line, for example.
    pub fn row_name(&self, line: u64) -> String {
        match self {
            Source::Delimited(_) => format!("line {line}"),
            Source::Json(json) => json.row_name(line),
        }
    }

    /// Returns the place of a row, with the file.
    pub fn place_of(&self, line: u64) -> String {
        format!("{} {}", self.place(), self.row_name(line))
    }

    /// Calls `each` with every row, in order, and returns the number of rows.
    pub fn for_each(&self, each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        match self {
            Source::Delimited(text) => text.for_each(each),
            Source::Json(json) => json.for_each(each),
        }
    }
}
