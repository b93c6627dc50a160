//! Schedules along a line or a power of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recursion::{Recursion, Rule};
use super::{Schedule, Settings, Unit};
use crate::schema::range;

impl Schedule {
    /// Changes the rate linearly from `start` times the optimizer's rate, above 0, to `end` times
    /// it at time `total`; PyTorch's `LinearLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::linear(1.0, 0.5, 4);
    /// let at = Progress { step: 4 * 2, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.075).abs() < 1e-12);
    /// ```
    pub fn linear(start: f64, end: f64, total: u64) -> Self {
        Recursion::schedule(Linear {
            start,
            end,
            total: total.max(1),
        })
    }

    /// Decreases the rate as `base (1 - time / total)^power`, to 0 at `total`; PyTorch's
    /// `PolynomialLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::polynomial(4, 2.0);
    /// let at = Progress { step: 4 * 2, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.025).abs() < 1e-12);
    /// ```
    pub fn polynomial(total: u64, power: f64) -> Self {
        Recursion::schedule(Polynomial {
            total: total.max(1),
            power,
        })
    }
}

struct Linear {
    start: f64,
    end: f64,
    total: u64,
}

impl Rule for Linear {
    fn first(&self, base: f64, restarted: bool) -> f64 {
        match restarted {
            true => base * (self.start + (self.end - self.start) * 0.0 / self.total as f64),
            false => base * self.start,
        }
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        if time > self.total {
            return last;
        }
        let rise = self.end - self.start;
        let now = self.total as f64 * self.start + (time as f64 - 1.0) * rise;
        last * (1.0 + rise / now)
    }
}

struct Polynomial {
    total: u64,
    power: f64,
}

impl Rule for Polynomial {
    fn first(&self, base: f64, _: bool) -> f64 {
        base
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        if time > self.total {
            return last;
        }
        let left = |time: u64| 1.0 - time as f64 / self.total as f64;
        last * (left(time) / left(time - 1)).powf(self.power)
    }
}

/// Changes the rate linearly from `start` times the optimizer's to `end` times it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinearSpec {
    /// The factor at the start.
    #[serde(default = "one")]
    #[schemars(with = "range::Positive")]
    pub start: f64,
    /// The factor at the end.
    #[serde(default)]
    #[schemars(with = "range::NotNegative")]
    pub end: f64,
    /// The time at which the change ends. Default: the length of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub total: Option<u64>,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for LinearSpec {
    fn build(&self, epochs: u64) -> Schedule {
        Schedule::linear(self.start, self.end, self.total.unwrap_or(epochs)).counted(self.by)
    }

    fn missing_for_steps(&self) -> Option<&'static str> {
        (self.by == Unit::Step && self.total.is_none()).then_some("total")
    }
}

/// The rate `lr (1 - time / total)^power`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolynomialSpec {
    /// The exponent.
    #[serde(default = "one")]
    #[schemars(with = "range::Positive")]
    pub power: f64,
    /// The time at which the rate is 0. Default: the length of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub total: Option<u64>,
    /// The unit of the times.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for PolynomialSpec {
    fn build(&self, epochs: u64) -> Schedule {
        Schedule::polynomial(self.total.unwrap_or(epochs), self.power).counted(self.by)
    }

    fn missing_for_steps(&self) -> Option<&'static str> {
        (self.by == Unit::Step && self.total.is_none()).then_some("total")
    }
}

fn one() -> f64 {
    1.0
}
