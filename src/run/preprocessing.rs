//! The preprocessing of a run's data, fitted on the training split: `scaler.json` in the run's
//! folder.
//!
//! It maps the columns of a table by name, in any order, and the predicted classes to their names.

use std::path::Path;

use super::images;
use super::table;
pub use super::table::Series;
use crate::data::{self, ColumnFormat, CsvTable, Dataset, FileList, ImageFolder, Scaler};
use crate::loss::{LossSpec, Outputs};
use crate::preprocess::Preprocessor;
use crate::spec::DataSource;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The preprocessing of a run's data, fitted on the training split: shapes, names and scales.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// The shape of a sample.
    pub sample_shape: Vec<usize>,
    /// The names of the elements of a sample; empty if the data has none.
    pub features: Vec<String>,
    /// The name of the target column; empty if the data has none.
    pub target: String,
    /// The classes in the order of the labels; empty for regression.
    pub classes: Vec<String>,
    /// The names of the values to predict, if there are several: of labels, or of target columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// The number of values to predict for a sample; 0 for classes.
    pub quantities: usize,
    /// The scaler of the features.
    pub scaler: Option<Scaler>,
    /// The scale from the model's outputs to the values to predict.
    pub target_scale: Option<TargetScale>,
    /// The scale of each output, if the targets have scales of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_scales: Vec<TargetScale>,
    /// The sizes of a text; `None` for other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextFacts>,
    /// How a table becomes features; `None` for other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TablePreprocessing>,
}

/// How the columns of a table are read, and how they become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TablePreprocessing {
    /// The columns of the features.
    pub columns: Vec<ColumnFormat>,
    /// The fitted preprocessing of these columns; `None` for a series without features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessor: Option<Preprocessor>,
    /// The windows of a series, for a forecast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

/// The sizes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TextFacts {
    /// The number of tokens in the vocabulary.
    pub vocabulary: usize,
    /// The number of tokens of the text.
    pub tokens: usize,
    /// The number of tokens per character.
    pub per_character: f64,
}

/// The scale of the outputs: a value to predict, or the logarithm of a rate, is `offset + width y`,
/// where `y` is the output of the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// The mean of the training targets; for rates, its logarithm.
    pub offset: f64,
    /// The standard deviation of the training targets; 1 for rates.
    pub width: f64,
}

impl TargetScale {
    /// Returns the scale of a data set's targets for a loss; `None` for classes, or if all targets
    /// are equal.
    pub fn of(set: &Dataset, loss: Option<&LossSpec>) -> Option<Self> {
        let values = || (0..set.len()).filter_map(|i| set.values(i)).flatten();
        let n = values().count() as f64;
        let offset = values().map(|v| f64::from(*v)).sum::<f64>() / n;
        let variance = values()
            .map(|v| (f64::from(*v) - offset).powi(2))
            .sum::<f64>()
            / n;
        let width = match loss.map(LossSpec::outputs) {
            Some(Outputs::LogShares | Outputs::Logit | Outputs::Probability) => return None,
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

impl TargetScale {
    /// Returns the scale of each of several targets; none for a single target, or if the outputs
    /// are not the targets' values.
    pub(super) fn of_each(set: &Dataset, loss: Option<&LossSpec>) -> Vec<Self> {
        let width = set.target_width().unwrap_or(0);
        if width < 2 || loss.map(LossSpec::outputs) != Some(Outputs::Values) {
            return Vec::new();
        }
        let n = set.len() as f64;
        let of = |column: usize| {
            let value = |i: usize| set.values(i).and_then(|row| row.get(column));
            let values = || (0..set.len()).filter_map(value).map(|v| f64::from(*v));
            let offset = values().sum::<f64>() / n;
            let variance = values().map(|v| (v - offset).powi(2)).sum::<f64>() / n;
            let width = match variance > 0.0 {
                true => variance.sqrt(),
                false => 1.0,
            };
            TargetScale { offset, width }
        };
        (0..width).map(of).collect()
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

    /// Scales features like those of the training data.
    pub fn apply(&self, set: Dataset) -> Result<Dataset> {
        match &self.scaler {
            Some(scaler) => scaler.apply(&set),
            None => Ok(set),
        }
    }

    /// Returns the name of a class, or its index if the model has more outputs than names.
    pub fn class_name(&self, class: usize) -> String {
        self.classes
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    }

    /// Returns the name of one of several values to predict, or its index if it has no name.
    pub fn output_name(&self, output: usize) -> String {
        let name = self.outputs.get(output).cloned();
        name.unwrap_or_else(|| output.to_string())
    }

    /// Reads samples without targets from a file of the format of `source`, and scales them. A
    /// table may have several files. Also returns the columns of the table that the model does not
    /// use.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, or does not have the features of the training
    /// data.
    pub fn unlabelled(
        &self,
        source: &DataSource,
        files: &FileList,
    ) -> Result<(Dataset, Vec<String>)> {
        let mut spare = Vec::new();
        let file = files.first();
        if !matches!(source, DataSource::Table(_) | DataSource::Images(_)) {
            one_file(files)?;
        }
        let set = match source {
            DataSource::Csv(csv) => {
                let table = data::csv_delimited(file, csv.delimiter)?;
                let spare = self.spare(table.columns());
                return Ok((self.samples_of(table, file)?, spare));
            }
            DataSource::Table(spec) => {
                let table = data::RawTable::open(files, &spec.options())?;
                spare.extend(self.spare(table.columns().iter().map(String::as_str)));
                table::unlabelled(self, spec, &table)?
            }
            DataSource::Images(_) => {
                let images = ImageFolder::unlabelled(files.paths())?;
                images::unlabelled(self, &images)?
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

    /// Reads images without classes, for a model that was trained on a folder of images.
    ///
    /// # Errors
    ///
    /// Returns an error that names the images that are damaged.
    pub fn images(&self, images: &ImageFolder) -> Result<Dataset> {
        self.apply(images::unlabelled(self, images)?)
    }

    /// Returns the columns that are no features.
    pub(super) fn spare<'a>(&self, columns: impl Iterator<Item = &'a str>) -> Vec<String> {
        let spare = columns.filter(|c| self.features.iter().all(|f| f != c));
        spare.map(str::to_string).collect()
    }

    /// Returns the samples of a table of numbers.
    pub(super) fn samples_of(&self, table: CsvTable, file: &Path) -> Result<Dataset> {
        let set = self.features_of(table, file)?.unlabelled()?;
        self.check_shape(&set, file)?;
        self.apply(set)
    }

    /// Selects the columns that the model was trained on, in its order.
    pub fn features_of(&self, table: CsvTable, file: &Path) -> Result<CsvTable> {
        let given: Vec<String> = table.columns().map(str::to_string).collect();
        let missing: Vec<String> = self
            .features
            .iter()
            .filter(|f| !given.contains(f))
            .map(|f| format!("{f:?}"))
            .collect();
        // A single missing column is likely a typing error, for which `select` has a suggestion.
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

    pub(super) fn check_shape(&self, set: &Dataset, file: &Path) -> Result<()> {
        let shape = set.sample_shape();
        if shape.dims() == self.sample_shape {
            return Ok(());
        }
        Err(Error::Data {
            place: file.display().to_string(),
            reason: format!(
                "expected samples of shape {:?}, as in training, found {shape}",
                self.sample_shape
            ),
        })
    }
}

/// Returns an error if there are several files.
pub(super) fn one_file(files: &FileList) -> Result<()> {
    match files.paths() {
        [_, _, ..] => {
            let expected = "one file: only tables and images may be several";
            Err(Error::argument("the files", files, expected))
        }
        _ => Ok(()),
    }
}
