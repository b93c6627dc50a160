//! Groups of parameters that are trained otherwise than the rest.

use crate::optim::Optimizer;
use crate::schedule::Progress;
use crate::{Error, Result};

use super::spec::{TrainSpec, matches};

/// How the parameters of a group are trained: with another learning rate, another weight decay, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    rate: Rate,
    decay: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    /// So many times the optimizer's.
    Factor(f64),
    /// Instead of the optimizer's; the schedule starts from it.
    Own(f64),
}

impl Group {
    /// With so many times the optimizer's rate, whatever the schedule makes of that. Above 0; what shall not
    /// be trained at all is frozen.
    pub fn factor(factor: f64) -> Self {
        Group {
            rate: Rate::Factor(factor),
            decay: None,
        }
    }

    /// With a rate of its own, above 0, from which the schedule starts.
    pub fn rate(rate: f64) -> Self {
        Group {
            rate: Rate::Own(rate),
            decay: None,
        }
    }

    /// The same with a weight decay of its own, instead of the optimizer's.
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

/// A group in a train_spec.
pub(super) struct Grouped {
    pub pattern: String,
    pub group: Group,
    /// The optimizer with the group's own decay, where it has one.
    pub optimizer: Option<Box<dyn Optimizer>>,
}

impl TrainSpec {
    /// Gives the groups their optimizers.
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

    /// The number of a parameter's group, from 1; 0 for the rest. The first pattern that fits counts.
    pub fn group_of(&self, name: &str) -> usize {
        let fits = |g: &Grouped| matches(&g.pattern, name);
        self.groups.iter().position(fits).map_or(0, |i| i + 1)
    }

    /// What updates the parameters of a group.
    pub fn optimizer_of(&self, group: usize) -> &dyn Optimizer {
        let own = group.checked_sub(1).and_then(|i| self.groups.get(i));
        let own = own.and_then(|g| g.optimizer.as_deref());
        own.unwrap_or(self.optimizer.as_ref())
    }

    /// The optimizer's own rate at a time, and the numbers of a step: those of the rest, then of each group; how
    /// averages are made; and where a step has several batches, how much this one counts, if that is by weights,
    /// and what a gradient by samples or weights is multiplied by. `batch` and `whole` are the samples or the
    /// weight of the batch and of the step.
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
            // A step of ignored labels alone has a gradient of 0.
            scalars.push(if whole > 0.0 { 1.0 / whole } else { 0.0 });
        }
        (rate, scalars)
    }
}
