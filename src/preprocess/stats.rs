//! Statistics of a column's cells that are present, in f64.

use crate::error::{Error, Result};

/// Returns the cells that are not NaN.
///
/// # Errors
///
/// Returns an error that names the first infinite cell.
pub(super) fn present(cells: &[f64]) -> Result<Vec<f64>> {
    if let Some(row) = cells.iter().position(|x| x.is_infinite()) {
        let given = cells.get(row).copied().unwrap_or_default();
        return Err(Error::argument(
            format!("the cell of row {row}"),
            given,
            "a finite number, or NaN where it is missing",
        ));
    }
    Ok(cells.iter().copied().filter(|x| !x.is_nan()).collect())
}

/// Like [`present`], but returns an error if there are no such cells.
pub(super) fn some_present(cells: &[f64]) -> Result<Vec<f64>> {
    let found = present(cells)?;
    match found.is_empty() {
        true => Err(Error::argument(
            "the number of cells that are present",
            0,
            "at least 1",
        )),
        false => Ok(found),
    }
}

/// Returns the cells in ascending order.
pub(super) fn sorted(mut cells: Vec<f64>) -> Vec<f64> {
    cells.sort_unstable_by(f64::total_cmp);
    cells
}

/// Returns the sum, compensated for rounding errors (Neumaier 1974).
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for x in values {
        let next = sum + x;
        lost += match sum.abs() >= x.abs() {
            true => (sum - next) + x,
            false => (x - next) + sum,
        };
        sum = next;
    }
    sum + lost
}

/// Returns the mean; 0 of no cells.
pub(super) fn mean(cells: &[f64]) -> f64 {
    match cells {
        [] => 0.0,
        // The sum of equal cells may be rounded.
        [first, rest @ ..] if rest.iter().all(|x| x == first) => *first,
        _ => sum(cells.iter().copied()) / cells.len() as f64,
    }
}

/// Returns the variance of the population, dividing by the number of cells: two passes, with the
/// correction for the rounded mean (Chan, Golub and LeVeque 1983), as in scikit-learn.
pub(super) fn variance(cells: &[f64], mean: f64) -> f64 {
    let count = cells.len().max(1) as f64;
    let first = sum(cells.iter().map(|x| x - mean));
    let second = sum(cells.iter().map(|x| (x - mean) * (x - mean)));
    match (second - first * first / count) / count {
        // Unlike `max`, this keeps the NaN of sums that overflow.
        negative if negative < 0.0 => 0.0,
        variance => variance,
    }
}

/// Returns a quantile of sorted cells by linear interpolation, `fraction` from 0 to 1; 0 of no
/// cells.
///
/// The arithmetic is that of NumPy's method "linear", operation by operation: a
/// [`QuantileTransformer`](super::QuantileTransformer) compares cells with quantiles for equality.
pub(super) fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return 0.0;
    };
    let position = (sorted.len() - 1) as f64 * fraction;
    if position < 0.0 {
        return *first;
    }
    let below = position.floor();
    let (Some(low), Some(high)) = (
        sorted.get(below as usize),
        sorted.get((below as usize).saturating_add(1)),
    ) else {
        return *last;
    };
    let weight = position - below;
    match weight >= 0.5 {
        true => high - (high - low) * (1.0 - weight),
        false => low + (high - low) * weight,
    }
}

/// Returns the median of sorted cells; 0 of no cells.
///
/// For an even number of cells it is the mean of the two in the middle, as NumPy computes it.
pub(super) fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match (sorted.get(half.wrapping_sub(1)), sorted.get(half)) {
        (Some(low), Some(high)) if sorted.len().is_multiple_of(2) => mean(&[*low, *high]),
        (_, Some(middle)) => *middle,
        _ => 0.0,
    }
}

/// Returns the most frequent of sorted cells, the smallest if there are several; 0 of no cells.
pub(super) fn most_frequent(sorted: &[f64]) -> f64 {
    let mut best = (0, 0.0);
    for run in sorted.chunk_by(|a, b| a == b) {
        if let Some(value) = run.first().filter(|_| run.len() > best.0) {
            best = (run.len(), *value);
        }
    }
    best.1
}

/// Returns the value, or an error if it is infinite or NaN because the cells are too large.
pub(super) fn finite(what: &str, value: f64) -> Result<f64> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::argument(
            what,
            value,
            "a finite number; the cells are too large for f64 arithmetic",
        )),
    }
}
