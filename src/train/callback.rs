//! Callbacks at the end of each epoch.

use std::path::PathBuf;

use crate::Result;

use super::Trainer;
use super::history::{Epoch, History};

/// Whether training continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Continues.
    Continue,
    /// Stops after this epoch, with this reason.
    Stop(String),
}

/// The arguments of a callback at the end of an epoch.
pub struct EpochEnd<'a> {
    /// The epoch that has ended.
    pub epoch: &'a Epoch,
    /// The trainer, for example to save its weights.
    pub trainer: &'a mut Trainer,
}

/// Called at the end of each epoch, after validation. Closures implement it.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::{Control, EpochEnd};
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
/// let model = nn::Linear::new(1, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// let stop = |cx: &mut EpochEnd| {
///     Ok(if cx.epoch.epoch == 4 { Control::Stop("enough".into()) } else { Control::Continue })
/// };
/// let history = trainer.fit(&set, Fit::epochs(100).callback(stop))?;
/// assert_eq!(history.epochs.len(), 4);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub trait Callback: Send {
    /// Called at the end of an epoch; returns whether training continues.
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control>;
}

impl<F: FnMut(&mut EpochEnd) -> Result<Control> + Send> Callback for F {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        self(cx)
    }
}

/// Stops training when a monitored value has not improved for `patience` epochs.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::EarlyStopping;
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Sgd::new(1e-9)) // too small to improve
///     .compile(&Device::cpu(), &set)?;
/// let stop = EarlyStopping::new("loss", 2).min_delta(0.01);
/// let history = trainer.fit(&set, Fit::epochs(100).callback(stop))?;
/// assert_eq!(history.epochs.len(), 3);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: String,
    patience: u64,
    min_delta: f64,
}

impl EarlyStopping {
    /// Creates a callback that monitors a value such as `"val_loss"` or `"val_accuracy"`.
    /// [`History::higher_is_better`] decides which direction is an improvement.
    pub fn new(monitor: &str, patience: u64) -> Self {
        EarlyStopping {
            monitor: monitor.to_string(),
            patience,
            min_delta: 0.0,
        }
    }

    /// Sets the smallest improvement that counts. Default: 0.
    pub fn min_delta(self, min_delta: f64) -> Self {
        EarlyStopping { min_delta, ..self }
    }

    /// Returns why a training with this history stops, or `None` if it continues.
    pub fn reason(&self, history: &History) -> Result<Option<String>> {
        let best = history.best(&self.monitor, self.min_delta)?;
        let last = history.epochs.last().map_or(0, |e| e.epoch);
        let waited = last - best.map_or(0, |e| e.epoch).min(last);
        Ok((waited >= self.patience.max(1))
            .then(|| format!("{} has not improved for {waited} epochs", self.monitor)))
    }
}

impl Callback for EarlyStopping {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        Ok(match self.reason(cx.trainer.history())? {
            Some(reason) => Control::Stop(reason),
            None => Control::Continue,
        })
    }
}

/// Saves a checkpoint after each epoch with the best value so far.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::BestCheckpoint;
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
/// let model = nn::Linear::new(1, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("best.safetensors");
/// trainer.fit(&set, Fit::epochs(3).callback(BestCheckpoint::new("loss", &path)))?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BestCheckpoint {
    monitor: String,
    path: PathBuf,
}

impl BestCheckpoint {
    /// Creates a callback that monitors a value such as `"val_loss"`, and writes the checkpoint of
    /// the best epoch to `path`.
    pub fn new(monitor: &str, path: impl Into<PathBuf>) -> Self {
        BestCheckpoint {
            monitor: monitor.to_string(),
            path: path.into(),
        }
    }
}

impl Callback for BestCheckpoint {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        let best = cx.trainer.history().best(&self.monitor, 0.0)?;
        if best.is_some_and(|best| best.epoch == cx.epoch.epoch) {
            cx.trainer.save(&self.path)?;
        }
        Ok(Control::Continue)
    }
}
