//! The history of a training, epoch by epoch.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::json;
use crate::metrics::Metric;
use crate::{Error, Result};

/// The results of an epoch. Losses and metrics are means over samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The number of the epoch, counted from 1.
    pub epoch: u64,
    /// The number of training steps so far.
    pub step: u64,
    /// Seconds since the training began.
    #[serde(with = "json::number")]
    pub seconds: f64,
    /// The learning rate of the epoch's last step.
    #[serde(with = "json::number")]
    pub lr: f64,
    /// The training loss, measured while the weights changed.
    #[serde(with = "json::number")]
    pub loss: f64,
    /// The training metrics by name, in the order in which they were added.
    #[serde(with = "json::named")]
    pub metrics: Vec<(String, f64)>,
    /// The loss on the validation set after the epoch, if there is one.
    #[serde(with = "json::optional", default)]
    pub val_loss: Option<f64>,
    /// The metrics on the validation set.
    #[serde(with = "json::named")]
    pub val_metrics: Vec<(String, f64)>,
}

impl Epoch {
    /// Returns a value by its name in Keras: `"loss"`, `"accuracy"`, `"val_loss"`,
    /// `"val_accuracy"`, `"lr"`.
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

    /// Returns the names that [`Epoch::get`] accepts here, except that of the rate.
    fn names(&self) -> Vec<String> {
        let mut names = vec!["loss".to_string()];
        names.extend(self.metrics.iter().map(|(n, _)| n.clone()));
        if self.val_loss.is_some() {
            names.push("val_loss".to_string());
            names.extend(self.val_metrics.iter().map(|(n, _)| format!("val_{n}")));
        }
        names
    }
}

/// The epochs of a training.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
/// let model = nn::Linear::new(1, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(3))?;
/// assert_eq!(history.curve("loss").len(), 3);
/// assert_eq!(history.epochs[0].get("lr"), Some(0.001));
/// assert!(history.best("loss", 0.0)?.is_some());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The epochs, in order.
    pub epochs: Vec<Epoch>,
    /// The metrics whose direction differs from that of their names, each with whether larger
    /// values are better.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) directions: Vec<(String, bool)>,
}

impl History {
    /// Keeps the directions of these metrics, so that [`History::best`] uses those of custom
    /// metrics.
    pub(super) fn keep_directions(&mut self, metrics: &[Box<dyn Metric>]) {
        let own = metrics.iter().map(|m| (m.name(), m.higher_is_better()));
        self.directions = own
            .filter(|(name, higher)| crate::metrics::higher_is_better(name) != *higher)
            .map(|(name, higher)| (name.to_string(), higher))
            .collect();
    }

    /// Returns whether larger values are better for a value of this name, with or without the
    /// prefix `val_`. That is
    /// [`Metric::higher_is_better`](crate::metrics::Metric::higher_is_better) of the metric of this
    /// name, or else [`metrics::higher_is_better`](crate::metrics::higher_is_better).
    pub fn higher_is_better(&self, name: &str) -> bool {
        let metric = name.strip_prefix("val_").unwrap_or(name);
        let own = self.directions.iter().find(|(own, _)| own == metric);
        own.map_or_else(|| crate::metrics::higher_is_better(name), |(_, h)| *h)
    }

    /// Returns a value of all epochs that have it; see [`Epoch::get`].
    pub fn curve(&self, name: &str) -> Vec<f64> {
        self.epochs.iter().filter_map(|e| e.get(name)).collect()
    }

    /// Returns the epoch with the best value of `monitor`. A later value counts as better only if
    /// it improves by more than `min_delta`, in the direction of [`History::higher_is_better`].
    /// `None` if all values are NaN, or there is no epoch.
    ///
    /// The result depends only on the epochs, so a resumed training stops where an uninterrupted
    /// one would.
    pub fn best(&self, monitor: &str, min_delta: f64) -> Result<Option<&Epoch>> {
        let higher = self.higher_is_better(monitor);
        let mut best: Option<(f64, &Epoch)> = None;
        for epoch in &self.epochs {
            let Some(value) = epoch.get(monitor) else {
                let expected = epoch.names().join(" or ");
                return Err(Error::argument("monitor", monitor, expected));
            };
            let better = match (best, higher) {
                (None, _) => !value.is_nan(),
                (Some((best, _)), true) => value > best + min_delta,
                (Some((best, _)), false) => value < best - min_delta,
            };
            if better {
                best = Some((value, epoch));
            }
        }
        Ok(best.map(|(_, epoch)| epoch))
    }

    /// Writes the history as JSON. The file is written completely or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let text = serde_json::to_vec_pretty(self);
        let text = text.map_err(|e| Error::internal("history", e.to_string()))?;
        crate::checkpoint::write_atomically(path.as_ref(), &text)
    }

    /// Reads a file that [`History::save`] wrote.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(Error::io(path, "read"))?;
        serde_json::from_slice(&text)
            .map_err(|e| Error::data(path.display().to_string(), e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64]) -> History {
        let epoch = |(i, loss): (usize, &f64)| Epoch {
            epoch: i as u64 + 1,
            step: 0,
            seconds: 0.0,
            lr: 0.1,
            loss: *loss,
            metrics: vec![("accuracy".to_string(), 1.0 - loss)],
            val_loss: None,
            val_metrics: Vec::new(),
        };
        History {
            epochs: losses.iter().enumerate().map(epoch).collect(),
            directions: Vec::new(),
        }
    }

    fn best(losses: &[f64], monitor: &str, min_delta: f64) -> Option<u64> {
        let history = history(losses);
        history.best(monitor, min_delta).unwrap().map(|e| e.epoch)
    }

    #[test]
    fn the_best_epoch_is_the_first_of_equals_and_never_nan() {
        assert_eq!(best(&[0.5, 0.3, 0.3, 0.4], "loss", 0.0), Some(2));
        assert_eq!(best(&[0.5, 0.3, 0.2], "accuracy", 0.0), Some(3));
        assert_eq!(best(&[0.5, 0.45, 0.42, 0.3], "loss", 0.1), Some(4));
        assert_eq!(best(&[f64::NAN, 0.5], "loss", 0.0), Some(2));
        assert_eq!(best(&[f64::NAN], "loss", 0.0), None);
        assert_eq!(best(&[], "loss", 0.0), None);
        let error = history(&[0.5]).best("val_loss", 0.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "monitor is val_loss, but must be loss or accuracy"
        );
    }
}
