//! Learning-rate schedules: the rate as a function of the step.
//!
//! The rate is a value in a buffer, so changing it recompiles nothing.

/// How the learning rate changes over the training. Steps count from 0, before the first update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The optimizer's rate, always.
    Constant,
    /// `alpha_new = alpha_old * gamma` after each epoch.
    Exponential {
        /// The factor of each epoch.
        gamma: f64,
    },
    /// From 0 up to the optimizer's rate in a straight line, then down to `floor` along half a cosine
    /// (Loshchilov and Hutter, "SGDR", 2017).
    Cosine {
        /// Epochs of the straight line; may be a fraction, or 0.
        warmup_epochs: f64,
        /// The last rate.
        floor: f64,
    },
}

/// Where in the training a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done since the training began.
    pub step: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the whole training.
    pub epochs: u64,
}

impl Schedule {
    /// The rate for the step after `at.step` steps, where `base` is the optimizer's own.
    pub fn rate(&self, base: f64, at: Progress) -> f64 {
        let per_epoch = at.steps_per_epoch.max(1);
        match *self {
            Schedule::Constant => base,
            Schedule::Exponential { gamma } => {
                // Multiplied out, so that each epoch's rate is exactly the last one's times gamma.
                (0..at.step / per_epoch).fold(base, |rate, _| rate * gamma)
            }
            Schedule::Cosine {
                warmup_epochs,
                floor,
            } => {
                let step = at.step as f64;
                let warmup = (warmup_epochs * per_epoch as f64).round();
                let total = (at.epochs.max(1) * per_epoch) as f64;
                if step < warmup {
                    return base * (step + 1.0) / warmup;
                }
                let done = ((step - warmup) / (total - warmup).max(1.0)).clamp(0.0, 1.0);
                floor + (base - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Progress {
        Progress {
            step,
            steps_per_epoch: 10,
            epochs: 4,
        }
    }

    #[test]
    fn the_exponential_rate_is_last_epochs_times_gamma() {
        let s = Schedule::Exponential { gamma: 0.9 };
        assert_eq!(s.rate(0.01, at(9)), 0.01);
        assert_eq!(s.rate(0.01, at(10)), 0.01 * 0.9);
        assert_eq!(s.rate(0.01, at(25)), 0.01 * 0.9 * 0.9);
    }

    #[test]
    fn the_cosine_rate_warms_up_and_ends_at_its_floor() {
        let s = Schedule::Cosine {
            warmup_epochs: 1.0,
            floor: 0.001,
        };
        assert_eq!(s.rate(0.1, at(0)), 0.01);
        assert_eq!(s.rate(0.1, at(9)), 0.1);
        assert_eq!(s.rate(0.1, at(10)), 0.1);
        assert!((s.rate(0.1, at(25)) - 0.0505).abs() < 1e-12);
        assert!((s.rate(0.1, at(40)) - 0.001).abs() < 1e-12);
    }
}
