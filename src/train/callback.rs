//! Callbacks: what else happens at the end of an epoch.

use std::path::PathBuf;

use crate::Result;

use super::Trainer;
use super::history::{Epoch, History};

/// Whether the training goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// It goes on.
    Continue,
    /// It stops after this epoch, for this reason.
    Stop(String),
}

/// What a callback sees at the end of an epoch.
pub struct EpochEnd<'a> {
    /// The epoch that has ended.
    pub epoch: &'a Epoch,
    /// The trainer, whose weights can be saved or read.
    pub trainer: &'a mut Trainer,
}

/// Called at the end of each epoch, after its validation. A closure is one too.
pub trait Callback: Send {
    /// Does what it is for, and says whether the training goes on.
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control>;
}

impl<F: FnMut(&mut EpochEnd) -> Result<Control> + Send> Callback for F {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        self(cx)
    }
}

/// Stops when a number has not improved for `patience` epochs.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: String,
    patience: u64,
    min_delta: f64,
}

impl EarlyStopping {
    /// Watches e.g. `"val_loss"` or `"val_accuracy"`, in the direction that [`History::higher_is_better`] gives.
    pub fn new(monitor: &str, patience: u64) -> Self {
        EarlyStopping {
            monitor: monitor.to_string(),
            patience,
            min_delta: 0.0,
        }
    }

    /// How much better a value must be to count.
    pub fn min_delta(self, min_delta: f64) -> Self {
        EarlyStopping { min_delta, ..self }
    }

    /// Why a training with this history stops, or nothing where it goes on.
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

/// Saves a checkpoint whenever a number is the best so far.
#[derive(Clone, Debug)]
pub struct BestCheckpoint {
    monitor: String,
    path: PathBuf,
}

impl BestCheckpoint {
    /// Watches e.g. `"val_loss"`, and writes to `path`, which always holds the best epoch.
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
