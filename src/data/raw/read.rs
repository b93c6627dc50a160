//! Reads the columns of a raw table as typed values.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::blocks::Block;
use super::cell::{self, Decimal};
use super::date;
use super::records::{Record, RowPlace};
use super::table::RawTable;
use crate::data::closest::closest;
use crate::data::frame::{ColumnType, Frame, MISSING, Values};
use crate::error::{Error, Result};

/// A column that is being read.
pub(super) struct Reader {
    name: String,
    index: usize,
    decimal: Decimal,
    cells: Cells,
    /// The number of cells that do not fit, and the first of them with its place.
    wrong: Option<(u64, String, RowPlace)>,
}

enum Cells {
    Number(Vec<f64>),
    Boolean(Vec<f64>),
    Date(Vec<f64>, &'static str),
    Category(Vec<u32>, HashMap<Box<str>, u32>),
    Text(Vec<Option<Box<str>>>),
}

impl Reader {
    /// Adds the cell of a row.
    pub(super) fn read(&mut self, row: &Record, table: &RawTable) {
        let cell = row.cell(self.index);
        self.add(cell, table.is_missing(cell), row.place());
    }

    /// Removes the values, but remembers the cells that do not fit.
    pub(super) fn clear(&mut self) {
        match &mut self.cells {
            Cells::Number(v) | Cells::Boolean(v) | Cells::Date(v, _) => v.clear(),
            Cells::Category(codes, names) => {
                codes.clear();
                names.clear();
            }
            Cells::Text(texts) => texts.clear(),
        }
    }

    fn add(&mut self, cell: &str, missing: bool, at: RowPlace) {
        let value = match &mut self.cells {
            Cells::Category(codes, names) => {
                let next = names.len() as u32;
                codes.push(match names.get(cell) {
                    _ if missing => MISSING,
                    Some(code) => *code,
                    None => {
                        names.insert(cell.into(), next);
                        next
                    }
                });
                return;
            }
            Cells::Text(texts) => {
                texts.push((!missing).then(|| cell.into()));
                return;
            }
            _ if missing => Some(f64::NAN),
            Cells::Number(_) => cell::number(cell, self.decimal).map(|n| n.value),
            Cells::Boolean(_) => boolean(cell),
            Cells::Date(_, format) => date::seconds(cell, format),
        };
        if value.is_none() {
            let wrong = self.wrong.get_or_insert((0, cell.to_string(), at));
            wrong.0 += 1;
        }
        if let Cells::Number(v) | Cells::Boolean(v) | Cells::Date(v, _) = &mut self.cells {
            v.push(value.unwrap_or(f64::NAN));
        }
    }

    /// Returns what is wrong with the cells, if something is.
    fn problem(&self, table: &RawTable) -> Option<String> {
        let (count, cell, at) = self.wrong.as_ref()?;
        let (kind, fit) = match &self.cells {
            Cells::Boolean(_) => ("a boolean", "true or false, yes or no, 1 or 0".to_string()),
            Cells::Date(_, format) => ("a date", format!("the format {format}")),
            _ => ("a number", "a number or a missing cell".to_string()),
        };
        let are = if *count == 1 { "cell is" } else { "cells are" };
        Some(format!(
            "column {:?}: {count} {are} not {kind}, first {cell:?} in {}; expected {fit}",
            self.name,
            table.place_of(*at)
        ))
    }

    fn finish(self) -> Values {
        match self.cells {
            Cells::Number(v) | Cells::Boolean(v) => Values::Number(v),
            Cells::Date(v, _) => Values::Date(v),
            Cells::Text(texts) => Values::Text(texts),
            Cells::Category(mut codes, found) => {
                let mut names: Vec<(Box<str>, u32)> = found.into_iter().collect();
                names.sort_by(|a, b| by_value(&a.0, &b.0));
                let mut places = vec![0; names.len()];
                for (place, (_, code)) in names.iter().enumerate() {
                    if let Some(slot) = places.get_mut(*code as usize) {
                        *slot = place as u32;
                    }
                }
                for code in &mut codes {
                    *code = places.get(*code as usize).copied().unwrap_or(MISSING);
                }
                let names = names.into_iter().map(|(name, _)| name.into()).collect();
                Values::Category { codes, names }
            }
        }
    }
}

fn boolean(cell: &str) -> Option<f64> {
    match cell {
        "1" => Some(1.0),
        "0" => Some(0.0),
        _ => cell::boolean(cell).map(f64::from),
    }
}

/// Orders names: numbers first, by value, then texts. Equal numbers are ordered by their texts.
fn by_value(a: &str, b: &str) -> Ordering {
    let number = |text: &str| cell::number(text, Decimal::Point).map(|n| n.value);
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// How a column is read: its name, its type, and the format of its dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnFormat {
    /// The name.
    pub name: String,
    /// The type.
    pub column_type: ColumnType,
    /// The format of dates, in the notation of `strftime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
}

impl RawTable {
    /// Reads columns as values of these types, in the order given. The names of a category are
    /// sorted: numbers by value, then texts.
    ///
    /// # Errors
    ///
    /// Returns one error with all columns whose cells do not fit, each with the number of such
    /// cells and the first of them with its line; or an error with all names that are no column.
    pub fn read(&self, columns: &[ColumnFormat]) -> Result<Frame> {
        match self.read_once(columns) {
            Err(error) => match self.in_other_encoding(&error) {
                Some(other) => other?.read(columns),
                None => Err(error),
            },
            done => done,
        }
    }

