//! Schedules that multiply the rate by a factor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recursion::{Recursion, Rule};
use super::{Schedule, Settings, Unit};
use crate::schema::range;

impl Schedule {
    /// Multiplies the rate by `gamma` every `size` epochs; PyTorch's `StepLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::step(4, 0.5);
    /// let at = Progress { step: 4 * 9, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.025).abs() < 1e-12);
    /// ```
    pub fn step(size: u64, gamma: f64) -> Self {
        let size = size.max(1);
        Recursion::schedule(Step { size, gamma })
    }

    /// Multiplies the rate by `gamma` at each of these times; PyTorch's `MultiStepLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::multi_step([2, 8], 0.5);
    /// let at = Progress { step: 4 * 9, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.025).abs() < 1e-12);
    /// ```
    pub fn multi_step(milestones: impl IntoIterator<Item = u64>, gamma: f64) -> Self {
        let milestones = milestones.into_iter().collect();
        Recursion::schedule(MultiStep { milestones, gamma })
    }

    /// Multiplies the rate by `gamma` every epoch; PyTorch's `ExponentialLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::exponential(0.5);
    /// let at = Progress { step: 4 * 2, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.025).abs() < 1e-12);
    /// ```
    pub fn exponential(gamma: f64) -> Self {
        Recursion::schedule(Step { size: 1, gamma })
    }

    /// Multiplies the optimizer's rate by `factor` until time `total`; PyTorch's `ConstantLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::constant_factor(0.5, 2);
    /// let at = Progress { step: 4 * 1, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.05).abs() < 1e-12);
    /// ```
    pub fn constant_factor(factor: f64, total: u64) -> Self {
        Recursion::schedule(ConstantFactor { factor, total })
    }
}

struct Step {
    size: u64,
    gamma: f64,
}

impl Rule for Step {
    fn first(&self, base: f64, _: bool) -> f64 {
        base
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        match time.is_multiple_of(self.size) {
            true => last * self.gamma,
            false => last,
        }
    }
}

struct MultiStep {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStep {
    fn fallen(&self, rate: f64, time: u64) -> f64 {
        match self.milestones.iter().filter(|m| **m == time).count() {
            0 => rate,
            // A milestone that is listed twice counts twice.
            count => rate * self.gamma.powf(count as f64),
        }
    }
}

impl Rule for MultiStep {
    fn first(&self, base: f64, _: bool) -> f64 {
        self.fallen(base, 0)
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        self.fallen(last, time)
    }
}

struct ConstantFactor {
    factor: f64,
    total: u64,
}

impl Rule for ConstantFactor {
    fn first(&self, base: f64, restarted: bool) -> f64 {
        let whole = f64::from(u8::from(self.total == 0));
        match restarted {
            true => base * (self.factor + whole * (1.0 - self.factor)),
            false => base * self.factor,
        }
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        match time == self.total {
            true => last * (1.0 / self.factor),
            false => last,
        }
    }
}

/// Multiplies the rate by `gamma` after every `size`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// The time between two decreases.
    #[schemars(with = "range::Count<1>", example = 10)]
    pub size: u64,
    /// The factor.
    #[serde(default = "tenth")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for StepSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::step(self.size, self.gamma).counted(self.by)
    }
}

/// Multiplies the rate by `gamma` at each milestone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MultiStepSpec {
    /// The times of the decreases.
    #[schemars(with = "range::Counts", extend("examples" = [[30, 60]]))]
    pub milestones: Vec<u64>,
    /// The factor.
    #[serde(default = "tenth")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for MultiStepSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::multi_step(self.milestones.iter().copied(), self.gamma).counted(self.by)
    }
}

/// Multiplies the rate by `gamma` at each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExponentialSpec {
    /// The factor.
    #[serde(default = "nine_tenths")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for ExponentialSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::exponential(self.gamma).counted(self.by)
    }
}

fn tenth() -> f64 {
    0.1
}

fn nine_tenths() -> f64 {
    0.9
}
