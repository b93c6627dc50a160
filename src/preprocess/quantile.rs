//! Scales numbers by their ranks.

use serde::{Deserialize, Serialize};

use super::stats;
use crate::error::{Error, Result};
use crate::json;

/// Scales numbers to their position among the fitted cells, uniform from 0 to 1.
///
/// The number of quantiles is that of the cells (missing ones included), at most 1000. A number
/// between two quantiles is interpolated; one that equals several quantiles gets the middle of
/// their positions; the minimum becomes 0 and the maximum 1. Equal cells become 0. This is
/// [scikit-learn]'s transformer with `output_distribution="uniform"` and `subsample=None`.
///
/// # Example
/// ```
/// use wgrad::preprocess::QuantileTransformer;
///
/// let ranks = QuantileTransformer::fit(&[1.0, 10.0, 100.0])?;
/// assert_eq!(ranks.transform(&[0.0, 10.0, 55.0, 1000.0]), [0.0, 0.5, 0.75, 1.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.QuantileTransformer.html
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileTransformer {
    /// In ascending order.
    #[serde(with = "json::list")]
    quantiles: Vec<f64>,
}

/// The largest number of quantiles, unless another one is given: scikit-learn's `n_quantiles`.
const MAX_QUANTILES: usize = 1000;

impl QuantileTransformer {
    /// Computes at most 1000 quantiles of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, or a cell is infinite.
    pub fn fit(cells: &[f64]) -> Result<Self> {
        Self::fit_quantiles(cells, MAX_QUANTILES)
    }

    /// Computes at most `max_quantiles` quantiles of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, a cell is infinite, or `max_quantiles` is 0.
    pub fn fit_quantiles(cells: &[f64], max_quantiles: usize) -> Result<Self> {
        if max_quantiles == 0 {
            return Err(Error::argument("max_quantiles", 0, "at least 1"));
        }
        let count = max_quantiles.min(cells.len());
        let cells = stats::sorted(stats::some_present(cells)?);
        // scikit-learn passes percentages to NumPy, which divides by 100; the last bits count.
        let fraction = |i| reference(i, count) * 100.0 / 100.0;
        let mut quantiles: Vec<f64> = (0..count)
            .map(|i| stats::quantile(&cells, fraction(i)))
            .collect();
        // Interpolation may round a quantile below the one before.
        let mut highest = f64::NEG_INFINITY;
        for quantile in &mut quantiles {
            highest = highest.max(stats::finite("a quantile", *quantile)?);
            *quantile = highest;
        }
        Ok(QuantileTransformer { quantiles })
    }

    /// Returns the quantiles, in ascending order.
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }

    /// Returns the position of a number, from 0 to 1; NaN stays NaN.
    pub fn transform_one(&self, x: f64) -> f64 {
        let (Some(first), Some(last)) = (self.quantiles.first(), self.quantiles.last()) else {
            return f64::NAN;
        };
        if x.is_nan() {
            return x;
        }
        if x <= *first {
            return 0.0;
        }
        if x >= *last {
            return 1.0;
        }
        let above = self.quantiles.partition_point(|q| *q <= x);
        let reached = self.quantiles.partition_point(|q| *q < x);
        // From the last quantile of at most x upwards, and from the first of at least x downwards:
        // they differ if several quantiles equal x.
        0.5 * (self.between(above - 1, above, x) + self.between(reached, reached - 1, x))
    }

    /// Returns the positions of cells, from 0 to 1; NaN stays NaN.
    pub fn transform(&self, cells: &[f64]) -> Vec<f64> {
        cells.iter().map(|x| self.transform_one(*x)).collect()
    }

    /// Interpolates from the quantile `from` towards its neighbor `to`, as `numpy.interp`.
    fn between(&self, from: usize, to: usize, x: f64) -> f64 {
        let count = self.quantiles.len();
        let start = reference(from, count);
        match (self.quantiles.get(from), self.quantiles.get(to)) {
            (Some(a), Some(b)) if *a != x => {
                let slope = (reference(to, count) - start) / (b - a);
                slope * (x - a) + start
            }
            _ => start,
        }
    }
}

/// Returns the position of a quantile, as `numpy.linspace(0, 1, count)`.
fn reference(i: usize, count: usize) -> f64 {
    match i + 1 == count && i > 0 {
        true => 1.0,
        false => i as f64 * (1.0 / (count.max(2) - 1) as f64),
    }
}
