//! Clips outliers.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::scale::StandardScaler;
use super::stats;
use crate::error::{Error, Result};
use crate::json;

/// The numbers of interquartile ranges outside of the quartiles that are no outliers (Tukey 1977).
const IQR_FACTOR: f64 = 1.5;

/// The number of standard deviations from the mean that are no outliers.
const MAX_Z_SCORE: f64 = 3.0;

/// Which numbers are outliers. They are clipped to the nearest number that is not.
///
/// In a configuration: `"none"`, `"iqr"`, `"z_score"`, or `{ quantile = [0.01, 0.99] }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outliers {
    /// No number.
    #[default]
    None,
    /// Numbers more than 1.5 interquartile ranges below the first or above the third quartile.
    Iqr,
    /// Numbers more than 3 standard deviations from the mean.
    ZScore,
    /// Numbers below the first or above the second quantile, each from 0 to 1.
    Quantile(f64, f64),
}

impl JsonSchema for Outliers {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Outliers".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {
                    "type": "string",
                    "enum": ["none", "iqr", "z_score"],
                    "x-what": "rule for outliers"
                },
                {
                    "type": "object",
                    "properties": {
                        "quantile": {
                            "type": "array",
                            "items": { "type": "number", "minimum": 0, "maximum": 1 },
                            "minItems": 2,
                            "maxItems": 2,
                            "x-expected": "two numbers",
                            "examples": [[0.01, 0.99]]
                        }
                    },
                    "required": ["quantile"],
                    "additionalProperties": false
                }
            ],
            "x-expected": "a name, or a table with `quantile`"
        })
    }
}

/// Clips numbers to a range.
///
/// # Example
/// ```
/// use wgrad::preprocess::{Clipper, Outliers};
///
/// let clipper = Clipper::fit(&[1.0, 2.0, 3.0, 4.0, 5.0], Outliers::Iqr)?;
/// assert_eq!(clipper.range(), (-1.0, 7.0)); // quartiles 2 and 4
/// assert_eq!(clipper.transform(&[3.0, 100.0]), [3.0, 7.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clipper {
    #[serde(with = "json::number")]
    low: f64,
    #[serde(with = "json::number")]
    high: f64,
}

impl Clipper {
    /// Computes the range from the cells that are not NaN. It is infinite with [`Outliers::None`],
    /// and if there are no such cells.
    ///
    /// # Errors
    ///
    /// Returns an error if a cell is infinite, a quantile is not from 0 to 1, or the first is
    /// above the second.
    pub fn fit(cells: &[f64], outliers: Outliers) -> Result<Self> {
        let found = stats::present(cells)?;
        let unlimited = Clipper {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
        let (low, high) = match outliers {
            Outliers::Quantile(low, high) if !(0.0 <= low && low <= high && high <= 1.0) => {
                return Err(Error::argument(
                    "outliers.quantile",
                    format!("[{low}, {high}]"),
                    "two numbers from 0 to 1 in ascending order",
                ));
            }
            Outliers::None => return Ok(unlimited),
            _ if found.is_empty() => return Ok(unlimited),
            Outliers::Iqr => {
                let sorted = stats::sorted(found);
                let (q1, q3) = (
                    stats::quantile(&sorted, 0.25),
                    stats::quantile(&sorted, 0.75),
                );
                let margin = IQR_FACTOR * (q3 - q1);
                (q1 - margin, q3 + margin)
            }
            Outliers::ZScore => {
                let standard = StandardScaler::fit(&found)?;
                let margin = MAX_Z_SCORE * standard.std();
                (standard.mean() - margin, standard.mean() + margin)
            }
            Outliers::Quantile(low, high) => {
                let sorted = stats::sorted(found);
                (
                    stats::quantile(&sorted, low),
                    stats::quantile(&sorted, high),
                )
            }
        };
        Ok(Clipper {
            low: stats::finite("the lower limit of outliers", low)?,
            high: stats::finite("the upper limit of outliers", high)?,
        })
    }

    /// Returns the smallest and the largest number that stay as they are.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns the number, clipped; NaN stays NaN.
    pub fn transform_one(&self, x: f64) -> f64 {
        match x {
            x if x < self.low => self.low,
            x if x > self.high => self.high,
            x => x,
        }
    }

    /// Returns the cells, clipped; NaN stays NaN.
    pub fn transform(&self, cells: &[f64]) -> Vec<f64> {
        cells.iter().map(|x| self.transform_one(*x)).collect()
    }
}
