//! Groups of parameters with their own learning rate or weight decay.

use crate::optim::Optimizer;
use crate::schedule::Progress;
use crate::{Error, Result};

use super::spec::{TrainSpec, matches};

/// The settings of a parameter group: its own learning rate, weight decay, or both.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::Group;
///
/// let set = Dataset::from_arrays(vec![1.0], [1], Targets::values(vec![3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::zeros()))
///     .loss(loss::Mse)
///     .optimizer(optim::Sgd::new(0.1))
///     .group("bias", Group::factor(0.5))
///     .compile(&Device::cpu(), &set)?;
/// trainer.fit(&set, Fit::epochs(1))?;
/// let [weight, bias] = ["weight", "bias"].map(|name| trainer.weights(name).unwrap()[0]);
/// assert!((weight - 0.6).abs() < 1e-6 && (bias - 0.3).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    rate: Rate,
    decay: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    /// A factor of the optimizer's rate.
    Factor(f64),
    /// A rate instead of the optimizer's; the schedule starts from it.
    Own(f64),
}

impl Group {
    /// Creates a group whose rate is `factor` times the optimizer's scheduled rate. The factor must
    /// be above 0; use [`TrainerBuilder::freeze`](super::TrainerBuilder::freeze) to exclude
    /// parameters from training.
    pub fn factor(factor: f64) -> Self {
        Group {
            rate: Rate::Factor(factor),
            decay: None,
        }
    }

    /// Creates a group with its own base rate, above 0, from which the schedule starts.
    pub fn rate(rate: f64) -> Self {
        Group {
            rate: Rate::Own(rate),
            decay: None,
        }
    }

    /// Sets the weight decay of the group, instead of the optimizer's.
    pub fn weight_decay(self, decay: f64) -> Self {
        Group {
            decay: Some(decay),
            ..self
        }
    }

    fn check(&self) -> Result<()> {
        let (what, value) = match self.rate {
            Rate::Factor(factor) => ("a group's factor", factor),
            Rate::Own(rate) => ("a group's learning rate", rate),
        };
        match value > 0.0 && value <= f64::from(f32::MAX) {
            true => Ok(()),
            false => Err(Error::argument(what, value, "a number above 0")),
        }
    }
}

/// A group in a training specification.
pub(super) struct Grouped {
    pub pattern: String,
    pub group: Group,
    /// The optimizer with the group's own weight decay, if it has one.
    pub optimizer: Option<Box<dyn Optimizer>>,
}

impl TrainSpec {
    /// Creates the optimizers of the groups.
    pub fn prepare_groups(&mut self) -> Result<()> {
        for grouped in &mut self.groups {
            grouped.group.check()?;
            let decayed = |decay| self.optimizer.with_weight_decay(decay);
            grouped.optimizer = grouped.group.decay.map(decayed);
            if let Some(optimizer) = &grouped.optimizer {
                optimizer.check()?;
            }
        }
        Ok(())
    }

    /// Returns the index of a parameter's group, from 1, or 0 for none. The first matching pattern
    /// counts.
    pub fn group_of(&self, name: &str) -> usize {
        let fits = |g: &Grouped| matches(&g.pattern, name);
        self.groups.iter().position(fits).map_or(0, |i| i + 1)
    }

    /// Returns the optimizer of a group.
    pub fn optimizer_of(&self, group: usize) -> &dyn Optimizer {
        let own = group.checked_sub(1).and_then(|i| self.groups.get(i));
        let own = own.and_then(|g| g.optimizer.as_deref());
        own.unwrap_or(self.optimizer.as_ref())
    }

    /// Returns the optimizer's base rate at a time, and the scalars of a step. These are the
    /// scalars of the optimizer without a group, then of each group, then the weights of the moving
    /// average. A step of several batches also has the weight of this batch, if the loss weights
    /// its labels, and the factor that normalizes the gradient. `batch` and `whole` are the numbers
    /// of samples, or the weights, of the batch and of the step.
    pub fn scalars(&self, step: u64, at: Progress, (batch, whole): (f64, f64)) -> (f64, Vec<f64>) {
        let base = self.optimizer.learning_rate();
        let rate = self.schedule.rate(base, at);
        let mut scalars = self.optimizer.scalars(step, rate);
        for (i, grouped) in self.groups.iter().enumerate() {
            let rate = match grouped.group.rate {
                Rate::Factor(factor) => rate * factor,
                Rate::Own(own) => self.schedule.rate(own, at),
            };
            scalars.extend(self.optimizer_of(i + 1).scalars(step, rate));
        }
        if let Some(decay) = self.ema {
            // The first average is the first weights, as in PyTorch's `AveragedModel`.
            let keep = if step <= 1 { 0.0 } else { decay };
            scalars.extend([keep, 1.0 - keep]);
        }
        if self.batches_per_step() > 1 {
            scalars.extend(self.is_weighted().then_some(batch));
            // A step in which all labels are ignored has a gradient of 0.
            scalars.push(if whole > 0.0 { 1.0 / whole } else { 0.0 });
        }
        (rate, scalars)
    }
}
