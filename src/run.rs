//! Runs: trainings from a configuration, and their folders.
//!
//! [`Run::open`] opens the folder that `wgrad train` wrote: the model with its weights, its
//! preprocessing and its class names. Use it to predict, evaluate, train or generate text from
//! Rust.
//!
//! ```no_run
//! use wgrad::{Device, Run};
//!
//! let run = Run::open("runs/iris")?;
//! let mut predictor = run.predictor(&Device::cpu())?;
//! for prediction in predictor.predict_file("flowers.csv")? {
//!     println!("{prediction:?}");
//! }
//! # Ok::<(), wgrad::Error>(())
//! ```

mod baseline;
mod dataset;
mod epoch;
mod events;
mod folder;
mod images;
mod input;
mod language;
mod lines;
mod model;
mod predictions;
mod preprocessing;
mod table;

use std::path::{Path, PathBuf};

pub use baseline::{Baseline, Constant, Scorer};
pub use dataset::Datasets;
pub use epoch::EpochRecord;
pub use events::EventWriter;
pub use folder::RunFolder;
pub use input::{PredictedRows, PredictionInput};
pub use predictions::Prediction;
pub use preprocessing::{Preprocessing, Series, TablePreprocessing, TargetScale, TextFacts};

pub use crate::checkpoint::{AtomicFile, write_atomically};
use crate::data::Dataset;
use crate::data::text::Tokenizer;
use crate::generate::Generator;
use crate::loss::LossSpec;
use crate::spec::{Config, DataSource, Overrides};
use crate::train::{Evaluation, Predictions, Trainer};
use crate::{Device, Error, Result};

/// A run: its folder, its configuration, and its preprocessing.
///
/// # Example
/// ```
/// use wgrad::{Device, Run};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/runs/iris");
/// let run = Run::open(folder)?; // a folder that `wgrad train` wrote
/// assert_eq!(run.class_names(), ["setosa", "versicolor", "virginica"]);
/// assert_eq!(run.trainer(&Device::cpu())?.parameters().next(), Some("0.weight"));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    folder: RunFolder,
    config: Config,
    preprocessing: Preprocessing,
}

impl Run {
    /// Opens the folder of a run, as `wgrad train` wrote it.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder is not that of a run, or a file in it cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Run::open_with(folder, &Overrides::default())
    }

    /// Opens the folder of a run; `overrides` replace settings of its configuration.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Run::open`].
    pub fn open_with(folder: impl AsRef<Path>, overrides: &Overrides) -> Result<Self> {
        let folder = RunFolder::open(folder.as_ref())?.absolute();
        let config = Config::load(folder.config_path(), overrides)?;
        let preprocessing = Preprocessing::load(&folder.scaler_path())?;
        Ok(Run {
            folder,
            config,
            preprocessing,
        })
    }

    /// Returns the run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Returns the configuration, with all defaults set.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the preprocessing, fitted on the training split.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Returns the names of the classes, in the order of the labels; empty for regression.
    pub fn class_names(&self) -> &[String] {
        &self.preprocessing.classes
    }

    /// Returns the checkpoint with the weights that the run's own test used: the best epoch's with
    /// early stopping, and otherwise the last.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no checkpoint.
    pub fn weights(&self) -> Result<PathBuf> {
        let best = self.folder.best_path();
        let early = self.config.training.early_stopping.is_some();
        match self.folder.resume_path()? {
            Some(_) if early && best.is_file() => Ok(best),
            Some(latest) => Ok(latest),
            None => Err(Error::data(
                self.folder.checkpoints().display().to_string(),
                "there is no checkpoint in it, so there is no trained model",
            )),
        }
    }

    /// Returns a trainer with the run's [weights](Run::weights), to evaluate, or to train on other
    /// data.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Config::trainer`], and an error if the weights cannot be loaded.
    pub fn trainer(&self, device: &Device) -> Result<Trainer> {
        let mut trainer = self.config.trainer(&self.preprocessing, device)?;
        trainer.load_weights(self.weights()?)?;
        Ok(trainer)
    }

    /// Returns the model with its weights and its preprocessing, for predictions.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Run::trainer`].
    pub fn predictor(&self, device: &Device) -> Result<Predictor> {
        Ok(Predictor {
            trainer: self.trainer(device)?,
            preprocessing: self.preprocessing.clone(),
            source: self.config.data.source.clone(),
            loss: self.config.training.loss.clone(),
        })
    }

    /// Returns the tokenizer of a language model.
    ///
    /// # Errors
    ///
    /// Returns an error if the run has none.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        language::context(&self.config)?;
        Tokenizer::load(self.folder.tokenizer_path())
    }

    /// Returns a generator with the weights of the language model, and its tokenizer.
    ///
    /// # Errors
    ///
    /// Returns an error if the model is not a language model, or a file cannot be read.
    pub fn generator(&self, device: &Device) -> Result<(Generator, Tokenizer)> {
        let tokenizer = self.tokenizer()?;
        let model = self.config.model.language(tokenizer.vocabulary());
        let model = model.ok_or_else(|| Error::model("[model]", "it is no language model"))?;
        let mut generator = Generator::boxed(model, device)?;
        generator.load_weights(self.weights()?)?;
        Ok((generator, tokenizer))
    }

    /// Reads samples with their targets from a file of the format of the training data, and
    /// preprocesses them as in training. `targets` is the file with the targets, for formats with a
    /// separate one.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or does not have the features or classes of the
    /// training data.
    pub fn dataset(&self, file: &Path, targets: Option<&Path>) -> Result<Dataset> {
        if self.preprocessing.text.is_some() {
            let context = language::context(&self.config)?;
            return language::windows_of(&self.tokenizer()?, file, context);
        }
        dataset::labelled_like(&self.preprocessing, &self.config.data, file, targets)
    }

    /// Returns the run's own test data, preprocessed, or `None` if it has none.
    ///
    /// # Errors
    ///
    /// Returns an error if the data changed since the run was trained.
    pub fn test_data(&self) -> Result<Option<Dataset>> {
        Ok(self.datasets()?.test)
    }

    /// Returns the run's own data, preprocessed: its training, validation and test splits.
    ///
    /// # Errors
    ///
    /// Returns an error if the data changed since the run was trained.
    pub fn datasets(&self) -> Result<Datasets> {
        let mut config = self.config.clone();
        let data = Datasets::load(&mut config)?;
        match data.preprocessing == self.preprocessing {
            true => Ok(data),
            false => Err(Error::data(
                config.data.source.targets_place(),
                "the data is not what it was when this run was trained, so its test split is not the same; give the \
                 data to evaluate (--data)",
            )),
        }
    }
}

