//! What is unusual about a column.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is unusual about the training cells of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum Warning {
    /// All cells that are present are the same; they are no feature.
    Constant {
        /// The column.
        column: String,
    },
    /// More than half of the cells are missing.
    MostlyMissing {
        /// The column.
        column: String,
        /// The number of missing cells.
        missing: usize,
        /// The number of cells.
        rows: usize,
    },
    /// At least half of the distinct numbers are lost in `f32`, such as milliseconds since 1970 on
    /// the scale "none".
    Indistinct {
        /// The column.
        column: String,
        /// The number of distinct numbers in f64.
        distinct: usize,
        /// The number of distinct features in f32.
        features: usize,
    },
}

impl Warning {
    /// Returns the column.
    pub fn column(&self) -> &str {
        match self {
            Warning::Constant { column }
            | Warning::MostlyMissing { column, .. }
            | Warning::Indistinct { column, .. } => column,
        }
    }

    /// Returns the warning if at least half of the distinct cells are lost.
    pub(super) fn indistinct(
        column: &str,
        cells: &[f64],
        feature: impl Fn(f64) -> f32,
    ) -> Option<Self> {
        let mut cells = super::stats::sorted(cells.to_vec());
        cells.dedup();
        let mut features: Vec<f32> = cells.iter().map(|x| feature(*x)).collect();
        // Scales are monotonic, so equal features are neighbors.
        features.dedup();
        (features.len() * 2 <= cells.len()).then(|| Warning::Indistinct {
            column: column.to_string(),
            distinct: cells.len(),
            features: features.len(),
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Constant { column } => {
                write!(
                    f,
                    "the column {column:?} has the same cell in all training rows"
                )
            }
            Warning::MostlyMissing {
                column,
                missing,
                rows,
            } => write!(
                f,
                "{missing} of {rows} training cells of the column {column:?} are missing"
            ),
            Warning::Indistinct {
                column,
                distinct,
                features,
            } => write!(
                f,
                "the {distinct} distinct numbers of the column {column:?} become {features} in \
                 f32; choose another `scale`"
            ),
        }
    }
}
