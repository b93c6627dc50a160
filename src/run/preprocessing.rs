//! The preprocessing of a run's data, fitted on the training split: `scaler.json` in the run's folder.
//!
//! With it, a prediction takes a table with its columns in any order and gives class names.

use std::path::Path;

use crate::data::{self, CsvTable, Dataset, Scaler};
use crate::loss::{LossSpec, Outputs};
use crate::spec::DataSource;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The preprocessing of a run's data, fitted on the training split: shapes, names and scales.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// The shape of one sample.
    pub sample_shape: Vec<usize>,
    /// What each element of a sample is called; empty where the data does not say.
    pub features: Vec<String>,
    /// The target column's name; empty where the data does not say.
    pub target: String,
    /// The classes in the order of the labels; empty for numbers.
    pub classes: Vec<String>,
    /// The number of numbers to predict for a sample; 0 for classes.
    pub quantities: usize,
    /// How features are scaled.
    pub scaler: Option<Scaler>,
    /// How the model's outputs become the numbers to predict.
    pub target_scale: Option<TargetScale>,
    /// The sizes of a text; nothing for other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextFacts>,
}

/// The sizes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TextFacts {
    /// The number of different tokens.
    pub vocabulary: usize,
    /// The number of tokens of the text.
    pub tokens: usize,
    /// The number of tokens a character.
    pub per_character: f64,
}

/// A number to predict, or the logarithm of a rate, is `offset + width y`, where `y` is what the last layer gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// The training targets' mean; of rates its logarithm.
    pub offset: f64,
    /// The training targets' standard deviation; of rates 1.
    pub width: f64,
}

impl TargetScale {
    /// The scale of a data set's targets for a loss; `None` where they are classes, or all the same.
    pub fn of(set: &Dataset, loss: Option<&LossSpec>) -> Option<Self> {
        let values = || (0..set.len()).filter_map(|i| set.values(i)).flatten();
        let n = values().count() as f64;
        let offset = values().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values()
            .map(|v| (f64::from(*v) - offset).powi(2))
            .sum::<f64>()
            / n;
        let width = match loss.map(LossSpec::outputs) {
            Some(Outputs::LogShares) => return None,
            Some(Outputs::LogRates) => {
                let offset = offset.ln();
                return offset
                    .is_finite()
                    .then_some(TargetScale { offset, width: 1.0 });
            }
            _ => variance.sqrt(),
        };
        (width.is_finite() && width > 0.0).then_some(TargetScale { offset, width })
    }
}

impl Preprocessing {
    /// Reads `scaler.json`.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|source| Error::Io {
            path: path.to_path_buf(),
            action: "read",
            source,
        })?;
        serde_json::from_slice(&text).map_err(|e| Error::Data {
            place: path.display().to_string(),
            reason: format!("this is not what `wgrad train` wrote: {e}"),
        })
    }

    /// Scales features as the training's were.
    pub fn apply(&self, set: Dataset) -> Result<Dataset> {
        match &self.scaler {
            Some(scaler) => scaler.apply(&set),
            None => Ok(set),
        }
    }

    /// The name of a class; its number where the model has more outputs than there are names.
    pub fn class_name(&self, class: usize) -> String {
        self.classes
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    }

    /// Reads samples without targets from a file of the format of `source`, and scales them. Also gives the table's
    /// columns that the model does not use.
    pub fn unlabelled(&self, source: &DataSource, file: &Path) -> Result<(Dataset, Vec<String>)> {
        let mut spare = Vec::new();
        let set = match source {
            DataSource::Csv(csv) => {
                let table = data::csv_delimited(file, csv.delimiter)?;
                let known = |c: &&str| self.features.iter().any(|f| f == c);
                let others = table.columns().filter(|c| !known(c));
                spare.extend(others.map(str::to_string));
                self.features_of(table, file)?.unlabelled()?
            }
            DataSource::Idx(_) => data::idx_images(file)?,
            DataSource::Npy(_) => data::npy_features(file)?,
            DataSource::Text(_) => {
                return Err(Error::Model {
                    what: "a language model".to_string(),
                    reason: "it generates text instead of predicting: use `wgrad generate` or `Run::generator`".to_string(),
                });
            }
        };
        self.check_shape(&set, file)?;
        Ok((self.apply(set)?, spare))
    }

    /// The columns that the model was trained on, in its order.
    pub fn features_of(&self, table: CsvTable, file: &Path) -> Result<CsvTable> {
        let given: Vec<String> = table.columns().map(str::to_string).collect();
        let missing: Vec<String> = self
            .features
            .iter()
            .filter(|f| !given.contains(f))
            .map(|f| format!("{f:?}"))
            .collect();
        // One missing column is likely a slip, which `select` recognises.
        if missing.len() > 1 {
            let shown = missing.get(..8).unwrap_or(&missing).join(", ");
            let more = if missing.len() > 8 { ", ..." } else { "" };
            return Err(Error::Data {
                place: file.display().to_string(),
                reason: format!(
                    "the model was trained on {} columns, and {} of them are not here: {shown}{more}",
                    self.features.len(),
                    missing.len()
                ),
            });
        }
        let names: Vec<&str> = self.features.iter().map(String::as_str).collect();
        table.select(&names)
    }

    fn check_shape(&self, set: &Dataset, file: &Path) -> Result<()> {
        let shape = set.sample_shape();
        if shape.dims() == self.sample_shape {
            return Ok(());
        }
        Err(Error::Data {
            place: file.display().to_string(),
            reason: format!(
                "its samples are {shape}, but the model was trained on {:?}",
                self.sample_shape
            ),
        })
    }
}
