//! Tables of typed columns, the input of [`preprocess`](crate::preprocess).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The code of a missing cell in [`Values::Category`].
pub const MISSING: u32 = u32::MAX;

/// The type of a column's cells.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Numbers.
    Number,
    /// A name out of few, such as a color.
    Category,
    /// `true` or `false`, stored as the numbers 1 and 0.
    Boolean,
    /// A date, with or without a time.
    Date,
    /// Free text.
    Text,
    /// A number or a name of the row itself, which is not a feature.
    Id,
    /// A column to leave out, such as one with the same cell in each row.
    Ignore,
}

impl ColumnType {
    /// Returns its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Number => "number",
            ColumnType::Category => "category",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
            ColumnType::Text => "text",
            ColumnType::Id => "id",
            ColumnType::Ignore => "ignore",
        }
    }
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; a missing cell is NaN.
    Number(Vec<f64>),
    /// Seconds since 1970-01-01T00:00:00Z; a missing cell is NaN.
    Date(Vec<f64>),
    /// The index of each cell's name; a missing cell is [`MISSING`].
    Category {
        /// The codes of the cells.
        codes: Vec<u32>,
        /// The names, without duplicates.
        names: Vec<String>,
    },
    /// Texts; a missing cell is `None`.
    Text(Vec<Option<Box<str>>>),
}

impl Values {
    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        match self {
            Values::Number(v) | Values::Date(v) => v.len(),
            Values::Category { codes, .. } => codes.len(),
            Values::Text(texts) => texts.len(),
        }
    }

    /// Returns whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the cell of a row is missing. A row past the end is.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Values::Number(v) | Values::Date(v) => v.get(row).is_none_or(|v| v.is_nan()),
            Values::Category { codes, .. } => codes.get(row).is_none_or(|code| *code == MISSING),
            Values::Text(texts) => texts.get(row).is_none_or(Option::is_none),
        }
    }

    /// Returns the number of missing cells.
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|row| self.is_missing(*row)).count()
    }

    /// Returns the cells of these rows, in their order. Rows past the end are missing.
    pub fn select(&self, rows: &[usize]) -> Values {
        let numbers = |v: &[f64]| {
            let at = |row: &usize| v.get(*row).copied().unwrap_or(f64::NAN);
            rows.iter().map(at).collect()
        };
        match self {
            Values::Number(v) => Values::Number(numbers(v)),
            Values::Date(v) => Values::Date(numbers(v)),
            Values::Category { codes, names } => Values::Category {
                codes: rows
                    .iter()
                    .map(|row| codes.get(*row).copied().unwrap_or(MISSING))
                    .collect(),
                names: names.clone(),
            },
            Values::Text(texts) => {
                let at = |row: &usize| texts.get(*row).cloned().flatten();
                Values::Text(rows.iter().map(at).collect())
            }
        }
    }

    /// Returns the name of the kind of values, for errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::Number(_) => "numbers",
            Values::Date(_) => "dates",
            Values::Category { .. } => "categories",
            Values::Text(_) => "texts",
        }
    }
}

/// A named column of typed cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name, unique in its frame.
    pub name: String,
    /// The cells.
    pub values: Values,
}

/// A table of typed columns of equal length.
///
/// # Example
/// ```
/// use wgrad::data::{Frame, Values};
///
/// let frame = Frame::new()
///     .with("age", Values::Number(vec![31.0, f64::NAN]))?
///     .with("color", Values::Category { codes: vec![0, 1], names: vec!["red".into(), "blue".into()] })?;
/// assert_eq!((frame.rows(), frame.columns().len()), (2, 2));
/// assert!(frame.column("age")?.values.is_missing(1));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    columns: Vec<Column>,
}

impl Frame {
    /// Creates a frame without columns.
    pub fn new() -> Self {
        Frame::default()
    }

    /// Adds a column.
    ///
    /// # Errors
    ///
    /// Returns an error if a column of this name exists, or the other columns have another length.
    pub fn with(mut self, name: impl Into<String>, values: Values) -> Result<Self> {
        let name = name.into();
        if self.columns.iter().any(|c| c.name == name) {
            return Err(Error::argument(
                "the column",
                name,
                "a name that is not taken",
            ));
        }
        if !self.columns.is_empty() && values.len() != self.rows() {
            let expected = format!("{} rows, like the other columns", self.rows());
            return Err(Error::argument(
                format!("the column {name:?}"),
                format!("{} rows", values.len()),
                expected,
            ));
        }
        self.columns.push(Column { name, values });
        Ok(self)
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }

    /// Returns the columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the column of this name.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the columns if there is none of this name.
    pub fn column(&self, name: &str) -> Result<&Column> {
        let found = self.columns.iter().find(|c| c.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
            Error::argument("the column", name, format!("one of {}", names.join(", ")))
        })
    }

    /// Removes the column of this name, and returns its values.
    ///
    /// # Errors
    ///
    /// Returns the error of [`column`](Frame::column).
    pub fn take(&mut self, name: &str) -> Result<Values> {
        self.column(name)?;
        let at = self.columns.iter().position(|c| c.name == name);
        let column = at.map(|at| self.columns.remove(at));
        Ok(column.map_or(Values::Number(Vec::new()), |c| c.values))
    }

    /// Returns the frame of these rows, in their order.
    pub fn select(&self, rows: &[usize]) -> Frame {
        let columns = self.columns.iter().map(|c| Column {
            name: c.name.clone(),
            values: c.values.select(rows),
        });
        Frame {
            columns: columns.collect(),
        }
    }
}
