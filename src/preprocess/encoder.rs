//! Fitted columns: from the cells of a column to its features.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::categories::{HashEncoder, OneHotEncoder, OrdinalEncoder};
use super::dates::DateEncoder;
use super::numbers::NumberEncoder;
use super::spec::{ManyNames, PreprocessSpec};
use super::texts::HashingVectorizer;
use super::warning::Warning;
use crate::data::{MISSING, Values};
use crate::error::{Error, Result};

/// The features of a column, `[rows, width]`, as a part of all features, row-major.
pub(super) struct Block<'a> {
    /// The features of all columns.
    pub values: &'a mut [f32],
    /// The number of features of a row.
    pub row_width: usize,
    /// The first feature of the column.
    pub first: usize,
    /// The number of features of the column.
    pub width: usize,
}

impl Block<'_> {
    /// Iterates over the column's features by row.
    pub(super) fn rows(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let range = self.first..self.first + self.width;
        let rows = self.values.chunks_mut(self.row_width.max(1));
        rows.filter_map(move |row| row.get_mut(range.clone()))
    }

    /// Like [`rows`](Block::rows), in parallel.
    fn par_rows(&mut self) -> impl IndexedParallelIterator<Item = &mut [f32]> {
        let range = self.first..self.first + self.width;
        let rows = self.values.par_chunks_mut(self.row_width.max(1));
        rows.map(move |row| row.get_mut(range.clone()).unwrap_or_default())
    }
}

/// A fitted encoder of a column. Where it has an indicator, it is the last feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encoder {
    Number(NumberEncoder),
    OneHot(OneHotEncoder),
    Ordinal(OrdinalEncoder),
    Hash {
        encoder: HashEncoder,
        indicator: bool,
    },
    Date {
        encoder: DateEncoder,
        indicator: bool,
    },
    Text {
        encoder: HashingVectorizer,
        indicator: bool,
    },
}

