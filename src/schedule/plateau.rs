//! A schedule that reduces the rate when a monitored value stops improving.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ask, Curve, Schedule, Settings, Unit};
use crate::Result;
use crate::schema::{self, range};

/// Multiplies the rate by a factor when a value has not improved for some epochs; PyTorch's
/// `ReduceLROnPlateau`. The value is one of the history's, by default the validation loss.
///
/// It has no state: the rate is computed from the values of all epochs so far, which a checkpoint
/// contains.
///
/// # Example
/// ```
/// use wgrad::schedule::{Plateau, Progress, Schedule};
///
/// let schedule = Schedule::from(Plateau::new().falling("loss").factor(0.5).patience(1));
/// let values = [1.0, 0.8, 0.8, 0.8]; // no improvement in two epochs
/// let at = |step: u64| {
///     let values = &values[..step as usize];
///     Progress { step, steps_per_epoch: 1, steps: 9, values }
/// };
/// assert_eq!(schedule.rate(0.1, at(3)), 0.1);
/// assert_eq!(schedule.rate(0.1, at(4)), 0.05);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plateau {
    /// The value to monitor: `loss`, a metric's name, or one of these with the prefix `val_`.
    #[schemars(with = "range::Text")]
    monitor: String,
    /// The factor of the rate.
    #[schemars(with = "range::Share")]
    factor: f64,
    /// The number of epochs without improvement that are tolerated.
    patience: u64,
    /// The smallest improvement, as a fraction of the best value.
    #[schemars(with = "range::NotNegative")]
    threshold: f64,
    /// The number of epochs after a reduction in which the value is ignored.
    cooldown: u64,
    /// The smallest rate.
    #[schemars(with = "range::NotNegative")]
    min_lr: f64,
    /// Whether larger values are better. Default: as for the metric of that name.
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
    /// Creates the schedule with PyTorch's settings: the rate is multiplied by 0.1 after more than
    /// 10 epochs in which `val_loss` did not decrease by a factor of 1e-4.
    pub fn new() -> Self {
        Plateau::default()
    }

    /// Sets the value to monitor, of which smaller values are better.
    pub fn falling(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: Some(false),
            ..self
        }
    }

    /// Sets the value to monitor, of which larger values are better: `"val_accuracy"`.
    pub fn rising(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: Some(true),
            ..self
        }
    }

    /// Sets the factor of the rate, above 0 and below 1.
    pub fn factor(self, factor: f64) -> Self {
        Plateau { factor, ..self }
    }

    /// Sets the number of epochs without improvement that are tolerated.
    pub fn patience(self, patience: u64) -> Self {
        Plateau { patience, ..self }
    }

    /// Sets the smallest improvement, as a fraction of the best value.
    pub fn threshold(self, threshold: f64) -> Self {
        Plateau {
            threshold,
            relative: true,
            ..self
        }
    }

    /// Sets the smallest improvement, as an absolute difference.
    pub fn min_delta(self, threshold: f64) -> Self {
        Plateau {
            threshold,
            relative: false,
            ..self
        }
    }

    /// Sets the number of epochs after a reduction in which the value is ignored.
    pub fn cooldown(self, cooldown: u64) -> Self {
        Plateau { cooldown, ..self }
    }

    /// Sets the smallest rate.
    pub fn min_lr(self, min_lr: f64) -> Self {
        Plateau { min_lr, ..self }
    }

    /// Returns whether larger values are better.
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
