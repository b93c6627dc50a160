//! What was done to a run's data before the network saw it: `scaler.json` in the run's folder.
//!
//! With it, `predict` takes a table with its columns in any order and gives back class names.

use std::path::Path;

use serde::{Deserialize, Serialize};
use wgrad::data::{self, CsvTable, Dataset, Scaler};
use wgrad::{Error, Result};

use crate::config::{DataSource, Loss, Outputs};

/// What the data looked like, and how it is scaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// The shape of one sample.
    pub sample_shape: Vec<usize>,
    /// What each element of a sample is called; empty where the data does not say.
    pub features: Vec<String>,
    /// The target column's name; empty where the data does not say.
    pub target: String,
    /// The classes in the order of the labels; empty for quantities.
    pub classes: Vec<String>,
    /// Numbers to predict for each sample; 0 for classes.
    pub quantities: usize,
    /// How features are scaled.
    pub scaler: Option<Scaler>,
    /// How the network's outputs become quantities.
    pub target_scale: Option<TargetScale>,
    /// What a text is made of; nothing for other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextFacts>,
}

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TextFacts {
    /// How many different tokens there are.
    pub vocabulary: usize,
    /// How many tokens the text has.
    pub tokens: usize,
    /// Tokens of a character.
    pub per_character: f64,
}

/// A quantity, or the logarithm of a rate, is `offset + width y`, where `y` is what the last layer gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// The training targets' mean; of rates its logarithm.
    pub offset: f64,
    /// The training targets' standard deviation; of rates 1.
    pub width: f64,
}

impl TargetScale {
    /// The scale of a data set's targets for what a loss takes; `None` where they are no quantities, or all the
    /// same.
    pub fn of(set: &Dataset, loss: Option<&Loss>) -> Option<Self> {
        let values = || (0..set.len()).filter_map(|i| set.values(i)).flatten();
        let n = values().count() as f64;
        let offset = values().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values()
            .map(|v| (f64::from(*v) - offset).powi(2))
            .sum::<f64>()
            / n;
        let width = match loss.map(Loss::outputs) {
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

impl Preparation {
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

    /// What each sample's class is called, also where the network has more outputs than there are names.
    pub fn class_name(&self, class: usize) -> String {
        self.classes
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    }

    /// Reads samples without targets, in the format of `source`, and scales them. Also gives the
    /// table's columns that have no part in it.
    pub fn unlabelled(&self, source: &DataSource, file: &Path) -> Result<(Dataset, Vec<String>)> {
        let mut spare = Vec::new();
        let set = match source {
            DataSource::Csv { delimiter, .. } => {
                let table = data::csv_delimited(file, *delimiter)?;
                let known = |c: &&str| self.features.iter().any(|f| f == c);
                let others = table.columns().filter(|c| !known(c));
                spare.extend(others.map(str::to_string));
                self.features_of(table, file)?.unlabelled()?
            }
            DataSource::Idx { .. } => data::idx_images(file)?,
            DataSource::Npy { .. } => data::npy_features(file)?,
            DataSource::Text(_) => {
                return Err(Error::Model {
                    what: "a language model".to_string(),
                    reason: "it writes instead of predicting: use `wgrad generate`".to_string(),
                });
            }
        };
        self.check_shape(&set, file)?;
        Ok((self.apply(set)?, spare))
    }

    /// The columns that the network was trained on, in its order.
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
                    "the network was trained on {} columns, and {} of them are not here: {shown}{more}",
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
                "its samples are {shape}, but the network was trained on {:?}",
                self.sample_shape
            ),
        })
    }
}
