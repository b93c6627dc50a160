//! Adadelta.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, running};

/// Adadelta (Zeiler, 2012): `v = rho v + (1 - rho) g^2; d = sqrt(a + eps) / sqrt(v + eps) g; a =
/// rho a + (1 - rho) d^2; p -= rate d`. Weight decay is an L2 penalty.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Adadelta::new(1.0).eps(0.01))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adadelta {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rate of the running means of squares.
    #[schemars(with = "range::Fraction")]
    rho: f64,
    /// Added to the root mean squares. It determines the size of the first steps.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
}

impl Default for Adadelta {
    fn default() -> Self {
        Adadelta {
            lr: 1.0,
            rho: 0.9,
            eps: 1e-6,
            weight_decay: 0.0,
        }
    }
}

impl Adadelta {
    /// Creates the optimizer with the usual settings: rho 0.9, eps 1e-6, no weight decay. The
    /// paper's rate is 1.
    pub fn new(lr: f64) -> Self {
        Adadelta {
            lr,
            ..Adadelta::default()
        }
    }

    /// Sets the decay rate of the running means of squares, at least 0 and below 1.
    pub fn rho(self, rho: f64) -> Self {
        Adadelta { rho, ..self }
    }

    /// Sets `eps`, which is added to the root mean squares. It determines the size of the first
    /// steps.
    pub fn eps(self, eps: f64) -> Self {
        Adadelta { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adadelta {
            weight_decay,
            ..self
        }
    }
}

impl Optimizer for Adadelta {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("square_avg"), State::zero("acc_delta")]
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([square, delta], [rate])) = u.parts() else {
            return u.unchanged();
        };
        let g = u.penalised(self.weight_decay);
        let square = running(&square, self.rho, &g.square());
        let step = (&delta + self.eps).sqrt() / (&square + self.eps).sqrt() * g;
        let delta = running(&delta, self.rho, &step.square());
        Updated {
            parameter: u.parameter - step * rate,
            states: vec![square, delta],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Adadelta", self)
    }
}
