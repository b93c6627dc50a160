//! A rate that falls when there is no progress.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ask, Curve, Schedule, Settings, Unit};
use crate::Result;
use crate::schema::{self, range};

/// Multiplies the rate when a value has not improved for some epochs; PyTorch's `ReduceLROnPlateau`. The value
/// is one that a history has of each epoch, by default the validation's loss.
///
/// It keeps no state: the rate is worked out from the values of all epochs so far, which a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plateau {
    /// The value to watch: `loss`, a metric's name, or one of these with `val_` before it.
    #[schemars(with = "range::Text")]
    monitor: String,
    /// What the rate is multiplied by.
    #[schemars(with = "range::Share")]
    factor: f64,
    /// The number of epochs without progress that are allowed.
    patience: u64,
    /// How much better a value must be, as a share of the best.
    #[schemars(with = "range::NotNegative")]
    threshold: f64,
    /// The number of epochs after a fall that do not count.
    cooldown: u64,
    /// The smallest rate.
    #[schemars(with = "range::NotNegative")]
    min_lr: f64,
    /// Whether the value should rise; without it, as the metric of that name says.
    #[serde(skip)]
    rising: Option<bool>,
    #[serde(skip)]
    relative: bool,
    #[serde(skip)]
    eps: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau {
            monitor: "val_loss".to_string(),
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            rising: None,
            relative: true,
            eps: 1e-8,
        }
    }
}

impl Settings for Plateau {
    fn build(&self, _: u64) -> Schedule {
        self.clone().into()
    }

    fn monitor(&self) -> Option<&str> {
        Some(&self.monitor)
    }

    fn min_lr(&self) -> Option<f64> {
        Some(self.min_lr)
    }
}

impl Plateau {
    /// With PyTorch's settings: a tenth of the rate after more than 10 epochs in which `val_loss` did not fall
    /// by a ten thousandth of itself.
    pub fn new() -> Self {
        Plateau::default()
    }

    /// The value to watch, which should fall.
    pub fn falling(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: Some(false),
            ..self
        }
    }

    /// The value to watch, which should rise: `"val_accuracy"`.
    pub fn rising(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: Some(true),
            ..self
        }
    }

    /// What the rate is multiplied by, above 0 and below 1.
    pub fn factor(self, factor: f64) -> Self {
        Plateau { factor, ..self }
    }

    /// Epochs without progress that are borne.
    pub fn patience(self, patience: u64) -> Self {
        Plateau { patience, ..self }
    }

    /// How much better a value must be, as a share of the best.
    pub fn threshold(self, threshold: f64) -> Self {
        Plateau {
            threshold,
            relative: true,
            ..self
        }
    }

    /// How much better a value must be, in its own units.
    pub fn min_delta(self, threshold: f64) -> Self {
        Plateau {
            threshold,
            relative: false,
            ..self
        }
    }

    /// Epochs after a fall that do not count.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Plateau { cooldown, ..self }
    }

    /// The least rate.
    pub fn min_lr(self, min_lr: f64) -> Self {
        Plateau { min_lr, ..self }
    }

    /// Whether the value should rise.
    fn rises(&self) -> bool {
        let by_name = || crate::metrics::higher_is_better(&self.monitor);
        self.rising.unwrap_or_else(by_name)
    }

    fn is_better(&self, value: f64, best: f64) -> bool {
        match (self.rises(), self.relative) {
            (false, true) => value < best * (1.0 - self.threshold),
            (false, false) => value < best - self.threshold,
            (true, true) => value > best * (self.threshold + 1.0),
            (true, false) => value > best + self.threshold,
        }
    }
}

impl From<Plateau> for Schedule {
    fn from(plateau: Plateau) -> Self {
        Schedule::of(plateau, Unit::Epoch)
    }
}

impl Curve for Plateau {
    fn rate(&self, ask: &Ask) -> f64 {
        let mut rate = ask.base;
        let mut best = match self.rises() {
            true => f64::NEG_INFINITY,
            false => f64::INFINITY,
        };
        let (mut waited, mut cooling) = (0, 0);
        for &value in ask.at.values {
            match self.is_better(value, best) {
                true => (best, waited) = (value, 0),
                false => waited += 1,
            }
            if cooling > 0 {
                cooling -= 1;
                waited = 0;
            }
            if waited > self.patience {
                let lower = (rate * self.factor).max(self.min_lr);
                if rate - lower > self.eps {
                    rate = lower;
                }
                (cooling, waited) = (self.cooldown, 0);
            }
        }
        rate
    }

    fn monitor(&self) -> Option<&str> {
        Some(&self.monitor)
    }

    fn check(&self) -> Result<()> {
        schema::validate("Plateau", self)
    }
}
