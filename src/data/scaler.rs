//! Brings features to a common scale, by what a training set looks like.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::error::{Error, Result};

/// How features are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// To mean 0 and standard deviation 1 (the population's, dividing by `n`).
    Standard,
    /// To between 0 and 1.
    MinMax,
}

/// Scales each feature to `(x - offset) / width`.
///
/// Fit it to the training set only and apply it to every other set, so that nothing of a test set finds
/// its way into training. Serde stores it (as JSON, with a checkpoint) for use at prediction.
///
/// Features whose values are all the same get the width 1: they become 0.
///
/// Invariant: as many offsets as widths, all finite, and every width above 0; also after reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Scaler(Stored);

/// Why `f32`: their shortest decimal text reads back as the same number, so a stored scaler gives the
/// same bits as the one that was fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    method: Method,
    offset: Vec<f32>,
    width: Vec<f32>,
    /// Empty where the training set's features had no names.
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
    /// The scaler that brings this set's features to the method's scale.
    ///
    /// # Errors
    ///
    /// Where a feature's values lie so far apart that their distance is no finite `f32`.
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
                // Exactly the value where all are the same, so that they become exactly 0: summing
                // them up may have been off by a rounding.
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

    /// How this scaler scales.
    pub fn method(&self) -> Method {
        self.0.method
    }

    /// What is subtracted from each feature: its mean, or its least value.
    pub fn offset(&self) -> &[f32] {
        &self.0.offset
    }

    /// What each feature is divided by: its standard deviation, or its range.
    pub fn width(&self) -> &[f32] {
        &self.0.width
    }

    /// The set with its features scaled, and the same targets.
    ///
    /// # Errors
    ///
    /// Where the set has other features (by number, or by name where both have names), or a scaled
    /// feature is no finite `f32`.
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

    /// Scales the features of one or more samples, `[n, features]` row-major, where they are.
    ///
    /// # Errors
    ///
    /// Where `features` holds no whole number of samples.
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

/// The population's standard deviation of each feature, in two passes for the sake of accuracy.
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
    /// This set standardised, and the [`Scaler`] to apply to the sets that go with it.
    ///
    /// # Errors
    ///
    /// As [`Scaler::fit`] and [`Scaler::apply`].
    pub fn standardized(&self) -> Result<(Dataset, Scaler)> {
        self.scaled(Method::Standard)
    }

    /// This set scaled, and the [`Scaler`] to apply to the sets that go with it.
    ///
    /// # Errors
    ///
    /// As [`Scaler::fit`] and [`Scaler::apply`].
    pub fn scaled(&self, method: Method) -> Result<(Dataset, Scaler)> {
        let scaler = Scaler::fit(method, self)?;
        Ok((scaler.apply(self)?, scaler))
    }
}

#[cfg(test)]
#[path = "scaler_tests.rs"]
mod tests;
