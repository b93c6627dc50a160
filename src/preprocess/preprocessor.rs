//! The preprocessor of a table.

use serde::{Deserialize, Serialize};

use super::encoder::{Block, Encoder, infinite_cell, wrong_kind};
use super::features::{FeatureGroup, Features};
use super::spec::PreprocessSpec;
use super::warning::Warning;
use crate::data::{Column, ColumnType, Frame, Values};
use crate::error::{Error, Result};

/// The version of the stored form.
const VERSION: u32 = 1;

/// A column, and its fitted encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fitted {
    column: String,
    encoder: Encoder,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    version: u32,
    columns: Vec<Fitted>,
    /// The columns that are no features: ids, ignored and constant ones.
    left_out: Vec<String>,
    warnings: Vec<Warning>,
}

/// Turns the columns of a table into features, by statistics of training rows.
///
/// It is fitted to training rows only, stored with serde, and applied to other tables with the
/// same columns. The stored form contains its version. A stored preprocessor gives the same
/// features as the fitted one, to the bit.
///
/// # Example
/// ```
/// use wgrad::data::{ColumnType, Frame, Values};
/// use wgrad::preprocess::{PreprocessSpec, Preprocessor};
///
/// let table = Frame::new()
///     .with("age", Values::Number(vec![20.0, f64::NAN, 40.0, 60.0]))?
///     .with("member", Values::Number(vec![0.0, 1.0, 1.0, 0.0]))?;
/// let types = [("age".into(), ColumnType::Number), ("member".into(), ColumnType::Boolean)];
/// let fitted = Preprocessor::fit(&table, &[0, 1, 2], &PreprocessSpec::default(), &types)?;
///
/// let features = fitted.transform(&table)?;
/// assert_eq!(features.names, ["age", "age is missing", "member"]);
/// assert_eq!(features.row(1), Some(&[0.0, 1.0, 1.0][..]));
///
/// let json = serde_json::to_string(&fitted).unwrap();
/// assert_eq!(serde_json::from_str::<Preprocessor>(&json).unwrap(), fitted);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Preprocessor(Stored);

impl From<Preprocessor> for Stored {
    fn from(fitted: Preprocessor) -> Self {
        fitted.0
    }
}

impl TryFrom<Stored> for Preprocessor {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        match stored.version {
            VERSION => Ok(Preprocessor(stored)),
            other => Err(Error::argument(
                "the version of the preprocessor",
                other,
                format!("{VERSION}, which this version of wgrad writes"),
            )),
        }
    }
}

