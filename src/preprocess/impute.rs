//! Replaces missing numbers.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::stats;
use crate::error::{Error, Result};
use crate::json;

/// The number that replaces missing ones.
///
/// In a configuration: `"median"`, `"mean"`, `"most_frequent"`, `"forward_fill"`, or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The median of the training cells.
    #[default]
    Median,
    /// The mean of the training cells.
    Mean,
    /// The most frequent training cell, the smallest if there are several.
    MostFrequent,
    /// The last cell before that is present, for rows in the order of time; at the beginning, the
    /// median of the training cells.
    ForwardFill,
    /// This number.
    #[serde(untagged)]
    Constant(f64),
}

impl JsonSchema for Missing {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Missing".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {
                    "type": "string",
                    "enum": ["median", "mean", "most_frequent", "forward_fill"],
                    "x-what": "replacement of missing numbers"
                },
                { "type": "number" }
            ],
            "x-expected": "a name or a number"
        })
    }
}

/// Replaces missing numbers, which are NaN.
///
/// Strategies and statistics are those of [scikit-learn]'s `SimpleImputer`, and pandas's `ffill`.
/// If all cells are missing, the statistic is 0, as with `keep_empty_features=True`.
///
/// # Example
/// ```
/// use wgrad::preprocess::{Missing, SimpleImputer};
///
/// let imputer = SimpleImputer::fit(&[1.0, f64::NAN, 2.0, 6.0], Missing::Mean)?;
/// assert_eq!(imputer.transform(&[5.0, f64::NAN]), [5.0, 3.0]);
/// assert_eq!(imputer.indicator(&[5.0, f64::NAN]), Some(vec![0.0, 1.0]));
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.impute.SimpleImputer.html
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimpleImputer {
    #[serde(with = "json::number")]
    statistic: f64,
    forward: bool,
    had_missing: bool,
}

impl SimpleImputer {
    /// Computes the replacement from the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if a cell or the constant is infinite, or the constant is NaN.
    pub fn fit(cells: &[f64], strategy: Missing) -> Result<Self> {
        let found = stats::present(cells)?;
        let had_missing = found.len() < cells.len();
        let statistic = match strategy {
            Missing::Median | Missing::ForwardFill => stats::median(&stats::sorted(found)),
            Missing::Mean => stats::mean(&found),
            Missing::MostFrequent => stats::most_frequent(&stats::sorted(found)),
            Missing::Constant(value) if !value.is_finite() => {
                let expected = "a finite number";
                return Err(Error::argument("the constant", value, expected));
            }
            Missing::Constant(value) => value,
        };
        Ok(SimpleImputer {
            statistic: stats::finite("the replacement of missing cells", statistic)?,
            forward: strategy == Missing::ForwardFill,
            had_missing,
        })
    }

    /// Returns the number that replaces missing ones; with
    /// [`ForwardFill`](Missing::ForwardFill), only those at the beginning.
    pub fn statistic(&self) -> f64 {
        self.statistic
    }

    /// Returns whether cells were missing when the imputer was fitted.
    pub fn had_missing(&self) -> bool {
        self.had_missing
    }

    /// Returns the cells with missing ones replaced.
    pub fn transform(&self, cells: &[f64]) -> Vec<f64> {
        let mut last = self.statistic;
        let fill = |x: &f64| match x.is_nan() {
            true => last,
            false => {
                if self.forward {
                    last = *x;
                }
                *x
            }
        };
        cells.iter().map(fill).collect()
    }

    /// Returns 1 for each missing cell and 0 for others; `None` if no cell was missing when the
    /// imputer was fitted, as scikit-learn's `MissingIndicator` leaves out such columns.
    pub fn indicator(&self, cells: &[f64]) -> Option<Vec<f64>> {
        let missing = |x: &f64| f64::from(u8::from(x.is_nan()));
        self.had_missing
            .then(|| cells.iter().map(missing).collect())
    }
}