/// A trained model with its preprocessing.
///
/// # Example
/// ```
/// use wgrad::run::Prediction;
/// use wgrad::{Device, Run};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/runs/iris");
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/iris.csv");
/// let mut predictor = Run::open(folder)?.predictor(&Device::cpu())?;
/// let predictions = predictor.predict_file(file)?;
/// assert!(matches!(&predictions[0], Prediction::Class { name, .. } if name == "setosa"));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Predictor {
    trainer: Trainer,
    preprocessing: Preprocessing,
    source: DataSource,
    loss: Option<LossSpec>,
}

impl Predictor {
    /// Returns the predictions for a file of the format of the training data. The columns of a
    /// table may be in any order, and its target column may be missing.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or does not have the features of the training
    /// data.
    pub fn predict_file(&mut self, file: impl AsRef<Path>) -> Result<Vec<Prediction>> {
        let (set, _) = self
            .preprocessing
            .unlabelled(&self.source, &file.as_ref().into())?;
        self.predict(&set)
    }

    /// Returns the predictions for preprocessed samples; see [`Preprocessing::apply`].
    ///
    /// # Errors
    ///
    /// Returns an error if the samples have another shape than the training data.
    pub fn predict(&mut self, set: &Dataset) -> Result<Vec<Prediction>> {
        let outputs = self.trainer.predict(set)?;
        Ok(predictions::predictions(
            self.loss.as_ref(),
            &self.preprocessing,
            &outputs,
        ))
    }

    /// Returns the loss and the metrics for preprocessed samples with targets; see
    /// [`Run::dataset`].
    ///
    /// # Errors
    ///
    /// Returns an error if the samples have another shape than the training data.
    pub fn evaluate(&mut self, set: &Dataset) -> Result<Evaluation> {
        self.trainer.evaluate(set)
    }

    /// Returns the device.
    pub fn device(&self) -> &Device {
        self.trainer.device()
    }
}

/// Returns the predictions of a trainer of this configuration for preprocessed samples.
///
/// # Errors
///
/// Returns an error if the samples have another shape than the training data.
pub fn predict(
    trainer: &mut Trainer,
    config: &Config,
    preprocessing: &Preprocessing,
    set: &Dataset,
) -> Result<Vec<Prediction>> {
    Ok(interpret(config, preprocessing, &trainer.predict(set)?))
}

/// Returns the predictions that a model's outputs stand for: classes with probabilities, or values.
pub fn interpret(
    config: &Config,
    preprocessing: &Preprocessing,
    outputs: &Predictions,
) -> Vec<Prediction> {
    predictions::predictions(config.training.loss.as_ref(), preprocessing, outputs)
}
