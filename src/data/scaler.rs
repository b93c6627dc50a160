//! Scales features by statistics of a training set.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::error::{Error, Result};

/// A method of scaling features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// To mean 0 and standard deviation 1 (that of the population, dividing by `n`).
    Standard,
    /// To the range from 0 to 1.
    MinMax,
}

/// Scales each feature as `(x - offset) / width`.
///
/// Fit it to the training set only, and apply it to every other set, so that training uses no
/// information about the test set. Serde stores it (as JSON, with a checkpoint) for use at
/// prediction.
///
/// Features with the same value in all samples get the width 1: they become 0.
///
/// Invariant: there are as many offsets as widths, all finite, and every width is above 0, also
/// after deserialization.
///
/// # Example
/// ```
/// use wgrad::data::{Dataset, Targets};
///
/// let train = Dataset::from_arrays(vec![1.0, 3.0], [1], Targets::Unlabelled)?;
/// let test = Dataset::from_arrays(vec![4.0], [1], Targets::Unlabelled)?;
/// let (train, scaler) = train.standardized()?;
/// assert_eq!(*train.features_all(), [-1.0, 1.0]);
/// assert_eq!(*scaler.apply(&test)?.features_all(), [2.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Scaler(Stored);

/// Offsets and widths are `f32`: their shortest decimal text is parsed to the same number, so a
/// stored scaler gives the same bits as the fitted one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    method: Method,
    offset: Vec<f32>,
    width: Vec<f32>,
    /// Empty if the features of the training set had no names.
    #[serde(default)]
    features: Vec<String>,
}

impl From<Scaler> for Stored {
    fn from(scaler: Scaler) -> Self {
        scaler.0
    }
}

impl TryFrom<Stored> for Scaler {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        let size = stored.offset.len();
        let named = stored.features.is_empty() || stored.features.len() == size;
        if size == 0 || stored.width.len() != size || !named {
            let reason = "offsets, widths and feature names differ in number, or there are none";
            return Err(Error::data("the scaler", reason));
        }
        let sound = |(o, w): (&f32, &f32)| o.is_finite() && w.is_finite() && *w > 0.0;
        if let Some(i) = stored
            .offset
            .iter()
            .zip(&stored.width)
            .position(|pair| !sound(pair))
        {
            return Err(Error::data(
                format!("the scaler's feature {}", stored.name(i)),
                "the offset must be finite, and the width finite and above 0",
            ));
        }
        Ok(Scaler(stored))
    }
}

impl Stored {
    fn name(&self, i: usize) -> String {
        match self.features.get(i) {
            Some(name) => format!("{name:?}"),
            None => i.to_string(),
        }
    }
}

impl Scaler {
    /// Fits a scaler to the features of a data set.
    ///
    /// # Errors
    ///
    /// Returns an error if the range of a feature's values is not a finite `f32`.
    pub fn fit(method: Method, set: &Dataset) -> Result<Self> {
        let size = set.sample_shape().len();
        let mut low = vec![f32::INFINITY; size];
        let mut high = vec![f32::NEG_INFINITY; size];
        let mut mean = vec![0f64; size];
        for row in (0..set.len()).filter_map(|i| set.row(i)) {
            for (((x, low), high), mean) in row.iter().zip(&mut low).zip(&mut high).zip(&mut mean) {
                *low = low.min(*x);
                *high = high.max(*x);
                *mean += f64::from(*x) / set.len() as f64;
            }
        }
        let (offset, mut width): (Vec<f32>, Vec<f32>) = match method {
            Method::MinMax => {
                let width = high.iter().zip(&low).map(|(high, low)| high - low);
                (low.clone(), width.collect())
            }
            Method::Standard => {
                let deviation = deviations(set, &mean);
                // Uses the exact value where all values are the same, so that they become exactly
                // 0; their sum may be rounded.
                let center = |((mean, low), high): ((&f64, &f32), &f32)| match low == high {
                    true => *low,
                    false => *mean as f32,
                };
                (
                    mean.iter().zip(&low).zip(&high).map(center).collect(),
                    deviation,
                )
            }
        };
        for ((width, low), high) in width.iter_mut().zip(&low).zip(&high) {
            if low == high || *width == 0.0 {
                *width = 1.0;
            }
        }
        Scaler::try_from(Stored {
            method,
            offset,
            width,
            features: set.feature_names().to_vec(),
        })
    }

