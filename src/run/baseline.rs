//! The scores of a prediction that ignores the features: the trivial model.

use super::dataset::Datasets;
use super::preprocessing::Preprocessing;
use crate::data::{Dataset, Targets};
use crate::loss::{LossSpec, Outputs};
use crate::spec::Config;
use crate::task::Task;
use crate::train::{Evaluation, Interval, SampleResults, Trainer};
use crate::{Error, Result};

/// The smallest probability of a class, so that its logarithm is finite.
const MIN_PROBABILITY: f64 = 1e-12;

/// What a trivial model predicts for every sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// The most frequent class of the training split. Its probabilities are the frequencies of the
    /// classes there.
    MajorityClass {
        /// The name of the class.
        name: String,
        /// The frequency of each class.
        frequencies: Vec<f64>,
    },
    /// The means of the training split; of labels, their frequencies.
    Means(Vec<f64>),
}

impl Constant {
    /// Returns the constant prediction for a training split; `None` if its targets are neither
    /// classes nor values.
    pub fn of(train: &Dataset) -> Option<Self> {
        if let Some(counts) = train.class_counts() {
            let all: usize = counts.iter().sum();
            let most = counts.iter().max()?;
            let class = counts.iter().position(|n| n == most)?;
            let name = train.class_names().get(class);
            return Some(Constant::MajorityClass {
                name: name.map_or_else(|| class.to_string(), String::clone),
                frequencies: counts.iter().map(|n| *n as f64 / all as f64).collect(),
            });
        }
        let mut sums = vec![0.0; train.target_width()?];
        for i in 0..train.len() {
            for (sum, value) in sums.iter_mut().zip(train.values(i)?) {
                *sum += f64::from(*value);
            }
        }
        let n = train.len() as f64;
        Some(Constant::Means(sums.into_iter().map(|s| s / n).collect()))
    }

    /// Returns the outputs of a model with this prediction, as a loss interprets them.
    fn outputs(&self, outputs: Outputs, train: &Dataset) -> Vec<f64> {
        match self {
            Constant::MajorityClass { frequencies, .. } => {
                let second = frequencies.get(1).copied().unwrap_or(0.0);
                let log = |p: &f64| p.max(MIN_PROBABILITY).ln();
                match outputs {
                    Outputs::Logit => vec![log(&second) - log(&(1.0 - second))],
                    Outputs::Margin => vec![if second > 0.5 { 1.0 } else { -1.0 }],
                    Outputs::Probability | Outputs::Values => vec![second],
                    _ => frequencies.iter().map(log).collect(),
                }
            }
            Constant::Means(means) => match outputs {
                Outputs::LogRates | Outputs::LogShares => {
                    means.iter().map(|m| m.max(MIN_PROBABILITY).ln()).collect()
                }
                // Several labels: the mean of each is its frequency.
                Outputs::Logit => {
                    let log = |p: f64| p.max(MIN_PROBABILITY).ln();
                    means.iter().map(|p| log(*p) - log(1.0 - p)).collect()
                }
                Outputs::MeansAndLogVariances => {
                    let logs = means.iter().enumerate().map(|(column, mean)| {
                        let values = (0..train.len()).filter_map(|i| train.values(i)?.get(column));
                        let squares = values.map(|v| (f64::from(*v) - mean).powi(2));
                        let variance = squares.sum::<f64>() / train.len() as f64;
                        variance.max(MIN_PROBABILITY).ln()
                    });
                    means.iter().copied().chain(logs).collect()
                }
                _ => means.clone(),
            },
        }
    }
}

/// The scores of a model that predicts the same for every sample. A useful model is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// What it predicts.
    pub constant: Constant,
    /// Its loss and metrics.
    pub evaluation: Evaluation,
}

impl Config {
    /// Returns the loss and the metrics of this configuration for a constant prediction on a set:
    /// the most frequent class, or the mean, of the training split. `None` for a language model.
    ///
    /// # Errors
    ///
    /// Returns an error if the set does not have the targets of the training split.
    ///
    /// # Example
    /// ```
    /// use wgrad::run::{Constant, Datasets};
    /// use wgrad::spec::{Config, Overrides};
    ///
    /// # let run = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris.toml");
    /// let mut config = Config::load(run, &Overrides::default())?;
    /// let data = Datasets::load(&mut config)?;
    /// let test = data.test.as_ref().unwrap();
    /// let baseline = config.baseline(&data, test)?.unwrap();
    /// assert!(baseline.evaluation.metric("accuracy").unwrap() < 0.4);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn baseline(&self, data: &Datasets, set: &Dataset) -> Result<Option<Baseline>> {
        if self.data.task == Some(Task::Language) {
            return Ok(None);
        }
        let Some(constant) = Constant::of(&data.train) else {
            return Ok(None);
        };
        let loss = self.training.loss.as_ref().map(LossSpec::outputs);
        let usual = match constant {
            Constant::MajorityClass { .. } => Outputs::Scores,
            Constant::Means(_) => Outputs::Values,
        };
        let row = constant.outputs(loss.unwrap_or(usual), &data.train);
        let row: Vec<f32> = row.into_iter().map(|y| y as f32).collect();
        let set = known(row.repeat(set.len()), set)?;
        let evaluation = self.scorer(&data.preprocessing)?.evaluate(&set)?;
        Ok(Some(Baseline {
            constant,
            evaluation,
        }))
    }
}

