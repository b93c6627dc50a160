//! A rate that falls when there is no progress.

use super::{Ask, Curve, Schedule, Unit};

/// Multiplies the rate when a value has not improved for some epochs; PyTorch's `ReduceLROnPlateau`. The value
/// is one that a history has of each epoch, by default the validation's loss.
///
/// It keeps no state: the rate is worked out from the values of all epochs so far, which a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    monitor: String,
    rising: bool,
    factor: f64,
    patience: u64,
    threshold: f64,
    relative: bool,
    cooldown: u64,
    min_rate: f64,
    eps: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau::new()
    }
}

impl Plateau {
    /// With PyTorch's settings: a tenth of the rate after more than 10 epochs in which `val_loss` did not fall
    /// by a ten thousandth of itself.
    pub fn new() -> Self {
        Plateau {
            monitor: "val_loss".to_string(),
            rising: false,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            relative: true,
            cooldown: 0,
            min_rate: 0.0,
            eps: 1e-8,
        }
    }

    /// The value to watch, which should fall.
    pub fn falling(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: false,
            ..self
        }
    }

    /// The value to watch, which should rise: `"val_accuracy"`.
    pub fn rising(self, monitor: &str) -> Self {
        Plateau {
            monitor: monitor.to_string(),
            rising: true,
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
    pub fn min_rate(self, min_rate: f64) -> Self {
        Plateau { min_rate, ..self }
    }

    fn is_better(&self, value: f64, best: f64) -> bool {
        match (self.rising, self.relative) {
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
        let mut best = match self.rising {
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
                let lower = (rate * self.factor).max(self.min_rate);
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
}
