//! Adagrad.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated};

/// Adagrad (Duchi, Hazan and Singer, 2011): `s += g^2; p -= rate / (1 + (t - 1) rate_decay) g /
/// (sqrt(s) + eps)`. Weight decay is an L2 penalty.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Adagrad::new(0.5))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay of the learning rate, in addition to any schedule: it is halved after `1 /
    /// lr_decay` steps.
    #[schemars(with = "range::NotNegative")]
    lr_decay: f64,
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// The initial value of the sum of squares.
    #[schemars(with = "range::NotNegative")]
    initial_accumulator_value: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Adagrad {
            lr: 0.01,
            lr_decay: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
        }
    }
}

impl Adagrad {
    /// Creates the optimizer with the usual settings: eps 1e-10, a sum of squares that starts at 0,
    /// no decay of the rate or the weights.
    pub fn new(lr: f64) -> Self {
        Adagrad {
            lr,
            ..Adagrad::default()
        }
    }

    /// Sets the decay of the learning rate, in addition to any schedule: it is halved after `1 /
    /// lr_decay` steps.
    pub fn lr_decay(self, lr_decay: f64) -> Self {
        Adagrad { lr_decay, ..self }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        Adagrad { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adagrad {
            weight_decay,
            ..self
        }
    }

    /// Sets the initial value of the sum of squares, at least 0.
    pub fn initial_accumulator_value(self, value: f64) -> Self {
        Adagrad {
            initial_accumulator_value: value,
            ..self
        }
    }
}

impl Optimizer for Adagrad {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State {
            name: "sum",
            first: self.initial_accumulator_value as f32,
        }]
    }

    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![rate / (1.0 + (step as f64 - 1.0) * self.lr_decay)]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([sum], [rate])) = u.parts() else {
            return u.unchanged();
        };
        let g = u.penalised(self.weight_decay);
        let sum = sum + g.square();
        Updated {
            parameter: u.parameter - g / (sum.sqrt() + self.eps) * rate,
            states: vec![sum],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Adagrad", self)
    }
}
