//! Schedules along a cosine (Loshchilov and Hutter, "SGDR", 2017).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::f64::consts::PI;

use super::recursion::{Recursion, Rule};
use super::{Ask, Curve, Schedule, Settings, Unit};
use crate::schema::range;

impl Schedule {
    /// Decreases the rate from the optimizer's to `floor` along half a cosine, over the whole
    /// training, or over the rest of it after a [warm-up](Schedule::warmup_epochs). It changes each
    /// step.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::cosine(0.0);
    /// let at = Progress { step: 4 * 10, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.0).abs() < 1e-12);
    /// ```
    pub fn cosine(floor: f64) -> Self {
        Schedule::of(Whole { floor }, Unit::Step)
    }

    /// Decreases the rate from the optimizer's to `floor` along half a cosine until time `period`,
    /// and increases it again after that; PyTorch's `CosineAnnealingLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::cosine_annealing(5, 0.02);
    /// let at = Progress { step: 4 * 5, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.02).abs() < 1e-12);
    /// ```
    pub fn cosine_annealing(period: u64, floor: f64) -> Self {
        let period = period.max(1);
        Recursion::schedule(Annealing { period, floor })
    }

    /// Decreases the rate from the optimizer's to `floor` along half a cosine, repeatedly. The
    /// first period is `first`, and each is `factor` times the one before. PyTorch's
    /// `CosineAnnealingWarmRestarts`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::cosine_restarts(4, 2, 0.0);
    /// let at = Progress { step: 4 * 4, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.1).abs() < 1e-12);
    /// ```
    pub fn cosine_restarts(first: u64, factor: u64, floor: f64) -> Self {
        let restarts = Restarts {
            first: first.max(1),
            factor: factor.max(1),
            floor,
        };
        Schedule::of(restarts, Unit::Epoch)
    }
}

struct Whole {
    floor: f64,
}

impl Curve for Whole {
    fn rate(&self, ask: &Ask) -> f64 {
        let total = (ask.at.steps as f64).max(1.0);
        let done = (ask.at.step as f64 / total).clamp(0.0, 1.0);
        self.floor + (ask.base - self.floor) * 0.5 * (1.0 + (PI * done).cos())
    }
}

struct Annealing {
    period: u64,
    floor: f64,
}

impl Rule for Annealing {
    fn first(&self, base: f64, restarted: bool) -> f64 {
        match restarted {
            true => self.floor + (base - self.floor) * 2.0 / 2.0,
            false => base,
        }
    }
    fn next(&self, base: f64, last: f64, time: u64) -> f64 {
        let (period, floor) = (self.period as f64, self.floor);
        // At the minimum the quotient below would be 0 / 0.
        if time > self.period && (time - 1 - self.period).is_multiple_of(2 * self.period) {
            return last + (base - floor) * (1.0 - (PI / period).cos()) / 2.0;
        }
        let height = |time: u64| 1.0 + (PI * time as f64 / period).cos();
        height(time) / height(time - 1) * (last - floor) + floor
    }
}

struct Restarts {
    first: u64,
    factor: u64,
    floor: f64,
}

impl Curve for Restarts {
    fn rate(&self, ask: &Ask) -> f64 {
        let (mut time, mut period) = (ask.time, self.first);
        if self.factor == 1 {
            time %= period;
        }
        while time >= period {
            time -= period;
            period = period.saturating_mul(self.factor);
        }
        let angle = PI * time as f64 / period as f64;
        self.floor + (ask.base - self.floor) * (1.0 + angle.cos()) / 2.0
    }
}

/// Half a cosine from the optimizer's rate to `min_lr`, over the whole training, in steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CosineSpec {
    /// The smallest rate.
    #[serde(default)]
    #[schemars(with = "range::NotNegative")]
    pub min_lr: f64,
}

impl Settings for CosineSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::cosine(self.min_lr)
    }

    fn min_lr(&self) -> Option<f64> {
        Some(self.min_lr)
    }
}

/// Half a cosine from the optimizer's rate to `min_lr` in `period`, and back after that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CosineAnnealingSpec {
    /// The time from the maximum to the minimum. Default: the length of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub period: Option<u64>,
    /// The smallest rate.
    #[serde(default)]
    #[schemars(with = "range::NotNegative")]
    pub min_lr: f64,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for CosineAnnealingSpec {
    fn build(&self, epochs: u64) -> Schedule {
        Schedule::cosine_annealing(self.period.unwrap_or(epochs), self.min_lr).counted(self.by)
    }

    fn min_lr(&self) -> Option<f64> {
        Some(self.min_lr)
    }

    fn missing_for_steps(&self) -> Option<&'static str> {
        (self.by == Unit::Step && self.period.is_none()).then_some("period")
    }
}

/// Half a cosine from the optimizer's rate to `min_lr`, repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CosineRestartsSpec {
    /// The length of the first period.
    #[schemars(with = "range::Count<1>", example = 10)]
    pub first: u64,
    /// The ratio of the length of each period to the one before.
    #[serde(default = "one")]
    #[schemars(with = "range::Count<1>")]
    pub factor: u64,
    /// The smallest rate.
    #[serde(default)]
    #[schemars(with = "range::NotNegative")]
    pub min_lr: f64,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for CosineRestartsSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::cosine_restarts(self.first, self.factor, self.min_lr).counted(self.by)
    }

    fn min_lr(&self) -> Option<f64> {
        Some(self.min_lr)
    }
}

fn one() -> u64 {
    1
}