impl Preprocessor {
    /// Fits the settings to these rows of a table, and to no others.
    ///
    /// `types` says which columns become features, and in which order. Columns of
    /// [`ColumnType::Id`] and [`ColumnType::Ignore`] are left out, and so are columns with the same
    /// cell in all rows (see [`warnings`](Preprocessor::warnings)). With
    /// [`Missing::ForwardFill`](super::Missing::ForwardFill), `rows` are in the order of time.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no rows, a row or a column does not exist, a column has two
    /// types or another kind of cells than its type says, a number is infinite, a setting does not
    /// fit, or no column is left.
    pub fn fit(
        frame: &Frame,
        rows: &[usize],
        spec: &PreprocessSpec,
        types: &[(String, ColumnType)],
    ) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::argument(
                "the number of training rows",
                0,
                "at least 1",
            ));
        }
        if let Some(row) = rows.iter().find(|row| **row >= frame.rows()) {
            let expected = format!("below {}, the number of rows", frame.rows());
            return Err(Error::argument("a training row", row, expected));
        }
        let typed = |name: &String| types.iter().any(|(column, _)| column == name);
        if let Some(unknown) = spec.overrides.keys().find(|name| !typed(name)) {
            let names: Vec<&str> = types.iter().map(|(name, _)| name.as_str()).collect();
            let expected = format!("one of {}", names.join(", "));
            return Err(Error::argument(
                "a column of `overrides`",
                unknown,
                expected,
            ));
        }
        let mut names = types.iter().map(|(name, _)| name).enumerate();
        if let Some((_, twice)) = names.find(|(i, name)| types[..*i].iter().any(|t| &t.0 == *name))
        {
            let reason = format!("the column {twice:?} has two types, expected one");
            return Err(Error::data("the types of the columns", reason));
        }
        let feature = |of: &ColumnType| !matches!(of, ColumnType::Id | ColumnType::Ignore);
        let needed = types.iter().filter(|(_, of)| feature(of));
        let columns = find(frame, needed.clone().map(|(name, _)| name))?;

        let mut warnings = Vec::new();
        let mut fitted = Vec::new();
        let others = types.iter().filter(|(_, of)| !feature(of));
        let mut left_out: Vec<String> = others.map(|(name, _)| name.clone()).collect();
        for (column, (name, of)) in columns.into_iter().zip(needed) {
            check_type(column, *of)?;
            check_finite(column, rows)?;
            let cells = column.values.select(rows);
            match Encoder::fit(name, &cells, spec, &mut warnings)? {
                Some(encoder) => fitted.push(Fitted {
                    column: name.clone(),
                    encoder,
                }),
                None => left_out.push(name.clone()),
            }
        }
        if fitted.is_empty() {
            let mut reasons = warnings.iter().map(Warning::to_string).collect::<Vec<_>>();
            reasons.push("expected a column of features that differs between rows".to_string());
            return Err(Error::data("the table", reasons.join("; ")));
        }
        Ok(Preprocessor(Stored {
            version: VERSION,
            columns: fitted,
            left_out,
            warnings,
        }))
    }

    /// Returns the features of all rows of a table.
    ///
    /// Columns are found by name, in any order. A table without the columns that were left out
    /// will do. Names of categories that did not occur in the training rows are accepted.
    ///
    /// # Errors
    ///
    /// Returns an error that names all columns that the table lacks. Returns an error if a column
    /// has another kind of cells than in the training, a number is infinite, or a feature is not a
    /// finite `f32`.
    pub fn transform(&self, frame: &Frame) -> Result<Features> {
        let columns = find(frame, self.0.columns.iter().map(|fitted| &fitted.column))?;
        let groups = self.feature_groups();
        let names = self.feature_names();
        let (rows, width) = (frame.rows(), names.len());
        let mut values = vec![0.0; rows * width];
        for ((fitted, column), group) in self.0.columns.iter().zip(columns).zip(groups) {
            let block = Block {
                values: &mut values,
                row_width: width,
                first: group.range.start,
                width: group.range.len(),
            };
            let encoder = &fitted.encoder;
            encoder.transform(&fitted.column, &column.values, block)?;
        }
        let known = |name: &String| {
            self.0.left_out.contains(name) || self.0.columns.iter().any(|c| &c.column == name)
        };
        let ignored = frame.columns().iter().map(|column| &column.name);
        Ok(Features {
            names,
            width,
            values,
            rows,
            ignored: ignored.filter(|name| !known(name)).cloned().collect(),
        })
    }

    /// Returns the names of the features, in order: `age`, `age is missing`, `color=red`,
    /// `when.month_sin`, `text#17`.
    pub fn feature_names(&self) -> Vec<String> {
        let columns = self.0.columns.iter();
        columns
            .flat_map(|fitted| fitted.encoder.names(&fitted.column))
            .collect()
    }

    /// Returns which features belong to which column, in order.
    pub fn feature_groups(&self) -> Vec<FeatureGroup> {
        let mut start = 0;
        let group = |fitted: &Fitted| {
            let end = start + fitted.encoder.width();
            let range = start..end;
            start = end;
            FeatureGroup {
                column: fitted.column.clone(),
                range,
                indices: fitted.encoder.indices(),
            }
        };
        self.0.columns.iter().map(group).collect()
    }

    /// Returns the columns that are no features: those of the types `id` and `ignore`, and those
    /// with the same cell in all training rows.
    pub fn left_out(&self) -> &[String] {
        &self.0.left_out
    }

    /// Returns what is unusual about the columns in the training rows.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }
}

/// Returns the columns of these names, or an error with all names that do not exist.
fn find<'a, 'b>(
    frame: &'a Frame,
    names: impl Iterator<Item = &'b String> + Clone,
) -> Result<Vec<&'a Column>> {
    let column = |name: &String| frame.columns().iter().find(|c| &c.name == name);
    let missing: Vec<String> = names
        .clone()
        .filter(|name| column(name).is_none())
        .map(|name| format!("{name:?}"))
        .collect();
    if missing.is_empty() {
        return Ok(names.filter_map(column).collect());
    }
    let found: Vec<&str> = frame.columns().iter().map(|c| c.name.as_str()).collect();
    let (what, verb) = match missing.len() {
        1 => ("column", "is"),
        _ => ("columns", "are"),
    };
    Err(Error::data(
        "the table",
        format!(
            "the {what} {} {verb} missing; found {}",
            missing.join(", "),
            found.join(", ")
        ),
    ))
}

/// Returns an error that names the first of these rows whose number or date is infinite.
fn check_finite(column: &Column, rows: &[usize]) -> Result<()> {
    let (Values::Number(cells) | Values::Date(cells)) = &column.values else {
        return Ok(());
    };
    let infinite = |row: &&usize| cells.get(**row).is_some_and(|x| x.is_infinite());
    match rows.iter().find(infinite) {
        None => Ok(()),
        Some(row) => Err(infinite_cell(&column.name, *row)),
    }
}

fn check_type(column: &Column, of: ColumnType) -> Result<()> {
    let expected = match of {
        ColumnType::Number | ColumnType::Boolean => "numbers",
        ColumnType::Category => "categories",
        ColumnType::Date => "dates",
        ColumnType::Text => "texts",
        ColumnType::Id | ColumnType::Ignore => return Ok(()),
    };
    match column.values.kind() == expected {
        true => Ok(()),
        false => Err(wrong_kind(&column.name, expected, &column.values)),
    }
}