    fn read_once(&self, columns: &[ColumnFormat]) -> Result<Frame> {
        self.scan_whole(columns, None)
    }

    /// Reads columns like [`read`](RawTable::read), of these rows only, which are in order.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`](RawTable::read).
    pub fn read_rows(&self, columns: &[ColumnFormat], rows: &[u32]) -> Result<Frame> {
        self.scan_whole(columns, Some(rows))
    }

    fn scan_whole(&self, columns: &[ColumnFormat], wanted: Option<&[u32]>) -> Result<Frame> {
        let mut all = Frame::new();
        let mut keep = |block: Block| {
            all = block.frame;
            Ok(())
        };
        self.scan(columns, &[], usize::MAX, wanted, &mut keep)?;
        Ok(all)
    }

    /// Returns the readers of columns, without values.
    pub(super) fn readers(&self, columns: &[ColumnFormat]) -> Result<Vec<Reader>> {
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let indices = self.indices(&names)?;
        let readers = columns.iter().zip(indices);
        readers.map(|(c, index)| self.reader(c, index)).collect()
    }

    /// Returns one error with all columns whose cells do not fit, if there are any.
    pub(super) fn problems(&self, readers: &[Reader]) -> Option<Error> {
        let problems: Vec<String> = readers.iter().filter_map(|r| r.problem(self)).collect();
        (!problems.is_empty()).then(|| Error::data(self.place(), problems.join("\n")))
    }

    /// Returns what was read, or an error with all columns whose cells do not fit.
    pub(super) fn frame(&self, readers: Vec<Reader>) -> Result<Frame> {
        if let Some(error) = self.problems(&readers) {
            return Err(error);
        }
        let mut frame = Frame::new();
        for reader in readers {
            let name = reader.name.clone();
            frame = frame.with(name, reader.finish())?;
        }
        Ok(frame)
    }

    /// Returns the error of names that are no columns of the table.
    pub fn no_columns(&self, missing: &[&str]) -> Error {
        let quoted = |name: &str| format!("{name:?}");
        let reason = match missing {
            [name] => {
                let near = closest(name, self.columns().iter().map(String::as_str));
                let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
                format!("there is no column {name:?}{near}")
            }
            _ => {
                let names: Vec<String> = missing.iter().map(|name| quoted(name)).collect();
                format!("there are no columns {}", names.join(", "))
            }
        };
        let listed: Vec<String> = self.columns().iter().map(|n| quoted(n)).collect();
        let reason = format!("{reason} (the columns are {})", listed.join(", "));
        Error::data(self.place(), reason)
    }

    fn reader(&self, column: &ColumnFormat, index: usize) -> Result<Reader> {
        let cells = match column.column_type {
            ColumnType::Number => Cells::Number(Vec::new()),
            ColumnType::Boolean => Cells::Boolean(Vec::new()),
            ColumnType::Category => Cells::Category(Vec::new(), HashMap::new()),
            ColumnType::Date => {
                let known = |format: &&&str| Some(**format) == column.date_format.as_deref();
                let Some(format) = date::FORMATS.iter().find(known) else {
                    let reason = format!(
                        "column {:?}: expected dates of one format in all cells, such as {}",
                        column.name,
                        date::FORMATS.get(..3).unwrap_or_default().join(", ")
                    );
                    return Err(Error::data(self.place(), reason));
                };
                Cells::Date(Vec::new(), format)
            }
            ColumnType::Text | ColumnType::Id | ColumnType::Ignore => Cells::Text(Vec::new()),
        };
        Ok(Reader {
            name: column.name.clone(),
            index,
            decimal: self.decimal(),
            cells,
            wrong: None,
        })
    }
}
