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

    /// Called when a training goes on from a checkpoint, with the epochs it had so far: what is
    /// remembered from epoch to epoch is worked out anew, as if there had been no stop.
    fn on_resume(&mut self, history: &History) -> Result<Control> {
        let _ = history;
        Ok(Control::Continue)
    }
}

impl<F: FnMut(&mut EpochEnd) -> Result<Control> + Send> Callback for F {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        self(cx)
    }
}

/// Which of two values of a monitored number is better.
#[derive(Clone, Debug)]
struct Best {
    monitor: String,
    higher: bool,
    min_delta: f64,
    best: Option<f64>,
}

impl Best {
    fn new(monitor: &str) -> Self {
        let name = monitor.strip_prefix("val_").unwrap_or(monitor);
        // Errors and losses fall; everything else that is offered here is a share of right answers.
        let higher = !matches!(name, "loss" | "mse" | "mae");
        Best {
            monitor: monitor.to_string(),
            higher,
            min_delta: 0.0,
            best: None,
        }
    }

    /// Whether this epoch is the best so far.
    fn improves(&mut self, epoch: &Epoch) -> Result<bool> {
        let Some(value) = epoch.get(&self.monitor) else {
            let mut names = vec!["loss".to_string()];
            names.extend(epoch.metrics.iter().map(|(n, _)| n.clone()));
            if epoch.val_loss.is_some() {
                names.push("val_loss".to_string());
                names.extend(epoch.val_metrics.iter().map(|(n, _)| format!("val_{n}")));
            }
            return Err(crate::Error::argument(
                "monitor",
                &self.monitor,
                names.join(" or "),
            ));
        };
        let better = match (self.best, self.higher) {
            (None, _) => !value.is_nan(),
            (Some(best), true) => value > best + self.min_delta,
            (Some(best), false) => value < best - self.min_delta,
        };
        if better {
            self.best = Some(value);
        }
        Ok(better)
    }
}

/// Stops when a number has not improved for `patience` epochs.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    best: Best,
    patience: u64,
    waited: u64,
}

impl EarlyStopping {
    /// Watches e.g. `"val_loss"` or `"val_accuracy"`; losses and errors should fall, metrics rise.
    pub fn new(monitor: &str, patience: u64) -> Self {
        EarlyStopping {
            best: Best::new(monitor),
            patience,
            waited: 0,
        }
    }

    /// How much better a value must be to count.
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.best.min_delta = delta;
        self
    }

    fn look_at(&mut self, epoch: &Epoch) -> Result<Control> {
        if self.best.improves(epoch)? {
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        Ok(match self.waited >= self.patience.max(1) {
            true => Control::Stop(format!(
                "{} has not improved for {} epochs",
                self.best.monitor, self.waited
            )),
            false => Control::Continue,
        })
    }
}

impl Callback for EarlyStopping {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        self.look_at(cx.epoch)
    }

    fn on_resume(&mut self, history: &History) -> Result<Control> {
        // Had an earlier epoch stopped the training, there would be none after it.
        let first = Ok(Control::Continue);
        history
            .epochs
            .iter()
            .fold(first, |before, epoch| before.and(self.look_at(epoch)))
    }
}

/// Saves a checkpoint whenever a number is the best so far.
#[derive(Clone, Debug)]
pub struct BestCheckpoint {
    best: Best,
    path: PathBuf,
}

impl BestCheckpoint {
    /// Watches e.g. `"val_loss"`, and writes to `path`, which always holds the best epoch.
    pub fn new(monitor: &str, path: impl Into<PathBuf>) -> Self {
        BestCheckpoint {
            best: Best::new(monitor),
            path: path.into(),
        }
    }
}

impl Callback for BestCheckpoint {
    fn on_epoch_end(&mut self, cx: &mut EpochEnd) -> Result<Control> {
        if self.best.improves(cx.epoch)? {
            cx.trainer.save(&self.path)?;
        }
        Ok(Control::Continue)
    }

    fn on_resume(&mut self, history: &History) -> Result<Control> {
        for epoch in &history.epochs {
            self.best.improves(epoch)?;
        }
        Ok(Control::Continue)
    }
}
