//! Scales numbers linearly, or by their logarithms.

use serde::{Deserialize, Serialize};

use super::stats;
use crate::error::Result;
use crate::json;

/// Defines `transform_one`, `transform` and `inverse_transform` of `(x - center) / width`.
macro_rules! linear {
    ($name:ident, $center:ident, $width:ident) => {
        impl $name {
            /// Returns the scaled number; NaN stays NaN.
            pub fn transform_one(&self, x: f64) -> f64 {
                (x - self.$center) / self.$width
            }

            /// Returns the scaled cells; NaN stays NaN.
            pub fn transform(&self, cells: &[f64]) -> Vec<f64> {
                cells.iter().map(|x| self.transform_one(*x)).collect()
            }

            /// Returns the cells of scaled ones.
            pub fn inverse_transform(&self, scaled: &[f64]) -> Vec<f64> {
                let cell = |y: &f64| y * self.$width + self.$center;
                scaled.iter().map(cell).collect()
            }
        }
    };
}

/// Scales numbers to mean 0 and standard deviation 1: `(x - mean) / std`.
///
/// The standard deviation is that of the population, dividing by the number of cells. Equal cells
/// become 0. As in [scikit-learn], cells count as equal if their variance is within the rounding
/// errors of the mean.
///
/// # Example
/// ```
/// use wgrad::preprocess::StandardScaler;
///
/// let scaler = StandardScaler::fit(&[1.0, f64::NAN, 3.0])?;
/// assert_eq!(scaler.transform(&[3.0, 5.0]), [1.0, 3.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StandardScaler {
    #[serde(with = "json::number")]
    mean: f64,
    #[serde(with = "json::number")]
    std: f64,
}

impl StandardScaler {
    /// Computes mean and standard deviation of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, a cell is infinite, or the squares overflow f64.
    pub fn fit(cells: &[f64]) -> Result<Self> {
        let cells = stats::some_present(cells)?;
        let mean = stats::finite("the mean", stats::mean(&cells))?;
        let variance = stats::finite("the variance", stats::variance(&cells, mean))?;
        let count = cells.len() as f64;
        let rounding = (count * mean * f64::EPSILON).powi(2);
        let constant = variance <= count * f64::EPSILON * variance + rounding;
        let std = if constant { 1.0 } else { variance.sqrt() };
        Ok(StandardScaler { mean, std })
    }

    /// Returns the mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Returns the divisor: the standard deviation, or 1 for equal cells.
    pub fn std(&self) -> f64 {
        self.std
    }
}

linear!(StandardScaler, mean, std);

/// Scales numbers to the range from 0 to 1: `(x - min) / (max - min)`.
///
/// Numbers outside of the fitted range become less than 0 or more than 1. Equal cells become 0.
/// [scikit-learn] computes `x * scale + min`, which loses digits for numbers far from 0.
///
/// # Example
/// ```
/// use wgrad::preprocess::MinMaxScaler;
///
/// let scaler = MinMaxScaler::fit(&[10.0, 20.0])?;
/// assert_eq!(scaler.transform(&[15.0, 30.0]), [0.5, 2.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.MinMaxScaler.html
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinMaxScaler {
    #[serde(with = "json::number")]
    min: f64,
    #[serde(with = "json::number")]
    range: f64,
}

impl MinMaxScaler {
    /// Computes the range of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, a cell is infinite, or the range overflows f64.
    pub fn fit(cells: &[f64]) -> Result<Self> {
        let cells = stats::some_present(cells)?;
        let min = cells.iter().copied().fold(f64::INFINITY, f64::min);
        let max = cells.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = stats::finite("the range", max - min)?;
        Ok(MinMaxScaler {
            min,
            range: or_one(range),
        })
    }

    /// Returns the minimum.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// Returns the divisor: maximum minus minimum, or 1 for equal cells.
    pub fn range(&self) -> f64 {
        self.range
    }
}

linear!(MinMaxScaler, min, range);

/// Scales numbers by statistics that outliers hardly change: `(x - median) / IQR`.
///
/// IQR is the interquartile range, the 75th minus the 25th percentile, each interpolated linearly.
/// An IQR of 0 is replaced by 1, as in [scikit-learn].
///
/// # Example
/// ```
/// use wgrad::preprocess::RobustScaler;
///
/// let scaler = RobustScaler::fit(&[1.0, 2.0, 3.0, 4.0, 1000.0])?;
/// assert_eq!(scaler.transform(&[3.0, 5.0]), [0.0, 1.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.RobustScaler.html
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustScaler {
    #[serde(with = "json::number")]
    median: f64,
    #[serde(with = "json::number")]
    iqr: f64,
}

impl RobustScaler {
    /// Computes median and interquartile range of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, a cell is infinite, or the range overflows f64.
    pub fn fit(cells: &[f64]) -> Result<Self> {
        let cells = stats::sorted(stats::some_present(cells)?);
        let median = stats::finite("the median", stats::median(&cells))?;
        let iqr = stats::quantile(&cells, 0.75) - stats::quantile(&cells, 0.25);
        Ok(RobustScaler {
            median,
            iqr: or_one(stats::finite("the interquartile range", iqr)?),
        })
    }

    /// Returns the median.
    pub fn median(&self) -> f64 {
        self.median
    }

    /// Returns the divisor: the interquartile range, or 1 if that is 0.
    pub fn iqr(&self) -> f64 {
        self.iqr
    }
}

linear!(RobustScaler, median, iqr);

fn or_one(width: f64) -> f64 {
    if width == 0.0 { 1.0 } else { width }
}

/// Scales the logarithms of numbers to mean 0 and standard deviation 1.
///
/// `sign(x) ln(1 + |x|)`, which is defined for all numbers and monotonic, is followed by a
/// [`StandardScaler`]. The logarithm is computed in software, so that it has the same bits on all
/// platforms.
///
/// # Example
/// ```
/// use wgrad::preprocess::LogScaler;
///
/// let scaler = LogScaler::fit(&[0.0, 9.0, 99.0])?;
/// let scaled = scaler.transform(&[0.0, 9.0, 99.0, -9.0]);
/// assert!(scaled[1].abs() < 1e-12); // ln 10 is the mean of ln 1, ln 10 and ln 100
/// assert!((scaled[0] + scaled[2]).abs() < 1e-12);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogScaler {
    standard: StandardScaler,
}

impl LogScaler {
    /// Computes mean and standard deviation of the logarithms of the cells that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if no cell is present, or a cell is infinite.
    pub fn fit(cells: &[f64]) -> Result<Self> {
        let cells = stats::some_present(cells)?;
        let logarithms: Vec<f64> = cells.into_iter().map(signed_log).collect();
        let standard = StandardScaler::fit(&logarithms)?;
        Ok(LogScaler { standard })
    }

    /// Returns the scaled number; NaN stays NaN.
    pub fn transform_one(&self, x: f64) -> f64 {
        self.standard.transform_one(signed_log(x))
    }

    /// Returns the scaled cells; NaN stays NaN.
    pub fn transform(&self, cells: &[f64]) -> Vec<f64> {
        cells.iter().map(|x| self.transform_one(*x)).collect()
    }

    /// Returns the cells of scaled ones.
    pub fn inverse_transform(&self, scaled: &[f64]) -> Vec<f64> {
        let cell = |y: f64| libm::expm1(y.abs()).copysign(y);
        let logarithms = self.standard.inverse_transform(scaled);
        logarithms.into_iter().map(cell).collect()
    }
}

fn signed_log(x: f64) -> f64 {
    libm::log1p(x.abs()).copysign(x)
}
