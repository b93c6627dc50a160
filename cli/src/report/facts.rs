//! What the page shows, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use wgrad::Task;
use wgrad::data::Dataset;
use wgrad::run::{EpochRecord, Prediction};

/// Everything that the page shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The run's name, e.g. `digits`.
    pub title: String,
    /// Classes or numbers.
    pub task: Task,
    /// The data set.
    pub data: DataFacts,
    /// The machine and the time.
    pub run: RunFacts,
    /// The test's results, where there was a test.
    pub test: Option<TestResult>,
    /// All epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were best, counted from 1.
    pub best_epoch: Option<usize>,
    /// The confusion matrix of the test split; classification only.
    pub confusion: Option<Confusion>,
    /// Targets and predictions of the test split; regression only.
    pub predictions: Option<Predictions>,
    /// The network's layers, in order.
    pub layers: Vec<LayerRow>,
    /// The resolved configuration, as TOML.
    pub config: String,
}

/// The data set of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DataFacts {
    /// The file's name, e.g. `digits.csv`.
    pub name: String,
    /// Samples trained on.
    pub train: usize,
    /// Samples for validation.
    pub validation: usize,
    /// Samples for the test.
    pub test: usize,
    /// The shape of one sample.
    pub sample_shape: Vec<usize>,
}

/// The machine, the time, the weights.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunFacts {
    /// The device's name.
    pub device: String,
    /// The driver and its version; empty on the CPU.
    pub driver: String,
    /// Seconds from the first step to the last.
    pub seconds: f64,
    /// Milliseconds from nothing to the first loss.
    pub first_step_ms: f64,
    /// Training steps.
    pub steps: u64,
    /// Training samples a second.
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

/// The final test.
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
    /// The first number of each sample's target and of its prediction.
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

/// One layer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name in the weights' file, e.g. `0`.
    pub name: String,
    /// What it is, e.g. `Linear`.
    pub kind: String,
    /// The shape of one sample's output.
    pub output: Vec<usize>,
    /// How many parameters it has.
    pub parameters: u64,
    /// The parameters' bytes.
    pub bytes: u64,
}