impl Encoder {
    /// Fits an encoder to the training cells of a column. `None` if all are the same.
    pub(super) fn fit(
        column: &str,
        cells: &Values,
        spec: &PreprocessSpec,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Self>> {
        let missing = cells.missing();
        if missing * 2 > cells.len() {
            warnings.push(Warning::MostlyMissing {
                column: column.to_string(),
                missing,
                rows: cells.len(),
            });
        }
        // A column without any cell has the indicator 1 in all rows.
        let indicator = missing > 0 && missing < cells.len();
        let constant = || Warning::Constant {
            column: column.to_string(),
        };
        let fitted = match cells {
            Values::Number(cells) => {
                let settings = spec.numbers_of(column)?;
                let fitted = NumberEncoder::fit(column, cells, &settings, warnings);
                fitted.map_err(|e| within(column, e))?.map(Encoder::Number)
            }
            Values::Category { codes, names } => {
                let spec = spec.categories_of(column)?;
                let cells = named(column, codes, names)?;
                let one_hot = OneHotEncoder::fit(&cells);
                match one_hot.width() {
                    0 | 1 => None,
                    _ if one_hot.names().len() <= spec.one_hot => Some(Encoder::OneHot(one_hot)),
                    _ if spec.above == ManyNames::Ordinal => {
                        Some(Encoder::Ordinal(OrdinalEncoder::fit(&cells)))
                    }
                    _ => {
                        let encoder = HashEncoder::new(spec.buckets);
                        let encoder = encoder.map_err(|e| within(column, e))?;
                        Some(Encoder::Hash { encoder, indicator })
                    }
                }
            }
            Values::Date(seconds) => {
                let spec = spec.dates_of(column)?;
                let encoder = DateEncoder::fit(seconds, &spec.parts, spec.cyclic);
                let encoder = encoder.map_err(|e| within(column, e))?;
                if encoder.width() == 0 && indicator {
                    warnings.push(constant());
                }
                (encoder.width() > 0 || indicator).then_some(Encoder::Date { encoder, indicator })
            }
            Values::Text(texts) => {
                let spec = spec.texts_of(column)?;
                let encoder = HashingVectorizer::new(spec.buckets, spec.ngrams);
                let encoder = encoder.map_err(|e| within(column, e))?;
                let differ = texts.iter().any(|text| Some(text) != texts.first());
                differ.then_some(Encoder::Text { encoder, indicator })
            }
        };
        if fitted.is_none() {
            warnings.push(constant());
        }
        Ok(fitted)
    }

    /// Returns the kind of cells that it encodes, as [`Values::kind`].
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Encoder::Number(_) => "numbers",
            Encoder::OneHot(_) | Encoder::Ordinal(_) | Encoder::Hash { .. } => "categories",
            Encoder::Date { .. } => "dates",
            Encoder::Text { .. } => "texts",
        }
    }

    /// Returns the number of indices, if its only feature is an index.
    pub(super) fn indices(&self) -> Option<usize> {
        match self {
            Encoder::Ordinal(encoder) => Some(encoder.size()),
            _ => None,
        }
    }

    /// Returns the number of its features.
    pub(super) fn width(&self) -> usize {
        match self {
            Encoder::Number(encoder) => {
                usize::from(encoder.has_value()) + usize::from(encoder.has_indicator())
            }
            Encoder::OneHot(encoder) => encoder.width(),
            Encoder::Ordinal(_) => 1,
            Encoder::Hash { encoder, indicator } => encoder.buckets() + usize::from(*indicator),
            Encoder::Date { encoder, indicator } => encoder.width() + usize::from(*indicator),
            Encoder::Text { encoder, indicator } => encoder.buckets() + usize::from(*indicator),
        }
    }

    /// Returns the names of its features.
    pub(super) fn names(&self, column: &str) -> Vec<String> {
        let numbered = |count| (0..count).map(|i| format!("{column}#{i}")).collect();
        let (mut names, indicator): (Vec<String>, bool) = match self {
            Encoder::Number(encoder) => {
                let value = encoder.has_value().then(|| column.to_string());
                (value.into_iter().collect(), encoder.has_indicator())
            }
            Encoder::OneHot(encoder) => {
                let names = encoder.names().iter();
                let names = names.map(|name| format!("{column}={name}"));
                (names.collect(), encoder.had_missing())
            }
            Encoder::Ordinal(_) => (vec![column.to_string()], false),
            Encoder::Hash { encoder, indicator } => (numbered(encoder.buckets()), *indicator),
            Encoder::Date { encoder, indicator } => {
                let names = encoder.names().into_iter();
                let names = names.map(|part| format!("{column}.{part}"));
                (names.collect(), *indicator)
            }
            Encoder::Text { encoder, indicator } => (numbered(encoder.buckets()), *indicator),
        };
        if indicator {
            names.push(format!("{column} is missing"));
        }
        names
    }

    /// Writes the features of all cells to `block`, which must be 0.
    pub(super) fn transform(&self, column: &str, cells: &Values, mut block: Block) -> Result<()> {
        match (self, cells) {
            (Encoder::Number(encoder), Values::Number(cells)) => {
                encoder.transform(column, cells, block)
            }
            (Encoder::OneHot(encoder), Values::Category { codes, names }) => {
                let index = |cell: Option<&str>| encoder.index(cell);
                one_hot(codes, &Lookup::new(column, codes, names, index)?, block);
                Ok(())
            }
            (Encoder::Hash { encoder, indicator }, Values::Category { codes, names }) => {
                let buckets = encoder.buckets();
                let index = |cell: Option<&str>| match cell {
                    Some(name) => Some(encoder.index(name)),
                    None => indicator.then_some(buckets),
                };
                one_hot(codes, &Lookup::new(column, codes, names, index)?, block);
                Ok(())
            }
            (Encoder::Ordinal(encoder), Values::Category { codes, names }) => {
                let index = |cell: Option<&str>| Some(encoder.index(cell));
                let lookup = Lookup::new(column, codes, names, index)?;
                for (row, code) in block.rows().zip(codes) {
                    if let (Some(feature), Some(index)) = (row.first_mut(), lookup.at(*code)) {
                        *feature = index as f32;
                    }
                }
                Ok(())
            }
            (Encoder::Date { encoder, indicator }, Values::Date(seconds)) => {
                if let Some(row) = seconds.iter().position(|s| s.is_infinite()) {
                    return Err(infinite_cell(column, row));
                }
                let rows = block.par_rows().zip(seconds).enumerate();
                rows.try_for_each(|(i, (row, seconds))| {
                    write(row, &encoder.transform_one(*seconds));
                    indicate(row, *indicator && seconds.is_nan());
                    match row.iter().all(|x| x.is_finite()) {
                        true => Ok(()),
                        false => Err(Error::data(
                            format!("the column {column:?}, row {i}"),
                            format!("{seconds} seconds since 1970 are not finite as f32 features"),
                        )),
                    }
                })
            }
            (Encoder::Text { encoder, indicator }, Values::Text(texts)) => {
                block.par_rows().zip(texts).for_each(|(row, text)| {
                    if let Some(text) = text {
                        write(row, &encoder.transform_one(text));
                    }
                    indicate(row, *indicator && text.is_none());
                });
                Ok(())
            }
            _ => Err(wrong_kind(column, self.kind(), cells)),
        }
    }
}

