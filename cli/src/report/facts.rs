//! The data of the report page.

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
    /// Targets and predictions of the test split, one item for each target; regression only.
    pub predictions: Vec<Predictions>,
    /// The scores of a trivial model on the test split.
    pub baseline: Option<Trivial>,
    /// The probabilities of the test split's classes; classification only.
    pub probabilities: Option<Probabilities>,
    /// The importance of the columns of a table.
    pub importance: Option<ImportanceFacts>,
    /// The test samples with the largest losses.
    pub worst: Vec<Worst>,
    /// The columns of a table.
    pub columns: Vec<ColumnFacts>,
    /// Observations about the data.
    pub notes: Vec<String>,
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
    /// The metrics by name, in the order of the configuration.
    pub metrics: Vec<(String, f64)>,
    /// The 95% confidence intervals of metrics: name, low, high.
    pub intervals: Vec<(String, f64, f64)>,
    /// Which weights were tested.
    pub weights: String,
}

/// The scores of a model that predicts the same for every sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Trivial {
    /// What it predicts: `"good"`, or `the mean of the training split`.
    pub prediction: String,
    /// The mean loss.
    pub loss: f64,
    /// The metrics by name, in the order of the configuration.
    pub metrics: Vec<(String, f64)>,
}

/// The predicted probabilities of the test split.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Probabilities {
    /// The classes' names.
    pub classes: Vec<String>,
    /// The class of each sample.
    pub labels: Vec<usize>,
    /// The probability of each class, by sample.
    pub rows: Vec<Vec<f64>>,
    /// The class of two whose curves are drawn: that of a metric, or else the rarer one.
    pub positive: usize,
}

impl Probabilities {
    /// Takes the probabilities of the samples of a set; `None` if the model predicts none.
    ///
    /// `positive` is the class of two whose curves are drawn. Default: the rarer one.
    pub fn of(
        classes: &[String],
        set: &Dataset,
        predictions: &[Prediction],
        positive: Option<usize>,
    ) -> Option<Self> {
        let mut all = Probabilities {
            classes: classes.to_vec(),
            ..Probabilities::default()
        };
        for (i, prediction) in predictions.iter().enumerate() {
            let Prediction::Class { probabilities, .. } = prediction else {
                return None;
            };
            let finite = probabilities.iter().all(|p| p.is_finite());
            if probabilities.len() != classes.len() || !finite {
                return None;
            }
            all.labels.push(set.label(i)? as usize);
            all.rows.push(probabilities.clone());
        }
        let second = all.labels.iter().filter(|label| **label == 1).count();
        let rarer = usize::from(2 * second <= all.labels.len());
        all.positive = positive.unwrap_or(rarer);
        (!all.rows.is_empty()).then_some(all)
    }

    /// Returns which samples belong to a class, and their probabilities of it.
    pub fn of_class(&self, class: usize) -> (Vec<bool>, Vec<f64>) {
        let labels = self.labels.iter().map(|label| *label == class).collect();
        let of = |row: &Vec<f64>| row.get(class).copied().unwrap_or(0.0);
        (labels, self.rows.iter().map(of).collect())
    }
}

/// The importance of the columns of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ImportanceFacts {
    /// The metric.
    pub metric: String,
    /// The split that it is measured on.
    pub split: String,
    /// The columns with the mean and the standard deviation of the decrease.
    pub columns: Vec<(String, f64, f64)>,
}

/// A test sample with a large loss.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Worst {
    /// The number of the sample in its file, counted from 1.
    pub row: usize,
    /// The actual class or values.
    pub actual: String,
    /// The predicted class or values.
    pub predicted: String,
    /// The loss.
    pub loss: f64,
}

/// What became of a column of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The number of missing cells.
    pub missing: u64,
    /// The number of rows.
    pub rows: u64,
    /// The number of its features; 0 if it was left out.
    pub features: usize,
    /// The names of the first features, or the reason if it was left out.
    pub made: String,
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
    /// Takes the numbers of each sample's target and prediction, one item for each target. A single
    /// target has the name `target`; several have these names, or are numbered.
    pub fn of(
        target: &str,
        names: &[String],
        set: &Dataset,
        predictions: &[Prediction],
    ) -> Vec<Self> {
        let mut all: Vec<Predictions> = Vec::new();
        let width = set.target_width().unwrap_or(0);
        for number in 1..=width {
            all.push(Predictions {
                target: match (width, names.get(number - 1)) {
                    (1, _) => target.to_string(),
                    (_, Some(name)) => name.clone(),
                    (_, None) => format!("{target} {number}"),
                },
                ..Predictions::default()
            });
        }
        for (i, prediction) in predictions.iter().enumerate() {
            let (Prediction::Values { values, .. }, Some(actual)) = (prediction, set.values(i))
            else {
                continue;
            };
            for ((item, actual), predicted) in all.iter_mut().zip(actual).zip(values) {
                item.actual.push(f64::from(*actual));
                item.predicted.push(*predicted);
            }
        }
        all
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