    /// Returns the method of scaling.
    pub fn method(&self) -> Method {
        self.0.method
    }

    /// Returns what is subtracted from each feature: its mean or its minimum.
    pub fn offset(&self) -> &[f32] {
        &self.0.offset
    }

    /// Returns what each feature is divided by: its standard deviation or its range.
    pub fn width(&self) -> &[f32] {
        &self.0.width
    }

    /// Returns the set with its features scaled, and the same targets.
    ///
    /// # Errors
    ///
    /// Returns an error if the set has other features (by number, or by name if both have names),
    /// or a scaled feature is not a finite `f32`.
    pub fn apply(&self, set: &Dataset) -> Result<Dataset> {
        let names = set.feature_names();
        if let Some((ours, theirs)) = self.0.features.iter().zip(names).find(|(a, b)| a != b) {
            return Err(Error::data(
                "features",
                format!("the scaler was fitted to {ours:?} where this set has {theirs:?}"),
            ));
        }
        let mut features = set.features_all().into_owned();
        self.check_size(set.sample_shape().len())?;
        self.apply_in_place(&mut features)?;
        let scaled = Dataset::with_names(
            features,
            set.sample_shape().clone(),
            set.targets_all().into_owned(),
            names.to_vec(),
        )?;
        Ok(scaled.with_arrays_of(set))
    }

    /// Scales the features of one or more samples, `[n, features]` row-major, in place.
    ///
    /// # Errors
    ///
    /// Returns an error if `features` is not a whole number of samples.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Method, Scaler, Targets};
    ///
    /// let train = Dataset::from_arrays(vec![0.0, 10.0], [1], Targets::Unlabelled)?;
    /// let scaler = Scaler::fit(Method::MinMax, &train)?;
    /// let mut sample = [5.0];
    /// scaler.apply_in_place(&mut sample)?;
    /// assert_eq!(sample, [0.5]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn apply_in_place(&self, features: &mut [f32]) -> Result<()> {
        let size = self.0.offset.len();
        if !features.len().is_multiple_of(size) {
            return self.check_size(features.len());
        }
        for sample in features.chunks_exact_mut(size) {
            for ((x, offset), width) in sample.iter_mut().zip(&self.0.offset).zip(&self.0.width) {
                *x = (*x - offset) / width;
            }
        }
        Ok(())
    }

    fn check_size(&self, size: usize) -> Result<()> {
        let fitted = self.0.offset.len();
        if size == fitted {
            return Ok(());
        }
        Err(Error::data(
            "features",
            format!("the scaler was fitted to {fitted} features, but {size} are given"),
        ))
    }
}

/// Returns the standard deviation of each feature, in two passes for accuracy.
fn deviations(set: &Dataset, mean: &[f64]) -> Vec<f32> {
    let mut variance = vec![0f64; mean.len()];
    for row in (0..set.len()).filter_map(|i| set.row(i)) {
        for ((x, mean), variance) in row.iter().zip(mean).zip(&mut variance) {
            *variance += (f64::from(*x) - mean).powi(2) / set.len() as f64;
        }
    }
    variance.iter().map(|v| v.sqrt() as f32).collect()
}

impl Dataset {
    /// Returns this set standardized, and the [`Scaler`] for related sets.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Scaler::fit`] and [`Scaler::apply`].
    pub fn standardized(&self) -> Result<(Dataset, Scaler)> {
        self.scaled(Method::Standard)
    }

    /// Returns this set scaled, and the [`Scaler`] for related sets.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Scaler::fit`] and [`Scaler::apply`].
    pub fn scaled(&self, method: Method) -> Result<(Dataset, Scaler)> {
        let scaler = Scaler::fit(method, self)?;
        Ok((scaler.apply(self)?, scaler))
    }
}

#[cfg(test)]
#[path = "scaler_tests.rs"]
mod tests;
