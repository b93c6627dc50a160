//! Explanations of models of tables: which columns matter, and what each column contributes to one
//! prediction.

mod importance;
mod rows;
mod shapley;

pub use importance::{Importance, permutation_importance};
pub use rows::{Explainer, Explanation};
pub use shapley::{Shapley, shapley_values};

use std::ops::Range;

use crate::run::Preprocessing;
use crate::{Error, Result};

/// Returns the columns of a table, each with the range of its features.
///
/// # Errors
///
/// Returns an error if the data is not a table.
fn column_groups(preprocessing: &Preprocessing) -> Result<Vec<(String, Range<usize>)>> {
    if let Some(table) = &preprocessing.table {
        let Some(preprocessor) = table
            .preprocessor
            .as_ref()
            .filter(|_| table.series.is_none())
        else {
            return Err(Error::data(
                "the data of the run",
                "expected rows with columns, found the windows of a series",
            ));
        };
        let groups = preprocessor.feature_groups().into_iter();
        return Ok(groups.map(|group| (group.column, group.range)).collect());
    }
    let features = preprocessing.features.iter();
    let groups: Vec<_> = features
        .enumerate()
        .map(|(i, name)| (name.clone(), i..i + 1))
        .collect();
    match preprocessing.sample_shape.as_slice() {
        [width] if *width == groups.len() => Ok(groups),
        shape => Err(Error::data(
            "the data of the run",
            format!("expected the columns of a table, found samples of shape {shape:?}"),
        )),
    }
}
