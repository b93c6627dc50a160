//! Rates that fall by a factor now and then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recursion::{Recursion, Rule};
use super::{Schedule, Settings, Unit};
use crate::schema::range;

impl Schedule {
    /// Times `gamma` after every `size`; PyTorch's `StepLR`.
    pub fn step(size: u64, gamma: f64) -> Self {
        let size = size.max(1);
        Recursion::schedule(Step { size, gamma })
    }

    /// Times `gamma` at each of these times; PyTorch's `MultiStepLR`.
    pub fn multi_step(milestones: impl IntoIterator<Item = u64>, gamma: f64) -> Self {
        let milestones = milestones.into_iter().collect();
        Recursion::schedule(MultiStep { milestones, gamma })
    }

    /// Times `gamma` each time; PyTorch's `ExponentialLR`.
    pub fn exponential(gamma: f64) -> Self {
        Recursion::schedule(Step { size: 1, gamma })
    }

    /// `factor` times the optimizer's rate up to the time `total`, then that rate; PyTorch's `ConstantLR`.
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
            // One that is named twice counts twice.
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

/// The rate times `gamma` after every `size`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// The time between two falls.
    #[schemars(with = "range::Count<1>", example = 10)]
    pub size: u64,
    /// The factor.
    #[serde(default = "tenth")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// What the times count.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for StepSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::step(self.size, self.gamma).counted(self.by)
    }
}

/// The rate times `gamma` at each of some times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MultiStepSpec {
    /// The times of the falls.
    #[schemars(with = "range::Counts", extend("examples" = [[30, 60]]))]
    pub milestones: Vec<u64>,
    /// The factor.
    #[serde(default = "tenth")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// What the times count.
    #[serde(default)]
    pub by: Unit,
}

impl Settings for MultiStepSpec {
    fn build(&self, _: u64) -> Schedule {
        Schedule::multi_step(self.milestones.iter().copied(), self.gamma).counted(self.by)
    }
}

/// The rate times `gamma` each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExponentialSpec {
    /// The factor.
    #[serde(default = "nine_tenths")]
    #[schemars(with = "range::Factor")]
    pub gamma: f64,
    /// What the times count.
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
