//! What happened in a training, epoch by epoch.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One epoch. Losses and metrics are means over samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u64,
    /// Training steps so far.
    pub step: u64,
    /// Seconds since the training began.
    pub seconds: f64,
    /// The learning rate of the epoch's last step.
    pub lr: f64,
    /// The training loss, measured while the weights changed.
    pub loss: f64,
    /// The training metrics by name, in the order they were asked for.
    pub metrics: Vec<(String, f64)>,
    /// The loss on the validation set after the epoch, where there is one.
    pub val_loss: Option<f64>,
    /// The metrics on the validation set.
    pub val_metrics: Vec<(String, f64)>,
}

impl Epoch {
    /// A value by the name that Keras gives it: `"loss"`, `"accuracy"`, `"val_loss"`, `"val_accuracy"`, `"lr"`.
    pub fn get(&self, name: &str) -> Option<f64> {
        let find = |list: &[(String, f64)], name: &str| {
            list.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
        };
        match name {
            "loss" => Some(self.loss),
            "lr" => Some(self.lr),
            "val_loss" => self.val_loss,
            _ => match name.strip_prefix("val_") {
                Some(name) => find(&self.val_metrics, name),
                None => find(&self.metrics, name),
            },
        }
    }
}

/// All epochs of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In order.
    pub epochs: Vec<Epoch>,
}

impl History {
    /// One value over all epochs that have it; see [`Epoch::get`].
    pub fn curve(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.get(name)).collect()
    }

    /// Writes the history as JSON; the file is there whole or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let text = serde_json::to_vec_pretty(self);
        let text = text.map_err(|e| Error::internal("history", e.to_string()))?;
        crate::checkpoint::write_atomically(path.as_ref(), &text)
    }

    /// Reads what [`History::save`] wrote.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(Error::io(path, "read"))?;
        serde_json::from_slice(&text)
            .map_err(|e| Error::data(path.display().to_string(), e.to_string()))
    }
}
