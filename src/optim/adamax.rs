//! Adamax: Adam with the infinity norm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, correction, running};

/// Adamax (Kingma and Ba, 2015): `m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); p -= rate / (1 -
/// b1^t) m / u`. Weight decay is an L2 penalty.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Adamax::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adamax {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rates of the mean and of the maximum.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// Added to the gradient's magnitude.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
}

impl Default for Adamax {
    fn default() -> Self {
        Adamax {
            lr: 2e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

impl Adamax {
    /// Creates the optimizer with the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight
    /// decay. The paper's rate is 0.002.
    pub fn new(lr: f64) -> Self {
        Adamax {
            lr,
            ..Adamax::default()
        }
    }

    /// Sets the decay rates of the mean and of the maximum, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        Adamax { betas, ..self }
    }

    /// Sets `eps`, which is added to the gradient's magnitude.
    pub fn eps(self, eps: f64) -> Self {
        Adamax { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adamax {
            weight_decay,
            ..self
        }
    }
}

impl Optimizer for Adamax {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg"), State::zero("exp_inf")]
    }

    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![rate / correction(self.betas.0, step)]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m, largest], [size])) = u.parts() else {
            return u.unchanged();
        };
        let g = u.penalised(self.weight_decay);
        let m = running(&m, self.betas.0, &g);
        let largest = (largest * self.betas.1).maximum(&(g.abs() + self.eps));
        Updated {
            parameter: u.parameter - &m / &largest * size,
            states: vec![m, largest],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Adamax", self)
    }
}