/// What each code of a column of categories becomes.
struct Lookup {
    names: Vec<Option<usize>>,
    missing: Option<usize>,
}

impl Lookup {
    fn new(
        column: &str,
        codes: &[u32],
        names: &[String],
        index: impl Fn(Option<&str>) -> Option<usize>,
    ) -> Result<Self> {
        check_codes(column, codes, names)?;
        Ok(Lookup {
            names: names.iter().map(|name| index(Some(name))).collect(),
            missing: index(None),
        })
    }

    fn at(&self, code: u32) -> Option<usize> {
        match code {
            MISSING => self.missing,
            _ => self.names.get(code as usize).copied().flatten(),
        }
    }
}

fn one_hot(codes: &[u32], lookup: &Lookup, mut block: Block) {
    for (row, code) in block.rows().zip(codes) {
        if let Some(feature) = lookup.at(*code).and_then(|index| row.get_mut(index)) {
            *feature = 1.0;
        }
    }
}

fn write(row: &mut [f32], features: &[f64]) {
    for (to, from) in row.iter_mut().zip(features) {
        *to = *from as f32;
    }
}

/// Sets the last feature of a row, its indicator.
fn indicate(row: &mut [f32], missing: bool) {
    if let Some(last) = row.last_mut().filter(|_| missing) {
        *last = 1.0;
    }
}

/// Returns the name of each cell.
fn named<'a>(column: &str, codes: &[u32], names: &'a [String]) -> Result<Vec<Option<&'a str>>> {
    check_codes(column, codes, names)?;
    let name = |code: &u32| names.get(*code as usize).map(String::as_str);
    Ok(codes.iter().map(name).collect())
}

fn check_codes(column: &str, codes: &[u32], names: &[String]) -> Result<()> {
    let unknown = |code: &u32| *code != MISSING && *code as usize >= names.len();
    match codes.iter().position(unknown) {
        None => Ok(()),
        Some(row) => Err(Error::data(
            format!("the column {column:?}, row {row}"),
            format!("the code of the category has no name among {}", names.len()),
        )),
    }
}

/// Returns the error of cells of another kind than expected.
pub(super) fn wrong_kind(column: &str, expected: &str, found: &Values) -> Error {
    Error::data(
        format!("the column {column:?}"),
        format!("expected {expected}, found {}", found.kind()),
    )
}

/// Returns the error of an infinite number or date.
pub(super) fn infinite_cell(column: &str, row: usize) -> Error {
    Error::data(
        format!("the column {column:?}, row {row}"),
        "expected a finite number, or a missing cell, found an infinite number",
    )
}

/// Adds the column to an error.
fn within(column: &str, error: Error) -> Error {
    Error::data(format!("the column {column:?}"), error.to_string())
}
