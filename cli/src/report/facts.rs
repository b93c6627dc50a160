//! The data of the report page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use wgrad::Task;
use wgrad::data::Dataset;
use wgrad::run::{EpochRecord, Prediction};

/// All data of the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The run's name, e.g. `digits`.
    pub title: String,
    /// The task, which selects the sections.
    pub task: Task,
    /// The data set.
    pub data: DataFacts,
    /// The device, the time and the weights.
    pub run: RunFacts,
    /// The results of the test, if the run has test data.
    pub test: Option<TestResult>,
    /// All epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch with the best weights, counted from 1.
    pub best_epoch: Option<usize>,
    /// The confusion matrix of the test split; classification only.
    pub confusion: Option<Confusion>,
    /// Targets and predictions of the test split; regression only.
    pub predictions: Option<Predictions>,
    /// The layers of the model, in order.
    pub layers: Vec<LayerRow>,
    /// The resolved configuration, as TOML.
    pub config: String,
}

/// Facts about the data set of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DataFacts {
    /// The file's name, e.g. `digits.csv`.
    pub name: String,
    /// The number of training samples.
    pub train: usize,
    /// The number of validation samples.
    pub validation: usize,
    /// The number of test samples.
    pub test: usize,
    /// The shape of one sample.
    pub sample_shape: Vec<usize>,
}

/// Facts about the device, the time and the weights.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunFacts {
    /// The device's name.
    pub device: String,
    /// The driver and its version; empty on the CPU.
    pub driver: String,
    /// Seconds from the first step to the last.
    pub seconds: f64,
    /// Milliseconds from the program's start to the first loss.
    pub first_step_ms: f64,
    /// The number of training steps.
    pub steps: u64,
    /// Training samples per second.
    pub samples_per_second: f64,
    /// The number of trained parameters.
    pub parameters: u64,
    /// The plan's exact peak of device memory, in bytes.
    pub peak_bytes: u64,
    /// The seed.
    pub seed: u64,
    /// The hash of all weights.
    pub weights_sha256: String,
    /// wgrad's version.
    pub version: String,
}

/// The results of the final test.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TestResult {
    /// The mean loss.
    pub loss: f64,
    /// The metrics, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// The number of samples of each class that are predicted as each class.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// The classes' names.
    pub classes: Vec<String>,
    /// `counts[actual][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Counts the predictions of the samples of a set.
    pub fn count(classes: &[String], set: &Dataset, predictions: &[Prediction]) -> Self {
        let n = classes.len();
        let mut counts = vec![vec![0u64; n]; n];
        for (i, prediction) in predictions.iter().enumerate() {
            let (Some(actual), Prediction::Class { class, .. }) = (set.label(i), prediction) else {
                continue;
            };
            let row = counts.get_mut(actual as usize);
            if let Some(count) = row.and_then(|row| row.get_mut(*class)) {
                *count += 1;
            }
        }
        Confusion {
            classes: classes.to_vec(),
            counts,
        }
    }
}

/// Targets and their predictions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Predictions {
    /// The target's name.
    pub target: String,
    /// The true values.
    pub actual: Vec<f64>,
    /// The predicted values, in the same order.
    pub predicted: Vec<f64>,
}

impl Predictions {
    /// Takes the first number of each sample's target and prediction.
    pub fn of(target: &str, set: &Dataset, predictions: &[Prediction]) -> Self {
        let mut pairs = Predictions {
            target: target.to_string(),
            ..Predictions::default()
        };
        for (i, prediction) in predictions.iter().enumerate() {
            let Prediction::Values { values, .. } = prediction else {
                continue;
            };
            let actual = set.values(i).and_then(<[f32]>::first);
            if let (Some(actual), Some(predicted)) = (actual, values.first()) {
                pairs.actual.push(f64::from(*actual));
                pairs.predicted.push(*predicted);
            }
        }
        pairs
    }
}

/// Facts about a layer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerRow {
    /// The layer's name in the weights file, e.g. `0`.
    pub name: String,
    /// The layer's kind, e.g. `Linear`.
    pub kind: String,
    /// The shape of one sample's output.
    pub output: Vec<usize>,
    /// The number of its parameters.
    pub parameters: u64,
    /// The size of the parameters in bytes.
    pub bytes: u64,
}