/// Returns a data set whose samples are outputs, with the targets of another set.
fn known(outputs: Vec<f32>, set: &Dataset) -> Result<Dataset> {
    let width = outputs.len() / set.len().max(1);
    let targets: Targets = set.targets_all().into_owned();
    Dataset::from_arrays(outputs, [width], targets)
}

/// Computes scores of outputs that a model has already computed, with the loss and the metrics of a
/// configuration. It runs on the CPU.
///
/// # Example
/// ```no_run
/// use wgrad::run::Scorer;
/// use wgrad::{Device, Run};
///
/// let run = Run::open("runs/iris")?;
/// let Some(test) = run.test_data()? else { return Ok(()) };
/// let outputs = run.trainer(&Device::cpu())?.predict(&test)?;
/// let mut scorer = Scorer::new(run.config(), run.preprocessing())?;
/// let samples = scorer.evaluate_each(&outputs.values, &test)?;
/// let intervals = scorer.confidence_intervals(&samples, 0);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Scorer {
    trainer: Trainer,
}

impl Scorer {
    /// The number of resamples of a confidence interval.
    pub const RESAMPLES: usize = 1000;

    /// The level of the confidence intervals.
    pub const LEVEL: f64 = 0.95;

    /// Creates the scorer of a configuration.
    ///
    /// # Errors
    ///
    /// Returns an error for a language model.
    pub fn new(config: &Config, preprocessing: &Preprocessing) -> Result<Self> {
        if preprocessing.text.is_some() {
            let reason = "expected outputs for samples, found those of a language model";
            return Err(Error::model("the scores", reason));
        }
        let trainer = config.scorer(preprocessing)?;
        Ok(Scorer { trainer })
    }

    /// Returns the loss and the metrics of a model's outputs for a set, in row-major order.
    ///
    /// # Errors
    ///
    /// Returns an error if the set has another number of samples, or an output is not finite.
    pub fn evaluate(&mut self, outputs: &[f32], set: &Dataset) -> Result<Evaluation> {
        self.trainer.evaluate(&known(outputs.to_vec(), set)?)
    }

    /// Returns the results of each sample.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Scorer::evaluate`].
    pub fn evaluate_each(&mut self, outputs: &[f32], set: &Dataset) -> Result<SampleResults> {
        let set = known(outputs.to_vec(), set)?;
        self.trainer.evaluate_each(&set)
    }

    /// Returns the 95% confidence interval of each metric; see [`Trainer::confidence_intervals`].
    pub fn confidence_intervals(&self, samples: &SampleResults, seed: u64) -> Vec<Interval> {
        let (level, resamples) = (Scorer::LEVEL, Scorer::RESAMPLES);
        self.trainer
            .confidence_intervals(samples, level, resamples, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_those_of_the_loss() {
        let labels = Targets::classes(vec![0, 1, 1, 1], 2);
        let train = Dataset::from_arrays(vec![0.0; 4], [1], labels).unwrap();
        let constant = Constant::of(&train).unwrap();
        let of = |outputs| constant.outputs(outputs, &train);
        assert_eq!(of(Outputs::Probability), [0.75]);
        assert_eq!(of(Outputs::Margin), [1.0]);
        assert!((of(Outputs::Logit)[0] - 3f64.ln()).abs() < 1e-12);
        assert_eq!(of(Outputs::Scores), [0.25f64.ln(), 0.75f64.ln()]);

        let values = Targets::values(vec![1.0, 3.0]);
        let train = Dataset::from_arrays(vec![0.0; 2], [1], values).unwrap();
        let constant = Constant::of(&train).unwrap();
        let of = |outputs| constant.outputs(outputs, &train);
        assert_eq!(of(Outputs::Values), [2.0]);
        assert_eq!(of(Outputs::LogRates), [2f64.ln()]);
        assert_eq!(of(Outputs::MeansAndLogVariances), [2.0, 0.0]);
    }
}
